// SPDX-License-Identifier: GPL-3.0-or-later
//! A job's progress in GIMP's own progress bar.

use std::time::{Duration, Instant};

use crate::engine::Progress;
use crate::text::{fill, tr};

/// GIMP's progress bar, written to a few times a second.
pub struct Bar {
    shown: Option<Instant>,
    /// The level, and the loss of its first evaluation.
    first_loss: Option<(u32, f64)>,
}

impl Bar {
    /// Opens the bar.
    pub fn new() -> Self {
        gimp::progress_init(&tr("Neural style transfer"));
        Bar { shown: None, first_loss: None }
    }

    /// Shows how far a job is.
    pub fn show(&mut self, progress: &Progress) {
        let [level, _] = progress.level;
        if progress.evaluations > 0 && self.first_loss.is_none_or(|(of, _)| of != level) {
            self.first_loss = Some((level, progress.loss));
        }
        if self.shown.is_some_and(|at| at.elapsed() < Duration::from_millis(250)) {
            return;
        }
        self.shown = Some(Instant::now());
        gimp::progress_set_text(Some(&text(progress, self.first_loss)));
        match share(progress) {
            Some(share) => _ = gimp::progress_update(share),
            None => _ = gimp::progress_pulse(),
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        gimp::progress_end();
    }
}

/// How much of the time has passed, 0..1; None before the first evaluation. (Evaluations of larger sizes take longer.)
fn share(progress: &Progress) -> Option<f64> {
    let (seconds, left) = (progress.seconds, progress.seconds_left);
    (progress.evaluations > 0 && left.is_finite()).then(|| seconds / (seconds + left).max(f64::MIN_POSITIVE))
}

/// Evaluation, loss and time left, in words.
fn text(progress: &Progress, first_loss: Option<(u32, f64)>) -> String {
    let Some((_, first)) = first_loss else { return tr("Reading the style").into() };
    let lower = first / progress.loss.max(f64::MIN_POSITIVE);
    fill(
        "Size {level} of {levels}, evaluation {done} of {all}, loss {times} times lower, {left} left",
        &[
            ("level", &progress.level[0].to_string()),
            ("levels", &progress.level[1].to_string()),
            ("done", &progress.evaluations.to_string()),
            ("all", &progress.planned.to_string()),
            ("times", &format!("{lower:.prec$}", prec = usize::from(lower < 10.0))),
            ("left", &clock(progress.seconds_left)),
        ],
    )
}

/// Seconds as minutes and seconds.
fn clock(seconds: f64) -> String {
    let seconds = if seconds.is_finite() { seconds.round().clamp(0.0, 360_000.0) as u64 } else { 0 };
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(evaluations: u32, loss: f64, seconds_left: f64) -> Progress {
        let (level, size, part, seconds) = ([2, 3], [64, 48], [0.0, 0.0, 1.0, 1.0], 1.0);
        Progress { evaluations, planned: 200, level, size, part, loss, seconds, seconds_left, preview: None }
    }

    #[test]
    fn the_bar_counts_time() {
        assert_eq!(share(&progress(0, f64::NAN, f64::NAN)), None);
        assert_eq!(share(&progress(12, 250.0, 3.0)), Some(0.25));
        assert_eq!(share(&progress(200, 1.0, 0.0)), Some(1.0));
    }

    #[test]
    fn the_text_tells_evaluation_loss_and_time() {
        assert_eq!(text(&progress(0, f64::NAN, f64::NAN), None), "Reading the style");
        let said = text(&progress(12, 250.0, 75.4), Some((2, 1000.0)));
        assert_eq!(said, "Size 2 of 3, evaluation 12 of 200, loss 4.0 times lower, 1:15 left");
        let said = text(&progress(200, 1.0, 0.0), Some((2, 1000.0)));
        assert_eq!(said, "Size 2 of 3, evaluation 200 of 200, loss 1000 times lower, 0:00 left");
    }
}
