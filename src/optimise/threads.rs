//! The threads that share the passes over vectors and pixels. A job itself runs on its caller's thread and only waits
//! here for its own passes, so jobs on one engine do not wait for each other's end, and a callback may start a job.

use std::sync::Arc;

use crate::error::{Error, Result};

/// A pool of threads. Clones share it.
#[derive(Clone)]
pub(crate) struct Threads(Arc<rayon::ThreadPool>);

impl Threads {
    /// Starts `count` threads; 0 stands for one per core.
    pub fn new(count: usize) -> Result<Self> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(count)
            .thread_name(|i| format!("impasto-{i}"))
            .build()
            .map_err(|e| Error::Runtime(format!("the threads cannot be started: {e}")))?;
        Ok(Threads(Arc::new(pool)))
    }

    /// Runs one pass, whose parallel loops are shared among these threads. A pass calls nothing of the host's.
    pub fn run<T: Send>(&self, pass: impl FnOnce() -> T + Send) -> T {
        self.0.install(pass)
    }
}
