//! The parameters of a job with nothing left out, for one model: checked, with what the presets and the model make of
//! those that were.

use std::collections::BTreeMap;

use impasto_onnx::{Model, ObjectiveSpec, Padding, Pooling, StyleLoss, Tap, Term};
use serde::{Deserialize, Serialize};

use super::presets::{self, Preset, REFERENCE_STRENGTH};
use super::{Colours, Init, Params, StyleFit, schema};
use crate::error::{Error, Result};
use crate::picture::{self, SMALLEST};

/// The taps that Gatys et al. use for style.
const REFERENCE_STYLE: [&str; 5] = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"];
/// The tap that Gatys et al. use for content.
const REFERENCE_CONTENT: &str = "relu4_2";
/// What stands in for it in a model that ends before.
const SHALLOW_CONTENT: [&str; 2] = ["relu3_3", "relu2_2"];
/// Activations before relu4_1 follow single pixels, so that a small part of the paper's weight keeps as
/// much of the scene: what a content weight of 1 stands for at those taps.
const SHALLOW_SHARE: f64 = 0.1;

/// Pictures that are smaller are enlarged to this longer side: strokes need pixels.
const ENLARGED: usize = 256;

/// How much less strength is a tenth of the style against the content. Over the scale that is 1.2e-7 to 5.9 times the
/// reference: from where the photograph hardly changes to where the style has all that it asks for (docs/measuring.md).
const STRENGTH_DECADE: f64 = 13.0;

/// Parameters with nothing left out, for one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// See [`Params::preset`].
    pub preset: Preset,
    /// See [`Params::style`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<String>,
    /// See [`Params::size`].
    pub size: usize,
    /// See [`Params::iterations`].
    pub iterations: usize,
    /// See [`Params::levels`].
    pub levels: usize,
    /// See [`Params::style_weight`].
    pub style_weight: f64,
    /// See [`Params::content_weight`].
    pub content_weight: f64,
    /// See [`Params::tv_weight`].
    pub tv_weight: f64,
    /// See [`Params::init`].
    pub init: Init,
    /// See [`Params::seed`].
    pub seed: u64,
    /// See [`Params::strength`]; `style_weight` and `content_weight` are without it.
    pub strength: f64,
    /// See [`Params::style_size`].
    pub style_size: usize,
    /// See [`Params::style_fit`].
    pub style_fit: StyleFit,
    /// See [`Params::colours`].
    pub colours: Colours,
    /// See [`Params::colour_strength`].
    pub colour_strength: f64,
    /// See [`Params::style_taps`].
    pub style_taps: Vec<String>,
    /// See [`Params::content_taps`].
    pub content_taps: Vec<String>,
    /// See [`Params::tap_weights`].
    pub tap_weights: BTreeMap<String, f64>,
    /// See [`Params::style_loss`].
    pub style_loss: StyleLoss,
    /// See [`Params::pooling`].
    pub pooling: Pooling,
    /// See [`Params::padding`].
    pub padding: Padding,
    /// See [`Params::tile_size`].
    pub tile_size: Option<usize>,
    /// See [`Params::preview_every`].
    pub preview_every: Option<usize>,
}

impl Params {
    /// Fails for a number that is out of its range. A job checks this itself; it is for whoever can name the file that the
    /// number stands in.
    pub fn check_ranges(&self) -> Result<()> {
        schema::check_ranges(self)
    }

    /// Checks the ranges and fills in what is left out: by the preset, then by the model and by other parameters.
    pub fn resolve(&self, model: &Model) -> Result<Settings> {
        self.check_ranges()?;
        let filled = self.filled()?;
        let size = filled.size.unwrap_or(ENLARGED);
        let levels = match filled.init {
            Some(Init::Picture) => 1,
            _ => self.preset.levels(size),
        };
        let resolved = Params {
            levels: Some(self.levels.unwrap_or(levels)),
            style_size: Some(self.style_longer_side(size, filled.style_scale)?),
            style_taps: Some(self.style_taps.clone().unwrap_or_else(|| self.reference_style_taps(model))),
            content_taps: Some(
                self.content_taps.clone().unwrap_or_else(|| self.reference_content_taps(model)),
            ),
            tap_weights: Some(self.tap_weights.clone().unwrap_or_default()),
            ..filled
        };
        let settings: Settings = serde_json::from_value(schema::fields(&resolved).into())
            .map_err(|e| Error::Parameters(e.to_string()))?;
        for tap in settings.style_taps.iter().chain(&settings.content_taps) {
            model.tap(tap)?;
        }
        settings.check_tap_weights()?;
        if settings.spec(false, 0).terms().is_empty() {
            return Err(Error::Parameters(
                "style_weight, content_weight, tv_weight and tap_weights leave nothing to do; raise one"
                    .into(),
            ));
        }
        Ok(settings)
    }

    /// These parameters, and those of the preset where they are left out.
    fn filled(&self) -> Result<Params> {
        let mut filled = schema::fields(&self.preset.params());
        filled.extend(schema::fields(self).into_iter().filter(|(_, value)| !value.is_null()));
        serde_json::from_value(filled.into()).map_err(|e| Error::Parameters(e.to_string()))
    }

    fn style_longer_side(&self, size: usize, scale: Option<f64>) -> Result<usize> {
        match (self.style_size, self.style_scale) {
            (Some(_), Some(_)) => Err(Error::Parameters(
                "style_size and style_scale both set the size of the style picture; give one of them".into(),
            )),
            (Some(pixels), None) => Ok(pixels),
            (None, _) => Ok(((size as f64 * scale.unwrap_or(1.0)).round() as usize).clamp(16, 32768)),
        }
    }

    fn reference_style_taps(&self, model: &Model) -> Vec<String> {
        let is_there = |tap: &&&str| self.preset == Preset::Gatys || model.has_tap(tap);
        REFERENCE_STYLE.iter().filter(is_there).map(|t| t.to_string()).collect()
    }

    fn reference_content_taps(&self, model: &Model) -> Vec<String> {
        let is_needed = self.preset != Preset::Gatys && !model.has_tap(REFERENCE_CONTENT);
        let stands_in = SHALLOW_CONTENT.into_iter().find(|tap| is_needed && model.has_tap(tap));
        vec![stands_in.unwrap_or(REFERENCE_CONTENT).to_string()]
    }
}

impl Settings {
    /// Settings for a picture of this size, [H, W]: a size that was not asked for is no larger than the picture, as there
    /// is nothing more to see in it.
    pub(crate) fn fitted(mut self, params: &Params, content: [usize; 2]) -> Self {
        let size = self.size.min(content[0].max(content[1]).max(ENLARGED));
        if params.size.is_none() && size < self.size {
            if params.style_size.is_none() {
                let scale = self.style_size as f64 / self.size as f64;
                self.style_size = ((size as f64 * scale).round() as usize).max(16);
            }
            if params.levels.is_none() {
                self.levels = self.levels.min(presets::default_levels(size));
            }
            self.size = size;
        }
        self
    }

    /// Fails for a picture, [H, W], that is so long and narrow that its shape would be lost at this size.
    pub(crate) fn check_shape(&self, content: [usize; 2]) -> Result<()> {
        let shorter = picture::shorter_side(content, self.size);
        if shorter >= SMALLEST {
            return Ok(());
        }
        let least = picture::least_long_edge(content);
        let advice = match least {
            0..=32768 => format!("choose size {least} or larger, or crop it"),
            _ => "crop it".to_string(),
        };
        Err(Error::picture(
            "content picture",
            format!(
                "is {}×{} pixels; at size {} its shorter side would have {shorter}, and the least that can be painted is {SMALLEST}; {advice}",
                content[1], content[0], self.size
            ),
        ))
    }

    /// Settings for a part of the picture, [H, W], at a size of its own; strokes keep their size.
    pub(crate) fn for_part(mut self, params: &Params, part: [usize; 2], size: usize) -> Self {
        self.size = size.max(picture::least_long_edge(part)).min(part[0].max(part[1]).max(size));
        if params.levels.is_none() {
            self.levels = self.levels.min(presets::default_levels(self.size));
        }
        self
    }

    /// What strength multiplies the style losses with and divides the content losses by.
    fn style_share(&self) -> f64 {
        10f64.powf((self.strength - REFERENCE_STRENGTH) / (2.0 * STRENGTH_DECADE))
    }

    /// What the style losses are multiplied with, on top of their reference weights.
    pub(crate) fn style_factor(&self) -> f64 {
        self.style_weight * self.style_share()
    }

    /// What the content loss at a tap is multiplied with, on top of its reference weight.
    pub(crate) fn content_factor(&self, tap: &Tap) -> f64 {
        let weight = self.content_weight / self.style_share();
        weight * if tap.block < 4 { SHALLOW_SHARE } else { 1.0 }
    }

    /// Height and width in which the statistics of a style picture are taken, at the level whose style pictures have
    /// this longer side.
    pub(crate) fn style_dims(
        &self,
        style: [usize; 2],
        scale: f64,
        content: [usize; 2],
        side: usize,
    ) -> [usize; 2] {
        let side = (side as f64 * scale).round().clamp(SMALLEST as f64, 32768.0) as usize;
        picture::scaled(self.style_part(style, content), side)
    }

    /// Height and width of the part of a style picture that is taken.
    pub(crate) fn style_part(&self, [h, w]: [usize; 2], content: [usize; 2]) -> [usize; 2] {
        match self.style_fit {
            StyleFit::Whole => [h, w],
            StyleFit::Crop => {
                let factor = (h as f64 / content[0] as f64).min(w as f64 / content[1] as f64);
                let side =
                    |content: usize, most: usize| ((content as f64 * factor).round() as usize).clamp(1, most);
                [side(content[0], h), side(content[1], w)]
            }
        }
    }

    fn check_tap_weights(&self) -> Result<()> {
        let taps = |kind: &'static str, taps: &[String]| -> Vec<String> {
            taps.iter().map(|tap| format!("{kind}/{tap}")).collect()
        };
        let mut known = taps("style", &self.style_taps);
        known.extend(taps("content", &self.content_taps));
        for (name, weight) in &self.tap_weights {
            if !known.contains(name) {
                return Err(Error::Parameters(format!(
                    "tap_weights: '{name}' is not a term of this job; expected one of {}",
                    known.join(", ")
                )));
            }
            if !(0.0..=1e9).contains(weight) {
                return Err(Error::Parameters(format!(
                    "tap_weights: {name}: {weight} is out of range; expected a number from 0 to 1e9"
                )));
            }
        }
        Ok(())
    }

    /// What a term's loss is multiplied with besides the weights of its kind.
    pub(crate) fn tap_weight(&self, term: &Term) -> f64 {
        self.tap_weights.get(term.plain_name()).copied().unwrap_or(1.0)
    }

    /// The losses that the weights leave over: a loss of weight 0 is not computed. `masked` says whether
    /// positions count by a mask, `regions` how many regions have style terms of their own.
    pub fn spec(&self, masked: bool, regions: usize) -> ObjectiveSpec {
        let if_used = |kind: &str, weight: f64, taps: &[String]| -> Vec<String> {
            let used = |tap: &&String| self.tap_weights.get(&format!("{kind}/{tap}")) != Some(&0.0);
            taps.iter().filter(used).filter(|_| weight > 0.0).cloned().collect()
        };
        let style = if_used("style", self.style_weight, &self.style_taps);
        ObjectiveSpec {
            style,
            style_loss: self.style_loss,
            content: if_used("content", self.content_weight, &self.content_taps),
            total_variation: self.tv_weight > 0.0,
            pooling: self.pooling,
            padding: self.padding,
            masked,
            regions,
        }
    }
}
