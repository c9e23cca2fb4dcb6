//! The evaluations of a run: one for each point, the best one so far, and when they end.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Instant;

use super::arena::VectorArena;
use super::latent;
use super::stored::Stored;
use super::variables::Variables;
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

/// An objective over the latent variables of pictures (`latent`) that lie on a device.
pub(crate) trait EvaluateOnDevice {
    /// The device's vectors.
    fn vectors(&self) -> Rc<Vectors>;

    /// As [`Evaluate::evaluate`], with respect to the latent variables.
    fn evaluate(&mut self, latent: &DeviceTensor, gradient: &mut DeviceTensor) -> Result<(f64, Vec<f64>)>;
}

/// Where an objective is evaluated, and so where the vectors lie.
pub(crate) enum Location<'a> {
    /// In the computer's memory.
    Host(&'a mut dyn Evaluate),
    /// On a device.
    Device(&'a mut dyn EvaluateOnDevice),
}

/// What `watch` gets after each evaluation.
pub(crate) struct Step<'a> {
    pub evaluations: usize,
    /// The lowest loss so far and its terms.
    pub loss: f64,
    pub terms: &'a [f64],
    best: &'a Vector,
    variables: &'a Variables,
}

impl Step<'_> {
    /// The picture with that loss, [3, H, W] in 0..1 (flat).
    pub fn picture(&self) -> Result<Vec<f32>> {
        self.variables.picture(self.best)
    }
}

/// A run continues while the lowest loss falls by `share` in this number of evaluations.
#[derive(Clone, Copy)]
pub(crate) struct Worthwhile {
    pub evaluations: usize,
    pub share: f64,
}

/// An evaluated point; loss and gradient as the objective gave them, not scaled.
#[derive(Clone)]
pub(super) struct Evaluated {
    pub point: Vector,
    pub loss: f64,
    /// With respect to the variables.
    pub gradient: Vector,
}

pub(super) struct Best {
    pub evaluated: Evaluated,
    pub terms: Vec<f64>,
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
    pub variables: Variables,
    /// Buffers for the latent variables and for the picture of a point.
    pub latent: Vec<f32>,
    pub picture: Vec<f32>,
    pub arena: Rc<VectorArena>,
    /// What argmin sees is scale · loss, so that the first step, which is the negative gradient, has a
    /// sensible length.
    pub scale: f64,
    /// argmin asks for cost and gradient separately, and for the gradient at the end of a line search
    /// again: the last and the best point answer for one evaluation each.
    pub recent: Option<Evaluated>,
    pub best: Option<Best>,
    pub losses: Vec<f64>,
    pub terms: Vec<Vec<f64>>,
    pub evaluating: f64,
    pub end: Option<End>,
    /// Gradients at the points that [`super::search::Search`] knows, and at the first.
    pub gradients: VecDeque<Vector>,
    pub keep: bool,
    pub state: Option<LbfgsState>,
}

/// No evaluation was done; `Evaluations::end` says why.
#[derive(Debug, thiserror::Error)]
#[error("the evaluations have ended")]
pub(super) struct Ended;

impl Evaluations<'_> {
    /// Keeps L-BFGS's state at its last point, if asked to.
    pub fn keep_state(&mut self, point: Option<Vector>) {
        let Some(point) = point.filter(|_| self.keep) else { return };
        let mut latent = Vec::new();
        match (self.variables.latent(&point, &mut latent), self.arena.pairs()) {
            (Ok(()), Ok(parts)) => {
                let mut parts = parts.into_iter();
                let pairs = std::iter::from_fn(|| Some([parts.next()?, parts.next()?])).collect();
                self.state = Some(LbfgsState { scale: self.scale, latent, pairs });
            }
            (Err(e), _) | (_, Err(e)) => tracing::warn!("L-BFGS's state is lost: {e}"),
        }
    }

    /// Loss and gradient at a point, evaluated before or now.
    pub fn loss_and_gradient(&mut self, point: &Vector) -> std::result::Result<Evaluated, Ended> {
        if let Some(recent) = &self.recent
            && recent.point.is_same(point)
        {
            return Ok(recent.clone());
        }
        if let Some(best) = &self.best
            && best.evaluated.point.is_same(point)
        {
            return Ok(best.evaluated.clone());
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

    fn evaluate(&mut self, point: &Vector) -> std::result::Result<Evaluated, Ended> {
        // The last gradient is not needed any more, and its buffer is.
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
        let evaluated = Evaluated {
            point: point.clone(),
            loss,
            gradient: Vector::from_base(self.arena.materialised(gradient)),
        };
        if loss.is_finite() && self.best.as_ref().is_none_or(|b| loss < b.evaluated.loss) {
            self.best = Some(Best { evaluated: evaluated.clone(), terms: terms.clone() });
        }
        self.losses.push(loss);
        self.terms.push(terms);
        self.recent = Some(evaluated.clone());
        if let Some(best) = &self.best {
            let step = Step {
                evaluations: self.losses.len(),
                loss: best.evaluated.loss,
                terms: &best.terms,
                best: &best.evaluated.point,
                variables: &self.variables,
            };
            if !(self.watch)(&step) {
                self.end = Some(End::Stopped);
            }
        }
        Ok(evaluated)
    }

    /// Loss, terms, and the gradient with respect to the variables.
    fn compute(&mut self, point: &Vector) -> Result<(f64, Vec<f64>, Stored)> {
        match &mut self.objective {
            Location::Host(objective) => {
                let threads = self.arena.threads();
                self.variables.latent(point, &mut self.latent)?;
                threads.run(|| latent::to_pixels(&self.latent, &mut self.picture));
                let mut gradient = self.arena.alloc(self.latent.len());
                let begun = Instant::now();
                let evaluated = objective.evaluate(&self.picture, &mut gradient);
                self.evaluating += begun.elapsed().as_secs_f64();
                let (loss, terms) = evaluated?;
                threads.run(|| latent::chain(&self.latent, &mut gradient));
                self.variables.chain(&mut gradient);
                Ok((loss, terms, Stored::Full(gradient)))
            }
            Location::Device(objective) => {
                let vectors = objective.vectors();
                let latent = self.variables.latent_on_device(point, &vectors)?;
                let mut gradient = vectors.alloc()?;
                let begun = Instant::now();
                let evaluated = objective.evaluate(&latent, &mut gradient);
                self.evaluating += begun.elapsed().as_secs_f64();
                let (loss, terms) = evaluated?;
                let gradient = self.variables.chain_on_device(&gradient, &vectors)?;
                Ok((loss, terms, Stored::OnDevice(gradient)))
            }
        }
    }
}
