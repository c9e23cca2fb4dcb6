//! Archives and checksums that are the same bytes for the same commit: entries in order of their names, one time and
//! owner for all, permissions that do not depend on who builds.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use lzma_rust2::{XzOptions, XzWriter};
use sha2::{Digest, Sha256};

use crate::{Result, root, run};

/// The variable that names the time of all files in archives, in seconds since 1970.
/// See <https://reproducible-builds.org/specs/source-date-epoch/>.
pub const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// The time of all files in archives: what `SOURCE_DATE_EPOCH` says, else that of the commit.
pub fn epoch() -> Result<u64> {
    let text = match std::env::var(EPOCH) {
        Ok(text) => text,
        Err(_) => run::text(Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(root()))
            .map_err(|e| format!("{e}; without a git checkout, set {EPOCH} to the time of the sources"))?,
    };
    text.trim().parse().map_err(|_| format!("{EPOCH} is '{}'; expected seconds since 1970", text.trim()))
}

/// What lies in a folder.
#[derive(Debug, PartialEq)]
pub enum Entry {
    /// Nothing but other entries.
    Folder,
    /// A file, and whether it can be run.
    File(bool),
    /// A symbolic link, and to where.
    Link(PathBuf),
}

/// Everything in a folder, by its path below the folder.
pub fn entries(folder: &Path) -> Result<BTreeMap<PathBuf, Entry>> {
    let mut all = BTreeMap::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(next) = waiting.pop() {
        let problem = |e: std::io::Error| format!("{}: {e}", next.display());
        for path in std::fs::read_dir(&next).map_err(problem)? {
            let path = path.map_err(problem)?.path();
            let there = path.symlink_metadata().map_err(problem)?;
            let entry = if there.is_symlink() {
                Entry::Link(path.read_link().map_err(problem)?)
            } else if there.is_dir() {
                waiting.push(path.clone());
                Entry::Folder
            } else {
                Entry::File(is_executable(&there))
            };
            all.insert(path.strip_prefix(folder).map_err(|e| e.to_string())?.to_path_buf(), entry);
        }
    }
    Ok(all)
}

#[cfg(unix)]
fn is_executable(file: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &std::fs::Metadata) -> bool {
    false
}

/// Packs a folder into a tar.xz, as a folder of the name `name`. The archive appears whole or not at all. xz makes a fifth
/// less of it than gzip.
pub fn tar_xz(folder: &Path, name: &str, to: &Path) -> Result<()> {
    let epoch = epoch()?;
    let mut partial = to.as_os_str().to_os_string();
    partial.push(".partial");
    let problem = |e: std::io::Error| format!("{}: {e}", to.display());
    let file = File::create(&partial).map_err(problem)?;
    let xz = XzWriter::new(file, XzOptions::with_preset(9)).map_err(problem)?;
    let mut tar = tar::Builder::new(xz);
    let above = std::iter::once((PathBuf::new(), Entry::Folder));
    for (path, entry) in above.chain(entries(folder)?) {
        let at = Path::new(name).join(&path);
        let mut header = tar::Header::new_gnu();
        header.set_mtime(epoch);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mode(if matches!(entry, Entry::File(false)) { 0o644 } else { 0o755 });
        match entry {
            Entry::Folder => {
                header.set_entry_type(tar::EntryType::Directory);
                header.set_size(0);
                tar.append_data(&mut header, at.join(""), std::io::empty()).map_err(problem)?;
            }
            Entry::Link(target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_mode(0o777);
                header.set_size(0);
                tar.append_link(&mut header, at, target).map_err(problem)?;
            }
            Entry::File(_) => {
                let file = File::open(folder.join(&path)).map_err(problem)?;
                header.set_size(file.metadata().map_err(problem)?.len());
                tar.append_data(&mut header, at, file).map_err(problem)?;
            }
        }
    }
    tar.into_inner().and_then(|xz| xz.finish()).and_then(|file| file.sync_all()).map_err(problem)?;
    std::fs::rename(&partial, to).map_err(problem)
}

/// A text or a file's bytes as gzip has them with `-9n`.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut gz = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::best());
    gz.write_all(bytes).and_then(|()| gz.finish()).map_err(|e| e.to_string())
}

/// The SHA-256 of a file, in hexadecimal digits.
pub fn sha256(file: &Path) -> Result<String> {
    let problem = |e: std::io::Error| format!("{}: {e}", file.display());
    let (mut digest, mut block) = (Sha256::new(), vec![0; 1 << 16]);
    let mut open = File::open(file).map_err(problem)?;
    loop {
        let count = open.read(&mut block).map_err(problem)?;
        let Some(read) = block.get(..count).filter(|read| !read.is_empty()) else { break };
        digest.update(read);
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with a program, a text and, on Unix, a link, made in this order of names.
    fn folder(names: [&str; 2]) -> tempfile::TempDir {
        let there = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(there.path().join("share")).expect("made");
        for name in names {
            let path = there.path().join(name);
            std::fs::write(&path, name).expect("written");
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                let mode = if name == "program" { 0o700 } else { 0o600 };
                std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("set");
            }
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink("program", there.path().join("link")).expect("a link");
        there
    }

    #[test]
    fn folders_that_hold_the_same_make_the_same_archive() {
        let to = tempfile::tempdir().expect("a folder");
        let (one, two) = (to.path().join("one.tar.xz"), to.path().join("two.tar.xz"));
        tar_xz(folder(["program", "share/text"]).path(), "impasto", &one).expect("packed");
        // Files that are made later have another time and another place in the folder's list.
        tar_xz(folder(["share/text", "program"]).path(), "impasto", &two).expect("packed");
        let bytes = std::fs::read(&one).expect("read");
        assert!(bytes == std::fs::read(&two).expect("read"));
        assert_eq!(sha256(&one), sha256(&two));

        let mut seen = Vec::new();
        let mut tar = tar::Archive::new(lzma_rust2::XzReader::new(bytes.as_slice(), false));
        for entry in tar.entries().expect("entries") {
            let entry = entry.expect("an entry");
            let header = entry.header();
            assert_eq!((header.uid().expect("an owner"), header.mtime().ok()), (0, epoch().ok()));
            seen.push((entry.path().expect("a path").display().to_string(), header.mode().expect("a mode")));
        }
        let expected = [
            ("impasto/", 0o755),
            #[cfg(unix)]
            ("impasto/link", 0o777),
            ("impasto/program", if cfg!(unix) { 0o755 } else { 0o644 }),
            ("impasto/share/", 0o755),
            ("impasto/share/text", 0o644),
        ];
        assert_eq!(seen, expected.map(|(path, mode)| (path.to_string(), mode)));
    }

    #[test]
    fn a_checksum_is_that_of_the_standard() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("abc");
        std::fs::write(&file, "abc").expect("written");
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(&file).as_deref(), Ok(known));
    }

    #[test]
    fn gzip_keeps_no_time() {
        let bytes = gzip(b"text").expect("packed");
        assert_eq!(bytes.get(4..8), Some(&[0; 4][..]));
        let mut text = String::new();
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("unpacked");
        assert_eq!(text, "text");
    }
}
