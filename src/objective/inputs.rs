//! What an objective compares a picture with, and how much each of its terms counts.

use impasto_onnx::{Model, ObjectiveSpec, StyleLoss, Term, TermKind};
use ndarray::{Array2, Array3};

use crate::error::Result;
use crate::guidance::Guidance;
use crate::params::Settings;

/// A style picture whose statistics are targets.
pub(crate) struct StyleTarget {
    /// [3, H, W] in 0..1.
    pub rgb: Array3<f32>,
    /// [H, W] in 0..1: where its style is taken; None for everywhere.
    pub mask: Option<Array2<f32>>,
    /// Its share of the target; the shares of a group sum to 1.
    pub weight: f64,
    /// The region it belongs to, counted from 0.
    pub group: usize,
}

/// What an objective is to compare a picture with.
pub(crate) struct ObjectiveInputs<'a> {
    /// [3, H, W] in 0..1.
    pub content: &'a Array3<f32>,
    pub styles: &'a [StyleTarget],
    /// [H, W]: positions count by it, and where it is 0 the gradient is 0.
    pub mask: Option<&'a Array2<f32>>,
    /// Where each group of styles is painted.
    pub guidance: Option<&'a Guidance>,
}

impl ObjectiveInputs<'_> {
    /// [height, width]
    pub fn size(&self) -> [usize; 2] {
        let (_, h, w) = self.content.dim();
        [h, w]
    }

    /// The terms of the loss and what the graphs read.
    pub fn spec(&self, settings: &Settings) -> ObjectiveSpec {
        settings.spec(self.mask.is_some(), self.guidance.map_or(0, |g| g.masks.len()))
    }

    /// How much of the style's weight falls to each region.
    pub fn shares(&self) -> &[f64] {
        self.guidance.map_or(&[], |g| &g.shares)
    }
}

/// With moments, what every style loss is multiplied with: so much that they weigh as much against the content as the
/// Gram matrices' losses do with the same parameters (docs/measuring.md).
const MOMENTS: f64 = 1e7;

/// The weight of a term's loss. `shares` are those of the regions.
pub(crate) fn weight(model: &Model, settings: &Settings, shares: &[f64], term: &Term) -> Result<f32> {
    let of_tap = settings.tap_weight(term);
    Ok(match term.kind {
        TermKind::Style(region) => {
            let reference = match settings.style_loss {
                StyleLoss::Gram => f64::from(model.reference_style_weight(model.tap(&term.tap)?)),
                StyleLoss::Moments => MOMENTS,
            };
            let share = region.and_then(|r| shares.get(r)).copied().unwrap_or(1.0);
            reference * settings.style_factor() * of_tap * share
        }
        TermKind::Content => {
            let tap = model.tap(&term.tap)?;
            f64::from(model.reference_content_weight(tap)) * settings.content_factor(tap) * of_tap
        }
        TermKind::TotalVariation => settings.tv_weight,
    } as f32)
}
