//! Forward graphs of VGG-like networks, the losses of style transfer over their activations, and the
//! gradients of those losses, as ONNX models.
//!
//! Weights come from a file ([`vgg::from_safetensors`], [`pytorch`], [`import::from_onnx`]) or a seed
//! ([`vgg::seeded`]); [`objective`] builds the models; [`differentiate`] is general and knows nothing of
//! style transfer. Nothing in here runs a model or touches a picture.

#![forbid(unsafe_code)]

pub mod differentiate;
mod error;
pub mod export;
pub mod graph;
pub mod import;
pub mod layouts;
mod losses;
pub mod manifest;
pub mod model;
pub mod moments;
mod network;
pub mod objective;
mod operators;
pub mod peak_memory;
#[allow(missing_docs)]
mod proto;
pub mod pytorch;
pub mod receptive;
mod rules;
mod shapes;
pub mod spec;
mod style;
mod tap;
pub mod vectors;
pub mod vgg;
mod window;

pub use error::{Error, Result};
pub use manifest::Manifest;
pub use model::Model;
pub use objective::GraphTarget;
pub use spec::{ObjectiveSpec, Padding, Pooling, StyleLoss, Term, TermKind};
pub use tap::Tap;

/// Reads a model from a file. The ending of its name says what it is: safetensors, a PyTorch checkpoint or ONNX.
pub fn read(path: &std::path::Path) -> Result<Model> {
    match path.extension().and_then(|e| e.to_str()) {
        Some("onnx") => import::from_onnx(&bytes(path)?, path),
        _ => vgg::from_safetensors(&weights(path, None)?, &path.display().to_string()),
    }
}

/// The weights in a safetensors file or a PyTorch checkpoint, as the bytes of a safetensors file in torchvision's layout.
pub fn weights(path: &std::path::Path, preprocessing: Option<layouts::Preprocessing>) -> Result<Vec<u8>> {
    let file = path.display().to_string();
    let raw = match path.extension().and_then(|e| e.to_str()) {
        Some("pth" | "pt") => pytorch::as_safetensors(path)?,
        Some("safetensors") => bytes(path)?,
        _ => {
            return Err(Error::bad_model(
                file,
                "is not a model by its name; expected a file that ends in .safetensors, .pth or .onnx",
            ));
        }
    };
    let in_layout = layouts::in_torchvisions(&raw, &file, preprocessing)?;
    Ok(match in_layout {
        std::borrow::Cow::Borrowed(_) => raw,
        std::borrow::Cow::Owned(bytes) => bytes,
    })
}

/// Fails for a folder, and for a device, which may have no end.
pub(crate) fn check_is_file(path: &std::path::Path) -> Result<()> {
    let there = std::fs::metadata(path).map_err(|source| Error::Io { path: path.to_path_buf(), source })?;
    match there.is_file() {
        true => Ok(()),
        false => {
            Err(Error::bad_model(path.display().to_string(), "is a folder or a device; expected a file"))
        }
    }
}

fn bytes(path: &std::path::Path) -> Result<Vec<u8>> {
    check_is_file(path)?;
    let bytes = std::fs::read(path).map_err(|source| Error::Io { path: path.to_path_buf(), source })?;
    if bytes.is_empty() {
        return Err(Error::bad_model(path.display().to_string(), "is empty; get the file again"));
    }
    Ok(bytes)
}
