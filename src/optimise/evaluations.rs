//! The evaluations of a run: one for each point, what is known of the best, and when there are to be no more.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Instant;

use super::arena::VectorArena;
use super::latent;
use super::stored::Stored;
use super::threads::Threads;
use super::vector::Vector;
use super::warm_start::LbfgsState;
use crate::error::{Error, Result};
use crate::runtime::{DeviceTensor, Vectors};

/// An objective over pictures.
pub(crate) trait Evaluate {
    /// Loss, and its gradient written into `gradient`, at a picture [3, H, W] in 0..1 (flat). The extra
    /// values are the loss's terms.
    fn evaluate(&mut self, picture: &[f32], gradient: &mut [f32]) -> Result<(f64, Vec<f64>)>;
}

/// An objective over the free variables of pictures (`latent`) that lie on a device.
pub(crate) trait EvaluateOnDevice {
    /// The device's vectors.
    fn vectors(&self) -> Rc<Vectors>;

    /// As [`Evaluate::evaluate`], with respect to the free variables.
    fn evaluate(&mut self, free: &DeviceTensor, gradient: &mut DeviceTensor) -> Result<(f64, Vec<f64>)>;
}

/// Where an objective is evaluated, and so where the vectors lie.
pub(crate) enum Location<'a> {
    /// In the computer's memory.
    Host(&'a mut dyn Evaluate),
    /// On a device.
    Device(&'a mut dyn EvaluateOnDevice),
}

/// What is told after each evaluation.
pub(crate) struct Step<'a> {
    pub evaluations: usize,
    /// The lowest loss so far and its terms.
    pub loss: f64,
    pub terms: &'a [f64],
    best: &'a Vector,
    threads: &'a Threads,
}

impl Step<'_> {
    /// The picture with that loss, [3, H, W] in 0..1 (flat).
    pub fn picture(&self) -> Result<Vec<f32>> {
        picture(self.best, Vec::new(), self.threads)
    }
}

/// A run goes on while the lowest loss falls by `share` in so many evaluations.
#[derive(Clone, Copy)]
pub(crate) struct Worthwhile {
    pub evaluations: usize,
    pub share: f64,
}

/// An evaluated point; loss and gradient as the objective gave them, not scaled.
#[derive(Clone)]
pub(super) struct At {
    pub point: Vector,
    pub loss: f64,
    /// With respect to the free variables.
    pub gradient: Vector,
}

pub(super) struct Best {
    pub at: At,
    pub terms: Vec<f64>,
}

/// The picture of a point, in this room if it is large enough.
pub(super) fn picture(point: &Vector, mut room: Vec<f32>, threads: &Threads) -> Result<Vec<f32>> {
    let free = point.values()?;
    room.resize(free.len(), 0.0);
    threads.run(|| latent::pixels(&free, &mut room));
    Ok(room)
}

/// Why no more evaluations are done.
pub(super) enum End {
    Spent,
    Stopped,
    Failed(Error),
}

/// The evaluations of a run.
pub(super) struct Evaluations<'a> {
    pub objective: Location<'a>,
    pub watch: &'a mut dyn FnMut(&Step) -> bool,
    pub limit: usize,
    pub history: usize,
    pub worthwhile: Option<Worthwhile>,
    /// Room for the picture of a point.
    pub picture: Vec<f32>,
    pub arena: Rc<VectorArena>,
    /// What argmin sees is scale · loss, so that the first step, which is the negative gradient, has a
    /// sensible length.
    pub scale: f64,
    /// argmin asks for cost and gradient separately, and for the gradient at the end of a line search
    /// again: the last and the best point answer for one evaluation each.
    pub recent: Option<At>,
    pub best: Option<Best>,
    pub losses: Vec<f64>,
    pub terms: Vec<Vec<f64>>,
    pub evaluating: f64,
    pub end: Option<End>,
    /// Gradients at the points that [`super::search::Search`] knows, and at the first.
    pub gradients: VecDeque<Vector>,
    pub keep: bool,
    pub memory: Option<LbfgsState>,
}

/// No evaluation was done; `Evaluations::end` says why.
#[derive(Debug, thiserror::Error)]
#[error("the evaluations have ended")]
pub(super) struct Ended;

impl Evaluations<'_> {
    /// Keeps what L-BFGS knows at its last point, if that is wanted.
    pub fn remember(&mut self, point: Option<Vector>) {
        let Some(point) = point.filter(|_| self.keep) else { return };
        match (point.values(), self.arena.pairs()) {
            (Ok(free), Ok(parts)) => {
                let mut parts = parts.into_iter();
                let pairs = std::iter::from_fn(|| Some([parts.next()?, parts.next()?])).collect();
                self.memory = Some(LbfgsState { scale: self.scale, free: free.into_owned(), pairs });
            }
            (Err(e), _) | (_, Err(e)) => tracing::warn!("what L-BFGS knows is lost: {e}"),
        }
    }

    /// Loss and gradient at a point: known, or evaluated now.
    pub fn at(&mut self, point: &Vector) -> std::result::Result<At, Ended> {
        if let Some(recent) = &self.recent
            && recent.point.is(point)
        {
            return Ok(recent.clone());
        }
        if let Some(best) = &self.best
            && best.at.point.is(point)
        {
            return Ok(best.at.clone());
        }
        if let Some(failure) = self.arena.failure() {
            self.end = Some(End::Failed(failure));
        }
        if self.end.is_some() {
            return Err(Ended);
        }
        if self.losses.len() >= self.limit || !self.is_worthwhile() {
            self.end = Some(End::Spent);
            return Err(Ended);
        }
        self.evaluate(point)
    }

    /// Whether the loss has fallen enough lately.
    fn is_worthwhile(&self) -> bool {
        let Some(Worthwhile { evaluations, share }) = self.worthwhile else { return true };
        let Some(at) = self.losses.len().checked_sub(evaluations).filter(|at| *at > 0) else { return true };
        let (before, lately) = self.losses.split_at(at);
        let lowest = |losses: &[f64]| losses.iter().copied().fold(f64::INFINITY, f64::min);
        lowest(lately) < lowest(before) * (1.0 - share)
    }

    fn evaluate(&mut self, point: &Vector) -> std::result::Result<At, Ended> {
        // What it had is not needed any more, and its room is.
        self.recent = None;
        let (loss, terms, gradient) = match self.compute(point) {
            Ok(v) => v,
            Err(Error::Cancelled) => {
                self.end = Some(End::Stopped);
                return Err(Ended);
            }
            Err(e) => {
                self.end = Some(End::Failed(e));
                return Err(Ended);
            }
        };
        let at = At { point: point.clone(), loss, gradient: Vector::of(self.arena.materialised(gradient)) };
        if loss.is_finite() && self.best.as_ref().is_none_or(|b| loss < b.at.loss) {
            self.best = Some(Best { at: at.clone(), terms: terms.clone() });
        }
        self.losses.push(loss);
        self.terms.push(terms);
        self.recent = Some(at.clone());
        if let Some(best) = &self.best {
            let step = Step {
                evaluations: self.losses.len(),
                loss: best.at.loss,
                terms: &best.terms,
                best: &best.at.point,
                threads: self.arena.threads(),
            };
            if !(self.watch)(&step) {
                self.end = Some(End::Stopped);
            }
        }
        Ok(at)
    }

    /// Loss, terms, and the gradient with respect to the free variables.
    fn compute(&mut self, point: &Vector) -> Result<(f64, Vec<f64>, Stored)> {
        let lost = || Error::Runtime("a point lies where its objective is not".into());
        match &mut self.objective {
            Location::Host(objective) => {
                let Some(Stored::Full(free)) = point.stored() else { return Err(lost()) };
                let threads = self.arena.threads();
                threads.run(|| latent::pixels(free, &mut self.picture));
                let mut gradient = self.arena.alloc(free.len());
                let begun = Instant::now();
                let evaluated = objective.evaluate(&self.picture, &mut gradient);
                self.evaluating += begun.elapsed().as_secs_f64();
                let (loss, terms) = evaluated?;
                threads.run(|| latent::chain(free, &mut gradient));
                Ok((loss, terms, Stored::Full(gradient)))
            }
            Location::Device(objective) => {
                let Some(Stored::OnDevice(free)) = point.stored() else { return Err(lost()) };
                let mut gradient = objective.vectors().alloc()?;
                let begun = Instant::now();
                let evaluated = objective.evaluate(free, &mut gradient);
                self.evaluating += begun.elapsed().as_secs_f64();
                let (loss, terms) = evaluated?;
                Ok((loss, terms, Stored::OnDevice(gradient)))
            }
        }
    }
}
