//! `impasto CONTENT STYLE -o OUT`, for one picture, and `impasto score`.

use std::path::Path;
use std::process::ExitCode;

use impasto::saved_state::{SavedState, WarmStart};
use impasto::{CancelToken, Engine, Error, Picture, Pictures, Result, Style, plot};

use super::args::{Cli, ScoreArgs};
use super::batch;
use super::inputs::{self, absolute};
use super::interrupt;
use super::outputs::{self, Destination, Outputs, Previews};
use super::progress::{Counts, Display};
use super::request::Request;
use super::terminal;

pub fn run(cli: &Cli) -> Result<ExitCode> {
    let Some(output) = &cli.output else {
        return Err(Error::Parameters("-o OUT is needed; see impasto --help".into()));
    };
    let request = Request::new(cli)?;
    if batch::is_one(&request.contents, output) {
        return batch::run(cli, request, output);
    }
    one(cli, request, output)
}

/// All that can be known to fail is found before minutes of work.
fn one(cli: &Cli, request: Request, output: &Path) -> Result<ExitCode> {
    let output = Destination::from_path(output);
    if let Some(file) = output.file().filter(|file| cli.skip_existing && file.exists()) {
        let mut display = Display::new(cli.progress, cli.verbosity.quiet);
        display.skipped(file);
        display.finished(&Counts { skipped: 1, ..Counts::default() });
        return Ok(ExitCode::SUCCESS);
    }
    let report = cli.report.as_deref().map(Destination::from_path);
    let format = outputs::format_of(&output, cli.format)?;
    let previews = match (request.params.preview_every, output.file()) {
        (Some(every), Some(file)) => Some(Previews { of: file.to_path_buf(), every }),
        (Some(_), None) => {
            return Err(Error::Parameters("--save-every needs -o with a file's name, not -o -".into()));
        }
        (None, _) => None,
    };
    // Beside the report that names it.
    let kept_in = report.as_ref().and_then(Destination::file).filter(|_| cli.keep_history);
    let kept_in = kept_in.map(|path| path.with_extension("history.safetensors"));
    outputs::check_stdout(
        output == Destination::Stdout,
        report == Some(Destination::Stdout),
        cli.progress.is_json(),
    )?;
    if let Some(path) = &cli.plot {
        plot::check(path)?;
    }
    let mut all = Outputs::default();
    for path in
        [output.file(), cli.plot.as_deref(), report.as_ref().and_then(Destination::file), kept_in.as_deref()]
    {
        all.add(path);
    }
    all.add_previews(previews.as_ref());
    all.check(request.reads())?;

    let Some(named) = request.contents.first() else {
        return Err(Error::Parameters("CONTENT is needed; see impasto --help".into()));
    };
    let opened =
        inputs::Files::open(named, &request.styles, request.mask.as_deref(), request.init.as_deref())?;
    let engine = Engine::new(&request.options)?;
    let [height, width] = opened.check(&engine, &request.params).map_err(|e| request.with_file(named, e))?;
    format.check_size(height, width)?;
    let decoded = opened.decoded()?;
    let from =
        request.history.as_deref().map(|path| state(path, decoded.init.as_ref())).transpose()?.flatten();
    let mut warm_start = WarmStart { keep: kept_in.is_some(), from, ..WarmStart::default() };

    let cancel = CancelToken::new();
    let interrupted = "finishing with the best picture so far";
    interrupt::listen(&cancel, (!cli.verbosity.quiet).then_some(interrupted))?;
    let mut display = Display::new(cli.progress, cli.verbosity.quiet);
    display.save(previews.map(|p| (p, format)));
    let styles = decoded.styles.styles();
    let pictures = Pictures {
        content: &decoded.content,
        styles: &styles,
        mask: decoded.mask.as_ref(),
        init: decoded.init.as_ref(),
    };
    let mut stylised = engine
        .stylise_with_warm_start(&pictures, &request.params, &mut warm_start, &mut display, &cancel)
        .map_err(|e| request.with_file(named, e))?;

    let original = decoded.content_file.as_deref().zip(decoded.mask.as_ref());
    output.write(&outputs::encoded(&stylised.picture, format, original, &output)?)?;
    let mut files = request.files(named, output.file(), report.as_ref().and_then(Destination::file));
    let others = (|| -> Result<()> {
        match (warm_start.kept.take(), &kept_in) {
            (Some(history), Some(path)) => {
                history.write(path)?;
                files.history = Some(absolute(path));
            }
            (None, Some(_)) => {
                tracing::warn!("the full size was not reached, so that the optimiser's state is not kept");
            }
            (_, None) => {}
        }
        stylised.report.files = Some(files);
        match &report {
            Some(Destination::File(path)) => stylised.report.write(path)?,
            Some(to @ Destination::Stdout) => {
                to.write(format!("{}\n", stylised.report.json()?).as_bytes())?
            }
            None => {}
        }
        cli.plot.as_ref().map_or(Ok(()), |path| plot::write(&stylised.report, path))
    })();
    display.done(&stylised.report, &output);
    others?;
    Ok(if stylised.report.cancelled { ExitCode::from(130) } else { ExitCode::SUCCESS })
}

/// The optimiser's state that another job has left, if it is there and of the picture that job has left.
fn state(path: &Path, result: Option<&Picture>) -> Result<Option<SavedState>> {
    if !path.exists() {
        tracing::warn!("{}: is not there any more; the optimiser begins without its state", path.display());
        return Ok(None);
    }
    let history = SavedState::read(path)?;
    let is_of = result.is_some_and(|r| [r.height(), r.width()] == history.size());
    if !is_of {
        tracing::warn!(
            "{}: is of a picture of another size; the optimiser begins without its state",
            path.display()
        );
    }
    Ok(is_of.then_some(history))
}

pub fn score(args: &ScoreArgs) -> Result<()> {
    let (params, _) = args.params.read()?;
    let picture = inputs::read(&args.picture)?;
    let (content, style) = (inputs::read(&args.content)?, inputs::read(&args.style)?);
    let engine = Engine::new(&args.engine.options())?;
    let styles = [Style::new(&style)];
    let pictures = Pictures { content: &content, styles: &styles, mask: None, init: None };
    let (loss, terms) = engine.score(&picture, &pictures, &params)?;
    let mut text = format!("loss {loss:.6e}\n");
    for (name, value) in terms {
        text += &format!("{name} {value:.6e}\n");
    }
    terminal::print(text.as_bytes())
}
