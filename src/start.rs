//! The picture that the optimisation starts from.

use ndarray::{Array3, Axis};
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

/// The content picture with the mean and covariance of the style picture's colours: the linear map of
/// Gatys et al., "Preserving Color in Neural Artistic Style Transfer" (2016), equations 5 and 6, with
/// symmetric square roots, which change the colours least. Both are [3, ·, ·] in 0..1. What the map
/// throws out of the range comes back to just inside it: a pixel at the very bound hardly moves any more.
pub(crate) fn recoloured(content: &Array3<f32>, style: &Array3<f32>) -> Array3<f32> {
    let (content_mean, content_covariance) = statistics(content);
    let (style_mean, style_covariance) = statistics(style);
    // The optimal transport between two normal distributions: A = C^(-½) (C^½ S C^½)^½ C^(-½).
    let root = power(&content_covariance, 0.5, SMALLEST);
    let inverse = power(&content_covariance, -0.5, SMALLEST);
    let inner = power(&product(&product(&root, &style_covariance), &root), 0.5, 0.0);
    let map = product(&product(&inverse, &inner), &inverse);
    let mut out = content.clone();
    for mut pixels in out.lanes_mut(Axis(0)) {
        let d: [f64; 3] = std::array::from_fn(|c| pixels[c] as f64 - content_mean[c]);
        for r in 0..3 {
            let v: f64 = (0..3).map(|c| map[r][c] * d[c]).sum();
            pixels[r] = (v + style_mean[r]).clamp(INSIDE, 1.0 - INSIDE) as f32;
        }
    }
    out
}

const INSIDE: f64 = 0.04;

type Matrix = [[f64; 3]; 3];

fn statistics(picture: &Array3<f32>) -> ([f64; 3], Matrix) {
    let count = (picture.dim().1 * picture.dim().2) as f64;
    let mut mean = [0.0; 3];
    let mut square = [[0.0; 3]; 3];
    for pixel in picture.lanes(Axis(0)) {
        for r in 0..3 {
            mean[r] += pixel[r] as f64 / count;
            for c in 0..3 {
                square[r][c] += pixel[r] as f64 * pixel[c] as f64 / count;
            }
        }
    }
    let covariance = std::array::from_fn(|r| std::array::from_fn(|c| square[r][c] - mean[r] * mean[c]));
    (mean, covariance)
}

fn product(a: &Matrix, b: &Matrix) -> Matrix {
    std::array::from_fn(|r| std::array::from_fn(|c| (0..3).map(|k| a[r][k] * b[k][c]).sum()))
}

/// Variances of the content's colours below this count as this, so that the inverse of a grey picture's
/// covariance does not blow up noise.
const SMALLEST: f64 = 1e-4;

/// A power of a symmetric positive semidefinite matrix, by Jacobi's rotations, with eigenvalues of at least
/// `least`.
fn power(matrix: &Matrix, exponent: f64, least: f64) -> Matrix {
    let mut a = *matrix;
    let mut v: Matrix = std::array::from_fn(|r| std::array::from_fn(|c| (r == c) as u8 as f64));
    for _ in 0..24 {
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            if a[p][q].abs() < 1e-15 {
                continue;
            }
            let theta = 0.5 * (2.0 * a[p][q]).atan2(a[q][q] - a[p][p]);
            let (sin, cos) = theta.sin_cos();
            let mut turn: Matrix = std::array::from_fn(|r| std::array::from_fn(|c| (r == c) as u8 as f64));
            (turn[p][p], turn[q][q], turn[p][q], turn[q][p]) = (cos, cos, sin, -sin);
            let transposed = std::array::from_fn(|r| std::array::from_fn(|c| turn[c][r]));
            a = product(&product(&transposed, &a), &turn);
            v = product(&v, &turn);
        }
    }
    let scaled: [f64; 3] = std::array::from_fn(|i| a[i][i].max(least).powf(exponent));
    std::array::from_fn(|r| std::array::from_fn(|c| (0..3).map(|k| v[r][k] * scaled[k] * v[c][k]).sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_multiply() {
        let m = [[0.05, 0.02, 0.01], [0.02, 0.04, -0.01], [0.01, -0.01, 0.03]];
        let (root, inverse) = (power(&m, 0.5, SMALLEST), power(&m, -0.5, SMALLEST));
        let (square, one) = (product(&root, &root), product(&root, &inverse));
        for r in 0..3 {
            for c in 0..3 {
                assert!((square[r][c] - m[r][c]).abs() < 1e-12);
                assert!((one[r][c] - (r == c) as u8 as f64).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn recoloured_has_the_styles_colours() {
        let wave = |a: f32, b: f32| {
            Array3::from_shape_fn((3, 40, 50), move |(c, y, x)| {
                0.5 + a * ((x as f32) * 0.3 + c as f32).sin() + b * ((y as f32) * 0.2).cos()
            })
        };
        let (content, style) = (wave(0.1, 0.05), wave(0.06, 0.05));
        let (mean, covariance) = statistics(&recoloured(&content, &style));
        let (want_mean, want_covariance) = statistics(&style);
        for r in 0..3 {
            assert!((mean[r] - want_mean[r]).abs() < 2e-3, "{mean:?} {want_mean:?}");
            for c in 0..3 {
                assert!((covariance[r][c] - want_covariance[r][c]).abs() < 2e-3);
            }
        }
    }
}
