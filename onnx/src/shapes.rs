//! What can be told of the shapes of a graph's values from the graph alone: ranks nearly always, the sizes
//! of activations where the graph's input has a size. Rules use it; they work without it, only slower.

use std::collections::HashMap;

use crate::graph::{Data, Dim, Graph, Node};

/// Ranks and sizes by the names of values.
pub(crate) struct Shapes {
    ranks: HashMap<String, usize>,
    sizes: HashMap<String, [usize; 4]>,
    plain: bool,
    matrices: HashMap<String, Matrix>,
}

/// Rows and columns, where known.
type Matrix = [Option<usize>; 2];

impl Shapes {
    /// Goes through the graph as it stands.
    pub fn of(graph: &Graph) -> Self {
        let ranks = ranks(graph);
        let sizes = sizes(graph, &ranks);
        Shapes { matrices: matrices(graph, &ranks, &sizes), sizes, plain: graph.plain, ranks }
    }

    /// The number of a value's axes.
    pub fn rank(&self, value: &str) -> Option<usize> {
        self.ranks.get(value).copied()
    }

    /// Whether two values are known to have the same shape.
    pub fn same(&self, a: &str, b: &str) -> bool {
        let size = self.size(a).is_some_and(|size| Some(size) == self.size(b));
        let matrix = |value: &str| self.matrices.get(value).filter(|m| m.iter().all(Option::is_some));
        size || matrix(a).is_some_and(|m| Some(m) == matrix(b))
    }

    /// The size of a value that has four axes: batch, channels, height, width.
    pub fn size(&self, value: &str) -> Option<[usize; 4]> {
        self.sizes.get(value).copied()
    }

    /// The lengths of all axes of a value, where all are known.
    pub fn dims(&self, value: &str) -> Option<Vec<usize>> {
        if self.rank(value) == Some(0) {
            return Some(Vec::new());
        }
        let matrix = || self.matrices.get(value)?.iter().copied().collect();
        self.size(value).map(Vec::from).or_else(matrix)
    }

    /// The channels of such a value where operations are to be written as convolutions, which keep to the CPU's
    /// blocked layout.
    pub fn blocked(&self, value: &str) -> Option<usize> {
        self.size(value).filter(|_| !self.plain).map(|[_, channels, ..]| channels)
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

fn sizes(graph: &Graph, ranks: &HashMap<String, usize>) -> HashMap<String, [usize; 4]> {
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
        let scalar = |i: usize| ranks.get(&node.inputs[i]) == Some(&0);
        let size = match node.op.as_str() {
            "Conv" | "MaxPool" | "AveragePool" => window(node, of(0), of(1)),
            "Pad" => {
                of(0).zip(node.inputs.get(1).and_then(|p| graph.constants.get(p))).and_then(|(size, pads)| {
                    let Data::I64(pads) = &pads.data else { return None };
                    let along =
                        |i: usize| Some(size[i] + usize::try_from(pads.get(i)? + pads.get(i + 4)?).ok()?);
                    Some([along(0)?, along(1)?, along(2)?, along(3)?])
                })
            }
            "Relu" | "Clip" | "Sigmoid" | "Neg" | "Sqrt" | "Sin" | "Identity" => of(0),
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

fn matrices(
    graph: &Graph,
    ranks: &HashMap<String, usize>,
    sizes: &HashMap<String, [usize; 4]>,
) -> HashMap<String, Matrix> {
    let mut matrices: HashMap<String, Matrix> = HashMap::new();
    for port in &graph.inputs {
        let known = |d: &Dim| if let Dim::Known(n) = d { Some(*n) } else { None };
        if let [rows, columns] = port.dims.as_slice() {
            matrices.insert(port.name.clone(), [known(rows), known(columns)]);
        }
    }
    for (name, tensor) in &graph.constants {
        if let [rows, columns] = tensor.dims.as_slice() {
            matrices.insert(name.clone(), [Some(*rows), Some(*columns)]);
        }
    }
    let whole = |name: Option<&String>| match &graph.constants.get(name?)?.data {
        Data::I64(values) => Some(values.as_slice()),
        Data::F32(_) => None,
    };
    for node in &graph.nodes {
        let of = |i: usize| node.inputs.get(i).and_then(|n| matrices.get(n)).copied();
        let is_scalar = |i: usize| node.inputs.get(i).and_then(|n| ranks.get(n)) == Some(&0);
        let flag = |name: &str| node.int(name) == Some(1);
        let matrix = match node.op.as_str() {
            "Reshape" => match whole(node.inputs.get(1)) {
                Some([rows, columns]) => {
                    let rows = usize::try_from(*rows).ok().filter(|n| *n > 0);
                    let rest = || Some(sizes.get(&node.inputs[0])?.iter().product::<usize>() / rows?);
                    Some([rows, usize::try_from(*columns).ok().or_else(rest)])
                }
                _ => None,
            },
            "Transpose" => of(0).map(|[rows, columns]| [columns, rows]),
            "Gemm" | "MatMul" => of(0)
                .zip(of(1))
                .map(|(a, b)| [a[usize::from(flag("transA"))], b[1 - usize::from(flag("transB"))]]),
            "Slice" => match [1, 2, 3].map(|i| whole(node.inputs.get(i))) {
                [Some([top, left]), Some([bottom, right]), Some([0, 1])] => {
                    let length = |from: &i64, to: &i64| usize::try_from(to - from).ok();
                    Some([length(top, bottom), length(left, right)])
                }
                _ => None,
            },
            "ReduceSum" if flag("keepdims") && whole(node.inputs.get(1)) == Some(&[1]) => {
                of(0).map(|[rows, _]| [rows, Some(1)])
            }
            "Neg" | "Sqrt" | "Identity" => of(0),
            "Add" | "Sub" | "Mul" | "Div" => match (of(0), of(1)) {
                (Some(a), Some(b)) if a == b => Some(a),
                (Some(a), None) if is_scalar(1) => Some(a),
                (None, Some(b)) if is_scalar(0) => Some(b),
                _ => None,
            },
            _ => None,
        };
        if let (Some(matrix), Some(output)) = (matrix, node.outputs.first()) {
            matrices.insert(output.clone(), matrix);
        }
    }
    matrices
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
