//! GIMP's filter: builds it, lays it out as the folder that GIMP loads, puts that into the user's GIMP folder,
//! packs it, and tests it in a real GIMP.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::installed::Folder;
use crate::root_directory::{Contents, Root};
use crate::third_party::Part;
use crate::{Result, archive, dist, gimp_folders, hosts, onnxruntime, root, run, target};

/// The name of the plug-in's folder and of the program in it, which GIMP wants to be the same.
pub const NAME: &str = "impasto";

/// How the plug-in's folder is known.
pub const FOLDER: Folder = Folder {
    marker: "IMPASTO-FILTER",
    mark: "Impasto, the filter for GIMP 3\n",
    install: "cargo xtask install-gimp",
    uninstall: "cargo xtask uninstall-gimp",
};

/// GIMP 3 and the command `gegl` in a root directory: with what plug-ins are built with, a second language for a look at
/// the translations, and a graphics card's driver that computes on the processor.
const ROOT: Contents = Contents {
    folder: "gimp-root",
    title: "GIMP 3",
    packages: "ca-certificates,gimp,gegl,libgimp-3.0-dev,gcc,libc6-dev,pkg-config,python3-gi,gir1.2-gimp-3.0,\
               gir1.2-gtk-3.0,gir1.2-atspi-2.0,at-spi2-core,dbus-daemon,xvfb,xauth,xdotool,imagemagick,\
               fonts-dejavu-core,locales,libvulkan1,mesa-vulkan-drivers",
    hook: Some("chroot \"$1\" localedef -i de_DE -f UTF-8 de_DE.UTF-8"),
};

/// The root directory with GIMP, if it is there or `make` is set.
pub fn root_directory(make: bool) -> Result<Option<Root>> {
    Root::find(&ROOT, make)
}

/// Whether this machine itself has the development files of a library.
fn development_files(library: &str) -> bool {
    Command::new("pkg-config").args(["--exists", library]).status().is_ok_and(|s| s.success())
}

/// Where a plug-in can be built and GIMP be run.
pub enum Place {
    /// This machine.
    Here,
    /// A Debian of its own.
    Root(Root),
}

impl Place {
    /// This machine if it has GIMP's development files, else a root directory that is there already or, if
    /// `make` is set, is made.
    pub fn find(make: bool) -> Result<Place> {
        let missing = "GIMP 3's development files are missing: install libgimp-3.0-dev (Debian 13, Ubuntu 25.04 and \
                       later), gimp-devel (Fedora, openSUSE) or gimp (Arch, MSYS2), and pkg-config";
        Place::find_with("gimpui-3.0", missing, make)
    }

    /// The same for a library's development files. The message says what to do where they are missing.
    pub fn find_with(library: &str, missing: &str, make: bool) -> Result<Place> {
        if development_files(library) {
            return Ok(Place::Here);
        }
        match root_directory(make)? {
            Some(root) => Ok(Place::Root(root)),
            None => Err(missing.into()),
        }
    }

    /// A command in the checkout. Paths in and below the checkout and cargo's target folder are the same in both.
    pub fn command(&self, program: &str) -> Command {
        match self {
            Place::Here => {
                let mut command = Command::new(program);
                command.current_dir(root());
                command
            }
            Place::Root(place) => place.command(program),
        }
    }
}

fn target_of_the_plug_in() -> PathBuf {
    target().join("gimp")
}

/// Builds the plug-in and returns the program.
pub fn program(place: &Place) -> Result<PathBuf> {
    let manifest = root().join("plugin-gimp").join("Cargo.toml");
    // In a root there is no network.
    run::all(
        Command::new(run::cargo()).args(["fetch", "--locked", "--quiet", "--manifest-path"]).arg(&manifest),
    )?;
    let mut build = place.command("cargo");
    build.args(["build", "--release", "--locked", "--offline", "--manifest-path"]).arg(&manifest);
    build.arg("--target-dir").arg(target_of_the_plug_in());
    run::all(&mut build)?;
    let name = format!("impasto-gimp{}", std::env::consts::EXE_SUFFIX);
    Ok(target_of_the_plug_in().join("release").join(name))
}

/// Lays the plug-in out in the folder `plug_ins`: the program, its translations, and what every plug-in has. It appears
/// whole or not at all; one that was laid out before is replaced.
fn lay_out(place: &Place, plug_ins: &Path, cuda: bool) -> Result<PathBuf> {
    let there = plug_ins.join(NAME);
    // Looked at before the build, which takes minutes.
    FOLDER.is_ours(&there)?;
    let program = program(place)?;
    dist::build_c_library()?;
    let problem = |e: std::io::Error| format!("{}: {e}", plug_ins.display());
    std::fs::create_dir_all(plug_ins).map_err(problem)?;
    let room = tempfile::Builder::new().prefix("impasto-").tempdir_in(plug_ins).map_err(problem)?;
    let new = room.path().join(NAME);
    let executable = format!("{NAME}{}", std::env::consts::EXE_SUFFIX);
    dist::copy(&program, &new, Some(&executable))?;
    dist::strip(&new.join(&executable), dist::Symbols::None)?;
    let parts = [Part::Filter, Part::Library, Part::OnnxRuntime];
    dist::plug_in(&new, cuda, &root().join("plugin-gimp/LICENSE"), &parts)?;
    translations(&new.join("locale"))?;
    FOLDER.replace(&new, &there, room.path())?;
    Ok(there)
}

/// Compiles `po/LANGUAGE.po` to `LANGUAGE/LC_MESSAGES/impasto-gimp.mo`.
pub fn translations(locale: &Path) -> Result<()> {
    for file in onnxruntime::files(&root().join("plugin-gimp/po"))? {
        if file.extension().is_none_or(|e| e != "po") {
            continue;
        }
        let catalogue = polib::po_file::parse(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        let folder = locale.join(file.file_stem().unwrap_or_default()).join("LC_MESSAGES");
        std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let to = folder.join("impasto-gimp.mo");
        polib::mo_file::write(&catalogue, &to).map_err(|e| format!("{}: {e}", to.display()))?;
    }
    Ok(())
}

/// Puts the plug-in into the folder that is given, or into the user's GIMP folders.
pub fn install(folder: Option<&Path>, cuda: bool) -> Result<()> {
    let place = Place::find(false)?;
    let folders = folder.map_or_else(gimp_folders::plug_ins, |f| Ok(vec![f.to_path_buf()]))?;
    for folder in folders {
        let there = lay_out(&place, &folder, cuda)?;
        println!("{}", there.display());
    }
    println!("GIMP has it after its next start: Filters ▸ Artistic ▸ Neural Style Transfer…");
    Ok(())
}

/// Removes what `install` has put there.
pub fn uninstall(folder: Option<&Path>) -> Result<()> {
    let folders = folder.map_or_else(gimp_folders::plug_ins, |f| Ok(vec![f.to_path_buf()]))?;
    FOLDER.remove(folders.into_iter().map(|f| f.join(NAME)))
}

/// Packs the plug-in into the archive that a user unpacks in GIMP's plug-ins folder. Nothing is done, and that
/// is said, where it cannot be built.
pub fn archive() -> Result<Option<PathBuf>> {
    let place = match Place::find(false) {
        Ok(place) => place,
        Err(problem) => {
            println!("Without GIMP's filter: {problem}");
            return Ok(None);
        }
    };
    let room = target().join("dist");
    let plug_ins = room.join("plug-ins");
    if plug_ins.exists() {
        std::fs::remove_dir_all(&plug_ins).map_err(|e| format!("{}: {e}", plug_ins.display()))?;
    }
    let folder = lay_out(&place, &plug_ins, false)?;
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let path = room.join(format!("impasto-gimp-{}-{os}-{arch}.tar.xz", env!("CARGO_PKG_VERSION")));
    archive::tar_xz(&folder, NAME, &path)?;
    Ok(Some(path))
}

/// Runs the plug-in's own tests, and those in `tests/gimp` in a real GIMP.
pub fn test(arguments: &[String]) -> Result<()> {
    let place = Place::find(true)?;
    let home = target_of_the_plug_in().join("home");
    if home.exists() {
        std::fs::remove_dir_all(&home).map_err(|e| format!("{}: {e}", home.display()))?;
    }
    let plug_in = lay_out(&place, &home.join("plug-ins"), false)?;
    let manifest = root().join("plugin-gimp").join("Cargo.toml");
    for (task, more) in [("test", None), ("clippy", Some(["--", "-D", "warnings"]))] {
        let mut command = place.command("cargo");
        command.args([task, "--release", "--locked", "--offline", "--manifest-path"]).arg(&manifest);
        command.arg("--target-dir").arg(target_of_the_plug_in()).args(more.into_iter().flatten());
        run::all(&mut command)?;
    }
    let reference = target_of_the_plug_in().join("reference");
    hosts::reference(&reference, |program| place.command(program), &plug_in.join("lib"))?;
    let mut tests = place.command("python3");
    tests.arg(root().join("tests/gimp/run.py")).arg(plug_in).arg(target_of_the_plug_in()).args(arguments);
    run::all(&mut tests)
}
