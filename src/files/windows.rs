//! What Windows' own functions say of files and do with them.

use std::fs::OpenOptions;
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};

use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_FLAG_BACKUP_SEMANTICS, GetFileInformationByHandle,
    REPLACEFILE_IGNORE_MERGE_ERRORS, ReplaceFileW, SetFileAttributesW,
};

use super::names;

/// By what the system knows a file or folder.
pub struct Known {
    /// The volume's number and the file's on it.
    pub number: (u64, u64),
    /// How many names it has.
    pub names: u32,
}

/// None for what is not there or cannot be opened.
pub fn known(path: &Path) -> Option<Known> {
    // Nothing is read or written; the flag lets folders be opened.
    let file = OpenOptions::new().access_mode(0).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path).ok()?;
    // SAFETY: zeros are a value of this plain struct.
    let mut information: BY_HANDLE_FILE_INFORMATION = unsafe { std::mem::zeroed() };
    // SAFETY: the handle is open, and the struct is filled.
    let found = unsafe { GetFileInformationByHandle(file.as_raw_handle(), &mut information) };
    let index = u64::from(information.nFileIndexHigh) << 32 | u64::from(information.nFileIndexLow);
    (found != 0).then(|| Known {
        number: (information.dwVolumeSerialNumber.into(), index),
        names: information.nNumberOfLinks,
    })
}

/// A path that may be longer than 260 characters.
pub fn long(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).ok();
    let long = absolute.and_then(|path| names::long(path.to_str()?));
    long.map_or_else(|| path.to_path_buf(), PathBuf::from)
}

/// Puts a new file in the place of one that is there, whose permissions it gets.
pub fn replace(new: &Path, there: &Path) -> io::Result<()> {
    let (new, there) = (text(new), text(there));
    let none = std::ptr::null();
    // SAFETY: both names end in zero and live as long as the call.
    let done = unsafe {
        ReplaceFileW(
            there.as_ptr(),
            new.as_ptr(),
            none,
            REPLACEFILE_IGNORE_MERGE_ERRORS,
            none.cast(),
            none.cast(),
        )
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Gives a file attributes, such as that of a hidden one.
pub fn set_attributes(path: &Path, attributes: u32) -> io::Result<()> {
    let name = text(path);
    // SAFETY: the name ends in zero and lives as long as the call.
    let done = unsafe { SetFileAttributesW(name.as_ptr(), attributes) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A path as Windows takes it, with a zero at its end.
fn text(path: &Path) -> Vec<u16> {
    path.as_os_str().encode_wide().chain([0]).collect()
}

/// Whether a path names the device that takes whatever is written.
pub fn is_null_device(path: &Path) -> bool {
    path.as_os_str().eq_ignore_ascii_case(names::NULL)
}

/// Why a file of this name cannot be written; None if it can.
pub fn problem(path: &Path) -> Option<&'static str> {
    names::problem(&path.file_name()?.to_string_lossy())
}
