//! Going on where another minimisation has ended. argmin's L-BFGS takes pairs from nobody, so it is led along that run's
//! last points again: those are the last one minus sums of differences, as are the gradients there, the differences that
//! L-BFGS forms on its way are the known ones again by algebra (see [`Vector`]), and nothing is evaluated.

use std::collections::VecDeque;
use std::rc::Rc;

use argmin_math::ArgminSub;
use half::bf16;

use super::arena::VectorArena;
use super::vector::Vector;

/// L-BFGS's pairs, the oldest first: differences of points, and of gradients of the scaled loss.
pub(crate) type Pairs = Vec<[Vec<bf16>; 2]>;

/// What L-BFGS knows, to go on from.
pub(crate) struct LbfgsState {
    /// What the loss is multiplied with for it.
    pub scale: f64,
    /// Its last point, as free variables.
    pub free: Vec<f32>,
    pub pairs: Pairs,
}

/// Where a minimisation starts.
pub(crate) enum Start {
    /// At a picture in 0..1.
    Picture(Vec<f32>),
    /// Where another one has ended.
    State(LbfgsState),
}

/// The way to a point.
pub(super) struct Way {
    /// Where it begins.
    pub first: Vector,
    /// The points behind that, in order; the last is where it leads.
    pub points: VecDeque<Vector>,
    /// The gradients at all of them. Empty where there are no points.
    pub gradients: VecDeque<Vector>,
}

impl Way {
    /// The way to `end`, with this gradient of the scaled loss, along the newest `most` of the pairs. Without pairs it begins
    /// where it leads.
    pub fn to(end: Vector, gradient: Vector, pairs: Pairs, most: usize, arena: &Rc<VectorArena>) -> Self {
        let skipped = pairs.len().saturating_sub(most);
        // In their order, which is that of their age.
        let pairs: Vec<[Vector; 2]> = pairs
            .into_iter()
            .skip(skipped)
            .map(|pair| pair.map(|part| Vector::of(arena.pair(part))))
            .collect();
        let mut way = Way { first: end, points: VecDeque::new(), gradients: VecDeque::new() };
        let mut gradient = gradient;
        for [s, y] in pairs.iter().rev() {
            way.gradients.push_front(gradient.clone());
            way.points.push_front(way.first.clone());
            (way.first, gradient) = (way.first.sub(s), gradient.sub(y));
        }
        if !way.points.is_empty() {
            way.gradients.push_front(gradient);
        }
        way
    }
}
