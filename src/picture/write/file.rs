//! Writes files whole or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// The temporary files that exist right now.
static PARTIAL: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes the temporary files of writes that are under way and holds new ones up, for a program that is
/// about to exit: keep the guard until it has.
pub fn abandon_partial_files() -> impl Drop {
    let mut partial = PARTIAL.lock().unwrap_or_else(|e| e.into_inner());
    for path in partial.drain(..) {
        // It may be renamed or removed already, which is just as good.
        let _ = std::fs::remove_file(path);
    }
    partial
}

/// Writes a file under a temporary name in its own folder and renames it, so that nobody ever sees a part
/// of it; the temporary file is removed if anything fails.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |e: std::io::Error| Error::Output { path: path.to_path_buf(), problem: e.to_string() };
    let known = || PARTIAL.lock().unwrap_or_else(|e| e.into_inner());
    let mut partial = known();
    let mut file = temporary(path).map_err(failed)?;
    let name = file.path().to_path_buf();
    partial.push(name.clone());
    drop(partial);
    let written = file
        .write_all(bytes)
        .and_then(|()| file.as_file().sync_all())
        .and_then(|()| file.persist(path).map(drop).map_err(|e| e.error))
        .map_err(failed);
    known().retain(|p| *p != name);
    written
}

/// Finds out whether a file can be written under that name, without leaving a trace.
pub fn check_writable(path: &Path) -> Result<()> {
    let failed = |problem: String| Error::Output { path: path.to_path_buf(), problem };
    if path.is_dir() {
        return Err(failed("is a folder; give a file's name".into()));
    }
    temporary(path).map(drop).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => failed("its folder does not exist; make it first".into()),
        _ => failed(e.to_string()),
    })
}

fn temporary(path: &Path) -> std::io::Result<NamedTempFile> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".impasto-").suffix(".partial");
    #[cfg(unix)]
    {
        // As any new file: readable by all, less what the umask takes away.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}
