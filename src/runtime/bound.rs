//! A graph most of whose inputs stay the same from run to run: they are copied to the device once, and each run
//! copies one input there and the outputs back.

use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::IoBinding;

use super::session::{FAILED, Session, Value, explain, watched};
use super::session_cache::Lease;
use super::stop::Stop;
use super::vectors::DeviceTensor;
use crate::error::Result;

/// A session with its inputs bound, whose changing input and outputs lie in the computer's memory.
pub(crate) struct BoundGraph {
    session: Lease,
    binding: IoBinding,
    /// The input that changes.
    name: String,
    input: ort::value::Tensor<f32>,
}

impl BoundGraph {
    /// Binds `fixed` for good. The input `name`, of the shape `dims`, is given to each run.
    pub fn new(session: Lease, name: &str, dims: &[usize], fixed: Vec<Value>) -> Result<Self> {
        let failed = |e: ort::Error| explain("the inputs cannot be bound", &e);
        let binding = bound(&session, fixed, None).map_err(failed)?;
        let dims: Vec<i64> = dims.iter().map(|&d| d as i64).collect();
        let input = ort::value::Tensor::new(&Allocator::default(), dims).map_err(failed)?;
        Ok(BoundGraph { session, binding, name: name.to_string(), input })
    }

    /// Runs the graph and shows each output to `read`, by its name. `stop` lets another thread end the run early,
    /// which is then an error.
    pub fn run(&mut self, values: &[f32], stop: &Stop, read: &mut dyn FnMut(&str, &[f32])) -> Result<()> {
        let failed = |e: ort::Error| explain(FAILED, &e);
        self.input.extract_tensor_mut().1.copy_from_slice(values);
        // On a card this copies; on the CPU the graph reads the tensor itself.
        self.binding.bind_input(self.name.as_str(), &self.input).map_err(failed)?;
        let Session { session, watch } = &mut *self.session;
        let outcome = session.run_binding_with_options(&self.binding, stop.options());
        let outputs = watched(watch, outcome, FAILED)?;
        for (name, value) in outputs.iter() {
            read(name, value.try_extract_tensor::<f32>().map_err(failed)?.1);
        }
        Ok(())
    }
}

/// A binding with all inputs but one, and the outputs, but for that which lies on the device, in the computer's memory.
fn bound(session: &Session, fixed: Vec<Value>, of_device: Option<&str>) -> ort::Result<IoBinding> {
    let mut binding = session.session.create_binding()?;
    for Value { name, dims, values } in fixed {
        // Only tensors that own their values can be bound without a copy.
        let value = ort::value::Tensor::from_array((dims, values))?;
        binding.bind_input(name, &value)?;
    }
    let host_memory =
        MemoryInfo::new(AllocationDevice::CPU, 0, AllocatorType::Device, MemoryType::CPUOutput)?;
    for output in session.outputs().into_iter().filter(|o| Some(o.as_str()) != of_device) {
        binding.bind_output_to_device(output, &host_memory)?;
    }
    Ok(binding)
}

/// A session with its inputs bound, whose changing input and one output are vectors in the device's memory.
pub(crate) struct BoundGraphOnDevice {
    session: Lease,
    binding: IoBinding,
    input: &'static str,
    output: &'static str,
}

impl BoundGraphOnDevice {
    /// Binds `fixed` for good. The input and the output that are named here are given to each run.
    pub fn new(session: Lease, input: &'static str, output: &'static str, fixed: Vec<Value>) -> Result<Self> {
        let failed = |e: ort::Error| explain("the inputs cannot be bound", &e);
        let binding = bound(&session, fixed, Some(output)).map_err(failed)?;
        Ok(BoundGraphOnDevice { session, binding, input, output })
    }

    /// Runs the graph and shows each output but the vector to `read`, by its name. `stop` as in [`BoundGraph::run`].
    pub fn run(
        &mut self,
        from: &DeviceTensor,
        to: &mut DeviceTensor,
        stop: &Stop,
        read: &mut dyn FnMut(&str, &[f32]),
    ) -> Result<()> {
        let failed = |e: ort::Error| explain(FAILED, &e);
        self.binding.bind_input(self.input, from.tensor()).map_err(failed)?;
        self.binding.bind_output(self.output, to.tensor_mut()).map_err(failed)?;
        let Session { session, watch } = &mut *self.session;
        let outcome = session.run_binding_with_options(&self.binding, stop.options());
        let outputs = watched(watch, outcome, FAILED)?;
        for (name, value) in outputs.iter().filter(|(name, _)| *name != self.output) {
            read(name, value.try_extract_tensor::<f32>().map_err(failed)?.1);
        }
        Ok(())
    }
}
