//! Lays the command, the C library and ONNX Runtime out as a folder that can be moved anywhere, or under a
//! prefix as distributions do.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::third_party::{self, Part};
use crate::{Result, binary, build, c_library, onnxruntime, root, run, target};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Builds all and lays it out under `prefix`, or in `target/dist`. Returns the folder.
pub fn lay_out(prefix: Option<&Path>, bundle: bool) -> Result<PathBuf> {
    build()?;
    build_c_library()?;
    let platform = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    let folder = match prefix {
        Some(prefix) => prefix.to_path_buf(),
        None => target().join("dist").join(format!("impasto-{VERSION}-{platform}")),
    };
    if prefix.is_none() && folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let at = |path: &str| folder.join(path);
    let command = format!("impasto{}", std::env::consts::EXE_SUFFIX);
    copy(&binary(), &at("bin"), None)?;
    strip(&at("bin").join(command), Symbols::None)?;
    library(&at("lib"))?;
    static_library(&at("lib"))?;
    copy(&root().join("include").join("impasto.h"), &at("include"), None)?;
    write(&at("lib/pkgconfig/impasto.pc"), &pkg_config("${pcfiledir}/../..", "lib"))?;
    let doc = at("share/doc/impasto");
    styles(&at("share/impasto/styles"))?;
    let mut parts = vec![Part::Command, Part::Library];
    if bundle {
        onnxruntime(&onnxruntime::set_up_with_webgpu(false)?, &at("lib"), &doc)?;
        parts.push(Part::OnnxRuntime);
    }
    documents(&doc, &parts)?;
    Ok(folder)
}

/// Copies what people read: the licences of what is in these `parts`, README, and what its links lead to in the same places as in
/// the checkout.
pub fn documents(to: &Path, parts: &[Part]) -> Result<()> {
    licences_of(to, parts)?;
    for text in ["README.md", "CHANGELOG.md"] {
        copy(&root().join(text), to, None)?;
    }
    for (folder, endings) in
        [("docs", &["md"][..]), ("docs/readme", &["jpg"]), ("ffi/examples", &["c", "cpp", "hpp", "py"])]
    {
        copy_those(folder, endings, &to.join(folder))?;
    }
    Ok(())
}

/// Copies the files of a folder of the checkout that have one of these endings.
fn copy_those(folder: &str, endings: &[&str], to: &Path) -> Result<()> {
    for file in onnxruntime::files(&root().join(folder))? {
        if endings.iter().any(|ending| file.extension().is_some_and(|e| e == *ending)) {
            copy(&file, to, None)?;
        }
    }
    Ok(())
}

/// Builds the C library by itself, as it is tested: in one build with the command cargo would give it the command's
/// features, and with them its dependencies.
pub fn build_c_library() -> Result<()> {
    let package = ["build", "--release", "--package", "impasto-ffi"];
    run::all(Command::new(run::cargo()).args(package).current_dir(root()))
}

/// Lays out in `folder` what every editor's plug-in has: libimpasto, and what `plug_in_around` lays out.
pub fn plug_in(folder: &Path, cuda: bool, licence: &Path, parts: &[Part]) -> Result<()> {
    let (lib, library) = (folder.join("lib"), library_name());
    copy(&c_library(), &lib, Some(&library))?;
    strip(&lib.join(&library), Symbols::None)?;
    plug_in_around(folder, &onnxruntime::set_up_with_webgpu(cuda)?, licence, parts)
}

/// Lays out what is the same for every system: ONNX Runtime from the folder that set-up has made, thumbnails of the styles, and
/// the licences: the plug-in's own, which is the GPL, ours, and those of what is in these `parts`.
pub fn plug_in_around(folder: &Path, runtime: &Path, licence: &Path, parts: &[Part]) -> Result<()> {
    let licences = folder.join("licences");
    onnxruntime(runtime, &folder.join("lib"), &licences)?;
    copy(licence, &licences, Some("plug-in-GPL-3.0"))?;
    licences_of(&licences, parts)?;
    thumbnails(&folder.join("thumbnails"))
}

/// Writes the licences of what is in these `parts` into a folder: ours, and those of others.
pub fn licences_of(folder: &Path, parts: &[Part]) -> Result<()> {
    for text in ["LICENSE-MIT", "LICENSE-APACHE", "docs/model-card.md"] {
        copy(&root().join(text), folder, None)?;
    }
    write(&folder.join("THIRD-PARTY.md"), &third_party::page(parts)?)
}

/// Writes the included styles as small as dialogs show them on a screen with a scale of 2. Krita's crops them to squares.
pub fn thumbnails(folder: &Path) -> Result<()> {
    const SIDE: u32 = 216;
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for file in onnxruntime::files(&root().join("assets/styles"))? {
        if file.extension().is_none_or(|e| e != "jpg") {
            continue;
        }
        let style = image::open(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        let to = folder.join(file.file_name().unwrap_or_default());
        style.thumbnail(SIDE, SIDE).save(&to).map_err(|e| format!("{}: {e}", to.display()))?;
    }
    Ok(())
}

/// Copies our style pictures, what is known about them, and their licence.
pub fn styles(to: &Path) -> Result<()> {
    copy_those("assets/styles", &["jpg", "json", "md"], to)
}

/// Copies ONNX Runtime out of the folder that set-up has made, and its licences.
pub fn onnxruntime(from: &Path, lib: &Path, doc: &Path) -> Result<()> {
    for file in onnxruntime::files(from)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match name.as_str() {
            "VERSION" => {}
            "LICENSE" | "ThirdPartyNotices.txt" => copy(&file, doc, Some(&format!("onnxruntime-{name}")))?,
            _ => copy(&file, lib, None)?,
        }
    }
    Ok(())
}

/// Which symbols a file keeps when it is stripped.
#[derive(Clone, Copy)]
pub enum Symbols {
    /// Those that the dynamic linker needs, which lie apart from the others.
    None,
    /// All but the debug information: a static library is linked with them.
    ForLinking,
}

/// Takes debug information and symbols out of a library or program.
pub fn strip(file: &Path, keep: Symbols) -> Result<()> {
    if cfg!(windows) {
        // Debug information lies in files of its own there.
        return Ok(());
    }
    let option = match keep {
        // Apple's strip takes symbols that the dynamic linker needs as well, if it is not told to keep them.
        Symbols::None if cfg!(target_os = "macos") => "-x",
        Symbols::None => "-s",
        Symbols::ForLinking => "-S",
    };
    run::all(Command::new("strip").arg(option).arg(file))
}

/// The shared library's name where programs look for it when they run.
pub fn library_name() -> String {
    let major = VERSION.split('.').next().unwrap_or("0");
    match std::env::consts::OS {
        "windows" => "impasto.dll".into(),
        "macos" => format!("libimpasto.{major}.dylib"),
        _ => format!("libimpasto.so.{major}"),
    }
}

/// The static library, without debug information.
pub fn static_library(lib: &Path) -> Result<()> {
    let name = "libimpasto.a";
    copy(&target().join("release").join("libimpasto_ffi.a"), lib, Some(name))?;
    strip(&lib.join(name), Symbols::ForLinking)
}

/// The shared library with its links, stripped.
pub fn library(lib: &Path) -> Result<()> {
    let short = library_name();
    if cfg!(windows) {
        return copy(&c_library(), lib, Some(&short));
    }
    let (whole, plain) = match std::env::consts::OS {
        "macos" => (format!("libimpasto.{VERSION}.dylib"), "libimpasto.dylib"),
        _ => (format!("libimpasto.so.{VERSION}"), "libimpasto.so"),
    };
    copy(&c_library(), lib, Some(&whole))?;
    strip(&lib.join(&whole), Symbols::None)?;
    for (name, to) in [(short.as_str(), &whole), (plain, &short)] {
        link(to, &lib.join(name))?;
    }
    Ok(())
}

/// A symbolic link; what was there before is replaced.
#[cfg(unix)]
pub fn link(to: &str, at: &Path) -> Result<()> {
    if at.is_symlink() || at.exists() {
        std::fs::remove_file(at).map_err(|e| format!("{}: {e}", at.display()))?;
    }
    std::os::unix::fs::symlink(to, at).map_err(|e| format!("{}: {e}", at.display()))
}

#[cfg(not(unix))]
pub fn link(_: &str, _: &Path) -> Result<()> {
    Ok(())
}

/// What pkg-config reads of libimpasto below `prefix`, with the libraries in its folder `lib`.
pub fn pkg_config(prefix: &str, lib: &str) -> String {
    format!(
        "prefix={prefix}\n\
         libdir=${{prefix}}/{lib}\n\
         includedir=${{prefix}}/include\n\n\
         Name: impasto\n\
         Description: Repaints a picture in the style of another\n\
         Version: {VERSION}\n\
         Libs: -L${{libdir}} -limpasto\n\
         Libs.private: -lm -ldl -lpthread -lgcc_s\n\
         Cflags: -I${{includedir}}\n"
    )
}

/// Copies a file into a folder, which is made.
pub fn copy(from: &Path, folder: &Path, name: Option<&str>) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let name = name.map_or_else(|| from.file_name().unwrap_or_default().to_os_string(), Into::into);
    std::fs::copy(from, folder.join(name)).map(drop).map_err(|e| format!("{}: {e}", from.display()))
}

/// Writes a text; its folder is made.
pub fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The packages that a package is linked with when it is built by itself.
    fn linked(package: &str) -> Vec<String> {
        let options = [
            "tree",
            "--locked",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--package",
            package,
        ];
        let text = run::text(Command::new(run::cargo()).args(options).current_dir(root())).expect("a tree");
        text.lines().filter_map(|line| line.split(' ').next().map(str::to_string)).collect()
    }

    #[test]
    fn the_c_library_is_linked_with_nothing_that_only_the_command_needs() {
        const COMMAND: [&str; 9] = [
            "clap",
            "ctrlc",
            "indicatif",
            "plotters",
            "rustls",
            "sha2",
            "tracing-subscriber",
            "ureq",
            "webpki-roots",
        ];
        let (library, command) = (linked("impasto-ffi"), linked("impasto"));
        assert!(library.iter().any(|p| p == "ort"), "{library:?}");
        for package in COMMAND {
            assert!(!library.iter().any(|p| p == package), "{package} is linked into the C library");
            // Else the name above is out of date, and the line before tests nothing.
            assert!(command.iter().any(|p| p == package), "{package} is not even linked into the command");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_stripped_program_has_no_symbols_and_still_runs() {
        let folder = tempfile::tempdir().expect("a folder");
        let (source, program) = (folder.path().join("main.c"), folder.path().join("main"));
        write(&source, "int main(void) { return 0; }\n").expect("written");
        run::all(Command::new("cc").arg("-g").arg(&source).arg("-o").arg(&program)).expect("compiled");
        let symbols = || run::text(Command::new("nm").arg(&program)).expect("symbols");
        assert!(symbols().contains(" main"));
        strip(&program, Symbols::None).expect("stripped");
        assert_eq!(symbols(), "");
        run::all(&mut Command::new(&program)).expect("it runs");
    }
}
