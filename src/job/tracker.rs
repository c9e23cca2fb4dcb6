//! What a job has done so far, over all of its levels.

use std::time::Instant;

use super::levels::Level;
use crate::optimise::{Outcome, Step};
use crate::progress::{Progress, WHOLE};
use crate::report::{LevelReport, Seconds};

/// Losses, times and counts of a job.
pub(crate) struct Tracker {
    /// The planned levels.
    pub planned: Vec<Level>,
    /// The levels that are done.
    pub levels: Vec<LevelReport>,
    /// The names of the loss's terms.
    pub terms: Vec<String>,
    /// The loss of each evaluation.
    pub losses: Vec<f64>,
    /// The terms of each of those losses.
    pub term_losses: Vec<Vec<f64>>,
    pub restarts: usize,
    /// Whether the last level ended because nothing lowers its loss any more.
    pub converged: bool,
    pub cancelled: bool,
    pub seconds: Seconds,
    /// When the level that is being painted began.
    begun: Instant,
}

impl Tracker {
    pub fn new(levels: &[Level]) -> Self {
        Tracker {
            planned: levels.to_vec(),
            levels: Vec::new(),
            terms: Vec::new(),
            losses: Vec::new(),
            term_losses: Vec::new(),
            restarts: 0,
            converged: false,
            cancelled: false,
            seconds: Seconds { preparing: 0.0, optimising: 0.0, evaluating: 0.0 },
            begun: Instant::now(),
        }
    }

    /// A level begins.
    pub fn begin(&mut self, terms: Vec<String>) {
        self.terms = terms;
        self.begun = Instant::now();
    }

    /// How far the job is after a step of the level that is being painted. An evaluation is taken to cost as
    /// much as it has pixels.
    pub fn progress(&self, step: &Step) -> Progress {
        let seconds = self.seconds.optimising + self.begun.elapsed().as_secs_f64();
        let spent: f64 = self.levels.iter().map(|l| l.evaluations as f64 * pixels(l.size)).sum();
        let (mut left, mut planned, mut here) = (0.0, self.losses.len(), 0.0);
        for (n, level) in self.planned.iter().skip(self.levels.len()).enumerate() {
            let (done, cost) = (if n == 0 { step.evaluations } else { 0 }, pixels(level.size));
            left += level.iterations.saturating_sub(done) as f64 * cost;
            here += done as f64 * cost;
            planned += level.iterations;
        }
        Progress {
            evaluations: self.losses.len() + step.evaluations,
            planned,
            level: self.levels.len() + 1,
            levels: self.planned.len(),
            size: self.planned.get(self.levels.len()).map_or([0, 0], |level| level.size),
            part: WHOLE,
            loss: step.loss,
            terms: step.terms.to_vec(),
            seconds,
            seconds_left: seconds / (spent + here).max(1.0) * left,
        }
    }

    /// A level is done.
    pub fn end(&mut self, level: &Level, outcome: Outcome) {
        let seconds = self.begun.elapsed().as_secs_f64();
        self.levels.push(LevelReport {
            size: level.size,
            evaluations: outcome.losses.len(),
            first_loss: outcome.losses.first().copied().unwrap_or(f64::NAN),
            loss: outcome.losses.iter().copied().fold(f64::INFINITY, f64::min),
            seconds,
        });
        self.seconds.optimising += seconds;
        self.seconds.evaluating += outcome.evaluating;
        self.losses.extend(outcome.losses);
        self.term_losses.extend(outcome.terms);
        self.restarts += outcome.restarts;
        self.converged = outcome.converged;
        self.cancelled = outcome.stopped;
    }
}

fn pixels(size: [usize; 2]) -> f64 {
    (size[0] * size[1]) as f64
}
