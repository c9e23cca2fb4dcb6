//! Gives the shared library its name for the dynamic linker, and keeps it in a process that has used it.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let abi = std::env::var("CARGO_PKG_VERSION_MAJOR").unwrap_or_default();
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let environment = std::env::var("CARGO_CFG_TARGET_ENV").unwrap_or_default();
    if os == "linux" {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libimpasto.so.{abi}");
        // Threads may still be on their way out when the host closes the library: its code must stay.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    } else if os == "macos" {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libimpasto.{abi}.dylib");
    } else if os == "windows" && environment == "gnu" {
        // The engine keeps it in the process there (`runtime/own_file.rs`).
        let out = std::env::var("OUT_DIR").unwrap_or_default();
        let file = std::path::Path::new(&out).join("impasto.def");
        match std::fs::write(&file, "LIBRARY impasto.dll\n") {
            Ok(()) => println!("cargo:rustc-cdylib-link-arg={}", file.display()),
            Err(e) => println!("cargo:warning={}: {e}", file.display()),
        }
    }
}
