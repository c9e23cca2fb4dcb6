//! `cargo xtask test-windows`: what users of Windows get, tried under Wine.

use std::process::Command;

use super::build::{Speed, Windows};
use super::{gimp, layout};
use crate::{Result, binary, build, dist, onnxruntime, root, run, target};

/// Packs archive, wheel and GIMP's filter as for users, but with few optimisations, and runs `tests/windows/run.py` on them in the
/// root directory.
pub fn test(arguments: &[String]) -> Result<()> {
    let filter = gimp::archive(Speed::Quick, true)?.ok_or("there is no root directory with GIMP")?;
    let (archive, wheel) = (layout::archive(Speed::Quick)?, layout::wheel(Speed::Quick)?);
    let work = target().join("windows-test");
    if work.exists() {
        std::fs::remove_dir_all(&work).map_err(|e| format!("{}: {e}", work.display()))?;
    }
    std::fs::create_dir_all(&work).map_err(|e| format!("{}: {e}", work.display()))?;

    for file in onnxruntime::files(&onnxruntime::set_up_for_windows_tests()?)? {
        dist::copy(&file, &work.join("webgpu"), None)?;
    }

    // What the same command paints here.
    build()?;
    let sample = root().join("assets").join("sample");
    let mut paint = Command::new(binary());
    paint.arg(sample.join("cat.png")).arg(sample.join("whirls.jpg")).arg("-o").arg(work.join("linux.png"));
    paint.args(["--size", "96", "--iterations", "5", "--device", "cpu", "--threads", "2", "--quiet"]);
    run::all(paint.env("IMPASTO_ONNXRUNTIME", onnxruntime::set_up(false)?))?;

    let mut tests = Windows::make()?.command("python3");
    tests
        .arg(root().join("tests/windows/run.py"))
        .arg(archive)
        .arg(wheel)
        .arg(filter)
        .arg(work)
        .args(arguments);
    run::all(&mut tests)
}
