//! How much memory a graph of known size needs while it runs, from the life of each value: it is there
//! from the node that makes it to the last that reads it.

use std::collections::HashMap;

use crate::graph::{Data, Graph, Node};
use crate::operators::{self, Gradient, Shape};
use crate::shapes::{Shapes, integers};

/// The most bytes that float32 activations take at one time when the graph's nodes run in order, without
/// weights, inputs and the runtime's own memory. Elementwise nodes write over an input that nobody needs any
/// more. Values whose size is not known from the graph (matrices and scalars) do not count.
pub fn bytes(graph: &Graph) -> u64 {
    let counts = counts(graph);
    let nodes = by_depth(graph);
    // What a value is stored in: a reshaped value is its source.
    let mut store: HashMap<&str, &str> = HashMap::new();
    let mut last: HashMap<&str, usize> = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        if let (true, Some(input), Some(output)) = (is_view(node), node.inputs.first(), node.outputs.first())
        {
            let source = store.get(input.as_str()).copied().unwrap_or(input);
            store.insert(output, source);
        }
        for input in &node.inputs {
            let source = store.get(input.as_str()).copied().unwrap_or(input);
            last.insert(source, at);
        }
    }
    let bytes = |name: &str| 4 * counts.get(name).copied().unwrap_or(0);
    let (mut now, mut most) = (0u64, 0u64);
    for (at, node) in nodes.iter().enumerate() {
        let made: u64 =
            node.outputs.iter().filter(|o| !store.contains_key(o.as_str())).map(|o| bytes(o)).sum();
        let mut ending: Vec<&str> =
            node.inputs.iter().map(|i| store.get(i.as_str()).copied().unwrap_or(i)).collect();
        ending.sort_unstable();
        ending.dedup();
        let made_here =
            |name: &str| graph.inputs.iter().all(|p| p.name != name) && !graph.constants.contains_key(name);
        let freed: u64 =
            ending.into_iter().filter(|s| last.get(s) == Some(&at) && made_here(s)).map(bytes).sum();
        let in_place = if is_in_place(node) { freed.min(made) } else { 0 };
        most = most.max(now + made - in_place);
        now = (now + made).saturating_sub(freed);
    }
    most
}

/// The bytes of the largest value, of those that [`bytes`] counts.
pub fn largest(graph: &Graph) -> u64 {
    counts(graph).into_values().max().unwrap_or(0).saturating_mul(4)
}

/// The nodes in an order in which ONNX Runtime may run them: each as soon as its inputs are there. Masks for
/// the gradient are then made along with the activations and live until they are needed.
fn by_depth(graph: &Graph) -> Vec<&Node> {
    let mut depths: HashMap<&str, usize> = HashMap::new();
    let mut order: Vec<(usize, &Node)> = Vec::new();
    for node in &graph.nodes {
        let depth = node.inputs.iter().filter_map(|i| depths.get(i.as_str())).max().map_or(0, |d| d + 1);
        depths.extend(node.outputs.iter().map(|o| (o.as_str(), depth)));
        order.push((depth, node));
    }
    order.sort_by_key(|(depth, _)| *depth);
    order.into_iter().map(|(_, node)| node).collect()
}

/// Whether a node's output is its first input under another name.
fn is_view(node: &Node) -> bool {
    matches!(operators::gradient(node), Gradient::Identity | Gradient::View)
}

fn is_in_place(node: &Node) -> bool {
    operators::lookup(node).is_some_and(|operator| operator.in_place)
}

/// How many entries the values have that grow with the picture. `Shapes` knows those of the forward graph;
/// those of the gradient follow from them.
fn counts(graph: &Graph) -> HashMap<String, u64> {
    let shapes = Shapes::infer(graph);
    let mut counts: HashMap<String, u64> = HashMap::new();
    let mut measured: HashMap<&str, &str> = HashMap::new();
    let entries = |name: &str| shapes.size(name).map(|s| s.iter().product::<usize>() as u64);
    for port in &graph.inputs {
        counts.extend(entries(&port.name).map(|n| (port.name.clone(), n)));
    }
    for node in &graph.nodes {
        let Some(output) = node.output() else { continue };
        let of = |i: usize| node.input(i).and_then(|n| counts.get(n)).copied();
        let count = entries(output).or_else(|| match operators::shape(node) {
            Shape::Resize => of(0).zip(scale(graph, node)).map(|(n, by)| n.saturating_mul(by)),
            Shape::Convolution if node.int("group").unwrap_or(1) != 1 => of(0),
            // The positions stay; the channels change.
            Shape::Convolution => {
                let weights = node.input(1).and_then(|w| channels(graph, w));
                of(0).zip(weights).map(|(n, (out, input))| n / input.max(1) as u64 * out as u64)
            }
            Shape::Broadcast => (0..node.inputs.len()).filter_map(of).max(),
            // A Gram matrix is small; a matrix of channels times activations is like the activations.
            Shape::Gemm if node.int("transB") == Some(1) => None,
            Shape::Gemm | Shape::MatMul => of(1),
            Shape::Expand => match integers(graph, node, 1) {
                Some(dims) if dims.len() == 4 => u64::try_from(dims.iter().product::<i64>()).ok(),
                _ => node.input(1).and_then(|shape| counts.get(*measured.get(shape)?)).copied(),
            },
            Shape::List | Shape::Scalar | Shape::Reduction => None,
            Shape::Same
            | Shape::Pooling
            | Shape::Pad
            | Shape::Transpose
            | Shape::Reshape
            | Shape::Flatten
            | Shape::Squeeze
            | Shape::Unsqueeze
            | Shape::Slice
            | Shape::Unknown => of(0),
        });
        if operators::shape(node) == Shape::List {
            measured.extend(node.input(0).map(|input| (output, input)));
        }
        counts.extend(count.map(|n| (output.to_string(), n)));
    }
    counts
}

/// Out- and input channels of a convolution's weights, a constant or one that nodes transpose.
fn channels(graph: &Graph, weights: &str) -> Option<(usize, usize)> {
    if let Some(tensor) = graph.constants.get(weights) {
        return Some((*tensor.dims.first()?, *tensor.dims.get(1)?));
    }
    let node = graph.nodes.iter().find(|n| n.output() == Some(weights))?;
    let (out, input) = channels(graph, node.input(0)?)?;
    Some(if operators::shape(node) == Shape::Transpose { (input, out) } else { (out, input) })
}

/// By how much a Resize multiplies the entries.
fn scale(graph: &Graph, node: &Node) -> Option<u64> {
    match &graph.constants.get(node.input(2)?)?.data {
        Data::F32(v) => Some(v.iter().product::<f32>() as u64),
        Data::I64(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Port;

    #[test]
    fn a_chain_needs_two_values_at_a_time_and_elementwise_nodes_no_more() {
        let mut graph = Graph::default();
        let x = graph.input(Port::new("x", &["1", "4", "8", "8"]));
        let size = 4 * 4 * 8 * 8;
        let a = graph.add("Transpose", "a", &[&x]);
        let b = graph.add("Relu", "b", &[&a]);
        let c = graph.add("Transpose", "c", &[&b]);
        graph.output(&c, &["1", "4", "8", "8"]);
        assert_eq!(bytes(&graph), 2 * size);
        // What is read again at the end lives until then.
        let d = graph.add("Transpose", "d", &[&c]);
        graph.add("Add", "e", &[&d, &a]);
        assert_eq!(bytes(&graph), 3 * size);
        assert_eq!(largest(&graph), size);
    }
}
