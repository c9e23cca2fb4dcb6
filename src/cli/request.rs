//! What a command line asks for, with what a report or a file of parameters adds to it.

use std::path::{Path, PathBuf};

use impasto::report::{Files, StyleFile};
use impasto::{EngineOptions, Error, Params, Result, models};

use super::args::Cli;
use super::inputs::{self, absolute, is_stdin};
use super::resume;

/// The pictures, parameters and options of a command.
pub struct Request {
    /// What is to be repainted.
    pub contents: Vec<PathBuf>,
    pub styles: Vec<StyleFile>,
    pub mask: Option<PathBuf>,
    /// The picture to start from.
    pub init: Option<PathBuf>,
    /// The saved optimiser state for a warm start.
    pub history: Option<PathBuf>,
    pub params: Params,
    pub options: EngineOptions,
    /// What is read besides pictures.
    other_files: Vec<PathBuf>,
}

impl Request {
    pub fn new(cli: &Cli) -> Result<Self> {
        let mut request = match &cli.resume {
            Some(report) => Self::resumed(cli, report)?,
            None => Self::named(cli)?,
        };
        request.params.style = cli.style_name.clone().or(request.params.style);
        request.params.preview_every = cli.save_every.or(request.params.preview_every);
        if request.styles.is_empty() && request.params.style.is_none() {
            return Err(missing("STYLE is needed: a picture, or --style with a name from `impasto styles`"));
        }
        let from_stdin = request.pictures().filter(|path| is_stdin(path)).count();
        if from_stdin > 1 {
            return Err(missing("-: standard input holds one picture; name files for the others"));
        }
        request.other_files.extend(models::find(&request.options.model).and_then(|model| model.path));
        Ok(request)
    }

    /// The pictures that the command line names.
    fn named(cli: &Cli) -> Result<Self> {
        let (params, init) = cli.params.read()?;
        let mut contents = cli.pictures.clone();
        let style = if cli.style_name.is_none() && contents.len() > 1 { contents.pop() } else { None };
        if contents.is_empty() {
            return Err(missing("CONTENT is needed: the picture to repaint; see impasto --help"));
        }
        if style.is_none() && (cli.region.is_some() || cli.part.is_some()) {
            return Err(missing("--region and --part are for STYLE, which is missing"));
        }
        let first = style.map(|file| StyleFile {
            file,
            region: cli.region.clone(),
            part: cli.part.clone(),
            ..StyleFile::default()
        });
        let from_anywhere = |s: &StyleFile| StyleFile {
            file: absolute(&s.file),
            region: s.region.as_deref().map(absolute),
            part: s.part.as_deref().map(absolute),
            ..s.clone()
        };
        Ok(Request {
            contents: contents.iter().map(|path| absolute(path)).collect(),
            styles: first.iter().chain(&cli.blend).map(from_anywhere).collect(),
            mask: cli.mask.as_deref().map(absolute),
            init,
            history: None,
            params,
            options: cli.engine.options(),
            other_files: cli.params.file.iter().cloned().collect(),
        })
    }

    /// Those of a job that is resumed, less what the command line names anew.
    fn resumed(cli: &Cli, report: &Path) -> Result<Self> {
        let done = resume::read(report)?;
        let mut options = cli.engine.options();
        if cli.engine.model.is_none() {
            options.model.clone_from(&done.files.model);
        }
        let (params, _) = cli.params.over(done.params)?;
        let Files { content, mut styles, mask, history, .. } = done.files;
        let mut pictures = cli.pictures.iter().map(|path| absolute(path));
        let content = pictures.next().unwrap_or(content);
        for (at, file) in pictures.enumerate() {
            match styles.get_mut(at) {
                Some(style) => style.file = file,
                None => {
                    let problem =
                        format!("the job of this report has {} style pictures, not more", styles.len());
                    return Err(Error::Parameters(format!("{}: {problem}", report.display())));
                }
            }
        }
        Ok(Request {
            contents: vec![content],
            styles,
            mask,
            init: Some(done.result),
            history,
            params,
            options,
            other_files: vec![report.to_path_buf()],
        })
    }

    fn pictures(&self) -> impl Iterator<Item = &Path> {
        let others = self.contents.iter().chain(&self.mask).chain(&self.init).map(PathBuf::as_path);
        others.chain(inputs::style_paths(&self.styles))
    }

    /// Every file that is read.
    pub fn reads(&self) -> impl Iterator<Item = &Path> {
        let others = self.history.iter().chain(&self.other_files).map(PathBuf::as_path);
        self.pictures().filter(|path| !is_stdin(path)).chain(others)
    }

    /// The error with the name of the file that the engine, which knows no files, means.
    pub fn with_file(&self, content: &Path, e: Error) -> Error {
        let Error::Picture { name, problem } = e else { return e };
        let region_of = |(at, style): (usize, &StyleFile)| {
            style.region.clone().filter(|_| name == format!("styles[{at}]: region"))
        };
        let file = match (name.as_str(), self.styles.as_slice()) {
            ("content picture", _) => Some(content.to_path_buf()),
            ("mask", _) => self.mask.clone(),
            ("style picture", [style]) => Some(style.file.clone()),
            (_, styles) => styles.iter().enumerate().find_map(region_of),
        };
        Error::Picture { name: file.map_or(name, |file| file.display().to_string()), problem }
    }

    /// The files of a job, for its report.
    pub fn files(&self, content: &Path, output: Option<&Path>, report: Option<&Path>) -> Files {
        let model = &self.options.model;
        Files {
            content: absolute(content),
            styles: self.styles.clone(),
            mask: self.mask.clone(),
            output: output.map_or_else(|| PathBuf::from("-"), absolute),
            model: match !models::is_known(model) && Path::new(model).is_file() {
                true => absolute(Path::new(model)).display().to_string(),
                false => model.clone(),
            },
            history: None,
            report: report.map(absolute),
        }
    }
}

fn missing(problem: &str) -> Error {
    Error::Parameters(problem.to_string())
}
