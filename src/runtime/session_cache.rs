//! Graphs that stay loaded from one job to the next: loading one of a small picture takes as long as many evaluations.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard};

use super::device::{Backend, Device};
use super::session::Session;
use crate::error::Result;

/// Sessions without a job. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct SessionCache(Arc<Mutex<Vec<(u64, Session)>>>);

impl SessionCache {
    /// How many are kept: those of a job with four levels.
    const MOST: usize = 8;
    /// The most pixels of a graph's picture that it is kept for: the memory of larger ones is worth more than the time.
    const MOST_PIXELS: usize = 256 * 256;
    /// The most bytes of a graph that is kept. Those of VGG19 have 50 MB, and each session with one takes 200.
    const MOST_BYTES: usize = 16 << 20;

    /// A session with this graph, for pictures of `pixels` pixels: a cached one, or one that is loaded now.
    pub fn session(&self, graph: &[u8], backend: &Backend, pixels: usize) -> Result<Lease> {
        let is_small = pixels <= Self::MOST_PIXELS && graph.len() <= Self::MOST_BYTES;
        if !is_small || backend.device != Device::Cpu {
            return Session::new(graph, backend).map(Lease::from);
        }
        let mut hash = DefaultHasher::new();
        (graph, backend.threads, backend.tf32).hash(&mut hash);
        let key = hash.finish();
        let mut idle = self.idle();
        let known = idle.iter().position(|(known, _)| *known == key).map(|at| idle.remove(at).1);
        drop(idle);
        let session = match known {
            Some(session) => session,
            None => Session::new(graph, backend)?,
        };
        Ok(Lease { session: Some(session), key, cache: Some(self.clone()) })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(u64, Session)>> {
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// A session that goes back to its cache when it is dropped.
pub struct Lease {
    /// There until it is dropped.
    session: Option<Session>,
    key: u64,
    cache: Option<SessionCache>,
}

impl From<Session> for Lease {
    /// A session that is dropped with this.
    fn from(session: Session) -> Self {
        Lease { session: Some(session), key: 0, cache: None }
    }
}

impl Deref for Lease {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.session.as_ref().unwrap_or_else(|| unreachable!("only drop takes it"))
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Session {
        self.session.as_mut().unwrap_or_else(|| unreachable!("only drop takes it"))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let (Some(cache), Some(session)) = (&self.cache, self.session.take()) {
            let mut idle = cache.idle();
            idle.push((self.key, session));
            if idle.len() > SessionCache::MOST {
                idle.remove(0);
            }
        }
    }
}
