//! GEGL's operation: builds it, lays it out with the command that paints, puts both into the user's GEGL folder, and tests
//! them in `gegl` and in a real GIMP.

use std::path::{Path, PathBuf};

use crate::dist::Symbols;
use crate::gimp::Place;
use crate::installed::Folder;
use crate::third_party::Part;
use crate::{Result, binary, build, dist, onnxruntime, root, run, target};

/// The name of both folders. The command lies beside `plug-ins` and not below it: GEGL opens every library there.
const NAME: &str = "impasto";

/// The operation's file.
const OPERATION: &str = "impasto-style-transfer.so";

const INSTALL: &str = "cargo xtask install-gegl";
const UNINSTALL: &str = "cargo xtask uninstall-gegl";

/// How the folder of the operation is known.
const OPERATION_FOLDER: Folder = Folder {
    marker: "IMPASTO-OPERATION",
    mark: "Impasto, the operation for GEGL\n",
    install: INSTALL,
    uninstall: UNINSTALL,
};

/// How the folder of the command is known.
const COMMAND_FOLDER: Folder = Folder {
    marker: "IMPASTO-COMMAND",
    mark: "Impasto, the command that GEGL's operation calls\n",
    install: INSTALL,
    uninstall: UNINSTALL,
};

/// Warnings are errors in tests.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Warnings {
    Allowed,
    Denied,
}

fn target_of_the_operation() -> PathBuf {
    target().join("gegl")
}

fn place(make: bool) -> Result<Place> {
    if !cfg!(target_os = "linux") {
        return Err("GEGL's operation is only made for Linux so far".into());
    }
    let missing = "GEGL's development files are missing: install libgegl-dev (Debian, Ubuntu), gegl04-devel (Fedora), \
                   gegl-devel (openSUSE) or gegl (Arch), a C compiler and pkg-config";
    Place::find_with(if make { "gimpui-3.0" } else { "gegl-0.4" }, missing, make)
}

/// Compiles the operation and returns the file.
fn operation(place: &Place, warnings: Warnings) -> Result<PathBuf> {
    let sources = root().join("plugin-gegl");
    let folder = target_of_the_operation();
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let file = folder.join(OPERATION);
    let flags = run::text(place.command("pkg-config").args(["--cflags", "--libs", "gegl-0.4", "gio-2.0"]))?;
    let mut compile = place.command("cc");
    compile.args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-fPIC", "-fvisibility=hidden", "-shared"]);
    // Callbacks do not need all they get, and GEGL's own macros cast functions.
    compile.args(["-Wno-unused-parameter", "-Wno-cast-function-type"]);
    if warnings == Warnings::Denied {
        compile.arg("-Werror");
    }
    // It has threads, so it is never closed.
    compile.args(["-Wl,-z,nodelete", "-Wl,-z,defs", "-I"]).arg(&sources).arg("-o").arg(&file);
    let mut files = onnxruntime::files(&sources)?;
    files.retain(|file| file.extension().is_some_and(|e| e == "c"));
    files.sort();
    run::all(compile.args(files).args(flags.split_whitespace()).arg("-ldl"))?;
    Ok(file)
}

/// Lays out the folder of the operation.
fn lay_out_operation(file: &Path, new: &Path) -> Result<()> {
    dist::copy(file, new, None)?;
    dist::strip(&new.join(OPERATION), Symbols::None)?;
    dist::copy(&root().join("plugin-gegl/LICENSE"), new, Some("LICENSE-GPL-3.0"))
}

/// Lays out the folder of the command.
fn lay_out_command(new: &Path, cuda: bool) -> Result<()> {
    let (lib, licences) = (new.join("lib"), new.join("licences"));
    dist::copy(&binary(), new, None)?;
    dist::strip(&new.join(binary().file_name().unwrap_or_default()), Symbols::None)?;
    dist::onnxruntime(&onnxruntime::set_up(cuda)?, &lib, &licences)?;
    dist::licences_of(&licences, &[Part::Command, Part::OnnxRuntime])
}

/// Lays both out in GEGL's folder `base`. Each appears whole or not at all.
fn lay_out(place: &Place, base: &Path, cuda: bool, warnings: Warnings) -> Result<()> {
    let plug_ins = base.join("plug-ins");
    // Looked at before the build, which takes minutes.
    COMMAND_FOLDER.is_ours(&base.join(NAME))?;
    OPERATION_FOLDER.is_ours(&plug_ins.join(NAME))?;
    let file = operation(place, warnings)?;
    build()?;
    let problem = |e: std::io::Error| format!("{}: {e}", plug_ins.display());
    std::fs::create_dir_all(&plug_ins).map_err(problem)?;
    let room = tempfile::Builder::new().prefix("impasto-").tempdir_in(base).map_err(problem)?;
    let (command, new) = (room.path().join("command"), room.path().join("operation"));
    lay_out_command(&command, cuda)?;
    lay_out_operation(&file, &new)?;
    for (folder, new, there) in
        [(COMMAND_FOLDER, command, base.join(NAME)), (OPERATION_FOLDER, new, plug_ins.join(NAME))]
    {
        let before = tempfile::tempdir_in(room.path()).map_err(problem)?;
        folder.replace(&new, &there, before.path())?;
    }
    Ok(())
}

/// This user's folder for GEGL.
fn base() -> Result<PathBuf> {
    Ok(dirs::data_dir().ok_or("this user has no data folder; set HOME")?.join("gegl-0.4"))
}

/// Puts the operation and the command into the folder that is given, or into the user's GEGL folder.
pub fn install(folder: Option<&Path>, cuda: bool) -> Result<()> {
    let place = place(false)?;
    let base = folder.map_or_else(base, |f| Ok(f.to_path_buf()))?;
    lay_out(&place, &base, cuda, Warnings::Allowed)?;
    println!("{}\n{}", base.join("plug-ins").join(NAME).display(), base.join(NAME).display());
    println!(
        "`gegl` has the operation impasto:style-transfer now, and GIMP after its next start (docs/gegl.md)."
    );
    Ok(())
}

/// Removes what `install` has put there.
pub fn uninstall(folder: Option<&Path>) -> Result<()> {
    let base = folder.map_or_else(base, |f| Ok(f.to_path_buf()))?;
    OPERATION_FOLDER.remove(std::iter::once(base.join("plug-ins").join(NAME)))?;
    COMMAND_FOLDER.remove(std::iter::once(base.join(NAME)))
}

/// Runs the tests of `tests/gegl` in `gegl` and in a real GIMP.
pub fn test(arguments: &[String]) -> Result<()> {
    let place = place(true)?;
    let base = target_of_the_operation().join("base");
    if base.exists() {
        std::fs::remove_dir_all(&base).map_err(|e| format!("{}: {e}", base.display()))?;
    }
    lay_out(&place, &base, false, Warnings::Denied)?;
    let mut tests = place.command("python3");
    tests.arg(root().join("tests/gegl/run.py")).arg(base).arg(target_of_the_operation()).args(arguments);
    run::all(&mut tests)
}
