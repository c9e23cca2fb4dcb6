//! Where losses may read a network.

use crate::graph::Tensor;

/// The name of the forward graph's input, the normalised picture [1, 3, H, W].
pub const INPUT: &str = "input";

/// Stands before the names of values and nodes that come from an ONNX file, so that those of an objective's graph differ.
pub(crate) const FILE_PREFIX: &str = "net/";

/// Post-ReLU activations that a loss may read.
#[derive(Clone, Debug)]
pub struct Tap {
    /// Its name, as people pick it: `relu3_2`.
    pub name: String,
    /// The value in the forward graph.
    pub value: String,
    /// Its channels N.
    pub channels: usize,
    /// Its block, from 1: how many poolings come before, plus one.
    pub block: usize,
    /// For an imitating model: the matrix [N, N] that maps activations into the other model's metric.
    pub head: Option<Tensor>,
}
