//! What Vulkan's loader tells of the graphics cards, as far as it is needed here (Vulkan 1.1). The provider itself asks the same
//! loader on Linux; on Windows it asks Direct3D, which knows the same cards.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use libloading::Library;

#[cfg(target_os = "windows")]
const LOADER: &str = "vulkan-1.dll";
#[cfg(not(target_os = "windows"))]
const LOADER: &str = "libvulkan.so.1";

/// What makes a graphics card of a physical device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Discrete,
    /// It shares the computer's memory.
    Integrated,
    /// A part of a card that a virtual machine has.
    Virtual,
    /// A program that computes on the processor.
    Software,
    Other,
}

/// A card as its driver describes it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PhysicalDevice {
    pub name: String,
    pub kind: Kind,
    /// The driver's name and version in its own words; the number of its version where it has no words.
    pub driver: String,
    /// The most bytes that a shader can reach in one buffer.
    pub largest_binding: u64,
    /// The most bytes of one allocation.
    pub largest_allocation: u64,
    /// The bytes of its own memory; for a card that shares the computer's, of what it may take of it.
    pub memory: u64,
    /// How many of these this process may take now; None where the driver does not tell.
    pub free: Option<u64>,
}

const SUCCESS: i32 = 0;
const VERSION_1_1: u32 = 1 << 22 | 1 << 12;
const VERSION_1_2: u32 = 1 << 22 | 2 << 12;
const DEVICE_LOCAL: u32 = 1;

type Handle = *mut c_void;
type Function = unsafe extern "system" fn();

#[repr(C)]
struct ApplicationInfo {
    kind: u32,
    next: *const c_void,
    application: *const c_char,
    application_version: u32,
    engine: *const c_char,
    engine_version: u32,
    api_version: u32,
}

#[repr(C)]
struct InstanceInfo {
    kind: u32,
    next: *const c_void,
    flags: u32,
    application: *const ApplicationInfo,
    layer_count: u32,
    layers: *const *const c_char,
    extension_count: u32,
    extensions: *const *const c_char,
}

/// `VkPhysicalDeviceProperties2`. Of the limits only one of the first is read.
#[repr(C)]
struct Properties {
    kind: u32,
    next: *mut c_void,
    api_version: u32,
    driver_version: u32,
    vendor: u32,
    device: u32,
    device_kind: i32,
    name: [c_char; 256],
    cache_uuid: [u8; 16],
    limits: Limits,
    sparse: [u32; 5],
}

/// `VkPhysicalDeviceLimits`, 504 bytes.
#[repr(C, align(8))]
struct Limits {
    before: [u32; 7],
    storage_buffer_range: u32,
    others: [u32; 118],
}

/// `VkPhysicalDeviceMaintenance3Properties`
#[repr(C)]
struct AllocationProperties {
    kind: u32,
    next: *mut c_void,
    descriptors: u32,
    largest: u64,
}

/// `VkPhysicalDeviceDriverProperties`
#[repr(C)]
struct DriverProperties {
    kind: u32,
    next: *mut c_void,
    id: i32,
    name: [c_char; 256],
    info: [c_char; 256],
    conformance: [u8; 4],
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Heap {
    size: u64,
    flags: u32,
}

/// `VkPhysicalDeviceMemoryProperties2`
#[repr(C)]
struct MemoryProperties {
    kind: u32,
    next: *mut c_void,
    type_count: u32,
    types: [[u32; 2]; 32],
    heap_count: u32,
    heaps: [Heap; 16],
}

/// `VkPhysicalDeviceMemoryBudgetPropertiesEXT`
#[repr(C)]
struct BudgetProperties {
    kind: u32,
    next: *mut c_void,
    budgets: [u64; 16],
    used: [u64; 16],
}

#[repr(C)]
#[derive(Clone, Copy)]
struct ExtensionProperties {
    name: [c_char; 256],
    version: u32,
}

type GetInstanceFunction = unsafe extern "system" fn(Handle, *const c_char) -> Option<Function>;
type CreateInstance = unsafe extern "system" fn(*const InstanceInfo, *const c_void, *mut Handle) -> i32;
type DestroyInstance = unsafe extern "system" fn(Handle, *const c_void);
type EnumerateDevices = unsafe extern "system" fn(Handle, *mut u32, *mut Handle) -> i32;
type GetProperties = unsafe extern "system" fn(Handle, *mut Properties);
type GetMemoryProperties = unsafe extern "system" fn(Handle, *mut MemoryProperties);
type EnumerateExtensions =
    unsafe extern "system" fn(Handle, *const c_char, *mut u32, *mut ExtensionProperties) -> i32;

/// Vulkan with an instance. Dropping it ends the instance; the loader's library stays open, as drivers do not bear being
/// closed.
pub(super) struct Vulkan {
    function: GetInstanceFunction,
    instance: Handle,
}

impl Vulkan {
    /// The error tells what is missing.
    pub fn open() -> Result<Self, String> {
        // SAFETY: the loader prepares nothing when it is opened that a program could disturb.
        let library = unsafe { Library::new(LOADER) }.map_err(|e| {
            tracing::debug!("{e}");
            format!("there is no Vulkan loader ({LOADER}); install it with the card's driver (Debian and Ubuntu: libvulkan1 and mesa-vulkan-drivers, or NVIDIA's driver)")
        })?;
        // SAFETY: the function has this type in every loader.
        let function = *unsafe { library.get::<GetInstanceFunction>(b"vkGetInstanceProcAddr") }
            .map_err(|e| format!("{LOADER} is no Vulkan loader: {e}"))?;
        std::mem::forget(library);
        let mut vulkan = Vulkan { function, instance: ptr::null_mut() };
        let application = ApplicationInfo {
            kind: 0,
            next: ptr::null(),
            application: c"impasto".as_ptr(),
            application_version: 0,
            engine: ptr::null(),
            engine_version: 0,
            api_version: VERSION_1_1,
        };
        let info = InstanceInfo {
            kind: 1,
            next: ptr::null(),
            flags: 0,
            application: &application,
            layer_count: 0,
            layers: ptr::null(),
            extension_count: 0,
            extensions: ptr::null(),
        };
        // SAFETY: the type is that of the function of this name.
        let create: CreateInstance = unsafe { vulkan.get(c"vkCreateInstance") }?;
        // SAFETY: all that the structure points to lives as long as the call.
        let result = unsafe { create(&info, ptr::null(), &mut vulkan.instance) };
        match result {
            SUCCESS => Ok(vulkan),
            _ => {
                Err(format!("Vulkan finds no driver that works (error {result}); install the card's driver"))
            }
        }
    }

    /// The physical devices in the loader's order.
    pub fn devices(&self) -> Result<Vec<PhysicalDevice>, String> {
        // SAFETY: the type is that of the function of this name.
        let enumerate: EnumerateDevices = unsafe { self.get(c"vkEnumeratePhysicalDevices") }?;
        let failed = |result| format!("Vulkan cannot list the cards (error {result})");
        let mut count = 0;
        // SAFETY: without room it only counts.
        match unsafe { enumerate(self.instance, &mut count, ptr::null_mut()) } {
            SUCCESS => (),
            result => return Err(failed(result)),
        }
        let mut devices = vec![ptr::null_mut(); count as usize];
        // SAFETY: there is room for as many as it is told.
        match unsafe { enumerate(self.instance, &mut count, devices.as_mut_ptr()) } {
            SUCCESS => devices.into_iter().take(count as usize).map(|device| self.device(device)).collect(),
            result => Err(failed(result)),
        }
    }

    fn device(&self, device: Handle) -> Result<PhysicalDevice, String> {
        // SAFETY: the type is that of the function of this name.
        let properties: GetProperties = unsafe { self.get(c"vkGetPhysicalDeviceProperties2") }?;
        // SAFETY: zeros are a value of this plain struct.
        let mut basic: Properties = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        let mut allocation: AllocationProperties = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        let mut driver: DriverProperties = unsafe { std::mem::zeroed() };
        (basic.kind, allocation.kind, driver.kind) = (1_000_059_001, 1_000_168_000, 1_000_196_000);
        basic.next = (&raw mut allocation).cast();
        // SAFETY: it fills the two structures, which it knows by their kinds.
        unsafe { properties(device, &mut basic) };
        if basic.api_version >= VERSION_1_2 {
            allocation.next = (&raw mut driver).cast();
            // SAFETY: the same with a third one, which this version knows.
            unsafe { properties(device, &mut basic) };
        }
        let words = [text(&driver.name), text(&driver.info)].join(" ").trim().to_string();
        let (memory, free) = self.memory(device)?;
        Ok(PhysicalDevice {
            name: text(&basic.name),
            kind: match basic.device_kind {
                1 => Kind::Integrated,
                2 => Kind::Discrete,
                3 => Kind::Virtual,
                4 => Kind::Software,
                _ => Kind::Other,
            },
            driver: if words.is_empty() { format!("{:#x}", basic.driver_version) } else { words },
            largest_binding: basic.limits.storage_buffer_range.into(),
            largest_allocation: allocation.largest,
            memory,
            free,
        })
    }

    /// The bytes of a device's memory, and how many of them this process may take, where the driver tells.
    fn memory(&self, device: Handle) -> Result<(u64, Option<u64>), String> {
        // SAFETY: the type is that of the function of this name.
        let properties: GetMemoryProperties = unsafe { self.get(c"vkGetPhysicalDeviceMemoryProperties2") }?;
        // SAFETY: zeros are a value of this plain struct.
        let mut memory: MemoryProperties = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        let mut budget: BudgetProperties = unsafe { std::mem::zeroed() };
        (memory.kind, budget.kind) = (1_000_059_006, 1_000_237_000);
        let has_budget = self.has_extension(device, c"VK_EXT_memory_budget")?;
        if has_budget {
            memory.next = (&raw mut budget).cast();
        }
        // SAFETY: it fills the structures, which it knows by their kinds.
        unsafe { properties(device, &mut memory) };
        let budgets = budget.budgets.iter().zip(budget.used);
        let heaps = memory.heaps.iter().zip(budgets).take(memory.heap_count as usize);
        let largest =
            heaps.filter(|(heap, _)| heap.flags & DEVICE_LOCAL != 0).max_by_key(|(heap, _)| heap.size);
        let Some((heap, (budget, used))) = largest else { return Ok((0, None)) };
        Ok((heap.size, has_budget.then(|| budget.saturating_sub(used))))
    }

    fn has_extension(&self, device: Handle, name: &CStr) -> Result<bool, String> {
        // SAFETY: the type is that of the function of this name.
        let enumerate: EnumerateExtensions = unsafe { self.get(c"vkEnumerateDeviceExtensionProperties") }?;
        let mut count = 0;
        // SAFETY: without room it only counts.
        unsafe { enumerate(device, ptr::null(), &mut count, ptr::null_mut()) };
        let mut all = vec![ExtensionProperties { name: [0; 256], version: 0 }; count as usize];
        // SAFETY: there is room for as many as it is told.
        unsafe { enumerate(device, ptr::null(), &mut count, all.as_mut_ptr()) };
        let name = name.to_string_lossy();
        Ok(all.iter().take(count as usize).any(|extension| text(&extension.name) == name))
    }

    /// The function of that name.
    ///
    /// # Safety
    /// `T` is its type.
    unsafe fn get<T: Copy>(&self, name: &CStr) -> Result<T, String> {
        // SAFETY: the loader reads the name.
        let function = unsafe { (self.function)(self.instance, name.as_ptr()) };
        let function =
            function.ok_or_else(|| format!("{LOADER} has no {}; it is too old", name.to_string_lossy()))?;
        // SAFETY: the caller says that this is the function's type, which is that of a function pointer.
        Ok(unsafe { std::mem::transmute_copy::<Function, T>(&function) })
    }
}

impl Drop for Vulkan {
    fn drop(&mut self) {
        // SAFETY: the type is that of the function of this name.
        if let Ok(destroy) = unsafe { self.get::<DestroyInstance>(c"vkDestroyInstance") } {
            // SAFETY: nothing of the instance is used any more; a null pointer is ignored.
            unsafe { destroy(self.instance, ptr::null()) };
        }
    }
}

/// The text in a field of fixed length.
fn text(field: &[c_char]) -> String {
    let bytes: Vec<u8> = field.iter().take_while(|byte| **byte != 0).map(|byte| *byte as u8).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes that the C headers give these structs on 64-bit machines.
    #[test]
    fn structs_have_the_size_that_drivers_write() {
        assert_eq!(size_of::<Limits>(), 504);
        assert_eq!(size_of::<Properties>(), 840);
        assert_eq!(size_of::<AllocationProperties>(), 32);
        assert_eq!(size_of::<DriverProperties>(), 536);
        assert_eq!(size_of::<MemoryProperties>(), 536);
        assert_eq!(size_of::<BudgetProperties>(), 272);
        assert_eq!(size_of::<ExtensionProperties>(), 260);
    }
}
