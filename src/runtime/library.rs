//! Finds ONNX Runtime's library and opens it, once per process.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ort::environment::Environment;

use super::binary;
use crate::error::{Error, Result};

/// The environment variable that names the library's file, or the folder that holds it.
pub const LIBRARY_VARIABLE: &str = "IMPASTO_ONNXRUNTIME";

#[cfg(target_os = "windows")]
const FILE: &str = "onnxruntime.dll";
#[cfg(target_os = "macos")]
const FILE: &str = "libonnxruntime.dylib";
#[cfg(not(any(target_os = "windows", target_os = "macos")))]
const FILE: &str = "libonnxruntime.so";

static ENVIRONMENT: Mutex<Option<(Environment, PathBuf)>> = Mutex::new(None);

/// The folder in which `cargo xtask setup` leaves ONNX Runtime: `impasto/onnxruntime` in the user's cache
/// folder.
pub fn set_up_folder() -> Option<PathBuf> {
    dirs::cache_dir().map(|d| d.join("impasto").join("onnxruntime"))
}

/// Opens ONNX Runtime if that has not happened yet, and says where it lies.
///
/// It is looked for in this order: the file or folder that the variable `IMPASTO_ONNXRUNTIME` names;
/// beside the executable or library that this code is in, and in `lib` beside or above that; the project's
/// set-up folder; the system's libraries. The error lists all the places.
pub fn load() -> Result<PathBuf> {
    environment().map(|(_, path)| path)
}

pub(crate) fn environment() -> Result<(Environment, PathBuf)> {
    let mut slot = ENVIRONMENT.lock().unwrap_or_else(|e| e.into_inner());
    if let Some(known) = slot.as_ref() {
        return Ok(known.clone());
    }
    let opened = open()?;
    *slot = Some(opened.clone());
    Ok(opened)
}

fn open() -> Result<(Environment, PathBuf)> {
    let mut looked = Vec::new();
    let asked = std::env::var_os(LIBRARY_VARIABLE).filter(|v| !v.is_empty());
    if let Some(asked) = asked {
        // What was asked for by name is used or refused; another one is never taken in its place.
        let path = PathBuf::from(asked);
        // Relative to the working folder, not to the program.
        let path = std::path::absolute(&path).unwrap_or(path);
        let path = if path.is_dir() { in_folder(&path).unwrap_or(path.join(FILE)) } else { path };
        if !path.is_file() {
            return Err(Error::Runtime(format!(
                "{LIBRARY_VARIABLE} names {}, which is not a file; let it name ONNX Runtime's library ({FILE}) or its folder",
                path.display()
            )));
        }
        return start(&path).map_err(|e| Error::Runtime(format!("{e} ({LIBRARY_VARIABLE} names it)")));
    }
    let own = own_file().and_then(|f| f.parent().map(Path::to_path_buf));
    let executable = std::env::current_exe().ok().and_then(|f| f.parent().map(Path::to_path_buf));
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in own.into_iter().chain(executable) {
        let above = folder.parent().map(|f| f.join("lib"));
        for folder in [Some(folder.clone()), Some(folder.join("lib")), above].into_iter().flatten() {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
    folders.extend(set_up_folder());
    for folder in &folders {
        if let Some(path) = in_folder(folder) {
            return Ok(start(&path)?);
        }
        looked.push(format!("  {}", folder.display()));
    }
    match start(Path::new(FILE)) {
        Ok(found) => Ok(found),
        Err(Failure::TooOld(message)) => Err(Error::Runtime(message)),
        Err(Failure::Other(reason)) => Err(Error::Runtime(format!(
            "ONNX Runtime ({FILE}) was not found. Looked in:\n  {LIBRARY_VARIABLE} (not set)\n{}\n  the system's libraries \
             ({reason})\n\
             Get it with `cargo xtask setup`, or let {LIBRARY_VARIABLE} name the library from ONNX Runtime 1.17 or later.",
            looked.join("\n")
        ))),
    }
}

/// The library in a folder: `libonnxruntime.so`, or with a version behind, the newest.
fn in_folder(folder: &Path) -> Option<PathBuf> {
    let plain = folder.join(FILE);
    if plain.is_file() {
        return Some(plain);
    }
    let mut versions: Vec<PathBuf> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| {
            p.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with(&format!("{FILE}.")))
        })
        .collect();
    versions.sort_by_key(|p| {
        let name = p.to_string_lossy().into_owned();
        name.rsplit("so.")
            .next()
            .map(|v| v.split('.').map(|n| n.parse::<u32>().unwrap_or(0)).collect::<Vec<_>>())
    });
    versions.pop()
}

enum Failure {
    TooOld(String),
    Other(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::TooOld(m) | Failure::Other(m) => f.write_str(m),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Error::Runtime(failure.to_string())
    }
}

fn start(path: &Path) -> std::result::Result<(Environment, PathBuf), Failure> {
    let shown = path.display();
    if let Some(problem) = binary::cut_off(path) {
        return Err(Failure::Other(format!("{shown} {problem}")));
    }
    let builder = ort::init_from(path).map_err(|e| match e {
        ort::LoadDynamicError::Dlopen { error, .. } => {
            // The loader's own words are the source: which library is missing, what the file is not.
            let reason = std::error::Error::source(&error).map_or_else(|| error.to_string(), |e| e.to_string());
            Failure::Other(format!("{shown} cannot be opened: {reason}"))
        }
        ort::LoadDynamicError::BadVersion { version_str, .. } => Failure::TooOld(format!(
            "{shown} is ONNX Runtime {version_str}, which is too old; 1.{} or later is needed (`cargo xtask setup` gets one)",
            ort::MINOR_VERSION
        )),
        ort::LoadDynamicError::MissingApi { .. } => {
            Failure::Other(format!("{shown} is not ONNX Runtime: it has no function OrtGetApiBase"))
        }
        other => Failure::Other(format!("{shown} cannot be opened: {other}")),
    })?;
    preload(path.parent().unwrap_or(Path::new("")));
    let environment = builder
        .with_name("impasto")
        .with_telemetry(false)
        .build()
        .map_err(|e| Failure::Other(format!("{shown} does not start: {}", e.message())))?;
    Ok((environment, path.to_path_buf()))
}

/// The libraries of CUDA that ONNX Runtime's provider needs, each after those that it needs itself.
const CUDA: [&str; 8] = [
    "libcudart",
    "libnvJitLink",
    "libnvrtc",
    "libcublasLt",
    "libcublas",
    "libcurand",
    "libcufft",
    "libcudnn",
];

/// What is wrong with the files for CUDA beside ONNX Runtime, of which some may be cut off: opening one ends the program.
pub(super) fn cuda_problem() -> Option<String> {
    let (_, path) = environment().ok()?;
    let files = std::fs::read_dir(path.parent()?).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> = files.filter(|file| is_for_cuda(file)).collect();
    files.sort();
    files.iter().find_map(|file| Some(format!("{} {}", file.display(), binary::cut_off(file)?)))
}

/// Whether a file is one of ONNX Runtime's providers or of CUDA's libraries, by its name.
fn is_for_cuda(file: &Path) -> bool {
    let name = file.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    name.contains("onnxruntime_providers_") || CUDA.iter().any(|stem| name.starts_with(&format!("{stem}.so")))
}

/// Opens the CUDA libraries that lie beside ONNX Runtime, so that its CUDA provider finds them there, whatever the
/// system's loader knows.
#[cfg(target_os = "linux")]
fn preload(folder: &Path) {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
    if !folder.join("libonnxruntime_providers_cuda.so").is_file() {
        return;
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(|e| Some(e.ok()?.path()));
    let files: Vec<PathBuf> = entries.collect();
    let named = |stem: &str| {
        let stem = format!("{stem}.so.");
        files.iter().find(|f| f.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with(&stem)))
    };
    for file in CUDA.iter().filter_map(|stem| named(stem)).filter(|file| binary::cut_off(file).is_none()) {
        // SAFETY: these libraries do nothing when they are opened that a program has to prepare for.
        match unsafe { Library::open(Some(file), RTLD_NOW | RTLD_GLOBAL) } {
            // They stay open as long as the process lives, as ONNX Runtime does.
            Ok(library) => std::mem::forget(library),
            Err(e) => tracing::debug!("{}: {e}", file.display()),
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn preload(_: &Path) {}

/// The file that this code was loaded from: the executable, or the library where it is part of one.
#[cfg(unix)]
fn own_file() -> Option<PathBuf> {
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
    std::fs::canonicalize(std::ffi::OsStr::from_bytes(name.to_bytes())).ok()
}

#[cfg(not(unix))]
fn own_file() -> Option<PathBuf> {
    None
}
