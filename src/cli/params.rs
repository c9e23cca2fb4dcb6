//! The options that are parameters of a job, and what they stand for.

use std::path::PathBuf;

use clap::Args;
use impasto::onnx::{Padding, Pooling, StyleLoss};
use impasto::{Colours, Error, Init, Params, Preset, Result, StyleFit};

use super::values;

#[derive(Args)]
#[command(next_help_heading = "Parameters")]
pub struct ParamArgs {
    /// Read parameters from a JSON file; options on the command line go before it
    #[arg(long, value_name = "FILE")]
    pub params: Option<PathBuf>,
    /// Defaults of the other parameters: draft (soon), standard, best (larger and longer), gatys (as in the
    /// paper)
    #[arg(long, value_name = "PRESET", value_parser = values::named::<Preset>(&["draft", "standard", "best", "gatys"]))]
    pub preset: Option<Preset>,
    /// Longer side of the result in pixels; with --mask, of what it selects. Left out, at most the photograph's own, but at least
    /// 256 [standard: 1024]
    #[arg(long, value_name = "PIXELS")]
    pub size: Option<usize>,
    /// Evaluations of loss and gradient at the full size at most; smaller sizes get half as many again each
    /// [standard: 36]
    #[arg(long, value_name = "N")]
    pub iterations: Option<usize>,
    /// Work in tiles of at most this many pixels along a side [as the memory asks for]
    #[arg(long, value_name = "PIXELS")]
    pub tile_size: Option<usize>,
    /// How many sizes are worked on, each twice the one before; 1 for the full size alone [as many as leave
    /// the smallest at least 192 pixels]
    #[arg(long, value_name = "N")]
    pub levels: Option<usize>,
    /// Style against content from 0 (nearly the photograph) to 100 (nearly the painting alone) [90]
    #[arg(long, value_name = "0..100", allow_negative_numbers = true)]
    pub strength: Option<f64>,
    /// How much style counts; 1 is the weight of the paper
    #[arg(long, value_name = "WEIGHT", allow_negative_numbers = true)]
    pub style_weight: Option<f64>,
    /// How much the scene counts; 1 is the weight of the paper (a tenth of it before relu4_1)
    #[arg(long, value_name = "WEIGHT", allow_negative_numbers = true)]
    pub content_weight: Option<f64>,
    /// How much smoothness counts (total variation) [0]
    #[arg(long, value_name = "WEIGHT", allow_negative_numbers = true)]
    pub tv_weight: Option<f64>,
    /// Where to start: content, recoloured (the content with the style's colours), noise, or a picture
    /// [content]
    #[arg(long, value_name = "content|recoloured|noise|FILE")]
    pub init: Option<String>,
    /// Seed of everything random [0]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Size of the strokes: the style picture's longer side as a multiple of the content's [1]
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true)]
    pub style_scale: Option<f64>,
    /// The same in pixels: longer side of the style picture
    #[arg(long, value_name = "PIXELS", conflicts_with = "style_scale")]
    pub style_size: Option<usize>,
    /// What to take of a style picture of another shape: all of it (whole), or its middle in the content's shape
    /// (crop) [whole]
    #[arg(long, value_name = "HOW", value_parser = values::named::<StyleFit>(&["whole", "crop"]))]
    pub style_fit: Option<StyleFit>,
    /// Where the colours come from: style; matched (the style picture is given the content's colours
    /// before, by mean and covariance) or histogram (the same, channel by channel); content (exactly the content's,
    /// only lightness is painted) [style]
    #[arg(long, value_name = "FROM", value_parser = values::named::<Colours>(&["style", "matched", "histogram", "content"]))]
    pub colours: Option<Colours>,
    /// How much of the content's colours to take with those choices, in percent [100]
    #[arg(long, value_name = "0..100", allow_negative_numbers = true)]
    pub colour_strength: Option<f64>,
    /// Layers whose textures are compared, with commas between
    #[arg(long, value_delimiter = ',', value_name = "TAPS")]
    pub style_taps: Option<Vec<String>>,
    /// Layers whose activations are compared, with commas between
    #[arg(long, value_delimiter = ',', value_name = "TAPS")]
    pub content_taps: Option<Vec<String>>,
    /// Multiplies one term of the loss, for example style/relu1_1=2; may be given again
    #[arg(long, value_name = "TERM=WEIGHT", value_parser = values::tap_weight)]
    pub tap_weight: Vec<(String, f64)>,
    /// What is compared at style layers: gram (Gram matrices, as in the paper) or moments (means and covariances, by the
    /// Wasserstein distance) [gram]
    #[arg(long, value_name = "WHAT", value_parser = values::named::<StyleLoss>(&["gram", "moments"]))]
    pub style_loss: Option<StyleLoss>,
    /// How activations are pooled: max or average
    #[arg(long, value_name = "HOW", value_parser = values::named::<Pooling>(&["max", "average"]))]
    pub pooling: Option<Pooling>,
    /// What the network sees beyond the borders: zero (grey, as it was trained) or replicate (the border again) [zero]
    #[arg(long, value_name = "WHAT", value_parser = values::named::<Padding>(&["zero", "replicate"]))]
    pub padding: Option<Padding>,
}

impl ParamArgs {
    /// The parameters for the engine, and the picture to start from where one is named.
    pub fn read(&self) -> Result<(Params, Option<PathBuf>)> {
        Ok(match &self.params {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|e| Error::Parameters(format!("{}: cannot be read: {e}", path.display())))?;
                let params = Params::from_json(&text)
                    .map_err(|e| Error::Parameters(format!("{}: {e}", path.display())))?;
                self.over(params)
            }
            None => self.over(Params::default()),
        })
    }

    /// These parameters with what is given here in their place.
    pub fn over(&self, mut params: Params) -> (Params, Option<PathBuf>) {
        params.preset = self.preset.unwrap_or(params.preset);
        let mut from = None;
        if let Some(init) = &self.init {
            params.init = Some(match init.as_str() {
                "content" => Init::Content,
                "recoloured" => Init::Recoloured,
                "noise" => Init::Noise,
                file => {
                    from = Some(PathBuf::from(file));
                    Init::Picture
                }
            });
        }
        params.size = self.size.or(params.size);
        params.iterations = self.iterations.or(params.iterations);
        params.levels = self.levels.or(params.levels);
        params.tile_size = self.tile_size.or(params.tile_size);
        params.style_weight = self.style_weight.or(params.style_weight);
        params.content_weight = self.content_weight.or(params.content_weight);
        params.tv_weight = self.tv_weight.or(params.tv_weight);
        params.seed = self.seed.unwrap_or(params.seed);
        params.strength = self.strength.or(params.strength);
        if self.style_size.is_some() || self.style_scale.is_some() {
            (params.style_size, params.style_scale) = (self.style_size, self.style_scale);
        }
        params.colours = self.colours.or(params.colours);
        params.style_fit = self.style_fit.or(params.style_fit);
        params.colour_strength = self.colour_strength.or(params.colour_strength);
        if !self.tap_weight.is_empty() {
            params.tap_weights.get_or_insert_default().extend(self.tap_weight.iter().cloned());
        }
        params.style_loss = self.style_loss.or(params.style_loss);
        params.padding = self.padding.or(params.padding);
        params.style_taps = self.style_taps.clone().or(params.style_taps);
        params.content_taps = self.content_taps.clone().or(params.content_taps);
        params.pooling = self.pooling.or(params.pooling);
        (params, from)
    }
}
