//! What an optimiser computes with pictures as vectors, as graphs, for a device whose memory they do not leave: sums with
//! factors, dots, and the change of variables.

use crate::graph::{Attr, Graph, Port, Tensor};
use crate::window;

/// What each level of [`preconditioner`] adds, from half the size on. (Measured: docs/measuring.md.)
pub const LEVELS: [f32; 5] = [0.0, 0.7, 0.7, 0.7, 0.7];
/// What it halves a picture with, in each direction.
pub const FILTER: [f32; 4] = [0.125, 0.375, 0.375, 0.125];

const DIMS: [&str; 4] = ["1", "3", "H", "W"];

/// The input of the vector `at`, counted from 0.
pub fn input(at: usize) -> String {
    format!("vector/{at}")
}

/// Σ fᵢ·xᵢ of `count` vectors xᵢ [1, 3, H, W], which are the inputs [`input`]; the input `factors` [count] holds fᵢ. The
/// output is `sum`. At most `at_once` of them are added up in one pass over memory; with 2 no operator `Sum` is needed.
pub fn sum(count: usize, at_once: usize) -> Graph {
    let mut graph = Graph::default();
    let factors = graph.input(Port::new("factors", &[&count.to_string()]));
    let mut parts: Vec<String> = Vec::new();
    for at in 0..count {
        let vector = graph.input(Port::new(input(at), &DIMS));
        let index = graph.constant(&format!("index/{at}"), Tensor::i64s(&[at as i64]));
        let factor = graph.add("Gather", &format!("factor/{at}"), &[&factors, &index]);
        parts.push(graph.add("Mul", &format!("part/{at}"), &[&vector, &factor]));
        // Not all of them are there at a time.
        if parts.len() == at_once || at + 1 == count {
            let some: Vec<&str> = parts.iter().map(String::as_str).collect();
            parts = vec![graph.add(if at_once == 2 { "Add" } else { "Sum" }, "partial", &some)];
        }
    }
    let sum = graph.alias(&parts.concat(), "sum");
    graph.output(&sum, &DIMS);
    graph
}

/// The dots of the input `row` with each of `count` vectors, as in [`sum`]. The output is `dots` [count, 1, 1, 1]. Rows of
/// pixels add up first, and then their sums, so that float32 is precise enough.
pub fn dots(count: usize) -> Graph {
    let mut graph = Graph::default();
    let row = graph.input(Port::new("row", &DIMS));
    let along = graph.i64s(&[3]);
    let keep = || [("keepdims", Attr::Int(1))];
    let dots: Vec<String> = (0..count)
        .map(|at| {
            let vector = graph.input(Port::new(input(at), &DIMS));
            let product = graph.add("Mul", &format!("product/{at}"), &[&row, &vector]);
            let rows = graph.add_with("ReduceSum", &format!("rows/{at}"), &[&product, &along], keep());
            graph.add_with("ReduceSum", &format!("dot/{at}"), &[&rows], keep())
        })
        .collect();
    let names: Vec<&str> = dots.iter().map(String::as_str).collect();
    let dots = graph.add_with("Concat", "dots", &names, [("axis", Attr::Int(0))]);
    graph.output(&dots, &[&count.to_string(), "1", "1", "1"]);
    graph
}

/// P·x of the input [`input`] 0, x [1, 3, H, W], for pictures of the size [H, W]: x + Σₖ bₖ·Uᵏ·Dᵏ·x with the factors
/// [`LEVELS`]. D halves both sides, rounded up, with the filter [`FILTER`] in both directions. Outside the border is repeated,
/// but behind an odd side there are zeros. U = 4·Dᵀ repeats each value and blurs with (1 2 1)/4. Where a side has one pixel,
/// nothing is halved. The output is `preconditioned`. (All nodes have kernels of ONNX Runtime on every kind of device, and are
/// among those that gradients need, too.)
pub fn preconditioner(size: [usize; 2]) -> Graph {
    let mut graph = Graph::default();
    let values = graph.input(Port::new(input(0), &DIMS));
    let both = |filter: &[f32]| {
        let values = filter.iter().flat_map(|y| filter.iter().map(move |x| y * x));
        Tensor::f32(&[1, 1, filter.len(), filter.len()], values.collect::<Vec<f32>>())
    };
    let halve = graph.constant("halve", both(&FILTER));
    let blur = graph.constant("blur", both(&[0.25, 0.5, 0.25]));
    let repeated = |graph: &mut Graph, value: &str, [bottom, right]: [i64; 2]| {
        let pads = graph.i64s(&[0, 0, 1, 1, 0, 0, bottom, right]);
        graph.add_with("Pad", "edges", &[value, &pads], [("mode", Attr::Text("edge".into()))])
    };
    // Channels as pictures of their own.
    let [h, w] = size.map(|side| side as i64);
    let apart = graph.i64s(&[3, 1, h, w]);
    let whole = graph.add("Reshape", "channels", &[&values, &apart]);

    // Each level with its factor and the size of the one above it.
    let (mut above, mut last, mut halves) = (size, whole.clone(), Vec::new());
    for factor in &LEVELS {
        if above.iter().any(|side| *side < 2) {
            break;
        }
        let odd = above.map(|side| (side % 2) as i64);
        let padded = repeated(&mut graph, &last, odd.map(|odd| 1 - odd));
        let window = [
            ("kernel_shape", Attr::Ints(vec![4, 4])),
            ("pads", Attr::Ints(vec![0, 0, 2 * odd[0], 2 * odd[1]])),
        ];
        let filtered = graph.add_with("Conv", "filtered", &[&padded, &halve], window);
        let [from, to] = [0, i64::MAX].map(|place| graph.i64s(&[place; 2]));
        let (axes, steps) = (graph.i64s(&[2, 3]), graph.i64s(&[2, 2]));
        last = graph.add("Slice", "half", &[&filtered, &from, &to, &axes, &steps]);
        halves.push((last.clone(), *factor, above));
        above = above.map(|side| side.div_ceil(2));
    }
    let scales = graph.constant("scales", Tensor::f32(&[4], vec![1.0, 1.0, 2.0, 2.0]));
    let mut wider: Option<String> = None;
    for (half, factor, [h, w]) in halves.into_iter().rev() {
        let factor = graph.constant("factor", Tensor::f32(&[1], vec![factor]));
        let own = graph.add("Mul", "own", &[&half, &factor]);
        let sum = match wider {
            Some(wider) => graph.add("Add", "sum", &[&own, &wider]),
            None => own,
        };
        let mut doubled = graph.add_with("Resize", "doubled", &[&sum, "", &scales], window::repeating());
        if h % 2 + w % 2 > 0 {
            let (from, to) = (graph.i64s(&[0, 0]), graph.i64s(&[h as i64, w as i64]));
            let axes = graph.i64s(&[2, 3]);
            doubled = graph.add("Slice", "odd", &[&doubled, &from, &to, &axes]);
        }
        let padded = repeated(&mut graph, &doubled, [1, 1]);
        let window = [("kernel_shape", Attr::Ints(vec![3, 3]))];
        wider = Some(graph.add_with("Conv", "wider", &[&padded, &blur], window));
    }
    let sum = match wider {
        Some(wider) => graph.add("Add", "all", &[&whole, &wider]),
        None => graph.add("Identity", "all", &[&whole]),
    };
    let together = graph.i64s(&[1, 3, h, w]);
    let out = graph.add("Reshape", "together", &[&sum, &together]);
    let out = graph.alias(&out, "preconditioned");
    graph.output(&out, &DIMS);
    graph
}
