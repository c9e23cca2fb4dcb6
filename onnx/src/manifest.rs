//! What a model's file does not say by its weights: how a picture becomes its input, where it comes
//! from, and how strong its taps are.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A model's manifest, kept as JSON: in the safetensors metadata under the key `impasto`, in the ONNX
/// metadata under the same key, or in a file beside the weights (`NAME.json`). Every field may be left
/// out; the defaults are those of torchvision's ImageNet weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Manifest {
    /// The model's name, as people pick it.
    pub name: String,
    /// Per channel (R, G, B), subtracted from a picture in 0..1.
    pub mean: [f32; 3],
    /// Per channel, what is divided by after that.
    pub std: [f32; 3],
    /// What is multiplied with at last: u = scale · (x − mean) / std.
    pub scale: f32,
    /// For a model that imitates another through tap heads: the other model's channels in each block. The
    /// reference weights of the losses are then the other model's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reference_channels: Vec<usize>,
    /// Where the weights come from, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub provenance: String,
    /// The weights' licence, as an SPDX expression where there is one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub licence: String,
    /// How the weights were trained, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub training: String,
}

impl Default for Manifest {
    fn default() -> Self {
        Manifest {
            name: "vgg".to_string(),
            mean: [0.485, 0.456, 0.406],
            std: [0.229, 0.224, 0.225],
            scale: 255.0,
            reference_channels: Vec::new(),
            provenance: String::new(),
            licence: String::new(),
            training: String::new(),
        }
    }
}

impl Manifest {
    /// Checks that the numbers make a usable input; `file` is named in the error.
    pub(crate) fn check(&self, file: &str) -> Result<()> {
        let finite = |v: &f32| v.is_finite();
        if !self.mean.iter().all(finite) {
            return Err(Error::bad_model(file, "manifest field 'mean' must be three finite numbers"));
        }
        if !self.std.iter().all(|v| v.is_finite() && *v > 0.0) {
            return Err(Error::bad_model(file, "manifest field 'std' must be three numbers above 0"));
        }
        if !(self.scale.is_finite() && self.scale > 0.0) {
            return Err(Error::bad_model(file, "manifest field 'scale' must be a number above 0"));
        }
        Ok(())
    }
}
