//! Where paths lead.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The links that are followed before a chain of them counts as a circle.
const MOST_LINKS: usize = 40;

/// The end of a chain of links; also where it does not exist. None for a link into /dev or /proc, which stands for an open
/// file.
pub(super) fn followed(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut at = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        let is_link = fs::symlink_metadata(&at).is_ok_and(|m| m.file_type().is_symlink());
        if !is_link {
            return Ok(Some(at));
        }
        if cfg!(unix) && (at.starts_with("/dev") || at.starts_with("/proc")) {
            return Ok(None);
        }
        at = folder_of(&at).join(fs::read_link(&at)?);
    }
    Err(io::Error::other("it is a circle of links"))
}

/// The folder that a path lies in; `.` for a bare name.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
