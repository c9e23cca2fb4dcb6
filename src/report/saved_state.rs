//! L-BFGS's state at the end of a job, in a file, for the warm start of another job. The file is a safetensors
//! file with the latent variables of the last point and the pairs of differences.

use std::collections::HashMap;
use std::path::Path;

use half::bf16;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::files;
use crate::optimise::LbfgsState;
use crate::params::Settings;

/// L-BFGS's state at one size, with what it is valid for.
pub struct SavedState {
    /// Height and width.
    size: [usize; 2],
    /// The parameters that the loss depends on, and the model.
    of: Value,
    state: LbfgsState,
}

/// A warm start: the state that a job gets from an earlier one besides the picture, and the state that it keeps for the next.
#[derive(Default)]
pub struct WarmStart {
    /// The state at the end of the earlier job. It is used if size, model and the parameters of the loss are the same. That
    /// the pictures are the same is up to the caller.
    pub from: Option<SavedState>,
    /// Whether to keep the state at the end of this job.
    pub keep: bool,
    /// The kept state, after the job.
    pub kept: Option<SavedState>,
}

impl SavedState {
    pub(crate) fn new(size: [usize; 2], model: &str, settings: &Settings, state: LbfgsState) -> Self {
        SavedState { size, of: loss_settings(model, settings), state }
    }

    /// Height and width of its picture.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// The state, if it is valid for a picture of this size, [height, width], with these settings.
    pub(crate) fn state_if_fitting(
        self,
        size: [usize; 2],
        model: &str,
        settings: &Settings,
    ) -> Option<LbfgsState> {
        let fits = self.size == size && self.of == loss_settings(model, settings);
        if !fits {
            tracing::info!("L-BFGS's memory is that of another size, model or loss; it begins without");
        }
        fits.then_some(self.state)
    }

    /// Writes it as a file.
    pub fn write(&self, path: &Path) -> Result<()> {
        let failed = |problem| Error::Output { path: path.to_path_buf(), problem };
        files::write(path, &self.bytes().map_err(failed)?)
    }

    /// It as a safetensors file: `latent` [3, H, W] float32, `s/K` and `y/K` [3, H, W] bfloat16 of each pair, the oldest first.
    pub fn bytes(&self) -> Result<Vec<u8>, String> {
        let failed = |e: safetensors::SafeTensorError| e.to_string();
        let shape = vec![3, self.size[0], self.size[1]];
        let latent: Vec<u8> = self.state.latent.iter().flat_map(|v| v.to_le_bytes()).collect();
        let bytes = |values: &[bf16]| -> Vec<u8> { values.iter().flat_map(|v| v.to_le_bytes()).collect() };
        let pairs: Vec<[Vec<u8>; 2]> =
            self.state.pairs.iter().map(|pair| pair.each_ref().map(|v| bytes(v))).collect();
        let mut tensors = vec![(
            "latent".to_string(),
            TensorView::new(Dtype::F32, shape.clone(), &latent).map_err(failed)?,
        )];
        for (at, pair) in pairs.iter().enumerate() {
            for (name, values) in ["s", "y"].into_iter().zip(pair) {
                let view = TensorView::new(Dtype::BF16, shape.clone(), values).map_err(failed)?;
                tensors.push((format!("{name}/{at}"), view));
            }
        }
        let metadata = HashMap::from([
            ("scale".to_string(), self.state.scale.to_string()),
            ("of".to_string(), self.of.to_string()),
        ]);
        safetensors::serialize(tensors, Some(metadata)).map_err(failed)
    }

    /// Reads such a file.
    pub fn read(path: &Path) -> Result<SavedState> {
        let bytes = match path.exists() && !path.is_file() {
            // A device may have no end.
            true => Err("expected a file".to_string()),
            false => std::fs::read(path).map_err(|e| e.to_string()),
        };
        let read = bytes.and_then(|bytes| SavedState::parse(&bytes));
        read.map_err(|problem| {
            Error::Parameters(format!(
                "{}: is not L-BFGS's memory, as --keep-history writes it: {problem}",
                path.display()
            ))
        })
    }

    /// Reads the bytes of such a file; the error says what is wrong with them.
    pub fn parse(bytes: &[u8]) -> Result<SavedState, String> {
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
        let text = |name: &str| {
            let value = header.metadata().as_ref().and_then(|m| m.get(name));
            value.ok_or_else(|| format!("'{name}' is missing"))
        };
        let scale: f64 = text("scale")?.parse().map_err(|_| "'scale' is not a number")?;
        let of = serde_json::from_str(text("of")?).map_err(|e| e.to_string())?;
        let read = |name: &str, dtype: Dtype| -> Result<(Vec<usize>, &[u8]), String> {
            let tensor = tensors.tensor(name).map_err(|e| e.to_string())?;
            match (tensor.dtype() == dtype, tensor.shape()) {
                (true, [3, _, _]) => Ok((tensor.shape().to_vec(), tensor.data())),
                _ => Err(format!(
                    "'{name}' is {:?} {:?}; expected {dtype:?} [3, H, W]",
                    tensor.dtype(),
                    tensor.shape()
                )),
            }
        };
        let (shape, latent) = read("latent", Dtype::F32)?;
        let latent: Vec<f32> = latent.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        let mut pairs = Vec::new();
        while tensors.names().contains(&&*format!("s/{}", pairs.len())) {
            let part = |name: &str| -> Result<Vec<bf16>, String> {
                let name = format!("{name}/{}", pairs.len());
                let (own, values) = read(&name, Dtype::BF16)?;
                if own != shape {
                    return Err(format!("'{name}' is {own:?} and 'latent' {shape:?}"));
                }
                Ok(values.as_chunks::<2>().0.iter().map(|b| bf16::from_le_bytes(*b)).collect())
            };
            pairs.push([part("s")?, part("y")?]);
        }
        let finite = scale.is_finite() && scale > 0.0 && latent.iter().all(|v| v.is_finite());
        if !finite || pairs.iter().flatten().flatten().any(|v| !v.is_finite()) {
            return Err("a value is not a finite number".into());
        }
        Ok(SavedState { size: [shape[1], shape[2]], of, state: LbfgsState { scale, latent, pairs } })
    }
}

/// The settings without those that the loss does not depend on.
fn loss_settings(model: &str, settings: &Settings) -> Value {
    let mut of = serde_json::to_value(settings).unwrap_or_default();
    if let Some(fields) = of.as_object_mut() {
        for name in ["preset", "iterations", "levels", "init", "seed", "tile_size", "preview_every"] {
            fields.remove(name);
        }
        fields.insert("model".to_string(), model.into());
    }
    of
}
