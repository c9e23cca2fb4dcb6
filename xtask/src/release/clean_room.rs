//! Where a release is built: in a clean clone of the commit, whose folder is the same for everybody. The names in a program and
//! the texts of its panics depend on the folders in which it was built, so that elsewhere the bytes would be others.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, dist, onnxruntime, root, run};

/// The folder, which is deleted before and after.
fn folder() -> PathBuf {
    match cfg!(unix) {
        true => PathBuf::from("/var/tmp/impasto-release"),
        false => std::env::temp_dir().join("impasto-release"),
    }
}

/// Whether this program was built in it.
pub fn is_here() -> bool {
    root() == folder()
}

/// Builds the release in it, and puts the archives into the folder `to`.
pub fn build(version: &str, to: &Path) -> Result<()> {
    let room = folder();
    let problem = |e: std::io::Error| format!("{}: {e}", room.display());
    if room.symlink_metadata().is_ok() {
        std::fs::remove_dir_all(&room).map_err(problem)?;
    }
    // Nobody else can put anything into a folder that was made just now.
    std::fs::create_dir(&room).map_err(problem)?;
    run::all(Command::new("git").args(["clone", "--quiet"]).arg(root()).arg(&room))?;
    let mut release = Command::new(run::cargo());
    // Whether this version is ready was asked before.
    release.args(["run", "--quiet", "--package", "xtask", "--", "release", version, "--trial"]);
    release.current_dir(&room).env_remove("CARGO_TARGET_DIR");
    run::all(release.env(run::FLAGS, format!("--remap-path-prefix={}=/cargo", run::cargo_home().display())))?;
    let made = room.join("target").join("dist").join(to.file_name().unwrap_or_default());
    onnxruntime::files(&made)?.iter().try_for_each(|file| dist::copy(file, to, None))?;
    std::fs::remove_dir_all(&room).map_err(problem)
}
