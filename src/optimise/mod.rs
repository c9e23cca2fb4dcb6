//! Minimises an objective over a picture with argmin's L-BFGS (Liu and Nocedal 1989). What the objective
//! is, and how it is computed, is a trait's business.

mod bounded;
mod driver;
mod evaluations;
mod going_on;
mod search;
mod space;
mod stored;
mod threads;
mod vector;

pub(crate) use bounded::free_exactly;
pub(crate) use driver::{HISTORY, Options, Outcome, minimise, vectors, vectors_there};
pub(crate) use evaluations::{Evaluate, EvaluateThere, Place, Step, Worthwhile};
pub(crate) use going_on::{Memory, Start};
pub(crate) use threads::Threads;
