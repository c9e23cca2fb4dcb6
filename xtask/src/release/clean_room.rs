//! Where and how a release is built, so that a commit always gives the same bytes: in a clean clone, whose folder is the same for
//! everybody, as the names in a program and the texts of its panics depend on the folders in which it was built.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, dist, onnxruntime, root, run};

/// Leaves out the one step of LLVM whose result depends on where its data happen to lie in memory: values that a loop keeps in
/// registers come in another order from build to build (seen in fast_image_resize's loops, with rustc 1.95).
const NO_PROMOTION: &str = "-Cllvm-args=-disable-licm-promotion";

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
    let remap = format!("--remap-path-prefix={}=/cargo", run::cargo_home().display());
    run::all(release.env(run::FLAGS, [remap.as_str(), NO_PROMOTION].join("\u{1f}")))?;
    let made = room.join("target").join("dist").join(to.file_name().unwrap_or_default());
    onnxruntime::files(&made)?.iter().try_for_each(|file| dist::copy(file, to, None))?;
    std::fs::remove_dir_all(&room).map_err(problem)
}
