//! How running jobs show themselves: bars, lines, JSON lines, or nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use impasto::picture::Format;
use impasto::{Error, Picture, Progress, Report, Sink, files};
use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::outputs::{Destination, Previews};
use super::terminal::{emit, say};

/// The way that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    Auto,
    Json,
    None,
}

impl Mode {
    pub fn is_json(self) -> bool {
        self == Mode::Json
    }

    /// Tells a program that the command has failed.
    pub fn failed(self, e: &Error) {
        if self.is_json() {
            emit(&json!({ "event": "error", "message": e.to_string(), "code": e.exit_code() }));
        }
    }
}

enum How {
    /// One bar for the picture, and one for all where there are several.
    Bars {
        picture: ProgressBar,
        all: Option<ProgressBar>,
    },
    Lines {
        last: Instant,
        told: bool,
    },
    Json,
    Nothing,
}

/// Shows jobs and saves their pictures on the way.
pub struct Display {
    how: How,
    /// Which picture of how many, where there are several.
    place: Option<(usize, usize)>,
    previews: Option<(Previews, Format)>,
    /// Whether a preview could not be saved. It does not end the job.
    failed: bool,
}

/// How a command with several pictures has gone.
#[derive(Default)]
pub struct Counts {
    pub painted: usize,
    pub skipped: usize,
    pub failed: usize,
    /// Those that an interrupt has left over.
    pub left: usize,
}

/// Seconds between plain lines.
const PAUSE: Duration = Duration::from_secs(5);

impl Display {
    /// For one picture.
    pub fn new(mode: Mode, quiet: bool) -> Self {
        Self::of_many(mode, quiet, 1)
    }

    /// For this number of pictures.
    pub fn of_many(mode: Mode, quiet: bool, count: usize) -> Self {
        let how = match mode {
            Mode::Json => How::Json,
            Mode::None => How::Nothing,
            Mode::Auto if quiet => How::Nothing,
            // A terminal may be one that cannot draw over a line (TERM=dumb).
            Mode::Auto if !ProgressDrawTarget::stderr().is_hidden() => bars(count),
            Mode::Auto => How::Lines { last: Instant::now(), told: false },
        };
        Display { how, place: (count > 1).then_some((0, count)), previews: None, failed: false }
    }

    /// The pictures on the way that the next job is to save.
    pub fn save(&mut self, previews: Option<(Previews, Format)>) {
        self.previews = previews;
    }

    /// The next of several pictures begins.
    pub fn begin(&mut self, content: &Path, output: &Path) {
        let Some((index, count)) = &mut self.place else { return };
        *index += 1;
        match &mut self.how {
            How::Bars { picture, all } => {
                picture.reset();
                picture.set_prefix("");
                picture.set_message(content.display().to_string());
                if let Some(all) = all {
                    all.set_position(*index as u64 - 1);
                }
            }
            How::Lines { told, .. } => *told = false,
            How::Json => emit(&json!({
                "event": "picture", "index": *index, "count": *count,
                "content": content.display().to_string(), "output": output.display().to_string(),
            })),
            How::Nothing => {}
        }
    }

    /// One of several pictures failed, and the others continue.
    pub fn failed(&mut self, content: &Path, e: &Error) {
        match &self.how {
            How::Json => emit(&json!({
                "event": "error", "message": e.to_string(), "code": e.exit_code(),
                "content": content.display().to_string(),
            })),
            How::Bars { .. } | How::Lines { .. } | How::Nothing => {}
        }
        let name = content.display().to_string();
        let text = e.to_string();
        // Most errors begin with the file's name.
        let told = if text.contains(&name) { text } else { format!("{name}: {text}") };
        self.say(&format!("impasto: {}{told}", self.prefix()));
    }

    /// The output is there already.
    pub fn skipped(&mut self, output: &Path) {
        match &self.how {
            How::Json => emit(&json!({ "event": "skipped", "output": output.display().to_string() })),
            How::Lines { .. } => say(&format!("{}{}: is there already", self.prefix(), output.display())),
            How::Bars { .. } | How::Nothing => {}
        }
    }

    /// The result is written.
    pub fn done(&mut self, report: &Report, output: &Destination) {
        let [height, width] = report.size;
        let seconds = report.seconds.preparing + report.seconds.optimising;
        let state = if report.cancelled { "interrupted after" } else { "done in" };
        let painted = match report.levels.last().map(|level| level.size) {
            Some(size) if size != report.size => format!(" (painted at {}×{})", size[1], size[0]),
            _ => String::new(),
        };
        // Both losses are of one size only where there is one level.
        let rose = report.levels.len() == 1 && report.loss > report.first_loss;
        let text = format!(
            "{}{output}: {width}×{height}{painted}, {state} {} evaluations and {seconds:.1} s on {} with {}; loss {:.3e} → {:.3e}{}",
            self.prefix(),
            report.losses.len(),
            report.device,
            report.model,
            report.first_loss,
            report.loss,
            if rose { " (rounding to the file's depth costs more than was gained)" } else { "" },
        );
        match &self.how {
            How::Bars { picture, all } => {
                if let Some(all) = all {
                    all.inc(1);
                } else {
                    picture.finish_and_clear();
                }
                self.say(&text);
            }
            How::Lines { .. } => say(&text),
            How::Json => emit(&json!({
                "event": "done", "output": output.to_string(), "loss": report.loss,
                "evaluations": report.losses.len(), "cancelled": report.cancelled, "seconds": seconds,
                "device": report.device, "model": report.model,
            })),
            How::Nothing => {}
        }
    }

    /// All pictures have had their turn.
    pub fn finished(&mut self, counts: &Counts) {
        let Counts { painted, skipped, failed, left } = *counts;
        if let How::Bars { picture, all } = &self.how {
            picture.finish_and_clear();
            if let Some(all) = all {
                all.finish_and_clear();
            }
        }
        let mut text = format!("impasto: {painted} painted");
        for (count, what) in [(skipped, "there already"), (failed, "failed"), (left, "left over")] {
            if count > 0 {
                text += &format!(", {count} {what}");
            }
        }
        if left > 0 {
            text += "; the same command with --skip-existing goes on";
        }
        match &self.how {
            How::Json => emit(&json!({
                "event": "finished", "painted": painted, "skipped": skipped, "failed": failed, "left": left,
            })),
            // A failure is reported even where nothing else is.
            How::Nothing if failed == 0 => {}
            How::Bars { .. } | How::Lines { .. } | How::Nothing => say(&text),
        }
    }

    fn prefix(&self) -> String {
        self.place.map_or(String::new(), |(index, count)| format!("[{index}/{count}] "))
    }

    /// Says a line above the bars.
    fn say(&self, text: &str) {
        match &self.how {
            How::Bars { picture, .. } if !picture.is_finished() => picture.suspend(|| say(text)),
            _ => say(text),
        }
    }
}

fn bars(count: usize) -> How {
    let bar = |template: &str| {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template(template);
        bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    };
    let picture = bar("{msg} {wide_bar} {pos}/{len} {prefix}");
    if count == 1 {
        return How::Bars { picture, all: None };
    }
    let both = MultiProgress::new();
    let picture = both.add(picture);
    let all = both.add(bar("all pictures {wide_bar} {pos}/{len} {eta} left"));
    all.set_length(count as u64);
    How::Bars { picture, all: Some(all) }
}

impl Sink for Display {
    fn phase(&mut self, text: &str) {
        match &self.how {
            How::Bars { picture, .. } => picture.set_message(text.to_string()),
            How::Json => emit(&json!({ "event": "phase", "phase": text })),
            How::Lines { .. } | How::Nothing => {}
        }
    }

    fn progress(&mut self, p: &Progress) {
        let left =
            || format!("{} left", HumanDuration(Duration::from_secs_f64(p.seconds_left.clamp(0.0, 1e8))));
        let prefix = self.prefix();
        match &mut self.how {
            How::Bars { picture, .. } => {
                picture.set_length(p.planned as u64);
                picture.set_position(p.evaluations as u64);
                picture.set_message(format!("loss {:.3e}", p.loss));
                picture.set_prefix(left());
            }
            How::Lines { last, told } => {
                if !*told || last.elapsed() >= PAUSE || (p.evaluations == p.planned && prefix.is_empty()) {
                    (*last, *told) = (Instant::now(), true);
                    say(&format!(
                        "{prefix}{:>5}/{}  loss {:.3e}  {}",
                        p.evaluations,
                        p.planned,
                        p.loss,
                        left()
                    ));
                }
            }
            How::Json => {
                let mut line = serde_json::to_value(p).unwrap_or_default();
                line["event"] = "progress".into();
                emit(&line);
            }
            How::Nothing => {}
        }
    }

    fn preview(&mut self, evaluations: usize, picture: &Picture) {
        let Some((previews, format)) = &self.previews else { return };
        let path = previews.path(evaluations);
        let written = picture
            .encode(*format)
            .map_err(|problem| Error::Output { path: path.clone(), problem })
            .and_then(|bytes| files::write(&path, &bytes));
        if let Err(e) = written
            && !std::mem::replace(&mut self.failed, true)
        {
            self.say(&format!("impasto: {e}"));
        }
    }
}
