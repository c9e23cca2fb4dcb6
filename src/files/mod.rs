//! Writes files, whole or not at all, and never puts one where something else was without need: links are written
//! through, permissions are kept, devices and pipes are written to.

mod identity;
mod links;
#[cfg(any(windows, test))]
mod names;
#[cfg(windows)]
mod windows;

use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tempfile::NamedTempFile;

use crate::error::{Error, Result};
use links::followed;

pub use identity::Identity;
pub use links::folder_of;
#[cfg(windows)]
pub(crate) use names::problem as problem_with_name;

/// How a file is to be written.
#[derive(Debug, PartialEq)]
enum WriteMode {
    /// Under a temporary name in its folder, which then takes the file's place.
    Replace,
    /// Into what is there: a device, a pipe, a file with several names, or one in a folder that takes no new files.
    InPlace,
}

/// Where a file really is, with how it is to be written there.
struct Place {
    path: PathBuf,
    mode: WriteMode,
    /// What is there now.
    there: Option<Metadata>,
}

/// Reads a file of at most that many bytes; what never ends, such as a device, is not read further.
pub fn read_at_most(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(longest + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > longest {
        true => {
            Err(io::Error::new(ErrorKind::FileTooLarge, format!("it is longer than {} MiB", longest >> 20)))
        }
        false => Ok(bytes),
    }
}

/// Finds out whether a file can be written under that name, without leaving a trace.
///
/// # Errors
/// [`Error::Output`] with the reason: a folder, a socket or a disk is there, the file is write-protected, its folder does
/// not exist, or the system does not allow it.
pub fn check_writable(path: &Path) -> Result<()> {
    place(path).map(drop).map_err(|problem| failed(path, problem))
}

/// Writes a file: it appears complete or not at all, wherever the system allows that. What is there keeps its permissions
/// and owner, links are followed, and devices and pipes are written to.
///
/// # Errors
/// [`Error::Output`], as [`check_writable`] and for what fails on the way, such as a full disk.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    place(path).and_then(|place| place.write(bytes)).map_err(|problem| failed(path, problem))
}

/// As [`write`], for what took long to make: if it cannot be written there, it is kept in the temporary folder under a
/// name of its own, and the error says where.
pub fn write_or_keep(path: &Path, bytes: &[u8]) -> Result<()> {
    let Err(problem) = place(path).and_then(|place| place.write(bytes)) else { return Ok(()) };
    let kept = match keep(path, bytes) {
        Ok(kept) => format!("{problem}; what was to be written is kept in {}", kept.display()),
        Err(e) => format!("{problem}; the temporary folder does not take it either ({e})"),
    };
    Err(failed(path, kept))
}

fn failed(path: &Path, problem: String) -> Error {
    Error::Output { path: path.to_path_buf(), problem }
}

fn keep(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let ending = path.extension().map(|e| format!(".{}", e.to_string_lossy())).unwrap_or_default();
    let mut file = tempfile::Builder::new().prefix("impasto-").suffix(&ending).tempfile()?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file.keep().map_err(|e| e.error)?.1)
}

/// Where and how a file can be written; what speaks against it otherwise.
fn place(path: &Path) -> std::result::Result<Place, String> {
    let target = followed(path).map_err(|e| e.to_string())?;
    let Some(target) = target else {
        let there = fs::metadata(path).map_err(|e| e.to_string())?;
        return Ok(Place { path: path.to_path_buf(), mode: WriteMode::InPlace, there: Some(there) });
    };
    if path.as_os_str().to_string_lossy().ends_with(std::path::is_separator) {
        return Err("is the name of a folder; give a file's name".to_string());
    }
    #[cfg(windows)]
    let target = {
        if windows::is_null_device(path) {
            return Ok(Place { path: target, mode: WriteMode::InPlace, there: None });
        }
        if let Some(problem) = windows::problem(&target) {
            return Err(problem.to_string());
        }
        windows::long(&target)
    };
    let there = match fs::metadata(&target) {
        Ok(there) => there,
        Err(e) if e.kind() == ErrorKind::NotFound => {
            return match temporary(&target) {
                Ok(_) => Ok(Place { path: target, mode: WriteMode::Replace, there: None }),
                Err(e) if e.kind() == ErrorKind::NotFound => Err(match folder_of(&target).is_dir() {
                    true => "its folder takes no files; choose another one".to_string(),
                    false => "its folder does not exist; make it first".to_string(),
                }),
                Err(e) => Err(e.to_string()),
            };
        }
        Err(e) => return Err(e.to_string()),
    };
    if there.is_dir() {
        return Err("is a folder; give a file's name".to_string());
    }
    if !there.is_file() {
        special(&target, &there)?;
        return Ok(Place { path: target, mode: WriteMode::InPlace, there: Some(there) });
    }
    if there.permissions().readonly() {
        return Err("is there already and write-protected; choose another name or allow writing".to_string());
    }
    OpenOptions::new().write(true).open(&target).map_err(|e| e.to_string())?;
    let mode = match (has_other_names(&target, &there), temporary(&target)) {
        (false, Ok(_)) => WriteMode::Replace,
        _ => WriteMode::InPlace,
    };
    Ok(Place { path: target, mode, there: Some(there) })
}

/// Whether something that is no regular file can be written to.
#[cfg(unix)]
fn special(path: &Path, there: &Metadata) -> std::result::Result<(), String> {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::FileTypeExt;

    let kind = there.file_type();
    if kind.is_socket() || kind.is_block_device() {
        return Err("is a socket or a disk; give a file's name".to_string());
    }
    let Ok(name) = std::ffi::CString::new(path.as_os_str().as_bytes()) else {
        return Err("has a NUL in its name".to_string());
    };
    // Opening a pipe would wait for its reader.
    // SAFETY: the name ends in NUL and lives through the call.
    match unsafe { libc::access(name.as_ptr(), libc::W_OK) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error().to_string()),
    }
}

#[cfg(windows)]
fn special(_: &Path, _: &Metadata) -> std::result::Result<(), String> {
    Err("is no file; give a file's name".to_string())
}

#[cfg(unix)]
fn has_other_names(_: &Path, there: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    there.nlink() > 1
}

#[cfg(windows)]
fn has_other_names(path: &Path, _: &Metadata) -> bool {
    windows::known(path).is_some_and(|known| known.names > 1)
}

impl Place {
    fn write(&self, bytes: &[u8]) -> std::result::Result<(), String> {
        if self.mode == WriteMode::Replace && self.replace(bytes).map_err(|e| e.to_string())? {
            return Ok(());
        }
        self.in_place(bytes).map_err(|e| e.to_string())
    }

    /// False if a new file is written but cannot take the place of the one that is there: that is mounted, another's file in
    /// a sticky folder, or of an owner that cannot be kept.
    fn replace(&self, bytes: &[u8]) -> io::Result<bool> {
        let mut partial = partial_files();
        let mut file = temporary(&self.path)?;
        let name = file.path().to_path_buf();
        partial.push(name.clone());
        drop(partial);
        let written =
            file.write_all(bytes).and_then(|()| file.as_file().sync_all()).and_then(|()| {
                match put(file, &self.path, self.there.as_ref()) {
                    Ok(()) => Ok(true),
                    Err(e) if self.there.is_some() => {
                        tracing::debug!("{} is written in place: {e}", self.path.display());
                        Ok(false)
                    }
                    Err(e) => Err(e),
                }
            });
        partial_files().retain(|p| *p != name);
        written
    }

    fn in_place(&self, bytes: &[u8]) -> io::Result<()> {
        if !self.there.as_ref().is_some_and(Metadata::is_file) {
            let mut file = OpenOptions::new().write(true).open(&self.path)?;
            return file.write_all(bytes).and_then(|()| file.flush());
        }
        let old = fs::read(&self.path)?;
        let over = |bytes: &[u8]| {
            let mut file = OpenOptions::new().write(true).truncate(true).open(&self.path)?;
            file.write_all(bytes).and_then(|()| file.sync_all())
        };
        over(bytes).inspect_err(|_| {
            // What was there had room.
            if let Err(e) = over(&old) {
                tracing::error!("{}: what was there is lost: {e}", self.path.display());
            }
        })
    }
}

/// Puts a new file at a path. It gets the permissions and the owner of the one that is `there`, which it replaces.
#[cfg(unix)]
fn put(file: NamedTempFile, path: &Path, there: Option<&Metadata>) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};

    if let Some(there) = there {
        let own = file.as_file().metadata()?;
        if (own.uid(), own.gid()) != (there.uid(), there.gid()) {
            fchown(file.as_file(), Some(there.uid()), Some(there.gid()))?;
        }
        file.as_file().set_permissions(there.permissions())?;
    }
    file.persist(path).map(drop).map_err(|e| e.error)
}

/// It gets the attributes as well.
#[cfg(windows)]
fn put(file: NamedTempFile, path: &Path, there: Option<&Metadata>) -> io::Result<()> {
    use std::os::windows::fs::MetadataExt;

    let new = file.into_temp_path();
    let Some(there) = there else { return new.persist(path).map_err(|e| e.error) };
    // Not every file system can keep permissions.
    if let Err(e) = windows::replace(&new, path) {
        tracing::debug!("{} gets new permissions: {e}", path.display());
        new.persist(path).map_err(|e| e.error)?;
    }
    if let Err(e) = windows::set_attributes(path, there.file_attributes()) {
        tracing::debug!("{} gets new attributes: {e}", path.display());
    }
    Ok(())
}

/// The temporary files that exist right now.
static PARTIAL: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn partial_files() -> std::sync::MutexGuard<'static, Vec<PathBuf>> {
    PARTIAL.lock().unwrap_or_else(|e| e.into_inner())
}

/// Removes the temporary files of writes that are under way and holds new ones up, for a program that is about to exit: keep
/// the guard until it has.
pub fn abandon_partial_files() -> impl Drop {
    let mut partial = partial_files();
    for path in partial.drain(..) {
        // It may be renamed or removed already, which is just as good.
        let _ = fs::remove_file(path);
    }
    partial
}

fn temporary(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".impasto-").suffix(".partial");
    #[cfg(unix)]
    {
        // As any new file: readable by all, less what the umask takes away.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder_of(path))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("a folder")
            .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_link_is_written_through_also_where_it_leads_nowhere_yet() {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("real")).expect("a folder");
        symlink("real/a", at("first")).expect("a link");
        symlink("first", at("second")).expect("a link");
        for text in ["one", "two"] {
            write(&at("second"), text.as_bytes()).expect("written");
            assert_eq!(fs::read_to_string(at("real/a")).expect("a file"), text);
        }
        assert!(fs::symlink_metadata(at("second")).expect("there").file_type().is_symlink());
        symlink("round", at("round")).expect("a link");
        let e = write(&at("round"), b"x").expect_err("a circle");
        assert!(e.to_string().contains("circle"), "{e}");
        assert_eq!(names(folder.path()), ["first", "real", "round", "second"]);
    }

    #[test]
    fn permissions_stay_and_a_protected_file_is_refused() {
        let folder = folder();
        let path = folder.path().join("a");
        write(&path, b"old").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("permissions");
        write(&path, b"new").expect("written");
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o640);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).expect("permissions");
        assert!(check_writable(&path).is_err() && write(&path, b"newer").is_err());
        assert_eq!(fs::read(&path).expect("there"), b"new");
    }

    #[test]
    fn a_file_with_two_names_keeps_both() {
        let folder = folder();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        write(&a, b"a longer old text").expect("written");
        fs::hard_link(&a, &b).expect("a second name");
        write(&a, b"new").expect("written");
        assert_eq!(fs::read(&b).expect("there"), b"new");
    }

    #[test]
    fn a_pipe_is_written_to_and_a_device_stays_one() {
        let folder = folder();
        let pipe = folder.path().join("pipe");
        let name = std::ffi::CString::new(pipe.to_str().expect("UTF-8")).expect("no NUL");
        // SAFETY: the name lives through the call.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        check_writable(&pipe).expect("without waiting for a reader");
        let reader = {
            let pipe = pipe.clone();
            std::thread::spawn(move || fs::read(pipe).expect("read"))
        };
        write(&pipe, b"through").expect("written");
        assert_eq!(reader.join().expect("the reader"), b"through");
        write(Path::new("/dev/null"), b"x").expect("written");
        assert!(!fs::metadata("/dev/null").expect("there").is_file());
    }

    #[test]
    fn what_has_no_place_is_kept_and_the_error_says_where() {
        let folder = folder();
        let path = folder.path().join("not there").join("a.png");
        let e = write_or_keep(&path, b"long work").expect_err("no folder").to_string();
        let kept = e.split("is kept in ").nth(1).expect("a place");
        assert!(kept.ends_with(".png"), "{e}");
        assert_eq!(fs::read(kept).expect("kept"), b"long work");
        fs::remove_file(kept).expect("removed");
        assert!(check_writable(folder.path()).is_err());
    }

    #[test]
    fn a_file_is_the_same_however_it_is_spelt() {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("b")).expect("a folder");
        symlink("b", at("a")).expect("a link");
        let same = |x: &str, y: &str| Identity::from_path(&at(x)) == Identity::from_path(&at(y));
        assert!(same("a/o", "b/o") && same("a/../b/o", "b/./o") && !same("a/o", "a/p") && !same("o", "a/o"));
        fs::write(at("b/o"), "x").expect("written");
        symlink("b/o", at("l")).expect("a link");
        fs::hard_link(at("b/o"), at("h")).expect("a second name");
        assert!(same("a/o", "l") && same("l", "h") && !same("l", "p"));
    }
}
