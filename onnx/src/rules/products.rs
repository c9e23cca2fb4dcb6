//! Convolutions and products of matrices.

use super::Context;
use crate::error::{Error, Result};
use crate::graph::Attr;
use crate::operators::{self, Gradient};
use crate::window::Window;

impl Context<'_> {
    /// The transposed convolution as a convolution with the weights flipped along both axes and their in- and
    /// output channels exchanged. The flipped weights follow from the one copy in the file by nodes that
    /// ONNX Runtime folds when it loads the model.
    pub(super) fn conv(&mut self, g: &str) -> Result<String> {
        let node = self.node;
        let window = Window::of_convolution(self.graph, node)?;
        let weights = &node.inputs[1];
        let over = [0, 1].map(|axis| window.reach(axis));
        let around = |pads: [usize; 2]| [over[0] - pads[0], over[1] - pads[1]].map(|pad| pad as i64);
        let pads = [around(window.before), around(window.after)].concat();
        let [kernel, dilations] = [window.kernel, window.dilations].map(|v| v.map(|n| n as i64).to_vec());
        let mut flipped = self.add_with("Transpose", &[weights], [("perm", Attr::Ints(vec![1, 0, 2, 3]))]);
        if kernel.iter().any(|&k| k > 1) {
            let (from, to) = (self.graph.i64s(&[-1, -1]), self.graph.i64s(&[i64::MIN, i64::MIN]));
            let (over, step) = (self.graph.i64s(&[2, 3]), self.graph.i64s(&[-1, -1]));
            flipped = self.add("Slice", &[&flipped, &from, &to, &over, &step]);
        }
        Ok(self.add_with(
            "Conv",
            &[g, &flipped],
            [
                ("kernel_shape", Attr::Ints(kernel)),
                ("pads", Attr::Ints(pads)),
                ("dilations", Attr::Ints(dilations)),
            ],
        ))
    }

    fn rank(&self, value: &str) -> Result<usize> {
        let unknown =
            || Error::bad_node(self.node, format!("the rank of '{value}' does not follow from the graph"));
        self.shapes.rank(value).ok_or_else(unknown)
    }

    /// `value` with its last two axes exchanged.
    fn transposed(&mut self, value: &str) -> Result<String> {
        let rank = self.rank(value)? as i64;
        if rank < 2 {
            return Err(Error::bad_node(self.node, format!("'{value}' must have at least two axes")));
        }
        let mut perm: Vec<i64> = (0..rank).collect();
        perm.swap(rank as usize - 1, rank as usize - 2);
        Ok(self.add_with("Transpose", &[value], [("perm", Attr::Ints(perm))]))
    }

    pub(super) fn matmul(&mut self, g: &str, index: usize) -> Result<String> {
        let node = self.node;
        let (a, b) = (node.inputs[0].clone(), node.inputs[1].clone());
        let g = if index == 0 {
            let b = self.transposed(&b)?;
            self.add("MatMul", &[g, &b])
        } else {
            let a = self.transposed(&a)?;
            self.add("MatMul", &[&a, g])
        };
        if self.rank(&a)? == 2 && self.rank(&b)? == 2 {
            return Ok(g);
        }
        let wanted = self.add("Shape", &[&node.inputs[index]]);
        Ok(self.sum_to(&g, &wanted))
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
    pub(super) fn gram(&mut self) -> Result<Option<String>> {
        let node = self.node;
        let (alpha, trans_a, trans_b) = self.gemm_flags();
        if operators::gradient(node) != Gradient::Gemm
            || node.inputs.len() != 2
            || node.inputs[0] != node.inputs[1]
            || trans_a
            || !trans_b
        {
            return Ok(None);
        }
        let transposed = self.add("Transpose", &[self.g]);
        let both = self.add("Add", &[self.g, &transposed]);
        let x = node.inputs[0].clone();
        Ok(Some(self.add_with("Gemm", &[&both, &x], [("alpha", Attr::Float(alpha))])))
    }

    pub(super) fn gemm(&mut self, g: &str, index: usize) -> Result<String> {
        let node = self.node;
        if index == 2 {
            return Err(Error::bad_node(node, "no rule for the added matrix of a Gemm"));
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
}
