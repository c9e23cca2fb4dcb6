//! libimpasto: the C ABI over the engine. The functions here translate and call; what they translate lies
//! in `picture` (pixels), `job` (a call of `impasto_stylise`), `growth` (structs of older and newer hosts), `log`,
//! and `guard` (errors and panics). The header `include/impasto.h` is generated from this crate and from
//! `impasto_abi`, which has the structs; its words are the comments there and here.

mod growth;
mod guard;
mod job;
mod log;
#[doc(hidden)]
pub mod picture;

use std::ffi::{CStr, CString, c_char, c_void};

use impasto::{Engine, EngineOptions, models, params, runtime};

use guard::{Failure, guard};
pub use impasto_abi::*;

/// The library's ABI number; compare it with IMPASTO_ABI.
#[unsafe(no_mangle)]
pub extern "C" fn impasto_abi() -> u32 {
    IMPASTO_ABI
}

/// The library's version, for example "0.1.0". It lives as long as the library.
#[unsafe(no_mangle)]
pub extern "C" fn impasto_version() -> *const c_char {
    const VERSION: &CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(text) => text,
            Err(_) => c"",
        };
    VERSION.as_ptr()
}

/// What the last call on this thread that failed says, in English, for people; "" if none has failed. It
/// lives until the next call of a function of this library on the same thread.
#[unsafe(no_mangle)]
pub extern "C" fn impasto_last_error() -> *const c_char {
    guard::last_error()
}

/// Lists the devices: a JSON array of {"device": "cpu", "works": true, "problem": null, "name": null}; the name is
/// that of a graphics card. Cards are tried with a small computation, so the first call can take seconds.
///
/// @param json  receives the text, to be freed with impasto_string_free; unchanged on failure
/// @return IMPASTO_OK, IMPASTO_INVALID_ARGUMENT, IMPASTO_RUNTIME
///
/// # Safety
/// `json` must be null or point to memory for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn impasto_devices(json: *mut *mut c_char) -> i32 {
    guard(|| {
        let devices = runtime::devices()?;
        let list: Vec<_> = devices
            .into_iter()
            .map(|d| {
                let works = d.problem.is_none();
                serde_json::json!({ "device": d.device, "works": works, "problem": d.problem, "name": d.name })
            })
            .collect();
        // SAFETY: as the caller promises.
        unsafe { give("json", json, &serde_json::json!(list)) }
    })
}

/// Lists the models that can be named: a JSON array of {"name": "compact", "path": null, "default": true};
/// path is null for those inside the library.
///
/// @param json  receives the text, to be freed with impasto_string_free; unchanged on failure
/// @return IMPASTO_OK, IMPASTO_INVALID_ARGUMENT
///
/// # Safety
/// `json` must be null or point to memory for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn impasto_models(json: *mut *mut c_char) -> i32 {
    guard(|| {
        let list: Vec<_> = models::list()
            .into_iter()
            .map(|m| serde_json::json!({ "path": m.path, "default": m.name == models::DEFAULT, "name": m.name }))
            .collect();
        // SAFETY: as the caller promises.
        unsafe { give("json", json, &serde_json::json!(list)) }
    })
}

/// The JSON Schema (draft 2020-12) of the parameters of a job: for each its description, type, range and
/// default, and under "presets" what each preset stands for. A host can build its dialog from it.
///
/// @param json  receives the text, to be freed with impasto_string_free; unchanged on failure
/// @return IMPASTO_OK, IMPASTO_INVALID_ARGUMENT
///
/// # Safety
/// `json` must be null or point to memory for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn impasto_params_schema(json: *mut *mut c_char) -> i32 {
    // SAFETY: as the caller promises.
    guard(|| unsafe { give("json", json, params::schema()) })
}

/// Makes an engine. It reads the model and tries the device, which takes from a moment to seconds; make it
/// once and use it for many jobs.
///
/// @param options  JSON, or NULL for the defaults: {"model": "compact" or a file, "device": "auto", "cpu",
///                 "cuda", "cuda:N" or "webgpu" (any graphics card), "threads": 0 for one per core, "memory":
///                 the most bytes that a job may need, or null for most of what is free}
/// @param engine   receives the engine, to be freed with impasto_engine_free; unchanged on failure
/// @return IMPASTO_OK, IMPASTO_INVALID_ARGUMENT, IMPASTO_PARAMETERS, IMPASTO_MODEL, IMPASTO_RUNTIME
///
/// # Safety
/// `options` must be null or a string that ends in NUL; `engine` null or memory for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn impasto_engine_new(options: *const c_char, engine: *mut *mut ImpastoEngine) -> i32 {
    guard(|| {
        // SAFETY: as the caller promises.
        let options = match unsafe { text("options", options) }? {
            Some(json) => EngineOptions::from_json(json)?,
            None => EngineOptions::default(),
        };
        if engine.is_null() || !engine.is_aligned() {
            return Err(Failure::argument("engine is NULL; expected where to put the new engine"));
        }
        let made = Box::new(Engine::new(&options)?);
        // SAFETY: checked above, and as the caller promises.
        unsafe { *engine = Box::into_raw(made).cast() };
        Ok(IMPASTO_OK)
    })
}

/// Frees an engine. No job may be running on it. NULL is ignored.
///
/// # Safety
/// `engine` must be null or come from `impasto_engine_new` and not be freed already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn impasto_engine_free(engine: *mut ImpastoEngine) {
    guard(|| {
        if !engine.is_null() {
            // SAFETY: as the caller promises.
            drop(unsafe { Box::from_raw(engine.cast::<Engine>()) });
        }
        Ok(IMPASTO_OK)
    });
}

/// What the engine is: JSON {"model": name, "device": the one that was chosen, "threads": N, "provenance": …,
/// "licence": …, "onnxruntime": the library's file}.
///
/// @param json  receives the text, to be freed with impasto_string_free; unchanged on failure
/// @return IMPASTO_OK, IMPASTO_INVALID_ARGUMENT
///
/// # Safety
/// `engine` must be null or a living engine; `json` null or memory for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn impasto_engine_info(engine: *const ImpastoEngine, json: *mut *mut c_char) -> i32 {
    guard(|| {
        // SAFETY: as the caller promises.
        let engine = unsafe { self::engine(engine) }?;
        let manifest = &engine.model().manifest;
        let info = serde_json::json!({
            "model": manifest.name, "device": engine.device(), "threads": engine.threads(),
            "provenance": manifest.provenance, "licence": manifest.licence,
            "onnxruntime": runtime::load()?.display().to_string(),
        });
        // SAFETY: as the caller promises.
        unsafe { give("json", json, &info) }
    })
}

/// Checks a job without running it, in a moment and without looking at pixels, and tells what it would do:
/// JSON {"size": [height, width] of the picture that is worked on, "memory": bytes it is expected to need,
/// "tile": the side of the tiles that it is worked on in, or null for the whole picture at once, "levels": the
/// sizes that it is painted in, the smallest first, each {"size": [height, width], "evaluations": at most,
/// "cost": how long one of them takes, as the number of pixels of a picture that takes as long when it is worked
/// on at once}, "settings": the parameters with nothing left out}. An output of that size gets the result as it
/// is; one of another size gets it resized. A host that knows how long an evaluation takes per pixel, from the
/// seconds of a small job's progress, can tell from "levels" how long a large one will take.
///
/// @param engine  the engine
/// @param job     the job
/// @param json    receives the text, to be freed with impasto_string_free; unchanged on failure. May be NULL
/// @return IMPASTO_OK or what impasto_stylise would return for this job before it begins
///
/// # Safety
/// As `impasto_stylise`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn impasto_plan(
    engine: *const ImpastoEngine,
    job: *const ImpastoJob,
    json: *mut *mut c_char,
) -> i32 {
    guard(|| {
        // SAFETY: as the caller promises.
        let (engine, job) = unsafe { (self::engine(engine)?, job::checked(job)?) };
        let plan = job.plan(engine)?;
        if json.is_null() {
            return Ok(IMPASTO_OK);
        }
        let plan = serde_json::to_value(plan).map_err(|e| Failure::internal(e.to_string()))?;
        // SAFETY: as the caller promises.
        unsafe { give("json", json, &plan) }
    })
}

/// The check of a job that every call begins with, for the fuzzer; not part of the C ABI.
///
/// # Safety
/// As `impasto_stylise`.
#[doc(hidden)]
pub unsafe fn check(job: *const ImpastoJob) -> i32 {
    // SAFETY: as the caller promises.
    guard(|| unsafe { job::checked(job) }.map(|_| IMPASTO_OK))
}

/// Runs a job and returns when it has ended. Several threads may do so at the same time, with one engine or
/// several.
///
/// The output's pixels are written only when the status is IMPASTO_OK or IMPASTO_CANCELLED_WITH_PICTURE, and
/// then all of them at the end; otherwise they are as before. Pixels that the mask leaves out or that are
/// transparent stay, byte by byte, if the output has the content's size and format.
///
/// @param engine  the engine
/// @param job     pictures, parameters and callback; only read
/// @param report  receives JSON with the settings, the loss of each evaluation and timings, to be freed with
///                impasto_string_free; unchanged unless the output is written. May be NULL
/// @return IMPASTO_OK, IMPASTO_CANCELLED, IMPASTO_CANCELLED_WITH_PICTURE, or what went wrong
///
/// # Safety
/// `engine` must be null or a living engine. `job` must be null or point to a job whose pointers are null or
/// valid for what they describe, and that nobody changes during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn impasto_stylise(
    engine: *const ImpastoEngine,
    job: *const ImpastoJob,
    report: *mut *mut c_char,
) -> i32 {
    guard(|| {
        // SAFETY: as the caller promises.
        let (engine, job) = unsafe { (self::engine(engine)?, job::checked(job)?) };
        // SAFETY: as the caller promises.
        let (status, told) = unsafe { job.run(engine) }?;
        if let (Some(told), false) = (told, report.is_null()) {
            let told = serde_json::to_value(told).map_err(|e| Failure::internal(e.to_string()))?;
            // SAFETY: as the caller promises.
            unsafe { give("report", report, &told) }?;
        }
        Ok(status)
    })
}

/// Frees a text that a function of this library has given. NULL is ignored.
///
/// # Safety
/// `text` must be null or come from this library and not be freed already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn impasto_string_free(text: *mut c_char) {
    guard(|| {
        if !text.is_null() {
            // SAFETY: as the caller promises.
            drop(unsafe { CString::from_raw(text) });
        }
        Ok(IMPASTO_OK)
    });
}

/// Sends what the library and ONNX Runtime have to say to a callback; nothing is ever printed. It may be
/// called on any thread, also on several at once, until it is replaced; NULL turns it off. A call that has
/// begun may end after this function returns, so user_data is only freed when no job runs. The setting holds
/// for the whole process.
///
/// @param callback   takes level, text and user_data
/// @param level      the least important level that is sent: IMPASTO_LOG_ERROR to IMPASTO_LOG_DEBUG
/// @param user_data  passed on; it must be usable from any thread
#[unsafe(no_mangle)]
pub extern "C" fn impasto_set_log(callback: ImpastoLogCallback, level: u32, user_data: *mut c_void) {
    guard(|| {
        log::set(callback, level, user_data);
        Ok(IMPASTO_OK)
    });
}

/// # Safety
/// `engine` must be null or a living engine.
unsafe fn engine<'a>(engine: *const ImpastoEngine) -> Result<&'a Engine, Failure> {
    // What the host knows as an ImpastoEngine is an Engine.
    let engine = engine.cast::<Engine>();
    if !engine.is_aligned() {
        return Err(Failure::argument("engine is not an engine"));
    }
    // SAFETY: as the caller promises.
    let engine = unsafe { engine.as_ref() };
    engine.ok_or_else(|| Failure::argument("engine is NULL; expected one from impasto_engine_new"))
}

/// A string from outside; None for null.
///
/// # Safety
/// `text` must be null or end in NUL and live as long as the result is used.
unsafe fn text<'a>(name: &str, text: *const c_char) -> Result<Option<&'a str>, Failure> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller promises.
    let bytes = unsafe { CStr::from_ptr(text) };
    bytes.to_str().map(Some).map_err(|e| Failure::argument(format!("{name} is not UTF-8: {e}")))
}

/// Hands a JSON text to the caller.
///
/// # Safety
/// `to` must be null or memory for a pointer.
unsafe fn give(name: &str, to: *mut *mut c_char, json: &serde_json::Value) -> Result<i32, Failure> {
    if to.is_null() || !to.is_aligned() {
        return Err(Failure::argument(format!("{name} is NULL; expected where to put the text")));
    }
    let text = CString::new(json.to_string()).map_err(|e| Failure::internal(e.to_string()))?;
    // SAFETY: as the caller promises.
    unsafe { *to = text.into_raw() };
    Ok(IMPASTO_OK)
}
