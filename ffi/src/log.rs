//! What the library has to say, sent to the host's callback.

use std::ffi::{CString, c_char, c_void};
use std::fmt::Write;
use std::sync::{Once, RwLock};

use impasto_abi::*;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

#[derive(Clone, Copy)]
struct Target {
    callback: unsafe extern "C" fn(u32, *const c_char, *mut c_void),
    level: u32,
    user_data: *mut c_void,
}

// SAFETY: the host promises in `impasto_set_log` that callback and user_data can be used from any thread.
unsafe impl Send for Target {}
// SAFETY: as above.
unsafe impl Sync for Target {}

static TARGET: RwLock<Option<Target>> = RwLock::new(None);

pub fn set(callback: ImpastoLogCallback, level: u32, user_data: *mut c_void) {
    let level = level.clamp(IMPASTO_LOG_ERROR, IMPASTO_LOG_DEBUG);
    let target = callback.map(|callback| Target { callback, level, user_data });
    *TARGET.write().unwrap_or_else(|e| e.into_inner()) = target;
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Fails only if there is a subscriber, which there is only where this crate is linked into a Rust
        // program that has its own.
        let _ = tracing::subscriber::set_global_default(ToHost);
    });
    tracing::callsite::rebuild_interest_cache();
}

fn target(level: u32) -> Option<Target> {
    TARGET.read().unwrap_or_else(|e| e.into_inner()).filter(|t| level <= t.level)
}

fn number(level: &Level) -> u32 {
    match *level {
        Level::ERROR => IMPASTO_LOG_ERROR,
        Level::WARN => IMPASTO_LOG_WARNING,
        Level::INFO => IMPASTO_LOG_INFO,
        _ => IMPASTO_LOG_DEBUG,
    }
}

struct ToHost;

impl Subscriber for ToHost {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && target(number(metadata.level())).is_some()
    }

    fn register_callsite(&self, _: &'static Metadata<'static>) -> tracing::subscriber::Interest {
        tracing::subscriber::Interest::sometimes()
    }

    fn event(&self, event: &Event<'_>) {
        let level = number(event.metadata().level());
        let Some(target) = target(level) else { return };
        let mut text = Text(String::new());
        event.record(&mut text);
        let text = CString::new(text.0.replace('\0', "")).unwrap_or_default();
        // SAFETY: the host promises that the callback can be called with its user_data.
        unsafe { (target.callback)(level, text.as_ptr(), target.user_data) };
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing to a String does not fail.
        let _ = match field.name() {
            "message" => write!(self.0, "{value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}
