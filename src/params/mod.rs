//! The parameters of a job, as the command, the C ABI and GIMP give them.

mod names;
mod presets;
mod schema;
mod settings;

use std::collections::BTreeMap;

use impasto_onnx::{Padding, Pooling, StyleLoss};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

use names::{PaddingName, PoolingName, StyleLossName};
pub use presets::Preset;
pub use schema::{schema, type_of};
pub use settings::Settings;

/// The version of [`Params`] that this engine reads.
pub const VERSION: u32 = 1;

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
///
/// A parameter is declared here alone: its name, type, range, unit and text. The schema, the command's options, the ranges that are
/// checked and docs/parameters.md follow from it. Its default stands in `Preset::params`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Impasto parameters", transform = schema::complete)]
pub struct Params {
    /// The version of this structure; 0 (left out) stands for the newest.
    #[schemars(range(min = 0, max = 1))]
    #[serde(deserialize_with = "null_is_default")]
    pub version: u32,
    /// A named set of defaults for the other parameters.
    #[serde(deserialize_with = "null_is_default")]
    pub preset: Preset,
    /// One of the style pictures inside the program, by its id; it counts as one more style picture, with weight 1, beside
    /// those that are passed along.
    pub style: Option<String>,
    /// The longer side of the picture that is worked on, in pixels; with a selection, the longer side of what is selected. Left
    /// out, it is at most the picture's own, but at least 256.
    #[schemars(range(min = 16, max = 32768), extend("x-unit" = "pixels"))]
    pub size: Option<usize>,
    /// The most evaluations of loss and gradient at the full size; smaller sizes get half as many again each.
    #[schemars(range(min = 1, max = 100_000), extend("x-unit" = "evaluations"))]
    pub iterations: Option<usize>,
    /// How many sizes are worked on, each twice the one before; 1 for the full size alone. Left out, as many
    /// as leave the smallest at least 128 pixels, and 1 if `init` is a picture.
    #[schemars(range(min = 1, max = 12))]
    pub levels: Option<usize>,
    /// Style against content, from 0 (nearly the photograph) to 100 (nearly the painting alone). 90 is the balance of the paper;
    /// 13 less is a tenth of the style against the content.
    #[schemars(range(min = 0.0, max = 100.0), extend("x-unit" = "percent"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strength: Option<f64>,
    /// Multiplies the style losses; 1 is the reference weight (1000/N² per tap).
    #[schemars(range(min = 0.0, max = 1e9), extend("x-unit" = "weight"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style_weight: Option<f64>,
    /// Multiplies the content losses; 1 is the reference weight for taps from relu4_1 on, and a tenth of it
    /// for earlier taps.
    #[schemars(range(min = 0.0, max = 1e9), extend("x-unit" = "weight"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_weight: Option<f64>,
    /// How much smoothness counts (total variation): the weight of the mean squared difference of neighbouring pixels. 1e9 smooths
    /// a little, 1e10 clearly.
    #[schemars(range(min = 0.0, max = 1e12), extend("x-unit" = "weight"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tv_weight: Option<f64>,
    /// Size of the strokes: the longer side of the style picture as a multiple of the content picture's.
    #[schemars(range(min = 0.1, max = 4.0), extend("x-unit" = "factor"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style_scale: Option<f64>,
    /// The longer side of the style picture in pixels, instead of `style_scale`.
    #[schemars(range(min = 16, max = 32768), extend("x-unit" = "pixels"))]
    pub style_size: Option<usize>,
    /// What is taken of a style picture of another shape.
    pub style_fit: Option<StyleFit>,
    /// Where the colours of the result come from.
    pub colours: Option<Colours>,
    /// How much of the content picture's colours is taken, in percent, where they come from it. At 0, `matched` and `histogram`
    /// are as `style`, and `content` gives the content picture the mean and covariance of the style's colours.
    #[schemars(range(min = 0.0, max = 100.0), extend("x-unit" = "percent"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colour_strength: Option<f64>,
    /// Where the optimisation starts.
    pub init: Option<Init>,
    /// Seed of everything random.
    #[serde(deserialize_with = "null_is_default")]
    pub seed: u64,
    /// Layers whose textures are compared (taps of the style loss); left out, the reference taps that the model has.
    pub style_taps: Option<Vec<String>>,
    /// Layers whose activations are compared (taps of the content loss); left out, relu4_2, or the deepest tap like it that the model has.
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
    /// Work in tiles of at most this many pixels along a side, which takes less memory and more time. Loss and gradient are those
    /// of the whole picture, but for rounding. Left out, tiles are used where the memory asks for them.
    #[schemars(range(min = 64, max = 8192), extend("x-unit" = "pixels"))]
    pub tile_size: Option<usize>,
    /// Show the best picture every so many evaluations.
    #[schemars(range(min = 1, max = 100_000), extend("x-unit" = "evaluations"))]
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
}

/// null stands for what is left out, as it does for the parameters that have no value of their own then.
fn null_is_default<'de, D, T>(from: D) -> std::result::Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// Reads a JSON object. (serde would take an array for a struct as well, its values in the order of fields.)
pub(crate) fn object<T: serde::de::DeserializeOwned>(text: &str) -> std::result::Result<T, String> {
    // The mark that Windows' editors begin a file with.
    let text = text.trim_start_matches('\u{feff}');
    if !text.trim_start().starts_with('{') {
        return Err("expected a JSON object, {…}".to_string());
    }
    let problem = match serde_json::from_str(text) {
        Ok(value) => return Ok(value),
        Err(e) => e.to_string(),
    };
    let Ok(mut value) = serde_json::from_str::<serde_json::Value>(text) else { return Err(problem) };
    if value.get("settings").is_some_and(serde_json::Value::is_object) {
        return Err("it is a report; its parameters are what stands in \"settings\"".to_string());
    }
    // A whole number may be written as 6.0 or 1e2.
    for number in value.as_object_mut().into_iter().flat_map(|o| o.values_mut()) {
        if let Some(whole) = number.as_f64().filter(|n| n.fract() == 0.0 && (0.0..9e15).contains(n)) {
            *number = (whole as u64).into();
        }
    }
    serde_json::from_value(value).map_err(|_| in_plain_words(problem))
}

/// What serde says of JSON, without the names of Rust's types.
pub(crate) fn in_plain_words(problem: String) -> String {
    let names =
        [("usize", "whole number"), ("u64", "whole number"), ("u32", "whole number"), ("f64", "number")];
    names.iter().fold(problem, |text, (own, plain)| text.replace(own, &format!("a {plain}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_written() {
        // Each of these is read as its neighbour where serde_json takes its faster way.
        for number in ["68.49932871061283", "123.45678901234567", "7.184479543359204e-10"] {
            let read = Params::from_json(&format!("{{\"style_weight\": {number}}}")).expect("read");
            assert_eq!(read.style_weight, number.parse().ok(), "{number}");
        }
    }

    #[test]
    fn numbers_and_marks_are_read_as_people_write_them() {
        let read = Params::from_json("\u{feff}{\"size\": 1e2, \"iterations\": 6.0, \"strength\": 50}")
            .expect("read");
        assert_eq!((read.size, read.iterations, read.strength), (Some(100), Some(6), Some(50.0)));
        let refused = |text: &str| Params::from_json(text).expect_err("refused").to_string();
        let half = refused("{\"iterations\": 6.5}");
        assert!(
            half.contains("a whole number") && !half.contains("usize") && half.contains("line 1"),
            "{half}"
        );
        assert!(refused("{\"version\": \"0.1.0\", \"settings\": {}}").contains("is a report"));
        let nulls =
            Params::from_json("{\"version\": null, \"preset\": null, \"seed\": null, \"size\": null}");
        assert_eq!(nulls.expect("left out"), Params::default());
    }
}
