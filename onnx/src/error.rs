//! What can go wrong while a model is read or a graph is built.

use std::path::PathBuf;

use crate::graph::Node;

/// The errors of this crate. Each message names the file, tensor, tap or node, what was expected, and
/// what to do where that is not obvious.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is not what its name or place says it is.
    #[error("{file}: {problem}")]
    BadModel {
        /// The file or the name of the model.
        file: String,
        /// What is wrong with it, and what was expected.
        problem: String,
    },
    /// A tap was asked for that the model does not have.
    #[error("model '{model}' has no tap '{tap}'; it has {}", available.join(", "))]
    NoSuchTap {
        /// The model's name.
        model: String,
        /// The tap that was asked for.
        tap: String,
        /// The taps there are.
        available: Vec<String>,
    },
    /// A node is not as its operator needs it, or has no gradient.
    #[error("node '{node}' ({op}): {problem}")]
    BadNode {
        /// The node's name.
        node: String,
        /// The node's operator.
        op: String,
        /// What is wrong, and what was expected.
        problem: String,
    },
    /// The losses that were asked for make no objective.
    #[error("{0}")]
    BadSpec(String),
}

impl Error {
    /// An error that names a file or a model.
    pub fn bad_model(file: impl Into<String>, problem: impl Into<String>) -> Self {
        Error::BadModel { file: file.into(), problem: problem.into() }
    }

    pub(crate) fn bad_node(node: &Node, problem: impl Into<String>) -> Self {
        Error::BadNode { node: node.name.clone(), op: node.op.clone(), problem: problem.into() }
    }
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
