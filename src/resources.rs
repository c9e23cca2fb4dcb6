//! What jobs compute with.

use impasto_onnx::Model;

use crate::objective::target_cache::TargetCache;
use crate::optimise::Threads;
use crate::runtime::{Backend, SessionCache};

/// A model on a device, and what is kept from one job for the next.
pub(crate) struct Resources {
    pub model: Model,
    pub backend: Backend,
    /// The most bytes that a job may need; None for most of what is free.
    pub budget: Option<u64>,
    pub threads: Threads,
    pub sessions: SessionCache,
    pub targets: TargetCache,
}
