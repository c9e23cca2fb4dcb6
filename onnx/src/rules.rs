//! One rule per ONNX operator: from the gradient with respect to a node's output to the gradients with
//! respect to its inputs. A rule may use the node's inputs and outputs, and adds nodes to the graph.
//! Shapes need not be known: where one matters, the graph asks for it when it runs. Where the sizes of
//! activations are known, ReLU and pooling are written so that ONNX Runtime stays in its blocked layout
//! (NCHWc) on the CPU; that layout has no comparisons, casts and pads, but convolutions with a clipping
//! activation and, for equal known sizes, sums and products.

use crate::differentiate::no_rule;
use crate::error::Result;
use crate::graph::{Attr, Data, Graph, Node, Tensor};
use crate::shapes::{Shapes, axes};

/// What a rule works with.
pub(crate) struct Context<'a> {
    pub graph: &'a mut Graph,
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
        let reshaped = graph.nodes.iter().rev().any(|n| n.outputs[0] == part && n.op == "Reshape");
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
            if index == 0 { Ok(()) } else { Err(no_rule(node, format!("no rule for the {name}"))) }
        };
        match node.op.as_str() {
            "Identity" => Ok(g),
            "Neg" => Ok(self.add("Neg", &[&g])),
            "Add" => self.unbroadcast(&g, index),
            "Sub" => {
                let g = if index == 0 { g } else { self.add("Neg", &[&g]) };
                self.unbroadcast(&g, index)
            }
            "Mul" => {
                let other = node.inputs[1 - index].clone();
                let g = self.add("Mul", &[&g, &other]);
                self.unbroadcast(&g, index)
            }
            "Div" => {
                let by = &node.inputs[1];
                let mut g = self.add("Div", &[&g, by]);
                if index == 1 {
                    // d(a/b)/db = −(a/b)/b
                    g = self.add("Mul", &[&g, &node.outputs[0]]);
                    g = self.add("Neg", &[&g]);
                }
                self.unbroadcast(&g, index)
            }
            "Sqrt" => {
                let half = self.graph.scalar(0.5);
                let g = self.add("Mul", &[&g, &half]);
                Ok(self.add("Div", &[&g, &node.outputs[0]]))
            }
            "Sigmoid" => {
                let y = &node.outputs[0];
                let one = self.graph.scalar(1.0);
                let rest = self.add("Sub", &[&one, y]);
                let slope = self.add("Mul", &[y, &rest]);
                Ok(self.add("Mul", &[&g, &slope]))
            }
            "Sin" => {
                let slope = self.add("Cos", &[&node.inputs[0]]);
                Ok(self.add("Mul", &[&g, &slope]))
            }
            "Relu" => {
                // A max pooling behind has masked its smaller gradient by then.
                let mut readers = self.forward.iter().filter(|n| n.inputs.contains(&node.outputs[0]));
                if readers.all(|n| n.op == "MaxPool") {
                    Ok(g)
                } else {
                    Ok(self.where_positive(&g, &node.outputs[0]))
                }
            }
            "Clip" => {
                only_first("bounds of a Clip")?;
                self.clip(&g)
            }
            "Conv" => {
                only_first("weights of a Conv")?;
                self.conv(&g)
            }
            "MaxPool" => self.max_pool(&g),
            "AveragePool" => self.average_pool(&g),
            "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => {
                only_first("shape")?;
                let shape = self.shape_of(&node.inputs[0]);
                Ok(self.add("Reshape", &[&g, &shape]))
            }
            "Pad" => {
                only_first("pads")?;
                self.pad(&g)
            }
            "Transpose" => self.transpose(&g),
            "MatMul" => self.matmul(&g, index),
            "Gemm" => self.gemm(&g, index),
            "ReduceSum" | "ReduceMean" => {
                only_first("axes")?;
                self.reduction(&g)
            }
            _ => Err(no_rule(node, "no rule for the gradient of this operator")),
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
        if node.op != "Mul" || node.inputs[0] != node.inputs[1] {
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
            let missing = have.len() - wanted.len();
            let axes: Vec<i64> = (0..have.len())
                .filter(|&axis| axis < missing || wanted[axis - missing] != have[axis])
                .map(|axis| axis as i64)
                .collect();
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

    /// The transposed convolution as a convolution with the weights turned by 180° and their in- and
    /// output channels exchanged. The turned weights follow from the one copy in the file by nodes that
    /// ONNX Runtime folds when it loads the model.
    fn conv(&mut self, g: &str) -> Result<String> {
        let node = self.node;
        if node.int("group").unwrap_or(1) != 1 {
            return Err(no_rule(node, "group must be 1"));
        }
        if node.ints("strides").is_some_and(|s| s.iter().any(|&v| v != 1)) {
            return Err(no_rule(node, "strides must be 1"));
        }
        if !matches!(node.text("auto_pad").unwrap_or("NOTSET"), "NOTSET" | "VALID") {
            return Err(no_rule(node, "auto_pad must be NOTSET; give pads instead"));
        }
        let weights = &node.inputs[1];
        let dims = match (self.graph.constants.get(weights), node.ints("kernel_shape")) {
            (Some(w), _) if w.dims.len() == 4 => w.dims[2..].iter().map(|&d| d as i64).collect::<Vec<_>>(),
            (_, Some(k)) if k.len() == 2 => k.to_vec(),
            _ => return Err(no_rule(node, "needs two spatial axes and a kernel shape that is known")),
        };
        let dilations = node.ints("dilations").map_or(vec![1, 1], <[i64]>::to_vec);
        let pads = node.ints("pads").map_or(vec![0; 4], <[i64]>::to_vec);
        let reach: Vec<i64> = dims.iter().zip(&dilations).map(|(k, d)| d * (k - 1)).collect();
        let pads: Vec<i64> = (0..4).map(|i| reach[i % 2] - pads[i]).collect();
        if pads.iter().any(|&p| p < 0) {
            return Err(no_rule(node, "pads must not be larger than the kernel's reach"));
        }
        let mut turned = self.add_with("Transpose", &[weights], [("perm", Attr::Ints(vec![1, 0, 2, 3]))]);
        if dims.iter().any(|&k| k > 1) {
            let (from, to) = (self.graph.i64s(&[-1, -1]), self.graph.i64s(&[i64::MIN, i64::MIN]));
            let (over, step) = (self.graph.i64s(&[2, 3]), self.graph.i64s(&[-1, -1]));
            turned = self.add("Slice", &[&turned, &from, &to, &over, &step]);
        }
        Ok(self.add_with(
            "Conv",
            &[g, &turned],
            [
                ("kernel_shape", Attr::Ints(dims)),
                ("pads", Attr::Ints(pads)),
                ("dilations", Attr::Ints(dilations)),
            ],
        ))
    }

    /// The kernel of a pooling whose windows neither overlap nor leave gaps.
    fn pool_kernel(&self) -> Result<Vec<i64>> {
        let node = self.node;
        let kernel = node.ints("kernel_shape").filter(|k| k.len() == 2);
        let kernel = kernel.ok_or_else(|| no_rule(node, "needs two spatial axes"))?.to_vec();
        let strides = node.ints("strides").map_or(vec![1, 1], <[i64]>::to_vec);
        if kernel != strides {
            return Err(no_rule(node, "kernel_shape and strides must be equal"));
        }
        let plain = node.ints("pads").is_none_or(|p| p.iter().all(|&v| v == 0))
            && node.int("ceil_mode").unwrap_or(0) == 0
            && node.ints("dilations").is_none_or(|d| d.iter().all(|&v| v == 1))
            && matches!(node.text("auto_pad").unwrap_or("NOTSET"), "NOTSET" | "VALID");
        if !plain {
            return Err(no_rule(node, "pads, dilations, ceil_mode and auto_pad must be their defaults"));
        }
        Ok(kernel)
    }

    /// Repeats each value over its pooling window and fills the rows and columns that no window covers
    /// (sizes that the kernel does not divide) with zeros.
    fn spread(&mut self, value: &str, kernel: &[i64]) -> String {
        let scales = Tensor::f32(&[4], vec![1.0, 1.0, kernel[0] as f32, kernel[1] as f32]);
        let scales = self.graph.constant(&format!("const/scales/{}x{}", kernel[0], kernel[1]), scales);
        let up = self.add_with(
            "Resize",
            &[value, "", &scales],
            [
                ("mode", Attr::Text("nearest".into())),
                ("coordinate_transformation_mode", Attr::Text("asymmetric".into())),
                ("nearest_mode", Attr::Text("floor".into())),
            ],
        );
        let size = self.shapes.size(&self.node.inputs[0]);
        if size.is_some_and(|[.., h, w]| h as i64 % kernel[0] == 0 && w as i64 % kernel[1] == 0) {
            return up;
        }
        if let Some([.., h, w]) = size {
            let missing = [h as i64 % kernel[0], w as i64 % kernel[1]];
            let pads = self.graph.i64s(&[0, 0, 0, 0, 0, 0, missing[0], missing[1]]);
            return self.add("Pad", &[&up, &pads]);
        }
        let (want, have) = (self.add("Shape", &[&self.node.inputs[0]]), self.add("Shape", &[&up]));
        let after = self.add("Sub", &[&want, &have]);
        let before = self.graph.i64s(&[0, 0, 0, 0]);
        let pads = self.add_with("Concat", &[&before, &after], [("axis", Attr::Int(0))]);
        self.add("Pad", &[&up, &pads])
    }

    /// Equal maxima of a window share its gradient in equal parts, so that a flat area gets the gradient
    /// once and not once per pixel.
    fn max_pool(&mut self, g: &str) -> Result<String> {
        let kernel = self.pool_kernel()?;
        let (x, y) = (&self.node.inputs[0], &self.node.outputs[0]);
        // A ReLU before it passes the gradient of maxima above 0 only: cheaper to tell here, by window.
        let relu = self.forward.iter().any(|n| n.op == "Relu" && n.outputs[0] == *x);
        let g = &if relu { self.where_positive(g, y) } else { g.to_string() };
        let (is_max, on) = if let Some(channels) = self.shapes.blocked(x) {
            let maxima = self.scaled(y, channels, -1.0);
            let maxima = self.spread(&maxima, &kernel);
            let below = self.add("Add", &[x, &maxima]);
            (self.step(&below, channels, 1.0), None)
        } else {
            let maxima = self.spread(y, &kernel);
            let on = self.add("Equal", &[x, &maxima]);
            (self.cast_float(&on), Some(on))
        };
        let share = self.add_with(
            "AveragePool",
            &[&is_max],
            [("kernel_shape", Attr::Ints(kernel.clone())), ("strides", Attr::Ints(kernel.clone()))],
        );
        let g = self.add("Div", &[g, &share]);
        let part = 1.0 / (kernel[0] * kernel[1]) as f32;
        let g = match self.shapes.blocked(x) {
            Some(channels) => self.scaled(&g, channels, part),
            None => {
                let part = self.graph.scalar(part);
                self.add("Mul", &[&g, &part])
            }
        };
        let g = self.spread(&g, &kernel);
        Ok(match on {
            Some(on) => self.masked(&g, &on),
            None => self.add("Mul", &[&g, &is_max]),
        })
    }

    fn average_pool(&mut self, g: &str) -> Result<String> {
        let kernel = self.pool_kernel()?;
        let part = self.graph.scalar(1.0 / (kernel[0] * kernel[1]) as f32);
        let g = self.add("Mul", &[g, &part]);
        Ok(self.spread(&g, &kernel))
    }

    fn transpose(&mut self, g: &str) -> Result<String> {
        match self.node.ints("perm") {
            Some(perm) => {
                let mut inverse = vec![0; perm.len()];
                for (to, &from) in perm.iter().enumerate() {
                    inverse[from as usize] = to as i64;
                }
                Ok(self.add_with("Transpose", &[g], [("perm", Attr::Ints(inverse))]))
            }
            None => Ok(self.add("Transpose", &[g])),
        }
    }

    /// A border that was repeated adds its gradients to those of the border itself, one axis after the other.
    fn pad(&mut self, g: &str) -> Result<String> {
        let node = self.node;
        if node.text("mode") != Some("edge") {
            return Err(no_rule(node, "mode must be edge"));
        }
        let pads = match self.graph.constants.get(&node.inputs[1]).map(|t| &t.data) {
            Some(Data::I64(pads)) if pads.iter().all(|&p| p >= 0) => pads.clone(),
            _ => return Err(no_rule(node, "needs pads that are constant and not negative")),
        };
        let mut g = g.to_string();
        for axis in 0..pads.len() / 2 {
            let (before, after) = (pads[axis], pads[pads.len() / 2 + axis]);
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

    fn rank(&self, value: &str) -> Result<usize> {
        let unknown = || no_rule(self.node, format!("the rank of '{value}' cannot be told from the graph"));
        self.shapes.rank(value).ok_or_else(unknown)
    }

    /// `value` with its last two axes exchanged.
    fn swapped(&mut self, value: &str) -> Result<String> {
        let rank = self.rank(value)? as i64;
        if rank < 2 {
            return Err(no_rule(self.node, format!("'{value}' must have at least two axes")));
        }
        let mut perm: Vec<i64> = (0..rank).collect();
        perm.swap(rank as usize - 1, rank as usize - 2);
        Ok(self.add_with("Transpose", &[value], [("perm", Attr::Ints(perm))]))
    }

    fn matmul(&mut self, g: &str, index: usize) -> Result<String> {
        let node = self.node;
        let (a, b) = (node.inputs[0].clone(), node.inputs[1].clone());
        let g = if index == 0 {
            let b = self.swapped(&b)?;
            self.add("MatMul", &[g, &b])
        } else {
            let a = self.swapped(&a)?;
            self.add("MatMul", &[&a, g])
        };
        if self.rank(&a)? == 2 && self.rank(&b)? == 2 {
            return Ok(g);
        }
        let wanted = self.add("Shape", &[&node.inputs[index]]);
        Ok(self.sum_to(&g, &wanted))
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

    fn gemm_flags(&self) -> (f32, bool, bool) {
        let alpha = match self.node.attrs.get("alpha") {
            Some(Attr::Float(v)) => *v,
            _ => 1.0,
        };
        let flag = |name| self.node.int(name).unwrap_or(0) != 0;
        (alpha, flag("transA"), flag("transB"))
    }

    /// The gradient of X·Xᵀ in one product, (g + gᵀ)·X, instead of two of the same size and their sum.
    fn gram(&mut self) -> Result<Option<String>> {
        let node = self.node;
        let (alpha, trans_a, trans_b) = self.gemm_flags();
        if node.op != "Gemm"
            || node.inputs.len() != 2
            || node.inputs[0] != node.inputs[1]
            || trans_a
            || !trans_b
        {
            return Ok(None);
        }
        let turned = self.add("Transpose", &[self.g]);
        let both = self.add("Add", &[self.g, &turned]);
        let x = node.inputs[0].clone();
        Ok(Some(self.add_with("Gemm", &[&both, &x], [("alpha", Attr::Float(alpha))])))
    }

    fn gemm(&mut self, g: &str, index: usize) -> Result<String> {
        let node = self.node;
        if index == 2 {
            return Err(no_rule(node, "no rule for the added matrix of a Gemm"));
        }
        let (alpha, trans_a, trans_b) = self.gemm_flags();
        let (a, b) = (node.inputs[0].clone(), node.inputs[1].clone());
        // With A' and B' the operands as they enter the product: dA' = g·B'ᵀ and dB' = A'ᵀ·g; a transposed
        // operand takes the transpose of that.
        let (left, right, left_t, right_t) = match (index, trans_a, trans_b) {
            (0, false, _) => (g, b.as_str(), false, !trans_b),
            (0, true, _) => (b.as_str(), g, trans_b, true),
            (_, _, false) => (a.as_str(), g, !trans_a, false),
            (_, _, true) => (g, a.as_str(), true, trans_a),
        };
        Ok(self.add_with(
            "Gemm",
            &[left, right],
            [
                ("alpha", Attr::Float(alpha)),
                ("transA", Attr::Int(left_t as i64)),
                ("transB", Attr::Int(right_t as i64)),
            ],
        ))
    }

    fn reduction(&mut self, g: &str) -> Result<String> {
        let node = self.node;
        if node.inputs.len() > 1
            && !node.inputs[1].is_empty()
            && !self.graph.constants.contains_key(&node.inputs[1])
        {
            return Err(no_rule(node, "the axes must be constant"));
        }
        let x = &node.inputs[0];
        let mut g = g.to_string();
        if node.op == "ReduceMean" {
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
