//! `impasto CONTENT STYLE -o OUT` and `impasto score`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use impasto::history::{Carry, History};
use impasto::picture::{self, Format};
use impasto::report::{Files, StyleFile};
use impasto::{CancelToken, Engine, Error, Picture, Pictures, Result, Style, plot};
use ndarray::Array2;

use super::args::{Cli, ScoreArgs};
use super::interrupt;
use super::progress::Display;
use super::resume;

pub fn run(cli: &Cli) -> Result<ExitCode> {
    let Some(output) = &cli.output else {
        return Err(Error::Parameters("-o OUT is needed; see impasto --help".into()));
    };
    // All that can be known to fail is found before minutes of work.
    let mut options = cli.engine.options();
    // Beside the report that names it.
    let kept_in =
        cli.report.as_ref().filter(|_| cli.keep_history).map(|r| r.with_extension("history.safetensors"));
    let mut known = Carry { keep: kept_in.is_some(), ..Carry::default() };
    let (mut files, mut params, init) = match &cli.resume {
        Some(report) => {
            let done = resume::read(report)?;
            if cli.engine.model.is_none() {
                options.model.clone_from(&done.files.model);
            }
            let (params, _) = cli.params.over(done.params);
            // It is large, and may have been deleted since.
            let history = done.files.history.as_deref().filter(|path| path.exists());
            known.from = history.map(History::read).transpose()?;
            let model = options.model.clone();
            (Files { output: absolute(output), model, ..done.files }, params, Some(done.result))
        }
        None => {
            let (params, init) = cli.params.read()?;
            (named(cli, output, &options.model)?, params, init)
        }
    };
    params.style = cli.style_name.clone().or(params.style);
    if files.styles.is_empty() && params.style.is_none() {
        return Err(Error::Parameters(
            "STYLE is needed: a picture, or --style with a name from `impasto styles`".into(),
        ));
    }
    params.preview_every = cli.save_every.or(params.preview_every);
    Format::of(output)?;
    if let Some(path) = &cli.plot {
        plot::check(path)?;
    }
    check_outputs(cli, output, kept_in.as_ref(), &files, init.as_deref())?;

    let content = Picture::read(&files.content)?;
    let styles = files.styles.iter().map(style_picture).collect::<Result<Vec<_>>>()?;
    let bright = |file: &Option<PathBuf>| -> Result<Option<Array2<f32>>> {
        Ok(file.as_deref().map(Picture::read).transpose()?.map(|m| m.brightness()))
    };
    let mask = bright(&files.mask)?;
    let regions = files.styles.iter().map(|s| bright(&s.region)).collect::<Result<Vec<_>>>()?;
    let init = init.as_deref().map(Picture::read).transpose()?;
    let cancel = CancelToken::new();
    interrupt::listen(&cancel, cli.verbosity.quiet)?;
    let engine = Engine::new(&options)?;
    let mut display = Display::new(cli.progress, cli.verbosity.quiet, output);
    let styles: Vec<Style> = styles
        .iter()
        .zip(&files.styles)
        .zip(&regions)
        .map(|((picture, file), region)| Style {
            picture,
            weight: file.weight,
            scale: file.scale,
            region: region.as_ref(),
        })
        .collect();
    let pictures = Pictures { content: &content, styles: &styles, mask: mask.as_ref(), init: init.as_ref() };
    let mut stylised = engine.stylise_on(&pictures, &params, &mut known, &mut display, &cancel)?;

    stylised.picture.write(output)?;
    files.history = None;
    if let (Some(history), Some(path)) = (known.kept, &kept_in) {
        history.write(path)?;
        files.history = Some(absolute(path));
    }
    stylised.report.files = Some(files);
    if let Some(path) = &cli.report {
        stylised.report.write(path)?;
    }
    if let Some(path) = &cli.plot {
        plot::write(&stylised.report, path)?;
    }
    display.done(&stylised.report, output);
    Ok(if stylised.report.cancelled { ExitCode::from(130) } else { ExitCode::SUCCESS })
}

/// The files that the command line names.
fn named(cli: &Cli, output: &Path, model: &str) -> Result<Files> {
    // clap has refused a call without it.
    let Some(content) = &cli.content else {
        return Err(Error::Parameters("CONTENT is needed; see impasto --help".into()));
    };
    let first = cli.style.as_ref().map(|style| StyleFile {
        file: style.clone(),
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
    Ok(Files {
        content: absolute(content),
        styles: first.iter().chain(&cli.blend).map(from_anywhere).collect(),
        mask: cli.mask.as_deref().map(absolute),
        output: absolute(output),
        model: if Path::new(model).is_file() {
            absolute(Path::new(model)).display().to_string()
        } else {
            model.to_string()
        },
        history: None,
    })
}

/// A style picture, transparent where its style is not to be taken.
fn style_picture(file: &StyleFile) -> Result<Picture> {
    let picture = Picture::read(&file.file)?;
    let Some(path) = &file.part else { return Ok(picture) };
    let mut part = Picture::read(path)?.brightness();
    let [(h, w), (ph, pw)] = [(picture.height(), picture.width()), part.dim()];
    if (h, w) != (ph, pw) {
        let problem = format!("is {pw}×{ph} pixels, the style picture {w}×{h}; they must have the same size");
        return Err(Error::Picture { name: path.display().to_string(), problem });
    }
    if let Some(alpha) = picture.alpha() {
        part *= alpha;
    }
    picture.with_alpha(Some(part))
}

/// The same file wherever the report is read.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// No file that is read is written, and none is written twice.
fn check_outputs(
    cli: &Cli,
    output: &PathBuf,
    history: Option<&PathBuf>,
    files: &Files,
    init: Option<&Path>,
) -> Result<()> {
    let of_styles =
        files.styles.iter().flat_map(|s| [Some(&s.file), s.region.as_ref(), s.part.as_ref()]).flatten();
    let mut inputs: Vec<&Path> =
        of_styles.chain(&files.mask).chain(&cli.resume).map(PathBuf::as_path).collect();
    inputs.extend([files.content.as_path()].into_iter().chain(init));
    let outputs: Vec<&PathBuf> =
        [output].into_iter().chain(&cli.plot).chain(&cli.report).chain(history).collect();
    for (i, path) in outputs.iter().enumerate() {
        if inputs.iter().any(|input| same_file(input, path)) {
            return Err(Error::Parameters(format!(
                "{}: is one of the files that are read; choose another name for what is written",
                path.display()
            )));
        }
        if outputs[..i].iter().any(|other| other == path) {
            return Err(Error::Parameters(format!("{}: is named for two outputs", path.display())));
        }
        picture::check_writable(path)?;
    }
    Ok(())
}

pub fn score(args: &ScoreArgs) -> Result<()> {
    let (params, _) = args.params.read()?;
    let picture = Picture::read(&args.picture)?;
    let (content, style) = (Picture::read(&args.content)?, Picture::read(&args.style)?);
    let engine = Engine::new(&args.engine.options())?;
    let styles = [Style::of(&style)];
    let pictures = Pictures { content: &content, styles: &styles, mask: None, init: None };
    let (loss, terms) = engine.score(&picture, &pictures, &params)?;
    let mut text = format!("loss {loss:.6e}\n");
    for (name, value) in terms {
        text += &format!("{name} {value:.6e}\n");
    }
    super::print(text.as_bytes())
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (std::fs::canonicalize(a), std::fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
