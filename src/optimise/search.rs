//! A line search for the strong Wolfe conditions (Nocedal and Wright, "Numerical Optimization", 2006,
//! algorithms 3.5 and 3.6) that spends few evaluations: the first step is tried as it is, most searches
//! end there, and none may take more than a given number. It never returns a point that is worse than its
//! start; where it finds none that is better it fails, and the driver starts L-BFGS again.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use argmin::core::{
    CostFunction, Error, Gradient, IterState, KV, LineSearch, Problem, Solver, State, TerminationReason,
};
use argmin_math::{ArgminDot, ArgminScaledAdd};

use super::vector::Vector;

/// Sufficient decrease: f(α) ≤ f(0) + C1·α·f'(0).
const C1: f64 = 1e-4;
/// Curvature: |f'(α)| ≤ C2·|f'(0)|, which makes sᵀy > 0.
const C2: f64 = 0.9;
/// How far a step may grow at once.
const GROWTH: f64 = 8.0;
/// Evaluations that one search may take.
const MOST: usize = 12;

#[derive(Clone, Default)]
pub(super) struct Search {
    direction: Option<Vector>,
    /// Points of an earlier run. A search that has one returns it without evaluating anything (see `warm_start`).
    replayed: Rc<RefCell<VecDeque<Vector>>>,
}

impl Search {
    /// A search that first returns these points.
    pub fn replaying(points: VecDeque<Vector>) -> Self {
        Search { direction: None, replayed: Rc::new(RefCell::new(points)) }
    }
}

/// A point of the line: step, value, slope.
#[derive(Clone, Copy)]
struct LinePoint {
    step: f64,
    value: f64,
    slope: f64,
}

impl LineSearch<Vector, f64> for Search {
    fn search_direction(&mut self, direction: Vector) {
        self.direction = Some(direction);
    }

    fn initial_step_length(&mut self, _: f64) -> Result<(), Error> {
        // The driver scales the objective so that a step of 1 is right from the beginning.
        Ok(())
    }
}

type Line = IterState<Vector, Vector, (), (), (), f64>;

impl<O> Solver<O, Line> for Search
where
    O: CostFunction<Param = Vector, Output = f64> + Gradient<Param = Vector, Gradient = Vector>,
{
    fn name(&self) -> &str {
        "strong Wolfe line search"
    }

    fn next_iter(&mut self, problem: &mut Problem<O>, mut state: Line) -> Result<(Line, Option<KV>), Error> {
        if let Some(point) = self.replayed.borrow_mut().pop_front() {
            let state = state.param(point).terminate_with(TerminationReason::SolverConverged);
            return Ok((state, None));
        }
        let missing = || Error::msg("line search without a start");
        let start = state.take_param().ok_or_else(missing)?;
        let gradient = state.take_gradient().ok_or_else(missing)?;
        let direction = self.direction.take().ok_or_else(missing)?;
        let zero = LinePoint { step: 0.0, value: state.get_cost(), slope: gradient.dot(&direction) };
        // Also catches NaN.
        if zero.slope.partial_cmp(&0.0) != Some(std::cmp::Ordering::Less) {
            return Err(Error::msg("the direction does not lead down"));
        }
        let mut at = |step: f64| -> Result<(LinePoint, Vector), Error> {
            let point = start.scaled_add(&step, &direction).materialised();
            let value = problem.cost(&point)?;
            let slope = if value.is_finite() { problem.gradient(&point)?.dot(&direction) } else { f64::NAN };
            Ok((LinePoint { step, value, slope }, point))
        };
        let point = search(zero, &mut at)?;
        let (cost, param) = (point.0.value, point.1);
        let state = state.param(param).cost(cost).terminate_with(TerminationReason::SolverConverged);
        Ok((state, None))
    }
}

fn search<P>(
    zero: LinePoint,
    at: &mut impl FnMut(f64) -> Result<(LinePoint, P), Error>,
) -> Result<(LinePoint, P), Error> {
    let enough = |p: &LinePoint| p.value.is_finite() && p.value <= zero.value + C1 * p.step * zero.slope;
    let flat = |p: &LinePoint| p.slope.abs() <= -C2 * zero.slope;
    // `low` is the best point known to satisfy sufficient decrease; the minimum lies between it and `high`.
    let mut low = zero;
    let mut low_point = None;
    let mut high: Option<LinePoint> = None;
    let mut step = 1.0;
    for _ in 0..MOST {
        let (p, point) = at(step)?;
        if !enough(&p) || (p.value >= low.value && low.step > 0.0) {
            high = Some(p);
        } else if flat(&p) {
            return Ok((p, point));
        } else {
            let rises = p.slope * (high.map_or(1.0, |h| h.step - low.step)) >= 0.0;
            if rises {
                high = Some(low);
            }
            low = p;
            low_point = Some(point);
        }
        step = match high {
            None => low.step * grow(&zero, &low),
            Some(high) => between(&low, &high),
        };
        if high.is_some_and(|h| (h.step - low.step).abs() < 1e-9 * h.step.abs().max(low.step)) {
            break;
        }
    }
    // Sufficient decrease without the curvature condition is still progress, as long as the slope has
    // risen, which keeps sᵀy positive.
    match low_point {
        Some(point) if low.slope > zero.slope => Ok((low, point)),
        _ => Err(Error::msg("no step along the direction lowers the loss")),
    }
}

/// By how much to lengthen a step along which the slope still leads down: to where the slope would be zero
/// if it went on changing as it did.
fn grow(zero: &LinePoint, p: &LinePoint) -> f64 {
    let ratio = zero.slope / (zero.slope - p.slope);
    if ratio.is_finite() && ratio > 0.0 { (1.2 * ratio).clamp(2.0, GROWTH) } else { GROWTH }
}

/// The minimum of the cubic through two points and their slopes (Nocedal and Wright, equation 3.59), kept
/// away from both ends.
fn between(low: &LinePoint, high: &LinePoint) -> f64 {
    let width = high.step - low.step;
    let middle = low.step + 0.5 * width;
    let cubic = if high.value.is_finite() && high.slope.is_finite() {
        let d1 = low.slope + high.slope - 3.0 * (low.value - high.value) / (low.step - high.step);
        let root = d1 * d1 - low.slope * high.slope;
        let d2 = width.signum() * root.max(0.0).sqrt();
        high.step - width * (high.slope + d2 - d1) / (high.slope - low.slope + 2.0 * d2)
    } else {
        low.step + 0.1 * width
    };
    let (near, far) = (low.step + 0.05 * width, low.step + 0.95 * width);
    if cubic.is_finite() { cubic.clamp(near.min(far), near.max(far)) } else { middle }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(f: impl Fn(f64) -> f64, slope: impl Fn(f64) -> f64) -> (Option<LinePoint>, usize) {
        let mut count = 0;
        let zero = LinePoint { step: 0.0, value: f(0.0), slope: slope(0.0) };
        let found = search(zero, &mut |step| {
            count += 1;
            Ok((LinePoint { step, value: f(step), slope: slope(step) }, ()))
        });
        (found.ok().map(|p| p.0), count)
    }

    #[test]
    fn a_good_first_step_costs_one_evaluation() {
        let (at, count) = run(|a| (a - 1.1).powi(2), |a| 2.0 * (a - 1.1));
        assert_eq!((at.map(|p| p.step), count), (Some(1.0), 1));
    }

    #[test]
    fn long_short_and_crooked_lines_end_in_a_wolfe_point() {
        type F = fn(f64) -> f64;
        let lines: [(F, F); 4] = [
            (|a| (a - 300.0).powi(2), |a| 2.0 * (a - 300.0)),
            (|a| (a - 1e-3).powi(2), |a| 2.0 * (a - 1e-3)),
            // Not a number beyond 0.2, as a loss that overflows.
            (|a| if a > 0.2 { f64::INFINITY } else { (a - 0.1).powi(2) }, |a| 2.0 * (a - 0.1)),
            (|a| a.powi(4) - 2.0 * a, |a| 4.0 * a.powi(3) - 2.0),
        ];
        for (f, slope) in lines {
            let (at, count) = run(f, slope);
            let at = at.expect("a point");
            assert!(at.value <= f(0.0) + C1 * at.step * slope(0.0), "{}", at.step);
            assert!(at.slope.abs() <= C2 * slope(0.0).abs(), "{}", at.step);
            assert!(count <= MOST);
        }
    }

    #[test]
    fn a_line_that_only_rises_is_an_error() {
        // The slope lies.
        let (at, count) = run(|a| a, |_| -1.0);
        assert!(at.is_none());
        assert!(count <= MOST);
    }
}
