// SPDX-License-Identifier: GPL-3.0-or-later
//! How long painting will take: what the draft's evaluations took, for the sizes that are planned.

use crate::engine::{Level, Progress};

/// So many evaluations of a size must have been seen before anything is said of it.
const ENOUGH: u32 = 4;

/// What is computed around the evaluations of a size takes about as long as so many of them: the targets, and the loss of the
/// result. Measured with the preset Draft, of which it is the largest share.
const AROUND: f64 = 2.0;

/// How long evaluations of one size took.
struct Measured {
    pixels: f64,
    evaluations: u32,
    seconds: f64,
}

/// How long evaluations of one job take on this machine.
#[derive(Default)]
pub struct Speed {
    /// The seconds that an engine takes to start.
    starting: f64,
    sizes: Vec<Measured>,
    /// The level that is being measured, with its evaluations and seconds when that began.
    since: Option<(u32, u32, f64)>,
}

impl Speed {
    /// Of an engine that took these seconds to start.
    pub fn new(starting: f64) -> Self {
        Speed { starting, ..Speed::default() }
    }

    /// Learns from a job's progress. Whether there was something new to learn.
    pub fn learn(&mut self, progress: &Progress) -> bool {
        let ([level, _], [width, height]) = (progress.level, progress.size);
        let now = (level, progress.evaluations, progress.seconds);
        if progress.evaluations == 0 || self.since.is_some_and(|since| since.1 == progress.evaluations) {
            return false;
        }
        // The first evaluation of a level is not counted: it makes room.
        let Some((_, evaluations, seconds)) = self.since.replace(now).filter(|since| since.0 == level) else {
            return false;
        };
        let pixels = f64::from(width) * f64::from(height);
        let (evaluations, seconds) = (now.1.saturating_sub(evaluations), (now.2 - seconds).max(0.0));
        match self.sizes.iter_mut().find(|m| m.pixels == pixels) {
            Some(known) => {
                known.evaluations += evaluations;
                known.seconds += seconds;
            }
            None => self.sizes.push(Measured { pixels, evaluations, seconds }),
        }
        true
    }

    /// The seconds that an evaluation takes: some for each, and some for each pixel. On a graphics card the first are most
    /// of what a small picture takes.
    fn of_evaluation(&self) -> Option<[f64; 2]> {
        let mut sizes: Vec<_> = self.sizes.iter().filter(|m| m.evaluations >= ENOUGH).collect();
        sizes.sort_by(|a, b| a.pixels.total_cmp(&b.pixels));
        let seconds = |m: &Measured| m.seconds / f64::from(m.evaluations);
        let (smallest, largest) = (sizes.first()?, sizes.last()?);
        let for_all = [0.0, seconds(largest) / largest.pixels];
        if smallest.pixels * 2.0 > largest.pixels {
            return Some(for_all);
        }
        let each = (seconds(largest) - seconds(smallest)) / (largest.pixels - smallest.pixels);
        let fixed = seconds(smallest) - each * smallest.pixels;
        Some(if each > 0.0 && fixed > 0.0 { [fixed, each] } else { for_all })
    }

    /// The seconds that a job with these levels will take; None where too little is known.
    pub fn seconds(&self, levels: &[Level]) -> Option<f64> {
        let [fixed, each] = self.of_evaluation()?;
        let level = |level: &Level| (level.evaluations + AROUND) * (fixed + each * level.cost);
        Some(self.starting + levels.iter().map(level).sum::<f64>())
    }
}

/// A time for people, rounded to what is known of it.
pub fn rounded(seconds: f64) -> String {
    let to = |step: f64| (seconds / step).round().max(1.0) * step;
    match seconds {
        s if s < 28.0 => format!("{:.0} s", to(5.0)),
        s if s < 85.0 => format!("{:.0} s", to(10.0)),
        s if s < 5400.0 => format!("{:.0} min", to(60.0) / 60.0),
        _ => format!("{:.0} h", to(3600.0) / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(level: u32, evaluations: u32, side: u32, seconds: f64) -> Progress {
        let (planned, loss, seconds_left) = (100, 1.0, 1.0);
        let (level, size, part) = ([level, 2], [side, side], [0.0, 0.0, 1.0, 1.0]);
        Progress { evaluations, planned, level, size, part, loss, seconds, seconds_left, preview: None }
    }

    /// A draft whose evaluations take some time each, and some for each pixel.
    fn draft(fixed: f64, each: f64) -> Speed {
        let (mut speed, mut seconds, mut evaluations) = (Speed::new(3.0), 0.0, 0);
        for (level, side) in [(1, 128), (2, 256)] {
            // What the first one takes does not count.
            seconds += 10.0;
            for _ in 0..9 {
                evaluations += 1;
                seconds += fixed + each * f64::from(side * side);
                speed.learn(&progress(level, evaluations, side, seconds));
            }
        }
        speed
    }

    #[test]
    fn nothing_is_known_before_the_first_evaluations() {
        let mut speed = Speed::default();
        let level = [Level { evaluations: 10.0, cost: 1e6 }];
        assert_eq!(speed.seconds(&level), None);
        for evaluation in 0..ENOUGH + 1 {
            assert_eq!(speed.seconds(&level), None);
            speed.learn(&progress(1, evaluation, 128, f64::from(evaluation)));
        }
        speed.learn(&progress(1, ENOUGH + 1, 128, f64::from(ENOUGH + 1)));
        assert!(speed.seconds(&level).is_some());
    }

    #[test]
    fn it_grows_with_pixels_and_evaluations() {
        let levels = [Level { evaluations: 18.0, cost: 500_000.0 }, Level { evaluations: 8.0, cost: 2e6 }];
        for (fixed, each) in [(0.0, 1e-6), (0.01, 1e-6), (0.01, 1e-9)] {
            let wanted = 3.0 + 30.0 * fixed + each * 3e7;
            let got = draft(fixed, each).seconds(&levels).expect("enough is known");
            assert!((got - wanted).abs() < 0.01 * wanted, "{got} {wanted}");
        }
    }

    #[test]
    fn times_are_rounded() {
        for (seconds, text) in [
            (0.2, "5 s"),
            (12.0, "10 s"),
            (44.0, "40 s"),
            (84.0, "80 s"),
            (89.0, "1 min"),
            (100.0, "2 min"),
            (3000.0, "50 min"),
            (9000.0, "3 h"),
        ] {
            assert_eq!(rounded(seconds), text);
        }
    }
}
