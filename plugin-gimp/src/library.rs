// SPDX-License-Identifier: GPL-3.0-or-later
//! libimpasto, opened when the filter runs: a safe face for the functions of `include/impasto.h` that a filter
//! needs. The structs are those of `impasto_abi`.

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::PathBuf;

use impasto_abi::{
    IMPASTO_ABI, IMPASTO_CANCELLED, IMPASTO_OK, ImpastoEngine, ImpastoJob, ImpastoPicture, ImpastoProgress,
    ImpastoStyle,
};
use serde_json::Value;

use crate::picture::{Pixels, Second, Style};
use crate::text::fill;

/// How far a job is.
pub struct Progress {
    /// Evaluations so far; 0 while pictures are resized and graphs are loaded.
    pub evaluations: u32,
    /// Evaluations that will be done at most.
    pub planned: u32,
    /// The size that is being worked on, counted from 1, and how many there are.
    pub level: [u32; 2],
    /// The lowest loss so far; NaN before the first evaluation.
    pub loss: f64,
    /// Estimated seconds until the end; NaN before the first evaluation.
    pub seconds_left: f64,
    /// The best picture so far where it is due: RGB, 8 bits.
    pub preview: Option<Pixels>,
}

/// Why a job has no result.
#[derive(Debug)]
pub enum Failure {
    /// The callback wanted it so.
    Cancelled,
    /// What is wrong and what to do.
    Problem(String),
}

/// The library.
pub struct Library {
    last_error: unsafe extern "C" fn() -> *const c_char,
    models: unsafe extern "C" fn(*mut *mut c_char) -> i32,
    engine_new: unsafe extern "C" fn(*const c_char, *mut *mut ImpastoEngine) -> i32,
    engine_free: unsafe extern "C" fn(*mut ImpastoEngine),
    stylise: unsafe extern "C" fn(*const ImpastoEngine, *const ImpastoJob, *mut *mut c_char) -> i32,
    string_free: unsafe extern "C" fn(*mut c_char),
    // Last, so that it is closed last.
    _file: libloading::Library,
}

/// An engine of the library.
pub struct Engine<'l> {
    library: &'l Library,
    raw: *mut ImpastoEngine,
}

/// What a job is to work on.
pub struct Pictures<'a> {
    /// The picture to repaint.
    pub content: &'a Pixels,
    /// The style picture.
    pub style: &'a Style,
    /// A second one.
    pub second: Option<&'a Second>,
    /// Where to start, for the parameter `"init": "picture"`.
    pub start: Option<&'a Pixels>,
    /// Where to paint: one channel of 8 bits in the content's size, 0 or 255.
    pub mask: Option<&'a Pixels>,
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
                stylise: symbol(&file, "impasto_stylise")?,
                string_free: symbol(&file, "impasto_string_free")?,
                _file: file,
            })
        }
    }

    /// What the last call on this thread says.
    fn error(&self) -> String {
        // SAFETY: the text lives until the next call on this thread.
        unsafe { CStr::from_ptr((self.last_error)()) }.to_string_lossy().into_owned()
    }

    /// The names of the models that are there, the default first.
    pub fn models(&self) -> Result<Vec<String>, String> {
        let mut json = std::ptr::null_mut();
        // SAFETY: `json` is memory for a pointer; the text that is put there is ours to free.
        let list: Value = unsafe {
            if (self.models)(&mut json) != IMPASTO_OK {
                return Err(self.error());
            }
            let list = serde_json::from_slice(CStr::from_ptr(json).to_bytes());
            (self.string_free)(json);
            list.map_err(|e| e.to_string())?
        };
        let models = list.as_array().cloned().unwrap_or_default();
        let is_default = |m: &Value| m["default"] == Value::Bool(true);
        let (first, others): (Vec<Value>, Vec<Value>) = models.into_iter().partition(is_default);
        Ok(first.iter().chain(&others).filter_map(|m| m["name"].as_str().map(str::to_string)).collect())
    }

    /// Makes an engine from the options of `impasto_engine_new`.
    pub fn engine(&self, options: &Value) -> Result<Engine<'_>, String> {
        let options = CString::new(options.to_string()).map_err(|e| e.to_string())?;
        let mut raw = std::ptr::null_mut();
        // SAFETY: the options are a text, `raw` is memory for a pointer.
        if unsafe { (self.engine_new)(options.as_ptr(), &mut raw) } != IMPASTO_OK {
            return Err(self.error());
        }
        Ok(Engine { library: self, raw })
    }
}

impl Drop for Engine<'_> {
    fn drop(&mut self) {
        // SAFETY: it came from `impasto_engine_new`, and no job runs on what nobody holds.
        unsafe { (self.library.engine_free)(self.raw) }
    }
}

/// Calls the closure that is behind `user_data`.
unsafe extern "C" fn trampoline(progress: *const ImpastoProgress, user_data: *mut c_void) -> i32 {
    // SAFETY: `stylise` passes such a closure, and the library a living progress.
    let (raw, go_on) = unsafe { (&*progress, &mut *user_data.cast::<&mut dyn FnMut(&Progress) -> bool>()) };
    // SAFETY: where there is a preview it is RGB of 8 bits and lives until this function returns.
    let preview = unsafe { raw.preview.as_ref() }.map(|p| {
        let mut pixels = Pixels::new(p.width, p.height, 3, 1);
        let row = p.width as usize * 3;
        for (y, to) in pixels.bytes.chunks_exact_mut(row).enumerate() {
            // SAFETY: as above; the stride is at least a row's bytes.
            let from = unsafe { p.data.cast::<u8>().offset(y as isize * p.stride) };
            // SAFETY: as above.
            to.copy_from_slice(unsafe { std::slice::from_raw_parts(from, row) });
        }
        pixels
    });
    let ImpastoProgress { evaluations, planned, loss, seconds_left, level, levels, .. } = *raw;
    let progress = Progress { evaluations, planned, level: [level, levels], loss, seconds_left, preview };
    // A panic ends the job and not the process.
    let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| go_on(&progress)));
    i32::from(!answer.unwrap_or(false))
}

impl Engine<'_> {
    /// Runs a job. `go_on` is called on this thread several times a second; false cancels. The result has the
    /// content's size and format.
    pub fn stylise(
        &self,
        pictures: &Pictures,
        params: &Value,
        mut go_on: impl FnMut(&Progress) -> bool,
    ) -> Result<Pixels, Failure> {
        let (own, weights) = pictures.style.weighted(pictures.second.map_or([1.0, 0.0], |s| s.weights));
        let mut params = params.clone();
        if let Some(name) = own {
            params["style"] = name.into();
        }
        let params = CString::new(params.to_string()).map_err(|e| Failure::Problem(e.to_string()))?;
        let content = pictures.content;
        let mut output = Pixels::new(content.width, content.height, content.layout, content.sample);
        let pointer =
            |picture: &Option<ImpastoPicture>| picture.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        let mut styles = Vec::new();
        if let Style::Read(style) = pictures.style {
            styles.push(ImpastoStyle::new(style.read_only(), weights[0]));
        }
        let region = pictures.second.and_then(|s| s.region.as_ref()).map(Pixels::read_only);
        if let Some(second) = pictures.second {
            styles.push(ImpastoStyle {
                scale: second.scale,
                region: pointer(&region),
                ..ImpastoStyle::new(second.style.read_only(), weights[1])
            });
        }
        let mask = pictures.mask.map(Pixels::read_only);
        let start = pictures.start.map(Pixels::read_only);
        let mut go_on: &mut dyn FnMut(&Progress) -> bool = &mut go_on;
        let data = output.bytes.as_mut_ptr().cast();
        let job = ImpastoJob {
            content: content.read_only(),
            output: output.descriptor(data),
            styles: styles.as_ptr(),
            style_count: styles.len(),
            mask: pointer(&mask),
            init: pointer(&start),
            params: params.as_ptr(),
            progress: Some(trampoline),
            user_data: (&raw mut go_on).cast(),
            ..ImpastoJob::zeroed()
        };
        // SAFETY: all pointers are to what lives in this function and is as large as it is said to be.
        match unsafe { (self.library.stylise)(self.raw, &job, std::ptr::null_mut()) } {
            IMPASTO_OK => Ok(output),
            IMPASTO_CANCELLED => Err(Failure::Cancelled),
            _ => Err(Failure::Problem(self.library.error())),
        }
    }
}
