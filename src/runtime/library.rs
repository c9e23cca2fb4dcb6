//! Opens ONNX Runtime's library, once per process.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use impasto_onnx::graph::{Graph, Port};
use ort::environment::Environment;

use super::binary;
use super::hush;
use super::locate::{self, LIBRARY_VARIABLE};
use super::messages;
use super::own_file;
use crate::error::{Error, Result};

static ENVIRONMENT: Mutex<Option<(Environment, PathBuf)>> = Mutex::new(None);

/// Opens ONNX Runtime if that has not happened yet, and says where it lies.
///
/// It is looked for in this order: the file or folder that the variable `IMPASTO_ONNXRUNTIME` names;
/// beside the executable or library that this code is in, and in `lib` beside or above that; the Python wheel
/// `onnxruntime` of the environment that this code was installed into; the project's set-up folder; the system's
/// libraries. The error lists all the places.
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
    let asked = std::env::var_os(LIBRARY_VARIABLE).filter(|v| !v.is_empty());
    if let Some(asked) = asked {
        // What was asked for by name is used or refused; another one is never taken in its place.
        let path = PathBuf::from(asked);
        // Relative to the working folder, not to the program.
        let path = std::path::absolute(&path).unwrap_or(path);
        let file = locate::file();
        let path = if path.is_dir() { locate::in_folder(&path).unwrap_or(path.join(&file)) } else { path };
        if !path.is_file() {
            return Err(Error::Runtime(format!(
                "{LIBRARY_VARIABLE} names {}, which is not a file; let it name ONNX Runtime's library ({file}) or its folder",
                path.display()
            )));
        }
        return start(&path).map_err(|e| Error::Runtime(format!("{e} ({LIBRARY_VARIABLE} names it)")));
    }
    let mut looked = String::new();
    for place in locate::places() {
        if let Some(path) = place.library {
            return Ok(start(&path)?);
        }
        looked += &format!("  {}\n", place.shown);
    }
    let plain = match start(Path::new(&locate::file())) {
        Ok(found) => return Ok(found),
        Err(failure) => failure,
    };
    if let Some(path) = locate::in_system(ort::MINOR_VERSION) {
        return Ok(start(&path)?);
    }
    match plain {
        Failure::TooOld(message) => Err(Error::Runtime(message)),
        Failure::Other(reason) => Err(Error::Runtime(format!(
            "ONNX Runtime ({}) was not found. Looked in:\n  {LIBRARY_VARIABLE} (not set)\n{looked}  the system's libraries \
             ({reason})\n\
             Get it with `pip install onnxruntime` if Impasto came with pip, or with `cargo xtask setup` in Impasto's \
             sources; or let {LIBRARY_VARIABLE} name the library from ONNX Runtime 1.{} or later.",
            locate::file(),
            ort::MINOR_VERSION
        ))),
    }
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
    if path.is_relative() && std::env::current_exe().is_err() {
        // ort panics, as it looks for such a name beside the program first.
        return Err(Failure::Other(
            "the system does not say where this program lies (is /proc mounted?)".into(),
        ));
    }
    let builder = ort::init_from(path).map_err(|e| match e {
        ort::LoadDynamicError::Dlopen { error, .. } => {
            // The loader's own words are the source: which library is missing, what the file is not.
            let reason = std::error::Error::source(&error).map_or_else(|| error.to_string(), |e| e.to_string());
            Failure::Other(format!("{shown} cannot be opened: {reason}"))
        }
        ort::LoadDynamicError::BadVersion { version_str, .. } => Failure::TooOld(format!(
            "{shown} is ONNX Runtime {version_str}, which is too old; 1.{} or later is needed (`pip install --upgrade onnxruntime` gets one if Impasto came with pip, and `cargo xtask setup` in Impasto's sources)",
            ort::MINOR_VERSION
        )),
        ort::LoadDynamicError::MissingApi { .. } => {
            Failure::Other(format!("{shown} is not ONNX Runtime: it has no function OrtGetApiBase"))
        }
        other => Failure::Other(format!("{shown} cannot be opened: {other}")),
    })?;
    // From here on threads of ONNX Runtime and of the engine may run.
    own_file::keep_loaded();
    preload(path.parent().unwrap_or(Path::new("")));
    let environment = builder
        .with_name("impasto")
        .with_telemetry(false)
        .with_logger(messages::logger())
        .build()
        .map_err(|e| Failure::Other(format!("{shown} does not start: {}", e.message())))?;
    if hush::is_the_systems(path) {
        hush::without_schema_errors(|| first_session(&environment))
            .map_err(|e| Failure::Other(format!("{shown} does not work: {}", e.message())))?;
    }
    Ok((environment, path.to_path_buf()))
}

/// Loads a graph of one node, because a distribution's library says what it has to say with the first one.
fn first_session(environment: &Environment) -> ort::Result<()> {
    let mut graph = Graph::default();
    let x = graph.input(Port::new("x", &["1"]));
    let y = graph.add("Relu", "y", &[&x]);
    graph.output(&y, &["1"]);
    ort::session::Session::builder(environment)?.commit_from_memory(&graph.to_bytes("first", "", &[]))?;
    Ok(())
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
