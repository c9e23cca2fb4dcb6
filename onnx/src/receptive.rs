//! How far a value sees: the pixels of the input that have an influence on one of its positions.

use std::collections::HashMap;

use crate::graph::Graph;
use crate::operators::{self, Shape};
use crate::shapes::integers;
use crate::window::Window;

/// The receptive field of a value's positions along an axis, in pixels.
#[derive(Clone, Copy)]
struct Field {
    /// From one position to the next.
    step: usize,
    /// What is seen before the position's first pixel, and after it.
    before: usize,
    after: usize,
}

/// The largest distance in pixels, along either axis, from the first pixel of a position's own cell to one that
/// the position sees, over all values of a forward graph. A window that does not follow from the graph counts as none.
pub fn radius(graph: &Graph) -> usize {
    let mut fields: HashMap<&str, [Field; 2]> = HashMap::new();
    let own = Field { step: 1, before: 0, after: 0 };
    fields.extend(graph.inputs.iter().map(|port| (port.name.as_str(), [own; 2])));
    let mut most = 0;
    for node in &graph.nodes {
        let seen: Vec<[Field; 2]> =
            node.inputs.iter().filter_map(|i| fields.get(i.as_str()).copied()).collect();
        let Some(first) = seen.first() else { continue };
        let shape = operators::shape(node);
        let window = Window::new(graph, node).ok();
        let mut out = *first;
        for (axis, field) in out.iter_mut().enumerate() {
            for other in &seen {
                // A transposition may exchange the axes.
                let axes = if shape == Shape::Transpose { &other[..] } else { &other[axis..=axis] };
                for other in axes {
                    field.step = field.step.max(other.step);
                    field.before = field.before.max(other.before);
                    field.after = field.after.max(other.after);
                }
            }
            if shape == Shape::Pad {
                // The position moves by the lines that come before it; a convolution behind looks further on.
                let pads = integers(graph, node, 1).unwrap_or_default();
                let lines = pads.get(2 + axis).map_or(0, |&lines| usize::try_from(lines).unwrap_or(0));
                field.before = field.before.saturating_add(lines.saturating_mul(field.step));
            }
            if let Some(window) = &window {
                let before = window.before[axis];
                let after = window.reach(axis).saturating_sub(before);
                field.before = field.before.saturating_add(before.saturating_mul(field.step));
                field.after = field.after.saturating_add(after.saturating_mul(field.step));
                field.step = field.step.saturating_mul(window.strides[axis]);
            }
            most = most.max(field.before).max(field.after);
        }
        fields.extend(node.outputs.iter().map(|output| (output.as_str(), out)));
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ObjectiveSpec, objective, vgg};

    #[test]
    fn vgg_s_taps_see_as_far_as_is_known() {
        let model = vgg::seeded(1).expect("a model");
        let of = |tap: &str| {
            let spec = ObjectiveSpec { style: vec![tap.to_string()], ..ObjectiveSpec::default() };
            radius(&objective::features(&model, &spec, objective::GraphTarget::Any).expect("a graph"))
        };
        assert_eq!(of("relu1_1"), 1);
        assert_eq!(of("relu1_2"), 2);
        // Two convolutions, a pooling that looks one pixel ahead, one convolution two pixels apart.
        assert_eq!(of("relu2_1"), 2 + 1 + 2);
        // 156 pixels wide with the cell of 16 pixels: 70 on the side that sees further.
        assert_eq!(of("relu5_1"), 2 + 1 + 4 + 2 + 16 + 4 + 32 + 8 + 16);
    }
}
