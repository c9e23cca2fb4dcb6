//! What follows from the graph alone of the shapes of its values: ranks nearly always, the sizes
//! of activations where the graph's input has a size. Rules use it; they work without it, only slower.

use std::collections::HashMap;

use crate::graph::{Data, Dim, Graph, Node, Port};
use crate::operators::{self, Shape};
use crate::window::Window;

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
    pub fn infer(graph: &Graph) -> Self {
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
    match node.ints("axes") {
        Some(axes) => Some(axes.to_vec()),
        None => integers(graph, node, 1).filter(|axes| !axes.is_empty()).map(<[i64]>::to_vec),
    }
}

/// The values of an input that is a constant of integers.
pub(crate) fn integers<'a>(graph: &'a Graph, node: &Node, input: usize) -> Option<&'a [i64]> {
    match &graph.constants.get(node.input(input)?)?.data {
        Data::I64(values) => Some(values),
        Data::F32(_) => None,
    }
}

fn ranks(graph: &Graph) -> HashMap<String, usize> {
    let mut ranks: HashMap<String, usize> = HashMap::new();
    ranks.extend(graph.inputs.iter().map(|p| (p.name.clone(), p.dims.len())));
    ranks.extend(graph.constants.iter().map(|(n, t)| (n.clone(), t.dims.len())));
    for node in &graph.nodes {
        let of = |i: usize| node.input(i).and_then(|n| ranks.get(n)).copied();
        let largest = || {
            let known: Option<Vec<usize>> = (0..node.inputs.len()).map(of).collect();
            known?.into_iter().max()
        };
        // How many numbers the second input lists.
        let listed = || graph.constants.get(node.input(1)?)?.dims.first().copied();
        let rank = match operators::shape(node) {
            Shape::Reshape | Shape::Expand => listed(),
            Shape::Flatten | Shape::Gemm => Some(2),
            Shape::Transpose => node.ints("perm").map(<[i64]>::len).or(of(0)),
            Shape::Broadcast | Shape::MatMul => largest(),
            Shape::Squeeze => of(0).zip(listed()).and_then(|(rank, gone)| rank.checked_sub(gone)),
            Shape::Unsqueeze => of(0).zip(listed()).map(|(rank, new)| rank + new),
            Shape::Reduction if node.int("keepdims") == Some(0) => match axes(graph, node) {
                Some(axes) => of(0).map(|r| r.saturating_sub(axes.len())),
                None => Some(0),
            },
            Shape::List => Some(1),
            Shape::Scalar => Some(0),
            Shape::Same
            | Shape::Convolution
            | Shape::Pooling
            | Shape::Pad
            | Shape::Reduction
            | Shape::Slice
            | Shape::Resize
            | Shape::Unknown => of(0),
        };
        if let Some(rank) = rank {
            ranks.extend(node.outputs.iter().map(|o| (o.clone(), rank)));
        }
    }
    ranks
}

/// The lengths of a port's axes, where all are known.
fn known<const N: usize>(port: &Port) -> Option<[usize; N]> {
    let lengths: Option<Vec<usize>> = port.dims.iter().map(length).collect();
    lengths?.try_into().ok()
}

fn length(dim: &Dim) -> Option<usize> {
    match dim {
        Dim::Known(length) => Some(*length),
        Dim::Named(_) => None,
    }
}

fn sizes(graph: &Graph, ranks: &HashMap<String, usize>) -> HashMap<String, [usize; 4]> {
    let mut sizes: HashMap<String, [usize; 4]> = HashMap::new();
    sizes.extend(graph.inputs.iter().filter_map(|port| Some((port.name.clone(), known(port)?))));
    for (name, tensor) in &graph.constants {
        if let Ok(size) = <[usize; 4]>::try_from(tensor.dims.as_slice()) {
            sizes.insert(name.clone(), size);
        }
    }
    for node in &graph.nodes {
        let of = |i: usize| node.input(i).and_then(|n| sizes.get(n)).copied();
        let is_scalar = |i: usize| node.input(i).and_then(|n| ranks.get(n)) == Some(&0);
        let window = |size: [usize; 4]| {
            let window = Window::new(graph, node).ok()?;
            Some([window.count(0, size[2])?, window.count(1, size[3])?])
        };
        let size = match operators::shape(node) {
            Shape::Convolution => of(0).zip(of(1)).and_then(|(size, [channels, ..])| {
                let [h, w] = window(size)?;
                Some([size[0], channels, h, w])
            }),
            Shape::Pooling => of(0).and_then(|size| {
                let [h, w] = window(size)?;
                Some([size[0], size[1], h, w])
            }),
            Shape::Pad => of(0).zip(integers(graph, node, 1)).and_then(|(size, pads)| {
                let along = |i: usize| {
                    size[i].checked_add_signed(
                        isize::try_from(pads.get(i)?.checked_add(*pads.get(i + 4)?)?).ok()?,
                    )
                };
                Some([along(0)?, along(1)?, along(2)?, along(3)?])
            }),
            Shape::Same => of(0),
            Shape::Broadcast => {
                let inputs = 0..node.inputs.len();
                let all = inputs.clone().all(|i| of(i).is_some() || is_scalar(i));
                let largest = |a: [usize; 4], b: [usize; 4]| std::array::from_fn(|i| a[i].max(b[i]));
                inputs.filter_map(of).reduce(largest).filter(|_| all)
            }
            _ => None,
        };
        if let (Some(size), Some(output)) = (size, node.output()) {
            sizes.insert(output.to_string(), size);
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
        if let [rows, columns] = port.dims.as_slice() {
            matrices.insert(port.name.clone(), [length(rows), length(columns)]);
        }
    }
    for (name, tensor) in &graph.constants {
        if let [rows, columns] = tensor.dims.as_slice() {
            matrices.insert(name.clone(), [Some(*rows), Some(*columns)]);
        }
    }
    for node in &graph.nodes {
        let of = |i: usize| node.input(i).and_then(|n| matrices.get(n)).copied();
        let is_scalar = |i: usize| node.input(i).and_then(|n| ranks.get(n)) == Some(&0);
        let listed = |i: usize| integers(graph, node, i);
        let flag = |name: &str| node.int(name) == Some(1);
        let matrix = match operators::shape(node) {
            Shape::Reshape => match listed(1) {
                Some(&[rows, columns]) => {
                    let rows = usize::try_from(rows).ok().filter(|n| *n > 0);
                    let rest = || {
                        let entries = sizes.get(node.input(0)?)?.iter().product::<usize>();
                        entries.checked_div(rows?)
                    };
                    Some([rows, usize::try_from(columns).ok().or_else(rest)])
                }
                _ => None,
            },
            Shape::Transpose => of(0).map(|[rows, columns]| [columns, rows]),
            Shape::Gemm | Shape::MatMul => of(0)
                .zip(of(1))
                .map(|(a, b)| [a[usize::from(flag("transA"))], b[1 - usize::from(flag("transB"))]]),
            Shape::Slice => match [1, 2, 3].map(listed) {
                [Some([top, left]), Some([bottom, right]), Some([0, 1])] => {
                    let length = |from: &i64, to: &i64| usize::try_from(to.checked_sub(*from)?).ok();
                    Some([length(top, bottom), length(left, right)])
                }
                _ => None,
            },
            Shape::Reduction if flag("keepdims") && listed(1) == Some(&[1]) => {
                of(0).map(|[rows, _]| [rows, Some(1)])
            }
            Shape::Same => of(0),
            Shape::Broadcast if node.inputs.len() == 2 => match (of(0), of(1)) {
                (Some(a), Some(b)) if a == b => Some(a),
                (Some(a), None) if is_scalar(1) => Some(a),
                (None, Some(b)) if is_scalar(0) => Some(b),
                _ => None,
            },
            _ => None,
        };
        if let (Some(matrix), Some(output)) = (matrix, node.output()) {
            matrices.insert(output.to_string(), matrix);
        }
    }
    matrices
}
