//! Other programs.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::Result;

/// Runs a command to its end and fails if it does.
pub fn all(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|e| format!("{name} cannot be started: {e}; is it installed?"))?;
    if status.success() { Ok(()) } else { Err(format!("{name} failed ({status})")) }
}

/// What a command writes to its standard output.
pub fn text(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|e| format!("{name} cannot be started: {e}; is it installed?"))?;
    if !output.status.success() {
        return Err(format!("{name} failed ({})", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The Python to use: what PYTHON names, else `python3` (`python` on Windows).
pub fn python() -> OsString {
    let usual = if cfg!(windows) { "python" } else { "python3" };
    std::env::var_os("PYTHON").filter(|p| !p.is_empty()).unwrap_or_else(|| usual.into())
}

/// The cargo that runs this program.
pub fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The variable in which cargo takes flags for rustc.
pub const FLAGS: &str = "CARGO_ENCODED_RUSTFLAGS";

/// Where cargo keeps the sources of what it has downloaded.
pub fn cargo_home() -> PathBuf {
    folder_of_the_user("CARGO_HOME", ".cargo")
}

/// The folder that a variable names, else one in the user's home.
pub fn folder_of_the_user(variable: &str, usual: &str) -> PathBuf {
    let named = std::env::var_os(variable).map(PathBuf::from);
    named.unwrap_or_else(|| dirs::home_dir().unwrap_or_default().join(usual))
}
