//! One graph, loaded on one device.

use std::sync::Arc;

use ort::ep;
use ort::session::RunOptions;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::TensorRef;

use super::device::Device;
use super::library;
use crate::error::{Error, Result};

/// A float32 tensor to pass in.
#[derive(Clone, Copy, Debug)]
pub struct Tensor<'a> {
    /// Its shape; empty for a scalar.
    pub dims: &'a [usize],
    /// Its values, row-major.
    pub values: &'a [f32],
}

/// A float32 tensor that came out.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub dims: Vec<usize>,
    /// Its values, row-major.
    pub values: Vec<f32>,
}

/// A graph ready to run.
pub struct Session {
    session: ort::session::Session,
}

impl Session {
    /// Loads the bytes of an `.onnx` file on a device, to run on so many threads (0: one per core).
    pub fn new(model: &[u8], device: Device, threads: usize) -> Result<Self> {
        let (environment, _) = library::environment()?;
        let session = Self::build(&environment, model, device, threads);
        session.map(|session| Session { session }).map_err(|e| explain("the graph cannot be loaded", &e))
    }

    fn build(
        environment: &ort::environment::Environment,
        model: &[u8],
        device: Device,
        threads: usize,
    ) -> ort::Result<ort::session::Session> {
        let mut builder = ort::session::Session::builder(environment)?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_intra_threads(threads)?
            .with_inter_threads(1)?
            // A pattern of the first run is a second block of memory beside the one that run has left.
            .with_memory_pattern(false)?;
        if let Device::Cuda(index) = device {
            let cuda = ep::CUDA::default()
                .with_device_id(index as i32)
                .with_conv_algorithm_search(ep::cuda::ConvAlgorithmSearch::Heuristic)
                .build()
                .error_on_failure();
            builder = builder.with_execution_providers([cuda])?;
        }
        builder.commit_from_memory(model)
    }

    /// The names of the outputs in order.
    pub fn outputs(&self) -> Vec<String> {
        self.session.outputs().iter().map(|o| o.name().to_string()).collect()
    }

    /// Runs the graph. `stop` lets another thread end the run early, which is then an error.
    pub fn run(&mut self, inputs: &[(&str, Tensor)], stop: Option<&Arc<RunOptions>>) -> Result<Vec<Output>> {
        let failed = |e: ort::Error| explain("the graph failed", &e);
        let mut values = Vec::with_capacity(inputs.len());
        for (name, tensor) in inputs {
            values.push((*name, TensorRef::from_array_view((tensor.dims, tensor.values)).map_err(failed)?));
        }
        let outputs = match stop {
            Some(options) => self.session.run_with_options(values, options),
            None => self.session.run(values),
        }
        .map_err(failed)?;
        outputs
            .iter()
            .map(|(name, value)| {
                let (shape, data) = value.try_extract_tensor::<f32>().map_err(failed)?;
                let dims = shape.iter().map(|&d| d as usize).collect();
                Ok(Output { name: name.to_string(), dims, values: data.to_vec() })
            })
            .collect()
    }
}

fn explain(what: &str, e: &ort::Error) -> Error {
    let message = e.message();
    let memory = ["bad_alloc", "Failed to allocate", "out of memory", "CUDA failure 2"];
    if memory.iter().any(|m| message.contains(m)) {
        return Error::Runtime(format!(
            "there is not enough memory for this size; choose a smaller --size ({message})"
        ));
    }
    Error::Runtime(format!("{what}: {message}"))
}
