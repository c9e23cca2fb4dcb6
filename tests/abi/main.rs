//! The C library as a host sees it: opened at run time, never linked.
//! `cargo xtask test` builds it and names it in IMPASTO_LIBRARY; where it is not there, that is said and
//! nothing is tested.

mod formats;
mod growth;
mod host;
mod jobs;
mod layout;
mod library;
mod programs;
mod statuses;
mod styles;
