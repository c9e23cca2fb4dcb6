//! VGG-shaped models from weights: torchvision's layout of VGG19 in safetensors, and seeded weights of the
//! same shape.

use std::collections::{BTreeSet, HashMap};
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

/// No network has more layers.
const LAST_INDEX: usize = 9999;

/// A convolution among the tensors of a file.
#[derive(Debug, PartialEq)]
struct Layer {
    /// Its index in torchvision's `features`.
    index: usize,
    /// Whether it is the first after a pooling.
    opens_block: bool,
    /// Whether a batch normalisation follows, under the next index.
    normalised: bool,
}

/// The convolutions of a VGG by the names of its tensors, in torchvision's layout: a ReLU comes after each, or a batch
/// normalisation and a ReLU, and each pooling takes an index of its own, so that a larger step shows where a block
/// begins. Linear layers are not looked at.
fn layers<'a>(names: impl Iterator<Item = &'a str>, file: &str) -> Result<Vec<Layer>> {
    let bad = |problem: String| Error::bad_model(file, problem);
    let mut with_statistics = BTreeSet::new();
    let mut indices = BTreeSet::new();
    for name in names {
        let mut parts = name.strip_prefix("features.").unwrap_or_default().splitn(2, '.');
        let index = parts.next().and_then(|index| index.parse::<usize>().ok()).filter(|&i| i <= LAST_INDEX);
        let (Some(index), Some(what)) = (index, parts.next()) else { continue };
        match what {
            "weight" => indices.insert(index),
            "running_mean" => with_statistics.insert(index),
            _ => false,
        };
    }
    let convolutions: Vec<usize> = indices.iter().copied().filter(|i| !with_statistics.contains(i)).collect();
    if convolutions.first() != Some(&0) {
        return Err(bad(
            "has no tensor features.0.weight; expected the convolutions of a VGG under torchvision's names"
                .to_string(),
        ));
    }
    let mut layers: Vec<Layer> = Vec::new();
    for index in convolutions {
        let normalised = with_statistics.contains(&(index + 1));
        let mut opens_block = false;
        if let Some(last) = layers.last() {
            let step = if last.normalised { 3 } else { 2 };
            opens_block = index == last.index + step + 1;
            if !opens_block && index != last.index + step {
                let missing = last.index + step;
                return Err(bad(format!(
                    "has features.{index}.weight but not features.{missing}.weight before it"
                )));
            }
        }
        layers.push(Layer { index, opens_block, normalised });
    }
    Ok(layers)
}

/// The names, among those of a file's tensors, that the method needs: everything up to the first convolution of the
/// fifth block (conv5_1), the deepest that Gatys et al. read.
pub fn needed<'a>(names: impl Iterator<Item = &'a str>, file: &str) -> Result<Vec<String>> {
    let names: BTreeSet<&str> = names.collect();
    let (mut block, mut needed) = (1, Vec::new());
    for layer in layers(names.iter().copied(), file)? {
        block += usize::from(layer.opens_block);
        let mut take = |index: usize, what: &[&str]| {
            let wanted = what.iter().map(|what| format!("features.{index}.{what}"));
            needed.extend(wanted.filter(|name| names.contains(name.as_str())));
        };
        take(layer.index, &["weight", "bias", "tap"]);
        if layer.normalised {
            take(layer.index + 1, &["weight", "bias", "running_mean", "running_var"]);
        }
        if block == 5 {
            break;
        }
    }
    Ok(needed)
}

/// Reads a VGG (16 or 19 layers, with or without batch normalisation), or a prefix of one, from the bytes of a
/// safetensors file with tensors `features.N.weight` [O, I, k, k] and `features.N.bias` [O], float32 or float16, and
/// optionally `features.N.tap` [O, O], the tap head of the ReLU behind. Channels are what the weights say. Batch
/// normalisations are folded into the convolutions before them.
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
    for Layer { index, opens_block, normalised } in layers(tensors.names().into_iter(), file)? {
        let name = format!("features.{index}.weight");
        let mut weight = read(&tensors, &name, file)?;
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
        let vector = |name: String| -> Result<Tensor> {
            if tensors.tensor(&name).is_err() {
                return Err(bad(format!("{name} is missing")));
            }
            let vector = read(&tensors, &name, file)?;
            if vector.dims != [out] {
                return Err(bad(format!("{name} has shape {:?}, expected [{out}]", vector.dims)));
            }
            Ok(vector)
        };
        let mut bias = vector(format!("features.{index}.bias"))?;
        if normalised {
            let part = |what: &str| vector(format!("features.{}.{what}", index + 1));
            let parts = [part("weight")?, part("bias")?, part("running_mean")?, part("running_var")?];
            fold(&mut weight, &mut bias, &parts)
                .ok_or_else(|| bad(format!("features.{}.running_var must not be below 0", index + 1)))?;
        }
        if opens_block {
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
    let mut model = Model::new(manifest, chain.finish(), file)?;
    // One tap for each layer, in their order.
    for (tap, head) in model.taps.iter_mut().zip(heads) {
        tap.head = head;
    }
    Ok(model)
}

/// Makes a convolution and the batch normalisation behind it (Ioffe and Szegedy 2015: γ, β, mean, variance; torchvision's
/// ε) one convolution. None if a variance is negative.
fn fold(weight: &mut Tensor, bias: &mut Tensor, parts: &[Tensor; 4]) -> Option<()> {
    const EPSILON: f32 = 1e-5;
    let [gamma, beta, mean, variance] = [0, 1, 2, 3].map(|i| parts[i].as_f32().unwrap_or_default());
    let (mut weights, mut biases) = (weight.as_f32()?.to_vec(), bias.as_f32()?.to_vec());
    let each = weights.len() / biases.len().max(1);
    for (at, (bias, weights)) in biases.iter_mut().zip(weights.chunks_exact_mut(each.max(1))).enumerate() {
        if variance[at] < 0.0 {
            return None;
        }
        let factor = gamma[at] / (variance[at] + EPSILON).sqrt();
        weights.iter_mut().for_each(|w| *w *= factor);
        *bias = (*bias - mean[at]) * factor + beta[at];
    }
    *weight = Tensor::f32(&weight.dims.clone(), weights);
    *bias = Tensor::f32(&bias.dims.clone(), biases);
    Some(())
}

fn manifest(metadata: Option<&HashMap<String, String>>, file: &str) -> Result<Manifest> {
    let stem = Path::new(file).file_stem().map(|s| s.to_string_lossy().into_owned());
    let mut manifest = Manifest { name: stem.unwrap_or_else(|| file.to_string()), ..Default::default() };
    let Some(metadata) = metadata else { return Ok(manifest) };
    if let Some(json) = metadata.get("impasto") {
        return Manifest::from_json(json, file);
    }
    let triple = |key: &str| -> Result<Option<[f32; 3]>> {
        let Some(text) = metadata.get(key) else { return Ok(None) };
        let values: Option<Vec<f32>> = text.split(',').map(|v| v.trim().parse().ok()).collect();
        let values = values.and_then(|values| values.try_into().ok()).ok_or_else(|| {
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

pub(crate) fn read(tensors: &SafeTensors, name: &str, file: &str) -> Result<Tensor> {
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

    /// The names of torchvision's tensors for these blocks, with linear layers behind.
    fn names(blocks: &[usize], normalised: bool) -> Vec<String> {
        let (mut index, mut names) = (0, Vec::new());
        for count in blocks {
            for _ in 0..*count {
                names.extend(["weight", "bias"].map(|what| format!("features.{index}.{what}")));
                index += 1;
                if normalised {
                    let parts = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];
                    names.extend(parts.map(|what| format!("features.{index}.{what}")));
                    index += 1;
                }
                index += 1;
            }
            index += 1;
        }
        names.extend(["classifier.0.weight".to_string(), "head.fc.weight".to_string()]);
        names
    }

    #[test]
    fn layers_are_torchvisions() {
        for (blocks, last) in [(CONVOLUTIONS, 28), ([2, 2, 3, 3, 3], 24)] {
            let names = names(&blocks, false);
            let found = layers(names.iter().map(String::as_str), "x").expect("layers");
            assert_eq!(found.len(), blocks.iter().sum::<usize>());
            let firsts: Vec<usize> = found.iter().filter(|l| l.opens_block).map(|l| l.index).collect();
            assert_eq!((firsts.len(), firsts[0], firsts[3]), (4, 5, last));
            let needed = needed(names.iter().map(String::as_str), "x").expect("names");
            assert_eq!(needed.last(), Some(&format!("features.{last}.bias")));
            assert!(needed.iter().all(|name| name.starts_with("features.")));
        }
        let names = names(&CONVOLUTIONS, true);
        let found = layers(names.iter().map(String::as_str), "x").expect("layers");
        assert!(found.iter().all(|l| l.normalised));
        let firsts: Vec<usize> = found.iter().filter(|l| l.opens_block).map(|l| l.index).collect();
        assert_eq!(firsts, [7, 14, 27, 40]);
        let needed = needed(names.iter().map(String::as_str), "x").expect("names");
        assert_eq!(needed.last(), Some(&"features.41.running_var".to_string()));
    }

    #[test]
    fn heads_belong_to_their_taps_where_a_block_has_more_than_nine_of_them() {
        let mut tensors = std::collections::BTreeMap::new();
        let mut input = 3;
        for layer in 0..12 {
            let index = 2 * layer;
            let mut add = |what: &str, dims: &[usize]| {
                let values = vec![layer as f32; dims.iter().product()];
                tensors.insert(format!("features.{index}.{what}"), Tensor::f32(dims, values));
            };
            add("weight", &[2, input, 1, 1]);
            add("bias", &[2]);
            add("tap", &[2, 2]);
            input = 2;
        }
        let bytes = crate::layouts::written(&tensors, HashMap::new(), "deep").expect("a file");
        let model = from_safetensors(&bytes, "deep").expect("a model");
        let names: Vec<&str> = model.taps.iter().map(|tap| tap.name.as_str()).collect();
        assert_eq!(names[8..], ["relu1_9", "relu1_10", "relu1_11", "relu1_12"]);
        for layer in 0..12 {
            let tap = model.tap(&format!("relu1_{}", layer + 1)).expect("a tap");
            let head = tap.head.as_ref().and_then(|head| head.as_f32()).expect("a head");
            assert_eq!(head[0], layer as f32, "{}", tap.name);
        }
    }

    #[test]
    fn a_folded_normalisation_does_what_it_did() {
        let tensor = |values: &[f32]| Tensor::f32(&[values.len()], values.to_vec());
        let mut weight = Tensor::f32(&[2, 1, 1, 1], vec![3.0, -2.0]);
        let mut bias = tensor(&[0.5, 1.0]);
        let parts = [tensor(&[2.0, 0.5]), tensor(&[0.1, -0.2]), tensor(&[0.3, 0.7]), tensor(&[4.0, 0.25])];
        fold(&mut weight, &mut bias, &parts).expect("a convolution");
        let of = |w: f32, b: f32, g: f32, beta: f32, m: f32, v: f32, x: f32| {
            ((w * x + b) - m) / v.sqrt() * g + beta
        };
        let (w, b) = (weight.as_f32().expect("f32"), bias.as_f32().expect("f32"));
        for x in [-1.0, 0.0, 2.5] {
            assert!((w[0] * x + b[0] - of(3.0, 0.5, 2.0, 0.1, 0.3, 4.0, x)).abs() < 1e-4);
            assert!((w[1] * x + b[1] - of(-2.0, 1.0, 0.5, -0.2, 0.7, 0.25, x)).abs() < 1e-4);
        }
        assert!(
            fold(
                &mut weight,
                &mut bias,
                &[tensor(&[1.0; 2]), tensor(&[0.0; 2]), tensor(&[0.0; 2]), tensor(&[-1.0; 2])]
            )
            .is_none()
        );
    }
}
