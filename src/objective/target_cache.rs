//! The targets of earlier jobs.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard};

use impasto_onnx::ObjectiveSpec;

use super::inputs::StyleTarget;

/// The statistics of the style pictures that were used last: the next picture of a batch, and the next draft in an editor, have
/// the same style.
#[derive(Default)]
pub(crate) struct TargetCache(Mutex<VecDeque<(u64, Vec<Vec<f32>>)>>);

impl TargetCache {
    /// How many are kept: the levels of a job with two styles.
    const MOST: usize = 8;

    /// What statistics depend on, as a hash.
    pub fn key(spec: &ObjectiveSpec, style: &StyleTarget, tile: Option<usize>) -> u64 {
        let mut hash = DefaultHasher::new();
        (&spec.style, format!("{:?} {:?} {:?}", spec.style_loss, spec.pooling, spec.padding), tile)
            .hash(&mut hash);
        style.rgb.dim().hash(&mut hash);
        for value in style.rgb.iter().chain(style.mask.iter().flatten()) {
            hash.write_u32(value.to_bits());
        }
        style.mask.is_some().hash(&mut hash);
        hash.finish()
    }

    pub fn get(&self, key: u64) -> Option<Vec<Vec<f32>>> {
        self.all().iter().find(|(known, _)| *known == key).map(|(_, statistics)| statistics.clone())
    }

    pub fn keep(&self, key: u64, statistics: &[Vec<f32>]) {
        let mut all = self.all();
        all.push_back((key, statistics.to_vec()));
        if all.len() > Self::MOST {
            all.pop_front();
        }
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<(u64, Vec<Vec<f32>>)>> {
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }
}
