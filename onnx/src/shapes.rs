//! What can be told of the shapes of a graph's values from the graph alone: ranks nearly always, the sizes
//! of activations where the graph's input has a size. Rules use it; they work without it, only slower.

use std::collections::HashMap;

use crate::graph::{Data, Dim, Graph, Node};

/// Ranks and sizes by the names of values.
pub(crate) struct Shapes {
    ranks: HashMap<String, usize>,
    sizes: HashMap<String, [usize; 4]>,
}

impl Shapes {
    /// Goes through the graph as it stands.
    pub fn of(graph: &Graph) -> Self {
        Shapes { ranks: ranks(graph), sizes: sizes(graph) }
    }

    /// The number of a value's axes.
    pub fn rank(&self, value: &str) -> Option<usize> {
        self.ranks.get(value).copied()
    }

    /// The size of a value that has four axes: batch, channels, height, width.
    pub fn size(&self, value: &str) -> Option<[usize; 4]> {
        self.sizes.get(value).copied()
    }
}

/// The axes of a reduction, from its attribute or its constant second input; None means all.
pub(crate) fn axes(graph: &Graph, node: &Node) -> Option<Vec<i64>> {
    if let Some(axes) = node.ints("axes") {
        return Some(axes.to_vec());
    }
    match graph.constants.get(node.inputs.get(1)?)?.data {
        Data::I64(ref v) if !v.is_empty() => Some(v.clone()),
        _ => None,
    }
}

fn ranks(graph: &Graph) -> HashMap<String, usize> {
    let mut ranks: HashMap<String, usize> = HashMap::new();
    ranks.extend(graph.inputs.iter().map(|p| (p.name.clone(), p.dims.len())));
    ranks.extend(graph.constants.iter().map(|(n, t)| (n.clone(), t.dims.len())));
    for node in &graph.nodes {
        let of = |i: usize| node.inputs.get(i).and_then(|n| ranks.get(n)).copied();
        let rank = match node.op.as_str() {
            "Reshape" | "Expand" => {
                node.inputs.get(1).and_then(|s| graph.constants.get(s)).and_then(|s| s.dims.first().copied())
            }
            "Gemm" => Some(2),
            "Transpose" => node.ints("perm").map(<[i64]>::len).or(of(0)),
            "Add" | "Sub" | "Mul" | "Div" | "MatMul" => of(0).zip(of(1)).map(|(a, b)| a.max(b)),
            "ReduceSum" | "ReduceMean" if node.int("keepdims") == Some(0) => match axes(graph, node) {
                Some(axes) => of(0).map(|r| r.saturating_sub(axes.len())),
                None => Some(0),
            },
            "Shape" => Some(1),
            "Size" => Some(0),
            _ => of(0),
        };
        if let Some(rank) = rank {
            ranks.extend(node.outputs.iter().map(|o| (o.clone(), rank)));
        }
    }
    ranks
}

fn sizes(graph: &Graph) -> HashMap<String, [usize; 4]> {
    let mut sizes: HashMap<String, [usize; 4]> = HashMap::new();
    for port in &graph.inputs {
        let known = |d: &Dim| if let Dim::Known(n) = d { Some(*n) } else { None };
        let dims: Option<Vec<usize>> = port.dims.iter().map(known).collect();
        if let Some(size) = dims.and_then(|d| <[usize; 4]>::try_from(d).ok()) {
            sizes.insert(port.name.clone(), size);
        }
    }
    for (name, tensor) in &graph.constants {
        if let Ok(size) = <[usize; 4]>::try_from(tensor.dims.as_slice()) {
            sizes.insert(name.clone(), size);
        }
    }
    for node in &graph.nodes {
        let of = |i: usize| node.inputs.get(i).and_then(|n| sizes.get(n)).copied();
        let scalar = |i: usize| graph.constants.get(&node.inputs[i]).is_some_and(|t| t.dims.is_empty());
        let size = match node.op.as_str() {
            "Conv" | "MaxPool" | "AveragePool" => window(node, of(0), of(1)),
            "Relu" | "Clip" | "Sigmoid" | "Neg" | "Sqrt" | "Identity" => of(0),
            "Add" | "Sub" | "Mul" | "Div" => match (of(0), of(1)) {
                (Some(a), Some(b)) => Some(std::array::from_fn(|i| a[i].max(b[i]))),
                (Some(size), None) if scalar(1) => Some(size),
                (None, Some(size)) if scalar(0) => Some(size),
                _ => None,
            },
            _ => None,
        };
        if let (Some(size), Some(output)) = (size, node.outputs.first()) {
            sizes.insert(output.clone(), size);
        }
    }
    sizes
}

/// The size behind a convolution or a pooling, from those of its input and weights.
fn window(node: &Node, input: Option<[usize; 4]>, weights: Option<[usize; 4]>) -> Option<[usize; 4]> {
    let [batch, channels, ..] = input?;
    let conv = node.op == "Conv";
    let plain = matches!(node.text("auto_pad").unwrap_or("NOTSET"), "NOTSET" | "VALID");
    if !plain || node.int("ceil_mode").unwrap_or(0) != 0 || (conv && weights.is_none()) {
        return None;
    }
    let weights = weights.unwrap_or([channels, channels, 1, 1]);
    let at = |name: &str, i: usize, other: usize| {
        node.ints(name).map_or(Some(other), |v| usize::try_from(*v.get(i)?).ok())
    };
    let along = |axis: usize| {
        let kernel = at("kernel_shape", axis, weights[2 + axis])?;
        let reach = at("dilations", axis, 1)? * kernel.checked_sub(1)?;
        let padded = input?[2 + axis] + at("pads", axis, 0)? + at("pads", axis + 2, 0)?;
        Some(padded.checked_sub(reach + 1)? / at("strides", axis, 1)?.max(1) + 1)
    };
    Some([batch, if conv { weights[0] } else { channels }, along(0)?, along(1)?])
}
