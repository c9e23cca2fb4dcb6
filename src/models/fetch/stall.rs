//! How long a server may send nothing before it counts as stuck.

use std::time::Duration;

use crate::error::{Error, Result};

/// In seconds; [`STALL_VARIABLE`] changes it.
const STALL: f64 = 30.0;
const STALL_VARIABLE: &str = "IMPASTO_FETCH_TIMEOUT";

/// How long a server may send nothing.
pub(super) fn longest() -> Result<Duration> {
    let Some(text) = std::env::var_os(STALL_VARIABLE).filter(|v| !v.is_empty()) else {
        return Ok(Duration::from_secs_f64(STALL));
    };
    let seconds =
        text.to_str().and_then(|text| text.parse::<f64>().ok()).filter(|s| (0.1..=3600.0).contains(s));
    let seconds = seconds.ok_or_else(|| {
        let text = text.to_string_lossy();
        Error::Parameters(format!("{STALL_VARIABLE} is '{text}', expected seconds from 0.1 to 3600"))
    })?;
    Ok(Duration::from_secs_f64(seconds))
}

/// Whether a server sent nothing for too long.
pub(super) fn is_stall(e: &ureq::Error) -> bool {
    matches!(e, ureq::Error::Timeout(_)) || matches!(e, ureq::Error::Io(e) if is_stalled_read(e))
}

/// The same of a read: `ureq` wraps its own errors then.
pub(super) fn is_stalled_read(e: &std::io::Error) -> bool {
    match e.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
        Some(e) => is_stall(e),
        None => matches!(e.kind(), std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock),
    }
}
