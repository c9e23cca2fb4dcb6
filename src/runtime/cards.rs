//! CUDA's cards by CUDA's numbers. NVML, which knows how much memory is free without a context on the card, counts in
//! another order: CUDA begins with the fastest card, and `CUDA_VISIBLE_DEVICES` hides and exchanges some. So CUDA's
//! driver is asked who the card is, and NVML for the card of that name.

use std::ffi::{CStr, c_char, c_int, c_uint};
use std::sync::OnceLock;

use libloading::Library;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};

#[cfg(target_os = "windows")]
const DRIVER: &str = "nvcuda.dll";
#[cfg(not(target_os = "windows"))]
const DRIVER: &str = "libcuda.so.1";

/// CUDA's driver after `cuInit`.
struct Driver(Library);

/// A card's names.
#[derive(Clone, Debug, PartialEq)]
struct Card {
    /// 16 bytes. Of a part of a card (MIG) the part's own.
    uuid: Option<[u8; 16]>,
    /// The whole card's place: `0000:65:00.0`.
    bus: Option<String>,
}

impl Driver {
    fn open() -> Option<Self> {
        // SAFETY: the driver's library prepares nothing when it is opened that a program could disturb.
        let library =
            unsafe { Library::new(DRIVER) }.inspect_err(|e| tracing::debug!("no CUDA driver: {e}")).ok()?;
        let driver = Driver(library);
        // SAFETY: `int cuInit(unsigned)`; 0 is the only value.
        let init = unsafe { driver.0.get::<unsafe extern "C" fn(c_uint) -> c_int>(b"cuInit") }.ok()?;
        // SAFETY: as above.
        (unsafe { init(0) } == 0).then_some(())?;
        Some(driver)
    }

    fn count(&self) -> Option<u32> {
        let mut count: c_int = 0;
        // SAFETY: `int cuDeviceGetCount(int *count)`.
        let get =
            unsafe { self.0.get::<unsafe extern "C" fn(*mut c_int) -> c_int>(b"cuDeviceGetCount") }.ok()?;
        // SAFETY: as above; it writes one int.
        (unsafe { get(&mut count) } == 0).then_some(())?;
        u32::try_from(count).ok()
    }

    fn card(&self, index: u32) -> Option<Card> {
        let index = c_int::try_from(index).ok()?;
        let mut device: c_int = 0;
        // SAFETY: `int cuDeviceGet(CUdevice *device, int ordinal)`; CUdevice is an int.
        let get =
            unsafe { self.0.get::<unsafe extern "C" fn(*mut c_int, c_int) -> c_int>(b"cuDeviceGet") }.ok()?;
        // SAFETY: as above.
        (unsafe { get(&mut device, index) } == 0).then_some(())?;
        Some(Card { uuid: self.uuid(device), bus: self.bus(device) })
    }

    fn name(&self, index: u32) -> Option<String> {
        let index = c_int::try_from(index).ok()?;
        let mut text: [c_char; 128] = [0; 128];
        type Get = unsafe extern "C" fn(*mut c_char, c_int, c_int) -> c_int;
        // SAFETY: `int cuDeviceGetName(char *text, int length, CUdevice)`; a CUdevice is the card's number.
        let get = unsafe { self.0.get::<Get>(b"cuDeviceGetName") }.ok()?;
        // SAFETY: as above; one byte is left for the end of the text.
        (unsafe { get(text.as_mut_ptr(), text.len() as c_int - 1, index) } == 0).then_some(())?;
        // SAFETY: the last byte is 0.
        Some(unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy().into_owned())
    }

    fn uuid(&self, device: c_int) -> Option<[u8; 16]> {
        let mut uuid = [0u8; 16];
        type Get = unsafe extern "C" fn(*mut [u8; 16], c_int) -> c_int;
        // SAFETY: `int cuDeviceGetUuid(CUuuid *uuid, CUdevice)`; CUuuid is 16 bytes. The second version (CUDA 11.4) knows MIG.
        let get = unsafe {
            self.0.get::<Get>(b"cuDeviceGetUuid_v2").or_else(|_| self.0.get::<Get>(b"cuDeviceGetUuid"))
        };
        // SAFETY: as above.
        (unsafe { get.ok()?(&mut uuid, device) } == 0).then_some(uuid)
    }

    fn bus(&self, device: c_int) -> Option<String> {
        let mut text: [c_char; 32] = [0; 32];
        type Get = unsafe extern "C" fn(*mut c_char, c_int, c_int) -> c_int;
        // SAFETY: `int cuDeviceGetPCIBusId(char *text, int length, CUdevice)`.
        let get = unsafe { self.0.get::<Get>(b"cuDeviceGetPCIBusId") }.ok()?;
        // SAFETY: as above; one byte is left for the end of the text.
        (unsafe { get(text.as_mut_ptr(), text.len() as c_int - 1, device) } == 0).then_some(())?;
        // SAFETY: the last byte is 0.
        Some(unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy().into_owned())
    }
}

/// CUDA's driver, which stays open as long as the process lives.
fn driver() -> Option<&'static Driver> {
    static DRIVER: OnceLock<Option<Driver>> = OnceLock::new();
    DRIVER.get_or_init(Driver::open).as_ref()
}

/// What a card is called, by CUDA's number; None where the driver does not tell.
pub(super) fn name(index: u32) -> Option<String> {
    driver()?.name(index)
}

/// How many cards CUDA sees; None where the driver does not tell.
pub(super) fn count() -> Option<u32> {
    driver()?.count()
}

/// The bytes that are free on a card, by CUDA's number; None where the driver does not tell.
pub(super) fn free_memory(index: u32) -> Option<u64> {
    let card = driver()?.card(index)?;
    let read = || -> Result<u64, NvmlError> {
        let nvml = Nvml::init()?;
        Ok(device(&nvml, &card)?.memory_info()?.free)
    };
    read().inspect_err(|e| tracing::debug!("no free memory of {card:?} from NVML: {e}")).ok()
}

/// NVML's handle for a card, by its UUID, or by its place where there is no UUID.
fn device<'a>(nvml: &'a Nvml, card: &Card) -> Result<Device<'a>, NvmlError> {
    match (card.uuid, &card.bus) {
        (Some(uuid), _) => {
            nvml.device_by_uuid(named("GPU", uuid)).or_else(|_| nvml.device_by_uuid(named("MIG", uuid)))
        }
        (None, Some(bus)) => nvml.device_by_pci_bus_id(bus.as_str()),
        (None, None) => Err(NvmlError::NotFound),
    }
}

/// A UUID as NVML writes it: `GPU-8f1c3a5e-…`.
fn named(kind: &str, uuid: [u8; 16]) -> String {
    let digits: String = uuid.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    format!("{kind}-{}", parts.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_written_as_nvml_writes_it() {
        let uuid = std::array::from_fn(|i| 0x10 * i as u8 + 1);
        assert_eq!(named("GPU", uuid), "GPU-01112131-4151-6171-8191-a1b1c1d1e1f1");
    }
}
