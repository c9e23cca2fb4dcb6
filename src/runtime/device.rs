//! The devices a graph can run on.

use std::fmt;
use std::str::FromStr;

use impasto_onnx::graph::{Graph, Port};
use impasto_onnx::{Size, StyleLoss};
use ort::ep;
use serde::{Deserialize, Serialize};

use super::session::{Session, Tensor};
use crate::error::{Error, Result};

/// What a job asks to run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Device {
    /// CUDA if it really works, else the CPU.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// A CUDA device, by its index.
    Cuda(u32),
}

impl FromStr for Device {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bad =
            || Error::Parameters(format!("device: '{text}' is not a device; use auto, cpu, cuda or cuda:N"));
        match text {
            "auto" => Ok(Device::Auto),
            "cpu" => Ok(Device::Cpu),
            "cuda" => Ok(Device::Cuda(0)),
            _ => text.strip_prefix("cuda:").and_then(|n| n.parse().ok()).map(Device::Cuda).ok_or_else(bad),
        }
    }
}

impl TryFrom<String> for Device {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Device> for String {
    fn from(device: Device) -> String {
        device.to_string()
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Auto => f.write_str("auto"),
            Device::Cpu => f.write_str("cpu"),
            Device::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

/// What graphs run on, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backend {
    /// The CPU or a card, not `Auto`.
    pub device: Device,
    /// Threads on the CPU; 0 means one per core.
    pub threads: usize,
    /// Whether a card may round the factors of convolutions to 10 bits (TF32).
    pub tf32: bool,
    /// The most bytes that a graph may take on the card.
    pub memory: Option<u64>,
    /// Whether the optimiser's vectors lie in the device's memory, where there is room for the whole picture.
    pub resident: bool,
}

impl Backend {
    /// A device with one thread per core.
    pub fn of(device: Device) -> Self {
        Backend { device, threads: 0, tf32: true, memory: None, resident: device != Device::Cpu }
    }

    /// The same for graphs that compute this loss. Square roots of covariances need full single precision: with TF32's
    /// rounding small variances become negative, and the roots not a number.
    pub fn for_loss(self, loss: StyleLoss) -> Self {
        Backend { tf32: self.tf32 && loss != StyleLoss::Moments, ..self }
    }

    /// Of graphs for pictures of this size, [H, W], those that are written for the device.
    pub fn size(&self, size: [usize; 2]) -> Size {
        match self.device {
            Device::Cpu => Size::Cpu(size),
            Device::Auto | Device::Cuda(_) => Size::Card(size),
        }
    }
}

/// A device and whether it can be used.
#[derive(Clone, Debug)]
pub struct DeviceInfo {
    /// The device.
    pub device: Device,
    /// None if it works, else why not.
    pub problem: Option<String>,
}

/// The devices of this machine. CUDA is tried with a small graph, not only asked for.
pub fn devices() -> Result<Vec<DeviceInfo>> {
    super::library::environment()?;
    let cuda = DeviceInfo { device: Device::Cuda(0), problem: try_cuda(0).err().map(|e| e.to_string()) };
    Ok(vec![DeviceInfo { device: Device::Cpu, problem: None }, cuda])
}

/// The device to run on: `Auto` becomes a device that works; one that was asked for by name and does not
/// work is an error.
pub fn resolve(device: Device) -> Result<Device> {
    match device {
        Device::Cpu => Ok(Device::Cpu),
        Device::Cuda(index) => match try_cuda(index) {
            Ok(()) => Ok(device),
            Err(e) => Err(Error::Device(format!(
                "the device {device} cannot be used: {e}. Choose --device cpu, or auto, which takes the GPU where it works"
            ))),
        },
        Device::Auto => match try_cuda(0) {
            Ok(()) => Ok(Device::Cuda(0)),
            Err(e) => {
                tracing::debug!("no CUDA: {e}");
                Ok(Device::Cpu)
            }
        },
    }
}

/// The bytes that a card has free, where its driver tells (through NVML, which counts cards in the order of their
/// slots).
pub(crate) fn free_memory(device: Device) -> Option<u64> {
    let Device::Cuda(index) = device else { return None };
    let read = || nvml_wrapper::Nvml::init()?.device_by_index(index)?.memory_info();
    read().map(|memory| memory.free).inspect_err(|e| tracing::debug!("no NVML: {e}")).ok()
}

/// Runs a small convolution on the card, so that a driver, a library or a card that does not work is
/// found here and not in the middle of a job.
fn try_cuda(index: u32) -> Result<()> {
    super::library::environment()?;
    if !<ep::CUDA as ep::ExecutionProvider>::is_available().unwrap_or(false) {
        return Err(Error::Device(
            "this ONNX Runtime is built without CUDA (`cargo xtask setup --cuda` gets one with it)".into(),
        ));
    }
    let mut graph = Graph::default();
    let x = graph.input(Port::new("x", &["1", "1", "8", "8"]));
    let kernel = graph.constant("kernel", impasto_onnx::graph::Tensor::f32(&[1, 1, 3, 3], vec![1.0; 9]));
    let y = graph.add("Conv", "y", &[&x, &kernel]);
    graph.output(&y, &["1", "1", "6", "6"]);
    let backend = Backend { threads: 1, ..Backend::of(Device::Cuda(index)) };
    let mut session = Session::new(&graph.to_bytes("probe", "", &[]), &backend).map_err(|e| match e {
        Error::Runtime(message) if message.contains("libcuda.so.1") => {
            Error::Device("there is no NVIDIA driver (libcuda.so.1); install the card's driver".into())
        }
        e => e,
    })?;
    let ones = vec![1.0; 64];
    let out = session.run(&[("x", Tensor { dims: &[1, 1, 8, 8], values: &ones })])?;
    match out.first() {
        Some(y) if y.values.iter().all(|&v| (v - 9.0).abs() < 1e-2) => Ok(()),
        _ => Err(Error::Device("a convolution on the card gives wrong values".into())),
    }
}
