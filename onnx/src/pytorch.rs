//! Weights out of PyTorch's checkpoints (`.pth`, `.pt`), whether they are archives or, as torchvision's
//! `vgg19-dcbb9e9d.pth`, legacy pickles. The crate that reads them knows the few objects that state dictionaries are made
//! of and runs nothing.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use pytorch_reader::{DType, PytorchReader};

use crate::error::{Error, Result};
use crate::graph::Tensor;
use crate::layouts;

/// A checkpoint's convolutions as the bytes of a safetensors file.
pub fn as_safetensors(path: &Path) -> Result<Vec<u8>> {
    let file = path.display().to_string();
    let bad = |problem: String| Error::bad_model(&file, problem);
    crate::check_is_file(path)?;
    let reader = PytorchReader::new(path)
        .map_err(|e| bad(format!("cannot be read as a PyTorch checkpoint ({e}); get the file again")))?;
    let mut tensors = BTreeMap::new();
    for (name, tensor) in reader.tensors() {
        // Whatever it was saved in: `state_dict.`, `module.`
        let name = match name.find("features.") {
            Some(at) => &name[at..],
            None if layouts::is_convolution(name) => name,
            None => continue,
        };
        let size = match tensor.dtype() {
            DType::F64 | DType::F32 | DType::F16 | DType::BF16 => tensor.dtype().size(),
            // Counts, such as those of batch normalisations.
            _ => continue,
        };
        let bytes = tensor.read().map_err(|e| bad(format!("{e}; get the file again")))?;
        let value = |b: &[u8]| match (tensor.dtype(), b) {
            (DType::F64, &[a, b, c, d, e, f, g, h]) => f64::from_ne_bytes([a, b, c, d, e, f, g, h]) as f32,
            (DType::F16, &[a, b]) => half::f16::from_ne_bytes([a, b]).to_f32(),
            (DType::BF16, &[a, b]) => half::bf16::from_ne_bytes([a, b]).to_f32(),
            (_, &[a, b, c, d]) => f32::from_ne_bytes([a, b, c, d]),
            _ => f32::NAN,
        };
        let values: Vec<f32> = bytes.chunks_exact(size).map(value).collect();
        let count = tensor.shape().iter().try_fold(1usize, |all, &n| all.checked_mul(n));
        if count != Some(values.len()) {
            let (have, shape) = (values.len(), tensor.shape());
            return Err(bad(format!("{name} has {have} values for the shape {shape:?}; get the file again")));
        }
        if tensors.insert(name.to_string(), Tensor::f32(tensor.shape(), values)).is_some() {
            return Err(bad(format!("has two tensors '{name}'; keep one of the networks in it")));
        }
    }
    if tensors.is_empty() {
        return Err(bad("holds no convolutions; expected the weights of a VGG".to_string()));
    }
    layouts::written(&tensors, HashMap::new(), &file)
}
