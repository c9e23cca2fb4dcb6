//! The crates of others that our programs are linked with: a page with their licences for each archive, as the
//! licences ask for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::{Result, onnxruntime, root, run, windows};

/// A program or library that archives are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The command `impasto`.
    Command,
    /// libimpasto.
    Library,
    /// GIMP's filter.
    Filter,
    /// The command for Windows.
    WindowsCommand,
    /// libimpasto for Windows.
    WindowsLibrary,
    /// GIMP's filter for Windows.
    WindowsFilter,
    /// ONNX Runtime, as `cargo xtask setup` gets it.
    OnnxRuntime,
}

impl Part {
    /// The manifest of the workspace and the package in it, for what is built here.
    fn package(self) -> Option<(PathBuf, &'static str)> {
        match self {
            Part::Command | Part::WindowsCommand => Some((root().join("Cargo.toml"), "impasto")),
            Part::Library | Part::WindowsLibrary => Some((root().join("Cargo.toml"), "impasto-ffi")),
            Part::Filter | Part::WindowsFilter => {
                Some((root().join("plugin-gimp").join("Cargo.toml"), "impasto-gimp"))
            }
            Part::OnnxRuntime => None,
        }
    }

    /// What it is built for, if that is not this machine.
    fn target(self) -> Option<&'static str> {
        matches!(self, Part::WindowsCommand | Part::WindowsLibrary | Part::WindowsFilter)
            .then_some(windows::TARGET)
    }
}

/// A crate of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crate {
    pub name: String,
    pub version: String,
    /// An SPDX expression.
    pub licence: String,
    /// Where its sources are, if it says so.
    pub repository: Option<String>,
    /// The SHA-256 of the archive that cargo has got.
    pub checksum: Option<String>,
    /// The texts of its licence files.
    pub texts: Vec<String>,
}

/// The crates of others in these parts, in the order of their names.
pub fn crates(parts: &[Part]) -> Result<Vec<Crate>> {
    let mut all = BTreeMap::new();
    for (part, (manifest, package)) in parts.iter().filter_map(|part| Some((part, part.package()?))) {
        let known = known(&manifest)?;
        for id in linked(&manifest, package, part.target())? {
            if let Some(found) = known.get(&id) {
                all.insert(id, found.clone());
            }
        }
    }
    Ok(all.into_values().collect())
}

/// Name and version of each crate that a package is linked with when it is built by itself, its own among them.
fn linked(manifest: &Path, package: &str, target: Option<&str>) -> Result<BTreeSet<(String, String)>> {
    let mut tree = Command::new(run::cargo());
    tree.args(["tree", "--locked", "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"]);
    tree.args(["--package", package, "--manifest-path"]).arg(manifest);
    tree.args(target.map(|target| format!("--target={target}")));
    let id = |line: &str| {
        let (name, rest) = line.split_once(" v")?;
        Some((name.to_string(), rest.split(' ').next()?.to_string()))
    };
    Ok(run::text(&mut tree)?.lines().filter_map(id).collect())
}

/// What cargo knows about the crates of others in a workspace.
fn known(manifest: &Path) -> Result<BTreeMap<(String, String), Crate>> {
    let mut metadata = Command::new(run::cargo());
    metadata.args(["metadata", "--locked", "--format-version", "1", "--manifest-path"]).arg(manifest);
    let metadata: Value = serde_json::from_str(&run::text(&mut metadata)?)
        .map_err(|e| format!("what `cargo metadata` says of {}: {e}", manifest.display()))?;
    let lock = manifest.with_file_name("Cargo.lock");
    let lock = std::fs::read_to_string(&lock).map_err(|e| format!("{}: {e}", lock.display()))?;
    let checksums = checksums(&lock);
    let mut all = BTreeMap::new();
    let packages = metadata.get("packages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for package in packages.iter().filter(|p| p.get("source").is_some_and(Value::is_string)) {
        let text = |field: &str| package.get(field).and_then(Value::as_str).map(str::to_string);
        let id = (text("name").unwrap_or_default(), text("version").unwrap_or_default());
        let folder = PathBuf::from(text("manifest_path").unwrap_or_default());
        let folder = folder.parent().unwrap_or(Path::new("")).to_path_buf();
        let named = text("license_file").map(|file| folder.join(file));
        let found = Crate {
            name: id.0.clone(),
            version: id.1.clone(),
            licence: text("license").unwrap_or("see its text below".into()).replace('/', " OR "),
            repository: text("repository"),
            checksum: checksums.get(&id).cloned(),
            texts: texts(&folder, named)?,
        };
        all.insert(id, found);
    }
    share_texts(&mut all);
    Ok(all)
}

/// Gives crates that have no licence file those of a crate from the same repository.
fn share_texts(crates: &mut BTreeMap<(String, String), Crate>) {
    let with_texts: Vec<Crate> = crates.values().filter(|c| !c.texts.is_empty()).cloned().collect();
    for one in crates.values_mut().filter(|c| c.texts.is_empty() && c.repository.is_some()) {
        let same = |c: &&Crate| c.repository == one.repository && c.licence == one.licence;
        one.texts = with_texts.iter().find(same).map(|c| c.texts.clone()).unwrap_or_default();
    }
}

/// The checksums in a lock file.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let mut all = BTreeMap::new();
    for package in lock.split("[[package]]") {
        let field = |name: &str| {
            let line = package.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(" = "))?;
            Some(line.trim_matches('"').to_string())
        };
        if let (Some(name), Some(version), Some(sum)) = (field("name"), field("version"), field("checksum")) {
            all.insert((name, version), sum);
        }
    }
    all
}

/// The licence files in a crate's folder, and the one that its manifest names.
fn texts(folder: &Path, named: Option<PathBuf>) -> Result<Vec<String>> {
    let mut files: BTreeSet<PathBuf> = named.into_iter().filter(|file| file.is_file()).collect();
    files.extend(onnxruntime::files(folder)?.into_iter().filter(|file| is_licence(file)));
    let mut texts = Vec::new();
    for file in files {
        let bytes = std::fs::read(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        let text: Vec<&str> =
            std::str::from_utf8(&bytes).unwrap_or_default().lines().map(str::trim_end).collect();
        let text = text.join("\n").trim_matches('\n').to_string();
        if !text.is_empty() && !texts.contains(&text) {
            texts.push(text);
        }
    }
    Ok(texts)
}

fn is_licence(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    ["licen", "copying", "copyright", "notice", "unlicen"].iter().any(|start| name.starts_with(start))
}

/// The page for an archive of these parts.
pub fn page(parts: &[Part]) -> Result<String> {
    written(parts, &crates(parts)?, &rust_version(parts)?, &standard_licences()?)
}

/// The version of the compiler of these parts, whose standard library is in everything.
pub fn rust_version(parts: &[Part]) -> Result<String> {
    let mut compiler = match parts.iter().any(|part| part.target().is_some()) {
        true => windows::Windows::make()?.command("/usr/bin/rustc"),
        false => Command::new("rustc"),
    };
    let said = run::text(compiler.arg("--version"))?;
    Ok(said.split_whitespace().nth(1).unwrap_or("of an unknown version").to_string())
}

/// What Rust's standard library is under.
const OF_RUST: &str = "MIT OR Apache-2.0";

/// Licences whose texts are the same for everybody, or nearly so.
fn standard_licences() -> Result<[(&'static str, String); 3]> {
    let read = |name: &str| {
        let file = root().join(name);
        std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))
    };
    let gpl = ("GPL-3.0-or-later", read("plugin-gimp/LICENSE")?);
    Ok([("Apache-2.0", read("LICENSE-APACHE")?), ("MIT", read("LICENSE-MIT")?), gpl])
}

/// The licence of the font with which the command draws the loss curve.
const FONT: &str = include_str!("../../assets/fonts/DejaVuSans.LICENCE");

fn written(parts: &[Part], crates: &[Crate], rust: &str, standard: &[(&str, String)]) -> Result<String> {
    let mut page = String::from(
        "# Software of others in this archive\n\n\
         The programs and libraries here were built from the Rust crates in this list. Their licences follow.\n\n",
    );
    page += &format!("They also hold the standard library of Rust {rust} ({OF_RUST}).\n");
    if parts.contains(&Part::OnnxRuntime) {
        page += "ONNX Runtime lies beside them (MIT). Its licence and those of what it holds are the files \
                 `onnxruntime-LICENSE` and `onnxruntime-ThirdPartyNotices.txt`.\n";
    }
    if parts.iter().any(|part| part.target().is_some()) {
        page += "They also hold mingw-w64's and GCC's code for the start of a program. Its licences are in the file \
                 `mingw-w64-copyright` and `gcc-copyright`.\n";
    }
    page += "\nImpasto's own parts are under MIT or Apache-2.0, as you choose, and the built-in model under CC-BY-4.0 \
             (`model-card.md`). Plug-ins of GIMP and Krita are under GPL-3.0-or-later; their sources are in the folders \
             `plugin-gimp` and `plugin-krita` of Impasto's.\n";
    page += "\n| crate | version | licence | source |\n|---|---|---|---|\n";
    let mut by_text: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for Crate { name, version, licence, repository, texts, .. } in crates {
        let source = repository.as_deref().unwrap_or("crates.io");
        page += &format!("| {name} | {version} | {licence} | {source} |\n");
        let usual = standard.iter().filter(|(id, _)| texts.is_empty() && licence.contains(id));
        let all: Vec<&String> = texts.iter().chain(usual.map(|(_, text)| text)).collect();
        if all.is_empty() {
            return Err(format!("no text is known of the licence of {name} {version}, {licence}"));
        }
        for text in all {
            by_text.entry(text).or_default().push(format!("{name} {version}"));
        }
    }
    for (_, text) in standard.iter().filter(|(id, _)| OF_RUST.contains(id)) {
        by_text.entry(text).or_default().push(format!("Rust {rust}"));
    }
    page += "\n## Licences\n\n\
             A crate that has no file with its licence is named with that of its repository, or with the usual text of the \
             licence that it declares.\n";
    let mut texts: Vec<(&str, Vec<String>)> = by_text.into_iter().collect();
    texts.sort_by(|a, b| (&a.1, a.0).cmp(&(&b.1, b.0)));
    for (text, users) in texts {
        page += &format!("\n### {}\n\n~~~text\n{}\n~~~\n", users.join(", "), text.trim_end());
    }
    if parts.iter().any(|part| matches!(part, Part::Command | Part::WindowsCommand)) {
        page += &format!("\n### DejaVu Sans, the font of loss curves\n\n~~~text\n{}\n~~~\n", FONT.trim_end());
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_that_the_command_is_linked_with_has_a_licence_text() {
        let crates = crates(&[Part::Command]).expect("crates");
        for name in ["ort", "clap", "rustls", "png"] {
            assert!(crates.iter().any(|c| c.name == name), "{name}");
        }
        // Ours, and what only runs while it is built.
        for name in ["impasto", "impasto-onnx", "serde_derive", "cc"] {
            assert!(!crates.iter().any(|c| c.name == name), "{name}");
        }
        let page = page(&[Part::Command]).expect("a page");
        for Crate { name, version, licence, checksum, .. } in &crates {
            let heading = format!("{name} {version}");
            let has_text = page.lines().any(|l| l.starts_with("### ") && l.contains(&heading));
            assert!(has_text, "{heading} ({licence}) has no licence text");
            assert_eq!(checksum.as_ref().map(String::len), Some(64), "{heading}");
        }
    }

    #[test]
    fn the_c_library_has_fewer_crates_than_the_command() {
        let library = crates(&[Part::Library]).expect("crates");
        assert!(library.iter().any(|c| c.name == "ort") && !library.iter().any(|c| c.name == "clap"));
        let both = crates(&[Part::Library, Part::Command]).expect("crates");
        assert_eq!(both, crates(&[Part::Command, Part::Library]).expect("crates"));
    }

    fn example(name: &str, licence: &str, texts: &[&str]) -> Crate {
        Crate {
            name: name.into(),
            version: "1.0.0".into(),
            licence: licence.into(),
            repository: None,
            checksum: None,
            texts: texts.iter().map(|t| t.to_string()).collect(),
        }
    }

    #[test]
    fn a_text_that_several_crates_share_is_written_once() {
        let crates = [
            example("one", "MIT", &["do what you like"]),
            example("three", "MIT", &[]),
            example("two", "MIT", &["do what you like"]),
        ];
        let standard = [("MIT", "the usual".into()), ("GPL-3.0-or-later", "another".into())];
        let page = written(&[Part::OnnxRuntime], &crates, "1.99.0", &standard).expect("a page");
        assert_eq!(page.matches("do what you like").count(), 1, "{page}");
        assert!(page.contains("### one 1.0.0, two 1.0.0\n"), "{page}");
        assert!(page.contains("### three 1.0.0, Rust 1.99.0\n\n~~~text\nthe usual\n"), "{page}");
        assert!(page.contains("onnxruntime-LICENSE") && !page.contains("another"), "{page}");
        assert!(!page.contains("Bitstream"), "{page}");
        let page = written(&[Part::Command], &crates, "1.99.0", &standard).expect("a page");
        assert!(page.contains("### DejaVu Sans") && page.contains("Bitstream"), "{page}");
    }

    #[test]
    fn a_licence_without_a_text_is_an_error() {
        let refused = written(&[], &[example("one", "Own-1.0", &[])], "1.99.0", &[]).expect_err("refused");
        assert!(refused.contains("one 1.0.0, Own-1.0"), "{refused}");
    }

    #[test]
    fn a_crate_without_a_licence_file_has_that_of_its_repository() {
        let id = |name: &str| (name.to_string(), String::new());
        let from = |name: &str, repository: &str, texts: &[&str]| {
            (id(name), Crate { repository: Some(repository.into()), ..example(name, "BSD-3-Clause", texts) })
        };
        let mut crates =
            BTreeMap::from([from("a", "here", &["text"]), from("b", "here", &[]), from("c", "there", &[])]);
        share_texts(&mut crates);
        let texts: Vec<usize> = crates.values().map(|c| c.texts.len()).collect();
        assert_eq!(texts, [1, 1, 0]);
    }

    #[test]
    fn licences_are_found_by_their_names() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["LICENSE-MIT", "copying.txt", "README.md", "own.txt"] {
            std::fs::write(folder.path().join(name), format!("{name}\r\n\n")).expect("written");
        }
        let found = texts(folder.path(), Some(folder.path().join("own.txt"))).expect("texts");
        assert_eq!(found, ["LICENSE-MIT", "copying.txt", "own.txt"]);
    }
}
