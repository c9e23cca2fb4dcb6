//! The structs and constants of libimpasto's C ABI, for the library itself and for programs in Rust that open it.
//! `include/impasto.h` is generated from them: the comments here are those of the header.
//!
//! `IMPASTO_ABI` and the rules for how structs grow are in that header.

#![forbid(unsafe_code)]

mod constants;
mod structs;

pub use constants::*;
pub use structs::*;
