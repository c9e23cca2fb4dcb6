//! What is special to each style loss: its statistics of a tap's activations, the loss between two of these, and the gradient.
//! Each function has one `match` over all style losses.

use crate::differentiate;
use crate::error::Result;
use crate::graph::{Attr, Graph, Tensor};
use crate::losses::{Mask, gram, gram_loss, mean, moments_loss, product, weighted_sum};
use crate::moments::{self, Moments};
use crate::spec::{StyleLoss, Term};
use crate::tap::Tap;

/// The statistics of a tap's activations `value`, a matrix of the size [`StyleLoss::dims`]: means over positions, weighted by
/// the mask.
pub(crate) fn statistics(
    graph: &mut Graph,
    style_loss: StyleLoss,
    name: &str,
    tap: &Tap,
    value: &str,
    mask: Option<&Mask>,
) -> String {
    match style_loss {
        StyleLoss::Gram => gram(graph, name, value, tap.channels, mask),
        StyleLoss::Moments => {
            let square = gram(graph, name, value, tap.channels, mask);
            let mean = mean(graph, name, value, tap.channels, mask);
            let perm = [("perm", Attr::Ints(vec![1, 0]))];
            let transposed = graph.add_with("Transpose", &format!("{name}/mean/transposed"), &[&mean], perm);
            let one = graph.constant("const/one", Tensor::f32(&[1, 1], vec![1.0]));
            moments::join(graph, name, &Moments { square, mean }, &transposed, &one)
        }
    }
}

/// The weighted loss of activations `value` against the statistics `target`.
pub(crate) fn loss(
    graph: &mut Graph,
    style_loss: StyleLoss,
    term: &Term,
    tap: &Tap,
    value: &str,
    target: &str,
    mask: Option<&Mask>,
) -> String {
    match style_loss {
        StyleLoss::Gram => {
            let gram = gram(graph, &term.name, value, tap.channels, mask);
            gram_loss(graph, term, tap, &gram, target)
        }
        StyleLoss::Moments => {
            let square = gram(graph, &term.name, value, tap.channels, mask);
            let mean = mean(graph, &term.name, value, tap.channels, mask);
            moments_loss(graph, term, &Moments { square, mean }, target, tap.channels)
        }
    }
}

/// Adds the weighted loss of known `statistics` against the statistics `target`; its gradient with respect to the former.
pub(crate) fn statistics_gradient(
    graph: &mut Graph,
    style_loss: StyleLoss,
    term: &Term,
    tap: &Tap,
    statistics: &str,
    target: &str,
) -> Result<String> {
    match style_loss {
        StyleLoss::Gram => {
            let loss = gram_loss(graph, term, tap, statistics, target);
            differentiate::gradient(graph, &loss, statistics)
        }
        StyleLoss::Moments => {
            let channels = tap.channels;
            let own = moments::split(graph, &term.name, statistics, channels);
            let loss = moments_loss(graph, term, &own, target, channels);
            let square = differentiate::gradient(graph, &loss, &own.square)?;
            let mean = differentiate::gradient(graph, &loss, &own.mean)?;
            let zeros = Tensor::f32(&[1, channels], vec![0.0; channels]);
            let zeros = graph.constant(&format!("const/zeros/{channels}"), zeros);
            let zero = graph.constant("const/zero", Tensor::f32(&[1, 1], vec![0.0]));
            let name = format!("{}/statistics/gradients", term.name);
            Ok(moments::join(graph, &name, &Moments { square, mean }, &zeros, &zero))
        }
    }
}

/// The sums over a tile's positions that the statistics are made of, each with the gradient of the loss with respect to it, which
/// is a part of `statistics_gradient`.
pub(crate) fn sums(
    graph: &mut Graph,
    style_loss: StyleLoss,
    name: &str,
    tap: &Tap,
    value: &str,
    mask: &Mask,
    statistics_gradient: &str,
) -> Vec<(String, String)> {
    match style_loss {
        StyleLoss::Gram => {
            let squares = product(graph, name, value, tap.channels, Some(mask));
            vec![(squares, statistics_gradient.to_string())]
        }
        StyleLoss::Moments => {
            let squares = product(graph, name, value, tap.channels, Some(mask));
            let gradients = format!("{name}/statistics/gradients");
            let gradients = moments::split(graph, &gradients, statistics_gradient, tap.channels);
            let values = weighted_sum(graph, name, value, tap.channels, Some(mask));
            vec![(squares, gradients.square), (values, gradients.mean)]
        }
    }
}
