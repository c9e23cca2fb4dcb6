//! The exported graphs, read by other programs.

use super::common::{folder, impasto, python, root, skipped, succeed};

fn script(name: &str) -> std::path::PathBuf {
    root().join("tests").join("python").join(name)
}

#[test]
fn are_accepted_by_onnx_checker_and_run_in_python() {
    let Some(mut python) = python(false) else {
        return skipped("onnx.checker on the exported graphs; run `cargo xtask test`");
    };
    let to = folder();
    for model in ["compact", "vgg19-random"] {
        for pooling in ["max", "average"] {
            let out = to.path().join(format!("{model}-{pooling}"));
            succeed(
                impasto()
                    .args(["model", "export", model, "--pooling", pooling, "--tv-weight", "10", "-o"])
                    .arg(&out),
            );
            python.arg(out);
        }
    }
    let folders: Vec<_> = python.get_args().map(|a| a.to_owned()).collect();
    let mut command = super::common::python(false).expect("as before");
    succeed(command.arg(script("check_export.py")).args(folders));
}

/// docs/graph.md and docs/measuring.md name this command too.
#[test]
fn agree_with_pytorch_autograd_on_full_depth_vgg19() {
    let Some(mut python) = python(true) else {
        return skipped("the comparison with PyTorch's autograd; PYTHON names no Python that has torch");
    };
    let to = folder();
    succeed(impasto().args(["model", "export", "vgg19-random", "-o"]).arg(to.path()));
    let output = succeed(python.arg(script("autograd.py")).arg(to.path()));
    eprintln!("{}", String::from_utf8_lossy(&output.stdout));
}
