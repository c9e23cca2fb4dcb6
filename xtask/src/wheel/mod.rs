//! Makes the Python wheel: the package `impasto` with the C library in it, and the command. It needs no Python, and the same
//! files make the same wheel.

mod archive;
mod glibc;

use std::path::{Path, PathBuf};

use crate::third_party::{self, Part};
use crate::zip_file::Entry;
use crate::{Result, binary, build, c_library, dist, onnxruntime, root, target};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Builds all and writes the wheel into `target/dist`. Returns its file.
pub fn make() -> Result<PathBuf> {
    if std::env::consts::OS != "linux" {
        return Err(
            "wheels are made on Linux so far; elsewhere use `cargo xtask dist` and ffi/examples/stylise.py"
                .into(),
        );
    }
    build()?;
    dist::build_c_library()?;
    let folder = target().join("dist");
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let room = tempfile::tempdir_in(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let stripped = |file: &Path, name: &str| -> Result<PathBuf> {
        dist::copy(file, room.path(), Some(name))?;
        let file = room.path().join(name);
        dist::strip(&file, dist::Symbols::None)?;
        Ok(file)
    };
    let command = stripped(&binary(), "impasto")?;
    let library = stripped(&c_library(), "libimpasto.so")?;
    let platform = glibc::platform(&[&command, &library])?;
    let programs = Programs {
        platform,
        command: (command, "impasto"),
        library: (library, "libimpasto.so"),
        parts: [Part::Command, Part::Library],
    };
    programs.wheel(Vec::new())
}

/// What differs between systems.
pub struct Programs {
    /// pip's name of the system.
    pub platform: String,
    /// The command: its file, and its name in the wheel.
    pub command: (PathBuf, &'static str),
    /// The same of the C library.
    pub library: (PathBuf, &'static str),
    /// Both, for the licences of what they hold.
    pub parts: [Part; 2],
}

impl Programs {
    /// Writes the wheel into `target/dist`, with more `licences` than it always has: name and file. Returns its file.
    pub fn wheel(&self, licences: Vec<(&str, PathBuf)>) -> Result<PathBuf> {
        let mut entries = Vec::new();
        let mut add = |name: String, file: &Path, executable: bool| -> Result<()> {
            let bytes = std::fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
            entries.push(Entry { name, bytes, executable });
            Ok(())
        };
        for file in onnxruntime::files(&root().join("python/impasto"))? {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            add(format!("impasto/{name}"), &file, false)?;
        }
        add(format!("impasto/{}", self.library.1), &self.library.0, true)?;
        add(format!("impasto-{VERSION}.data/scripts/{}", self.command.1), &self.command.0, true)?;
        let about = format!("impasto-{VERSION}.dist-info");
        let always = LICENCES.iter().map(|(name, file)| (*name, root().join(file)));
        let licences: Vec<(&str, PathBuf)> = always.chain(licences).collect();
        for (name, file) in &licences {
            add(format!("{about}/licenses/{name}"), file, false)?;
        }
        let others = third_party::page(&self.parts)?;
        entries.push(Entry::text(format!("{about}/licenses/THIRD-PARTY.md"), others));
        let tag = format!("py3-none-{}", self.platform);
        let names: Vec<&str> = licences.iter().map(|(name, _)| *name).collect();
        entries.push(Entry::text(format!("{about}/METADATA"), metadata(&names)?));
        entries.push(Entry::text(format!("{about}/WHEEL"), wheel(&tag)));
        let path = target().join("dist").join(format!("impasto-{VERSION}-{tag}.whl"));
        archive::write(&path, entries, &format!("{about}/RECORD"))?;
        Ok(path)
    }
}

/// What users have to be given along: a name in the wheel, and the file here.
const LICENCES: [(&str, &str); 3] = [
    ("LICENSE-APACHE", "LICENSE-APACHE"),
    ("LICENSE-MIT", "LICENSE-MIT"),
    ("model-card.md", "docs/model-card.md"),
];

/// What PyPI and pip are told: `python/METADATA` with the version and the licence files, and `python/README.md` as the
/// description.
fn metadata(licences: &[&str]) -> Result<String> {
    let read = |name: &str| {
        let path = root().join("python").join(name);
        std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))
    };
    let (fields, description) = (read("METADATA")?, read("README.md")?);
    let licences: String = licences.iter().map(|name| format!("License-File: {name}\n")).collect();
    Ok(format!("Metadata-Version: 2.4\nName: impasto\nVersion: {VERSION}\n{fields}{licences}\n{description}"))
}

fn wheel(tag: &str) -> String {
    format!("Wheel-Version: 1.0\nGenerator: impasto ({VERSION})\nRoot-Is-Purelib: false\nTag: {tag}\n")
}
