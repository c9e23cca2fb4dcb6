//! The headless harness. It speaks through public doors only: the library's API, the command, and the
//! files that they write. `cargo xtask test` gets what it needs; what is not there is skipped with a line.

mod batch;
mod command;
mod common;
mod controls;
mod exported;
mod faults;
mod fetched;
mod gegl_parameters;
mod gradient;
mod imported;
mod interrupted;
mod levels;
mod libraries;
mod mutated;
mod networks;
mod outputs;
mod parameters;
mod pictures;
mod rules;
mod styles;
#[cfg(target_os = "linux")]
mod terminals;
mod warm_start;
