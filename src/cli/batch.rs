//! Several pictures in one command: `impasto a.jpg b.jpg painting.jpg -o out/`. The engine and the style pictures are made
//! ready once. A picture that fails is reported, and the others continue.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use impasto::files::{self, Identity};
use impasto::picture::Format;
use impasto::{CancelToken, Engine, Error, Pictures, Result, StyleShape, Stylised};
use serde_json::json;

use super::args::Cli;
use super::inputs::{self, Opened, Reading, StyleFiles, Styles, is_stdin};
use super::interrupt;
use super::outputs::{self, Destination, Outputs, Previews};
use super::progress::{Counts, Display};
use super::request::Request;
use super::terminal;

/// Whether a command is about a folder of results.
pub fn is_one(contents: &[PathBuf], output: &Path) -> bool {
    contents.len() > 1 || contents.iter().any(|path| path.is_dir()) || is_folder(output)
}

fn is_folder(path: &Path) -> bool {
    let ends_so = |path: &Path| path.as_os_str().to_string_lossy().ends_with(std::path::is_separator);
    Destination::from_path(path).file().is_some_and(|path| path.is_dir() || ends_so(path))
}

/// One of the pictures.
struct Task {
    content: PathBuf,
    output: PathBuf,
    format: Format,
}

pub fn run(cli: &Cli, request: Request, folder: &Path) -> Result<ExitCode> {
    check(cli, &request, folder)?;
    let missing: Vec<&Path> =
        folder.ancestors().take_while(|f| !f.as_os_str().is_empty() && !f.exists()).collect();
    std::fs::create_dir_all(folder).map_err(|e| terminal::output(&folder.display().to_string(), &e))?;
    let done = paint_all(cli, &request, folder);
    // Nothing was painted: the folders that were made for it go, if they are empty.
    if done.is_err() {
        missing.iter().take_while(|folder| std::fs::remove_dir(folder).is_ok()).count();
    }
    done
}

fn paint_all(cli: &Cli, request: &Request, folder: &Path) -> Result<ExitCode> {
    let mut tasks = tasks(cli, request, folder)?;
    let every = request.params.preview_every;
    let previews = |task: &Task| every.map(|every| Previews { of: task.output.clone(), every });
    let mut skipped = Vec::new();
    if cli.skip_existing {
        (skipped, tasks) = tasks.into_iter().partition(|task| task.output.exists());
    }
    let mut all = Outputs::default();
    tasks.iter().for_each(|task| all.add(Some(&task.output)));
    tasks.iter().for_each(|task| all.add_previews(previews(task).as_ref()));
    all.add(cli.report.as_deref());
    let contents = tasks.iter().chain(&skipped).map(|task| task.content.as_path());
    all.check(request.reads().chain(contents))?;

    let mut counts = Counts { skipped: skipped.len(), ..Counts::default() };
    let mut display = Display::of_many(cli.progress, cli.verbosity.quiet, tasks.len());
    skipped.iter().for_each(|task| display.skipped(&task.output));
    if tasks.is_empty() {
        display.finished(&counts);
        return Ok(ExitCode::SUCCESS);
    }
    let opened = StyleFiles::open(&request.styles)?;
    let shapes = opened.shapes();
    let mut reading = Reading::default();
    opened.reading(&mut reading);
    let engine = Engine::new(&request.options)?;
    engine.check_reading(reading.peak)?;
    let styles = opened.decoded()?;
    let cancel = CancelToken::new();
    let interrupted = "stopping; the picture that is being painted is not kept";
    interrupt::listen(&cancel, (!cli.verbosity.quiet).then_some(interrupted))?;
    let mut reports = cli.report.as_deref().map(|path| Reports::open(path, cli.skip_existing)).transpose()?;

    let mut failure = None;
    for (at, task) in tasks.iter().enumerate() {
        display.begin(&task.content, &task.output);
        display.save(previews(task).map(|p| (p, task.format)));
        let output = Destination::File(task.output.clone());
        let painted = paint(&engine, request, (&styles, &shapes, reading), task, &mut display, &cancel)
            .and_then(|stylised| {
                output.write(&outputs::encoded(&stylised.picture, task.format, None, &output)?)?;
                Ok(stylised)
            });
        let report = match painted {
            Ok(mut stylised) => {
                counts.painted += 1;
                let files = request.files(&task.content, Some(&task.output), cli.report.as_deref());
                stylised.report.files = Some(files);
                display.done(&stylised.report, &output);
                serde_json::to_value(&stylised.report).unwrap_or_default()
            }
            Err(Error::Cancelled) => {
                counts.left = tasks.len() - at;
                break;
            }
            Err(e) => {
                counts.failed += 1;
                display.failed(&task.content, &e);
                failure.get_or_insert(e.exit_code());
                let content = task.content.to_string_lossy();
                json!({ "content": content, "error": e.to_string(), "code": e.exit_code() })
            }
        };
        if let Some(Err(e)) = reports.as_mut().map(|reports| reports.add(&report)) {
            // The other pictures are painted without reports.
            display.failed(cli.report.as_deref().unwrap_or(Path::new("")), &e);
            failure.get_or_insert(e.exit_code());
            reports = None;
        }
    }
    display.finished(&counts);
    Ok(match (counts.left, failure) {
        (0, None) => ExitCode::SUCCESS,
        (0, Some(code)) => ExitCode::from(code),
        _ => ExitCode::from(130),
    })
}

/// A picture that is interrupted is not kept: --skip-existing would take it for one that is done.
fn paint(
    engine: &Engine,
    request: &Request,
    (styles, shapes, mut reading): (&Styles, &[StyleShape], Reading),
    task: &Task,
    display: &mut Display,
    cancel: &CancelToken,
) -> Result<Stylised> {
    if cancel.is_cancelled() {
        return Err(Error::Cancelled);
    }
    let opened = Opened::new(&task.content)?;
    reading.picture(&opened);
    engine.check_reading(reading.peak)?;
    let [height, width] = engine.plan(opened.size(), shapes, false, &request.params)?.size;
    task.format.check_size(height, width)?;
    let content = opened.decoded()?;
    let styles = styles.styles();
    let pictures = Pictures { content: &content, styles: &styles, mask: None, init: None };
    let stylised = engine.stylise(&pictures, &request.params, display, cancel)?;
    if stylised.report.cancelled { Err(Error::Cancelled) } else { Ok(stylised) }
}

/// Refuses what is for one picture only.
fn check(cli: &Cli, request: &Request, folder: &Path) -> Result<()> {
    let bad = |problem: String| Err(Error::Parameters(problem));
    if !is_folder(folder) {
        let all = if cli.style_name.is_some() { " (with --style, all pictures are repainted)" } else { "" };
        return bad(format!(
            "{}: several pictures{all} go into a folder; name one that is there, or end its name with /",
            folder.display()
        ));
    }
    let for_one = [
        ("--resume", cli.resume.is_some()),
        ("--mask", request.mask.is_some()),
        ("--region", request.styles.iter().any(|style| style.region.is_some())),
        ("--init with a picture", request.init.is_some()),
        ("--plot", cli.plot.is_some()),
        ("--keep-history", cli.keep_history),
    ];
    if let Some((option, _)) = for_one.into_iter().find(|(_, given)| *given) {
        return bad(format!("{option} is for one picture, and -o names a folder for several"));
    }
    if cli.report.as_deref().is_some_and(|path| Destination::from_path(path) == Destination::Stdout) {
        return bad("--report - is for one picture; name a file for the reports of several".to_string());
    }
    if request.contents.iter().any(|path| is_stdin(path)) {
        return bad("-: a picture from standard input has no name; give -o a file's name".to_string());
    }
    Ok(())
}

/// The pictures with their outputs' names.
fn tasks(cli: &Cli, request: &Request, folder: &Path) -> Result<Vec<Task>> {
    let read: Vec<Identity> = inputs::style_paths(&request.styles).map(Identity::from_path).collect();
    let mut names: HashMap<Identity, PathBuf> = HashMap::new();
    let mut tasks = Vec::new();
    for content in inputs::expanded(&request.contents)? {
        let from_folder = !request.contents.contains(&content);
        // A style picture that lies among the photographs is not one of them.
        if from_folder && read.contains(&Identity::from_path(&content)) {
            continue;
        }
        let (name, format) = named(&content, cli.format);
        let output = folder.join(name);
        if let Some(other) = names.insert(Identity::from_path(&output), content.clone()) {
            return Err(Error::Parameters(
                match Identity::from_path(&other) == Identity::from_path(&content) {
                    true => format!("{}: is named twice; name it once", content.display()),
                    false => format!(
                        "{} and {} would both be painted as {}; paint them in two commands",
                        other.display(),
                        content.display(),
                        output.display()
                    ),
                },
            ));
        }
        tasks.push(Task { content, output, format });
    }
    Ok(tasks)
}

/// The name and the format of a result: those of the content picture where its format can be written, and PNG otherwise.
fn named(content: &Path, asked: Option<Format>) -> (PathBuf, Format) {
    let name = PathBuf::from(content.file_name().unwrap_or_default());
    match (asked, Format::from_path(content)) {
        (None, Ok(format)) => (name, format),
        (asked, own) => {
            let format = asked.unwrap_or(Format::Png);
            let name =
                if own.is_ok_and(|own| own == format) { name } else { name.with_extension(format.ending()) };
            (name, format)
        }
    }
}

/// A report for each picture, as JSON lines.
struct Reports {
    path: PathBuf,
    file: File,
}

impl Reports {
    fn open(path: &Path, goes_on: bool) -> Result<Self> {
        if !goes_on {
            files::write(path, b"")?;
        }
        let file = OpenOptions::new().append(true).create(true).open(path);
        let file = file.map_err(|e| terminal::output(&path.display().to_string(), &e))?;
        Ok(Reports { path: path.to_path_buf(), file })
    }

    /// Adds a line in one write, so that a program that is killed leaves whole lines.
    fn add(&mut self, report: &serde_json::Value) -> Result<()> {
        let line = format!("{report}\n");
        self.file
            .write_all(line.as_bytes())
            .map_err(|e| terminal::output(&self.path.display().to_string(), &e))
    }
}
