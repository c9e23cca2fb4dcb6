//! Ends the run of a graph from another thread.

use std::sync::Arc;

use ort::session::RunOptions;

use crate::error::{Error, Result};

/// What runs are given so that they can be ended. Clones end the same runs.
#[derive(Clone)]
pub(crate) struct Stop(Arc<RunOptions>);

impl Stop {
    pub fn new() -> Result<Self> {
        let options = RunOptions::new().map_err(|e| Error::Runtime(e.message().to_string()))?;
        Ok(Stop(Arc::new(options)))
    }

    /// Ends the run that is under way, and those that begin later.
    pub fn terminate(&self) {
        if let Err(e) = self.0.terminate() {
            tracing::debug!("a run could not be ended early: {e}");
        }
    }

    pub(super) fn options(&self) -> &Arc<RunOptions> {
        &self.0
    }
}
