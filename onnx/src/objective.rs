//! The losses of style transfer over a model's taps, as two ONNX models that share the weights:
//!
//! * *features*: a picture in, Gram matrices and content activations out; it makes the targets.
//! * *objective*: a picture, targets and weights in; loss, each term's loss and the gradient out.
//!
//! Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks" (CVPR 2016),
//! equations 1 to 7. docs/graph.md lists the inputs and outputs.

use crate::differentiate;
use crate::error::{Error, Result};
use crate::graph::{Attr, Graph, Port, Tensor};
use crate::model::{self, Model, Tap};

/// The names of a term's target, weight and loss in the graphs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// `style/relu1_1`, `content/relu4_2` or `tv`; also the prefix of its inputs and outputs.
    pub name: String,
    /// The input that takes the target, and the output of the features model that makes it.
    pub target: Option<String>,
    /// The input that takes the weight, a scalar.
    pub weight: String,
    /// The output with the weighted loss, a scalar.
    pub loss: String,
}

impl Term {
    /// The input of a tile's graph that takes the derivative with respect to the term's Gram matrix before it is
    /// divided by anything.
    pub fn slope(&self) -> String {
        format!("{}/slope", self.name)
    }

    fn new(name: String, target: Option<&str>) -> Self {
        Term {
            target: target.map(|t| format!("{name}/{t}")),
            weight: format!("{name}/weight"),
            loss: format!("{name}/loss"),
            name,
        }
    }
}

/// How activations are pooled between blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// As the network was trained.
    #[default]
    Max,
    /// Smoother; Gatys et al. 2016, section 2.
    Average,
}

/// Which losses the objective sums.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spec {
    /// Taps whose Gram matrices are compared.
    pub style: Vec<String>,
    /// Taps whose activations are compared.
    pub content: Vec<String>,
    /// Whether total variation is added.
    pub total_variation: bool,
    /// How activations are pooled.
    pub pooling: Pooling,
    /// Whether an input `mask` says how much each position counts.
    pub masked: bool,
}

impl Spec {
    /// The terms in the order style, content, total variation.
    pub fn terms(&self) -> Vec<Term> {
        let style = self.style.iter().map(|t| Term::new(format!("style/{t}"), Some("gram")));
        let content = self.content.iter().map(|t| Term::new(format!("content/{t}"), Some("features")));
        let tv = self.total_variation.then(|| Term::new("tv".to_string(), None));
        style.chain(content).chain(tv).collect()
    }
}

/// The features model: input `picture` [1, 3, H, W], RGB, 0..1; for each style tap an output
/// `style/TAP/gram` [N, N], for each content tap an output `content/TAP/features` [1, N, h, w]. If `spec`
/// says so there is an input `mask` [1, 1, H, W], 0..1, that weights the positions of the Gram matrices.
/// With `size`, [H, W], the graph is for pictures of that size only.
pub fn features(model: &Model, spec: &Spec, size: Option<[usize; 2]>) -> Result<Graph> {
    let mut graph = Graph::default();
    let taps = taps(model, spec, &mut graph, size)?;
    if taps.is_empty() {
        return Err(Error::BadSpec("no style or content taps were chosen; choose at least one".to_string()));
    }
    for (term, tap, value) in taps {
        let n = tap.channels.to_string();
        if term.name.starts_with("style/") {
            let mask = mask(&mut graph, spec, tap);
            let gram = gram(&mut graph, &term.name, &value, tap.channels, mask.as_ref());
            let name = graph.alias(&gram, term.target.as_deref().unwrap_or_default());
            graph.output(&name, &[&n, &n]);
        } else {
            let name = graph.alias(&value, term.target.as_deref().unwrap_or_default());
            graph.output(&name, &feature_dims(tap, &n, size).each_ref().map(String::as_str));
        }
    }
    graph.prune();
    Ok(graph)
}

/// The objective model: inputs `picture` [1, 3, H, W], RGB, 0..1, and for each term its weight (a scalar)
/// and its target; outputs `loss` (a scalar), each term's weighted loss, and `gradient` [1, 3, H, W], the
/// derivative of `loss` with respect to `picture`. A mask, if `spec` has one, is an input as in [`features`],
/// and weights the content loss too.
///
/// With `size`, [H, W], the graph is for pictures of that size only, and on the CPU it is faster.
pub fn objective(model: &Model, spec: &Spec, size: Option<[usize; 2]>) -> Result<Graph> {
    let mut graph = Graph::default();
    let taps = taps(model, spec, &mut graph, size)?;
    let mut losses = Vec::new();
    for (term, tap, value) in taps {
        let n = tap.channels.to_string();
        let target = term.target.clone().unwrap_or_default();
        let mask = mask(&mut graph, spec, tap);
        losses.push(if term.name.starts_with("style/") {
            let target = graph.input(Port::new(target, &[&n, &n]));
            let value = gram(&mut graph, &term.name, &value, tap.channels, mask.as_ref());
            let difference = graph.add("Sub", &format!("{}/difference", term.name), &[&value, &target]);
            weighted_mean_square(&mut graph, &term, &difference)
        } else {
            let dims = feature_dims(tap, &n, size);
            let target = graph.input(Port::new(target, &dims.each_ref().map(String::as_str)));
            content_loss(&mut graph, &term, &value, &target, mask.as_ref())
        });
    }
    if spec.total_variation {
        let term = Term::new("tv".to_string(), None);
        let difference = neighbour_differences(&mut graph);
        losses.push(weighted_mean_square(&mut graph, &term, &difference));
    }
    let Some((first, rest)) = losses.split_first() else {
        return Err(Error::BadSpec("the objective has no terms; choose at least one tap".to_string()));
    };
    let mut sum = first.clone();
    for loss in rest {
        sum = graph.add("Add", "loss/partial", &[&sum, loss]);
    }
    let total = graph.alias(&sum, "loss");
    let gradient = differentiate::gradient(&mut graph, &total, "picture")?;
    let gradient = graph.alias(&gradient, "gradient");
    graph.output(&total, &[]);
    for loss in &losses {
        graph.output(loss, &[]);
    }
    graph.output(&gradient, &picture_dims(size).each_ref().map(String::as_str));
    graph.prune();
    Ok(graph)
}

/// The gradient of a part of a picture, whose Gram matrices are those of the whole picture and known: inputs
/// `picture` [1, 3, h, w] and `mask` [1, 1, h, w], which is 0 where another part counts; for each style term
/// `TERM/slope` [N, N], the derivative of the whole loss with respect to F·diag(m)·Fᵀ; for each content term its
/// target and weight. Outputs are `gradient` [1, 3, h, w], to be added to that of the other parts, and each
/// content term's weighted loss.
///
/// With `mask` as the whole of a picture this is [`objective`]'s gradient. Total variation is not in it.
pub fn tile(model: &Model, spec: &Spec, size: [usize; 2]) -> Result<Graph> {
    let spec = Spec { masked: true, total_variation: false, ..spec.clone() };
    let mut graph = Graph::default();
    let taps = taps(model, &spec, &mut graph, Some(size))?;
    let (mut parts, mut losses) = (Vec::new(), Vec::new());
    for (term, tap, value) in taps {
        let n = tap.channels.to_string();
        let Some(mask) = mask(&mut graph, &spec, tap) else { continue };
        if term.name.starts_with("style/") {
            let slope = graph.input(Port::new(term.slope(), &[&n, &n]));
            let product = product(&mut graph, &term.name, &value, tap.channels, Some(&mask));
            let part = graph.add("Mul", &format!("{}/part", term.name), &[&product, &slope]);
            let keep = [("keepdims", Attr::Int(0))];
            parts.push(graph.add_with("ReduceSum", &format!("{}/sum", term.name), &[&part], keep));
        } else {
            let dims = feature_dims(tap, &n, Some(size));
            let target = term.target.clone().unwrap_or_default();
            let target = graph.input(Port::new(target, &dims.each_ref().map(String::as_str)));
            let loss = content_loss(&mut graph, &term, &value, &target, Some(&mask));
            parts.push(loss.clone());
            losses.push(loss);
        }
    }
    let Some((first, rest)) = parts.split_first() else {
        return Err(Error::BadSpec("the objective has no terms; choose at least one tap".to_string()));
    };
    let mut sum = first.clone();
    for part in rest {
        sum = graph.add("Add", "loss/partial", &[&sum, part]);
    }
    let gradient = differentiate::gradient(&mut graph, &sum, "picture")?;
    let gradient = graph.alias(&gradient, "gradient");
    for loss in &losses {
        graph.output(loss, &[]);
    }
    graph.output(&gradient, &picture_dims(Some(size)).each_ref().map(String::as_str));
    graph.prune();
    Ok(graph)
}

/// weight · the mean square of the difference, which counts by the mask if there is one.
fn content_loss(graph: &mut Graph, term: &Term, value: &str, target: &str, mask: Option<&Mask>) -> String {
    let mut difference = graph.add("Sub", &format!("{}/difference", term.name), &[value, target]);
    if let Some(mask) = mask {
        let share = graph.add("Div", &format!("{}/share", term.name), &[&mask.positions, &mask.sum]);
        let share = graph.add("Sqrt", &format!("{}/share/root", term.name), &[&share]);
        let weight = graph.add("Mul", &format!("{}/weights", term.name), &[&mask.root, &share]);
        difference = graph.add("Mul", &format!("{}/masked", term.name), &[&difference, &weight]);
    }
    weighted_mean_square(graph, term, &difference)
}

fn picture_dims(size: Option<[usize; 2]>) -> [String; 4] {
    let [h, w] = size.map_or(["H".to_string(), "W".to_string()], |s| s.map(|n| n.to_string()));
    ["1".to_string(), "3".to_string(), h, w]
}

fn feature_dims(tap: &Tap, n: &str, size: Option<[usize; 2]>) -> [String; 4] {
    let halvings = tap.block - 1;
    let along = |axis: usize| match size {
        Some(size) => (size[axis] >> halvings).to_string(),
        None if halvings == 0 => ["H", "W"][axis].to_string(),
        None => format!("{}/{}", ["H", "W"][axis], 1 << halvings),
    };
    ["1".to_string(), n.to_string(), along(0), along(1)]
}

/// Adds the picture input, its normalisation and the network, and returns each term's tap with the value
/// that its loss reads.
fn taps<'a>(
    model: &'a Model,
    spec: &Spec,
    graph: &mut Graph,
    size: Option<[usize; 2]>,
) -> Result<Vec<(Term, &'a Tap, String)>> {
    let dims = picture_dims(size);
    let picture = graph.input(Port::new("picture", &dims.each_ref().map(String::as_str)));
    if spec.masked {
        let [_, _, h, w] = dims.each_ref().map(String::as_str);
        graph.input(Port::new("mask", &["1", "1", h, w]));
    }
    let m = &model.manifest;
    let mean = graph.constant("normalise/mean", Tensor::f32(&[1, 3, 1, 1], m.mean.to_vec()));
    let factor = m.std.map(|s| m.scale / s);
    let factor = graph.constant("normalise/factor", Tensor::f32(&[1, 3, 1, 1], factor.to_vec()));
    let centred = graph.add("Sub", "normalise/centred", &[&picture, &mean]);
    let input = graph.add("Mul", "normalise/input", &[&centred, &factor]);
    model::inline(model, graph, &input, spec.pooling == Pooling::Average);

    let names = spec.style.iter().chain(&spec.content);
    let mut out: Vec<(Term, &Tap, String)> = Vec::new();
    for (term, name) in spec.terms().into_iter().zip(names) {
        if out.iter().any(|(other, ..)| other.name == term.name) {
            return Err(Error::BadSpec(format!("the tap {name} is named twice; name it once")));
        }
        let tap = model.tap(name)?;
        let value = match &tap.head {
            None => tap.value.clone(),
            Some(head) => {
                let dims = [tap.channels, tap.channels, 1, 1];
                let weight = Tensor { dims: dims.to_vec(), data: head.data.clone() };
                let weight = graph.constant(&format!("head/{name}.weight"), weight);
                let known = format!("head/{name}");
                match graph.nodes.iter().find(|n| n.name == known) {
                    Some(node) => node.outputs[0].clone(),
                    None => {
                        let kernel = [("kernel_shape", Attr::Ints(vec![1, 1]))];
                        graph.add_with("Conv", &known, &[&tap.value, &weight], kernel)
                    }
                }
            }
        };
        out.push((term, tap, value));
    }
    Ok(out)
}

/// The mask at a tap's positions.
struct Mask {
    /// [1, 1, h, w], the square root of each position's weight.
    root: String,
    /// The sum of the weights, a scalar.
    sum: String,
    /// How many positions there are, a scalar.
    positions: String,
}

/// Adds, once for each block, the mask of the picture averaged over what the poolings before the tap take
/// together; None if the objective is not masked.
fn mask(graph: &mut Graph, spec: &Spec, tap: &Tap) -> Option<Mask> {
    if !spec.masked {
        return None;
    }
    let name = |what: &str| format!("mask/{}/{what}", tap.block);
    let known = Mask { root: name("root"), sum: name("sum"), positions: name("positions") };
    if graph.nodes.iter().any(|n| n.name == known.root) {
        return Some(known);
    }
    let mut pooled = "mask".to_string();
    if tap.block > 1 {
        let window = || Attr::Ints(vec![1 << (tap.block - 1); 2]);
        let attrs = [("kernel_shape", window()), ("strides", window())];
        pooled = graph.add_with("AveragePool", &name("pooled"), &["mask"], attrs);
    }
    let root = graph.add("Sqrt", &known.root, &[&pooled]);
    let sum = graph.add_with("ReduceSum", &known.sum, &[&pooled], [("keepdims", Attr::Int(0))]);
    let size = graph.add("Size", &name("size"), &[&pooled]);
    let positions = graph.add_with("Cast", &known.positions, &[&size], [("to", Attr::Int(1))]);
    Some(Mask { root, sum, positions })
}

/// G = F·Fᵀ/M for activations F [N, M]. With a mask the positions count by its weights m: F·diag(m)·Fᵀ/Σm
/// (the guided Gram matrix of Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer",
/// section 4). (A tap head S is applied to the activations, not as S·G·Sᵀ to the small matrix: there the
/// sums cancel, and the loss would be off by a thousandth in float32.)
fn gram(graph: &mut Graph, name: &str, value: &str, channels: usize, mask: Option<&Mask>) -> String {
    let product = product(graph, name, value, channels, mask);
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
    graph.add("Mul", &format!("{name}/normalised"), &[&product, &part])
}

/// F·diag(m)·Fᵀ
fn product(graph: &mut Graph, name: &str, value: &str, channels: usize, mask: Option<&Mask>) -> String {
    let value = match mask {
        Some(mask) => graph.add("Mul", &format!("{name}/masked"), &[value, &mask.root]),
        None => value.to_string(),
    };
    let shape = graph.i64s(&[channels as i64, -1]);
    let f = graph.add("Reshape", &format!("{name}/matrix"), &[&value, &shape]);
    graph.add_with("Gemm", &format!("{name}/product"), &[&f, &f], [("transB", Attr::Int(1))])
}

/// The differences of each pixel to its right and its lower neighbour [1, 6, H−1, W−1], as a convolution.
fn neighbour_differences(graph: &mut Graph) -> String {
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
fn weighted_mean_square(graph: &mut Graph, term: &Term, difference: &str) -> String {
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
