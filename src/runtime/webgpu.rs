//! ONNX Runtime's WebGPU provider, which computes on any graphics card: through Vulkan, Direct3D 12 or Metal. It is a part of some
//! builds of ONNX Runtime, and a plug-in for others (`plug_in`).

use std::path::Path;

use ort::environment::Environment;
use ort::ep::{self, ArbitrarilyConfigurableExecutionProvider};
use ort::session::builder::SessionBuilder;

use super::adapters;
use super::library;
use super::plug_in;
use crate::error::Result;

/// The provider's name.
pub(super) const PROVIDER: &str = "WebGpuExecutionProvider";

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
    if cfg!(target_os = "linux")
        && let Some(Err(problem)) = adapters::best()
    {
        return Ok(Some(problem.to_string()));
    }
    if is_inside() {
        return Ok(None);
    }
    Ok(match plug_in::plug_in(&environment, &runtime) {
        Some(Ok(_)) => None,
        Some(Err(problem)) => Some(problem.to_string()),
        None => Some(
            "this ONNX Runtime has no WebGPU provider (`cargo xtask setup --webgpu` gets one)".to_string(),
        ),
    })
}

/// Adds the provider to a session's.
pub(super) fn add_to(
    environment: &Environment,
    runtime: &Path,
    builder: SessionBuilder,
) -> ort::Result<SessionBuilder> {
    if is_inside() {
        let provider = OPTIONS
            .iter()
            .fold(ep::WebGPU::default(), |provider, (key, value)| provider.with_arbitrary_config(key, value));
        return Ok(builder.with_execution_providers([provider.build().error_on_failure()])?);
    }
    let mut builder = builder;
    match plug_in::plug_in(environment, runtime) {
        Some(Ok(plug_in)) => plug_in.add_to(environment, &mut builder, &OPTIONS)?,
        Some(Err(problem)) => return Err(ort::Error::new(problem)),
        None => return Err(ort::Error::new("ONNX Runtime has no WebGPU provider")),
    }
    Ok(builder)
}
