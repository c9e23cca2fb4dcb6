//! The presets: named sets of defaults.

use impasto_onnx::{Padding, Pooling, StyleLoss};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Colours, Init, Params, StyleFit};

/// The longer side that the smallest level has at least, where the number of levels is not given. A picture that begins larger keeps
/// the photograph's colours over large parts, with single dots of the style's; one that begins smaller loses the scene
/// (docs/measuring.md, "Where a picture begins").
const COARSEST: usize = 128;
/// The strength that leaves the weights as they are. There is more below it than above: with the reference
/// weights the style counts so much more already that little changes when it counts for more.
pub(crate) const REFERENCE_STRENGTH: f64 = 90.0;

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

impl Preset {
    pub(crate) const ALL: [Preset; 4] = [Preset::Draft, Preset::Standard, Preset::Best, Preset::Gatys];

    /// The parameters that it stands for. What follows from the model or the pictures is left out.
    pub(crate) fn params(self) -> Params {
        let (size, iterations) = match self {
            Preset::Draft => (512, 20),
            Preset::Standard => (1024, 36),
            Preset::Best => (2048, 100),
            Preset::Gatys => (512, 500),
        };
        Params {
            preset: self,
            size: Some(size),
            iterations: Some(iterations),
            levels: Some(self.levels(size)),
            strength: Some(REFERENCE_STRENGTH),
            style_weight: Some(1.0),
            content_weight: Some(1.0),
            tv_weight: Some(0.0),
            style_scale: Some(1.0),
            style_fit: Some(StyleFit::Whole),
            colours: Some(Colours::Style),
            colour_strength: Some(100.0),
            init: Some(Init::Content),
            style_loss: Some(StyleLoss::Gram),
            pooling: Some(Pooling::Max),
            padding: Some(Padding::Zero),
            ..Params::default()
        }
    }

    /// How many levels a picture with this longer side has.
    pub(crate) fn levels(self, size: usize) -> usize {
        if self == Preset::Gatys { 1 } else { default_levels(size) }
    }
}

/// How many levels there are when that is not given.
pub(crate) fn default_levels(size: usize) -> usize {
    (0..).take_while(|k| size >> k >= COARSEST).count().max(1)
}
