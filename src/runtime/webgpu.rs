//! ONNX Runtime's WebGPU provider, which computes on any graphics card: through Vulkan, Direct3D 12 or Metal. It is a part of some
//! builds of ONNX Runtime, and a plug-in for others (`plug_in`).

use std::path::Path;

use ort::environment::Environment;
use ort::ep::{self, ArbitrarilyConfigurableExecutionProvider};
use ort::session::builder::SessionBuilder;

use super::{adapters, library, plug_in};
use crate::error::Result;

/// How the provider is to run, by its own names.
const OPTIONS: [(&str, &str); 2] = [
    // The graphs' own layout: no transposed copies of activations.
    ("preferredLayout", "NCHW"),
    // An operation that a card's limits forbid is an error, and no undefined behaviour.
    ("validationMode", "wgpuOnly"),
];

/// Whether ONNX Runtime itself has the provider.
fn is_inside() -> bool {
    <ep::WebGPU as ep::ExecutionProvider>::is_available().unwrap_or(false)
}

/// Why the provider cannot be had; None if it can.
pub(super) fn problem() -> Result<Option<String>> {
    let (environment, runtime) = library::environment()?;
    let inside = is_inside();
    if !inside && plug_in::file(&runtime).is_none() {
        let missing = "there is no WebGPU provider in this ONNX Runtime or beside it";
        let ways = "the archives have one; `pip install onnxruntime-ep-webgpu` gets one if Impasto came with pip, and `cargo \
                    xtask setup --webgpu` in Impasto's sources";
        return Ok(Some(format!("{missing} ({ways})")));
    }
    // On Windows a card need not have a Vulkan driver, as the provider uses Direct3D there.
    if let (Some(Err(problem)), false) = (adapters::best(), cfg!(windows)) {
        return Ok(Some(problem.to_string()));
    }
    if inside {
        return Ok(None);
    }
    let plug_in = plug_in::plug_in(&environment, &runtime);
    Ok(plug_in.and_then(|plug_in| plug_in.err().map(str::to_string)))
}

/// What it computes with: the card and its driver, ONNX Runtime's build and the plug-in's size. Another one may be faster, or
/// compute other values.
pub(crate) fn version() -> Result<String> {
    let (_, runtime) = library::environment()?;
    let plug_in = plug_in::file(&runtime).and_then(|file| file.metadata().ok()).map_or(0, |file| file.len());
    let card = match adapters::best() {
        Some(Ok(card)) => format!("{}; {}", card.name, card.driver),
        _ => std::env::consts::OS.to_string(),
    };
    Ok(format!("{card}; {}; {plug_in}", ort::info()))
}

/// Adds the provider to a session's, with more options.
pub(super) fn add_to(
    environment: &Environment,
    runtime: &Path,
    mut builder: SessionBuilder,
    more: &[(String, String)],
) -> ort::Result<SessionBuilder> {
    let more = more.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let options: Vec<(&str, &str)> = OPTIONS.into_iter().chain(more).collect();
    if is_inside() {
        let provider = options
            .iter()
            .fold(ep::WebGPU::default(), |provider, (key, value)| provider.with_arbitrary_config(key, value));
        return Ok(builder.with_execution_providers([provider.build().error_on_failure()])?);
    }
    match plug_in::plug_in(environment, runtime) {
        Some(Ok(plug_in)) => plug_in.add_to(environment, &mut builder, &options)?,
        Some(Err(problem)) => return Err(ort::Error::new(problem)),
        None => return Err(ort::Error::new("ONNX Runtime has no WebGPU provider")),
    }
    Ok(builder)
}
