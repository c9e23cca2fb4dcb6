//! Which devices of this machine work: each is tried, not only asked for.

use impasto_onnx::graph::{Graph, Port};
use ort::ep;

use super::adapters;
use super::cards;
use super::device::{Backend, Device, LAST_CARD};
use super::library;
use super::session::{Session, Tensor};
use super::webgpu;
use crate::error::{Error, Result};

/// A device and whether it can be used.
#[derive(Clone, Debug)]
pub struct DeviceInfo {
    /// The device.
    pub device: Device,
    /// None if it works, else why not.
    pub problem: Option<String>,
    /// What people know it by, if its driver says so.
    pub name: Option<String>,
}

/// The devices of this machine. Cards are tried with a small graph, not only asked for.
pub fn devices() -> Result<Vec<DeviceInfo>> {
    library::environment()?;
    let info = |device, tried: Result<()>, name| DeviceInfo {
        device,
        problem: tried.err().map(|e| e.to_string()),
        name,
    };
    let webgpu = adapters::best().and_then(|best| best.ok()).map(|adapter| match adapter.is_software {
        true => format!("{}, a program on the processor that is never chosen by itself", adapter.name),
        false => format!("{}, {}", adapter.name, adapter.driver),
    });
    Ok(vec![
        info(Device::Cpu, Ok(()), None),
        info(Device::Cuda(0), try_cuda(0), cards::name(0)),
        info(Device::WebGpu, try_webgpu(), webgpu),
    ])
}

/// The device to run on: `Auto` becomes a device that works, which may be a slow card; one that was asked for by name
/// and does not work is an error.
pub fn resolve(device: Device) -> Result<Device> {
    match device {
        Device::Cpu => Ok(Device::Cpu),
        Device::Cuda(index) => match try_cuda(index) {
            Ok(()) => Ok(device),
            Err(e) => Err(Error::Device(format!(
                "the device {device} cannot be used: {e}. Choose --device cpu, or auto, which takes the GPU where it works"
            ))),
        },
        Device::WebGpu => match try_webgpu() {
            Ok(()) => Ok(device),
            Err(e) => Err(Error::Device(format!(
                "the device webgpu cannot be used: {e}. Choose --device cpu, or auto"
            ))),
        },
        Device::Auto => match try_cuda(0) {
            Ok(()) => Ok(Device::Cuda(0)),
            Err(e) => {
                tracing::debug!("no CUDA: {e}");
                let is_software =
                    adapters::best().is_some_and(|best| best.is_ok_and(|card| card.is_software));
                match webgpu::problem()? {
                    None if !is_software => Ok(Device::WebGpu),
                    problem => {
                        let why = problem.as_deref().unwrap_or("the only card is a program on the processor");
                        tracing::debug!("no WebGPU: {why}");
                        Ok(Device::Cpu)
                    }
                }
            }
        },
    }
}

/// The bytes that a card has free, if its driver says so.
pub(crate) fn free_memory(device: Device) -> Option<u64> {
    match device {
        Device::Cuda(index) => cards::free_memory(index),
        Device::WebGpu => adapters::free_memory(),
        Device::Auto | Device::Cpu => None,
    }
}

/// Runs a small convolution on the card, so that a driver, a library or a card that does not work is
/// found here and not in the middle of a job.
fn try_cuda(index: u32) -> Result<()> {
    library::environment()?;
    if index > LAST_CARD {
        return Err(Error::Device(format!("cards are counted from 0 to {LAST_CARD}")));
    }
    if !<ep::CUDA as ep::ExecutionProvider>::is_available().unwrap_or(false) {
        return Err(Error::Device(
            "this ONNX Runtime is built without CUDA (`pip install onnxruntime-gpu` in the place of onnxruntime gets one with \
             it if Impasto came with pip, and `cargo xtask setup --cuda` in Impasto's sources)"
                .into(),
        ));
    }
    if let Some(problem) = library::cuda_problem() {
        return Err(Error::Device(problem));
    }
    if let Some(count) = cards::count().filter(|count| index >= *count) {
        let cards = if count == 1 {
            "one card, cuda:0".into()
        } else {
            format!("{count} cards, counted from cuda:0")
        };
        return Err(Error::Device(format!("CUDA sees {cards}")));
    }
    let backend = Backend { threads: 1, ..Backend::new(Device::Cuda(index)) };
    convolve(&backend).map_err(|e| match e {
        Error::Runtime(message) if message.contains("libcuda.so.1") => {
            Error::Device("there is no NVIDIA driver (libcuda.so.1); install the card's driver".into())
        }
        e => e,
    })
}

fn try_webgpu() -> Result<()> {
    match webgpu::problem()? {
        Some(problem) => Err(Error::Device(problem)),
        None => convolve(&Backend { threads: 1, ..Backend::new(Device::WebGpu) }),
    }
}

/// Runs a small convolution.
fn convolve(backend: &Backend) -> Result<()> {
    let mut graph = Graph::default();
    let x = graph.input(Port::new("x", &["1", "1", "8", "8"]));
    let kernel = graph.constant("kernel", impasto_onnx::graph::Tensor::f32(&[1, 1, 3, 3], vec![1.0; 9]));
    let y = graph.add("Conv", "y", &[&x, &kernel]);
    graph.output(&y, &["1", "1", "6", "6"]);
    let mut session = Session::new(&graph.to_bytes("probe", "", &[]), backend)?;
    let ones = vec![1.0; 64];
    let out = session.run(&[("x", Tensor { dims: &[1, 1, 8, 8], values: &ones })])?;
    match out.first() {
        Some(y) if y.values.iter().all(|&v| (v - 9.0).abs() < 1e-2) => Ok(()),
        _ => Err(Error::Device("a convolution on the card gives wrong values".into())),
    }
}
