//! The file that keeps what was got of a model until all of it is there.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::models::keep;

/// Which file a part is of.
#[derive(PartialEq, Serialize, Deserialize)]
pub(super) struct Stamp {
    pub url: String,
    pub version: String,
    pub header: String,
}

/// The pieces that are there, in a file beside the models that nobody takes for one: a line that says what they are
/// of, and the bytes.
pub(super) struct Part {
    path: PathBuf,
    pub bytes: Vec<u8>,
    file: Option<std::fs::File>,
}

impl Part {
    pub fn new(path: &Path) -> Self {
        Part { path: path.to_path_buf(), bytes: Vec::new(), file: None }
    }

    /// What is there of the same version of the file, which has pieces of these sizes, and how many pieces that is.
    pub fn resumed(mut self, stamp: &Stamp, sizes: &[usize]) -> Result<(Self, usize)> {
        let failed = |e: std::io::Error| keep::unwritable(&self.path, &e);
        let mut line = serde_json::to_vec(stamp).unwrap_or_default();
        line.push(b'\n');
        let mut there = std::fs::read(&self.path).unwrap_or_default();
        // Without a version there is no telling whether the file is still the same.
        if !there.starts_with(&line) || stamp.version.is_empty() {
            there.clone_from(&line);
            std::fs::write(&self.path, &line).map_err(failed)?;
        }
        // A piece that was being written when the program ended is not whole.
        let (mut end, mut pieces) = (line.len(), 0);
        while let Some(size) = sizes.get(pieces).filter(|size| end + **size <= there.len()) {
            (end, pieces) = (end + size, pieces + 1);
        }
        let file = std::fs::OpenOptions::new().append(true).open(&self.path).map_err(failed)?;
        file.set_len(end as u64).map_err(failed)?;
        self.bytes = there[line.len()..end].to_vec();
        self.file = Some(file);
        Ok((self, pieces))
    }

    pub fn add(&mut self, piece: &[u8]) -> Result<()> {
        if let Some(file) = &mut self.file {
            file.write_all(piece).map_err(|e| keep::unwritable(&self.path, &e))?;
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    pub fn remove(&self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
