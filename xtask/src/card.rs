//! The tests of what runs on a CUDA card, for machines that have none: ONNX Runtime's CUDA provider with libraries of our own in
//! the place of NVIDIA's (tests/card/fake), whose card is the computer's memory and processor.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, onnxruntime, root, run, target};

/// The names under which the provider, and Impasto, look for NVIDIA's libraries.
const NAMES: [&str; 7] = [
    "libcuda.so.1",
    "libcudart.so.13",
    "libcublas.so.13",
    "libcublasLt.so.13",
    "libcurand.so.10",
    "libcudnn.so.9",
    "libnvidia-ml.so.1",
];

pub fn test(arguments: &[String]) -> Result<()> {
    let mut command = Command::new(run::cargo());
    command.args(["test", "--release", "--test", "card"]).args(arguments).current_dir(root());
    run::all(command.env("IMPASTO_TEST_CARD", make()?))
}

/// Makes the folder with ONNX Runtime and the fake libraries, as it would be set up for a card. Programs find all of them
/// with `IMPASTO_ONNXRUNTIME` and `LD_LIBRARY_PATH`.
pub fn make() -> Result<PathBuf> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err("there are fake CUDA libraries for Linux on x86-64 only".into());
    }
    let folder = target().join("card");
    let failed = |path: &Path, e: std::io::Error| format!("{}: {e}", path.display());
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|e| failed(&folder, e))?;
    }
    std::fs::create_dir_all(&folder).map_err(|e| failed(&folder, e))?;
    let mut links = Vec::new();
    for file in onnxruntime::files(&onnxruntime::set_up_without_libraries()?)? {
        links.push((folder.join(file.file_name().unwrap_or_default()), file));
    }
    let fake = folder.join("libfake.so");
    links.extend(NAMES.map(|name| (folder.join(name), fake.clone())));
    let sources = root().join("tests").join("card").join("fake");
    let mut cc = Command::new("cc");
    cc.args(["-std=gnu11", "-O3", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-pthread", "-o"])
        .arg(&fake);
    cc.args(onnxruntime::files(&sources)?.iter().filter(|f| f.extension().is_some_and(|e| e == "c")));
    cc.arg(format!("-Wl,--version-script={}", sources.join("versions.map").display())).arg("-lm");
    run::all(&mut cc)?;
    for (link, to) in links {
        link_to(&to, &link).map_err(|e| failed(&link, e))?;
    }
    Ok(folder)
}

#[cfg(unix)]
fn link_to(to: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(to, link)
}

#[cfg(not(unix))]
fn link_to(to: &Path, link: &Path) -> std::io::Result<()> {
    std::fs::copy(to, link).map(|_| ())
}
