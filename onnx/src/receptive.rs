//! How far a value sees: the pixels of the input that have an influence on one of its positions.

use std::collections::HashMap;

use crate::graph::{Data, Graph};

/// What a position of a value sees along an axis.
#[derive(Clone, Copy)]
struct Sight {
    /// Pixels from one position to the next.
    step: usize,
    /// Pixels seen before the position's first pixel, and after it.
    before: usize,
    after: usize,
}

/// The largest distance in pixels, along either axis, from the first pixel of a position's own cell to one that
/// the position sees, over all values of a forward graph.
pub fn radius(graph: &Graph) -> usize {
    let mut sights: HashMap<&str, [Sight; 2]> = HashMap::new();
    let own = Sight { step: 1, before: 0, after: 0 };
    sights.extend(graph.inputs.iter().map(|port| (port.name.as_str(), [own; 2])));
    let mut most = 0;
    for node in &graph.nodes {
        let seen: Vec<[Sight; 2]> =
            node.inputs.iter().filter_map(|i| sights.get(i.as_str()).copied()).collect();
        let Some(first) = seen.first() else { continue };
        let windowed = matches!(node.op.as_str(), "Conv" | "MaxPool" | "AveragePool");
        let mut out = *first;
        for (axis, sight) in out.iter_mut().enumerate() {
            for other in &seen {
                sight.before = sight.before.max(other[axis].before);
                sight.after = sight.after.max(other[axis].after);
            }
            if node.op == "Pad" {
                // The position moves by the lines that come before it; a convolution behind looks further on.
                sight.before += node.inputs.get(1).and_then(|p| pad(graph, p, axis)).unwrap_or(0);
            }
            if !windowed {
                continue;
            }
            let at = |name: &str, at: usize, usual: i64| {
                node.ints(name).and_then(|v| v.get(at)).copied().unwrap_or(usual).max(0) as usize
            };
            let kernel = at("kernel_shape", axis, 1).max(1);
            let reach = (kernel - 1) * at("dilations", axis, 1);
            let pad = at("pads", axis, 0);
            sight.before += pad * sight.step;
            sight.after += reach.saturating_sub(pad) * sight.step;
            sight.step *= at("strides", axis, 1);
            most = most.max(sight.before).max(sight.after);
        }
        for output in &node.outputs {
            sights.insert(output, out);
        }
    }
    most
}

/// Lines that a padding adds before the first along a spatial axis.
fn pad(graph: &Graph, pads: &str, axis: usize) -> Option<usize> {
    match &graph.constants.get(pads)?.data {
        Data::I64(pads) => usize::try_from(*pads.get(2 + axis)?).ok(),
        Data::F32(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Spec, objective, vgg};

    #[test]
    fn vgg_s_taps_see_as_far_as_is_known() {
        let model = vgg::seeded(1).expect("a model");
        let of = |tap: &str| {
            let spec = Spec { style: vec![tap.to_string()], ..Spec::default() };
            radius(&objective::features(&model, &spec, objective::Size::Any).expect("a graph"))
        };
        assert_eq!(of("relu1_1"), 1);
        assert_eq!(of("relu1_2"), 2);
        // Two convolutions, a pooling that looks one pixel ahead, one convolution two pixels apart.
        assert_eq!(of("relu2_1"), 2 + 1 + 2);
        // 156 pixels wide with the cell of 16 pixels: 70 on the side that sees further.
        assert_eq!(of("relu5_1"), 2 + 1 + 4 + 2 + 16 + 4 + 32 + 8 + 16);
    }
}
