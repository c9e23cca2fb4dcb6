//! One job that the tests of every host paint, `tests/hosts/job.json`, and the command's picture of it, which theirs
//! is compared with.

use std::path::Path;
use std::process::Command;

use crate::{Result, binary, build, root, run};

/// The content's width and height in pixels. The longer side is the job's `size`, so that no host resizes.
const SIZE: [u32; 2] = [72, 54];

/// Makes the folder with `content.png`, and `wanted.png` that the command paints of it. `command` starts a program where the
/// host will run, as another system's C library rounds in another way; `onnxruntime` is a folder that can be seen there.
pub fn reference(folder: &Path, command: impl Fn(&str) -> Command, onnxruntime: &Path) -> Result<()> {
    build()?;
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let sample = root().join("assets/sample/coffee.png");
    let photograph = image::open(&sample).map_err(|e| format!("{}: {e}", sample.display()))?;
    let (content, wanted) = (folder.join("content.png"), folder.join("wanted.png"));
    let small = photograph.thumbnail_exact(SIZE[0], SIZE[1]).to_rgb8();
    small.save(&content).map_err(|e| format!("{}: {e}", content.display()))?;
    let mut paint = command("env");
    paint.arg(format!("IMPASTO_ONNXRUNTIME={}", onnxruntime.display())).arg(binary());
    paint.arg(&content).arg("-o").arg(&wanted).args(["--device", "cpu", "--quiet"]).args(options()?);
    run::all(&mut paint)
}

/// The job as the command's options.
fn options() -> Result<Vec<String>> {
    let path = root().join("tests/hosts/job.json");
    let problem = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let text = std::fs::read_to_string(&path).map_err(|e| problem(&e))?;
    let job: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&text).map_err(|e| problem(&e))?;
    let option = |(name, value): (&String, &serde_json::Value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_string);
        [format!("--{}", name.replace('_', "-")), value]
    };
    Ok(job.iter().flat_map(option).collect())
}
