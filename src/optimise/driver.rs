//! Runs L-BFGS until the evaluations are spent, and restarts it where it gives up.

use std::collections::VecDeque;
use std::rc::Rc;

use rayon::prelude::*;

use super::arena::{self, VectorArena};
use super::evaluations::{End, Evaluations, Location, Step, Worthwhile};
use super::latent;
use super::lbfgs::Problem;
use super::threads::Threads;
use super::variables::Variables;
use super::vector::Vector;
use super::warm_start::{LbfgsState, Start};
use crate::error::{Error, Result};

/// Pairs that L-BFGS remembers where there is room. (With 20 the loss was 5 % lower after 50 evaluations on two
/// pictures at 1024 pixels, but the time outside of the graph twice as long.)
pub(crate) const HISTORY: usize = 10;
/// Vectors of the picture's size in single precision that a run holds at most: the pairs in half precision, points and
/// gradients at the start of a line search, at the best point of it and at the one that is tried, a picture, its latent variables
/// and those at the start.
pub(crate) fn vectors(history: usize) -> usize {
    history + 1 + 9 + arena::SPARES
}
/// The same where they lie on a device: pairs in single precision, and what its sums are made in.
pub(crate) fn device_vectors(history: usize) -> usize {
    2 * (history + 1) + 10 + 6
}
/// Restarts in a row without progress after which the point counts as a minimum.
const PATIENCE: usize = 2;

/// When a minimisation ends, and what it keeps.
pub(crate) struct Options<'a> {
    pub threads: &'a Threads,
    /// Height and width of the picture.
    pub size: [usize; 2],
    pub evaluations: usize,
    /// Pairs that L-BFGS remembers.
    pub history: usize,
    /// When to end before, if at all.
    pub worthwhile: Option<Worthwhile>,
    /// Whether to keep L-BFGS's state at the end.
    pub keep: bool,
}

/// Where a minimisation ended.
pub(crate) struct Outcome {
    /// The picture with the lowest loss seen.
    pub picture: Vec<f32>,
    /// The loss of every evaluation, in order.
    pub losses: Vec<f64>,
    /// Their terms.
    pub terms: Vec<Vec<f64>>,
    /// How often L-BFGS was started again.
    pub restarts: usize,
    /// Whether it ended because nothing lowers the loss any more.
    pub converged: bool,
    /// Seconds spent in `evaluate`.
    pub evaluating: f64,
    /// Set if it was stopped by `watch`.
    pub stopped: bool,
    /// L-BFGS's state at the end, if it is kept.
    pub state: Option<LbfgsState>,
}

/// Minimises from `start`. `watch` sees each step and ends the run by returning false.
pub(crate) fn minimise<'a>(
    objective: Location<'a>,
    start: Start,
    options: &Options,
    watch: &'a mut dyn FnMut(&Step) -> bool,
) -> Result<Outcome> {
    let threads = options.threads;
    let arena = Rc::new(match &objective {
        Location::Host(_) => VectorArena::new(threads, None),
        Location::Device(objective) => VectorArena::new(threads, Some(objective.vectors())),
    });
    let on_host = matches!(objective, Location::Host(_));
    let (latent, mut known) = match start {
        Start::Picture(mut picture) => {
            threads.run(|| picture.par_iter_mut().for_each(|x| *x = latent::from_pixel(*x)));
            (picture, None)
        }
        Start::State(LbfgsState { scale, latent, pairs }) => (latent, Some((scale, pairs))),
    };
    let values = latent.len();
    let stored = |values| Vector::from_base(arena.vector(values));
    let mut point = stored(vec![0.0; values]);
    let variables = Variables::new(stored(latent), options.size, threads);
    let problem = Problem::new(Evaluations {
        objective,
        watch,
        limit: options.evaluations,
        history: options.history,
        worthwhile: options.worthwhile,
        variables,
        latent: Vec::new(),
        picture: vec![0.0; if on_host { values } else { 0 }],
        arena: Rc::clone(&arena),
        scale: 1.0,
        recent: None,
        best: None,
        losses: Vec::new(),
        terms: Vec::new(),
        evaluating: 0.0,
        end: None,
        gradients: VecDeque::new(),
        keep: options.keep,
        state: None,
    });
    let (mut restarts, mut futile, mut converged) = (0, 0, false);
    loop {
        let before = problem.evaluations().best.as_ref().map_or(f64::INFINITY, |b| b.evaluated.loss);
        problem.run(point, known.take());
        let state = problem.evaluations();
        if state.end.is_some() {
            break;
        }
        let Some(best) = &state.best else {
            return Err(Error::Runtime(
                "the loss of the first picture is not a finite number; lower the weights".into(),
            ));
        };
        futile = if best.evaluated.loss < before * (1.0 - 1e-4) { 0 } else { futile + 1 };
        if futile >= PATIENCE {
            converged = true;
            break;
        }
        restarts += 1;
        point = best.evaluated.point.clone();
    }
    let mut state = problem.into_evaluations();
    // The picture gets memory of its own.
    (state.latent, state.picture) = Default::default();
    let stopped = match state.end {
        Some(End::Failed(e)) => return Err(e),
        Some(End::Stopped) => true,
        Some(End::Spent) | None => false,
    };
    let best = state.best.ok_or(Error::Cancelled)?;
    Ok(Outcome {
        picture: state.variables.picture(&best.evaluated.point)?,
        losses: state.losses,
        terms: state.terms,
        restarts,
        converged,
        evaluating: state.evaluating,
        stopped,
        state: state.state,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimise::Evaluate;

    const SIZE: [usize; 2] = [4, 5];

    /// Σ aᵢ (xᵢ − tᵢ)², with targets outside the box for some; counts its evaluations.
    struct Bowl {
        count: usize,
        fail_at: Option<usize>,
    }

    impl Bowl {
        fn parts(i: usize) -> (f64, f64) {
            (10f64.powi((i % 4) as i32), if i.is_multiple_of(5) { 1.5 } else { 0.2 + 0.1 * (i % 7) as f64 })
        }
    }

    impl Evaluate for Bowl {
        fn evaluate(&mut self, x: &[f32], g: &mut [f32]) -> Result<(f64, Vec<f64>)> {
            self.count += 1;
            if self.fail_at == Some(self.count) {
                return Err(Error::Runtime("as asked".into()));
            }
            let mut loss = 0.0;
            for (i, (&x, g)) in x.iter().zip(g).enumerate() {
                assert!((0.0..=1.0).contains(&x));
                let (a, t) = Self::parts(i);
                loss += a * (x as f64 - t).powi(2);
                *g = (2.0 * a * (x as f64 - t)) as f32;
            }
            Ok((loss, vec![loss]))
        }
    }

    fn threads() -> Threads {
        Threads::new(2).expect("threads")
    }

    fn run(bowl: &mut Bowl, evaluations: usize, mut watch: impl FnMut(&Step) -> bool) -> Result<Outcome> {
        let options = Options {
            threads: &threads(),
            size: SIZE,
            evaluations,
            history: HISTORY,
            worthwhile: None,
            keep: false,
        };
        minimise(Location::Host(bowl), Start::Picture(vec![0.5; 60]), &options, &mut watch)
    }

    #[test]
    fn finds_the_minimum_inside_the_box() {
        let mut bowl = Bowl { count: 0, fail_at: None };
        let out = run(&mut bowl, 200, |_| true).expect("an outcome");
        for (i, x) in out.picture.iter().enumerate() {
            let wanted = Bowl::parts(i).1.min(1.0);
            assert!((*x as f64 - wanted).abs() < 2e-2, "{i}: {x} {wanted}");
        }
        assert_eq!(out.losses.len(), bowl.count);
    }

    #[test]
    fn never_spends_more_than_its_evaluations_and_returns_the_best() {
        for limit in [1, 2, 7] {
            let mut bowl = Bowl { count: 0, fail_at: None };
            let out = run(&mut bowl, limit, |_| true).expect("an outcome");
            assert_eq!((bowl.count, out.losses.len()), (limit, limit));
            let lowest = out.losses.iter().copied().fold(f64::INFINITY, f64::min);
            let (again, _) = bowl.evaluate(&out.picture, &mut [0.0; 60]).expect("a loss");
            assert_eq!(again, lowest);
        }
    }

    #[test]
    fn stops_at_the_evaluation_at_which_it_is_told_to() {
        let mut bowl = Bowl { count: 0, fail_at: None };
        let out = run(&mut bowl, 100, |s| s.evaluations < 4).expect("an outcome");
        assert!(out.stopped);
        assert_eq!(bowl.count, 4);
    }

    #[test]
    fn ends_when_it_no_longer_pays() {
        let mut bowl = Bowl { count: 0, fail_at: None };
        let worthwhile = Some(Worthwhile { evaluations: 5, share: 0.5 });
        let options = Options {
            threads: &threads(),
            size: SIZE,
            evaluations: 500,
            history: HISTORY,
            worthwhile,
            keep: false,
        };
        let out = minimise(Location::Host(&mut bowl), Start::Picture(vec![0.5; 60]), &options, &mut |_| true)
            .expect("an outcome");
        assert!(!out.stopped && bowl.count < 200, "{}", bowl.count);
        let lowest = |until: usize| out.losses[..until].iter().copied().fold(f64::INFINITY, f64::min);
        let all = out.losses.len();
        assert!(lowest(all) >= 0.5 * lowest(all - 5));
        assert!(lowest(all - 1) < 0.5 * lowest(all - 6));
    }

    #[test]
    fn what_is_kept_goes_on_as_if_nothing_had_happened() {
        let mut bowl = Bowl { count: 0, fail_at: None };
        let go = |bowl: &mut Bowl, start: Start, evaluations: usize| {
            let options = Options {
                threads: &threads(),
                size: SIZE,
                evaluations,
                history: 5,
                worthwhile: None,
                keep: true,
            };
            minimise(Location::Host(bowl), start, &options, &mut |_| true).expect("an outcome")
        };
        let start = || Start::Picture(vec![0.5; 60]);
        let whole = go(&mut bowl, start(), 24);
        let half = go(&mut bowl, start(), 12);
        let memory = half.state.expect("a memory");
        assert_eq!(memory.pairs.len(), 5);
        let before = bowl.count;
        let rest = go(&mut bowl, Start::State(memory), 12);
        assert_eq!(bowl.count - before, 12);
        // The first evaluation is that of the last point, so it is one behind.
        let lowest = |losses: &[f64]| losses.iter().copied().fold(f64::INFINITY, f64::min);
        assert!((rest.losses[0] / lowest(&whole.losses[..12]) - 1.0).abs() < 1e-5);
        for at in 1..8 {
            let (a, b) = (lowest(&rest.losses[..=at]), lowest(&whole.losses[..12 + at]));
            assert!((a / b - 1.0).abs() < 0.05, "{at}: {:?} {:?}", rest.losses, whole.losses);
        }
    }

    #[test]
    fn an_error_of_the_objective_comes_through() {
        let mut bowl = Bowl { count: 0, fail_at: Some(3) };
        let e = run(&mut bowl, 100, |_| true).err().expect("an error");
        assert!(matches!(e, Error::Runtime(m) if m == "as asked"));
    }
}
