//! GIMP's filter: builds it, lays it out as the folder that GIMP loads, puts that into the user's GIMP folder,
//! packs it, and tests it in a real GIMP.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::gimp_root::Root;
use crate::third_party::{self, Part};
use crate::{Result, archive, c_library, dist, gimp_folders, onnxruntime, root, run, target};

/// The name of the plug-in's folder and of the program in it, which GIMP wants to be the same.
const NAME: &str = "impasto";

/// The file by which a folder of ours is known, the line that it begins with, and the rest of it.
const MARKER: &str = "IMPASTO-FILTER";
const MARK: &str = "Impasto, the filter for GIMP 3\n";
const NOTE: &str = "`cargo xtask install-gimp` replaces this folder, `cargo xtask uninstall-gimp` removes it.\n\
                    Keep nothing of your own in it.\n";

/// Whether the plug-in lies in this folder; false where nothing is. Anything else must be neither replaced nor
/// removed, and is an error.
fn is_ours(folder: &Path) -> Result<bool> {
    let Ok(there) = folder.symlink_metadata() else { return Ok(false) };
    let marked = || std::fs::read_to_string(folder.join(MARKER)).is_ok_and(|text| text.starts_with(MARK));
    if there.is_dir() && marked() {
        return Ok(true);
    }
    Err(format!(
        "{} is left alone: it was not made by `cargo xtask install-gimp`, whose folders have a file {MARKER}. Move it \
         elsewhere, or remove it yourself if it is an older filter",
        folder.display()
    ))
}

/// Whether this machine itself has what a plug-in is built with.
fn development_files() -> bool {
    Command::new("pkg-config").args(["--exists", "gimpui-3.0"]).status().is_ok_and(|s| s.success())
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
        if development_files() {
            return Ok(Place::Here);
        }
        if let Some(root) = Root::find(make)? {
            return Ok(Place::Root(root));
        }
        Err("GIMP 3's development files are missing: install libgimp-3.0-dev (Debian 13, Ubuntu 25.04 and later), \
             gimp-devel (Fedora, openSUSE) or gimp (Arch, MSYS2), and pkg-config"
            .into())
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

/// Lays the plug-in out in `folder`: the program, libimpasto, ONNX Runtime, translations and licences. The folder appears whole or not at all; one that was laid out before is replaced.
fn lay_out(place: &Place, plug_ins: &Path, cuda: bool) -> Result<PathBuf> {
    let there = plug_ins.join(NAME);
    // Looked at before the build, which takes minutes.
    is_ours(&there)?;
    let program = program(place)?;
    dist::build_c_library()?;
    let problem = |e: std::io::Error| format!("{}: {e}", plug_ins.display());
    std::fs::create_dir_all(plug_ins).map_err(problem)?;
    let room = tempfile::Builder::new().prefix("impasto-").tempdir_in(plug_ins).map_err(problem)?;
    let new = room.path().join(NAME);
    let executable = format!("{NAME}{}", std::env::consts::EXE_SUFFIX);
    dist::copy(&program, &new, Some(&executable))?;
    let library = dist::library_name();
    dist::copy(&c_library(), &new.join("lib"), Some(&library))?;
    dist::strip(&new.join("lib").join(&library), dist::Symbols::None)?;
    let licences = new.join("licences");
    dist::onnxruntime(&onnxruntime::set_up(cuda)?, &new.join("lib"), &licences)?;
    dist::copy(&root().join("plugin-gimp/LICENSE"), &licences, Some("plug-in-GPL-3.0"))?;
    for text in ["LICENSE-MIT", "LICENSE-APACHE", "docs/model-card.md"] {
        dist::copy(&root().join(text), &licences, None)?;
    }
    let parts = [Part::Filter, Part::Library, Part::OnnxRuntime];
    dist::write(&licences.join("THIRD-PARTY.md"), &third_party::page(&parts)?)?;
    translations(&new.join("locale"))?;
    std::fs::write(new.join(MARKER), format!("{MARK}{NOTE}")).map_err(problem)?;

    if is_ours(&there)? {
        std::fs::rename(&there, room.path().join("before")).map_err(problem)?;
    }
    std::fs::rename(&new, &there).map_err(problem)?;
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
    let (mut found, mut refused) = (false, Vec::new());
    for folder in folders.into_iter().map(|f| f.join(NAME)) {
        match is_ours(&folder) {
            Ok(false) => continue,
            Ok(true) => {
                std::fs::remove_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
                println!("{} is removed", folder.display());
                found = true;
            }
            Err(problem) => refused.push(problem),
        }
    }
    if !refused.is_empty() {
        return Err(refused.join("; "));
    }
    if !found {
        println!("There is nothing to remove.");
    }
    Ok(())
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
    let path = room.join(format!("impasto-gimp-{}-{os}-{arch}.tar.gz", env!("CARGO_PKG_VERSION")));
    archive::tar_gz(&folder, NAME, &path)?;
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
    let mut tests = place.command("python3");
    tests.arg(root().join("tests/gimp/run.py")).arg(plug_in).arg(target_of_the_plug_in()).args(arguments);
    run::all(&mut tests)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plug-ins folder with a folder `impasto` in it that has these files.
    fn plug_ins(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let own = folder.path().join(NAME);
        std::fs::create_dir(&own).expect("made");
        for (name, text) in files {
            std::fs::write(own.join(name), text).expect("written");
        }
        folder
    }

    #[test]
    fn uninstall_removes_what_install_has_made() {
        let there = plug_ins(&[(MARKER, MARK), ("impasto", "the program")]);
        uninstall(Some(there.path())).expect("removed");
        assert!(there.path().is_dir() && !there.path().join(NAME).exists());
        uninstall(Some(there.path())).expect("there is nothing to remove");
    }

    #[test]
    fn uninstall_and_install_leave_a_folder_of_others_alone() {
        for files in
            [&[][..], &[("Cargo.toml", "[package]")], &[("impasto", "a program")], &[(MARKER, "mine")]]
        {
            let there = plug_ins(files);
            let refused = uninstall(Some(there.path())).expect_err("refused");
            let folder = there.path().join(NAME);
            assert!(refused.contains(&folder.display().to_string()) && refused.contains(MARKER), "{refused}");
            // What install asks before it replaces a folder.
            assert_eq!(is_ours(&folder), Err(refused));
            for (name, text) in files {
                assert_eq!(std::fs::read_to_string(folder.join(name)).expect("still there"), *text);
            }
            assert!(folder.is_dir());
        }
    }

    #[test]
    fn a_file_named_like_the_folder_is_left_alone() {
        let there = tempfile::tempdir().expect("a folder");
        let file = there.path().join(NAME);
        std::fs::write(&file, "mine").expect("written");
        uninstall(Some(there.path())).expect_err("refused");
        assert_eq!(std::fs::read_to_string(file).expect("still there"), "mine");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_left_alone_even_to_a_folder_of_ours() {
        let (real, there) = (plug_ins(&[(MARKER, MARK)]), tempfile::tempdir().expect("a folder"));
        let link = there.path().join(NAME);
        std::os::unix::fs::symlink(real.path().join(NAME), &link).expect("a link");
        uninstall(Some(there.path())).expect_err("refused");
        assert!(link.is_symlink() && real.path().join(NAME).join(MARKER).is_file());
    }
}
