//! The border to the host: nothing unwinds across it, and what went wrong is kept for `impasto_last_error`.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::ffi::{CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use impasto::Error;
use impasto_abi::*;

/// A status with its message.
#[derive(Debug)]
pub struct Failure {
    pub status: i32,
    pub message: String,
}

impl Failure {
    pub fn new(status: i32, message: impl Into<String>) -> Self {
        Failure { status, message: message.into() }
    }

    pub fn argument(message: impl Into<String>) -> Self {
        Failure::new(IMPASTO_INVALID_ARGUMENT, message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Failure::new(IMPASTO_INTERNAL, message)
    }

    /// From what a panic carries.
    pub fn panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        Failure::internal(format!("a fault in libimpasto, please report it: {text}"))
    }
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        let status = match &e {
            Error::Parameters(_) => IMPASTO_PARAMETERS,
            Error::Picture { .. } => IMPASTO_PICTURE,
            Error::Model(_) | Error::NoSuchModel { .. } | Error::Fetch { .. } => IMPASTO_MODEL,
            Error::Runtime(_) | Error::Device(_) => IMPASTO_RUNTIME,
            Error::Memory { .. } | Error::OutOfMemory(_) => IMPASTO_MEMORY,
            Error::Cancelled => IMPASTO_CANCELLED,
            _ => IMPASTO_INTERNAL,
        };
        Failure::new(status, e.to_string())
    }
}

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
    /// How many functions of this library the thread is in.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

pub fn last_error() -> *const c_char {
    LAST.try_with(|last| last.borrow().as_ptr()).unwrap_or(c"".as_ptr())
}

/// Runs the body of a function of the ABI.
pub fn guard(body: impl FnOnce() -> Result<i32, Failure>) -> i32 {
    quiet_panics();
    let deeper = |by: isize| DEPTH.try_with(|d| d.set(d.get().wrapping_add_signed(by)));
    // A thread that is past its end has no thread-local values; there is nothing to remember then.
    let _ = deeper(1);
    let result = catch_unwind(AssertUnwindSafe(body));
    let _ = deeper(-1);
    let result = result.unwrap_or_else(|payload| Err(Failure::panic(&*payload)));
    result.unwrap_or_else(|failure| {
        let text: Vec<u8> = failure.message.into_bytes().into_iter().filter(|&b| b != 0).collect();
        let text = CString::new(text).unwrap_or_default();
        let _ = LAST.try_with(|last| last.replace(text));
        failure.status
    })
}

/// Panics of this library's threads go to the log and not to standard error. The hook is that of this
/// library's own copy of Rust's standard library; the host's, if it is Rust too, stays as it is.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let inside = DEPTH.try_with(Cell::get).unwrap_or(0) > 0;
            let ours = std::thread::current().name().is_some_and(|n| n.starts_with("impasto"));
            if inside || ours {
                tracing::error!("{info}");
            } else {
                before(info);
            }
        }));
    });
}
