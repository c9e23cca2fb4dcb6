//! The parameters of a job, as the command, the C ABI and GIMP give them, and what the presets make of
//! the ones that are left out.

use std::collections::BTreeMap;

use impasto_onnx::{Model, Padding, Pooling, Spec, StyleLoss, Tap, Term};
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::levels;
use crate::picture::{self, SMALLEST};

/// The version of [`Params`] that this engine reads.
pub const VERSION: u32 = 1;

/// A named set of defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Preset {
    /// A small picture soon.
    Draft,
    /// A good picture in reasonable time.
    #[default]
    Standard,
    /// Larger and longer.
    Best,
    /// The reference method of Gatys et al.: five style taps, content relu4_2, start from the content, one
    /// scale, 500 evaluations.
    Gatys,
}

/// What the optimisation starts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
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

/// Where the colours of the result come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Colours {
    /// From the style picture, as the method of the paper has it.
    #[default]
    Style,
    /// From the content picture: the style picture is given the mean and covariance of its colours before
    /// (Gatys et al. 2016, "Preserving Color in Neural Artistic Style Transfer", section 3).
    Matched,
    /// The same with the histogram of each colour channel instead, which also keeps what a mean and a covariance do
    /// not tell, and can leave casts in bright and dark parts.
    Histogram,
    /// Exactly the content picture's: only lightness is painted (the same, section 4).
    Content,
}

/// What is taken of a style picture whose shape is not the content picture's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum StyleFit {
    /// All of it.
    #[default]
    Whole,
    /// Its middle, in the content picture's shape.
    Crop,
}

/// The parameters of a job. All may be left out; the preset fills them in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Impasto parameters", transform = presets)]
pub struct Params {
    /// The version of this structure; 0 (left out) stands for the newest.
    #[schemars(range(min = 0, max = 1))]
    pub version: u32,
    /// The defaults of everything else.
    pub preset: Preset,
    /// The longer side of the picture that is worked on, in pixels; with a selection, the longer side of
    /// what is selected.
    #[schemars(range(min = 16, max = 32768))]
    pub size: Option<usize>,
    /// Evaluations of the objective at most, at the full size; smaller sizes get half as many again each.
    #[schemars(range(min = 1, max = 100_000))]
    pub iterations: Option<usize>,
    /// How many sizes are worked on, each twice the one before; 1 for the full size alone. Left out, as many
    /// as leave the smallest at least 192 pixels, and 1 if `init` is a picture.
    #[schemars(range(min = 1, max = 12))]
    pub levels: Option<usize>,
    /// Style against content on one scale: 90 leaves the weights as they are, 18 less is a tenth of the style
    /// against the content. 0 keeps nearly all of the content picture; at 100 only where it starts tells of it.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub strength: Option<f64>,
    /// Multiplies the style losses; 1 is the reference weight (1000/N² per tap).
    #[schemars(range(min = 0.0, max = 1e9))]
    pub style_weight: Option<f64>,
    /// Multiplies the content losses; 1 is the reference weight for taps from relu4_1 on, and a tenth of it
    /// for earlier taps.
    #[schemars(range(min = 0.0, max = 1e9))]
    pub content_weight: Option<f64>,
    /// Weight of the mean squared difference of neighbouring pixels, on a scale where a style loss is near
    /// 1e6 at the start.
    #[schemars(range(min = 0.0, max = 1e12))]
    pub tv_weight: Option<f64>,
    /// Size of the strokes: the longer side of the style picture as a multiple of the content picture's.
    #[schemars(range(min = 0.1, max = 4.0))]
    pub style_scale: Option<f64>,
    /// The longer side of the style picture in pixels, instead of `style_scale`.
    #[schemars(range(min = 16, max = 32768))]
    pub style_size: Option<usize>,
    /// What is taken of a style picture of another shape.
    pub style_fit: Option<StyleFit>,
    /// Where the colours of the result come from.
    pub colours: Option<Colours>,
    /// How much of the content picture's colours is taken, in percent, where they come from it: 0 is as if all came
    /// from the style picture.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub colour_strength: Option<f64>,
    /// Where to start.
    pub init: Option<Init>,
    /// Seed of everything random.
    pub seed: u64,
    /// Taps of the style loss; left out, the reference taps that the model has.
    pub style_taps: Option<Vec<String>>,
    /// Taps of the content loss; left out, relu4_2, or the deepest tap like it that the model has.
    pub content_taps: Option<Vec<String>>,
    /// Multiplies single terms of the loss, by their names in the report: `{"style/relu1_1": 2, "content/relu4_2": 0}`.
    pub tap_weights: Option<BTreeMap<String, f64>>,
    /// What is compared of the activations at style taps.
    #[schemars(with = "Option<StyleLossName>")]
    pub style_loss: Option<StyleLoss>,
    /// How activations are pooled.
    #[schemars(with = "Option<PoolingName>")]
    pub pooling: Option<Pooling>,
    /// What the network sees beyond the picture's borders.
    #[schemars(with = "Option<PaddingName>")]
    pub padding: Option<Padding>,
    /// Work in tiles of at most this many pixels along a side, which takes less memory and more time and gives the
    /// same picture. Left out, tiles are used where the memory asks for them.
    #[schemars(range(min = 64, max = 8192))]
    pub tile_size: Option<usize>,
    /// Show the best picture every so many evaluations.
    #[schemars(range(min = 1, max = 100_000))]
    pub preview_every: Option<usize>,
}

/// How activations are pooled.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its names are used, as the schema of a type of another crate")]
#[schemars(rename_all = "snake_case", inline)]
enum PoolingName {
    /// As the network was trained.
    Max,
    /// Smoother; Gatys et al. 2016, section 2.
    Average,
}

/// What is compared of the activations at style taps.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "as above")]
#[schemars(rename_all = "snake_case", inline)]
enum StyleLossName {
    /// Their Gram matrices, as in the paper.
    Gram,
    /// Their means and covariances (the 2-Wasserstein distance of normal distributions).
    Moments,
}

/// What the network sees beyond the picture's borders.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "as above")]
#[schemars(rename_all = "snake_case", inline)]
enum PaddingName {
    /// Grey, as it was trained.
    Zero,
    /// The pixels at the border again.
    Replicate,
}

/// What a preset stands for.
struct Defaults {
    size: usize,
    iterations: usize,
}

impl Preset {
    const ALL: [Preset; 4] = [Preset::Draft, Preset::Standard, Preset::Best, Preset::Gatys];

    fn defaults(self) -> Defaults {
        let (size, iterations) = match self {
            Preset::Draft => (512, 20),
            Preset::Standard => (1024, 50),
            Preset::Best => (2048, 100),
            Preset::Gatys => (512, 500),
        };
        Defaults { size, iterations }
    }

    /// How many levels a picture with this longer side has.
    fn levels(self, size: usize) -> usize {
        if self == Preset::Gatys { 1 } else { levels::usual(size) }
    }
}

/// Adds the defaults to the schema: those of the default preset at each property, those of all presets
/// under `presets`.
fn presets(schema: &mut Schema) {
    let named = |preset: Preset| {
        let Defaults { size, iterations } = preset.defaults();
        serde_json::json!({
            "size": size, "iterations": iterations, "levels": preset.levels(size),
            "strength": REFERENCE_STRENGTH, "style_weight": 1.0, "content_weight": 1.0,
            "tv_weight": 0.0, "style_scale": 1.0, "style_fit": StyleFit::default(), "colours": Colours::default(),
            "colour_strength": 100.0, "init": Init::default(), "style_loss": StyleLoss::default(),
            "pooling": Pooling::default(), "padding": Padding::default(),
        })
    };
    let standard = named(Preset::default());
    if let Some(properties) = schema.get_mut("properties").and_then(|p| p.as_object_mut()) {
        for (name, property) in properties {
            if let (Some(value), Some(property)) = (standard.get(name), property.as_object_mut()) {
                property.insert("default".into(), value.clone());
            }
        }
    }
    let all = Preset::ALL.map(|p| {
        let name = serde_json::to_value(p).ok().and_then(|v| v.as_str().map(str::to_string));
        (name.unwrap_or_default(), named(p))
    });
    schema.insert("presets".into(), serde_json::Value::Object(all.into_iter().collect()));
}

/// The JSON Schema (draft 2020-12) of [`Params`], with ranges, descriptions and defaults; `presets` holds
/// what each preset stands for.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Params).to_value()
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

/// Pictures that are smaller are enlarged to this longer side: strokes need room.
const ENLARGED: usize = 256;

/// The strength that leaves the weights as they are. There is more below it than above: with the reference
/// weights the style counts so much more already that little changes when it counts for more.
const REFERENCE_STRENGTH: f64 = 90.0;
/// How much less strength is a tenth of the style against the content. Over the scale that is 1e-5 to 3.6 times the
/// reference, in which the root of the content loss grows evenly (docs/measuring.md).
const STRENGTH_DECADE: f64 = 18.0;

/// Parameters with nothing left out, for one model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// See [`Params::preset`].
    pub preset: Preset,
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
    /// Reads parameters from JSON. A field that is not known is refused by name.
    pub fn from_json(text: &str) -> Result<Self> {
        let params: Params = object(text)
            .map_err(|problem| Error::Parameters(format!("the parameters cannot be read: {problem}")))?;
        if params.version > VERSION {
            return Err(Error::Parameters(format!(
                "version: {} is newer than this program reads ({VERSION}); update it",
                params.version
            )));
        }
        Ok(params)
    }

    fn style_longer_side(&self, size: usize) -> Result<usize> {
        match (self.style_size, self.style_scale) {
            (Some(_), Some(_)) => Err(Error::Parameters(
                "style_size and style_scale both set the size of the style picture; give one of them".into(),
            )),
            (Some(pixels), None) => whole("style_size", pixels, 16, 32768),
            (None, scale) => {
                let scale = number("style_scale", scale.unwrap_or(1.0), 0.1, 4.0)?;
                Ok(((size as f64 * scale).round() as usize).clamp(16, 32768))
            }
        }
    }

    /// Checks the ranges and fills in what is left out.
    pub fn resolve(&self, model: &Model) -> Result<Settings> {
        let gatys = self.preset == Preset::Gatys;
        let Defaults { size, iterations } = self.preset.defaults();
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
        let levels = match self.init.unwrap_or_default() {
            Init::Picture => 1,
            Init::Content | Init::Recoloured | Init::Noise => self.preset.levels(size),
        };
        let settings = Settings {
            preset: self.preset,
            levels: whole("levels", self.levels.unwrap_or(levels), 1, 12)?,
            size,
            iterations: whole("iterations", self.iterations.unwrap_or(iterations), 1, 100_000)?,
            style_weight: number("style_weight", self.style_weight.unwrap_or(1.0), 0.0, 1e9)?,
            content_weight: number("content_weight", self.content_weight.unwrap_or(1.0), 0.0, 1e9)?,
            tv_weight: number("tv_weight", self.tv_weight.unwrap_or(0.0), 0.0, 1e12)?,
            init: self.init.unwrap_or_default(),
            seed: self.seed,
            strength: number("strength", self.strength.unwrap_or(REFERENCE_STRENGTH), 0.0, 100.0)?,
            style_size: self.style_longer_side(size)?,
            style_fit: self.style_fit.unwrap_or_default(),
            colours: self.colours.unwrap_or_default(),
            colour_strength: number("colour_strength", self.colour_strength.unwrap_or(100.0), 0.0, 100.0)?,
            style_taps,
            content_taps,
            tap_weights: self.tap_weights.clone().unwrap_or_default(),
            style_loss: self.style_loss.unwrap_or_default(),
            pooling: self.pooling.unwrap_or_default(),
            padding: self.padding.unwrap_or_default(),
            tile_size: self.tile_size.map(|n| whole("tile_size", n, 64, 8192)).transpose()?,
            preview_every: self.preview_every.map(|n| whole("preview_every", n, 1, 100_000)).transpose()?,
        };
        settings.check_tap_weights()?;
        if settings.spec(false, 0).terms().is_empty() {
            return Err(Error::Parameters(
                "style_weight, content_weight, tv_weight and tap_weights leave nothing to do; raise one"
                    .into(),
            ));
        }
        Ok(settings)
    }
}

impl Settings {
    /// Settings for a picture with this longer side: a size that was not asked for is no larger than the
    /// picture, as there is nothing more to see in it.
    pub(crate) fn fitted(mut self, params: &Params, longer_side: usize) -> Self {
        let size = self.size.min(longer_side.max(ENLARGED));
        if params.size.is_none() && size < self.size {
            if params.style_size.is_none() {
                let scale = self.style_size as f64 / self.size as f64;
                self.style_size = ((size as f64 * scale).round() as usize).max(16);
            }
            if params.levels.is_none() {
                self.levels = self.levels.min(levels::usual(size));
            }
            self.size = size;
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
            number(&format!("tap_weights: {name}"), *weight, 0.0, 1e9)?;
        }
        Ok(())
    }

    /// What a term's loss is multiplied with besides the weights of its kind.
    pub(crate) fn tap_weight(&self, term: &Term) -> f64 {
        self.tap_weights.get(term.plain_name()).copied().unwrap_or(1.0)
    }

    /// The losses that the weights leave over: a loss of weight 0 is not computed. `masked` says whether
    /// positions count by a mask, `regions` how many regions have style terms of their own.
    pub fn spec(&self, masked: bool, regions: usize) -> Spec {
        let if_used = |kind: &str, weight: f64, taps: &[String]| -> Vec<String> {
            let used = |tap: &&String| self.tap_weights.get(&format!("{kind}/{tap}")) != Some(&0.0);
            taps.iter().filter(used).filter(|_| weight > 0.0).cloned().collect()
        };
        let style = if_used("style", self.style_weight, &self.style_taps);
        Spec {
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

/// Reads a JSON object. (serde would take an array for a struct as well, its values in the order of fields.)
pub(crate) fn object<T: serde::de::DeserializeOwned>(text: &str) -> std::result::Result<T, String> {
    if !text.trim_start().starts_with('{') {
        return Err("expected a JSON object, {…}".to_string());
    }
    serde_json::from_str(text).map_err(|e| e.to_string())
}

fn whole(name: &str, value: usize, least: usize, most: usize) -> Result<usize> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(Error::Parameters(format!(
        "{name}: {value} is out of range; expected a whole number from {least} to {most}"
    )))
}

fn number(name: &str, value: f64, least: f64, most: f64) -> Result<f64> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    let most = if most < 1e6 { most.to_string() } else { format!("{most:e}") };
    Err(Error::Parameters(format!(
        "{name}: {value} is out of range; expected a number from {least} to {most}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_tells_what_params_takes() {
        let schema = schema();
        let properties = schema["properties"].as_object().expect("properties");
        let fields = serde_json::to_value(Params::default()).expect("JSON");
        let names = |v: &serde_json::Map<String, serde_json::Value>| {
            let mut names: Vec<String> = v.keys().cloned().collect();
            names.sort();
            names
        };
        assert_eq!(names(properties), names(fields.as_object().expect("an object")));
        for (name, property) in properties {
            assert!(property["description"].is_string(), "{name} has no description");
        }
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(properties["size"]["maximum"], 32768);
        for (name, defaults) in schema["presets"].as_object().expect("presets") {
            let mut with = defaults.clone();
            with["preset"] = name.as_str().into();
            let spelt = Params::from_json(&with.to_string()).expect("a preset's defaults are parameters");
            let short =
                Params::from_json(&serde_json::json!({ "preset": name }).to_string()).expect("a preset");
            let model = crate::models::open(crate::models::RANDOM).expect("the model");
            assert_eq!(spelt.resolve(&model).expect("settings"), short.resolve(&model).expect("settings"));
        }
    }
}
