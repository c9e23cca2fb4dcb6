//! Helpers of the harness.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use impasto::onnx::graph::Graph;
use impasto::runtime::{Backend, Session, Tensor};
use impasto::{Device, Engine, EngineOptions};

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn sample(name: &str) -> PathBuf {
    root().join("assets").join("sample").join(name)
}

pub fn fixture(name: &str) -> PathBuf {
    root().join("tests").join("fixtures").join(name)
}

pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

pub fn impasto() -> Command {
    Command::new(env!("CARGO_BIN_EXE_impasto"))
}

/// A quick job on the sample pictures, to be completed.
pub fn quick(output: &Path) -> Command {
    let mut command = impasto();
    command.arg(sample("cat.png")).arg(sample("whirls.jpg")).arg("-o").arg(output);
    command.args(["--size", "64", "--iterations", "6", "--device", "cpu", "--threads", "2", "--quiet"]);
    command
}

/// An engine on the CPU with two threads.
pub fn engine(model: &str) -> Engine {
    let options =
        EngineOptions { model: model.to_string(), device: Device::Cpu, threads: 2, ..Default::default() };
    Engine::new(&options).expect("an engine")
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a command that is expected to succeed.
pub fn succeed(command: &mut Command) -> Output {
    let output = command.output().expect("the command starts");
    assert!(output.status.success(), "{command:?}: {:?}\n{}", output.status, stderr(&output));
    output
}

/// The names in a folder, hidden ones too.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Python with onnx and onnxruntime, where `cargo xtask test` has set it up; with PyTorch if asked.
pub fn python(torch: bool) -> Option<Command> {
    let packages = std::env::var_os("IMPASTO_PYTHONPATH")?;
    let program = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let mut command = Command::new(program);
    command.env("PYTHONPATH", packages);
    if torch {
        let mut probe = Command::new(command.get_program());
        if !probe.args(["-c", "import torch"]).output().is_ok_and(|o| o.status.success()) {
            return None;
        }
    }
    Some(command)
}

#[allow(clippy::print_stderr, reason = "what is skipped is said")]
pub fn skipped(what: &str) {
    eprintln!("skipped: {what}");
}

/// Repeatable numbers in 0..1, nothing like a picture.
pub fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_769).wrapping_add(1);
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32
        })
        .collect()
}

/// A graph on the CPU.
pub struct Run(Session);

/// What a run gives, by name.
pub type Values = std::collections::HashMap<String, (Vec<usize>, Vec<f32>)>;

impl Run {
    pub fn new(graph: &Graph) -> Self {
        let bytes = graph.to_bytes("test", "", &[]);
        Run(Session::new(&bytes, &Backend { threads: 2, ..Backend::new(Device::Cpu) })
            .expect("the graph loads"))
    }

    pub fn with(&mut self, inputs: &[(&str, &[usize], &[f32])]) -> Values {
        let inputs: Vec<(&str, Tensor)> =
            inputs.iter().map(|&(name, dims, values)| (name, Tensor { dims, values })).collect();
        let outputs = self.0.run(&inputs).expect("the graph runs");
        outputs.into_iter().map(|o| (o.name, (o.dims, o.values))).collect()
    }
}
