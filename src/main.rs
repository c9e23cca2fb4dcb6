//! The `impasto` command.

mod cli;

fn main() -> std::process::ExitCode {
    // ONNX Runtime leaves an identity of the device and a database in the user's cache folder as soon as it is opened, before
    // its telemetry can be turned off through its API.
    // SAFETY: no other thread runs yet.
    unsafe { std::env::set_var("ORT_DISABLE_TELEMETRY", "1") };
    cli::main()
}
