//! `impasto CONTENT STYLE -o OUT` and `impasto score`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use impasto::picture::{self, Format};
use impasto::{CancelToken, Engine, Error, Picture, Pictures, Result, Style, plot};

use super::args::{Cli, ScoreArgs};
use super::interrupt;
use super::progress::Display;

pub fn run(cli: &Cli) -> Result<ExitCode> {
    // clap has refused a call without these three.
    let (Some(content), Some(style), Some(output)) = (&cli.content, &cli.style, &cli.output) else {
        return Err(Error::Parameters("CONTENT, STYLE and -o OUT are needed; see impasto --help".into()));
    };
    // All that can be known to fail is found before minutes of work.
    let (mut params, init) = cli.params.read()?;
    params.preview_every = cli.save_every.or(params.preview_every);
    Format::of(output)?;
    if let Some(path) = &cli.plot {
        plot::check(path)?;
    }
    let blended = cli.blend.iter().map(|b| &b.file);
    let inputs: Vec<&PathBuf> =
        [content, style].into_iter().chain(blended).chain(&cli.mask).chain(&init).collect();
    let outputs: Vec<&PathBuf> = [output].into_iter().chain(&cli.plot).chain(&cli.report).collect();
    for (i, path) in outputs.iter().enumerate() {
        if inputs.iter().any(|input| same_file(input, path)) {
            return Err(Error::Parameters(format!(
                "{}: is one of the pictures that are read; choose another name for what is written",
                path.display()
            )));
        }
        if outputs[..i].iter().any(|other| other == path) {
            return Err(Error::Parameters(format!("{}: is named for two outputs", path.display())));
        }
        picture::check_writable(path)?;
    }

    let content = Picture::read(content)?;
    let style = Picture::read(style)?;
    let blended = cli.blend.iter().map(|b| Picture::read(&b.file)).collect::<Result<Vec<_>>>()?;
    let mask = cli.mask.as_deref().map(Picture::read).transpose()?.map(|m| m.brightness());
    let init = init.as_deref().map(Picture::read).transpose()?;
    let cancel = CancelToken::new();
    interrupt::listen(&cancel, cli.verbosity.quiet)?;
    let engine = Engine::new(&cli.engine.options())?;
    let mut display = Display::new(cli.progress, cli.verbosity.quiet, output);
    let mut styles = vec![Style { picture: &style, weight: 1.0 }];
    styles.extend(blended.iter().zip(&cli.blend).map(|(picture, b)| Style { picture, weight: b.weight }));
    let pictures = Pictures { content: &content, styles: &styles, mask: mask.as_ref(), init: init.as_ref() };
    let stylised = engine.stylise(&pictures, &params, &mut display, &cancel)?;

    stylised.picture.write(output)?;
    if let Some(path) = &cli.report {
        stylised.report.write(path)?;
    }
    if let Some(path) = &cli.plot {
        plot::write(&stylised.report, path)?;
    }
    display.done(&stylised.report, output);
    Ok(if stylised.report.cancelled { ExitCode::from(130) } else { ExitCode::SUCCESS })
}

pub fn score(args: &ScoreArgs) -> Result<()> {
    let (params, _) = args.params.read()?;
    let picture = Picture::read(&args.picture)?;
    let (content, style) = (Picture::read(&args.content)?, Picture::read(&args.style)?);
    let engine = Engine::new(&args.engine.options())?;
    let styles = [Style { picture: &style, weight: 1.0 }];
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
