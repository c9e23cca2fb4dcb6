//! The windows of convolutions and poolings along two axes, height and width.

use crate::error::{Error, Result};
use crate::graph::{Attr, Graph, Node};
use crate::operators::{self, Shape};

/// The attributes of a Resize that repeats each value, and so undoes a pooling whose windows lie side by side.
pub(crate) fn repeating() -> [(&'static str, Attr); 3] {
    [
        ("mode", Attr::Text("nearest".into())),
        ("coordinate_transformation_mode", Attr::Text("asymmetric".into())),
        ("nearest_mode", Attr::Text("floor".into())),
    ]
}

/// How a convolution or a pooling goes over its input; each pair is for height and width.
pub(crate) struct Window {
    pub kernel: [usize; 2],
    pub strides: [usize; 2],
    pub dilations: [usize; 2],
    /// Positions that are added before the first one, and after the last one.
    pub before: [usize; 2],
    pub after: [usize; 2],
}

impl Window {
    /// The window of a node. A convolution's kernel is that of its weights where these are a constant of the graph.
    pub fn new(graph: &Graph, node: &Node) -> Result<Self> {
        let shape = operators::check(node)?.shape;
        let bad = |problem: &str| Error::bad_node(node, problem);
        if !matches!(shape, Shape::Convolution | Shape::Pooling) {
            return Err(bad("is neither a convolution nor a pooling"));
        }
        if node.int("ceil_mode").unwrap_or(0) != 0 {
            return Err(bad("ceil_mode must be 0"));
        }
        let pads = match node.text("auto_pad").unwrap_or("NOTSET") {
            "NOTSET" => numbers::<4>(node, "pads").unwrap_or([0; 4]),
            "VALID" => [0; 4],
            _ => return Err(bad("auto_pad must be NOTSET; give pads instead")),
        };
        let weights = node.input(1).filter(|_| shape == Shape::Convolution);
        let of_weights = weights.and_then(|w| graph.constants.get(w)).and_then(|w| match w.dims[..] {
            [_, _, h, w] => Some([h, w]),
            _ => None,
        });
        let kernel = match (of_weights, numbers::<2>(node, "kernel_shape")) {
            (Some(of_weights), Some(told)) if of_weights != told => {
                return Err(bad("kernel_shape is not the shape of the weights"));
            }
            (Some(kernel), _) | (None, Some(kernel)) => kernel,
            (None, None) => return Err(bad("needs two spatial axes and a kernel shape that is known")),
        };
        if kernel.contains(&0) {
            return Err(bad("the weights must not be empty"));
        }
        let [top, left, bottom, right] = pads;
        Ok(Window {
            kernel,
            strides: numbers(node, "strides").unwrap_or([1; 2]),
            dilations: numbers(node, "dilations").unwrap_or([1; 2]),
            before: [top, left],
            after: [bottom, right],
        })
    }

    /// The window of a convolution that has a gradient.
    pub fn of_convolution(graph: &Graph, node: &Node) -> Result<Self> {
        let window = Window::new(graph, node)?;
        let bad = |problem: &str| Err(Error::bad_node(node, problem));
        if node.int("group").unwrap_or(1) != 1 {
            return bad("group must be 1");
        }
        if window.strides != [1; 2] {
            return bad("strides must be 1");
        }
        let reach = [0, 1].map(|axis| window.reach(axis));
        let too_far = |axis: usize| window.before[axis].max(window.after[axis]) > reach[axis];
        if too_far(0) || too_far(1) {
            return bad("pads must not be larger than the kernel's reach");
        }
        Ok(window)
    }

    /// The window of a pooling that has a gradient: its windows neither overlap nor leave gaps.
    pub fn of_pooling(graph: &Graph, node: &Node) -> Result<Self> {
        let window = Window::new(graph, node)?;
        let bad = |problem: &str| Err(Error::bad_node(node, problem));
        if window.kernel != window.strides {
            return bad("kernel_shape and strides must be equal");
        }
        if window.dilations != [1; 2] || window.before != [0; 2] || window.after != [0; 2] {
            return bad("pads and dilations must be their defaults");
        }
        Ok(window)
    }

    /// The distance between the first and the last position that a window takes, along an axis.
    pub fn reach(&self, axis: usize) -> usize {
        self.dilations[axis] * (self.kernel[axis] - 1)
    }

    /// How many windows there are along an axis of `length` positions; None if not even one fits.
    pub fn count(&self, axis: usize, length: usize) -> Option<usize> {
        let padded = length + self.before[axis] + self.after[axis];
        Some(padded.checked_sub(self.reach(axis) + 1)? / self.strides[axis] + 1)
    }
}

/// An attribute of as many numbers that are not negative.
fn numbers<const N: usize>(node: &Node, name: &str) -> Option<[usize; N]> {
    let values: Vec<usize> =
        node.ints(name)?.iter().map(|&v| usize::try_from(v).ok()).collect::<Option<_>>()?;
    values.try_into().ok()
}
