//! ONNX files with any bytes: each is refused with words, or gives a model whose graphs can be built.

#![no_main]

use std::path::Path;

use impasto::onnx::{GraphTarget, ObjectiveSpec, import, peak_memory, objective, receptive};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(model) = import::from_onnx(bytes, Path::new("fuzzed.onnx")) else { return };
    let deepest = model.taps.iter().max_by_key(|tap| tap.block).expect("a model has taps");
    let spec = ObjectiveSpec { style: vec![deepest.name.clone()], masked: true, ..ObjectiveSpec::default() };
    let side = 2 << deepest.block;
    for size in [GraphTarget::Any, GraphTarget::Cpu([side, side + 1]), GraphTarget::Device([side, side])] {
        let graph = objective::objective(&model, &spec, size).expect("what is let in has a gradient");
        peak_memory::bytes(&graph);
    }
    receptive::radius(&objective::features(&model, &spec, GraphTarget::Any).expect("a graph"));
});
