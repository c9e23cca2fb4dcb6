//! Weights of a VGG as others keep them, brought into torchvision's layout: Keras' and Caffe's names, kernels with the
//! channels last, inputs in the order blue, green, red.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::error::{Error, Result};
use crate::graph::Tensor;
use crate::manifest::Manifest;
use crate::vgg;

/// What a picture goes through before the first layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preprocessing {
    /// Red, green, blue in 0..1, minus ImageNet's mean, divided by its standard deviation.
    Torchvision,
    /// Blue, green, red in 0..255, minus ImageNet's mean: the original weights of Simonyan and Zisserman, which Keras and
    /// neural-style use.
    Caffe,
}

/// The mean of ImageNet in Caffe's weights: red, green, blue.
const CAFFE_MEAN: [f32; 3] = [123.68, 116.779, 103.939];
/// Files with Caffe's weights under torchvision's names, as neural-style-pt gives them out.
pub const CAFFE_FILES: [&str; 2] = ["vgg19-d01eb7cb", "vgg16-00b39a1b"];

/// The bytes of a safetensors file in torchvision's layout, whose metadata says what is done before the first layer. A file
/// that is so already stays as it is. `preprocessing` is guessed by names where it is not given: Caffe's where convolutions
/// are called `conv1_1` or `block1_conv1`.
pub fn in_torchvisions<'a>(
    bytes: &'a [u8],
    file: &str,
    preprocessing: Option<Preprocessing>,
) -> Result<Cow<'a, [u8]>> {
    let bad = |problem: String| Error::bad_model(file, problem);
    let incomplete = |e| bad(format!("not a complete safetensors file ({e}); get the file again"));
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(incomplete)?;
    let tensors = SafeTensors::deserialize(bytes).map_err(incomplete)?;
    let is_ours = tensors.names().iter().any(|name| name.starts_with("features."));
    let known =
        header.metadata().as_ref().is_some_and(|m| m.contains_key("impasto") || m.contains_key("mean"));
    let stem = Path::new(file).file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let caffe = match preprocessing {
        Some(given) => given == Preprocessing::Caffe,
        None => !known && (!is_ours || CAFFE_FILES.contains(&stem.as_str())),
    };
    if is_ours && !caffe {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut renamed: BTreeMap<String, Tensor> = BTreeMap::new();
    if is_ours {
        for name in vgg::needed(tensors.names().into_iter(), file)? {
            renamed.insert(name.clone(), vgg::read(&tensors, &name, file)?);
        }
    } else {
        let places: Vec<(&str, Place)> =
            tensors.names().into_iter().filter_map(|name| Some((name, place(name)?))).collect();
        let mut counts = [0usize; 5];
        for (_, p) in &places {
            counts[p.block - 1] = counts[p.block - 1].max(p.place);
        }
        if counts[0] == 0 {
            return Err(bad(
                "has no convolution under a name that is known (features.0.weight, block1_conv1/kernel or \
                            conv1_1.weight); expected the weights of a VGG"
                    .to_string(),
            ));
        }
        for (name, p) in places {
            // A convolution and its ReLU take two places, a pooling one.
            let before: usize = counts[..p.block - 1].iter().map(|n| 2 * n + 1).sum();
            let what = if p.bias { "bias" } else { "weight" };
            let tensor = vgg::read(&tensors, name, file)?;
            let tensor = if p.bias { tensor } else { channels_first(tensor) };
            let to = format!("features.{}.{what}", before + 2 * (p.place - 1));
            if renamed.insert(to, tensor).is_some() {
                let (block, place) = (p.block, p.place);
                return Err(bad(format!(
                    "has two tensors for the {what} of convolution {block}_{place}, one is '{name}'"
                )));
            }
        }
    }
    let mut metadata = header.metadata().clone().unwrap_or_default();
    if caffe {
        if let Some(first) = renamed.get_mut("features.0.weight") {
            *first = red_first(first);
        }
        let manifest = Manifest {
            name: stem.clone(),
            mean: CAFFE_MEAN.map(|v| v / 255.0),
            std: [1.0; 3],
            provenance: format!("{stem}, with Caffe's preprocessing"),
            ..Default::default()
        };
        let json = serde_json::to_string(&manifest).map_err(|e| bad(e.to_string()))?;
        metadata.insert("impasto".to_string(), json);
    }
    written(&renamed, metadata, file).map(Cow::Owned)
}

/// The bytes of a safetensors file.
pub(crate) fn written(
    tensors: &BTreeMap<String, Tensor>,
    metadata: HashMap<String, String>,
    file: &str,
) -> Result<Vec<u8>> {
    let bad = |e: safetensors::SafeTensorError| Error::bad_model(file, e.to_string());
    let data: Vec<Vec<u8>> = tensors
        .values()
        .map(|t| t.as_f32().unwrap_or_default().iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let mut views = Vec::new();
    for ((name, tensor), bytes) in tensors.iter().zip(&data) {
        views.push((name, TensorView::new(Dtype::F32, tensor.dims.clone(), bytes).map_err(bad)?));
    }
    safetensors::serialize(views, Some(metadata)).map_err(bad)
}

/// Which tensor of a VGG a name means; counted from 1.
#[derive(Debug, PartialEq)]
struct Place {
    block: usize,
    place: usize,
    bias: bool,
}

/// Whether a name is that of a convolution's weights or bias.
pub(crate) fn is_convolution(name: &str) -> bool {
    place(name).is_some()
}

/// Understands `block3_conv2/kernel:0`, `conv3_2.weight` and the like, with anything before.
fn place(name: &str) -> Option<Place> {
    // The last mention: Keras names a layer and then its variable by the layer again.
    let at = name.rfind("conv")?;
    let digit = |c: Option<char>| c.and_then(|c| c.to_digit(10)).map(|d| d as usize);
    let mut after = name[at + 4..].chars();
    let first = digit(after.next())?;
    let (block, place) = match name[..at].strip_suffix('_').filter(|before| before.contains("block")) {
        Some(before) => (digit(before.chars().last())?, first),
        None => {
            if after.next() != Some('_') {
                return None;
            }
            (first, digit(after.next())?)
        }
    };
    let rest = after.as_str().to_ascii_lowercase();
    let bias =
        rest.contains("bias") || rest.contains("/b") || rest.contains(".b") || rest.ends_with("vars/1");
    let kernel = ["kernel", "weight", "_w", "/w", ".w", "vars/0"].iter().any(|k| rest.contains(k));
    ((1..=5).contains(&block) && (1..=4).contains(&place) && (bias || kernel)).then_some(Place {
        block,
        place,
        bias,
    })
}

/// Weights [O, I, h, w] from these or from Keras' [h, w, I, O].
fn channels_first(tensor: Tensor) -> Tensor {
    let &[h, w, input, out] = tensor.dims.as_slice() else { return tensor };
    if [h, w] != [3, 3] || tensor.dims[2..] == [3, 3] && tensor.dims[..2] != [3, 3] {
        return tensor;
    }
    let Some(values) = tensor.as_f32() else { return tensor };
    let mut transposed = Vec::with_capacity(values.len());
    for o in 0..out {
        for i in 0..input {
            transposed.extend((0..h * w).map(|at| values[(at * input + i) * out + o]));
        }
    }
    Tensor::f32(&[out, input, h, w], transposed)
}

/// The first convolution for red, green, blue from one for blue, green, red.
fn red_first(tensor: &Tensor) -> Tensor {
    let (Some(values), &[out, 3, h, w]) = (tensor.as_f32(), tensor.dims.as_slice()) else {
        return tensor.clone();
    };
    let plane = h * w;
    let channels = (0..out).flat_map(|o| [2, 1, 0].map(|c| o * 3 + c));
    let transposed: Vec<f32> =
        channels.flat_map(|at| values[at * plane..][..plane].iter().copied()).collect();
    Tensor::f32(&tensor.dims, transposed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_are_understood() {
        let of = |name: &str| place(name).map(|p| (p.block, p.place, p.bias));
        for (name, wanted) in [
            ("block3_conv2/kernel:0", Some((3, 2, false))),
            ("block5_conv4/block5_conv4/bias:0", Some((5, 4, true))),
            ("vgg19.block1_conv1.kernel", Some((1, 1, false))),
            ("layers/block1_conv1/vars/0", Some((1, 1, false))),
            ("layers/block1_conv1/vars/1", Some((1, 1, true))),
            ("block2_conv1/block2_conv1_W_1:0", Some((2, 1, false))),
            ("conv4_3.weight", Some((4, 3, false))),
            ("module.conv4_3.bias", Some((4, 3, true))),
            ("conv9_1.weight", None),
            ("conv1.weight", None),
            ("fc6.weight", None),
            ("block1_pool/kernel", None),
        ] {
            assert_eq!(of(name), wanted, "{name}");
        }
    }

    #[test]
    fn kernels_are_transposed_and_colours_exchanged() {
        // [h, w, I, O] with the value 1000·h + 100·w + 10·I + O.
        let value = |h: usize, w: usize, i: usize, o: usize| (1000 * h + 100 * w + 10 * i + o) as f32;
        let mut values = Vec::new();
        for h in 0..3 {
            for w in 0..3 {
                for i in 0..3 {
                    values.extend((0..4).map(|o| value(h, w, i, o)));
                }
            }
        }
        let transposed = channels_first(Tensor::f32(&[3, 3, 3, 4], values));
        assert_eq!(transposed.dims, [4, 3, 3, 3]);
        let at = |t: &Tensor, o: usize, i: usize, h: usize, w: usize| {
            t.as_f32().expect("f32")[((o * 3 + i) * 3 + h) * 3 + w]
        };
        assert_eq!(at(&transposed, 3, 1, 2, 0), value(2, 0, 1, 3));
        let exchanged = red_first(&transposed);
        assert_eq!(at(&exchanged, 3, 0, 2, 1), value(2, 1, 2, 3));
        assert_eq!(at(&exchanged, 1, 1, 0, 2), value(0, 2, 1, 1));
        assert_eq!(channels_first(transposed.clone()).dims, transposed.dims);
    }
}
