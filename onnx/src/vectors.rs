//! What an optimiser computes with pictures as vectors, as graphs, for a device whose memory they do not leave: sums with
//! factors, and dots.

use crate::graph::{Attr, Graph, Port, Tensor};

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
