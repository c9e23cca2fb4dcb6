//! The tests of what runs on any graphics card, for machines that have none: ONNX Runtime's WebGPU provider with Mesa's Vulkan
//! driver that computes on the processor, of a Debian 13 in a root directory (`root_directory`), behind a Vulkan loader of our own that
//! can make faults (tests/webgpu/faulty.c).

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::root_directory::{Contents, Root};
use crate::{Result, dist, onnxruntime, root, run, target};

/// Debian 12's Mesa is too old for the provider.
const ROOT: Contents = Contents {
    folder: "vulkan-root",
    title: "a Vulkan driver",
    packages: "ca-certificates,libvulkan1,mesa-vulkan-drivers",
    hook: None,
};

pub fn test(arguments: &[String]) -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err("these tests are for Linux on x86-64 only".into());
    }
    let folder = target().join("webgpu");
    make(&folder)?;
    let tests = build()?;
    let place = Root::find(&ROOT, true)?.ok_or("there is no root directory")?;
    let mut command = place.command("env");
    command.arg(format!("IMPASTO_TEST_WEBGPU={}", folder.display())).arg(tests).args(arguments);
    run::all(&mut command)
}

/// Lays out what the tests need where the root directory has it too: both ways to the provider, the loader with faults, and a C
/// program.
fn make(folder: &Path) -> Result<()> {
    let failed = |path: &Path, e: std::io::Error| format!("{}: {e}", path.display());
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(|e| failed(folder, e))?;
    }
    for (from, name) in onnxruntime::set_up_for_webgpu_tests()?.iter().zip(["plug-in", "inside"]) {
        for file in onnxruntime::files(from)? {
            dist::copy(&file, &folder.join(name), None)?;
        }
    }
    let sources = root().join("tests").join("webgpu");
    let faulty = folder.join("faulty");
    std::fs::create_dir_all(&faulty).map_err(|e| failed(&faulty, e))?;
    let mut cc = Command::new("cc");
    cc.args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden"]);
    cc.arg("-pthread").arg(sources.join("faulty.c")).arg("-o").arg(faulty.join("libvulkan.so.1")).arg("-ldl");
    run::all(&mut cc)?;
    dist::build_c_library()?;
    let library = folder.join("lib");
    dist::copy(&crate::c_library(), &library, Some(&dist::library_name()))?;
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-O1", "-Wall", "-I"]).arg(root().join("include"));
    cc.arg(root().join("ffi/examples/stylise.c")).arg(library.join(dist::library_name()));
    run::all(cc.arg("-o").arg(folder.join("stylise")))
}

/// Builds the tests and returns their program.
fn build() -> Result<PathBuf> {
    let mut cargo = Command::new(run::cargo());
    cargo.args(["test", "--release", "--test", "webgpu", "--no-run", "--message-format", "json"]);
    let said = run::text(cargo.current_dir(root()))?;
    let program = said.lines().filter(|line| line.contains("\"name\":\"webgpu\"")).find_map(|line| {
        let (_, rest) = line.split_once("\"executable\":\"")?;
        Some(PathBuf::from(rest.split('"').next()?))
    });
    program.ok_or_else(|| "cargo names no program of the tests".into())
}
