//! Minimises an objective over a picture with argmin's L-BFGS (Liu and Nocedal 1989). What the objective
//! is, and how it is computed, is a trait's business.

mod bounded;
mod driver;
mod search;
mod stored;
mod vector;

pub(crate) use driver::{Evaluate, HISTORY, Options, Outcome, Step, Worthwhile, minimise, vectors};
