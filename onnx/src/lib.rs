//! Forward graphs of VGG-like networks, the losses of style transfer over their activations, and the
//! gradients of those losses, as ONNX models.
//!
//! Weights come from a file ([`vgg::from_safetensors`], [`import::from_onnx`]) or a seed
//! ([`vgg::seeded`]); [`objective`] builds the models; [`differentiate`] is general and knows nothing of
//! style transfer. Nothing in here runs a model or touches a picture.

#![forbid(unsafe_code)]

pub mod differentiate;
mod error;
pub mod export;
pub mod graph;
pub mod import;
pub mod manifest;
pub mod memory;
pub mod model;
pub mod objective;
#[allow(missing_docs)]
mod proto;
pub mod receptive;
mod rules;
mod shapes;
pub mod vgg;

pub use error::{Error, Result};
pub use manifest::Manifest;
pub use model::{Model, Tap};
pub use objective::{Pooling, Spec, Term};

/// Reads a model from a file: safetensors or ONNX, told by its name's ending, else by its content.
pub fn read(path: &std::path::Path) -> Result<Model> {
    let bytes = std::fs::read(path).map_err(|source| Error::Io { path: path.to_path_buf(), source })?;
    if bytes.is_empty() {
        return Err(Error::bad_model(path.display().to_string(), "is empty; get the file again"));
    }
    match path.extension().and_then(|e| e.to_str()) {
        Some("onnx") => import::from_onnx(&bytes, path),
        Some("safetensors") => vgg::from_safetensors(&bytes, &path.display().to_string()),
        _ => Err(Error::bad_model(
            path.display().to_string(),
            "is not a model by its name; expected a file that ends in .safetensors or .onnx",
        )),
    }
}
