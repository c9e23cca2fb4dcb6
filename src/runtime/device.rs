//! The devices a graph can run on.

use std::fmt;
use std::str::FromStr;

use impasto_onnx::{GraphTarget, StyleLoss};
use serde::{Deserialize, Serialize};

use super::adapters;
use crate::error::{Error, Result};

/// No machine has more cards, and parts of cards.
pub(super) const LAST_CARD: u32 = 255;

/// What a job asks to run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Device {
    /// CUDA if it really works, else a graphics card through WebGPU if it is faster than the CPU, else the CPU.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// A CUDA device, by its index.
    Cuda(u32),
    /// The graphics card that ONNX Runtime's WebGPU provider takes.
    WebGpu,
}

impl FromStr for Device {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bad = |problem: &str| Err(Error::Parameters(format!("device: '{text}' {problem}")));
        let is_number = |n: &&str| !n.is_empty() && n.bytes().all(|digit| digit.is_ascii_digit());
        match (text, text.strip_prefix("cuda:").filter(is_number)) {
            ("auto", _) => Ok(Device::Auto),
            ("cpu", _) => Ok(Device::Cpu),
            ("cuda", _) => Ok(Device::Cuda(0)),
            ("gpu" | "webgpu" | "webgpu:0", _) => Ok(Device::WebGpu),
            _ if text.strip_prefix("webgpu:").is_some_and(|n| is_number(&n)) => {
                bad("cannot be chosen: ONNX Runtime takes the fastest card by itself; use webgpu")
            }
            (_, None) => bad("is not a device; use auto, cpu, cuda, cuda:N or webgpu"),
            (_, Some(index)) => match index.parse() {
                Ok(index) if index <= LAST_CARD => Ok(Device::Cuda(index)),
                _ => bad(&format!("is no card; N of cuda:N is 0 to {LAST_CARD}")),
            },
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
            Device::WebGpu => f.write_str("webgpu"),
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
    /// Whether the optimiser's vectors lie in the device's memory, if the whole picture fits into it.
    pub vectors_on_device: bool,
    /// The most bytes that one tensor may have on the device; None if there is no such limit.
    pub largest_tensor: Option<u64>,
    /// Whether the device's memory is the computer's.
    pub shares_memory: bool,
}

impl Backend {
    /// A device with one thread per core.
    pub fn new(device: Device) -> Self {
        let (largest_tensor, shares_memory) = match device {
            Device::WebGpu => adapters::limits(),
            Device::Auto | Device::Cpu | Device::Cuda(_) => (None, false),
        };
        let vectors_on_device = device != Device::Cpu;
        Backend {
            device,
            threads: 0,
            tf32: true,
            memory: None,
            vectors_on_device,
            largest_tensor,
            shares_memory,
        }
    }

    /// The same for graphs that compute this loss. Square roots of covariances need full single precision: with TF32's
    /// rounding small variances become negative, and the roots not a number.
    pub fn for_loss(self, loss: StyleLoss) -> Self {
        let may_round = match loss {
            StyleLoss::Gram => true,
            StyleLoss::Moments => false,
        };
        Backend { tf32: self.tf32 && may_round, ..self }
    }

    /// What graphs for pictures of this size, [height, width], are written for.
    pub fn graph_target(&self, size: [usize; 2]) -> GraphTarget {
        match self.device {
            Device::Cpu => GraphTarget::Cpu(size),
            Device::Auto | Device::Cuda(_) | Device::WebGpu => GraphTarget::Device(size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_by_name_and_cards_by_a_number_that_can_be() {
        for (text, device) in [
            ("auto", Device::Auto),
            ("cpu", Device::Cpu),
            ("cuda", Device::Cuda(0)),
            ("cuda:255", Device::Cuda(255)),
            ("gpu", Device::WebGpu),
            ("webgpu", Device::WebGpu),
            ("webgpu:0", Device::WebGpu),
        ] {
            assert_eq!(text.parse::<Device>().expect(text), device);
        }
        for text in [
            "cuda:256",
            "cuda:4294967295",
            "cuda:4294967296",
            "cuda:-1",
            "cuda:+1",
            "cuda:",
            "cuda: 1",
            "webgpu:1",
            "webgpu:",
            "CPU",
            "",
        ] {
            let said = text.parse::<Device>().expect_err(text).to_string();
            assert!(said.contains("device") && said.contains(&format!("'{text}'")), "{said}");
        }
    }
}
