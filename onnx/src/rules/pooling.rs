//! Poolings whose windows neither overlap nor leave gaps.

use super::Context;
use crate::error::Result;
use crate::graph::{Attr, Tensor};
use crate::operators::{self, Gradient};
use crate::window::{self, Window};

impl Context<'_> {
    /// The kernel of a pooling whose windows neither overlap nor leave gaps.
    fn pool_kernel(&self) -> Result<[i64; 2]> {
        Ok(Window::of_pooling(self.graph, self.node)?.kernel.map(|n| n as i64))
    }

    /// Repeats each value over its pooling window and fills the rows and columns that no window covers
    /// (sizes that the kernel does not divide) with zeros.
    fn unpool(&mut self, value: &str, kernel: [i64; 2]) -> String {
        let scales = Tensor::f32(&[4], vec![1.0, 1.0, kernel[0] as f32, kernel[1] as f32]);
        let scales = self.graph.constant(&format!("const/scales/{}x{}", kernel[0], kernel[1]), scales);
        let up = self.add_with("Resize", &[value, "", &scales], window::repeating());
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
    pub(super) fn max_pool(&mut self, g: &str) -> Result<String> {
        let kernel = self.pool_kernel()?;
        let (x, y) = (&self.node.inputs[0], &self.node.outputs[0]);
        // A ReLU before it passes the gradient of maxima above 0 only: cheaper to tell here, by window.
        let relu = self
            .forward
            .iter()
            .any(|n| operators::gradient(n) == Gradient::Relu && n.output() == Some(x.as_str()));
        let g = &if relu { self.where_positive(g, y) } else { g.to_string() };
        let (is_max, on) = if let Some(channels) = self.shapes.blocked(x) {
            let maxima = self.scaled(y, channels, -1.0);
            let maxima = self.unpool(&maxima, kernel);
            let below = self.add("Add", &[x, &maxima]);
            (self.step(&below, channels, 1.0), None)
        } else {
            let maxima = self.unpool(y, kernel);
            let on = self.add("Equal", &[x, &maxima]);
            (self.cast_float(&on), Some(on))
        };
        let share = self.add_with(
            "AveragePool",
            &[&is_max],
            [("kernel_shape", Attr::Ints(kernel.to_vec())), ("strides", Attr::Ints(kernel.to_vec()))],
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
        let g = self.unpool(&g, kernel);
        Ok(match on {
            Some(on) => self.masked(&g, &on),
            None => self.add("Mul", &[&g, &is_max]),
        })
    }

    pub(super) fn average_pool(&mut self, g: &str) -> Result<String> {
        let kernel = self.pool_kernel()?;
        let part = self.graph.scalar(1.0 / (kernel[0] * kernel[1]) as f32);
        let g = self.add("Mul", &[g, &part]);
        Ok(self.unpool(&g, kernel))
    }
}
