//! How a running job shows itself: a bar, lines, JSON lines, or nothing.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use impasto::{Error, Picture, Progress, Report, Sink};
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use serde_json::json;

/// The way that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    Auto,
    Json,
    None,
}

impl Mode {
    /// Tells a program that the job has failed.
    pub fn failed(self, e: &Error) {
        if self == Mode::Json {
            println!("{}", json!({ "event": "error", "message": e.to_string(), "code": e.exit_code() }));
        }
    }
}

enum How {
    Bar(ProgressBar),
    Lines { last: Instant, told: bool },
    Json,
    Nothing,
}

/// Shows a job and saves its pictures on the way.
pub struct Display {
    how: How,
    /// The result's path; previews are named after it.
    output: PathBuf,
    /// The first preview that could not be saved. It does not end the job.
    failed: bool,
}

/// Seconds between plain lines.
const PAUSE: Duration = Duration::from_secs(5);

impl Display {
    pub fn new(mode: Mode, quiet: bool, output: &Path) -> Self {
        let how = match mode {
            Mode::Json => How::Json,
            Mode::None => How::Nothing,
            Mode::Auto if quiet => How::Nothing,
            Mode::Auto if std::io::stderr().is_terminal() => How::Bar(bar()),
            Mode::Auto => How::Lines { last: Instant::now(), told: false },
        };
        Display { how, output: output.to_path_buf(), failed: false }
    }

    /// Tells that the result is written.
    pub fn done(self, report: &Report, output: &Path) {
        let [height, width] = report.size;
        let seconds = report.seconds.preparing + report.seconds.optimising;
        let state = if report.cancelled { "interrupted after" } else { "done in" };
        let text = format!(
            "{}: {width}×{height}, {state} {} evaluations and {seconds:.1} s on {} with {}; loss {:.3e} → {:.3e}",
            output.display(),
            report.losses.len(),
            report.device,
            report.model,
            report.first_loss,
            report.loss,
        );
        match self.how {
            How::Bar(bar) => {
                bar.finish_and_clear();
                eprintln!("{text}");
            }
            How::Lines { .. } => eprintln!("{text}"),
            How::Json => println!(
                "{}",
                json!({
                    "event": "done", "output": output.display().to_string(), "loss": report.loss,
                    "evaluations": report.losses.len(), "cancelled": report.cancelled, "seconds": seconds,
                    "device": report.device, "model": report.model,
                })
            ),
            How::Nothing => {}
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {prefix}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

impl Sink for Display {
    fn phase(&mut self, text: &str) {
        match &self.how {
            How::Bar(bar) => bar.set_message(text.to_string()),
            How::Json => println!("{}", json!({ "event": "phase", "phase": text })),
            How::Lines { .. } | How::Nothing => {}
        }
    }

    fn progress(&mut self, p: &Progress) {
        let left =
            || format!("{} left", HumanDuration(Duration::from_secs_f64(p.seconds_left.clamp(0.0, 1e8))));
        match &mut self.how {
            How::Bar(bar) => {
                bar.set_length(p.planned as u64);
                bar.set_position(p.evaluations as u64);
                bar.set_message(format!("loss {:.3e}", p.loss));
                bar.set_prefix(left());
            }
            How::Lines { last, told } => {
                if !*told || last.elapsed() >= PAUSE || p.evaluations == p.planned {
                    (*last, *told) = (Instant::now(), true);
                    eprintln!("{:>5}/{}  loss {:.3e}  {}", p.evaluations, p.planned, p.loss, left());
                }
            }
            How::Json => {
                let mut line = serde_json::to_value(p).unwrap_or_default();
                line["event"] = "progress".into();
                println!("{line}");
            }
            How::Nothing => {}
        }
    }

    fn preview(&mut self, evaluations: usize, picture: &Picture) {
        let stem = self.output.file_stem().unwrap_or_default().to_string_lossy();
        let ending = self.output.extension().unwrap_or_default().to_string_lossy();
        let path = self.output.with_file_name(format!("{stem}-{evaluations:04}.{ending}"));
        if let Err(e) = picture.write(&path)
            && !std::mem::replace(&mut self.failed, true)
        {
            eprintln!("impasto: {e}");
        }
    }
}
