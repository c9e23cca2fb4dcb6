//! A warm start: L-BFGS continues with the pairs of an earlier run. argmin cannot be given stored pairs, so the earlier run's last
//! iterations are replayed, and nothing is evaluated. A point of the replay is the last point minus the differences after it, and
//! likewise a gradient. From these, L-BFGS forms the stored differences again, exactly (see [`Vector`]).

use std::collections::VecDeque;
use std::rc::Rc;

use argmin_math::ArgminSub;
use half::bf16;

use super::arena::VectorArena;
use super::vector::Vector;

/// L-BFGS's pairs, the oldest first: differences of points, and of gradients of the scaled loss.
pub(crate) type Pairs = Vec<[Vec<bf16>; 2]>;

/// L-BFGS's state at the end of a run.
pub(crate) struct LbfgsState {
    /// What the loss is multiplied with for it.
    pub scale: f64,
    /// Its last point, as latent variables.
    pub latent: Vec<f32>,
    pub pairs: Pairs,
}

/// Where a minimisation starts.
pub(crate) enum Start {
    /// At a picture in 0..1.
    Picture(Vec<f32>),
    /// At the end of an earlier one.
    State(LbfgsState),
}

/// The points and gradients of the iterations that are replayed.
pub(super) struct Replay {
    /// The point that it starts at.
    pub first: Vector,
    /// The points after that, in order; the last one is the end of the earlier run.
    pub points: VecDeque<Vector>,
    /// The gradients at the first point and at all others. Empty if there are no points.
    pub gradients: VecDeque<Vector>,
}

impl Replay {
    /// The replay that ends at `end`, where the scaled loss has this gradient, with the newest `most` of the pairs. Without pairs
    /// it starts and ends there.
    pub fn new(end: Vector, gradient: Vector, pairs: Pairs, most: usize, arena: &Rc<VectorArena>) -> Self {
        let skipped = pairs.len().saturating_sub(most);
        // The oldest first.
        let pairs: Vec<[Vector; 2]> = pairs
            .into_iter()
            .skip(skipped)
            .map(|pair| pair.map(|part| Vector::from_base(arena.pair(part))))
            .collect();
        let mut replay = Replay { first: end, points: VecDeque::new(), gradients: VecDeque::new() };
        let mut gradient = gradient;
        for [s, y] in pairs.iter().rev() {
            replay.gradients.push_front(gradient.clone());
            replay.points.push_front(replay.first.clone());
            (replay.first, gradient) = (replay.first.sub(s), gradient.sub(y));
        }
        if !replay.points.is_empty() {
            replay.gradients.push_front(gradient);
        }
        replay
    }
}
