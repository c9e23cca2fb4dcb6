//! The graphics card that the WebGPU provider takes, by the name that people know it by. The provider takes one by itself: a
//! card with memory of its own before one that shares the computer's, and that before a program.

use std::sync::OnceLock;

use super::vulkan::{Kind, PhysicalDevice, Vulkan};

/// Programs that Vulkan lists like cards, some of them under another kind.
const PROGRAMS: [&str; 4] = ["llvmpipe", "lavapipe", "SwiftShader", "Basic Render"];

/// A graphics card.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Adapter {
    /// As its driver calls it.
    pub name: String,
    /// The driver's name and version.
    pub driver: String,
    /// Whether it is a program that computes on the processor.
    pub is_software: bool,
    /// Whether its memory is the computer's.
    pub shares_memory: bool,
    /// The most bytes of one tensor.
    pub largest_tensor: u64,
}

/// The card that the provider takes, found out once; the error tells why there is none. None on systems where Vulkan knows
/// nothing of what the provider takes.
pub(crate) fn best() -> Option<Result<&'static Adapter, &'static str>> {
    static BEST: OnceLock<Result<Adapter, String>> = OnceLock::new();
    if cfg!(target_os = "macos") {
        return None;
    }
    let best = BEST.get_or_init(|| {
        let adapter = chosen(Vulkan::open()?.devices()?);
        adapter
            .map(Adapter::from)
            .ok_or_else(|| "Vulkan finds no graphics card; install the card's driver".into())
    });
    Some(best.as_ref().map_err(String::as_str))
}

/// The most bytes of one tensor, if there is such a limit, and whether the card's memory is the computer's.
pub(super) fn limits() -> (Option<u64>, bool) {
    match best() {
        Some(Ok(card)) => (Some(card.largest_tensor).filter(|bytes| *bytes > 0), card.shares_memory),
        Some(Err(_)) => (None, false),
        // Apple's processors have one memory.
        None => (None, true),
    }
}

/// The bytes that this process may take of its memory now; None where the driver does not tell.
pub(super) fn free_memory() -> Option<u64> {
    best()?.ok()?;
    let devices = Vulkan::open().and_then(|vulkan| vulkan.devices());
    let device = chosen(devices.inspect_err(|e| tracing::debug!("no free memory: {e}")).ok()?)?;
    // A driver that says 0 does not know.
    device.free.filter(|free| *free > 0).or(Some(device.memory).filter(|all| *all > 0))
}

fn chosen(devices: Vec<PhysicalDevice>) -> Option<PhysicalDevice> {
    let rank = |device: &PhysicalDevice| match device.kind {
        Kind::Discrete => 0,
        Kind::Integrated => 1,
        Kind::Software => 2,
        Kind::Virtual | Kind::Other => 3,
    };
    devices.into_iter().min_by_key(rank)
}

impl From<PhysicalDevice> for Adapter {
    fn from(device: PhysicalDevice) -> Self {
        let is_software = device.kind == Kind::Software || PROGRAMS.iter().any(|p| device.name.contains(p));
        Adapter {
            is_software,
            shares_memory: is_software || device.kind == Kind::Integrated,
            largest_tensor: device.largest_binding.min(device.largest_allocation),
            name: device.name,
            driver: device.driver,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str, kind: Kind) -> PhysicalDevice {
        PhysicalDevice {
            name: name.into(),
            kind,
            driver: "driver 1".into(),
            largest_binding: 1 << 27,
            largest_allocation: 1 << 31,
            memory: 8 << 30,
            free: None,
        }
    }

    #[test]
    fn cards_with_memory_of_their_own_come_first_and_programs_are_known() {
        let all = [
            device("llvmpipe (LLVM 19.1.7, 256 bits)", Kind::Software),
            device("Intel(R) Iris(R) Xe Graphics", Kind::Integrated),
            device("AMD Radeon RX 7800 XT", Kind::Discrete),
            device("Virtio-GPU Venus", Kind::Virtual),
            device("NVIDIA GeForce RTX 4070", Kind::Discrete),
        ];
        let best = |from: usize| Adapter::from(chosen(all[from..].to_vec()).expect("a card"));
        assert_eq!(best(0).name, "AMD Radeon RX 7800 XT");
        assert_eq!(best(3).name, "NVIDIA GeForce RTX 4070");
        assert!(!best(0).is_software && !best(0).shares_memory);
        assert_eq!(best(0).largest_tensor, 1 << 27);
        let integrated = Adapter::from(chosen(all[..2].to_vec()).expect("a card"));
        assert!(integrated.shares_memory && !integrated.is_software);
        let program = Adapter::from(chosen(all[..1].to_vec()).expect("a program"));
        assert!(program.is_software && program.shares_memory);
        assert!(Adapter::from(device("SwiftShader Device (LLVM 10.0.0)", Kind::Other)).is_software);
        assert_eq!(chosen(Vec::new()), None);
    }
}
