//! Every file that a command will write. They are checked before any work: none may be one of the files that are read, none
//! may be written twice, and each must be possible to write.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use impasto::files::{self, Identity};
use impasto::picture::Format;
use impasto::{Error, Picture, Result, runtime};
use ndarray::Array2;

/// Where something is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Destination {
    File(PathBuf),
    /// Standard output, which is named `-`.
    Stdout,
}

impl Destination {
    pub fn from_path(path: &Path) -> Self {
        match path.as_os_str() == "-" {
            true => Destination::Stdout,
            false => Destination::File(path.to_path_buf()),
        }
    }

    pub fn file(&self) -> Option<&Path> {
        match self {
            Destination::File(path) => Some(path),
            Destination::Stdout => None,
        }
    }

    /// Writes what took long to make; if that fails it is kept in the temporary folder. A reader of standard output that has
    /// gone away is a failure, too: nobody has the result.
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        match self {
            Destination::File(path) => files::write_or_keep(path, bytes),
            Destination::Stdout => {
                let mut out = std::io::stdout().lock();
                out.write_all(bytes)
                    .and_then(|()| out.flush())
                    .map_err(|e| super::terminal::output("standard output", &e))
            }
        }
    }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Destination::File(path) => path.display().fmt(f),
            Destination::Stdout => f.write_str("standard output"),
        }
    }
}

/// The pictures on the way: `NAME-0050.png` beside `NAME.png`.
#[derive(Clone, Debug)]
pub struct Previews {
    pub of: PathBuf,
    pub every: usize,
}

impl Previews {
    pub fn path(&self, evaluations: usize) -> PathBuf {
        let mut name: OsString = self.of.file_stem().unwrap_or_default().to_os_string();
        name.push(format!("-{evaluations:04}"));
        if let Some(ending) = self.of.extension() {
            name.push(".");
            name.push(ending);
        }
        self.of.with_file_name(name)
    }

    /// Whether a preview may get this name.
    fn may_be(&self, path: &Path) -> bool {
        let folder = |path: &Path| Identity::from_path(files::folder_of(path));
        self.number(path).is_some_and(|n| n > 0 && n.is_multiple_of(self.every.max(1)))
            && folder(&self.of) == folder(path)
    }

    /// The number of evaluations in a name like a preview's.
    fn number(&self, path: &Path) -> Option<usize> {
        let own = self.of.file_stem()?.as_encoded_bytes();
        let name = path.file_stem()?.as_encoded_bytes();
        let digits = std::str::from_utf8(name.strip_prefix(own)?.strip_prefix(b"-")?).ok()?;
        (path.extension() == self.of.extension() && digits.len() >= 4).then(|| digits.parse().ok())?
    }

    /// The files that have a preview's name now, and are not from the same job before: that has left its result.
    fn strangers(&self, read: &HashSet<Identity>) -> Vec<PathBuf> {
        let is_done = self.of.exists();
        let is_own = |path: &PathBuf| is_done && !read.contains(&Identity::from_path(path));
        let entries = std::fs::read_dir(files::folder_of(&self.of)).into_iter().flatten().flatten();
        let mut there: Vec<PathBuf> =
            entries.map(|e| e.path()).filter(|p| self.may_be(p) && !is_own(p)).collect();
        there.sort();
        there
    }
}

/// The files that a command will write.
#[derive(Default)]
pub struct Outputs {
    files: Vec<PathBuf>,
    previews: Vec<Previews>,
}

impl Outputs {
    pub fn add(&mut self, path: Option<&Path>) {
        self.files.extend(path.map(Path::to_path_buf));
    }

    pub fn add_previews(&mut self, previews: Option<&Previews>) {
        self.previews.extend(previews.cloned());
    }

    /// Fails for the first file that must not or cannot be written. `read` are the files that are read.
    pub fn check<'a>(&self, read: impl IntoIterator<Item = &'a Path>) -> Result<()> {
        // ONNX Runtime is read, too; if it is missing, that is an error when it is needed.
        let library = self.files.first().and_then(|_| runtime::load().ok());
        let read: HashSet<Identity> = read
            .into_iter()
            .map(Identity::from_path)
            .chain(library.as_deref().map(Identity::from_path))
            .collect();
        let mut written: HashMap<Identity, &Path> = HashMap::new();
        for path in &self.files {
            let identity = Identity::from_path(path);
            if read.contains(&identity) {
                return Err(refused(
                    path,
                    "is one of the files that are read; choose another name for what is written",
                ));
            }
            if let Some(other) = written.insert(identity, path) {
                let also =
                    if other == path { String::new() } else { format!(" (also as {})", other.display()) };
                return Err(refused(path, &format!("is named for two outputs{also}")));
            }
            if self.previews.iter().any(|p| p.may_be(path)) {
                return Err(refused(
                    path,
                    "is named for two outputs: --save-every writes a picture of that name",
                ));
            }
            files::check_writable(path)?;
        }
        let Some(there) = self.previews.iter().flat_map(|p| p.strangers(&read)).next() else { return Ok(()) };
        let what = match read.contains(&Identity::from_path(&there)) {
            true => "is one of the files that are read, and --save-every may write a picture of that name",
            false => "is there already, and --save-every may write a picture of that name",
        };
        Err(refused(&there, &format!("{what}; move it away or choose another -o")))
    }
}

fn refused(path: &Path, problem: &str) -> Error {
    Error::Parameters(format!("{}: {problem}", path.display()))
}

/// The format of a picture that is written: the one that was asked for, or the one that the name's ending says.
pub fn format_of(output: &Destination, asked: Option<Format>) -> Result<Format> {
    match (asked, output) {
        (Some(format), _) => Ok(format),
        (None, Destination::File(path)) => Format::from_path(path),
        (None, Destination::Stdout) => Err(Error::Parameters(
            "-o -: --format is needed to write to standard output: png, jpg, tiff or webp".into(),
        )),
    }
}

/// Standard output takes one thing, and a terminal takes no picture.
pub fn check_stdout(picture: bool, report: bool, json: bool) -> Result<()> {
    if usize::from(picture) + usize::from(report) + usize::from(json) > 1 {
        return Err(Error::Parameters(
            "only one of -o -, --report - and --progress json can have standard output; name a file".into(),
        ));
    }
    if picture && std::io::stdout().is_terminal() {
        return Err(Error::Parameters(
            "-o -: standard output is a terminal; send it into a file or another program".into(),
        ));
    }
    Ok(())
}

/// The bytes of a picture's file. `original` is the content picture's file and the mask of what is painted, where there is one.
pub fn encoded(
    picture: &Picture,
    format: Format,
    original: Option<(&[u8], &Array2<f32>)>,
    output: &Destination,
) -> Result<Vec<u8>> {
    let encoded = match original {
        Some((bytes, mask)) => picture.encode_keeping(format, bytes, mask),
        None => picture.encode(format),
    };
    encoded.map_err(|problem| Error::Output { path: output.to_string().into(), problem })
}
