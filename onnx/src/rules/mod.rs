//! One rule per ONNX operator: from the gradient with respect to a node's output to the gradients with
//! respect to its inputs. A rule may use the node's inputs and outputs, and adds nodes to the graph.
//! Shapes need not be known: where one matters, the graph asks for it when it runs. Where the sizes of
//! activations are known, ReLU and pooling are written so that ONNX Runtime stays in its blocked layout
//! (NCHWc) on the CPU; that layout has no comparisons, casts and pads, but convolutions with a clipping
//! activation and, for equal known sizes, sums and products.

mod pooling;
mod products;

use crate::error::{Error, Result};
use crate::graph::{Attr, Data, Graph, Node, Tensor};
use crate::operators::{self, Gradient};
use crate::shapes::{Shapes, axes};

/// What a rule works with.
pub(crate) struct Context<'a> {
    pub graph: &'a mut Graph,
    /// A node that was checked against the table of operators.
    pub node: &'a Node,
    /// The nodes before the gradient's were added.
    pub forward: &'a [Node],
    /// Shapes of values, where known.
    pub shapes: &'a Shapes,
    /// The gradient with respect to the node's output.
    pub g: &'a str,
}

/// The gradients with respect to those inputs of the node for which `active` holds.
pub(crate) fn apply(c: &mut Context, active: &dyn Fn(&str) -> bool) -> Result<Vec<(String, String)>> {
    let node = c.node;
    let mut out = Vec::new();
    if let Some(g) = c.gram()?.or_else(|| c.square()) {
        return Ok(vec![(node.inputs[0].clone(), g)]);
    }
    for (index, input) in node.inputs.iter().enumerate() {
        if input.is_empty() || !active(input) {
            continue;
        }
        out.push((input.clone(), c.rule(index)?));
    }
    Ok(out)
}

/// Two contributions to the gradient with respect to `to`, summed.
pub(crate) fn sum(graph: &mut Graph, shapes: &Shapes, to: &str, parts: [String; 2]) -> String {
    let name = format!("gradient/{to}");
    let parts = parts.map(|part| {
        let maker = graph.nodes.iter().rev().find(|n| n.output() == Some(part.as_str()));
        let reshaped = maker.is_some_and(|n| operators::gradient(n) == Gradient::View);
        match shapes.blocked(to) {
            // Into the blocked layout, which the other part is in.
            Some(channels) if reshaped => scaled(graph, &name, &part, channels, 1.0),
            _ => part,
        }
    });
    graph.add("Add", &format!("{name}/sum"), &parts.each_ref().map(String::as_str))
}

/// Each channel multiplied by `factor`, as a convolution.
fn scaled(graph: &mut Graph, name: &str, value: &str, channels: usize, factor: f32) -> String {
    let weights = Tensor::f32(&[channels, 1, 1, 1], vec![factor; channels]);
    let weights = graph.constant(&format!("const/each/{factor}/{channels}"), weights);
    let group = ("group", Attr::Int(channels as i64));
    let kernel = ("kernel_shape", Attr::Ints(vec![1, 1]));
    graph.add_with("Conv", &format!("{name}/Conv"), &[value, &weights], [group, kernel])
}

impl Context<'_> {
    fn rule(&mut self, index: usize) -> Result<String> {
        let node = self.node;
        let g = self.g.to_string();
        let only_first = |name: &str| {
            if index == 0 { Ok(()) } else { Err(Error::bad_node(node, format!("no rule for the {name}"))) }
        };
        match operators::gradient(node) {
            Gradient::Identity => Ok(g),
            Gradient::Neg => Ok(self.add("Neg", &[&g])),
            Gradient::Add => self.unbroadcast(&g, index),
            Gradient::Sub => {
                let g = if index == 0 { g } else { self.add("Neg", &[&g]) };
                self.unbroadcast(&g, index)
            }
            Gradient::Mul => {
                let other = node.inputs[1 - index].clone();
                let g = self.add("Mul", &[&g, &other]);
                self.unbroadcast(&g, index)
            }
            Gradient::Div => {
                let by = &node.inputs[1];
                let mut g = self.add("Div", &[&g, by]);
                if index == 1 {
                    // d(a/b)/db = −(a/b)/b
                    g = self.add("Mul", &[&g, &node.outputs[0]]);
                    g = self.add("Neg", &[&g]);
                }
                self.unbroadcast(&g, index)
            }
            Gradient::Sqrt => {
                let half = self.graph.scalar(0.5);
                let g = self.add("Mul", &[&g, &half]);
                Ok(self.add("Div", &[&g, &node.outputs[0]]))
            }
            Gradient::Sigmoid => {
                let y = &node.outputs[0];
                let one = self.graph.scalar(1.0);
                let rest = self.add("Sub", &[&one, y]);
                let derivative = self.add("Mul", &[y, &rest]);
                Ok(self.add("Mul", &[&g, &derivative]))
            }
            Gradient::Sin => {
                let derivative = self.add("Cos", &[&node.inputs[0]]);
                Ok(self.add("Mul", &[&g, &derivative]))
            }
            Gradient::Relu => {
                // A max pooling behind has masked its smaller gradient by then.
                let mut readers = self.forward.iter().filter(|n| n.inputs.contains(&node.outputs[0]));
                if readers.all(|n| operators::gradient(n) == Gradient::MaxPool) {
                    Ok(g)
                } else {
                    Ok(self.where_positive(&g, &node.outputs[0]))
                }
            }
            Gradient::Clip => {
                only_first("bounds of a Clip")?;
                self.clip(&g)
            }
            Gradient::Conv => {
                only_first("weights of a Conv")?;
                self.conv(&g)
            }
            Gradient::MaxPool => self.max_pool(&g),
            Gradient::AveragePool => self.average_pool(&g),
            Gradient::View => {
                only_first("shape")?;
                let shape = self.shape_of(&node.inputs[0]);
                Ok(self.add("Reshape", &[&g, &shape]))
            }
            Gradient::Pad => {
                only_first("pads")?;
                self.pad(&g)
            }
            Gradient::Transpose => self.transpose(&g),
            Gradient::MatMul => self.matmul(&g, index),
            Gradient::Gemm => self.gemm(&g, index),
            Gradient::Sum | Gradient::Mean => {
                only_first("axes")?;
                self.reduction(&g)
            }
            Gradient::Missing | Gradient::Zero => {
                Err(Error::bad_node(node, "there is no rule for the gradient of this operator"))
            }
        }
    }

    /// Adds a node named after the one that is being differentiated.
    fn add(&mut self, op: &str, inputs: &[&str]) -> String {
        self.add_with(op, inputs, [])
    }

    fn add_with<const N: usize>(&mut self, op: &str, inputs: &[&str], attrs: [(&str, Attr); N]) -> String {
        let hint = format!("gradient/{}/{op}", self.node.name);
        self.graph.add_with(op, &hint, inputs, attrs)
    }

    fn cast_float(&mut self, value: &str) -> String {
        self.add_with("Cast", &[value], [("to", Attr::Int(1))])
    }

    /// `g` where the boolean `on` holds, else 0.
    fn masked(&mut self, g: &str, on: &str) -> String {
        let zero = self.graph.scalar(0.0);
        self.add("Where", &[on, g, &zero])
    }

    /// `g` where `value` is above 0, else 0.
    fn where_positive(&mut self, g: &str, value: &str) -> String {
        if let Some(channels) = self.shapes.blocked(value) {
            let on = self.step(value, channels, 0.0);
            return self.add("Mul", &[g, &on]);
        }
        let zero = self.graph.scalar(0.0);
        let on = self.add("Greater", &[value, &zero]);
        self.masked(g, &on)
    }

    /// The gradient of x·x: once 2·g·x instead of twice g·x.
    fn square(&mut self) -> Option<String> {
        let node = self.node;
        if operators::gradient(node) != Gradient::Mul || node.inputs[0] != node.inputs[1] {
            return None;
        }
        let two = self.graph.scalar(2.0);
        let g = self.add("Mul", &[self.g, &two]);
        Some(self.add("Mul", &[&g, &node.inputs[0]]))
    }

    fn scaled(&mut self, value: &str, channels: usize, factor: f32) -> String {
        scaled(self.graph, &format!("gradient/{}", self.node.name), value, channels, factor)
    }

    /// 1 where `value` is above 0, 0 where it is below, `at_zero` where it is 0: a line so steep that
    /// clipping it to 0..1 leaves a step for all values but those within 1e-38 of 0.
    fn step(&mut self, value: &str, channels: usize, at_zero: f32) -> String {
        let same = self.scaled(value, channels, 1.0);
        let line = [("alpha", Attr::Float(3e38)), ("beta", Attr::Float(at_zero))];
        self.add_with("HardSigmoid", &[&same], line)
    }

    /// Sums `g`, which has the shape of the node's output, over the axes along which input `index` was
    /// broadcast, so that it has that input's shape.
    fn unbroadcast(&mut self, g: &str, index: usize) -> Result<String> {
        let node = self.node;
        if self.shapes.same(&node.outputs[0], &node.inputs[index])
            || self.shapes.rank(&node.inputs[1 - index]) == Some(0)
        {
            return Ok(g.to_string());
        }
        let (of_g, of_input) = (self.shapes.dims(&node.outputs[0]), self.shapes.dims(&node.inputs[index]));
        if let Some((have, wanted)) = of_g.zip(of_input) {
            // Aligned at the last axis.
            let mut axes: Vec<i64> = (0..have.len())
                .rev()
                .zip(wanted.iter().rev().map(Some).chain(std::iter::repeat(None)))
                .filter(|&(axis, wanted)| wanted != have.get(axis))
                .map(|(axis, _)| axis as i64)
                .collect();
            axes.reverse();
            let axes = self.graph.i64s(&axes);
            let sum = self.add_with("ReduceSum", &[g, &axes], [("keepdims", Attr::Int(1))]);
            let shape = self.shape_of(&node.inputs[index]);
            return Ok(self.add("Reshape", &[&sum, &shape]));
        }
        let wanted = self.add("Shape", &[&node.inputs[index]]);
        Ok(self.sum_to(g, &wanted))
    }

    fn clip(&mut self, g: &str) -> Result<String> {
        let node = self.node;
        let x = &node.inputs[0];
        let bound = |i: usize| node.inputs.get(i).filter(|n| !n.is_empty());
        let mut inside: Option<String> = None;
        for (limit, op) in [(bound(1), "GreaterOrEqual"), (bound(2), "LessOrEqual")] {
            let Some(limit) = limit else { continue };
            let holds = self.add(op, &[x, limit]);
            inside = Some(match inside {
                Some(other) => self.add("And", &[&other, &holds]),
                None => holds,
            });
        }
        match inside {
            Some(on) => Ok(self.masked(g, &on)),
            None => Ok(g.to_string()),
        }
    }

    fn transpose(&mut self, g: &str) -> Result<String> {
        match self.node.ints("perm").filter(|perm| !perm.is_empty()) {
            Some(perm) => {
                let place = |axis: usize| perm.iter().position(|&from| from == axis as i64);
                let inverse: Option<Vec<i64>> =
                    (0..perm.len()).map(|axis| Some(place(axis)? as i64)).collect();
                let inverse = inverse.ok_or_else(|| {
                    Error::bad_node(
                        self.node,
                        format!("perm must hold each axis from 0 to {} once", perm.len() - 1),
                    )
                })?;
                Ok(self.add_with("Transpose", &[g], [("perm", Attr::Ints(inverse))]))
            }
            None => Ok(self.add("Transpose", &[g])),
        }
    }

    /// A border that was repeated adds its gradients to those of the border itself, one axis after the other.
    fn pad(&mut self, g: &str) -> Result<String> {
        let node = self.node;
        if node.text("mode") != Some("edge") {
            return Err(Error::bad_node(node, "mode must be edge"));
        }
        let pads = match self.graph.constants.get(&node.inputs[1]).map(|t| &t.data) {
            Some(Data::I64(pads)) if pads.iter().all(|p| (0..i64::from(i32::MAX)).contains(p)) => {
                pads.clone()
            }
            _ => return Err(Error::bad_node(node, "needs pads that are constant and not negative")),
        };
        let mut g = g.to_string();
        let (before, after) = pads.split_at(pads.len() / 2);
        for (axis, (&before, &after)) in before.iter().zip(after).enumerate() {
            if before == 0 && after == 0 {
                continue;
            }
            let over = self.graph.i64s(&[axis as i64]);
            let mut part = |from: i64, to: i64| {
                let (from, to) = (self.graph.i64s(&[from]), self.graph.i64s(&[to]));
                self.add("Slice", &[&g, &from, &to, &over])
            };
            // The picture's first and last line with their copies, and what is between.
            let (first, last) = (part(0, before + 1), part(-after - 1, i64::MAX));
            let between = part(before + 1, -after - 1);
            let mut line =
                |lines: &str| self.add_with("ReduceSum", &[lines, &over], [("keepdims", Attr::Int(1))]);
            let (first, last) = (line(&first), line(&last));
            let axis = [("axis", Attr::Int(axis as i64))];
            g = self.add_with("Concat", &[&first, &between, &last], axis);
        }
        Ok(g)
    }

    /// A value's shape, as a constant where it is known.
    fn shape_of(&mut self, value: &str) -> String {
        match self.shapes.dims(value) {
            Some(dims) => {
                let dims: Vec<i64> = dims.iter().map(|&d| d as i64).collect();
                self.graph.i64s(&dims)
            }
            None => self.add("Shape", &[value]),
        }
    }

    /// The number of a value's entries as a float, as a constant where it is known.
    fn count_of(&mut self, value: &str) -> String {
        match self.shapes.dims(value) {
            Some(dims) => self.graph.scalar(dims.iter().product::<usize>() as f32),
            None => {
                let count = self.add("Size", &[value]);
                self.cast_float(&count)
            }
        }
    }

    /// Sums `g` over the axes in which its shape differs from `wanted`, which is a shape that broadcasts
    /// to it: missing in front, or 1.
    fn sum_to(&mut self, g: &str, wanted: &str) -> String {
        let have = self.add("Shape", &[g]);
        let (have_rank, wanted_rank) = (self.add("Shape", &[&have]), self.add("Shape", &[wanted]));
        let missing = self.add("Sub", &[&have_rank, &wanted_rank]);
        let ones =
            self.add_with("ConstantOfShape", &[&missing], [("value", Attr::Tensor(Tensor::i64s(&[1])))]);
        let padded = self.add_with("Concat", &[&ones, wanted], [("axis", Attr::Int(0))]);
        let same = self.add("Equal", &[&padded, &have]);
        let differs = self.add("Not", &[&same]);
        let axes = self.add("NonZero", &[&differs]);
        let flat = self.graph.i64s(&[-1]);
        let axes = self.add("Reshape", &[&axes, &flat]);
        let sum = self.add_with(
            "ReduceSum",
            &[g, &axes],
            [("keepdims", Attr::Int(1)), ("noop_with_empty_axes", Attr::Int(1))],
        );
        self.add("Reshape", &[&sum, wanted])
    }

    fn reduction(&mut self, g: &str) -> Result<String> {
        let node = self.node;
        if node.input(1).is_some_and(|axes| !self.graph.constants.contains_key(axes)) {
            return Err(Error::bad_node(node, "the axes must be constant"));
        }
        let x = &node.inputs[0];
        let mut g = g.to_string();
        if operators::gradient(node) == Gradient::Mean {
            let (all, kept) = (self.count_of(x), self.count_of(&node.outputs[0]));
            let part = self.add("Div", &[&kept, &all]);
            g = self.add("Mul", &[&g, &part]);
        }
        if node.int("keepdims") == Some(0)
            && let Some(axes) = axes(self.graph, node)
        {
            let axes = self.graph.i64s(&axes);
            g = self.add("Unsqueeze", &[&g, &axes]);
        }
        let shape = self.shape_of(x);
        Ok(self.add("Expand", &[&g, &shape]))
    }
}
