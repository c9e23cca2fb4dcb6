//! The command line: what a person types, translated for the engine, and what the engine says, for people
//! and for programs. Nothing in here computes.

mod args;
mod batch;
mod inputs;
mod interrupt;
mod models;
mod outputs;
mod params;
mod progress;
mod request;
mod resume;
mod stylise;
mod terminal;
mod values;

use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use impasto::models::Fetch;
use impasto::{Engine, EngineOptions, Error, Result, runtime};

use args::{Cli, Command, ModelCommand, Verbosity};
use outputs::Destination;
use terminal::{output, print, say};

/// Runs the command and returns its exit code: 0, or [`Error::exit_code`].
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    interrupt::ignore_file_size_signal();
    log_to_stderr(&cli.verbosity);
    match run(&cli) {
        Ok(code) => code,
        Err(e) => {
            cli.progress.failed(&e);
            say(&format!("impasto: {e}"));
            ExitCode::from(e.exit_code())
        }
    }
}

fn run(cli: &Cli) -> Result<ExitCode> {
    match &cli.command {
        None => return stylise::run(cli),
        Some(Command::Score(score)) => stylise::score(score)?,
        Some(Command::Devices { nodes }) => devices(nodes.as_deref())?,
        Some(Command::Styles { output }) => styles(output.as_deref())?,
        Some(Command::Schema) => {
            let text = serde_json::to_string_pretty(impasto::params::schema()).unwrap_or_default();
            print(format!("{text}\n").as_bytes())?;
        }
        Some(Command::Model(ModelCommand::List)) => models::list()?,
        Some(Command::Model(ModelCommand::Info { model })) => models::info(model)?,
        Some(Command::Model(ModelCommand::Fetch { name, from, mirror, quiet })) => {
            let what = Fetch { name: name.clone(), url: from.clone(), mirror: mirror.clone() };
            models::fetch(&what, *quiet)?
        }
        Some(Command::Model(ModelCommand::Remove { name })) => models::remove(name)?,
        Some(Command::Model(ModelCommand::Import { file, name, preprocessing })) => {
            models::import(file, name.as_deref(), *preprocessing)?
        }
        Some(Command::Model(ModelCommand::Export(export))) => models::export(export)?,
        Some(Command::Completions { shell }) => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "impasto", &mut text);
            print(&text)?;
        }
        Some(Command::Man) => {
            let mut text = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut text)
                .map_err(|e| output("standard output", &e))?;
            print(&text)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn devices(model: Option<&str>) -> Result<()> {
    let library = runtime::load()?;
    let mut text = String::new();
    for info in runtime::devices()? {
        let works = info.problem.is_none();
        let name = info.name.map_or(String::new(), |name| format!(" ({name})"));
        let state = info.problem.map_or("works".to_string(), |p| format!("cannot be used: {p}"));
        text += &format!("{:8} {state}{name}\n", info.device.to_string());
        if let Some(model) = model.filter(|_| works) {
            let options =
                EngineOptions { model: model.into(), device: info.device, ..EngineOptions::default() };
            for (provider, nodes) in Engine::new(&options)?.placement()? {
                text += &format!("         {nodes} nodes of {model} on {provider}\n");
            }
        }
    }
    text += &format!("ONNX Runtime: {}\n", library.display());
    print(text.as_bytes())
}

fn styles(folder: Option<&Path>) -> Result<()> {
    let mut text = String::new();
    if folder.is_some_and(|folder| Destination::from_path(folder) == Destination::Stdout) {
        return Err(Error::Parameters("-o -: the styles are several files; name a folder".into()));
    }
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder).map_err(|e| output(&folder.display().to_string(), &e))?;
    }
    for style in impasto::styles::list() {
        text += &format!("{:15} {}\n", style.id, style.description);
        if let Some(folder) = folder {
            impasto::styles::write(&style.id, &folder.join(format!("{}.jpg", style.id)))?;
        }
    }
    print(text.as_bytes())
}

fn log_to_stderr(verbosity: &Verbosity) {
    let level = match (verbosity.quiet, verbosity.verbose) {
        (true, _) => "off",
        (false, 0) => "warn,ort=error",
        (false, 1) => "impasto=debug,ort=warn",
        (false, _) => "debug",
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(level))
        .with_writer(|| terminal::Log)
        .log_internal_errors(false)
        .without_time()
        .with_target(verbosity.verbose > 1)
        .finish();
    // Only fails if a subscriber is set already, and nothing else in this program sets one.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
