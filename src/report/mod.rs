//! How a job went.

mod earlier;
mod path_text;
#[cfg(feature = "plot")]
pub mod plot;
pub mod saved_state;

use std::path::{Path, PathBuf};

pub use earlier::Earlier;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files;
use crate::params::Settings;

/// How a job went; the command writes it as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of the program.
    pub version: &'static str,
    /// The model's name.
    pub model: String,
    /// What is known of its weights.
    pub provenance: String,
    /// The device that was used.
    pub device: String,
    /// Threads on the CPU.
    pub threads: usize,
    /// ONNX Runtime's file.
    pub onnxruntime: String,
    /// The parameters with nothing left out.
    pub settings: Settings,
    /// Height and width of the result.
    pub size: [usize; 2],
    /// The loss of the picture as it is saved, with its rounding to 8 or 16 bits.
    pub loss: f64,
    /// The loss of the picture that the optimisation started from, at the size that it started with.
    pub first_loss: f64,
    /// The sizes that were worked on, in order.
    pub levels: Vec<LevelReport>,
    /// The side of the tiles that the larger sizes were worked on in; None for whole pictures.
    pub tile: Option<usize>,
    /// The most bytes that the job was expected to need when it began; on a card, there or in the computer, whichever is
    /// more.
    pub memory: u64,
    /// The names of the loss's terms.
    pub terms: Vec<String>,
    /// The loss of each evaluation.
    pub losses: Vec<f64>,
    /// The terms of each of those losses, weighted.
    pub term_losses: Vec<Vec<f64>>,
    /// How often L-BFGS started anew.
    pub restarts: usize,
    /// Whether it ended early because nothing lowers the loss any more.
    pub converged: bool,
    /// Whether it was cancelled; the picture is then the best so far.
    pub cancelled: bool,
    /// Where the time went.
    pub seconds: Seconds,
    /// The files of the job, where the command has run it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Files>,
}

/// The files of a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(expecting = "an object with the files of a job")]
pub struct Files {
    /// What was repainted.
    #[serde(with = "path_text")]
    pub content: PathBuf,
    /// How.
    pub styles: Vec<StyleFile>,
    /// What selected a part of it.
    #[serde(with = "path_text::optional")]
    pub mask: Option<PathBuf>,
    /// The result.
    #[serde(with = "path_text")]
    pub output: PathBuf,
    /// The model, by its name or its file.
    pub model: String,
    /// What L-BFGS knew at the end.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "path_text::optional")]
    pub history: Option<PathBuf>,
    /// This report, by which the other files are found where all were moved together.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "path_text::optional")]
    pub report: Option<PathBuf>,
}

/// A style picture and how it counts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(expecting = "an object with a style picture's file")]
pub struct StyleFile {
    /// Its file.
    #[serde(with = "path_text")]
    pub file: PathBuf,
    /// See [`crate::Style::weight`].
    pub weight: f64,
    /// See [`crate::Style::scale`].
    pub scale: f64,
    /// The file of its region.
    #[serde(with = "path_text::optional")]
    pub region: Option<PathBuf>,
    /// The file that is bright where its style is taken.
    #[serde(with = "path_text::optional")]
    pub part: Option<PathBuf>,
}

impl Default for StyleFile {
    /// A style that counts once and is painted and taken everywhere.
    fn default() -> Self {
        StyleFile { file: PathBuf::new(), weight: 1.0, scale: 1.0, region: None, part: None }
    }
}

/// How a level went.
#[derive(Clone, Debug, Serialize)]
pub struct LevelReport {
    /// Height and width.
    pub size: [usize; 2],
    /// Its evaluations, which are a part of the report's `losses`.
    pub evaluations: usize,
    /// The loss of the picture that it started from.
    pub first_loss: f64,
    /// The lowest loss.
    pub loss: f64,
    /// Wall-clock seconds of its optimisation.
    pub seconds: f64,
}

/// Wall-clock seconds.
#[derive(Clone, Debug, Serialize)]
pub struct Seconds {
    /// Resizing, making targets, loading graphs.
    pub preparing: f64,
    /// All of the optimisation.
    pub optimising: f64,
    /// The part of that spent in ONNX Runtime.
    pub evaluating: f64,
}

impl Report {
    /// Writes the report as JSON.
    pub fn write(&self, path: &Path) -> Result<()> {
        files::write(path, self.json()?.as_bytes())
    }

    /// The report as JSON.
    pub fn json(&self) -> Result<String> {
        serde_json::to_string_pretty(self)
            .map_err(|e| Error::Output { path: "report".into(), problem: e.to_string() })
    }
}
