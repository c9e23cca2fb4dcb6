//! What can be wrong with a picture's file, in words for a person.

use super::super::MOST_PIXELS;

/// Why a file cannot be read, for a person: what it is, or what is wrong, and what to do.
pub(super) type Problem = String;

pub(super) fn check_pixels(width: usize, height: usize) -> std::result::Result<(), Problem> {
    match width.checked_mul(height) {
        Some(pixels) if pixels <= MOST_PIXELS => Ok(()),
        _ => Err(format!("is {width}×{height} pixels; at most {MOST_PIXELS} can be handled")),
    }
}

/// A file that ends too early.
pub(super) fn cut_off() -> Problem {
    "is incomplete: the file is cut off; get it again or save it again".into()
}

/// A file that a decoder refuses, with its reason.
pub(super) fn damaged(reason: &dyn std::fmt::Display) -> Problem {
    let reason = reason.to_string();
    let lower = reason.to_ascii_lowercase();
    if ["unexpected end", "unexpected eof", "fill whole buffer", "truncated", "end of file"]
        .iter()
        .any(|w| lower.contains(w))
    {
        return cut_off();
    }
    if lower.contains("unsupported") || lower.contains("not supported") {
        return format!("cannot be read ({reason}); save it in another way, for instance as PNG");
    }
    format!("cannot be decoded ({reason}); the file may be incomplete or damaged")
}
