//! VGG-shaped models from weights: torchvision's layout of VGG19 in safetensors, and seeded weights of the
//! same shape.

use std::collections::HashMap;
use std::path::Path;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_distr::{Distribution, Normal};
use safetensors::{Dtype, SafeTensors};

use crate::error::{Error, Result};
use crate::graph::Tensor;
use crate::manifest::Manifest;
use crate::model::{Chain, Model};

/// The convolutions of VGG19 in each block; their channels are 64, 128, 256, 512, 512 in the original
/// (Simonyan and Zisserman 2014, table 1, column E).
const CONVOLUTIONS: [usize; 5] = [2, 2, 4, 4, 4];
const CHANNELS: [usize; 5] = [64, 128, 256, 512, 512];

/// (index in torchvision's `vgg19().features`, opens a new block) of each convolution.
fn layout() -> impl Iterator<Item = (usize, bool)> {
    let mut index = 0;
    CONVOLUTIONS.iter().enumerate().flat_map(move |(block, &count)| {
        let first = index;
        index += 2 * count + 1;
        (0..count).map(move |place| (first + 2 * place, place == 0 && block > 0))
    })
}

/// Reads a VGG19, or a prefix of one, from the bytes of a safetensors file with tensors
/// `features.N.weight` [O, I, k, k] and `features.N.bias` [O], float32 or float16, and optionally
/// `features.N.tap` [O, O], the tap head of the ReLU behind. Channels are what the weights say.
///
/// The manifest is read from the file's metadata, key `impasto` (JSON) or the keys `mean` and `std` (three
/// numbers with commas between, on a scale of 0..255). `file` is named in errors.
pub fn from_safetensors(bytes: &[u8], file: &str) -> Result<Model> {
    let bad = |problem: String| Error::bad_model(file, problem);
    let (_, header) = SafeTensors::read_metadata(bytes)
        .map_err(|e| bad(format!("not a complete safetensors file ({e}); get the file again")))?;
    let tensors = SafeTensors::deserialize(bytes)
        .map_err(|e| bad(format!("not a complete safetensors file ({e}); get the file again")))?;
    let manifest = manifest(header.metadata().as_ref(), file)?;

    let mut chain = Chain::new();
    let mut heads = Vec::new();
    let mut channels = 3;
    let mut ended = None;
    for (index, new_block) in layout() {
        let name = format!("features.{index}.weight");
        if tensors.tensor(&name).is_err() {
            ended.get_or_insert(index);
            continue;
        }
        if let Some(missing) = ended {
            return Err(bad(format!("has {name} but not features.{missing}.weight before it")));
        }
        let weight = read(&tensors, &name, file)?;
        let &[out, input, kh, kw] = weight.dims.as_slice() else {
            return Err(bad(format!(
                "{name} has shape {:?}, expected four dimensions [O, I, h, w]",
                weight.dims
            )));
        };
        if input != channels || out == 0 || kh % 2 == 0 || kw % 2 == 0 {
            return Err(bad(format!(
                "{name} has shape {:?}, expected [O, {channels}, h, w] with odd h and w",
                weight.dims
            )));
        }
        let name = format!("features.{index}.bias");
        if tensors.tensor(&name).is_err() {
            return Err(bad(format!("{name} is missing")));
        }
        let bias = read(&tensors, &name, file)?;
        if bias.dims != [out] {
            return Err(bad(format!("{name} has shape {:?}, expected [{out}]", bias.dims)));
        }
        if new_block {
            chain.pool();
        }
        chain.conv(weight, bias);
        let name = format!("features.{index}.tap");
        heads.push(match tensors.tensor(&name) {
            Err(_) => None,
            Ok(_) => {
                let head = read(&tensors, &name, file)?;
                if head.dims != [out, out] {
                    return Err(bad(format!("{name} has shape {:?}, expected [{out}, {out}]", head.dims)));
                }
                Some(head)
            }
        });
        channels = out;
    }
    if heads.is_empty() {
        return Err(bad(
            "has no tensor features.0.weight; expected the convolutions of VGG19 under torchvision's names"
                .to_string(),
        ));
    }
    let mut model = Model::new(manifest, chain.finish(), file)?;
    // `taps` is sorted by block and place, which is the order of the layers.
    for (tap, head) in model.taps.values_mut().zip(heads) {
        tap.head = head;
    }
    Ok(model)
}

fn manifest(metadata: Option<&HashMap<String, String>>, file: &str) -> Result<Manifest> {
    let stem = Path::new(file).file_stem().map(|s| s.to_string_lossy().into_owned());
    let mut manifest = Manifest { name: stem.unwrap_or_else(|| file.to_string()), ..Default::default() };
    let Some(metadata) = metadata else { return Ok(manifest) };
    if let Some(json) = metadata.get("impasto") {
        return serde_json::from_str(json)
            .map_err(|e| Error::bad_model(file, format!("metadata 'impasto': {e}")));
    }
    let triple = |key: &str| -> Result<Option<[f32; 3]>> {
        let Some(text) = metadata.get(key) else { return Ok(None) };
        let values: Vec<f32> = text.split(',').filter_map(|v| v.trim().parse().ok()).collect();
        let values = values.try_into().map_err(|_| {
            Error::bad_model(
                file,
                format!("metadata '{key}' is '{text}', expected three numbers like 123.68,116.779,103.939"),
            )
        })?;
        Ok(Some(values))
    };
    if let Some(mean) = triple("mean")? {
        manifest.mean = mean.map(|v| v / 255.0);
        manifest.std = triple("std")?.unwrap_or([1.0; 3]);
        manifest.scale = 255.0;
    }
    if let Some(weights) = metadata.get("weights") {
        manifest.provenance = weights.clone();
    }
    Ok(manifest)
}

fn read(tensors: &SafeTensors, name: &str, file: &str) -> Result<Tensor> {
    let bad = |problem: String| Error::bad_model(file, problem);
    let view = tensors.tensor(name).map_err(|e| bad(format!("{name}: {e}")))?;
    let values: Vec<f32> = match view.dtype() {
        Dtype::F32 => {
            view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
        }
        Dtype::F16 => {
            view.data().chunks_exact(2).map(|b| half::f16::from_le_bytes([b[0], b[1]]).to_f32()).collect()
        }
        other => return Err(bad(format!("{name} has element type {other:?}, expected F32 or F16"))),
    };
    if let Some(at) = values.iter().position(|v| !v.is_finite()) {
        return Err(bad(format!(
            "{name} holds {} at entry {at}; the file is damaged, get it again",
            values[at]
        )));
    }
    Ok(Tensor::f32(view.shape(), values))
}

/// A VGG19 with seeded random weights (He et al. 2015, equation 10: normal with variance 2/fan-in, no
/// bias). It has VGG19's shape and taps but has learnt nothing.
pub fn seeded(seed: u64) -> Result<Model> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut chain = Chain::new();
    let mut input = 3;
    for (block, (&count, &channels)) in CONVOLUTIONS.iter().zip(&CHANNELS).enumerate() {
        if block > 0 {
            chain.pool();
        }
        for _ in 0..count {
            let deviation = (2.0 / (9 * input) as f32).sqrt();
            let normal = Normal::new(0.0, deviation).map_err(|e| Error::BadSpec(e.to_string()))?;
            let weight: Vec<f32> = (0..channels * input * 9).map(|_| normal.sample(&mut random)).collect();
            chain.conv(
                Tensor::f32(&[channels, input, 3, 3], weight),
                Tensor::f32(&[channels], vec![0.0; channels]),
            );
            input = channels;
        }
    }
    let manifest = Manifest {
        name: "vgg19-random".to_string(),
        mean: [0.5; 3],
        std: [1.0; 3],
        provenance: format!("seeded random weights (seed {seed}); not trained"),
        licence: "MIT OR Apache-2.0".to_string(),
        ..Default::default()
    };
    Model::new(manifest, chain.finish(), "vgg19-random")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_is_torchvisions() {
        let indices: Vec<usize> = layout().map(|(i, _)| i).collect();
        assert_eq!(indices, [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]);
        let blocks: Vec<usize> = layout().filter(|(_, new)| *new).map(|(i, _)| i).collect();
        assert_eq!(blocks, [5, 10, 19, 28]);
    }
}
