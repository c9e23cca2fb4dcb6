//! Vectors in the memory of the device that evaluates them, and what the optimiser computes of them on the device. Only factors
//! and dot products are copied between host and device.

use std::cell::RefCell;

use impasto_onnx::graph::Graph;
use impasto_onnx::vectors;
use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::value::Tensor;

use super::device::{Backend, Device};
use super::placement::Placement;
use super::session::{Session, explain, watched};
use crate::error::{Error, Result};

/// How many vectors the graphs take at once. What is fewer is filled up, so that a minimisation needs two graphs of a
/// kind and not one for each number. These are what L-BFGS with ten pairs asks for most: the parts of a new pair and the
/// next point; the dots of what is new with each other, and the gradient's with all pairs.
const SUMS: [usize; 2] = [2, 22];
const DOTS: [usize; 2] = [3, 21];

/// Vectors of one size, [1, 3, H, W].
pub(crate) struct Vectors {
    size: [i64; 4],
    /// Where the vectors lie. It belongs to a session, so it goes before them.
    allocator: Allocator,
    sums: [RefCell<Session>; 2],
    dots: [RefCell<Session>; 2],
    preconditioner: RefCell<Session>,
}

/// One of them.
pub(crate) struct DeviceTensor(Tensor<f32>);

impl std::fmt::Debug for DeviceTensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0.shape())
    }
}

impl DeviceTensor {
    pub fn len(&self) -> usize {
        self.0.shape().num_elements()
    }

    /// The values' memory, for a graph to read.
    pub(super) fn tensor(&self) -> &Tensor<f32> {
        &self.0
    }

    /// The same, to write.
    pub(super) fn tensor_mut(&mut self) -> &mut Tensor<f32> {
        &mut self.0
    }
}

const FAILED: &str = "a vector on the device failed";

fn failed(e: ort::Error) -> Error {
    explain(FAILED, &e)
}

impl Vectors {
    /// Vectors of pictures of the size [H, W] on a device.
    pub fn new(backend: &Backend, [h, w]: [usize; 2]) -> Result<Self> {
        let session =
            |graph: Graph| Session::new(&graph.to_bytes("vectors", "", &[]), backend).map(RefCell::new);
        let [few, many] = SUMS.map(|count| sum(backend, count));
        let sums = [session(few)?, session(many)?];
        let [few, many] = DOTS.map(vectors::dots);
        let dots = [session(few)?, session(many)?];
        let preconditioner = session(vectors::preconditioner([h, w]))?;
        let (device, index) = match backend.device {
            Device::Cuda(index) => (AllocationDevice::CUDA, index as i32),
            Device::WebGpu => (AllocationDevice::WEBGPU_BUFFER, 0),
            Device::Cpu | Device::Auto => (AllocationDevice::CPU, 0),
        };
        let device_memory =
            MemoryInfo::new(device, index, AllocatorType::Device, MemoryType::Default).map_err(failed)?;
        let allocator = Allocator::new(&sums[0].borrow().session, device_memory).map_err(failed)?;
        let size = [1, 3, h as i64, w as i64];
        Ok(Vectors { size, allocator, sums, dots, preconditioner })
    }

    /// An uninitialised vector.
    pub fn alloc(&self) -> Result<DeviceTensor> {
        Tensor::new(&self.allocator, self.size).map(DeviceTensor).map_err(failed)
    }

    /// Copies values [3, H, W] to the device.
    pub fn to_device(&self, values: Vec<f32>) -> Result<DeviceTensor> {
        let on_host = Tensor::from_array((self.size.to_vec(), values)).map_err(failed)?;
        self.sum(&[(1.0, &DeviceTensor(on_host))])
    }

    /// Copies a vector to the host.
    pub fn to_host(&self, vector: &DeviceTensor) -> Result<Vec<f32>> {
        let mut on_host = Tensor::<f32>::new(&Allocator::default(), self.size).map_err(failed)?;
        self.sum_into(&[(1.0, vector)], &mut on_host)?;
        Ok(on_host.extract_tensor().1.to_vec())
    }

    /// Σ factor · vector
    pub fn sum(&self, terms: &[(f64, &DeviceTensor)]) -> Result<DeviceTensor> {
        let most = SUMS[1];
        let mut sum = self.alloc()?;
        let (first, mut rest) = terms.split_at(terms.len().min(most));
        self.sum_into(first, &mut sum.0)?;
        while !rest.is_empty() {
            let (some, others) = rest.split_at(rest.len().min(most - 1));
            let mut all = vec![(1.0, &sum)];
            all.extend(some);
            let mut next = self.alloc()?;
            self.sum_into(&all, &mut next.0)?;
            (sum, rest) = (next, others);
        }
        Ok(sum)
    }

    /// At most the larger count of terms.
    fn sum_into(&self, terms: &[(f64, &DeviceTensor)], to: &mut Tensor<f32>) -> Result<()> {
        let which = usize::from(terms.len() > SUMS[0]);
        let mut session = self.sums[which].borrow_mut();
        let mut binding = session.session.create_binding().map_err(failed)?;
        let mut factors: Vec<f32> = terms.iter().map(|(factor, _)| *factor as f32).collect();
        factors.resize(SUMS[which], 0.0);
        let factors = Tensor::from_array((vec![SUMS[which]], factors)).map_err(failed)?;
        binding.bind_input("factors", &factors).map_err(failed)?;
        for at in 0..SUMS[which] {
            let (_, vector) = terms[if at < terms.len() { at } else { 0 }];
            binding.bind_input(vectors::input(at), &vector.0).map_err(failed)?;
        }
        binding.bind_output("sum", to).map_err(failed)?;
        let Session { session, watch } = &mut *session;
        watched(watch, session.run_binding(&binding), FAILED)?;
        Ok(())
    }

    /// P · vector ([`vectors::preconditioner`])
    pub fn precondition(&self, vector: &DeviceTensor) -> Result<DeviceTensor> {
        let mut made = self.alloc()?;
        let mut session = self.preconditioner.borrow_mut();
        let mut binding = session.session.create_binding().map_err(failed)?;
        binding.bind_input(vectors::input(0), &vector.0).map_err(failed)?;
        binding.bind_output("preconditioned", &mut made.0).map_err(failed)?;
        let Session { session, watch } = &mut *session;
        watched(watch, session.run_binding(&binding), FAILED)?;
        drop(binding);
        Ok(made)
    }

    /// The dot of a vector with each of others.
    pub fn dots(&self, row: &DeviceTensor, others: &[&DeviceTensor]) -> Result<Vec<f64>> {
        let host_memory =
            MemoryInfo::new(AllocationDevice::CPU, 0, AllocatorType::Device, MemoryType::CPUOutput)
                .map_err(failed)?;
        let mut dots = Vec::with_capacity(others.len());
        for some in others.chunks(DOTS[1]) {
            let which = usize::from(some.len() > DOTS[0]);
            let mut session = self.dots[which].borrow_mut();
            let mut binding = session.session.create_binding().map_err(failed)?;
            binding.bind_input("row", &row.0).map_err(failed)?;
            for at in 0..DOTS[which] {
                let vector = some[if at < some.len() { at } else { 0 }];
                binding.bind_input(vectors::input(at), &vector.0).map_err(failed)?;
            }
            binding.bind_output_to_device("dots", &host_memory).map_err(failed)?;
            let Session { session, watch } = &mut *session;
            let outputs = watched(watch, session.run_binding(&binding), FAILED)?;
            let values = outputs["dots"].try_extract_tensor::<f32>().map_err(failed)?.1;
            dots.extend(values[..some.len()].iter().map(|v| f64::from(*v)));
        }
        Ok(dots)
    }
}

/// The graph for sums on a device. The WebGPU provider has no operator `Sum`.
fn sum(backend: &Backend, count: usize) -> Graph {
    vectors::sum(count, if backend.device == Device::WebGpu { 2 } else { 5 })
}

/// Which providers run the nodes of the larger graphs, with one vector in all places.
pub(crate) fn placement(backend: &Backend, dims: &[usize], values: &[f32]) -> Result<Placement> {
    let vector = super::session::Tensor { dims, values };
    let (factors, factor_dims) = ([1.0; SUMS[1]], [SUMS[1]]);
    let factors = super::session::Tensor { dims: &factor_dims, values: &factors };
    let names: Vec<String> = (0..SUMS[1]).map(vectors::input).collect();
    let mut placed = Placement::new();
    for (graph, count, own) in [
        (sum(backend, SUMS[1]), SUMS[1], ("factors", factors)),
        (vectors::dots(DOTS[1]), DOTS[1], ("row", vector)),
        (vectors::preconditioner([dims[2], dims[3]]), 0, (&names[0], vector)),
    ] {
        let all = names[..count].iter().map(|name| (name.as_str(), vector));
        let inputs: Vec<_> = all.chain([own]).collect();
        for (provider, nodes) in
            super::placement::placement(&graph.to_bytes("vectors", "", &[]), backend, &inputs)?
        {
            *placed.entry(provider).or_default() += nodes;
        }
    }
    Ok(placed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(seed: usize) -> Vec<f32> {
        (0..3 * 17 * 13).map(|i| ((i * (seed + 1) + seed) % 23) as f32 / 23.0 - 0.4).collect()
    }

    #[test]
    fn sums_and_dots_are_those_of_the_values() {
        let vectors = Vectors::new(&Backend::new(Device::Cpu), [17, 13]).expect("vectors");
        for count in [1, 3, 4, 5, 24, 25, 60] {
            let all: Vec<Vec<f32>> = (0..count).map(values).collect();
            let on_device: Vec<DeviceTensor> =
                all.iter().map(|v| vectors.to_device(v.clone()).expect("a vector")).collect();
            let factor = |at: usize| 0.5 - at as f64 / 7.0;
            let terms: Vec<(f64, &DeviceTensor)> =
                on_device.iter().enumerate().map(|(at, v)| (factor(at), v)).collect();
            let sum = vectors.to_host(&vectors.sum(&terms).expect("a sum")).expect("its values");
            for (at, sum) in sum.iter().enumerate() {
                let wanted: f64 = all.iter().enumerate().map(|(k, v)| factor(k) * f64::from(v[at])).sum();
                assert!((f64::from(*sum) - wanted).abs() < 1e-4 * count as f64, "{count}: {sum} {wanted}");
            }
            let others: Vec<&DeviceTensor> = on_device.iter().collect();
            let dots = vectors.dots(&on_device[count - 1], &others).expect("dots");
            assert_eq!(dots.len(), count);
            for (dot, other) in dots.iter().zip(&all) {
                let wanted: f64 =
                    all[count - 1].iter().zip(other).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                assert!((dot - wanted).abs() < 1e-3, "{count}: {dot} {wanted}");
            }
        }
    }

    #[test]
    fn values_of_another_size_are_an_error() {
        let vectors = Vectors::new(&Backend::new(Device::Cpu), [4, 4]).expect("vectors");
        assert!(vectors.to_device(vec![0.0; 47]).is_err());
    }

    #[test]
    fn all_nodes_are_counted() {
        let placed = placement(&Backend::new(Device::Cpu), &[1, 3, 4, 4], &[0.5; 48]).expect("a placement");
        assert!(placed.keys().all(|provider| provider == "CPUExecutionProvider"), "{placed:?}");
        assert!(placed.values().sum::<usize>() > SUMS[1] + DOTS[1], "{placed:?}");
    }
}
