//! Safetensors files with any bytes and names: each is refused with words, or gives a model.

#![no_main]

use impasto::onnx::layouts::{self, Preprocessing};
use impasto::onnx::vgg;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for preprocessing in [None, Some(Preprocessing::Torchvision), Some(Preprocessing::Caffe)] {
        if let Ok(bytes) = layouts::in_torchvisions(bytes, "fuzzed.safetensors", preprocessing) {
            let _ = vgg::from_safetensors(&bytes, "fuzzed.safetensors");
        }
    }
});
