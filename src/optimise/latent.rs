//! The box 0 ≤ x ≤ 1 as part of the problem: pixels are a smooth function of latent variables,
//! x = (1 + sin z)/2, so that every point that the optimiser can reach is a picture that can be saved.
//!
//! A hyperbolic tangent would do that too, but it is all but flat near black and white, where photographs
//! have many pixels: with it a night sky stays black. The sine's derivative falls only as the square root of
//! the distance to the bound, and black itself is reached at a finite z.

use rayon::prelude::*;
use wide::f32x8;

/// How close to black and white a start may be. At the bound itself the derivative is zero and a pixel could
/// never move again; a third of an 8-bit step is not seen.
const MARGIN: f32 = 1.0 / 768.0;
/// Values that are worked on by one thread at a time.
pub(super) const PART: usize = 1 << 14;

/// The pixels of latent variables.
pub(crate) fn to_pixels(latent: &[f32], pixels: &mut [f32]) {
    by_lanes(latent, pixels, |z, _| pixel(z));
}

/// Makes latent variables their pixels.
pub(super) fn become_pixels(values: &mut [f32]) {
    values.par_chunks_mut(PART).for_each(|values| {
        for values in values.chunks_mut(8) {
            let mut z = [0.0f32; 8];
            z[..values.len()].copy_from_slice(values);
            values.copy_from_slice(&pixel(f32x8::from(z)).to_array()[..values.len()]);
        }
    });
}

fn pixel(z: f32x8) -> f32x8 {
    let half = f32x8::splat(0.5);
    (half + half * z.sin()).max(f32x8::ZERO).min(f32x8::ONE)
}

/// Makes the gradient with respect to pixels one with respect to the latent variables: times dx/dz.
pub(crate) fn chain(latent: &[f32], gradient: &mut [f32]) {
    let half = f32x8::splat(0.5);
    by_lanes(latent, gradient, |z, g| g * half * z.cos());
}

/// to = f(from, to), on all cores.
fn by_lanes(from: &[f32], to: &mut [f32], f: impl Fn(f32x8, f32x8) -> f32x8 + Sync) {
    from.par_chunks(PART).zip(to.par_chunks_mut(PART)).for_each(|(from, to)| {
        for (from, to) in from.chunks(8).zip(to.chunks_mut(8)) {
            let (mut x, mut y) = ([0.0f32; 8], [0.0f32; 8]);
            x[..from.len()].copy_from_slice(from);
            y[..to.len()].copy_from_slice(to);
            to.copy_from_slice(&f(f32x8::from(x), f32x8::from(y)).to_array()[..to.len()]);
        }
    });
}

/// The latent variable of a pixel, in -π/2..π/2.
pub(super) fn from_pixel(x: f32) -> f32 {
    (2.0 * x.clamp(MARGIN, 1.0 - MARGIN) - 1.0).asin()
}

/// The latent variables of finished pixels, at the bounds too: for an evaluation, not for a start (the derivative is 0 there).
pub(crate) fn from_pixels_exactly(pixels: &[f32]) -> Vec<f32> {
    pixels.iter().map(|x| (2.0 * x.clamp(0.0, 1.0) - 1.0).asin()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pixel of a latent variable and its derivative, as one of thirteen.
    fn pixel_and_derivative(z: f32) -> (f32, f32) {
        let (mut x, mut derivative) = ([0.0; 13], [1.0; 13]);
        to_pixels(&[z; 13], &mut x);
        chain(&[z; 13], &mut derivative);
        let mut same = [z; 13];
        become_pixels(&mut same);
        assert_eq!(same, x);
        assert!(x.iter().all(|&v| v == x[0]) && derivative.iter().all(|&v| v == derivative[0]));
        (x[0], derivative[0])
    }

    #[test]
    fn pixels_survive_the_way_there_and_back() {
        for value in 0..=255u32 {
            let x = value as f32 / 255.0;
            assert_eq!((pixel_and_derivative(from_pixel(x)).0 * 255.0).round() as u32, value);
        }
    }

    #[test]
    fn the_slope_is_the_derivative() {
        for z in [-40.0f32, -2.0, -0.3, 0.0, 0.7, 1.9, 123.4] {
            let (x, derivative) = pixel_and_derivative(z);
            assert!((x as f64 - (0.5 + 0.5 * (z as f64).sin())).abs() < 1e-6, "{z}");
            assert!((derivative as f64 - 0.5 * (z as f64).cos()).abs() < 1e-6, "{z}");
            assert!((0.0..=1.0).contains(&x));
        }
    }
}
