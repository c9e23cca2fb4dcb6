//! Krita's plug-in: lays it out as Krita loads it, puts that among the user's plug-ins, packs it for Krita's
//! importer, and tests it in a real Krita.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::installed::Folder;
use crate::root_directory::{Contents, Root};
use crate::third_party::Part;
use crate::{Result, dist, hosts, onnxruntime, root, run, target};

/// The name of the plug-in's folder, which is that of its Python module.
const NAME: &str = "impasto";

/// What Krita shows in its list of plug-ins; it lies beside the folder.
const DESCRIPTION: &str = "impasto.desktop";

/// How the plug-in's folder is known.
const FOLDER: Folder = Folder {
    marker: "IMPASTO-PLUG-IN",
    mark: "Impasto, the plug-in for Krita 5\n",
    install: "cargo xtask install-krita",
    uninstall: "cargo xtask uninstall-krita",
};

/// Krita 5.2 with a window manager.
const ROOT: Contents = Contents {
    folder: "krita-root",
    title: "Krita 5.2",
    packages: "ca-certificates,krita,python3-pyqt5,python3-pyqt5.sip,xvfb,xauth,xdotool,imagemagick,dbus-daemon,\
               fonts-dejavu-core,openbox",
    hook: None,
};

fn sources() -> PathBuf {
    root().join("plugin-krita")
}

fn target_of_the_plug_in() -> PathBuf {
    target().join("krita")
}

/// Lays the plug-in out in the folder `plug_ins`: the description, and the module with what every plug-in has. The module appears whole or not at all; one that was laid out before is
/// replaced.
fn lay_out(plug_ins: &Path, cuda: bool) -> Result<PathBuf> {
    let there = plug_ins.join(NAME);
    // Looked at before the build, which takes minutes.
    FOLDER.is_ours(&there)?;
    dist::build_c_library()?;
    let problem = |e: std::io::Error| format!("{}: {e}", plug_ins.display());
    std::fs::create_dir_all(plug_ins).map_err(problem)?;
    let room = tempfile::Builder::new().prefix("impasto-").tempdir_in(plug_ins).map_err(problem)?;
    let new = room.path().join(NAME);
    for file in onnxruntime::files(&sources().join(NAME))? {
        if file.extension().is_some_and(|e| e == "py" || e == "html") {
            dist::copy(&file, &new, None)?;
        }
    }
    dist::plug_in(&new, cuda, &sources().join("LICENSE"), &[Part::Library, Part::OnnxRuntime])?;
    FOLDER.replace(&new, &there, room.path())?;
    dist::copy(&sources().join(DESCRIPTION), plug_ins, None)?;
    Ok(there)
}

/// Where this user's Krita looks for Python plug-ins.
fn plug_ins() -> Result<PathBuf> {
    let data = dirs::data_dir().ok_or("this user has no data folder; set HOME")?;
    Ok(data.join("krita").join("pykrita"))
}

/// Puts the plug-in into the folder that is given, or among the user's plug-ins.
pub fn install(folder: Option<&Path>, cuda: bool) -> Result<()> {
    let folder = folder.map_or_else(plug_ins, |f| Ok(f.to_path_buf()))?;
    println!("{}", lay_out(&folder, cuda)?.display());
    println!(
        "Start Krita anew and switch it on: Settings ▸ Configure Krita ▸ Python Plugin Manager ▸ Neural Style \
         Transfer (Impasto). After one more start of Krita it is in Tools ▸ Scripts."
    );
    Ok(())
}

/// Removes what `install` has put there.
pub fn uninstall(folder: Option<&Path>) -> Result<()> {
    let folder = folder.map_or_else(plug_ins, |f| Ok(f.to_path_buf()))?;
    let ours = FOLDER.is_ours(&folder.join(NAME));
    FOLDER.remove(std::iter::once(folder.join(NAME)))?;
    let description = folder.join(DESCRIPTION);
    if ours == Ok(true) && description.exists() {
        std::fs::remove_file(&description).map_err(|e| format!("{}: {e}", description.display()))?;
    }
    Ok(())
}

/// Where the plug-in is laid out to be packed.
fn room() -> PathBuf {
    target().join("dist").join("pykrita")
}

/// Packs the plug-in into the archive that Krita's own importer takes.
pub fn archive() -> Result<PathBuf> {
    let room = room();
    if room.exists() {
        std::fs::remove_dir_all(&room).map_err(|e| format!("{}: {e}", room.display()))?;
    }
    lay_out(&room, false)?;
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let name = format!("impasto-krita-{}-{os}-{arch}.zip", env!("CARGO_PKG_VERSION"));
    let path = target().join("dist").join(name);
    run::all(Command::new(run::python()).arg(sources().join("pack.py")).arg(&room).arg(&path))?;
    Ok(path)
}

/// Runs the tests of `tests/krita` in a real Krita, in a root directory that is made for it.
pub fn test(arguments: &[String]) -> Result<()> {
    let place = Root::find(&ROOT, true)?.ok_or("there is no root directory with Krita")?;
    let archive = archive()?;
    let lib = room().join(NAME).join("lib");
    hosts::reference(&target_of_the_plug_in().join("reference"), |program| place.command(program), &lib)?;
    let mut tests = place.command("python3");
    tests.arg(root().join("tests/krita/run.py")).arg(archive).arg(target_of_the_plug_in()).args(arguments);
    run::all(&mut tests)
}
