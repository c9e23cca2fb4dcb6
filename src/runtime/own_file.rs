//! The file that this code was loaded from: the executable, or the library where it is part of one.

use std::path::PathBuf;

/// The file's full path; None if the system does not say.
#[cfg(unix)]
pub(super) fn own_file() -> Option<PathBuf> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    // SAFETY: zeros are a value of this plain struct.
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: dladdr only reads the address, and `info` is a plain struct that it fills.
    let found =
        unsafe { libc::dladdr(own_file as fn() -> Option<PathBuf> as *const libc::c_void, &mut info) };
    if found == 0 || info.dli_fname.is_null() {
        return None;
    }
    // SAFETY: on success dli_fname is a C string that lives as long as the object it names.
    let name = unsafe { std::ffi::CStr::from_ptr(info.dli_fname) };
    std::fs::canonicalize(OsStr::from_bytes(name.to_bytes())).ok()
}

#[cfg(windows)]
pub(super) fn own_file() -> Option<PathBuf> {
    use std::os::windows::ffi::OsStringExt;
    use windows_sys::Win32::System::LibraryLoader::{
        GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, GetModuleFileNameW,
    };

    /// The most UTF-16 units of a path.
    const LONGEST: usize = 1 << 15;
    let module = module(GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT)?;
    let mut name = vec![0_u16; LONGEST];
    // SAFETY: the module is that of this code, which stays as long as it runs; `name` has room for as many units as are told.
    let length = unsafe { GetModuleFileNameW(module, name.as_mut_ptr(), LONGEST as u32) } as usize;
    let name = name.get(..length).filter(|name| !name.is_empty() && name.len() < LONGEST)?;
    Some(PathBuf::from(std::ffi::OsString::from_wide(name)))
}

/// The module that this code is in.
#[cfg(windows)]
fn module(flags: u32) -> Option<windows_sys::Win32::Foundation::HMODULE> {
    use windows_sys::Win32::System::LibraryLoader::{
        GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GetModuleHandleExW,
    };

    let mut module = std::ptr::null_mut();
    let address = own_file as fn() -> Option<PathBuf> as *const u16;
    // SAFETY: with this flag the name is an address, which is only looked up.
    let found =
        unsafe { GetModuleHandleExW(flags | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, address, &mut module) };
    (found != 0 && !module.is_null()).then_some(module)
}

/// Keeps this code in the process to its end, even if a host closes the library that it is in: threads still run in it.
#[cfg(windows)]
pub(super) fn keep_loaded() {
    use windows_sys::Win32::System::LibraryLoader::GET_MODULE_HANDLE_EX_FLAG_PIN;
    if module(GET_MODULE_HANDLE_EX_FLAG_PIN).is_none() {
        tracing::debug!("this library is not kept in the process: {}", std::io::Error::last_os_error());
    }
}

/// The linker has done that elsewhere (`ffi/build.rs`).
#[cfg(not(windows))]
pub(super) fn keep_loaded() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_a_program_is_in_its_executable() {
        let canonical = |path: &std::path::Path| std::fs::canonicalize(path).expect("it is there");
        let executable = std::env::current_exe().expect("a program");
        let own = own_file().expect("the system says");
        assert!(own.is_absolute());
        assert_eq!(canonical(&own), canonical(&executable));
    }
}
