//! Declarations of include/impasto.h, written by hand so that a change of the library's cannot slip into the
//! tests as well, and the opened library.

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::PathBuf;
use std::sync::OnceLock;

use libloading::{Library, Symbol};

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Picture {
    pub data: *mut c_void,
    pub stride: isize,
    pub width: u32,
    pub height: u32,
    pub layout: u32,
    pub sample: u32,
    pub encoding: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Style {
    pub picture: Picture,
    pub weight: f64,
    pub scale: f64,
    pub region: *const Picture,
}

impl Style {
    /// A style that is painted everywhere.
    pub fn of(picture: Picture, weight: f64) -> Self {
        Style { picture, weight, scale: 0.0, region: std::ptr::null() }
    }
}

#[repr(C)]
pub struct Progress {
    pub struct_size: usize,
    pub phase: u32,
    pub evaluations: u32,
    pub planned: u32,
    pub reserved: u32,
    pub loss: f64,
    pub seconds: f64,
    pub seconds_left: f64,
    pub preview: *const Picture,
    pub level: u32,
    pub levels: u32,
    pub width: u32,
    pub height: u32,
}

pub type Callback = unsafe extern "C" fn(*const Progress, *mut c_void) -> i32;
pub type LogCallback = unsafe extern "C" fn(u32, *const c_char, *mut c_void);

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Job {
    pub struct_size: usize,
    pub content: Picture,
    pub output: Picture,
    pub styles: *const Style,
    pub style_count: usize,
    pub mask: *const Picture,
    pub init: *const Picture,
    pub params: *const c_char,
    pub progress: Option<Callback>,
    pub user_data: *mut c_void,
    pub on_cancel: u32,
    pub reserved: u32,
}

pub const OK: i32 = 0;
pub const INVALID_ARGUMENT: i32 = 1;
pub const PARAMETERS: i32 = 2;
pub const PICTURE: i32 = 3;
pub const MODEL: i32 = 4;
pub const RUNTIME: i32 = 5;
pub const MEMORY: i32 = 6;
pub const CANCELLED: i32 = 7;
pub const CANCELLED_WITH_PICTURE: i32 = 8;

/// A living engine; opaque.
pub enum Engine {}

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
    set_log: fn(callback: Option<LogCallback>, level: u32, user_data: *mut c_void);
}

/// The library's file, if it has been built.
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
