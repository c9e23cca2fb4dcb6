//! The library, opened as a host opens it, with the structs of `impasto_abi`. That these are the ones of
//! include/impasto.h is what `layout` tests.

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::PathBuf;
use std::sync::OnceLock;

pub use impasto_abi::{
    IMPASTO_CANCELLED as CANCELLED, IMPASTO_CANCELLED_WITH_PICTURE as CANCELLED_WITH_PICTURE,
    IMPASTO_INVALID_ARGUMENT as INVALID_ARGUMENT, IMPASTO_MEMORY as MEMORY, IMPASTO_MODEL as MODEL,
    IMPASTO_OK as OK, IMPASTO_PARAMETERS as PARAMETERS, IMPASTO_PICTURE as PICTURE,
    IMPASTO_RUNTIME as RUNTIME, ImpastoEngine as Engine, ImpastoJob as Job,
    ImpastoLogCallback as LogCallback, ImpastoPicture as Picture, ImpastoProgress as Progress,
    ImpastoStyle as Style,
};
use libloading::{Library, Symbol};

/// The library's functions.
pub struct Api {
    library: Library,
}

macro_rules! functions {
    ($($name:ident: fn($($arg:ident: $type:ty),*) $(-> $out:ty)?;)*) => {
        impl Api {
            $(pub fn $name(&self, $($arg: $type),*) $(-> $out)? {
                // SAFETY: the types are those of include/impasto.h.
                unsafe {
                    let f: Symbol<unsafe extern "C" fn($($type),*) $(-> $out)?> =
                        self.library.get(concat!("impasto_", stringify!($name), "\0").as_bytes()).expect("a function");
                    f($($arg),*)
                }
            })*
        }
    };
}

functions! {
    abi: fn() -> u32;
    version: fn() -> *const c_char;
    last_error: fn() -> *const c_char;
    devices: fn(json: *mut *mut c_char) -> i32;
    models: fn(json: *mut *mut c_char) -> i32;
    params_schema: fn(json: *mut *mut c_char) -> i32;
    engine_new: fn(options: *const c_char, engine: *mut *mut Engine) -> i32;
    engine_free: fn(engine: *mut Engine);
    engine_info: fn(engine: *const Engine, json: *mut *mut c_char) -> i32;
    plan: fn(engine: *const Engine, job: *const Job, json: *mut *mut c_char) -> i32;
    stylise: fn(engine: *const Engine, job: *const Job, report: *mut *mut c_char) -> i32;
    string_free: fn(text: *mut c_char);
    set_log: fn(callback: LogCallback, level: u32, user_data: *mut c_void);
}

/// The library's file, if it has been built.
#[allow(clippy::print_stderr, reason = "what is skipped is said")]
pub fn file() -> Option<PathBuf> {
    let named = std::env::var_os("IMPASTO_LIBRARY").map(PathBuf::from);
    let found = named.filter(|f| f.is_file());
    if found.is_none() {
        eprintln!("skipped: the C library is not there; `cargo xtask test` builds it");
    }
    found
}

impl Api {
    pub fn open() -> Option<Api> {
        // SAFETY: the library runs no code when it is opened.
        let library = unsafe { Library::new(file()?) }.expect("the library opens");
        Some(Api { library })
    }

    /// The library, opened once.
    pub fn shared() -> Option<&'static Api> {
        static SHARED: OnceLock<Option<Api>> = OnceLock::new();
        SHARED.get_or_init(Api::open).as_ref()
    }

    pub fn error(&self) -> String {
        // SAFETY: the text lives until the next call on this thread.
        unsafe { CStr::from_ptr(self.last_error()) }.to_str().expect("UTF-8").to_string()
    }

    /// The JSON that a function gives.
    pub fn json(&self, call: impl FnOnce(&Api, *mut *mut c_char) -> i32) -> serde_json::Value {
        let mut text = std::ptr::null_mut();
        let status = call(self, &mut text);
        assert_eq!(status, OK, "{}", self.error());
        // SAFETY: the library has given it.
        let json = serde_json::from_slice(unsafe { CStr::from_ptr(text) }.to_bytes()).expect("JSON");
        self.string_free(text);
        json
    }

    pub fn engine(&self, options: &str) -> *mut Engine {
        let options = CString::new(options).expect("no NUL");
        let mut engine = std::ptr::null_mut();
        let status = self.engine_new(options.as_ptr(), &mut engine);
        assert_eq!(status, OK, "{}", self.error());
        engine
    }

    /// An engine for small jobs.
    pub fn small(&self) -> *mut Engine {
        self.engine(r#"{"device": "cpu", "threads": 2}"#)
    }
}
