//! Jobs of the command on a device and what came of them, for the tests of CUDA and of WebGPU.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

pub fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join("sample").join(name)
}

pub fn succeed(command: &mut Command) -> Output {
    let output = command.output().expect("the command starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {:?}\n{errors}", output.status);
    output
}

pub fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON")
}

/// A finished job.
pub struct Job {
    pub report: Value,
    /// What the card counted; nothing on the CPU.
    pub counts: Value,
    pub picture: image::RgbImage,
    pub said: String,
}

impl Job {
    pub fn losses(&self) -> Vec<f64> {
        let losses = self.report["losses"].as_array().expect("losses");
        losses.iter().map(|v| v.as_f64().expect("a number")).collect()
    }

    pub fn count(&self, what: &str) -> i64 {
        self.counts[what].as_i64().unwrap_or_else(|| panic!("no count of {what}: {}", self.counts))
    }

    /// The mean and the largest difference of 8-bit values.
    pub fn apart(&self, other: &Job) -> (f64, u8) {
        assert_eq!(self.picture.dimensions(), other.picture.dimensions());
        let each = self.picture.as_raw().iter().zip(other.picture.as_raw()).map(|(a, b)| a.abs_diff(*b));
        let sum: f64 = each.clone().map(f64::from).sum();
        (sum / self.picture.as_raw().len() as f64, each.max().unwrap_or(0))
    }
}

/// A job at one size on the sample pictures, by the command that `impasto` makes for a folder. `set` completes it.
pub fn job(
    impasto: fn(&Path) -> Command,
    device: &str,
    size: u32,
    evaluations: u32,
    set: impl FnOnce(&mut Command),
) -> Job {
    let folder = tempfile::tempdir().expect("a folder");
    let (out, report) = (folder.path().join("out.png"), folder.path().join("report.json"));
    let mut command = impasto(folder.path());
    command.arg(sample("cat.png")).arg(sample("whirls.jpg")).arg("-o").arg(&out);
    command.args(["--size", &size.to_string(), "--iterations", &evaluations.to_string(), "--levels", "1"]);
    command.args(["--device", device, "--threads", "2", "--progress", "none", "--report"]).arg(&report);
    set(&mut command);
    let output = succeed(&mut command);
    let counts = folder.path().join("counts.json");
    Job {
        report: json(&report),
        counts: if counts.is_file() { json(&counts) } else { Value::Null },
        picture: image::open(&out).expect("a picture").to_rgb8(),
        said: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Taps that see little of a picture, so that small pictures have several tiles.
pub const SHALLOW: [&str; 4] = ["--style-taps", "relu1_1,relu2_1,relu3_1", "--content-taps", "relu3_2"];

/// A mask for the sample: white on the left, grey to black on the right.
pub fn mask(folder: &Path) -> PathBuf {
    let path = folder.join("mask.png");
    let (width, height) = image::image_dimensions(sample("cat.png")).expect("a picture");
    let shade = |x: u32, _| image::Luma([255 - (2 * x.saturating_sub(width / 3)).min(255) as u8]);
    image::GrayImage::from_fn(width, height, shade).save(&path).expect("a mask");
    path
}

/// Settings that lead to graphs of other kinds.
pub fn kinds(folder: &Path) -> Vec<Vec<String>> {
    let mask = mask(folder).display().to_string();
    let other = sample("coffee.png").display().to_string();
    let kinds: [&[&str]; 6] = [
        &[],
        &["--style-loss", "moments"],
        &["--padding", "replicate", "--tv-weight", "1000"],
        &["--pooling", "average", "--colours", "content"],
        &["--mask", &mask],
        &["--region", &mask, "--blend", &other],
    ];
    kinds.iter().map(|kind| kind.iter().map(|s| s.to_string()).collect()).collect()
}
