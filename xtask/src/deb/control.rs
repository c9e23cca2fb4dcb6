//! The files by which dpkg and apt know a package: its control file, its changelog, the checksums of its files.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::archive::{self, Entry};
use crate::{Result, run};

/// The version of the packages: ours, and how often it has been packed.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "-1");

/// The source package that all of them are said to be built from.
const SOURCE: &str = "impasto";

/// What is said of a package.
pub struct Package {
    pub name: &'static str,
    pub section: &'static str,
    /// Whether packages of several architectures can be installed beside each other.
    pub multi_arch_same: bool,
    /// Other packages, as in a control file.
    pub depends: Vec<String>,
    /// What it is, in less than 80 characters.
    pub summary: &'static str,
    /// More about it: paragraphs of lines of less than 80 characters.
    pub description: &'static [&'static str],
}

/// Debian's name of this machine's architecture, and that in the names of folders.
pub fn architecture() -> Result<(&'static str, &'static str)> {
    match std::env::consts::ARCH {
        "x86_64" if cfg!(target_os = "linux") => Ok(("amd64", "x86_64-linux-gnu")),
        "aarch64" if cfg!(target_os = "linux") => Ok(("arm64", "aarch64-linux-gnu")),
        other => Err(format!(
            "Debian packages are made on Linux on x86-64 or aarch64, not on {} on {other}",
            std::env::consts::OS
        )),
    }
}

/// Who answers for the packages: what `DEBFULLNAME` and `DEBEMAIL` say, as Debian's own tools have it.
fn maintainer() -> String {
    let said = |variable: &str, else_: &str| {
        std::env::var(variable).ok().filter(|v| !v.is_empty()).unwrap_or_else(|| else_.into())
    };
    format!(
        "{} <{}>",
        said("DEBFULLNAME", "The Impasto authors"),
        said("DEBEMAIL", "impasto@authors.invalid")
    )
}

/// The control file of a package whose files lie in `tree`.
pub fn control(package: &Package, tree: &Path) -> Result<String> {
    let mut text = format!("Package: {}\n", package.name);
    if package.name != SOURCE {
        text += &format!("Source: {SOURCE}\n");
    }
    text += &format!("Version: {VERSION}\nArchitecture: {}\n", architecture()?.0);
    if package.multi_arch_same {
        text += "Multi-Arch: same\n";
    }
    text += &format!("Maintainer: {}\nInstalled-Size: {}\n", maintainer(), installed_size(tree)?);
    text += &format!("Depends: {}\n", package.depends.join(", "));
    text += &format!("Section: {}\nPriority: optional\nDescription: {}\n", package.section, package.summary);
    for (index, paragraph) in package.description.iter().enumerate() {
        if index > 0 {
            text += " .\n";
        }
        for line in paragraph.lines() {
            text += &format!(" {}\n", line.trim());
        }
    }
    Ok(text)
}

/// The room of the files in KiB, and one for each folder and link.
fn installed_size(tree: &Path) -> Result<u64> {
    let mut size = 0;
    for (path, entry) in archive::entries(tree)? {
        size += match entry {
            Entry::Folder | Entry::Link(_) => 1,
            Entry::File(_) => {
                let file = tree.join(path);
                file.metadata().map_err(|e| format!("{}: {e}", file.display()))?.len().div_ceil(1024)
            }
        };
    }
    Ok(size)
}

/// The file `md5sums`, by which `dpkg --verify` finds files that have changed.
pub fn md5sums(tree: &Path) -> Result<String> {
    let files = archive::entries(tree)?.into_iter().filter(|(_, entry)| matches!(entry, Entry::File(_)));
    let files: Vec<PathBuf> = files.map(|(path, _)| path).collect();
    run::text(Command::new("md5sum").args(files).current_dir(tree))
}

/// The changelog of the packages.
pub fn changelog() -> Result<String> {
    let date = format!("--date=@{}", archive::epoch()?);
    let date = run::text(Command::new("date").args(["-u", "-R", &date]).env("LC_ALL", "C"))?;
    Ok(format!(
        "{SOURCE} ({VERSION}) unstable; urgency=medium\n\n  * Version {}; what is new stands in changelog.gz.\n\n -- {}  {}\n",
        env!("CARGO_PKG_VERSION"),
        maintainer(),
        date.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_control_file_has_what_dpkg_asks_for() {
        let tree = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(tree.path().join("usr")).expect("made");
        std::fs::write(tree.path().join("usr/file"), vec![0; 1025]).expect("written");
        let package = Package {
            name: "libimpasto0",
            section: "libs",
            multi_arch_same: true,
            depends: vec!["libc6 (>= 2.34)".into(), "libgcc-s1 (>= 4.2)".into()],
            summary: "a library",
            description: &["one\n two", "three"],
        };
        let text = control(&package, tree.path()).expect("a control file");
        for line in [
            "Package: libimpasto0\nSource: impasto\nVersion: ",
            "Multi-Arch: same\nMaintainer: ",
            "Installed-Size: 3\nDepends: libc6 (>= 2.34), libgcc-s1 (>= 4.2)\nSection: libs\n",
            "Description: a library\n one\n two\n .\n three\n",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        let sums = md5sums(tree.path()).expect("sums");
        assert!(sums.ends_with("  usr/file\n") && sums.lines().count() == 1, "{sums}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_changelog_has_the_commits_time() {
        let text = changelog().expect("a changelog");
        let date = text.trim_end().rsplit("  ").next().expect("a date");
        let seconds = run::text(Command::new("date").args(["-u", "+%s", "-d", date])).expect("seconds");
        assert_eq!(seconds.trim(), archive::epoch().expect("a time").to_string());
    }
}
