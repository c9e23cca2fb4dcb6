//! The presets: named sets of defaults.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longer side that the smallest level has at least, where the number of levels is not given.
const COARSEST: usize = 192;
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

/// What a preset stands for.
pub(crate) struct Defaults {
    pub size: usize,
    pub iterations: usize,
}

impl Preset {
    pub(crate) const ALL: [Preset; 4] = [Preset::Draft, Preset::Standard, Preset::Best, Preset::Gatys];

    pub(crate) fn defaults(self) -> Defaults {
        let (size, iterations) = match self {
            Preset::Draft => (512, 20),
            Preset::Standard => (1024, 36),
            Preset::Best => (2048, 100),
            Preset::Gatys => (512, 500),
        };
        Defaults { size, iterations }
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
