//! `--resume REPORT`: a job that starts at the result of another. The report of the command says the files and the parameters.

use std::path::{Component, Path, PathBuf};

use impasto::report::{Earlier, Files};
use impasto::{Error, Init, Params, Result, files};

use super::inputs::absolute;

/// A job that was done.
pub struct Done {
    pub files: Files,
    /// Its parameters, with its result as the start and without the smaller sizes.
    pub params: Params,
    pub result: PathBuf,
}

/// The longest report that is read, in bytes: that of a million evaluations.
const LONGEST: u64 = 256 << 20;

pub fn read(report: &Path) -> Result<Done> {
    let bad = |problem: String| Error::Parameters(format!("{}: {problem}", report.display()));
    let bytes = files::read_at_most(report, LONGEST).map_err(|e| bad(format!("cannot be read: {e}")))?;
    let Earlier { files, mut params } = Earlier::parse(&bytes).map_err(bad)?;
    let files = Moved::new(report, &files).files(files);
    params.init = Some(Init::Picture);
    params.levels = Some(1);
    Ok(Done { result: files.output.clone(), files, params })
}

/// Where a report was and is: files that are not where it says are looked for at the same place relative to it.
struct Moved {
    was_in: PathBuf,
    is_in: PathBuf,
}

impl Moved {
    fn new(report: &Path, files: &Files) -> Self {
        let folder = |path: &Path| path.parent().map(Path::to_path_buf).unwrap_or_default();
        let was_in = folder(files.report.as_deref().unwrap_or(&files.output));
        Moved { was_in, is_in: folder(&absolute(report)) }
    }

    fn path(&self, path: PathBuf) -> PathBuf {
        if path.exists() || !path.is_absolute() {
            return path;
        }
        let moved = self.is_in.join(relative(&path, &self.was_in));
        if moved.exists() { moved } else { path }
    }

    fn files(&self, mut files: Files) -> Files {
        let there = |path: Option<PathBuf>| path.map(|path| self.path(path));
        files.content = self.path(files.content);
        files.output = self.path(files.output);
        files.mask = there(files.mask);
        files.history = there(files.history);
        for style in &mut files.styles {
            style.file = self.path(std::mem::take(&mut style.file));
            style.region = there(style.region.take());
            style.part = there(style.part.take());
        }
        let model = Path::new(&files.model);
        if model.is_absolute() {
            files.model = self.path(model.to_path_buf()).display().to_string();
        }
        files
    }
}

/// The way from a folder to a path; both are absolute.
fn relative(path: &Path, folder: &Path) -> PathBuf {
    let (to, from): (Vec<Component>, Vec<Component>) =
        (path.components().collect(), folder.components().collect());
    let shared = to.iter().zip(&from).take_while(|(a, b)| a == b).count();
    let up = from[shared..].iter().map(|_| Component::ParentDir);
    up.chain(to[shared..].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_between_two_places_goes_up_and_down() {
        let way = |path: &str, folder: &str| relative(Path::new(path), Path::new(folder));
        assert_eq!(way("/a/b/c.png", "/a/b"), Path::new("c.png"));
        assert_eq!(way("/a/x/c.png", "/a/b/d"), Path::new("../../x/c.png"));
    }
}
