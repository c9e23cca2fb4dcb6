//! Minimises an objective over a picture with argmin's L-BFGS (Liu and Nocedal 1989). What the objective
//! is, and how it is computed, is a trait's business.

mod bounded;
mod driver;
mod search;
mod stored;
mod vector;

pub(crate) use bounded::free_exactly;
pub(crate) use driver::{
    Evaluate, EvaluateThere, HISTORY, Memory, Options, Outcome, Place, Start, Step, Worthwhile, minimise,
    vectors, vectors_there,
};
