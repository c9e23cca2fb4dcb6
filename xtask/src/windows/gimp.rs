//! GIMP's filter for Windows, as an archive for GIMP's plug-ins folder.

use std::path::PathBuf;

use super::build::{Speed, Windows, target_folder};
use super::imports;
use super::layout::{RUNTIMES, copy_stripped};
use crate::root_directory::Root;
use crate::third_party::Part;
use crate::{Result, dist, gimp, onnxruntime, root, target, zip_file};

/// What the archive is made of.
pub const PARTS: [Part; 3] = [Part::WindowsFilter, Part::WindowsLibrary, Part::OnnxRuntime];

/// Builds the filter and packs it into `target/dist`. Returns the archive. Where there is no root directory with GIMP, one is made
/// if `make` is set; else nothing is done, and that is said.
pub fn archive(speed: Speed, make: bool) -> Result<Option<PathBuf>> {
    let Some(with_gimp) = gimp::root_directory(make)? else {
        println!("Without GIMP's filter for Windows: `cargo xtask test-windows` makes what it is built with");
        return Ok(None);
    };
    let windows = Windows::make()?;
    let program = program(&windows, &with_gimp, speed)?;
    let built = windows.build(&["impasto-ffi"], speed)?;
    let about = match speed {
        Speed::Full => "",
        Speed::Quick => "-test",
    };
    let name = format!("impasto-gimp-{}-windows-x86_64{about}", env!("CARGO_PKG_VERSION"));
    let room = target().join("dist").join(&name);
    if room.exists() {
        std::fs::remove_dir_all(&room).map_err(|e| format!("{}: {e}", room.display()))?;
    }
    let folder = room.join(gimp::NAME);
    copy_stripped(&windows, &program, &folder.join(format!("{}.exe", gimp::NAME)))?;
    copy_stripped(&windows, &built.join("impasto_ffi.dll"), &folder.join("lib/impasto.dll"))?;
    let runtime = onnxruntime::set_up_for_windows()?;
    dist::plug_in_around(&folder, &runtime, &root().join("plugin-gimp/LICENSE"), &PARTS)?;
    for (name, package) in RUNTIMES {
        dist::copy(&windows.copyright(package), &folder.join("licences"), Some(name))?;
    }
    gimp::translations(&folder.join("locale"))?;
    dist::write(&folder.join(gimp::FOLDER.marker), &gimp::FOLDER.note())?;
    dist::copy(&root().join("docs/windows.md"), &folder, Some("README-WINDOWS.txt"))?;
    let archive = target().join("dist").join(format!("{name}.zip"));
    zip_file::write(&archive, &zip_file::entries(&folder, gimp::NAME)?)?;
    Ok(Some(archive))
}

/// Builds the filter against what is in the root directory with GIMP, and returns the program.
fn program(windows: &Windows, with_gimp: &Root, speed: Speed) -> Result<PathBuf> {
    let folder = target_folder(speed).join("gimp-imports");
    let mut variables = imports::make(windows, with_gimp, &folder)?.to_vec();
    // Else a program is linked with all functions that the crates of GIMP and GTK know. Windows does not start a program if a DLL
    // lacks a function, even one that is never called.
    variables.push("CARGO_PROFILE_RELEASE_LTO=fat".into());
    let manifest = root().join("plugin-gimp").join("Cargo.toml");
    let built = windows.build_against(&folder, &manifest, &variables, with_gimp, speed)?;
    Ok(built.join("impasto-gimp.exe"))
}
