// SPDX-License-Identifier: GPL-3.0-or-later
//! libimpasto, opened when the filter runs: where it lies, and its functions (`include/impasto.h`) that a filter needs. The
//! structs are those of `impasto_abi`.

use std::ffi::{CStr, c_char};
use std::path::PathBuf;

use impasto_abi::{IMPASTO_ABI, IMPASTO_OK, ImpastoEngine, ImpastoJob};
use serde_json::Value;

use crate::text::fill;

/// The library.
pub struct Library {
    last_error: unsafe extern "C" fn() -> *const c_char,
    models: unsafe extern "C" fn(*mut *mut c_char) -> i32,
    string_free: unsafe extern "C" fn(*mut c_char),
    pub engine_new: unsafe extern "C" fn(*const c_char, *mut *mut ImpastoEngine) -> i32,
    pub engine_free: unsafe extern "C" fn(*mut ImpastoEngine),
    pub plan: unsafe extern "C" fn(*const ImpastoEngine, *const ImpastoJob, *mut *mut c_char) -> i32,
    pub stylise: unsafe extern "C" fn(*const ImpastoEngine, *const ImpastoJob, *mut *mut c_char) -> i32,
    // Last, so that it is closed last.
    _file: libloading::Library,
}

/// Where the library may lie, the first choice first.
fn places() -> Vec<PathBuf> {
    let name = match std::env::consts::OS {
        "windows" => "impasto.dll",
        "macos" => "libimpasto.0.dylib",
        _ => "libimpasto.so.0",
    };
    let mut places: Vec<PathBuf> =
        std::env::var_os("IMPASTO_LIBRARY").map(PathBuf::from).into_iter().collect();
    if let Some(folder) = std::env::current_exe().ok().as_deref().and_then(|f| f.parent()) {
        places.push(folder.join("lib").join(name));
        places.push(folder.join(name));
    }
    // A bare name lets the system search.
    places.push(name.into());
    places
}

impl Library {
    /// Opens the library.
    pub fn open() -> Result<Library, String> {
        let mut problems = Vec::new();
        for place in places() {
            // SAFETY: libimpasto runs no code when it is opened.
            match unsafe { libloading::Library::new(&place) } {
                Ok(file) => {
                    return Library::resolve(file).map_err(|problem| {
                        fill(
                            "{file} is not the library that this filter needs ({problem}). Install the filter again.",
                            &[("file", &place.display().to_string()), ("problem", &problem)],
                        )
                    });
                }
                Err(e) => problems.push(format!("{}: {e}", place.display())),
            }
        }
        Err(fill(
            "The library libimpasto cannot be opened. Install the filter again; the folder has to hold “lib” \
             beside the program. Tried: {tried}",
            &[("tried", &problems.join("; "))],
        ))
    }

    fn resolve(file: libloading::Library) -> Result<Library, String> {
        /// SAFETY of use: `T` must be the function's type in the header.
        unsafe fn symbol<T: Copy>(file: &libloading::Library, name: &str) -> Result<T, String> {
            // SAFETY: see above.
            unsafe { file.get::<T>(name.as_bytes()) }.map(|s| *s).map_err(|e| e.to_string())
        }
        // SAFETY: the types are those of include/impasto.h; its ABI number is checked before the others are used.
        unsafe {
            let abi = symbol::<unsafe extern "C" fn() -> u32>(&file, "impasto_abi")?();
            if abi != IMPASTO_ABI {
                return Err(format!("ABI {abi}, not {IMPASTO_ABI}"));
            }
            Ok(Library {
                last_error: symbol(&file, "impasto_last_error")?,
                models: symbol(&file, "impasto_models")?,
                engine_new: symbol(&file, "impasto_engine_new")?,
                engine_free: symbol(&file, "impasto_engine_free")?,
                plan: symbol(&file, "impasto_plan")?,
                stylise: symbol(&file, "impasto_stylise")?,
                string_free: symbol(&file, "impasto_string_free")?,
                _file: file,
            })
        }
    }

    /// What the last call on this thread says.
    pub fn error(&self) -> String {
        // SAFETY: the text lives until the next call on this thread.
        unsafe { CStr::from_ptr((self.last_error)()) }.to_string_lossy().into_owned()
    }

    /// The JSON that a function of the library gives, which gets memory for a pointer.
    pub fn json(&self, function: impl FnOnce(*mut *mut c_char) -> i32) -> Result<Value, String> {
        let mut json = std::ptr::null_mut();
        if function(&mut json) != IMPASTO_OK {
            return Err(self.error());
        }
        // SAFETY: after success there is a text, which is ours to free.
        unsafe {
            let value = serde_json::from_slice(CStr::from_ptr(json).to_bytes());
            (self.string_free)(json);
            value.map_err(|e| e.to_string())
        }
    }

    /// The names of the models that are there, the default first.
    pub fn models(&self) -> Result<Vec<String>, String> {
        // SAFETY: it is given memory for a pointer.
        let list = self.json(|json| unsafe { (self.models)(json) })?;
        let models = list.as_array().cloned().unwrap_or_default();
        let is_default = |m: &Value| m["default"] == Value::Bool(true);
        let (first, others): (Vec<Value>, Vec<Value>) = models.into_iter().partition(is_default);
        Ok(first.iter().chain(&others).filter_map(|m| m["name"].as_str().map(str::to_string)).collect())
    }
}
