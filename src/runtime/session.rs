//! One graph, loaded on one device.

use ort::ep::{self, ArbitrarilyConfigurableExecutionProvider};
use ort::session::builder::GraphOptimizationLevel;
use ort::value::TensorRef;
use std::path::Path;

use super::device::{Backend, Device};
use super::library;
use super::messages::{self, Watch};
use super::provider_options;
use super::stop::Stop;
use super::webgpu;
use crate::error::{Error, Result};

/// A float32 tensor to pass in.
#[derive(Clone, Copy, Debug)]
pub struct Tensor<'a> {
    /// Its shape; empty for a scalar.
    pub dims: &'a [usize],
    /// Its values, row-major.
    pub values: &'a [f32],
}

/// A float32 tensor with a name: what came out, or what is kept to be passed in.
#[derive(Clone, Debug)]
pub struct Value {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub dims: Vec<usize>,
    /// Its values, row-major.
    pub values: Vec<f32>,
}

/// A graph ready to run.
pub struct Session {
    pub(super) session: ort::session::Session,
    /// On a card that reports errors only in the log.
    pub(super) watch: Option<Watch>,
}

pub(super) const FAILED: &str = "the graph failed";

impl Session {
    /// Loads the bytes of an `.onnx` file.
    pub fn new(model: &[u8], backend: &Backend) -> Result<Self> {
        Self::with(model, backend, None)
    }

    /// The same; with `profile` ONNX Runtime writes the time of each node into a file whose name begins so.
    pub(super) fn with(model: &[u8], backend: &Backend, profile: Option<&Path>) -> Result<Self> {
        let (environment, runtime) = library::environment()?;
        let mut watch = (backend.device == Device::WebGpu).then(Watch::begin);
        let options = provider_options::named_by_the_environment()?;
        let session = Self::build(&environment, &runtime, model, backend, &options, profile);
        let session = watched(&mut watch, session, "the graph cannot be loaded")?;
        Ok(Session { session, watch })
    }

    fn build(
        environment: &ort::environment::Environment,
        runtime: &Path,
        model: &[u8],
        backend: &Backend,
        options: &[(String, String)],
        profile: Option<&Path>,
    ) -> ort::Result<ort::session::Session> {
        let mut builder = ort::session::Session::builder(environment)?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_intra_threads(backend.threads)?
            .with_inter_threads(1)?
            // A pattern of the first run is a second block of memory beside the one that run has left.
            .with_memory_pattern(false)?
            // Between two runs the cores are needed for the optimiser.
            .with_config_entry("session.force_spinning_stop", "1")?;
        if let Some(profile) = profile {
            builder = builder.with_profiling(profile)?;
        }
        if let Device::Cuda(index) = backend.device {
            let mut cuda = ep::CUDA::default()
                .with_device_id(index as i32)
                // An exhaustive search would try each algorithm for each convolution before the first evaluation.
                .with_conv_algorithm_search(ep::cuda::ConvAlgorithmSearch::Heuristic)
                // Memory grows by what is asked for, not by doubling, as the budget is a promise.
                .with_arena_extend_strategy(ep::ArenaExtendStrategy::SameAsRequested)
                .with_tf32(backend.tf32);
            if let Some(limit) = backend.memory {
                cuda = cuda.with_memory_limit(usize::try_from(limit).unwrap_or(usize::MAX));
            }
            for (key, value) in options {
                cuda = cuda.with_arbitrary_config(key, value);
            }
            builder = builder.with_execution_providers([cuda.build().error_on_failure()])?;
        }
        if backend.device == Device::WebGpu {
            builder = webgpu::add_to(environment, runtime, builder, options)?;
        }
        builder.commit_from_memory(model)
    }

    /// The names of the outputs in order.
    pub fn outputs(&self) -> Vec<String> {
        self.session.outputs().iter().map(|o| o.name().to_string()).collect()
    }

    /// Runs the graph.
    pub fn run(&mut self, inputs: &[(&str, Tensor)]) -> Result<Vec<Value>> {
        self.run_until(inputs, None)
    }

    /// The same; `stop` lets another thread end the run early, which is then an error.
    pub(crate) fn run_until(&mut self, inputs: &[(&str, Tensor)], stop: Option<&Stop>) -> Result<Vec<Value>> {
        let failed = |e: ort::Error| explain(FAILED, &e);
        let mut values = Vec::with_capacity(inputs.len());
        for (name, tensor) in inputs {
            values.push((*name, TensorRef::from_array_view((tensor.dims, tensor.values)).map_err(failed)?));
        }
        let Session { session, watch } = self;
        let outcome = match stop {
            Some(stop) => session.run_with_options(values, stop.options()),
            None => session.run(values),
        };
        let outputs = watched(watch, outcome, FAILED)?;
        outputs
            .iter()
            .map(|(name, value)| {
                let (shape, data) = value.try_extract_tensor::<f32>().map_err(failed)?;
                let dims = shape.iter().map(|&d| d as usize).collect();
                Ok(Value { name: name.to_string(), dims, values: data.to_vec() })
            })
            .collect()
    }
}

/// What came of a run, or the error that the card has reported during it, which tells more.
pub(super) fn watched<T>(watch: &mut Option<Watch>, outcome: ort::Result<T>, what: &str) -> Result<T> {
    match watch.as_mut().and_then(Watch::error) {
        Some(error) => Err(error),
        None => outcome.map_err(|e| explain(what, &e)),
    }
}

pub(super) fn explain(what: &str, e: &ort::Error) -> Error {
    messages::sorted(what, e.message())
}
