//! Gets ONNX Runtime's library, its plug-in for WebGPU, and for CUDA NVIDIA's, out of their PyPI wheels into the user's cache folder, where the engine looks
//! for it, and the Python packages that some tests compare with. Nothing is installed into the system.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, run};

/// The version that is set up, and tested with.
pub const VERSION: &str = "1.31.1";

/// A wheel: the package, its version, pip's name of the platform, and the file's SHA-256.
struct Wheel {
    package: &'static str,
    version: &'static str,
    platform: &'static str,
    sha256: &'static str,
}

const fn wheel(package: &'static str, platform: &'static str, sha256: &'static str) -> Wheel {
    Wheel { package, version: VERSION, platform, sha256 }
}

const fn nvidia(package: &'static str, version: &'static str, sha256: &'static str) -> Wheel {
    Wheel { package, version, platform: "manylinux_2_27_x86_64", sha256 }
}

/// The libraries that the CUDA build on Linux needs besides the driver: CUDA 13's and cuDNN 9.
const NVIDIA: [Wheel; 7] = [
    nvidia(
        "nvidia-cuda-runtime",
        "13.2.86",
        "3498247680dfddce31bad102af7e3e26fc795342a3cac64722bb0fa95e7f60f0",
    ),
    nvidia("nvidia-cublas", "13.4.1.3", "a5917cb642cfb07f4a0231ee16aec7e2e0357d8cb8b1b78a0c9c68dba3e6afc7"),
    nvidia(
        "nvidia-cuda-nvrtc",
        "13.2.86",
        "8111c5130e967b78222ea2124145f8efe9ce201b752b2579a2513100a53be1c5",
    ),
    nvidia("nvidia-nvjitlink", "13.5.37", "280d7cb9649704145f074b8dbde500de04ce02d0872e066e20a83c17bcaa93eb"),
    nvidia("nvidia-cufft", "12.2.0.57", "34da27fadf3979b0b042c43823f0530be8408b86df31ee0108e1ca0b621d4ef6"),
    nvidia("nvidia-curand", "10.4.5.25", "22bb226a857e5888fe6b54ae465fc4371296bcff13a35f79e19691bcf454f529"),
    nvidia(
        "nvidia-cudnn-cu13",
        "9.26.0.51",
        "9c976d539786698c71d6bcdbe2053b7485fae062ff7e1215d2f2ff67b1a2149a",
    ),
];

/// The wheel for this machine.
fn wheel_for(cuda: bool) -> Result<Wheel> {
    wheel_of(std::env::consts::OS, std::env::consts::ARCH, cuda)
}

fn wheel_of(os: &str, arch: &str, cuda: bool) -> Result<Wheel> {
    match (os, arch, cuda) {
        ("linux", "x86_64", false) => Ok(wheel(
            "onnxruntime",
            "manylinux_2_28_x86_64",
            "1f3dea47f2f0e5117c2404cea7d21fd253ae7836a3bf167a501cdfbb2600d536",
        )),
        ("linux", "aarch64", false) => Ok(wheel(
            "onnxruntime",
            "manylinux_2_28_aarch64",
            "0b9a492176886992e0e875f06bc0367e333f5fff11711a2d642e18b02f3009cc",
        )),
        ("macos", "aarch64", false) => Ok(wheel(
            "onnxruntime",
            "macosx_14_0_arm64",
            "96dd2564b10ea7153ad9c207e7cd8e5917cb3ba521e0e0a62ac03486fdc8d56c",
        )),
        ("windows", "x86_64", false) => Ok(wheel(
            "onnxruntime",
            "win_amd64",
            "ae8a9a351efda685cc59a66226cdefaa37a126c1d66872ca23a2de9425326130",
        )),
        ("linux", "x86_64", true) => Ok(wheel(
            "onnxruntime-gpu",
            "manylinux_2_28_x86_64",
            "05d548956197b9d01f59b625de740e0d6be3593f874e241a12dc0362650ecdf7",
        )),
        ("windows", "x86_64", true) => Ok(wheel(
            "onnxruntime-gpu",
            "win_amd64",
            "2bb1e9373baba88f6415257f5b6a589d23e23c16004f7d89adf4344eada5749e",
        )),
        _ => Err(format!(
            "there is no {} wheel of ONNX Runtime {VERSION} for {os} on {arch}; install ONNX Runtime yourself and let \
             IMPASTO_ONNXRUNTIME name its library",
            if cuda { "CUDA" } else { "CPU" }
        )),
    }
}

/// The build of ONNX Runtime that has the WebGPU provider inside. On a device that is lost it ends the program, which the plug-in
/// does not; so it is only tested with.
const WEBGPU_INSIDE: Wheel = Wheel {
    package: "onnxruntime-webgpu",
    version: "1.27.0",
    platform: "manylinux_2_28_x86_64",
    sha256: "fe5e49e00ad71bc667316d57670bfbf525438783d4a3468e0d337314ec985cbe",
};

/// The wheel of the plug-in for WebGPU, and its version.
const WEBGPU_PLUG_IN: (&str, &str) = ("onnxruntime-ep-webgpu", "0.4.0");

/// The wheels and their versions from which archives have ONNX Runtime and its plug-in for WebGPU.
pub const WHEELS_IN_ARCHIVES: [(&str, &str); 2] = [("onnxruntime", VERSION), WEBGPU_PLUG_IN];

/// ONNX Runtime's plug-in for WebGPU; None where there is none for this machine.
fn webgpu_plug_in() -> Option<Wheel> {
    webgpu_plug_in_of(std::env::consts::OS, std::env::consts::ARCH)
}

fn webgpu_plug_in_of(os: &str, arch: &str) -> Option<Wheel> {
    let (platform, sha256) = match (os, arch) {
        ("linux", "x86_64") => {
            ("manylinux_2_28_x86_64", "5d8c961eda91a88961cad1fb7621f389f006b18497d6ea9ecf96f729f066cbfb")
        }
        ("linux", "aarch64") => {
            ("manylinux_2_28_aarch64", "17f660db53b1a509c63e721ac6784a2daa1c4e91a968523ee9986505ee5b0a55")
        }
        ("macos", "aarch64") => {
            ("macosx_14_0_arm64", "8d0a91d44b43d931c3068b9134aed9770f27803e353c2b58c93e1700bb68bcca")
        }
        ("windows", "x86_64") => {
            ("win_amd64", "7db646669d1a2390551da675115ea125e68cb3d4d2c3a2d6e463372bf8d6ea87")
        }
        _ => return None,
    };
    let (package, version) = WEBGPU_PLUG_IN;
    Some(Wheel { package, version, platform, sha256 })
}

/// Impasto's cache folder.
pub fn cache() -> Result<PathBuf> {
    Ok(dirs::cache_dir().ok_or("this user has no cache folder; set HOME")?.join("impasto"))
}

/// Makes sure that ONNX Runtime lies in the cache folder and returns that folder. What is there already besides, CUDA or the
/// plug-in for WebGPU, stays.
pub fn set_up(cuda: bool) -> Result<PathBuf> {
    set_up_providers(cuda, false)
}

/// The same with the plug-in for WebGPU, where there is one for this machine.
pub fn set_up_with_webgpu(cuda: bool) -> Result<PathBuf> {
    set_up_providers(cuda, true)
}

fn set_up_providers(cuda: bool, webgpu: bool) -> Result<PathBuf> {
    let folder = cache()?.join("onnxruntime");
    let there = std::fs::read_to_string(folder.join("VERSION")).unwrap_or_default();
    let has = |wheel: &Wheel| there.trim().split(" + ").any(|part| part == stamp(&[wheel]));
    let cuda = cuda || wheel_for(true).is_ok_and(|wheel| has(&wheel));
    let wheel = wheel_for(cuda)?;
    let plug_in = webgpu_plug_in().filter(|plug_in| webgpu || has(plug_in));
    let nvidia: &[Wheel] = if cuda && cfg!(target_os = "linux") { &NVIDIA } else { &[] };
    let wheels: Vec<&Wheel> = std::iter::once(&wheel).chain(&plug_in).collect();
    if unpack(&wheels, nvidia, &folder)? && cuda && nvidia.is_empty() {
        println!(
            "It needs CUDA 13's libraries and cuDNN 9 where the system's loader finds them; see docs/cuda.md"
        );
    }
    Ok(folder)
}

/// The build for the CPU on Windows on x86-64, which archives hold, in a folder of its own.
pub fn set_up_for_windows() -> Result<PathBuf> {
    let folder = cache()?.join("onnxruntime-windows");
    unpack(&[&wheel_of("windows", "x86_64", false)?], &[], &folder)?;
    Ok(folder)
}

/// The same with the plug-in for WebGPU, for tests. Archives do not hold it, as the compilers of shaders beside it come
/// without the texts of their licences.
pub fn set_up_for_windows_tests() -> Result<PathBuf> {
    let folder = cache()?.join("onnxruntime-windows-webgpu");
    let plug_in = webgpu_plug_in_of("windows", "x86_64").ok_or("there is no plug-in for Windows")?;
    unpack(&[&wheel_of("windows", "x86_64", false)?, &plug_in], &[], &folder)?;
    Ok(folder)
}

/// The same of the CUDA build alone, without NVIDIA's libraries, in a folder of its own.
pub fn set_up_without_libraries() -> Result<PathBuf> {
    let folder = cache()?.join("onnxruntime-cuda-alone");
    unpack(&[&wheel_for(true)?], &[], &folder)?;
    Ok(folder)
}

/// ONNX Runtime with the plug-in for WebGPU, and the build that has WebGPU inside, in folders of their own.
pub fn set_up_for_webgpu_tests() -> Result<[PathBuf; 2]> {
    let folders = ["onnxruntime-webgpu-plug-in", "onnxruntime-webgpu-inside"];
    let [plug_in, inside] = folders.map(|name| Ok::<_, String>(cache()?.join(name)));
    let (plug_in, inside) = (plug_in?, inside?);
    let wheel = webgpu_plug_in().ok_or("there is no plug-in for this machine")?;
    unpack(&[&wheel_for(false)?, &wheel], &[], &plug_in)?;
    unpack(&[&WEBGPU_INSIDE], &[], &inside)?;
    Ok([plug_in, inside])
}

/// The wheels that a folder was made of, as its file VERSION names them.
fn stamp(wheels: &[&Wheel]) -> String {
    let names: Vec<String> = wheels.iter().map(|w| format!("{} {}", w.package, w.version)).collect();
    names.join(" + ")
}

/// Leaves the libraries of these wheels, and of others that they need, in a folder, unless they are there already, and tells
/// whether that was to do.
fn unpack(wheels: &[&Wheel], others: &[Wheel], folder: &Path) -> Result<bool> {
    let version = stamp(wheels);
    if std::fs::read_to_string(folder.join("VERSION")).is_ok_and(|there| there.trim() == version) {
        return Ok(false);
    }
    println!("Getting {version} into {}", folder.display());
    let parent = cache()?;
    std::fs::create_dir_all(&parent).map_err(|e| format!("{}: {e}", parent.display()))?;
    let room = tempfile::tempdir_in(&parent).map_err(|e| format!("{}: {e}", parent.display()))?;
    let unpacked = room.path().join("unpacked");
    for wheel in wheels.iter().copied().chain(others) {
        let place = room.path().join(wheel.package);
        std::fs::create_dir(&place).map_err(|e| format!("{}: {e}", place.display()))?;
        download(wheel, &place)?;
        let file = files(&place)?.into_iter().find(|f| f.extension().is_some_and(|e| e == "whl"));
        let file = file.ok_or("pip left no wheel behind")?;
        run::all(Command::new(run::python()).args(["-m", "zipfile", "-e"]).arg(&file).arg(&unpacked))?;
        std::fs::remove_file(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    }

    let ready = room.path().join("ready");
    std::fs::create_dir(&ready).map_err(|e| format!("{}: {e}", ready.display()))?;
    let mut texts = vec![unpacked.join("onnxruntime").join("LICENSE")];
    texts.push(unpacked.join("onnxruntime").join("ThirdPartyNotices.txt"));
    let libraries = files(&unpacked.join("onnxruntime").join("capi"))?.into_iter().filter(|f| is_library(f));
    let mut found: Vec<PathBuf> = libraries.chain(texts.into_iter().filter(|f| f.is_file())).collect();
    let plug_in = unpacked.join("onnxruntime_ep_webgpu");
    if plug_in.is_dir() {
        // On Windows the compilers of shaders lie beside it.
        let is_shader_compiler = |f: &Path| f.extension().is_some_and(|e| e == "dll");
        found.extend(files(&plug_in)?.into_iter().filter(|f| is_library(f) || is_shader_compiler(f)));
    }
    for folder in [["cu13", "lib"], ["cudnn", "lib"]] {
        let folder = unpacked.join("nvidia").join(folder[0]).join(folder[1]);
        if folder.is_dir() {
            found.extend(files(&folder)?.into_iter().filter(|f| f.to_string_lossy().contains(".so.")));
        }
    }
    for from in found {
        let name = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // macOS has the version before the ending, where the engine would not find it.
        let name = name.replace(&format!(".{VERSION}.dylib"), ".dylib");
        std::fs::rename(&from, ready.join(name)).map_err(|e| format!("{}: {e}", from.display()))?;
    }
    std::fs::write(ready.join("VERSION"), format!("{version}\n"))
        .map_err(|e| format!("{}: {e}", ready.display()))?;
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    std::fs::rename(&ready, folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    Ok(true)
}

/// Has pip download the wheel, which it refuses unless the hash is the one given.
fn download(wheel: &Wheel, to: &Path) -> Result<()> {
    let list = to.join("requirements.txt");
    let line = format!("{}=={} --hash=sha256:{}\n", wheel.package, wheel.version, wheel.sha256);
    std::fs::write(&list, line).map_err(|e| format!("{}: {e}", list.display()))?;
    let mut pip = Command::new(run::python());
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--require-hashes",
    ]);
    pip.args(["--only-binary=:all:", "--python-version", "3.12", "--implementation", "cp"]);
    // pip takes a platform's name literally; older ones serve as well.
    for older in ["manylinux2014_x86_64", "manylinux2010_x86_64"] {
        if wheel.platform.starts_with("manylinux") && wheel.platform.ends_with("x86_64") {
            pip.args(["--platform", older]);
        }
    }
    pip.args(["--platform", wheel.platform, "--dest"]).arg(to).arg("--requirement").arg(&list);
    run::all(&mut pip).map_err(|e| format!("{e}; Python 3 with pip and a way to PyPI are needed"))
}

/// The files in a folder.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    Ok(entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.is_file()).collect())
}

fn is_library(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let library =
        name.starts_with("libonnxruntime") || (name.starts_with("onnxruntime") && name.ends_with(".dll"));
    library && !name.contains("tensorrt")
}

/// Makes sure that the Python packages that the tests read our graphs with lie in the cache folder, and
/// returns the folder for PYTHONPATH.
pub fn python_packages() -> Result<PathBuf> {
    let wanted = ["numpy".to_string(), "onnx==1.23.2".to_string(), format!("onnxruntime=={VERSION}")];
    let version = Command::new(run::python())
        .args(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
        .output()
        .map_err(|e| format!("Python cannot be started: {e}; install Python 3.11 or later, with pip"))?;
    let version = String::from_utf8_lossy(&version.stdout).trim().to_string();
    let folder = cache()?.join(format!("python{version}"));
    let stamp = folder.join("VERSION");
    if std::fs::read_to_string(&stamp).is_ok_and(|there| there == wanted.join("\n")) {
        return Ok(folder);
    }
    println!("Getting {} into {}", wanted.join(", "), folder.display());
    let mut pip = Command::new(run::python());
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade", "--target"])
        .arg(&folder);
    run::all(pip.args(&wanted))
        .map_err(|e| format!("{e}; Python 3.11 or later with pip and a way to PyPI are needed"))?;
    std::fs::write(&stamp, wanted.join("\n")).map_err(|e| format!("{}: {e}", stamp.display()))?;
    Ok(folder)
}
