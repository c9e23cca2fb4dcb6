//! What may be typed.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use impasto::picture::Format;
use impasto::report::StyleFile;
use impasto::{Device, EngineOptions};

use super::params::ParamArgs;
use super::progress::Mode;
use super::values;

const EXAMPLES: &str = "\
Examples:
  impasto photo.jpg painting.jpg -o out.png
      a good first result, at most 1024 pixels on its longer side
  impasto photo.jpg --style night-lights -o out.png
      with one of the style pictures inside the program
  impasto photos/*.jpg painting.jpg -o out/
      several pictures, each under its name in the folder out
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
in the Python packages that the program was installed with, in the folder of `cargo xtask setup`, and
among the system's libraries.";

/// Repaint a photograph in the style of a painting.
///
/// Neural style transfer after Gatys, Ecker and Bethge: the pixels of CONTENT are changed by optimisation
/// until a network sees the textures of STYLE in the scene of CONTENT.
#[derive(Parser)]
#[command(name = "impasto", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, args_override_self = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The pictures to repaint, at least 16×16 pixels, or folders of them, and behind them the picture whose style to
    /// take. `-` is standard input
    #[arg(required_unless_present = "resume", value_name = "CONTENT... STYLE")]
    pub pictures: Vec<PathBuf>,
    /// Take the style of one of the pictures inside the program, in place of STYLE; `impasto styles` lists them
    #[arg(long = "style", id = "style_name", value_name = "NAME", value_parser = PossibleValuesParser::new(impasto::styles::ids()), hide_possible_values = true)]
    pub style_name: Option<String>,
    /// Go on from the result of another job, whose --report this is, with its pictures and parameters where none are given
    /// here, and what the optimiser had learnt if that job kept it (--keep-history)
    #[arg(long, value_name = "REPORT", conflicts_with_all = ["style_name", "blend", "region", "part", "mask", "init", "params"])]
    pub resume: Option<PathBuf>,
    /// Another picture whose style to take: with its weight (the first has 1), with strokes of another size, painted only
    /// where the picture of `region` is bright, taken only where that of `part` is; may be given again
    #[arg(long, value_name = "FILE[,weight=W][,scale=S][,region=MASK][,part=MASK]", value_parser = OsStringValueParser::new().try_map(values::blend))]
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
    /// Where to write the result; its ending (.png, .jpg, .tiff, .webp) says the format. A folder, or a name that ends
    /// in /, takes the results of several pictures under their names; `-` is standard output
    #[arg(short, long, required = true, value_name = "FILE|DIR/")]
    pub output: Option<PathBuf>,
    /// The format of the result, whatever its name [by the name's ending; in a folder the content's]
    #[arg(long, value_name = "png|jpg|tiff|webp", value_parser = values::format, help_heading = "Output")]
    pub format: Option<Format>,
    /// Leave out pictures whose result is there already
    #[arg(long, help_heading = "Output")]
    pub skip_existing: bool,

    #[command(flatten)]
    pub params: ParamArgs,
    #[command(flatten)]
    pub engine: EngineArgs,

    /// Also write the best picture so far every N evaluations, as FILE-0050.png and so on
    #[arg(long, value_name = "N", value_parser = values::count, help_heading = "Output")]
    pub save_every: Option<usize>,
    /// Draw the loss curve into this .svg or .png file
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub plot: Option<PathBuf>,
    /// Write parameters, losses and timings as JSON into this file; of several pictures a line each. `-` is standard output
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub report: Option<PathBuf>,
    /// Also write what the optimiser has learnt at the full size, beside the report, so that --resume loses little of it. It
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
    /// List the style pictures inside the program, which --style takes
    Styles {
        /// Also write them as JPEG files into this folder; made if it is not there
        #[arg(short, long, value_name = "DIR")]
        output: Option<PathBuf>,
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
    /// Check a .safetensors, .pth or .onnx file and keep it under a name; a model that has the name is replaced
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
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = values::picture_size)]
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
    /// The network: a name from `impasto model list`, or a .safetensors, .pth or .onnx file [compact]
    #[arg(long, value_name = "NAME|FILE", value_parser = OsStringValueParser::new().try_map(values::model))]
    pub model: Option<String>,
    /// What to compute on: auto, cpu, cuda, cuda:N or webgpu (any graphics card)
    #[arg(long, default_value_t = Device::Auto, value_name = "DEVICE")]
    pub device: Device,
    /// Threads on the processor; 0 is one per core
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = values::threads)]
    pub threads: usize,
    /// The most memory that the job may need, for example 4G or 800M [most of what is free]
    #[arg(long, value_name = "SIZE", value_parser = values::bytes)]
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

#[derive(Clone, Copy, ValueEnum)]
pub enum PreprocessingArg {
    /// Red, green, blue in 0..1, less ImageNet's mean, by its standard deviation
    Torchvision,
    /// Blue, green, red in 0..255, less ImageNet's mean, as Keras has it, too
    Caffe,
}
