//! Zip archives that are the same bytes for the same entries: sorted, without times, compressed as far as possible.

use std::io::Write;
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::Result;
use crate::archive::{self, Entry as InFolder};

/// A file in an archive.
pub struct Entry {
    /// Its path, with `/` between folders.
    pub name: String,
    pub bytes: Vec<u8>,
    pub executable: bool,
}

impl Entry {
    pub fn text(name: String, text: String) -> Self {
        Entry { name, bytes: text.into_bytes(), executable: false }
    }
}

/// The files in a folder, as a folder of the name `name`. Empty folders are left out, and links are an error.
pub fn entries(folder: &Path, name: &str) -> Result<Vec<Entry>> {
    let mut all = Vec::new();
    for (path, entry) in archive::entries(folder)? {
        let from = folder.join(&path);
        let inside = path.components().map(|part| part.as_os_str().to_string_lossy());
        let inside: Vec<_> = std::iter::once(name.into()).chain(inside).collect();
        match entry {
            InFolder::Folder => {}
            InFolder::File(executable) => {
                let bytes = std::fs::read(&from).map_err(|e| format!("{}: {e}", from.display()))?;
                all.push(Entry { name: inside.join("/"), bytes, executable });
            }
            InFolder::Link(_) => return Err(format!("{}: a link cannot be packed", from.display())),
        }
    }
    Ok(all)
}

/// Writes the archive, with the entries in their order. The file appears whole or not at all.
pub fn write(path: &Path, entries: &[Entry]) -> Result<()> {
    let problem = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let folder = path.parent().unwrap_or(Path::new("."));
    let file = tempfile::NamedTempFile::new_in(folder).map_err(|e| problem(&e))?;
    let mut zip = ZipWriter::new(file);
    for entry in entries {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(9))
            .last_modified_time(DateTime::default())
            .unix_permissions(if entry.executable { 0o755 } else { 0o644 });
        zip.start_file(entry.name.as_str(), options).map_err(|e| problem(&e))?;
        zip.write_all(&entry.bytes).map_err(|e| problem(&e))?;
    }
    let file = zip.finish().map_err(|e| problem(&e))?;
    readable(file.path())?;
    file.persist(path).map_err(|e| problem(&e))?;
    Ok(())
}

/// Lets everybody read it, which a temporary file does not.
#[cfg(unix)]
fn readable(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let all = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(file, all).map_err(|e| format!("{}: {e}", file.display()))
}

#[cfg(not(unix))]
fn readable(_: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_hold_the_same_make_the_same_archive() {
        let to = tempfile::tempdir().expect("a folder");
        let pack = |names: [&str; 2], to: &Path| {
            let folder = tempfile::tempdir().expect("a folder");
            for name in names {
                let path = folder.path().join(name);
                std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
                std::fs::write(path, vec![7; 100_000]).expect("written");
            }
            write(to, &entries(folder.path(), "impasto").expect("entries")).expect("packed");
            std::fs::read(to).expect("there")
        };
        let one = pack(["b/program", "a.txt"], &to.path().join("one.zip"));
        assert!(one == pack(["a.txt", "b/program"], &to.path().join("two.zip")));
        assert!(one.len() < 2000, "it is compressed: {}", one.len());
        let names = |bytes: &[u8]| {
            let zip = zip::ZipArchive::new(std::io::Cursor::new(bytes.to_vec())).expect("an archive");
            let mut names: Vec<String> =
                zip.file_names().map(|name| name.expect("a name").into_owned()).collect();
            names.sort();
            names
        };
        assert_eq!(names(&one), ["impasto/a.txt", "impasto/b/program"]);
    }
}
