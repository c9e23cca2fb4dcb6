//! The losses of style transfer over a tap's activations, and the statistics that they compare, as nodes of a graph
//! (Gatys, Ecker and Bethge 2016, equations 1 to 5).

use crate::graph::{Attr, Graph, Port, Tensor};
use crate::moments::{self, Moments};
use crate::spec::{ObjectiveSpec, Term, TermKind, region_input};
use crate::tap::Tap;

/// weight · the mean square of the difference, which counts by the mask if there is one.
pub(crate) fn content_loss(
    graph: &mut Graph,
    term: &Term,
    value: &str,
    target: &str,
    mask: Option<&Mask>,
) -> String {
    let mut difference = graph.add("Sub", &format!("{}/difference", term.name), &[value, target]);
    if let Some(mask) = mask {
        let share = graph.add("Div", &format!("{}/share", term.name), &[&mask.positions, &mask.sum]);
        let share = graph.add("Sqrt", &format!("{}/share/root", term.name), &[&share]);
        let weight = graph.add("Mul", &format!("{}/weights", term.name), &[&mask.root, &share]);
        difference = graph.add("Mul", &format!("{}/masked", term.name), &[&difference, &weight]);
    }
    weighted_mean_square(graph, term, &difference)
}

/// weight · the mean square of the difference D of two Gram matrices. With a tap head S it is S·D·S: the difference of the
/// Gram matrices of S·F, without S at every position. (S·G·S of each matrix would not do: there sums cancel, and the loss
/// would be off by a thousandth in float32. In D they have cancelled before.)
pub(crate) fn gram_loss(graph: &mut Graph, term: &Term, tap: &Tap, gram: &str, target: &str) -> String {
    let mut difference = graph.add("Sub", &format!("{}/difference", term.name), &[gram, target]);
    if let Some(head) = &tap.head {
        let head = graph.constant(&format!("head/{}.matrix", term.tap), head.clone());
        let left = graph.add("MatMul", &format!("{}/difference/left", term.name), &[&head, &difference]);
        difference = graph.add("MatMul", &format!("{}/difference/head", term.name), &[&left, &head]);
    }
    weighted_mean_square(graph, term, &difference)
}

/// weight · the distance of the moments from the target's, which are one matrix.
pub(crate) fn moments_loss(
    graph: &mut Graph,
    term: &Term,
    moments: &Moments,
    target: &str,
    channels: usize,
) -> String {
    let target = moments::split(graph, &format!("{}/target", term.name), target, channels);
    let distance = moments::distance(graph, &term.name, moments, &target, channels);
    let weight = graph.input(Port::new(term.weight.clone(), &[]));
    graph.add("Mul", &term.loss, &[&distance, &weight])
}

/// The mask at a tap's positions.
pub(crate) struct Mask {
    /// [1, 1, h, w], the square root of each position's weight.
    pub root: String,
    /// The sum of the weights, a scalar.
    pub sum: String,
    /// How many positions there are, a scalar.
    pub positions: String,
}

/// Is added to the sum of a mask; far below what a single pixel of a mask counts.
const LEAST_SUM: f32 = 1e-20;

/// Adds, once for each block, the mask that a term counts by, averaged over what the poolings before the tap take
/// together; None if it counts everywhere alike.
pub(crate) fn mask(graph: &mut Graph, spec: &ObjectiveSpec, term: &Term, tap: &Tap) -> Option<Mask> {
    let input = match term.kind {
        TermKind::Style(Some(region)) => region_input(region),
        TermKind::Style(None) | TermKind::Content if spec.masked => "mask".to_string(),
        _ => return None,
    };
    let name = |what: &str| format!("{input}/{}/{what}", tap.block);
    let known = Mask { root: name("root"), sum: name("sum"), positions: name("positions") };
    if graph.nodes.iter().any(|n| n.name == known.root) {
        return Some(known);
    }
    let mut pooled = input.clone();
    if tap.block > 1 {
        let window = || Attr::Ints(vec![1 << (tap.block - 1); 2]);
        let attrs = [("kernel_shape", window()), ("strides", window())];
        pooled = graph.add_with("AveragePool", &name("pooled"), &[&input], attrs);
    }
    let root = graph.add("Sqrt", &known.root, &[&pooled]);
    // A mask in a corner that a pooling leaves out selects nothing behind it: the sums over it are 0 then, not 0/0.
    let all = graph.add_with("ReduceSum", &name("all"), &[&pooled], [("keepdims", Attr::Int(0))]);
    let least = graph.scalar(LEAST_SUM);
    let sum = graph.add("Add", &known.sum, &[&all, &least]);
    let size = graph.add("Size", &name("size"), &[&pooled]);
    let positions = graph.add_with("Cast", &known.positions, &[&size], [("to", Attr::Int(1))]);
    Some(Mask { root, sum, positions })
}

/// G = F·Fᵀ/M for activations F [N, M]. With a mask the positions count by its weights m: F·diag(m)·Fᵀ/Σm
/// (the guided Gram matrix of Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer",
/// section 4).
pub(crate) fn gram(
    graph: &mut Graph,
    name: &str,
    value: &str,
    channels: usize,
    mask: Option<&Mask>,
) -> String {
    let product = product(graph, name, value, channels, mask);
    per_position(graph, name, value, channels, mask, &product)
}

/// The mean of activations [N, 1], weighted as in [`gram`].
pub(crate) fn mean(
    graph: &mut Graph,
    name: &str,
    value: &str,
    channels: usize,
    mask: Option<&Mask>,
) -> String {
    let sum = weighted_sum(graph, name, value, channels, mask);
    per_position(graph, &format!("{name}/mean"), value, channels, mask, &sum)
}

/// F·m [N, 1]: the sum of activations over positions by their weights.
pub(crate) fn weighted_sum(
    graph: &mut Graph,
    name: &str,
    value: &str,
    channels: usize,
    mask: Option<&Mask>,
) -> String {
    let value = match mask {
        Some(mask) => {
            let masked = graph.add("Mul", &format!("{name}/mean/masked"), &[value, &mask.root]);
            graph.add("Mul", &format!("{name}/mean/weighted"), &[&masked, &mask.root])
        }
        None => value.to_string(),
    };
    let shape = graph.i64s(&[channels as i64, -1]);
    let f = graph.add("Reshape", &format!("{name}/mean/matrix"), &[&value, &shape]);
    let along = graph.i64s(&[1]);
    let keep = [("keepdims", Attr::Int(1))];
    graph.add_with("ReduceSum", &format!("{name}/mean/sum"), &[&f, &along], keep)
}

/// A sum over the positions of `value` divided by their weights' sum.
pub(crate) fn per_position(
    graph: &mut Graph,
    name: &str,
    value: &str,
    channels: usize,
    mask: Option<&Mask>,
    sum: &str,
) -> String {
    let part = match mask {
        Some(mask) => {
            let one = graph.scalar(1.0);
            graph.add("Div", &format!("{name}/per_position"), &[&one, &mask.sum])
        }
        None => {
            let size = graph.add("Size", &format!("{name}/size"), &[value]);
            let to = [("to", Attr::Int(1))];
            let size = graph.add_with("Cast", &format!("{name}/size/float"), &[&size], to);
            let n = graph.scalar(channels as f32);
            graph.add("Div", &format!("{name}/per_position"), &[&n, &size])
        }
    };
    graph.add("Mul", &format!("{name}/normalised"), &[sum, &part])
}

/// F·diag(m)·Fᵀ
pub(crate) fn product(
    graph: &mut Graph,
    name: &str,
    value: &str,
    channels: usize,
    mask: Option<&Mask>,
) -> String {
    let value = match mask {
        Some(mask) => graph.add("Mul", &format!("{name}/masked"), &[value, &mask.root]),
        None => value.to_string(),
    };
    let shape = graph.i64s(&[channels as i64, -1]);
    let f = graph.add("Reshape", &format!("{name}/matrix"), &[&value, &shape]);
    graph.add_with("Gemm", &format!("{name}/product"), &[&f, &f], [("transB", Attr::Int(1))])
}

/// The differences of each pixel to its right and its lower neighbour [1, 6, H−1, W−1], as a convolution.
pub(crate) fn neighbour_differences(graph: &mut Graph) -> String {
    let mut kernel = vec![0.0f32; 6 * 3 * 2 * 2];
    for channel in 0..3 {
        for (direction, neighbour) in [(0, 1), (1, 2)] {
            let filter = &mut kernel[((2 * channel + direction) * 3 + channel) * 4..][..4];
            filter[0] = -1.0;
            filter[neighbour] = 1.0;
        }
    }
    let kernel = graph.constant("tv/kernel", Tensor::f32(&[6, 3, 2, 2], kernel));
    graph.add_with("Conv", "tv/difference", &["picture", &kernel], [("kernel_shape", Attr::Ints(vec![2, 2]))])
}

/// weight · mean(difference²)
pub(crate) fn weighted_mean_square(graph: &mut Graph, term: &Term, difference: &str) -> String {
    let weight = graph.input(Port::new(term.weight.clone(), &[]));
    let square = graph.add("Mul", &format!("{}/square", term.name), &[difference, difference]);
    let mean = graph.add_with(
        "ReduceMean",
        &format!("{}/mean", term.name),
        &[&square],
        [("keepdims", Attr::Int(0))],
    );
    graph.add("Mul", &term.loss, &[&mean, &weight])
}
