//! The change of variables in front of L-BFGS. A loss of a network is flat for what is wide in a picture and steep for its details,
//! and L-BFGS needs many evaluations to learn that. So it works on variables w, and the latent variables are z = c + P·w with
//! their start c. P = I + Σₖ bₖ·Uᵏ·Dᵏ makes what is wide larger: D halves a picture, and U = 4·Dᵀ doubles it again
//! ([`impasto_onnx::vectors::preconditioner`], which is the same on a device). P is symmetric, so the gradient with respect to w is P times that
//! with respect to z. (In z it is L-BFGS with the inverse Hessian P² at the start; Nocedal and Wright, section 7.2.)

use impasto_onnx::vectors::{FILTER, LEVELS};
use rayon::prelude::*;

use super::threads::Threads;

/// The filter at its outer and its inner positions.
const OUTER: f32 = FILTER[0];
const INNER: f32 = FILTER[1];

/// P for pictures [3, H, W] of one size.
pub(crate) struct Preconditioner {
    size: [usize; 2],
}

/// A plane of values, row by row.
struct Plane {
    size: [usize; 2],
    values: Vec<f32>,
}

impl Preconditioner {
    pub fn new(size: [usize; 2]) -> Self {
        Preconditioner { size }
    }

    /// Makes values [3, H, W] P times them.
    pub fn apply(&self, values: &mut [f32], threads: &Threads) {
        let [h, w] = self.size;
        threads.run(|| {
            for plane in values.chunks_exact_mut((h * w).max(1)) {
                if let Some(wide) = wide(plane, self.size, &LEVELS) {
                    add_doubled(&wide, plane, self.size[1]);
                }
            }
        });
    }
}

/// What the levels add, at half the size: Σₖ bₖ·Uᵏ⁻¹·Dᵏ·values. None if there is no level, or too little to be halved.
fn wide(values: &[f32], size: [usize; 2], levels: &[f32]) -> Option<Plane> {
    let ([b, below @ ..], false) = (levels, size.iter().any(|side| *side < 2)) else { return None };
    let mut half = halved(values, size);
    let wider = wide(&half.values, half.size, below);
    half.values.iter_mut().for_each(|v| *v *= b);
    if let Some(wider) = wider {
        add_doubled(&wider, &mut half.values, half.size[1]);
    }
    Some(half)
}

/// D·values
fn halved(values: &[f32], [h, w]: [usize; 2]) -> Plane {
    let size = [h, w].map(|side| side.div_ceil(2));
    let mut half = vec![0.0; size[0] * size[1]];
    half.par_chunks_exact_mut(size[1]).enumerate().for_each_init(
        // One column before, and two behind.
        || vec![0.0f32; w + 3],
        |sums, (y, out)| {
            sums.fill(0.0);
            for (at, factor) in FILTER.into_iter().enumerate() {
                let Some(row) = repeated(2 * y + at, h) else { continue };
                let row = &values[row * w..][..w];
                sums[1..=w].iter_mut().zip(row).for_each(|(sum, v)| *sum += factor * v);
            }
            for column in [0, w + 1] {
                sums[column] = repeated(column, w).map_or(0.0, |inside| sums[inside + 1]);
            }
            for (out, four) in out.iter_mut().zip(sums.windows(4).step_by(2)) {
                *out = OUTER * (four[0] + four[3]) + INNER * (four[1] + four[2]);
            }
        },
    );
    Plane { size, values: half }
}

/// The row or column that counts at a place, of which 0 lies before the first: beyond the border there is its copy before the
/// first one and, if their number is even, behind the last one.
fn repeated(place: usize, side: usize) -> Option<usize> {
    match place.saturating_sub(1) {
        inside if inside < side => Some(inside),
        behind if behind == side && side.is_multiple_of(2) => Some(side - 1),
        _ => None,
    }
}

/// to += U·half, in rows of w values
fn add_doubled(half: &Plane, to: &mut [f32], w: usize) {
    let [rows, columns] = half.size;
    to.par_chunks_exact_mut(w).enumerate().for_each_init(
        // The first and the last column twice.
        || vec![0.0f32; columns + 2],
        |sums, (y, out)| {
            let [near, far] = [2.0 * INNER, 2.0 * OUTER];
            // Row y lies nearest to row y/2 of the half, then to the one before or behind.
            let nearest = y / 2;
            let next =
                if y.is_multiple_of(2) { nearest.saturating_sub(1) } else { (nearest + 1).min(rows - 1) };
            let [nearest, next] = [nearest, next].map(|row| &half.values[row * columns..][..columns]);
            for (sum, (a, b)) in sums[1..=columns].iter_mut().zip(nearest.iter().zip(next)) {
                *sum = near * a + far * b;
            }
            (sums[0], sums[columns + 1]) = (sums[1], sums[columns]);
            for (pair, three) in out.chunks_mut(2).zip(sums.windows(3)) {
                pair[0] += near * three[1] + far * three[0];
                if let Some(odd) = pair.get_mut(1) {
                    *odd += near * three[1] + far * three[2];
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(size: [usize; 2], mut values: Vec<f32>) -> Vec<f32> {
        Preconditioner::new(size).apply(&mut values, &Threads::new(2).expect("threads"));
        values
    }

    fn waves(n: usize, k: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * (2 * k + 3) + k) % 17) as f32 / 17.0 - 0.4).collect()
    }

    #[test]
    fn it_is_symmetric_and_makes_no_vector_shorter() {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        for size in [[1, 1], [1, 9], [2, 2], [3, 5], [4, 7], [33, 64], [70, 41]] {
            let n = 3 * size[0] * size[1];
            let (a, b) = (waves(n, 0), waves(n, 1));
            let (of_a, of_b) = (apply(size, a.clone()), apply(size, b.clone()));
            let (left, right) = (dot(&of_a, &b), dot(&a, &of_b));
            assert!((left - right).abs() < 1e-5 * dot(&of_a, &of_a).sqrt() * dot(&b, &b).sqrt(), "{size:?}");
            assert!(dot(&of_a, &a) >= dot(&a, &a) * 0.999, "{size:?}");
        }
    }

    #[test]
    fn what_is_wide_grows_and_details_stay() {
        let size = [128, 160];
        let value = |f: &dyn Fn(usize, usize) -> f32| {
            let plane: Vec<f32> = (0..size[0] * size[1]).map(|i| f(i / size[1], i % size[1])).collect();
            let out = apply(size, plane.repeat(3));
            let middle = 64 * size[1] + 80;
            assert!((0..3).all(|c| out[c * size[0] * size[1] + middle] == out[middle]));
            [0, 1, middle, plane.len() - 1].map(|at| out[at] / plane[at])
        };
        // A constant passes each level as it is, at the border, too.
        let all = 1.0 + LEVELS.iter().sum::<f32>();
        assert!(value(&|_, _| 1.0).iter().all(|v| (v - all).abs() < 1e-3 * all));
        // Single pixels, black and white in turn, vanish when the picture is halved.
        let [.., middle, _] = value(&|y, x| if (x + y) % 2 == 0 { 1.0 } else { -1.0 });
        assert!((middle - 1.0).abs() < 1e-5);
    }
}
