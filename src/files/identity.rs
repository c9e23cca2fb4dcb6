//! Which paths mean the same file.

use std::path::{Path, PathBuf};

use super::links::{folder_of, followed};

/// Which file a path stands for, however it is spelt and whether or not the file exists.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// The file, or the folder of one that does not exist, by what the system knows it by.
    place: Location,
    /// The name of a file that does not exist.
    name: Option<std::ffi::OsString>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Location {
    /// Device or volume, and the file's number on it.
    Number(u64, u64),
    Path(PathBuf),
}

impl Identity {
    /// Of the file that a path stands for.
    pub fn from_path(path: &Path) -> Self {
        let path = followed(path).ok().flatten().unwrap_or_else(|| path.to_path_buf());
        if let Some(place) = location(&path) {
            return Identity { place, name: None };
        }
        let folder = folder_of(&path);
        let place = location(folder).unwrap_or_else(|| Location::Path(folder.to_path_buf()));
        let mut name = path.file_name().map(|n| n.to_os_string());
        if cfg!(any(windows, target_os = "macos")) {
            name = name.map(|n| n.to_ascii_lowercase());
        }
        Identity { place, name }
    }
}

#[cfg(unix)]
fn location(path: &Path) -> Option<Location> {
    use std::os::unix::fs::MetadataExt;

    let metadata = std::fs::metadata(path).ok()?;
    Some(Location::Number(metadata.dev(), metadata.ino()))
}

#[cfg(windows)]
fn location(path: &Path) -> Option<Location> {
    let (volume, number) = super::windows::known(path)?.number;
    Some(Location::Number(volume, number))
}
