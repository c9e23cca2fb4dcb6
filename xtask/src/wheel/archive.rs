//! The file of a wheel: a zip archive whose last entry lists the others with their hashes.

use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::Result;

/// A file in the wheel.
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

/// Writes the archive, sorted and without times, so that the same entries make the same bytes. `record` is the name of the
/// list. The file appears whole or not at all.
pub fn write(path: &Path, mut entries: Vec<Entry>, record: &str) -> Result<()> {
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let list: String = entries.iter().map(line).collect();
    entries.push(Entry::text(record.to_string(), format!("{list}{record},,\n")));

    let problem = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let folder = path.parent().unwrap_or(Path::new("."));
    let file = tempfile::NamedTempFile::new_in(folder).map_err(|e| problem(&e))?;
    let mut zip = ZipWriter::new(file);
    for entry in &entries {
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

/// A line of the list.
fn line(entry: &Entry) -> String {
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(&entry.bytes));
    format!("{},sha256={hash},{}\n", entry.name, entry.bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<Entry> {
        let program = Entry { name: "b/program".into(), bytes: vec![7; 100_000], executable: true };
        vec![program, Entry::text("a.txt".into(), "hello\n".into())]
    }

    #[test]
    fn the_same_entries_in_another_order_make_the_same_bytes() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, two) = (folder.path().join("one.whl"), folder.path().join("two.whl"));
        write(&one, entries(), "RECORD").expect("written");
        write(&two, entries().into_iter().rev().collect(), "RECORD").expect("written");
        let bytes = std::fs::read(&one).expect("there");
        assert!(bytes == std::fs::read(&two).expect("there"));
        assert!(bytes.len() < 2000, "it is compressed: {}", bytes.len());
    }

    #[test]
    fn the_list_has_the_hash_and_the_length_of_each_file() {
        // Of `sha256sum`, in the alphabet of wheels.
        let line = line(&Entry::text("a.txt".into(), "hello\n".into()));
        assert_eq!(line, "a.txt,sha256=WJG1tSLV3whtD_CxEPvZ0hu0_HFjrzTQgoai6Eb2vgM,6\n");
    }
}
