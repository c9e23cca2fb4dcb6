//! Gives the shared library its name for the dynamic linker, and keeps it in a process that has used it.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let abi = std::env::var("CARGO_PKG_VERSION_MAJOR").unwrap_or_default();
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if os == "linux" {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libimpasto.so.{abi}");
        // Threads may still be on their way out when the host closes the library: its code must stay.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    } else if os == "macos" {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libimpasto.{abi}.dylib");
    }
}
