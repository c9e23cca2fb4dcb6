//! What can go wrong in the engine, sorted by what a person has to change.

use std::path::PathBuf;

/// The errors of the engine. A message names the file, field or device, what was expected and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter is out of its range or unknown.
    #[error("{0}")]
    Parameters(String),
    /// A picture could not be read, or is of no use.
    #[error("{name}: {problem}")]
    Picture {
        /// The file, or what the host calls the picture.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// A model could not be read, or does not have what was asked for.
    #[error(transparent)]
    Model(#[from] impasto_onnx::Error),
    /// No model goes by that name.
    #[error("there is no model '{name}'; {}; there are {}; or give the path of a .safetensors, .pth or .onnx file", way_to(name), known.join(", "))]
    NoSuchModel {
        /// What was asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A model could not be fetched from the web.
    #[error("{url}: {problem}")]
    Fetch {
        /// What was asked for.
        url: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// ONNX Runtime is missing, too old or failed.
    #[error("{0}")]
    Runtime(String),
    /// The device that was asked for cannot be used.
    #[error("{0}")]
    Device(String),
    /// A job would need more memory than it may use.
    #[error("this job needs about {} MiB of memory and may use {}; {advice}", needed >> 20, allowed >> 20)]
    Memory {
        /// Bytes it is expected to need.
        needed: u64,
        /// Bytes it may use.
        allowed: u64,
        /// What to do.
        advice: String,
    },
    /// The system or the card had no more memory while a graph ran.
    #[error("there is not enough memory ({0}); choose a smaller size or smaller tiles")]
    OutOfMemory(String),
    /// A result could not be written.
    #[error("{path}: cannot be written: {problem}", path = path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// What the system said.
        problem: String,
    },
    /// The job was cancelled before there was a picture.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    #[cfg(feature = "fetch")]
    pub(crate) fn fetch(url: &str, problem: impl Into<String>) -> Self {
        Error::Fetch { url: url.to_string(), problem: problem.into() }
    }

    pub(crate) fn picture(name: impl Into<String>, problem: impl Into<String>) -> Self {
        Error::Picture { name: name.into(), problem: problem.into() }
    }

    /// The exit code of the `impasto` command for this error: 2 parameters, 3 pictures, 4 models, 5
    /// ONNX Runtime and devices, 6 output, 7 memory, 130 cancelled.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Parameters(_) => 2,
            Error::Picture { .. } => 3,
            Error::Model(impasto_onnx::Error::Io { .. })
            | Error::Model(_)
            | Error::NoSuchModel { .. }
            | Error::Fetch { .. } => 4,
            Error::Runtime(_) | Error::Device(_) => 5,
            Error::Output { .. } => 6,
            Error::Memory { .. } | Error::OutOfMemory(_) => 7,
            Error::Cancelled => 130,
        }
    }
}

/// A result of the engine.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How to come by a model that is not there.
fn way_to(name: &str) -> String {
    match name {
        "vgg19" | "vgg16" => format!("get it with `impasto model fetch {name}`"),
        _ => "VGG19 and VGG16 come with `impasto model fetch vgg19` and `impasto model fetch vgg16`"
            .to_string(),
    }
}
