//! `cargo xtask check-macos`: whether the code for macOS compiles, where there is no Mac. The standard library for it is compiled
//! along, from the sources that lie in the root directory for Windows. Nothing is linked, and no C code is compiled.

use crate::windows::Windows;
use crate::{Result, run, target};

const TARGET: &str = "aarch64-apple-darwin";

/// Checks the command and the C library.
pub fn check() -> Result<()> {
    let place = Windows::make()?;
    place.fetch()?;
    let mut check = place.command("env");
    check.args(["RUSTC=/usr/bin/rustc", "RUSTC_BOOTSTRAP=1"]);
    // There is no compiler of C for it. What one would make is needed only by a linker.
    for tool in ["CC", "AR"] {
        check.arg(format!("{tool}_aarch64_apple_darwin=/usr/bin/true"));
    }
    check.arg(format!("CARGO_TARGET_DIR={}", target().join("macos").display()));
    check.args(["/usr/bin/cargo", "check", "--offline", "--locked"]);
    check.args([
        "-Zbuild-std=std,panic_unwind",
        "--target",
        TARGET,
        "--package",
        "impasto",
        "--package",
        "impasto-ffi",
    ]);
    run::all(&mut check)
}
