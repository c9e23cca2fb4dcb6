//! `cargo xtask release VERSION`: all archives that this machine can make, with their checksums, the licences of
//! others and the lists of what they are made of. Where the checkout lies makes no difference to the bytes.

mod clean_room;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::third_party::{self, Part};
use crate::windows::Speed;
use crate::{Result, archive, deb, dist, gimp, krita, onnxruntime, root, run, sbom, target, wheel, windows};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Makes the release in a folder below target/dist and says what a person does next. In a `trial` what is not ready
/// is told, and does not stop it.
pub fn make(version: &str, trial: bool) -> Result<()> {
    let changed = run::text(Command::new("git").args(["status", "--porcelain"]).current_dir(root()))?;
    let problems = problems(version, &root(), &changed)?;
    if !trial && !problems.is_empty() {
        return Err(format!("{} is not ready:\n  {}", version, problems.join("\n  ")));
    }
    let folder = folder();
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    if clean_room::is_here() {
        return archives(&folder);
    }
    for problem in problems {
        println!("note: not ready for a release: {problem}");
    }
    clean_room::build(version, &folder)?;
    for file in sorted_files(&folder)? {
        let size = file.metadata().map_err(|e| format!("{}: {e}", file.display()))?.len();
        println!("{:>9.1} MB  {}", size as f64 / 1e6, file.display());
    }
    println!(
        "To do by a person who has the keys:\n  \
         git tag -s v{VERSION}\n  \
         gpg --armor --detach-sign SHA256SUMS    (it covers every file of the release)\n\
         The Debian packages need no signature of their own where SHA256SUMS is checked; a repository for apt signs its \
         Release file. macOS's notarisation and Windows' Authenticode are for programs that are built there."
    );
    Ok(())
}

/// Where the release is put.
fn folder() -> PathBuf {
    target().join("dist").join(format!("release-{VERSION}"))
}

/// Builds everything from this checkout, and puts the archives into the folder.
fn archives(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let whole = dist::lay_out(None, true)?;
    let name = whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
    archive::tar_xz(&whole, &name, &folder.join(format!("{name}.tar.xz")))?;
    describe(folder, "impasto", &[Part::Command, Part::Library, Part::OnnxRuntime])?;
    if let Some(filter) = gimp::archive()? {
        dist::copy(&filter, folder, None)?;
        describe(folder, "impasto-gimp", &[Part::Filter, Part::Library, Part::OnnxRuntime])?;
    }
    dist::copy(&krita::archive()?, folder, None)?;
    describe(folder, "impasto-krita", &[Part::Library, Part::OnnxRuntime])?;
    dist::copy(&wheel::make()?, folder, None)?;
    describe(folder, "impasto-python", &[Part::Command, Part::Library])?;
    match windows::Windows::find(true) {
        Ok(_) => {
            dist::copy(&windows::archive(Speed::Full)?, folder, None)?;
            dist::copy(&windows::wheel(Speed::Full)?, folder, None)?;
            let parts = [Part::WindowsCommand, Part::WindowsLibrary, Part::OnnxRuntime];
            describe(folder, "impasto-windows", &parts)?;
            if let Some(filter) = windows::filter_archive(Speed::Full, false)? {
                dist::copy(&filter, folder, None)?;
                describe(folder, "impasto-gimp-windows", &windows::FILTER_PARTS)?;
            }
        }
        Err(problem) => println!("Without archives for Windows: {problem}"),
    }
    match run::text(Command::new("dpkg-deb").arg("--version")) {
        Ok(_) => deb::make()?.iter().try_for_each(|package| dist::copy(package, folder, None))?,
        Err(problem) => println!("Without Debian packages: {problem}"),
    }
    dist::write(&folder.join("SHA256SUMS"), &sums(folder)?)
}

/// Why this version cannot be released from the checkout in `root`, in which git says that these files are `changed`.
fn problems(version: &str, root: &Path, changed: &str) -> Result<Vec<String>> {
    let read = |file: &str| {
        let path = root.join(file);
        std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))
    };
    let mut problems = Vec::new();
    for manifest in ["Cargo.toml", "plugin-gimp/Cargo.toml"] {
        let text = read(manifest)?;
        let found = text.lines().find_map(|l| l.strip_prefix("version = ")).unwrap_or("nothing");
        if found != format!("\"{version}\"") {
            problems.push(format!("{manifest} says version = {found}"));
        }
    }
    if !read("CHANGELOG.md")?.contains(&format!("\n## [{version}]")) {
        problems.push(format!("CHANGELOG.md has no section \"## [{version}]\"; rename \"Unreleased\""));
    }
    if let Some(first) = changed.lines().next() {
        let count = changed.lines().count();
        problems.push(format!("{count} files are not committed, such as {}", first.trim()));
    }
    Ok(problems)
}

/// Writes what an archive is made of, beside it.
fn describe(folder: &Path, name: &str, parts: &[Part]) -> Result<()> {
    let about = format!("{name}-{VERSION}");
    dist::write(&folder.join(format!("{about}.THIRD-PARTY.md")), &third_party::page(parts)?)?;
    dist::write(&folder.join(format!("{about}.cdx.json")), &sbom::components(name, parts)?)
}

fn sorted_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = onnxruntime::files(folder)?;
    files.sort();
    Ok(files)
}

/// The checksums of the files in a folder, as `sha256sum --check` reads them.
fn sums(folder: &Path) -> Result<String> {
    let line = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(format!("{}  {name}\n", archive::sha256(file)?))
    };
    sorted_files(folder)?.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkout(files: [(&str, &str); 3]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            dist::write(&folder.path().join(name), text).expect("written");
        }
        folder
    }

    #[test]
    fn a_checkout_that_is_ready_has_no_problems() {
        let there = checkout([
            ("Cargo.toml", "[workspace.package]\nversion = \"1.2.3\"\n"),
            ("plugin-gimp/Cargo.toml", "version = \"1.2.3\"\n"),
            ("CHANGELOG.md", "# Changelog\n\n## [1.2.3] - 2027-01-01\n"),
        ]);
        assert_eq!(problems("1.2.3", there.path(), ""), Ok(Vec::new()));
    }

    #[test]
    fn each_thing_that_is_not_ready_is_told() {
        let there = checkout([
            ("Cargo.toml", "[workspace.package]\nversion = \"1.2.3\"\n"),
            ("plugin-gimp/Cargo.toml", "version = \"1.2.2\"\n"),
            ("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n"),
        ]);
        let told = problems("1.2.3", there.path(), " M README.md\n?? new\n").expect("problems").join("\n");
        for word in
            ["plugin-gimp/Cargo.toml says version = \"1.2.2\"", "CHANGELOG.md", "2 files", "M README.md"]
        {
            assert!(told.contains(word), "{word}: {told}");
        }
        assert_eq!(told.lines().count(), 3, "{told}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_checksums_are_those_that_sha256sum_checks() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b.txt", "a.txt"] {
            dist::write(&folder.path().join(name), name).expect("written");
        }
        let sums = sums(folder.path()).expect("sums");
        dist::write(&folder.path().join("SHA256SUMS"), &sums).expect("written");
        let mut check = Command::new("sha256sum");
        let said =
            run::text(check.args(["--check", "SHA256SUMS"]).current_dir(folder.path())).expect("checked");
        assert_eq!(said, "a.txt: OK\nb.txt: OK\n");
    }
}
