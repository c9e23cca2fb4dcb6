//! What users of Windows get: an archive with command, C library and ONNX Runtime, and a wheel for Python.

use std::path::{Path, PathBuf};

use super::build::{Speed, TARGET, Windows};
use crate::third_party::Part;
use crate::wheel::Programs;
use crate::{Result, dist, onnxruntime, root, run, target, zip_file};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The command and the C library.
const PACKAGES: [&str; 2] = ["impasto", "impasto-ffi"];

/// What is in the programs besides Rust's crates: a name for the licences, and Debian's package.
pub const RUNTIMES: [(&str, &str); 2] =
    [("mingw-w64-copyright", "mingw-w64-x86-64-dev"), ("gcc-copyright", "gcc-mingw-w64-base")];

/// Builds all and packs it into `target/dist`. Returns the archive. What is built for tests has a name that says so.
pub fn archive(speed: Speed) -> Result<PathBuf> {
    let windows = Windows::make()?;
    let built = windows.build(&PACKAGES, speed)?;
    let name = match speed {
        Speed::Full => format!("impasto-{VERSION}-windows-x86_64"),
        Speed::Quick => format!("impasto-{VERSION}-windows-x86_64-test"),
    };
    let folder = target().join("dist").join(&name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let at = |path: &str| folder.join(path);
    copy_stripped(&windows, &built.join("impasto.exe"), &at("bin").join("impasto.exe"))?;
    c_library(&windows, &built, &folder)?;
    dist::copy(&root().join("include").join("impasto.h"), &at("include"), None)?;
    dist::styles(&at("share/impasto/styles"))?;
    let doc = at("doc");
    dist::copy(&root().join("docs/windows.md"), &folder, Some("README-WINDOWS.txt"))?;
    dist::onnxruntime(&onnxruntime::set_up_for_windows()?, &at("bin"), &doc)?;
    for (name, package) in RUNTIMES {
        dist::copy(&windows.copyright(package), &doc, Some(name))?;
    }
    let parts = [Part::WindowsCommand, Part::WindowsLibrary, Part::OnnxRuntime];
    dist::documents(&doc, &parts)?;
    let archive = target().join("dist").join(format!("{name}.zip"));
    zip_file::write(&archive, &zip_file::entries(&folder, &name)?)?;
    Ok(archive)
}

/// The wheel for Python on Windows, in `target/dist`.
pub fn wheel(speed: Speed) -> Result<PathBuf> {
    let windows = Windows::make()?;
    let built = windows.build(&PACKAGES, speed)?;
    let folder = target().join("dist");
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let room = tempfile::tempdir_in(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let (command, library) = (room.path().join("impasto.exe"), room.path().join("impasto.dll"));
    copy_stripped(&windows, &built.join("impasto.exe"), &command)?;
    copy_stripped(&windows, &built.join("impasto_ffi.dll"), &library)?;
    let programs = Programs {
        platform: "win_amd64".into(),
        command: (command, "impasto.exe"),
        library: (library, "impasto.dll"),
        parts: [Part::WindowsCommand, Part::WindowsLibrary],
    };
    programs.wheel(RUNTIMES.iter().map(|(name, package)| (*name, windows.copyright(package))).collect())
}

/// The DLL beside the programs, and what compilers link with: a list of its functions and an import library.
fn c_library(windows: &Windows, built: &Path, folder: &Path) -> Result<()> {
    let (dll, lib) = (folder.join("bin/impasto.dll"), folder.join("lib"));
    copy_stripped(windows, &built.join("impasto_ffi.dll"), &dll)?;
    let told = run::text(windows.tool("objdump")?.arg("-p").arg(&dll))?;
    let definition = lib.join("impasto.def");
    dist::write(&definition, &definitions(&told)?)?;
    let import = lib.join("libimpasto.dll.a");
    run::all(windows.tool("dlltool")?.arg("--input-def").arg(&definition).arg("--output-lib").arg(&import))
}

/// A module-definition file, as linkers read it, from what objdump tells of a DLL.
fn definitions(told: &str) -> Result<String> {
    let name = told.lines().find_map(|line| line.strip_prefix("Name ")?.split_whitespace().last());
    if name != Some("impasto.dll") {
        return Err(format!("the C library for {TARGET} calls itself {}", name.unwrap_or("nothing")));
    }
    // `	[   0] +base[   1]  0000 impasto_abi`
    let function = |line: &str| {
        let name = line.trim_start().strip_prefix('[')?.split_whitespace().last()?;
        (line.contains("+base[") && name.starts_with("impasto_")).then(|| name.to_string())
    };
    let mut functions: Vec<String> = told.lines().filter_map(function).collect();
    functions.sort();
    if functions.is_empty() {
        return Err(format!("the C library for {TARGET} exports nothing"));
    }
    Ok(format!("LIBRARY impasto.dll\r\nEXPORTS\r\n    {}\r\n", functions.join("\r\n    ")))
}

pub fn copy_stripped(windows: &Windows, from: &Path, to: &Path) -> Result<()> {
    let (Some(folder), Some(name)) = (to.parent(), to.file_name()) else {
        return Err(format!("{}: is no file's name", to.display()));
    };
    dist::copy(from, folder, name.to_str())?;
    run::all(windows.tool("strip")?.arg("--strip-all").arg(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = "Name \t\t\t\t00000000005a0048 impasto.dll\n\
                        \t[   0] +base[   1]  0001 000cd7c0 impasto_version\n\
                        [Ordinal/Name Pointer] Table -- Ordinal Base 1\n\
                        \t[   0] +base[   1]  0000 impasto_version\n\
                        \t[   1] +base[   2]  0001 impasto_abi\n\
                        \t[   2] +base[   3]  0002 rust_eh_personality\n";

    #[test]
    fn the_functions_of_the_c_library_and_no_others_are_listed() {
        let told = TOLD.replace("\t[   0] +base[   1]  0001 000cd7c0 impasto_version\n", "");
        let expected = "LIBRARY impasto.dll\r\nEXPORTS\r\n    impasto_abi\r\n    impasto_version\r\n";
        assert_eq!(definitions(&told).as_deref(), Ok(expected));
    }

    #[test]
    fn a_library_of_another_name_or_without_functions_is_refused() {
        let renamed = TOLD.replace("impasto.dll", "impasto_ffi.dll");
        assert!(definitions(&renamed).is_err_and(|e| e.contains("impasto_ffi.dll")));
        assert!(definitions("Name  1 impasto.dll\n").is_err_and(|e| e.contains("nothing")));
    }
}
