//! The parameters of a job, as the command, the C ABI and GIMP give them, and what the presets make of
//! the ones that are left out.

use impasto_onnx::{Model, Pooling, Spec, Tap};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The version of [`Params`] that this engine reads.
pub const VERSION: u32 = 1;

/// A named set of defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// A small picture soon.
    Draft,
    /// A good picture in reasonable time.
    #[default]
    Standard,
    /// The reference method of Gatys et al.: five style taps, content relu4_2, start from the content, one
    /// scale, 500 evaluations.
    Gatys,
}

/// What the optimisation starts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// The content picture.
    #[default]
    Content,
    /// The content picture with the mean and covariance of the style picture's colours.
    Recoloured,
    /// Noise around middle grey, from the seed.
    Noise,
    /// A picture that is passed along.
    Picture,
}

/// The parameters of a job. All may be left out; the preset fills them in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// The version of this structure; 0 (left out) stands for the newest.
    pub version: u32,
    /// The defaults of everything else.
    pub preset: Preset,
    /// The longer side of the result in pixels, 16..=32768.
    pub size: Option<usize>,
    /// Evaluations of the objective at most, 1..=100000.
    pub iterations: Option<usize>,
    /// Multiplies the style losses; 1 is the reference weight (1000/N² per tap). 0..=1e9.
    pub style_weight: Option<f64>,
    /// Multiplies the content losses; 1 is the reference weight for taps from relu4_1 on, and a tenth of it
    /// for earlier taps. 0..=1e9.
    pub content_weight: Option<f64>,
    /// Weight of the mean squared difference of neighbouring pixels, on a scale where a style loss is near
    /// 1e6 at the start. 0..=1e12.
    pub tv_weight: Option<f64>,
    /// Where to start.
    pub init: Option<Init>,
    /// Seed of everything random.
    pub seed: u64,
    /// The longer side of the style picture in pixels, 16..=32768; left out, that of the result.
    pub style_size: Option<usize>,
    /// Taps of the style loss; left out, the reference taps that the model has.
    pub style_taps: Option<Vec<String>>,
    /// Taps of the content loss; left out, relu4_2, or the deepest tap like it that the model has.
    pub content_taps: Option<Vec<String>>,
    /// How activations are pooled.
    pub pooling: Option<Pooling>,
    /// Show the best picture every so many evaluations.
    pub preview_every: Option<usize>,
}

/// The taps that Gatys et al. use for style.
pub const REFERENCE_STYLE: [&str; 5] = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"];
/// The tap that Gatys et al. use for content.
pub const REFERENCE_CONTENT: &str = "relu4_2";
/// What stands in for it in a model that ends before.
const SHALLOW_CONTENT: [&str; 2] = ["relu3_3", "relu2_2"];
/// Activations before relu4_1 follow single pixels, so that a small part of the paper's weight keeps as
/// much of the scene: what a content weight of 1 stands for at those taps.
const SHALLOW_SHARE: f64 = 0.1;

/// Parameters with nothing left out, for one model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// See [`Params::preset`].
    pub preset: Preset,
    /// See [`Params::size`].
    pub size: usize,
    /// See [`Params::iterations`].
    pub iterations: usize,
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
    /// See [`Params::style_size`].
    pub style_size: usize,
    /// See [`Params::style_taps`].
    pub style_taps: Vec<String>,
    /// See [`Params::content_taps`].
    pub content_taps: Vec<String>,
    /// See [`Params::pooling`].
    pub pooling: Pooling,
    /// See [`Params::preview_every`].
    pub preview_every: Option<usize>,
}

impl Params {
    /// Reads parameters from JSON. A field that is not known is refused by name.
    pub fn from_json(text: &str) -> Result<Self> {
        let params: Params = serde_json::from_str(text)
            .map_err(|e| Error::Parameters(format!("the parameters cannot be read: {e}")))?;
        if params.version > VERSION {
            return Err(Error::Parameters(format!(
                "version: {} is newer than this program reads ({VERSION}); update it",
                params.version
            )));
        }
        Ok(params)
    }

    /// Checks the ranges and fills in what is left out.
    pub fn resolve(&self, model: &Model) -> Result<Settings> {
        let gatys = self.preset == Preset::Gatys;
        let (size, iterations) = match self.preset {
            Preset::Draft => (320, 60),
            Preset::Standard => (512, 200),
            Preset::Gatys => (512, 500),
        };
        let size = whole("size", self.size.unwrap_or(size), 16, 32768)?;
        let style_taps = match &self.style_taps {
            Some(taps) => taps.clone(),
            None => REFERENCE_STYLE
                .iter()
                .filter(|t| gatys || model.taps.contains_key(**t))
                .map(|t| t.to_string())
                .collect(),
        };
        let content_taps = self.content_taps.clone().unwrap_or_else(|| {
            let has = |tap: &str| model.taps.contains_key(tap);
            let stands_in = SHALLOW_CONTENT.into_iter().find(|t| !gatys && !has(REFERENCE_CONTENT) && has(t));
            vec![stands_in.unwrap_or(REFERENCE_CONTENT).to_string()]
        });
        for tap in style_taps.iter().chain(&content_taps) {
            model.tap(tap)?;
        }
        let settings = Settings {
            preset: self.preset,
            size,
            iterations: whole("iterations", self.iterations.unwrap_or(iterations), 1, 100_000)?,
            style_weight: weight("style_weight", self.style_weight.unwrap_or(1.0), 1e9)?,
            content_weight: weight("content_weight", self.content_weight.unwrap_or(1.0), 1e9)?,
            tv_weight: weight("tv_weight", self.tv_weight.unwrap_or(0.0), 1e12)?,
            init: self.init.unwrap_or_default(),
            seed: self.seed,
            style_size: whole("style_size", self.style_size.unwrap_or(size), 16, 32768)?,
            style_taps,
            content_taps,
            pooling: self.pooling.unwrap_or_default(),
            preview_every: self.preview_every.map(|n| whole("preview_every", n, 1, 100_000)).transpose()?,
        };
        if settings.spec().terms().is_empty() {
            return Err(Error::Parameters(
                "style_weight, content_weight and tv_weight are all 0, so there is nothing to do; raise one"
                    .into(),
            ));
        }
        Ok(settings)
    }
}

impl Settings {
    /// What the content loss at a tap is multiplied with, on top of its reference weight.
    pub(crate) fn content_factor(&self, tap: &Tap) -> f64 {
        self.content_weight * if tap.block < 4 { SHALLOW_SHARE } else { 1.0 }
    }

    /// The losses that the weights leave over: a loss of weight 0 is not computed.
    pub fn spec(&self) -> Spec {
        let if_used = |weight: f64, taps: &[String]| if weight > 0.0 { taps.to_vec() } else { Vec::new() };
        Spec {
            style: if_used(self.style_weight, &self.style_taps),
            content: if_used(self.content_weight, &self.content_taps),
            total_variation: self.tv_weight > 0.0,
            pooling: self.pooling,
        }
    }
}

fn whole(name: &str, value: usize, least: usize, most: usize) -> Result<usize> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(Error::Parameters(format!(
        "{name}: {value} is out of range; expected a whole number from {least} to {most}"
    )))
}

fn weight(name: &str, value: f64, most: f64) -> Result<f64> {
    if (0.0..=most).contains(&value) {
        return Ok(value);
    }
    Err(Error::Parameters(format!("{name}: {value} is out of range; expected a number from 0 to {most:e}")))
}
