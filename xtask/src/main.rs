//! `cargo xtask …`: what a person or a machine does with a checkout, in commands of one word.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "it talks to whoever calls it")]

mod archive;
mod card;
mod circles;
mod deb;
mod dist;
mod gallery;
mod gegl;
mod gimp;
mod gimp_folders;
mod hosts;
mod installed;
mod krita;
mod macos;
mod needs;
mod onnxruntime;
mod python;
mod release;
mod root_directory;
mod run;
mod sbom;
mod test_deb;
mod third_party;
mod webgpu;
mod wheel;
mod windows;
mod zip_file;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::{Parser, ValueEnum};

/// What can go wrong here is for people to read, so a text is enough.
type Result<T> = std::result::Result<T, String>;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "Set-up, demo, tests and benchmarks of Impasto")]
enum Task {
    /// Gets ONNX Runtime from PyPI into the user's cache folder
    Setup {
        /// The build with CUDA (Linux and Windows on x86-64)
        #[arg(long)]
        cuda: bool,
        /// With the plug-in for any graphics card
        #[arg(long)]
        webgpu: bool,
    },
    /// Sets up, builds, and repaints the sample photograph: out/demo.png and out/demo-loss.svg
    Demo,
    /// Sets up, builds, and runs all tests
    Test {
        /// Passed on to `cargo test`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Lays command, C library, header and ONNX Runtime out as a folder that can be moved anywhere, and packs
    /// GIMP's filter and Krita's plug-in
    Dist {
        /// For another system, as archives: x86_64-pc-windows-gnu (on Linux on x86-64, as root)
        #[arg(long, conflicts_with_all = ["prefix", "without_onnxruntime", "deb"])]
        target: Option<Target>,
        /// Into this folder, as `make install` would, instead of target/dist
        #[arg(long)]
        prefix: Option<PathBuf>,
        /// Leaves ONNX Runtime out, where the system has it
        #[arg(long)]
        without_onnxruntime: bool,
        /// Makes Debian packages instead, in target/deb; needs dpkg-deb
        #[arg(long, conflicts_with_all = ["prefix", "without_onnxruntime"])]
        deb: bool,
    },
    /// Makes all archives that this machine can make, with checksums, licences and lists of what they are made of
    Release {
        /// The version that Cargo.toml and CHANGELOG.md have
        version: String,
        /// Only tells what is not ready for a release, and makes the archives all the same
        #[arg(long)]
        trial: bool,
    },
    /// Makes the Debian packages, and tests them in a Debian 13 in a root directory that is made for it
    TestDeb,
    /// Puts the filter for GIMP 3 into the folders of the GIMPs that the user has, those from Flatpak and Snap too
    InstallGimp {
        /// Into this plug-ins folder
        #[arg(long)]
        folder: Option<PathBuf>,
        /// With the build of ONNX Runtime that has CUDA
        #[arg(long)]
        cuda: bool,
    },
    /// Removes the filter from these folders
    UninstallGimp {
        /// From this plug-ins folder
        #[arg(long)]
        folder: Option<PathBuf>,
    },
    /// Tests the filter in a real GIMP 3: this machine's, or one in a root directory that is made for it
    TestGimp {
        /// Passed on to tests/gimp/run.py
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Puts the operation for GEGL, and the command that it calls, into the user's GEGL folder (Linux)
    InstallGegl {
        /// Into this folder, in place of ~/.local/share/gegl-0.4
        #[arg(long)]
        folder: Option<PathBuf>,
        /// With the build of ONNX Runtime that has CUDA
        #[arg(long)]
        cuda: bool,
    },
    /// Removes the operation and its command from that folder
    UninstallGegl {
        /// From this folder
        #[arg(long)]
        folder: Option<PathBuf>,
    },
    /// Tests the operation in `gegl` and in a real GIMP 3, in the place where the filter is tested
    TestGegl {
        /// Passed on to tests/gegl/run.py
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Puts the plug-in for Krita 5 among the user's Krita plug-ins
    InstallKrita {
        /// Into this folder (pykrita)
        #[arg(long)]
        folder: Option<PathBuf>,
        /// With the build of ONNX Runtime that has CUDA
        #[arg(long)]
        cuda: bool,
    },
    /// Removes the plug-in from the user's Krita plug-ins
    UninstallKrita {
        /// From this folder (pykrita)
        #[arg(long)]
        folder: Option<PathBuf>,
    },
    /// Tests the plug-in in a real Krita 5, in a root directory that is made for it
    TestKrita {
        /// Passed on to tests/krita/run.py
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Tests what runs on a CUDA card with fake NVIDIA libraries, for machines that have none (Linux on x86-64)
    TestCard {
        /// Passed on to `cargo test`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Makes the Python wheel: target/dist/impasto-VERSION-….whl (Linux)
    Wheel {
        /// For another system: x86_64-pc-windows-gnu
        #[arg(long)]
        target: Option<Target>,
    },
    /// Makes the wheel, installs it into a fresh Python environment, and tests it there
    TestPython {
        /// Passed on to pytest
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Tests what runs on any graphics card with a Vulkan driver that computes on the processor, in a root directory
    /// that is made for it (Linux on x86-64)
    TestWebgpu {
        /// Passed on to the tests
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Tests the archive for Windows under Wine, in a root directory that is made for it (Linux on x86-64, as root)
    TestWindows {
        /// Passed on to tests/windows/run.py
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Compiles the code for macOS, in the root directory for Windows (Linux on x86-64, as root)
    CheckMacos,
    /// Checks that no files of a crate import each other
    Circles,
    /// Paints the pictures of docs/gallery.md and docs/styles.md, and the pages
    Gallery {
        /// VGG16's weights (safetensors): paints docs/gallery-vgg16.md instead, with both networks
        #[arg(long)]
        vgg16: Option<PathBuf>,
    },
    /// Measures, and prints tables; needs a Python that has numpy, Pillow and, against PyTorch, torch, named by PYTHON
    Bench {
        what: Bench,
        /// Passed on to the script in bench/; `--help` tells
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// A system that programs are built for on another.
#[derive(Clone, Copy, ValueEnum)]
enum Target {
    /// Windows on x86-64
    #[value(name = windows::TARGET)]
    Windows,
}

#[derive(Clone, Copy, ValueEnum)]
enum Bench {
    /// Milliseconds per evaluation against PyTorch's autograd on the same weights
    Speed,
    /// The teacher's objective of pictures made with the built-in model
    Quality,
    /// What is claimed, with the real weights of a full-depth network
    Depth,
    /// Loss and single coloured dots by the size that a picture begins at
    Levels,
    /// Seconds until a saved picture is as good as the usual PyTorch script's
    Time,
    /// What more evaluations bring, by the teacher's objective
    Evaluations,
    /// Peak memory per pixel
    Memory,
    /// Seconds of whole commands with the presets
    Presets,
    /// 24 megapixels in 6 GB: memory, time, seams
    Large,
    /// Time against pixels and threads
    Scaling,
    /// A CUDA card: milliseconds against PyTorch, TF32, a large picture in a budget
    Card,
    /// What an evaluation asks of a CUDA card, counted where there is none
    Traffic,
}

impl Bench {
    fn script(self) -> &'static str {
        match self {
            Bench::Speed => "speed.py",
            Bench::Quality => "quality.py",
            Bench::Depth => "depth.py",
            Bench::Levels => "levels.py",
            Bench::Evaluations => "evaluations.py",
            Bench::Time => "time_to_quality.py",
            Bench::Memory => "memory.py",
            Bench::Presets => "presets.py",
            Bench::Large => "large.py",
            Bench::Scaling => "scaling.py",
            Bench::Card => "card.py",
            Bench::Traffic => "traffic.py",
        }
    }
}

fn main() -> ExitCode {
    match perform(&Task::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("xtask: {e}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: &Task) -> Result<()> {
    match task {
        Task::Setup { cuda, webgpu } => match webgpu {
            true => onnxruntime::set_up_with_webgpu(*cuda).map(|_| ()),
            false => onnxruntime::set_up(*cuda).map(|_| ()),
        },
        Task::Demo => demo(),
        Task::Test { arguments } => test(arguments),
        Task::Dist { deb: true, .. } => {
            for package in deb::make()? {
                println!("{}", package.display());
            }
            Ok(())
        }
        Task::Dist { target: Some(Target::Windows), .. } => {
            let whole = windows::archive(windows::Speed::Full)?;
            for archive in [whole].into_iter().chain(windows::filter_archive(windows::Speed::Full, false)?) {
                println!("{}", archive.display());
            }
            Ok(())
        }
        Task::Dist { prefix, without_onnxruntime, .. } => {
            let folder = dist::lay_out(prefix.as_deref(), !without_onnxruntime)?;
            println!("{}", folder.display());
            if prefix.is_none() {
                for archive in gimp::archive()?.into_iter().chain([krita::archive()?]) {
                    println!("{}", archive.display());
                }
            }
            Ok(())
        }
        Task::Release { version, trial } => release::make(version, *trial),
        Task::TestDeb => test_deb::test(),
        Task::InstallGimp { folder, cuda } => gimp::install(folder.as_deref(), *cuda),
        Task::UninstallGimp { folder } => gimp::uninstall(folder.as_deref()),
        Task::TestGimp { arguments } => gimp::test(arguments),
        Task::InstallGegl { folder, cuda } => gegl::install(folder.as_deref(), *cuda),
        Task::UninstallGegl { folder } => gegl::uninstall(folder.as_deref()),
        Task::TestGegl { arguments } => gegl::test(arguments),
        Task::InstallKrita { folder, cuda } => krita::install(folder.as_deref(), *cuda),
        Task::UninstallKrita { folder } => krita::uninstall(folder.as_deref()),
        Task::TestKrita { arguments } => krita::test(arguments),
        Task::TestCard { arguments } => card::test(arguments),
        Task::Wheel { target } => {
            let wheel = match target {
                None => wheel::make()?,
                Some(Target::Windows) => windows::wheel(windows::Speed::Full)?,
            };
            println!("{}", wheel.display());
            Ok(())
        }
        Task::TestPython { arguments } => python::test(arguments),
        Task::TestWebgpu { arguments } => webgpu::test(arguments),
        Task::TestWindows { arguments } => windows::test(arguments),
        Task::CheckMacos => macos::check(),
        Task::Circles => circles::check(&root()),
        Task::Gallery { vgg16 } => {
            onnxruntime::set_up(false)?;
            build()?;
            match vgg16 {
                Some(weights) => gallery::networks(weights),
                None => gallery::make(),
            }
        }
        Task::Bench { what, arguments } => {
            let library = match what {
                Bench::Traffic => card::make()?,
                _ => onnxruntime::set_up(false)?,
            };
            build()?;
            let script = root().join("bench").join(what.script());
            let mut command = Command::new(run::python());
            if let Bench::Traffic = what {
                command.env("LD_LIBRARY_PATH", &library);
            }
            command.arg(script).args(arguments).env("IMPASTO", binary());
            run::all(command.env("IMPASTO_ONNXRUNTIME", library))
        }
    }
}

fn demo() -> Result<()> {
    onnxruntime::set_up(false)?;
    build()?;
    let sample = root().join("assets").join("sample");
    let out = root().join("out");
    std::fs::create_dir_all(&out).map_err(|e| format!("{}: {e}", out.display()))?;
    let mut command = Command::new(binary());
    command.arg(sample.join("cat.png")).args(["--style", "impasto-whirls"]);
    command.arg("-o").arg(out.join("demo.png")).arg("--plot").arg(out.join("demo-loss.svg"));
    run::all(&mut command)?;
    println!("{}\n{}", out.join("demo.png").display(), out.join("demo-loss.svg").display());
    Ok(())
}

fn test(arguments: &[String]) -> Result<()> {
    let library = onnxruntime::set_up(false)?;
    let packages = onnxruntime::python_packages()?;
    // The harness opens the C library as a host does.
    dist::build_c_library()?;
    let mut command = Command::new(run::cargo());
    command.args(["test", "--release", "--workspace"]).args(arguments).current_dir(root());
    command.env("IMPASTO_ONNXRUNTIME", library).env("IMPASTO_PYTHONPATH", packages);
    run::all(command.env("IMPASTO_LIBRARY", c_library()))
}

/// Builds the command.
fn build() -> Result<()> {
    let package = ["build", "--release", "--package", "impasto"];
    run::all(Command::new(run::cargo()).args(package).current_dir(root()))
}

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// Cargo's target folder, where this program lies in `debug`.
fn target() -> PathBuf {
    let own = std::env::current_exe().ok();
    let folder = own.as_deref().and_then(|f| f.ancestors().nth(2)).map(Path::to_path_buf);
    folder.unwrap_or_else(|| root().join("target"))
}

/// The C library under the name that cargo gives it.
fn c_library() -> PathBuf {
    let (before, after) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    target().join("release").join(format!("{before}impasto_ffi{after}"))
}

fn binary() -> PathBuf {
    target().join("release").join(format!("impasto{}", std::env::consts::EXE_SUFFIX))
}
