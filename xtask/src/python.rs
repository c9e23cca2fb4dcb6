//! `cargo xtask test-python`: the wheel in an environment that has nothing else, as a user has it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, onnxruntime, root, run, target, wheel};

/// What the tests need besides the wheel and what pip gets with it.
const TOOLS: [&str; 3] = ["pytest==9.2.0", "mypy==2.4.1", "typing_extensions"];

/// Makes the wheel and a fresh virtual environment, installs the wheel as a user would, and runs `python/tests` there.
pub fn test(arguments: &[String]) -> Result<()> {
    let wheel = wheel::make()?;
    // Names as homes have them.
    let room = target().join("python").join("Käthe's files");
    let failed = |path: &Path, e: std::io::Error| format!("{}: {e}", path.display());
    if room.exists() {
        std::fs::remove_dir_all(&room).map_err(|e| failed(&room, e))?;
    }
    let home = room.join("home");
    std::fs::create_dir_all(&home).map_err(|e| failed(&home, e))?;
    let environment = room.join("environment");
    run::all(Command::new(run::python()).args(["-m", "venv"]).arg(&environment))?;
    let python = environment.join("bin").join("python");
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    pip.arg(&wheel).args(TOOLS).arg(format!("onnxruntime=={}", onnxruntime::VERSION));
    run::all(&mut pip)
        .map_err(|e| format!("{e}; Python 3.10 or later with venv and a way to PyPI are needed"))?;

    let mut tests = Command::new(&python);
    tests.args(["-m", "pytest", "--quiet", "--import-mode=importlib", "-p", "no:cacheprovider"]);
    tests.arg(root().join("python").join("tests")).args(arguments).current_dir(&home);
    // Neither Rust nor ONNX Runtime but what pip has installed.
    let programs = [environment.join("bin"), PathBuf::from("/usr/bin"), PathBuf::from("/bin")];
    let programs = std::env::join_paths(programs).map_err(|e| format!("{}: {e}", environment.display()))?;
    tests.env("PATH", programs).env("HOME", &home).env("PYTHONDONTWRITEBYTECODE", "1");
    for variable in ["IMPASTO_ONNXRUNTIME", "XDG_CACHE_HOME", "LD_LIBRARY_PATH", "PYTHONPATH"] {
        tests.env_remove(variable);
    }
    run::all(tests.env("IMPASTO_WHEEL", wheel))
}
