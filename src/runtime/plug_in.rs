//! ONNX Runtime's WebGPU provider as a plug-in: a library that lies beside ONNX Runtime's, or in the wheel of its own beside ONNX
//! Runtime's wheel, and is registered with it. The functions
//! for this came with ONNX Runtime 1.22, so they are asked for when they are needed, and older ones work without.

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::OnceLock;

use libloading::Library;
use ort::AsPointer;
use ort::environment::Environment;
use ort::session::builder::SessionBuilder;
use ort::sys;

use super::binary;

#[cfg(target_os = "windows")]
const FILE: &str = "onnxruntime_providers_webgpu.dll";
#[cfg(target_os = "macos")]
const FILE: &str = "libonnxruntime_providers_webgpu.dylib";
#[cfg(not(any(target_os = "windows", target_os = "macos")))]
const FILE: &str = "libonnxruntime_providers_webgpu.so";

/// The version of ONNX Runtime's functions that the plug-in needs: that of 1.24.
const API: u32 = 24;

/// The provider's name.
const PROVIDER: &str = "WebGpuExecutionProvider";

/// The name under which the library is registered.
const NAME: &CStr = c"webgpu";

type Device = c_void;
type GetApiBase = unsafe extern "system" fn() -> *const sys::OrtApiBase;
type Register =
    unsafe extern "system" fn(*mut sys::OrtEnv, *const c_char, *const sys::os_char) -> sys::OrtStatusPtr;
type GetDevices =
    unsafe extern "system" fn(*const sys::OrtEnv, *mut *const *const Device, *mut usize) -> sys::OrtStatusPtr;
type Append = unsafe extern "system" fn(
    *mut sys::OrtSessionOptions,
    *mut sys::OrtEnv,
    *const *const Device,
    usize,
    *const *const c_char,
    *const *const c_char,
    usize,
) -> sys::OrtStatusPtr;
type ProviderOfDevice = unsafe extern "system" fn(*const Device) -> *const c_char;

/// The functions, by their places in ONNX Runtime's table, which never change.
#[derive(Clone, Copy)]
struct Functions(*const *const c_void);

impl Functions {
    const REGISTER: usize = 301;
    const DEVICES: usize = 303;
    const APPEND: usize = 304;
    const PROVIDER: usize = 312;

    /// Those of the ONNX Runtime in this file, which is open already.
    fn load(file: &Path) -> Result<Self, String> {
        let failed = |e: libloading::Error| format!("{}: {e}", file.display());
        // SAFETY: the library is open, so that nothing is run here.
        let library = unsafe { Library::new(file) }.map_err(failed)?;
        // SAFETY: the function has this type in every ONNX Runtime.
        let base = unsafe { library.get::<GetApiBase>(b"OrtGetApiBase") }.map_err(failed)?;
        // SAFETY: it returns a table that lives as long as the library.
        let table = unsafe { ((*base()).GetApi)(API) };
        std::mem::forget(library);
        match table.is_null() {
            true => Err(format!("{FILE} needs ONNX Runtime 1.24.4 or later")),
            false => Ok(Functions(table.cast())),
        }
    }

    /// # Safety
    /// `T` is the type of the function at this place.
    unsafe fn get<T: Copy>(self, at: usize) -> T {
        // SAFETY: tables of this version have more places than the last of the constants.
        let function = unsafe { *self.0.add(at) };
        // SAFETY: the caller says that this is the function's type, which is that of a function pointer.
        unsafe { std::mem::transmute_copy::<*const c_void, T>(&function) }
    }
}

/// The plug-in's provider for the device that it takes.
pub(super) struct PlugIn {
    functions: Functions,
    device: *const Device,
}

// SAFETY: both pointers are to things that do not change as long as the process lives, as ONNX Runtime's environment does.
unsafe impl Send for PlugIn {}
// SAFETY: as above.
unsafe impl Sync for PlugIn {}

/// The plug-in's library for the ONNX Runtime in the file `runtime`: beside it, or where pip puts the wheel
/// `onnxruntime-ep-webgpu` if `runtime` comes from a wheel too.
pub(super) fn file(runtime: &Path) -> Option<PathBuf> {
    let wheel = runtime
        .ancestors()
        .nth(3)
        .filter(|_| runtime.parent().is_some_and(|f| f.ends_with("onnxruntime/capi")));
    let places =
        [Some(runtime.with_file_name(FILE)), wheel.map(|w| w.join("onnxruntime_ep_webgpu").join(FILE))];
    places.into_iter().flatten().find(|file| file.is_file())
}

/// The plug-in, registered once; the error tells why it cannot be used. None where there is none for this ONNX Runtime.
pub(super) fn plug_in(
    environment: &Environment,
    runtime: &Path,
) -> Option<Result<&'static PlugIn, &'static str>> {
    static PLUG_IN: OnceLock<Option<Result<PlugIn, String>>> = OnceLock::new();
    let found =
        PLUG_IN.get_or_init(|| file(runtime).map(|file| PlugIn::register(environment, runtime, &file)));
    found.as_ref().map(|found| found.as_ref().map_err(String::as_str))
}

impl PlugIn {
    fn register(environment: &Environment, runtime: &Path, file: &Path) -> Result<Self, String> {
        if let Some(problem) = binary::cut_off(file) {
            return Err(format!("{} {problem}", file.display()));
        }
        let functions = Functions::load(runtime)?;
        let path = os_text(file)?;
        let env = environment.ptr().cast_mut();
        // SAFETY: this is its type.
        let register: Register = unsafe { functions.get(Functions::REGISTER) };
        // SAFETY: the texts live as long as the call, and the environment as long as the process.
        checked(unsafe { register(env, NAME.as_ptr(), path.as_ptr()) })
            .map_err(|e| format!("{}: {e}", file.display()))?;
        let (mut devices, mut count) = (ptr::null(), 0);
        // SAFETY: this is its type.
        let list: GetDevices = unsafe { functions.get(Functions::DEVICES) };
        // SAFETY: it writes a pointer and a number.
        checked(unsafe { list(env, &mut devices, &mut count) })?;
        // SAFETY: this is its type.
        let provider: ProviderOfDevice = unsafe { functions.get(Functions::PROVIDER) };
        let all = match count {
            0 => &[][..],
            // SAFETY: it said that there are so many.
            _ => unsafe { std::slice::from_raw_parts(devices, count) },
        };
        let is_own = |device: &&*const Device| {
            // SAFETY: the device is one of the list; the name is a C text that lives as long as it.
            let name = unsafe { CStr::from_ptr(provider(**device)) };
            name.to_bytes() == PROVIDER.as_bytes()
        };
        let device = all.iter().find(is_own).ok_or(
            "ONNX Runtime sees no graphics card in this machine (for a program in the place of one, such as lavapipe, set \
             ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER=1)",
        )?;
        Ok(PlugIn { functions, device: *device })
    }

    /// Adds the provider to a session's.
    pub fn add_to(
        &self,
        environment: &Environment,
        builder: &mut SessionBuilder,
        options: &[(&str, &str)],
    ) -> ort::Result<()> {
        let text = |text: &&str| CString::new(*text).unwrap_or_default();
        let keys: Vec<CString> = options.iter().map(|(key, _)| text(key)).collect();
        let values: Vec<CString> = options.iter().map(|(_, value)| text(value)).collect();
        let pointers = |texts: &[CString]| texts.iter().map(|t| t.as_ptr()).collect::<Vec<_>>();
        let (keys, values) = (pointers(&keys), pointers(&values));
        // SAFETY: this is its type.
        let append: Append = unsafe { self.functions.get(Functions::APPEND) };
        let (builder, env) = (builder.ptr_mut(), environment.ptr().cast_mut());
        // SAFETY: the arrays have so many entries and live as long as the call.
        let status =
            unsafe { append(builder, env, &self.device, 1, keys.as_ptr(), values.as_ptr(), options.len()) };
        // SAFETY: it is a status that nobody else frees.
        unsafe { ort::Error::result_from_status(status) }
    }
}

fn checked(status: sys::OrtStatusPtr) -> Result<(), String> {
    // SAFETY: it is a status that nobody else frees.
    unsafe { ort::Error::result_from_status(status) }.map_err(|e| e.message().to_string())
}

/// A path as ONNX Runtime takes it, with a zero at its end.
#[cfg(unix)]
fn os_text(path: &Path) -> Result<Vec<sys::os_char>, String> {
    use std::os::unix::ffi::OsStrExt;
    let text = CString::new(path.as_os_str().as_bytes()).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(text.as_bytes_with_nul().iter().map(|byte| *byte as sys::os_char).collect())
}

#[cfg(windows)]
fn os_text(path: &Path) -> Result<Vec<sys::os_char>, String> {
    use std::os::windows::ffi::OsStrExt;
    Ok(path.as_os_str().encode_wide().chain([0]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plug_in_is_found_beside_onnx_runtime_and_in_its_own_wheel() {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |file: PathBuf| {
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
            std::fs::write(&file, "").expect("written");
            file
        };
        let packages = folder.path().join("site-packages");
        let runtime = put(packages.join("onnxruntime").join("capi").join("libonnxruntime.so.1.31.1"));
        let elsewhere = put(packages.join("other").join("capi").join("libonnxruntime.so"));
        assert_eq!(file(&runtime), None);
        let wheel = put(packages.join("onnxruntime_ep_webgpu").join(FILE));
        assert_eq!(file(&runtime), Some(wheel));
        assert_eq!(file(&elsewhere), None);
        let beside = put(runtime.with_file_name(FILE));
        assert_eq!(file(&runtime), Some(beside));
    }
}
