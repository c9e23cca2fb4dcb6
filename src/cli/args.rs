//! What may be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use impasto::onnx::{Padding, Pooling, StyleLoss};
use impasto::report::StyleFile;
use impasto::{Colours, Device, EngineOptions, Init, Params, Preset, Result, StyleFit};

use super::progress::Mode;

const EXAMPLES: &str = "\
Examples:
  impasto photo.jpg painting.jpg -o out.png
      a good first result, at most 1024 pixels on its longer side
  impasto photo.jpg painting.jpg -o out.png --preset draft
      a small one, soon
  impasto photo.jpg painting.jpg -o out.png --size 3000 --max-memory 4G --plot loss.svg
      large, in tiles if the memory asks for it, and with the loss curve
  impasto photo.jpg painting.jpg -o out.png --style-weight 0.2
      more of the photograph; values above 1 give more of the painting
  impasto photo.jpg painting.jpg -o out.png --model vgg19.safetensors --preset gatys
      the method of the paper, with your own VGG19 weights

Exit codes: 0 done, 2 bad parameters, 3 bad picture, 4 bad model, 5 ONNX Runtime or device,
6 output cannot be written, 7 not enough memory, 130 interrupted (the best picture so far is written).

ONNX Runtime is looked for in the file or folder that IMPASTO_ONNXRUNTIME names, beside the program,
in the folder of `cargo xtask setup`, and among the system's libraries.";

/// Repaint a photograph in the style of a painting.
///
/// Neural style transfer after Gatys, Ecker and Bethge: the pixels of CONTENT are changed by optimisation
/// until a network sees the textures of STYLE in the scene of CONTENT.
#[derive(Parser)]
#[command(name = "impasto", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, args_override_self = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The picture to repaint: PNG, JPEG, TIFF or WebP, at least 16×16 pixels
    #[arg(required_unless_present = "resume")]
    pub content: Option<PathBuf>,
    /// The picture whose style to take
    #[arg(required_unless_present = "resume")]
    pub style: Option<PathBuf>,
    /// Go on from the result of another job, whose --report this is, with its pictures and parameters where none are given
    /// here, and what the optimiser had learnt if that job kept it (--keep-history)
    #[arg(long, value_name = "REPORT", conflicts_with_all = ["content", "style", "blend", "region", "part", "mask", "init", "params"])]
    pub resume: Option<PathBuf>,
    /// Another picture whose style to take: with its weight (the first has 1), with strokes of another size, painted only
    /// where the picture of `region` is bright, taken only where that of `part` is; may be given again
    #[arg(long, value_name = "FILE[,weight=W][,scale=S][,region=MASK][,part=MASK]", value_parser = blend)]
    pub blend: Vec<StyleFile>,
    /// Paint the style of STYLE only where this picture is bright, and those of --blend elsewhere. It has the size of
    /// CONTENT. Styles without a region share what the others leave
    #[arg(long, value_name = "MASK")]
    pub region: Option<PathBuf>,
    /// Take the style only where this picture, which has the size of STYLE, is bright (and where STYLE is not transparent)
    #[arg(long, value_name = "MASK")]
    pub part: Option<PathBuf>,
    /// Paint only where this picture is bright: white all, black nothing, grey in part. It has the size of
    /// CONTENT, and so has the result
    #[arg(long, value_name = "FILE")]
    pub mask: Option<PathBuf>,
    /// Where to write the result; its ending (.png, .jpg, .tiff, .webp) says the format
    #[arg(short, long, required = true, value_name = "FILE")]
    pub output: Option<PathBuf>,

    #[command(flatten)]
    pub params: ParamArgs,
    #[command(flatten)]
    pub engine: EngineArgs,

    /// Also write the best picture so far every N evaluations, as FILE-0050.png and so on
    #[arg(long, value_name = "N", help_heading = "Output")]
    pub save_every: Option<usize>,
    /// Draw the loss curve into this .svg or .png file
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub plot: Option<PathBuf>,
    /// Write parameters, losses and timings as JSON into this file
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub report: Option<PathBuf>,
    /// Also write what the optimiser has learnt, beside the report: --resume then goes on as if there had been no end. It
    /// takes about 130 bytes for each pixel
    #[arg(long, requires = "report", help_heading = "Output")]
    pub keep_history: bool,
    /// How to show progress: a bar on a terminal and lines elsewhere (auto), JSON lines on standard
    /// output (json), or not at all (none)
    #[arg(long, value_enum, default_value_t = Mode::Auto, value_name = "HOW", help_heading = "Output")]
    pub progress: Mode,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

#[derive(Args)]
pub struct Verbosity {
    /// Say nothing but errors
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
    /// Say more; twice, everything
    #[arg(short, long, action = clap::ArgAction::Count, conflicts_with = "quiet", help_heading = "Output")]
    pub verbose: u8,
}

#[derive(Subcommand)]
pub enum Command {
    /// Tell how far a picture is from its aim: the loss, with its terms
    Score(Box<ScoreArgs>),
    /// List what the computation can run on
    Devices {
        /// Also run a model's objective on each, and tell which of ONNX Runtime's providers ran its nodes
        #[arg(long, value_name = "MODEL", num_args = 0..=1, default_missing_value = impasto::models::DEFAULT)]
        nodes: Option<String>,
    },
    /// Print the JSON Schema of the parameters that --params reads, with ranges and defaults
    Schema,
    /// List, describe, fetch, import, remove and export models
    #[command(subcommand)]
    Model(ModelCommand),
    /// Print completions for a shell
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff)
    Man,
}

#[derive(Subcommand)]
pub enum ModelCommand {
    /// List the models that can be named
    List,
    /// Describe a model: taps, size, provenance, licence
    Info {
        /// A name from `impasto model list`, or a file
        #[arg(default_value = impasto::models::DEFAULT)]
        model: String,
    },
    /// Get a model from the web and keep it: only the bytes that the method needs, gone on from after a break
    Fetch {
        /// vgg19 or vgg16, or the name to keep the file of --from under
        #[arg(default_value = "vgg19")]
        name: String,
        /// The address of a .safetensors file, in place of the Hugging Face hub's
        #[arg(long, value_name = "URL")]
        from: Option<String>,
        /// A mirror of the Hugging Face hub, in place of that which HF_ENDPOINT names
        #[arg(long, value_name = "URL", conflicts_with = "from")]
        mirror: Option<String>,
        /// Say nothing but errors
        #[arg(short, long)]
        quiet: bool,
    },
    /// Remove a model that was imported or fetched
    Remove {
        /// A name from `impasto model list`
        name: String,
    },
    /// Check a .safetensors, .pth or .onnx file and keep it under a name
    Import {
        /// Weights of a VGG, under the names of torchvision, Keras or Caffe, or an ONNX export of one
        file: PathBuf,
        /// What pictures go through before the first layer [by the names in the file]
        #[arg(long, value_enum, value_name = "WHOSE")]
        preprocessing: Option<PreprocessingArg>,
        /// The name; left out, the file's
        #[arg(long)]
        name: Option<String>,
    },
    /// Write the features and the objective model as ONNX files
    Export(Box<ExportArgs>),
}

#[derive(Args)]
pub struct ExportArgs {
    /// A name from `impasto model list`, or a file
    #[arg(default_value = impasto::models::DEFAULT)]
    pub model: String,
    /// The folder to write into; made if it is not there
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Write the objective for pictures of this size only, which is faster on the CPU
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = picture_size)]
    pub picture_size: Option<[usize; 2]>,
    #[command(flatten)]
    pub params: ParamArgs,
}

#[derive(Args)]
pub struct ScoreArgs {
    /// The picture to judge
    pub picture: PathBuf,
    /// What it was made from
    #[arg(long, value_name = "FILE")]
    pub content: PathBuf,
    /// The style it was made with
    #[arg(long, value_name = "FILE")]
    pub style: PathBuf,
    #[command(flatten)]
    pub params: ParamArgs,
    #[command(flatten)]
    pub engine: EngineArgs,
}

#[derive(Args)]
#[command(next_help_heading = "Engine")]
pub struct EngineArgs {
    /// The network: a name from `impasto model list`, or a .safetensors or .onnx file [compact]
    #[arg(long, value_name = "NAME|FILE")]
    pub model: Option<String>,
    /// What to compute on: auto, cpu, cuda or cuda:N
    #[arg(long, default_value_t = Device::Auto, value_name = "DEVICE")]
    pub device: Device,
    /// Threads on the processor; 0 is one per core
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// The most memory that the job may need, for example 4G or 800M [most of what is free]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub max_memory: Option<u64>,
    /// Let a CUDA card compute convolutions in full single precision, not in TF32: slower
    #[arg(long)]
    pub no_tf32: bool,
}

impl EngineArgs {
    pub fn options(&self) -> EngineOptions {
        EngineOptions {
            model: self.model.clone().unwrap_or_else(|| impasto::models::DEFAULT.to_string()),
            device: self.device,
            threads: self.threads,
            memory: self.max_memory,
            tf32: !self.no_tf32,
        }
    }
}

#[derive(Args)]
#[command(next_help_heading = "Parameters")]
pub struct ParamArgs {
    /// Read parameters from a JSON file; options on the command line go before it
    #[arg(long, value_name = "FILE")]
    pub params: Option<PathBuf>,
    /// Defaults of the other parameters: draft (soon), standard, best (larger and longer), gatys (as in the
    /// paper)
    #[arg(long, value_enum, value_name = "PRESET")]
    pub preset: Option<PresetArg>,
    /// Longer side of the result in pixels, at most the photograph's where it is left out [standard: 1024]
    #[arg(long, value_name = "PIXELS")]
    pub size: Option<usize>,
    /// Evaluations of loss and gradient at the full size at most; smaller sizes get half as many again each
    /// [standard: 50]
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
    #[arg(long, value_enum, value_name = "HOW")]
    pub style_fit: Option<StyleFitArg>,
    /// Where the colours come from: style; matched (the style picture is given the content's colours
    /// before, by mean and covariance) or histogram (the same, channel by channel); content (exactly the content's,
    /// only lightness is painted) [style]
    #[arg(long, value_enum, value_name = "FROM")]
    pub colours: Option<ColoursArg>,
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
    #[arg(long, value_name = "TERM=WEIGHT", value_parser = tap_weight)]
    pub tap_weight: Vec<(String, f64)>,
    /// What is compared at style layers: gram (Gram matrices, as in the paper) or moments (means and covariances, by the
    /// Wasserstein distance) [gram]
    #[arg(long, value_enum, value_name = "WHAT")]
    pub style_loss: Option<StyleLossArg>,
    /// How activations are pooled: max or average
    #[arg(long, value_enum, value_name = "HOW")]
    pub pooling: Option<PoolingArg>,
    /// What the network sees beyond the borders: zero (grey, as it was trained) or replicate (the border again) [zero]
    #[arg(long, value_enum, value_name = "WHAT")]
    pub padding: Option<PaddingArg>,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum PreprocessingArg {
    /// Red, green, blue in 0..1, less ImageNet's mean, by its standard deviation
    Torchvision,
    /// Blue, green, red in 0..255, less ImageNet's mean, as Keras has it, too
    Caffe,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum PresetArg {
    Draft,
    Standard,
    Best,
    Gatys,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum ColoursArg {
    Style,
    Matched,
    Histogram,
    Content,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum StyleFitArg {
    Whole,
    Crop,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum StyleLossArg {
    Gram,
    Moments,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum PaddingArg {
    Zero,
    Replicate,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum PoolingArg {
    Max,
    Average,
}

impl ParamArgs {
    /// The parameters for the engine, and the picture to start from where one is named.
    pub fn read(&self) -> Result<(Params, Option<PathBuf>)> {
        Ok(match &self.params {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|e| {
                    impasto::Error::Parameters(format!("{}: cannot be read: {e}", path.display()))
                })?;
                let params = Params::from_json(&text)
                    .map_err(|e| impasto::Error::Parameters(format!("{}: {e}", path.display())))?;
                self.over(params)
            }
            None => self.over(Params::default()),
        })
    }

    /// These parameters with what is given here in their place.
    pub fn over(&self, mut params: Params) -> (Params, Option<PathBuf>) {
        if let Some(preset) = self.preset {
            params.preset = match preset {
                PresetArg::Draft => Preset::Draft,
                PresetArg::Standard => Preset::Standard,
                PresetArg::Best => Preset::Best,
                PresetArg::Gatys => Preset::Gatys,
            };
        }
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
        params.colours = self.colours.map_or(params.colours, |c| {
            Some(match c {
                ColoursArg::Style => Colours::Style,
                ColoursArg::Matched => Colours::Matched,
                ColoursArg::Histogram => Colours::Histogram,
                ColoursArg::Content => Colours::Content,
            })
        });
        params.style_fit = self.style_fit.map_or(params.style_fit, |f| {
            Some(match f {
                StyleFitArg::Whole => StyleFit::Whole,
                StyleFitArg::Crop => StyleFit::Crop,
            })
        });
        params.colour_strength = self.colour_strength.or(params.colour_strength);
        if !self.tap_weight.is_empty() {
            params.tap_weights.get_or_insert_default().extend(self.tap_weight.iter().cloned());
        }
        params.style_loss = self.style_loss.map_or(params.style_loss, |l| {
            Some(match l {
                StyleLossArg::Gram => StyleLoss::Gram,
                StyleLossArg::Moments => StyleLoss::Moments,
            })
        });
        params.padding = self.padding.map_or(params.padding, |p| {
            Some(match p {
                PaddingArg::Zero => Padding::Zero,
                PaddingArg::Replicate => Padding::Replicate,
            })
        });
        params.style_taps = self.style_taps.clone().or(params.style_taps);
        params.content_taps = self.content_taps.clone().or(params.content_taps);
        params.pooling = self.pooling.map_or(params.pooling, |p| {
            Some(match p {
                PoolingArg::Max => Pooling::Max,
                PoolingArg::Average => Pooling::Average,
            })
        });
        (params, from)
    }
}

/// `FILE` with `,weight=W`, `,scale=S`, `,region=MASK` and `,part=MASK` behind, as many as there are. Other commas and equals
/// signs belong to the file's name.
fn blend(text: &str) -> std::result::Result<StyleFile, String> {
    let mut blend = StyleFile::default();
    let mut rest = text;
    while let Some((before, (key, value))) =
        rest.rsplit_once(',').and_then(|(before, last)| Some((before, last.split_once('=')?)))
    {
        let number = |least: f64, most: f64| match value.parse() {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            _ => Err(format!("{key}={value}: expected a number from {least} to {most:e}")),
        };
        match key {
            "weight" => blend.weight = number(0.0, 1e9)?,
            "scale" => blend.scale = number(0.1, 4.0)?,
            "region" => blend.region = Some(value.into()),
            "part" => blend.part = Some(value.into()),
            _ => break,
        }
        rest = before;
    }
    if rest.is_empty() {
        return Err("expected a file, with ,weight=W ,scale=S ,region=MASK or ,part=MASK behind".to_string());
    }
    blend.file = rest.into();
    Ok(blend)
}

/// `TERM=WEIGHT`.
fn tap_weight(text: &str) -> std::result::Result<(String, f64), String> {
    let parts =
        text.split_once('=').and_then(|(term, weight)| Some((term.to_string(), weight.parse().ok()?)));
    parts.ok_or_else(|| "expected TERM=WEIGHT, for example style/relu1_1=2".to_string())
}

/// Bytes from a number with K, M or G (powers of 1024) behind.
fn bytes(text: &str) -> std::result::Result<u64, String> {
    let bad = || "expected a number above 0 with K, M or G behind, for example 4G".to_string();
    let (number, shift) = match text.char_indices().last() {
        Some((at, unit)) if !unit.is_ascii_digit() => {
            let shift = match unit.to_ascii_uppercase() {
                'K' => 10,
                'M' => 20,
                'G' => 30,
                _ => return Err(bad()),
            };
            (&text[..at], shift)
        }
        _ => (text, 0),
    };
    let number: f64 = number.parse().map_err(|_| bad())?;
    let bytes = number * (1u64 << shift) as f64;
    if (1.0..1e18).contains(&bytes) { Ok(bytes as u64) } else { Err(bad()) }
}

/// [H, W] from `WIDTHxHEIGHT`.
fn picture_size(text: &str) -> std::result::Result<[usize; 2], String> {
    let side = |t: &str| t.parse().ok().filter(|n| (16..=32768).contains(n));
    let sides = text.split_once('x').and_then(|(w, h)| Some([side(h)?, side(w)?]));
    sides.ok_or_else(|| "expected WIDTHxHEIGHT, each from 16 to 32768, for example 320x240".to_string())
}
