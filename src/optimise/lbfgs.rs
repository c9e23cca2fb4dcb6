//! The adapter to argmin: its L-BFGS with our line search ([`Search`]) on our vectors, one run at a time.

use std::cell::{Ref, RefCell};
use std::rc::Rc;

use argmin::core::{CostFunction, Error as ArgminError, Gradient, IterState, Solver, State as _};
use argmin::solver::quasinewton::LBFGS;
use argmin_math::{ArgminL2Norm, ArgminMul};

use super::evaluations::{Evaluated, Evaluations};
use super::search::Search;
use super::vector::Vector;
use super::warm_start::{Pairs, Replay};

/// Root mean square change of a variable in a first step, of which nothing is known but the
/// gradient's direction: about three 8-bit steps of a detail in the middle of the range.
const FIRST_STEP: f64 = 0.025;

/// The objective, as argmin sees it.
pub(super) struct Problem<'a>(RefCell<Evaluations<'a>>);

impl<'a> Problem<'a> {
    pub fn new(evaluations: Evaluations<'a>) -> Self {
        Problem(RefCell::new(evaluations))
    }

    pub fn evaluations(&self) -> Ref<'_, Evaluations<'a>> {
        self.0.borrow()
    }

    pub fn into_evaluations(self) -> Evaluations<'a> {
        self.0.into_inner()
    }

    /// Runs L-BFGS from a point, with scale and pairs of an earlier run if there are any, until it gives up or the evaluations
    /// are spent.
    pub fn run(&self, start: Vector, known: Option<(f64, Pairs)>) {
        let Ok(Evaluated { gradient, .. }) = self.0.borrow_mut().loss_and_gradient(&start) else { return };
        let norm = gradient.l2_norm();
        let length = FIRST_STEP * (start.len() as f64).sqrt();
        let (scale, pairs) =
            known.unwrap_or_else(|| (if norm > 0.0 { length / norm } else { 1.0 }, Vec::new()));
        let mut state = self.0.borrow_mut();
        let (arena, history) = (Rc::clone(&state.arena), state.history);
        let Replay { first, points, gradients } =
            Replay::new(start, gradient.mul(&scale), pairs, history, &arena);
        (state.scale, state.gradients) = (scale, gradients);
        drop(state);
        let solver = LBFGS::new(Search::replaying(points), history)
            .with_tolerance_grad(0.0)
            .and_then(|s| s.with_tolerance_cost(0.0));
        let Ok(solver) = solver else { return };
        // The evaluations record how the run ended. Argmin cannot tell: a failed line search and spent evaluations are both
        // errors to it.
        if let Err(e) = self.iterate(solver, argmin::core::Problem::new(self), first) {
            tracing::debug!("L-BFGS ended: {e}");
        }
    }

    /// Iterates until an iteration fails. (argmin's executor would hold the points and gradients of two more iterations.)
    fn iterate(
        &self,
        mut solver: LBFGS<Search, Vector, Vector, f64>,
        mut problem: argmin::core::Problem<&Self>,
        start: Vector,
    ) -> std::result::Result<(), ArgminError> {
        let (mut state, _) = solver.init(&mut problem, Iterate::new().param(start))?;
        let mut point = state.get_param().cloned();
        let ended = loop {
            if state.terminated() {
                break Ok(());
            }
            if let Some(gradient) = state.get_gradient() {
                gradient.measure();
            }
            match solver.next_iter(&mut problem, state) {
                Ok((next, _)) => state = next,
                Err(e) => break Err(e),
            }
            state.increment_iter();
            if let Some(param) = state.get_param() {
                point = Some(param.clone());
            }
        };
        // The solver still holds its pairs.
        self.0.borrow_mut().keep_state(point);
        ended
    }
}

type Iterate = IterState<Vector, Vector, (), (), (), f64>;

impl CostFunction for &Problem<'_> {
    type Param = Vector;
    type Output = f64;

    fn cost(&self, point: &Vector) -> std::result::Result<f64, ArgminError> {
        let mut state = self.0.borrow_mut();
        // During a replay any loss will do.
        let loss = match (state.gradients.is_empty(), &state.recent) {
            (false, Some(recent)) => recent.loss,
            _ => state.loss_and_gradient(point)?.loss,
        };
        Ok(loss * state.scale)
    }
}

impl Gradient for &Problem<'_> {
    type Param = Vector;
    type Gradient = Vector;

    fn gradient(&self, point: &Vector) -> std::result::Result<Vector, ArgminError> {
        let mut state = self.0.borrow_mut();
        if let Some(gradient) = state.gradients.pop_front() {
            return Ok(gradient);
        }
        let gradient = state.loss_and_gradient(point)?.gradient;
        Ok(gradient.mul(&state.scale))
    }
}
