//! Whose colours a picture has: moving the mean and covariance of one picture's colours to another's, and
//! painting lightness alone.

use ndarray::{Array3, ArrayView3, Axis};

/// A picture with the mean and covariance of another's colours: the linear map of Gatys et al.,
/// "Preserving Color in Neural Artistic Style Transfer" (2016), equations 5 and 6, with symmetric square
/// roots, which change the colours least. Both are [3, ·, ·] in 0..1. What the map throws out of the range
/// comes back to `margin` inside it.
pub(crate) fn match_colour_moments(picture: &Array3<f32>, like: &Array3<f32>, margin: f64) -> Array3<f32> {
    let (from_mean, from_covariance) = statistics(picture.view());
    let (to_mean, to_covariance) = statistics(like.view());
    // The optimal transport between two normal distributions: A = C^(-½) (C^½ S C^½)^½ C^(-½).
    let root = power(&from_covariance, 0.5, SMALLEST);
    let inverse = power(&from_covariance, -0.5, SMALLEST);
    let inner = power(&product(&product(&root, &to_covariance), &root), 0.5, 0.0);
    let map = product(&product(&inverse, &inner), &inverse);
    let mut out = picture.clone();
    for mut pixels in out.lanes_mut(Axis(0)) {
        let d: [f64; 3] = std::array::from_fn(|c| pixels[c] as f64 - from_mean[c]);
        for r in 0..3 {
            let v: f64 = (0..3).map(|c| map[r][c] * d[c]).sum();
            pixels[r] = (v + to_mean[r]).clamp(margin, 1.0 - margin) as f32;
        }
    }
    out
}

/// A picture with the histogram of another in each colour channel: a value becomes the one that as large a share of
/// the other picture lies below.
pub(crate) fn with_histogram_of(picture: &Array3<f32>, like: &Array3<f32>) -> Array3<f32> {
    let mut out = picture.clone();
    for (mut channel, like) in out.axis_iter_mut(Axis(0)).zip(like.axis_iter(Axis(0))) {
        let mut wanted: Vec<f32> = like.iter().copied().collect();
        wanted.sort_by(f32::total_cmp);
        let mut own: Vec<f32> = channel.iter().copied().collect();
        own.sort_by(f32::total_cmp);
        let (last, count) = (wanted.len() - 1, own.len() as f64);
        channel.mapv_inplace(|v| {
            // The middle of all that have the same value.
            let below = own.partition_point(|o| *o < v);
            let until = own.partition_point(|o| *o <= v);
            let rank = (below + until) as f64 / 2.0 / count;
            let at = (rank * (last + 1) as f64 - 0.5).clamp(0.0, last as f64);
            let (low, part) = (at as usize, at.fract() as f32);
            wanted[low] + part * (wanted[(low + 1).min(last)] - wanted[low])
        });
    }
    out
}

/// `share` of the way from one picture to another of the same size.
pub(crate) fn between(from: Array3<f32>, to: &Array3<f32>, share: f64) -> Array3<f32> {
    let (mut out, share) = (from, share as f32);
    out.zip_mut_with(to, |from, to| *from += share * (to - *from));
    out
}

/// Rec. 601 luma of sRGB-encoded values, the Y of YIQ.
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

fn luma(pixel: [f32; 3]) -> f32 {
    pixel.iter().zip(LUMA).map(|(v, w)| v * w).sum()
}

/// The picture in grey: its luma in all three channels.
pub(crate) fn grey(picture: &Array3<f32>) -> Array3<f32> {
    let mut out = picture.clone();
    for mut pixel in out.lanes_mut(Axis(0)) {
        let y = luma([pixel[0], pixel[1], pixel[2]]);
        pixel.fill(y);
    }
    out
}

/// The luma of `lightness` with the colours of `colours` (I and Q of YIQ). Colours that the new luma leaves
/// no room for come nearer to grey, so that the luma is kept.
pub(crate) fn with_colours_of(lightness: &Array3<f32>, colours: &Array3<f32>) -> Array3<f32> {
    let mut out = lightness.clone();
    for (mut pixel, colour) in out.lanes_mut(Axis(0)).into_iter().zip(colours.lanes(Axis(0))) {
        let y = luma([pixel[0], pixel[1], pixel[2]]);
        let colour = [colour[0], colour[1], colour[2]];
        let chroma = colour.map(|v| v - luma(colour));
        let room = chroma.iter().fold(1.0f32, |room, &c| match c {
            c if y + c > 1.0 => room.min((1.0 - y) / c),
            c if y + c < 0.0 => room.min(-y / c),
            _ => room,
        });
        for (value, c) in pixel.iter_mut().zip(chroma) {
            *value = (y + room * c).clamp(0.0, 1.0);
        }
    }
    out
}

type Matrix = [[f64; 3]; 3];

fn statistics(picture: ArrayView3<f32>) -> ([f64; 3], Matrix) {
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
        let (mean, covariance) = statistics(match_colour_moments(&content, &style, 0.04).view());
        let (want_mean, want_covariance) = statistics(style.view());
        for r in 0..3 {
            assert!((mean[r] - want_mean[r]).abs() < 2e-3, "{mean:?} {want_mean:?}");
            for c in 0..3 {
                assert!((covariance[r][c] - want_covariance[r][c]).abs() < 2e-3);
            }
        }
    }

    #[test]
    fn a_histogram_is_that_of_the_other_picture_whatever_the_sizes() {
        let of = |h: usize, w: usize, f: fn(f32) -> f32| {
            Array3::from_shape_fn((3, h, w), |(c, y, x)| f(((c * 31 + y * 17 + x * 7) % 101) as f32 / 100.0))
        };
        let (picture, like) = (of(40, 50, |v| 0.3 + 0.2 * v), of(33, 61, |v| v * v));
        let out = with_histogram_of(&picture, &like);
        let sorted = |p: &Array3<f32>, c: usize| {
            let mut v: Vec<f32> = p.index_axis(Axis(0), c).iter().copied().collect();
            v.sort_by(f32::total_cmp);
            v
        };
        for c in 0..3 {
            let (is, wanted) = (sorted(&out, c), sorted(&like, c));
            for share in [0.1, 0.25, 0.5, 0.75, 0.9] {
                let at = |v: &[f32]| v[(share * v.len() as f64) as usize];
                assert!((at(&is) - at(&wanted)).abs() < 0.03, "{share}: {} {}", at(&is), at(&wanted));
            }
        }
        // The order of values stays.
        assert!(out[[0, 0, 0]] < out[[0, 0, 5]] && picture[[0, 0, 0]] < picture[[0, 0, 5]]);
        assert!((&with_histogram_of(&like, &like) - &like).iter().all(|d| d.abs() < 1e-5));
    }

    #[test]
    fn lightness_and_colours_come_from_where_they_should() {
        let picture = |seed: f32| {
            Array3::from_shape_fn((3, 20, 30), move |(c, y, x)| {
                0.5 + 0.5 * (seed * (x + 2 * y) as f32 + c as f32 * 1.7 * seed).sin()
            })
        };
        let (lightness, colours) = (picture(0.37), picture(0.81));
        let out = with_colours_of(&lightness, &colours);
        for ((o, l), c) in
            out.lanes(Axis(0)).into_iter().zip(lightness.lanes(Axis(0))).zip(colours.lanes(Axis(0)))
        {
            let y = |p: ndarray::ArrayView1<f32>| luma([p[0], p[1], p[2]]);
            assert!((y(o) - y(l)).abs() < 1e-5);
            // The chroma points the same way as that of the colours.
            let of = |p: ndarray::ArrayView1<f32>| [p[0] - y(p), p[1] - y(p), p[2] - y(p)];
            let (a, b) = (of(o), of(c));
            for (i, j) in [(0, 1), (1, 2)] {
                assert!((a[i] * b[j] - a[j] * b[i]).abs() < 1e-5);
            }
        }
    }
}
