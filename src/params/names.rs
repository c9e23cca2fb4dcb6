//! The names and texts that the schema has for choices of `impasto_onnx`. (Its types have no schema of their own.) A new choice
//! does not compile until it has a name here.

use impasto_onnx::{Padding, Pooling, StyleLoss};
use schemars::JsonSchema;

/// How activations are pooled.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
pub(super) enum PoolingName {
    /// As the network was trained.
    Max,
    /// Smoother; Gatys et al. 2016, section 2.
    Average,
}

impl From<Pooling> for PoolingName {
    fn from(choice: Pooling) -> Self {
        match choice {
            Pooling::Max => PoolingName::Max,
            Pooling::Average => PoolingName::Average,
        }
    }
}

/// What is compared of the activations at style taps.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
pub(super) enum StyleLossName {
    /// Their Gram matrices, as in the paper.
    Gram,
    /// Their means and covariances (the 2-Wasserstein distance of normal distributions).
    Moments,
}

impl From<StyleLoss> for StyleLossName {
    fn from(choice: StyleLoss) -> Self {
        match choice {
            StyleLoss::Gram => StyleLossName::Gram,
            StyleLoss::Moments => StyleLossName::Moments,
        }
    }
}

/// What the network sees beyond the picture's borders.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
pub(super) enum PaddingName {
    /// Grey, as it was trained.
    Zero,
    /// The pixels at the border again.
    Replicate,
}

impl From<Padding> for PaddingName {
    fn from(choice: Padding) -> Self {
        match choice {
            Padding::Zero => PaddingName::Zero,
            Padding::Replicate => PaddingName::Replicate,
        }
    }
}
