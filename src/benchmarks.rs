//! Doors to hot loops that are not public, for `benches/`. Only with the feature `benchmarks`; not a part of the library's
//! interface.

use half::bf16;
use ndarray::Array3;

use crate::optimise::{Preconditioner, Stored, Threads, chain, combine, dots, to_pixels};
use crate::picture::colours;

/// The vectors of an L-BFGS step in the computer's memory.
pub struct Step {
    pairs: Vec<Stored>,
    gradient: Stored,
}

impl Step {
    /// `pairs` pairs of differences, in half precision, and a gradient, each of `len` values.
    pub fn new(len: usize, pairs: usize) -> Self {
        let wave = |at: usize| (0..len).map(move |n| ((n * (at + 3)) % 101) as f32 / 101.0 - 0.5);
        let pair = |at| Stored::Half(wave(at).map(bf16::from_f32).collect());
        Step { pairs: (0..2 * pairs).map(pair).collect(), gradient: Stored::Full(wave(1).collect()) }
    }

    /// The direction: a sum of all vectors.
    pub fn combine(&self, out: &mut [f32]) {
        let mut terms: Vec<(f64, &Stored)> = self.pairs.iter().map(|pair| (0.1, pair)).collect();
        terms.push((-1.0, &self.gradient));
        combine(&terms, out);
    }

    /// The dots of the gradient with all pairs.
    pub fn dots(&self) -> Vec<f64> {
        dots(&[&self.gradient], &self.pairs.iter().collect::<Vec<_>>())
    }
}

/// Pixels from latent variables, and the gradient with respect to these from that of the pixels.
pub fn latent(variables: &[f32], out: &mut [f32]) {
    to_pixels(variables, out);
    chain(variables, out);
}

/// The change of variables, before and after each evaluation.
pub struct Variables {
    preconditioner: Preconditioner,
    threads: Threads,
}

impl Variables {
    /// Those of pictures of the size [H, W], with a thread per core.
    pub fn new(size: [usize; 2]) -> crate::Result<Self> {
        Ok(Variables { preconditioner: Preconditioner::new(size), threads: Threads::new(0)? })
    }

    /// Applies it to values [3, H, W].
    pub fn apply(&self, values: &mut [f32]) {
        self.preconditioner.apply(values, &self.threads);
    }
}

/// A picture [3, H, W] with the mean and covariance of another's colours.
pub fn match_colour_moments(picture: &Array3<f32>, like: &Array3<f32>) -> Array3<f32> {
    colours::match_colour_moments(picture, like, 0.0)
}
