//! The file of a wheel: a zip archive whose last entry lists the others with their hashes.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::Result;
use crate::zip_file::{self, Entry};

/// Writes the archive, so that the same entries make the same bytes. `record` is the name of the list. The file appears whole or
/// not at all.
pub fn write(path: &Path, mut entries: Vec<Entry>, record: &str) -> Result<()> {
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let list: String = entries.iter().map(line).collect();
    entries.push(Entry::text(record.to_string(), format!("{list}{record},,\n")));
    zip_file::write(path, &entries)
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
