//! The box 0 ≤ x ≤ 1 as part of the problem: pixels are a smooth function of free variables,
//! x = (1 + sin z)/2, so that every point that the optimiser can reach is a picture that can be saved.
//!
//! A hyperbolic tangent would do that too, but it is all but flat near black and white, where photographs
//! have many pixels: with it a night sky stays black. The sine's slope falls only as the square root of
//! the distance to the bound, and black itself is reached at a finite z.

/// How close to black and white a start may be. At the bound itself the slope is zero and a pixel could
/// never move again; a third of an 8-bit step is not seen.
const MARGIN: f32 = 1.0 / 768.0;

/// The pixel of a free variable.
pub(super) fn pixel(z: f32) -> f32 {
    0.5 + 0.5 * z.sin()
}

/// The free variable of a pixel, in -π/2..π/2.
pub(super) fn free(x: f32) -> f32 {
    (2.0 * x.clamp(MARGIN, 1.0 - MARGIN) - 1.0).asin()
}

/// dx/dz.
pub(super) fn slope(z: f32) -> f32 {
    0.5 * z.cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_survive_the_way_there_and_back() {
        for value in 0..=255u32 {
            let x = value as f32 / 255.0;
            assert_eq!((pixel(free(x)) * 255.0).round() as u32, value);
        }
    }

    #[test]
    fn the_slope_is_the_derivative() {
        for z in [-2.0f32, -0.3, 0.0, 0.7, 1.9] {
            let h = 1e-3;
            let numeric = (pixel(z + h) as f64 - pixel(z - h) as f64) / (2.0 * h as f64);
            assert!((numeric - slope(z) as f64).abs() < 1e-4, "{z}");
        }
    }
}
