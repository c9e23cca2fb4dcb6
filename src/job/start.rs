//! The picture that the optimisation starts from.

use ndarray::Array3;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_distr::{Distribution, Normal};

use crate::error::{Error, Result};

/// Noise around middle grey, [3, H, W], from a seed.
pub(crate) fn noise(height: usize, width: usize, seed: u64) -> Result<Array3<f32>> {
    let mut random = StdRng::seed_from_u64(seed);
    let normal = Normal::new(0.5f32, 0.15).map_err(|e| Error::Parameters(e.to_string()))?;
    Ok(Array3::from_shape_simple_fn((3, height, width), || normal.sample(&mut random).clamp(0.0, 1.0)))
}
