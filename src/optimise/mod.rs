//! Minimises an objective over a picture with argmin's L-BFGS (Liu and Nocedal 1989). What the objective
//! is, and how it is computed, is a trait's business.

mod arena;
mod driver;
mod evaluations;
mod latent;
mod lbfgs;
mod preconditioner;
mod search;
mod stored;
mod threads;
mod variables;
mod vector;
mod warm_start;

pub(crate) use driver::{HISTORY, Options, Outcome, device_vectors, minimise, vectors};
pub(crate) use evaluations::{Evaluate, EvaluateOnDevice, Location, Step, Worthwhile};
pub(crate) use latent::from_pixels_exactly;
#[cfg(feature = "benchmarks")]
pub(crate) use latent::{chain, to_pixels};
#[cfg(feature = "benchmarks")]
pub(crate) use preconditioner::Preconditioner;
#[cfg(feature = "benchmarks")]
pub(crate) use stored::{Stored, combine, dots};
pub(crate) use threads::Threads;
pub(crate) use warm_start::{LbfgsState, Start};
