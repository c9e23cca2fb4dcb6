//! What ONNX Runtime says while it runs. All of it goes to the log. Of what a card's driver reports, much is only said there, and
//! the graph's values are then wrong without an error: so that is counted, and whoever runs a graph looks.

use std::sync::{Arc, Mutex, MutexGuard};

use ort::logging::{LogLevel, LoggerFunction};

use crate::error::Error;

/// How the messages of the WebGPU provider begin.
const DEVICE_ERROR: &str = "WebGPU device error(";
const DEVICE_LOST: &str = "WebGPU device lost (";
/// A device that was closed because nothing uses it any more.
const CLOSED: &str = "WebGPU device lost (2)";

/// The card's errors so far.
#[derive(Default)]
struct Heard {
    count: u64,
    last: String,
}

static HEARD: Mutex<Heard> = Mutex::new(Heard { count: 0, last: String::new() });

fn heard() -> MutexGuard<'static, Heard> {
    HEARD.lock().unwrap_or_else(|e| e.into_inner())
}

/// What ONNX Runtime is given to log with.
pub(super) fn logger() -> LoggerFunction {
    Arc::new(|level, _, _, _, message| {
        let is_error =
            message.contains(DEVICE_ERROR) || message.contains(DEVICE_LOST) && !message.contains(CLOSED);
        if is_error {
            let mut heard = heard();
            heard.count += 1;
            heard.last = message.to_string();
        }
        match level {
            // Whoever runs the graph returns it as an error.
            _ if is_error => tracing::debug!(target: "ort", "{message}"),
            LogLevel::Verbose => tracing::trace!(target: "ort", "{message}"),
            LogLevel::Info => tracing::debug!(target: "ort", "{message}"),
            LogLevel::Warning => tracing::warn!(target: "ort", "{message}"),
            LogLevel::Error | LogLevel::Fatal => tracing::error!(target: "ort", "{message}"),
        }
    })
}

/// Tells whether the card has reported an error.
pub(super) struct Watch {
    seen: u64,
}

impl Watch {
    /// From now on.
    pub fn begin() -> Self {
        Watch { seen: heard().count }
    }

    /// The error that was reported since the last time.
    pub fn error(&mut self) -> Option<Error> {
        let heard = heard();
        let is_new = heard.count > self.seen;
        self.seen = heard.count;
        is_new.then(|| super::session::sorted("the graphics card failed", &heard.last))
    }
}
