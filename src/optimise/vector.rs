//! The vector that L-BFGS works on. argmin writes x − a·y as a product and a difference; a scale factor
//! that is applied when the values are read makes that one pass over the memory, and sharing makes copies
//! free. Dots add up in double precision, over parts of a fixed size in a fixed order, so that their value
//! does not depend on the number of threads.

use std::cell::RefCell;
use std::sync::Arc;

use argmin_math::{
    ArgminAdd, ArgminDot, ArgminL1Norm, ArgminL2Norm, ArgminMinMax, ArgminMul, ArgminScaledAdd, ArgminSignum,
    ArgminSub, ArgminZeroLike,
};
use rayon::prelude::*;

const PART: usize = 1 << 15;

thread_local! {
    /// Memory of vectors that are gone, for the next ones: fresh memory of this size comes from the system a page
    /// at a time, which takes longer than the sum that is written into it.
    static SPARE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}
/// How many are kept.
pub(crate) const SPARES: usize = 2;

/// Keeps the memory of vectors for the next ones while it lives, on its thread.
pub(crate) struct Recycling;

impl Drop for Recycling {
    fn drop(&mut self) {
        SPARE.with_borrow_mut(Vec::clear);
    }
}

/// Memory for so many values, which have any values.
pub(crate) fn room(len: usize) -> Vec<f32> {
    let spare = SPARE.with_borrow_mut(|spare| {
        spare.retain(|v| v.len() == len);
        spare.pop()
    });
    spare.unwrap_or_else(|| vec![0.0; len])
}

#[derive(Debug)]
struct Values(Vec<f32>);

impl Drop for Values {
    fn drop(&mut self) {
        let values = std::mem::take(&mut self.0);
        // While the thread ends there is no place for them any more.
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < SPARES {
                spare.push(values);
            }
        });
    }
}

/// scale · values
#[derive(Clone, Debug)]
pub(crate) struct Vector {
    values: Arc<Values>,
    scale: f64,
}

impl Vector {
    pub fn new(values: Vec<f32>) -> Self {
        Vector { values: Arc::new(Values(values)), scale: 1.0 }
    }

    pub fn len(&self) -> usize {
        self.values.0.len()
    }

    /// The values, written into `out`, each through `f`.
    pub fn map_into(&self, out: &mut [f32], f: impl Fn(f32) -> f32 + Sync) {
        let scale = self.scale as f32;
        out.par_chunks_mut(PART).zip(self.values.0.par_chunks(PART)).for_each(|(out, values)| {
            for (o, v) in out.iter_mut().zip(values) {
                *o = f(scale * v);
            }
        });
    }

    /// The values, through a function of a slice that fills two.
    pub fn read_into(&self, a: &mut [f32], b: &mut [f32], f: impl Fn(&[f32], &mut [f32], &mut [f32]) + Sync) {
        let scale = self.scale as f32;
        let out = a.par_chunks_mut(PART).zip(b.par_chunks_mut(PART));
        out.zip(self.values.0.par_chunks(PART)).for_each(|((a, b), values)| {
            if scale == 1.0 {
                return f(values, a, b);
            }
            let scaled: Vec<f32> = values.iter().map(|v| scale * v).collect();
            f(&scaled, a, b);
        });
    }

    /// Whether both are the same values in the same place: a cheap test that misses equal copies.
    pub fn is(&self, other: &Vector) -> bool {
        Arc::ptr_eq(&self.values, &other.values) && self.scale == other.scale
    }

    fn combine(&self, other: &Vector, f: impl Fn(f32, f32) -> f32 + Sync) -> Vector {
        let (a, b) = (self.scale as f32, other.scale as f32);
        let mut out = room(self.len());
        out.par_chunks_mut(PART)
            .zip(self.values.0.par_chunks(PART).zip(other.values.0.par_chunks(PART)))
            .for_each(|(out, (x, y))| {
                for ((o, x), y) in out.iter_mut().zip(x).zip(y) {
                    *o = f(a * x, b * y);
                }
            });
        Vector::new(out)
    }

    fn map(&self, f: impl Fn(f32) -> f32 + Sync) -> Vector {
        let mut out = room(self.len());
        self.map_into(&mut out, f);
        Vector::new(out)
    }

    fn sum(&self, other: &Vector, f: impl Fn(f32, f32) -> f64 + Sync) -> f64 {
        let parts: Vec<f64> = self
            .values
            .0
            .par_chunks(PART)
            .zip(other.values.0.par_chunks(PART))
            .map(|(x, y)| {
                // Several sums side by side, which the processor adds up at once.
                let mut lanes = [0.0f64; 16];
                for (x, y) in x.chunks(lanes.len()).zip(y.chunks(lanes.len())) {
                    for ((lane, &x), &y) in lanes.iter_mut().zip(x).zip(y) {
                        *lane += f(x, y);
                    }
                }
                lanes.iter().sum()
            })
            .collect();
        parts.iter().sum()
    }
}

impl ArgminDot<Vector, f64> for Vector {
    fn dot(&self, other: &Vector) -> f64 {
        self.scale * other.scale * self.sum(other, |x, y| x as f64 * y as f64)
    }
}

impl ArgminL2Norm<f64> for Vector {
    fn l2_norm(&self) -> f64 {
        self.dot(self).sqrt()
    }
}

impl ArgminL1Norm<f64> for Vector {
    fn l1_norm(&self) -> f64 {
        self.scale.abs() * self.sum(self, |x, _| x.abs() as f64)
    }
}

impl ArgminAdd<Vector, Vector> for Vector {
    fn add(&self, other: &Vector) -> Vector {
        self.combine(other, |x, y| x + y)
    }
}

impl ArgminSub<Vector, Vector> for Vector {
    fn sub(&self, other: &Vector) -> Vector {
        self.combine(other, |x, y| x - y)
    }
}

impl ArgminMul<Vector, Vector> for Vector {
    fn mul(&self, other: &Vector) -> Vector {
        self.combine(other, |x, y| x * y)
    }
}

impl ArgminMul<f64, Vector> for Vector {
    fn mul(&self, other: &f64) -> Vector {
        Vector { values: Arc::clone(&self.values), scale: self.scale * other }
    }
}

impl ArgminAdd<f64, Vector> for Vector {
    fn add(&self, other: &f64) -> Vector {
        self.map(|x| x + *other as f32)
    }
}

impl ArgminSub<f64, Vector> for Vector {
    fn sub(&self, other: &f64) -> Vector {
        self.map(|x| x - *other as f32)
    }
}

impl ArgminScaledAdd<Vector, f64, Vector> for Vector {
    fn scaled_add(&self, factor: &f64, vec: &Vector) -> Vector {
        self.add(&vec.mul(factor))
    }
}

impl ArgminSignum for Vector {
    fn signum(self) -> Self {
        self.map(f32::signum)
    }
}

impl ArgminZeroLike for Vector {
    fn zero_like(&self) -> Self {
        Vector::new(vec![0.0; self.len()])
    }
}

impl ArgminMinMax for Vector {
    fn min(x: &Self, y: &Self) -> Self {
        x.combine(y, f32::min)
    }

    fn max(x: &Self, y: &Self) -> Self {
        x.combine(y, f32::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(n: usize, f: impl Fn(usize) -> f32) -> Vector {
        Vector::new((0..n).map(f).collect())
    }

    fn values(v: &Vector) -> Vec<f32> {
        let mut out = vec![0.0; v.len()];
        v.map_into(&mut out, |x| x);
        out
    }

    #[test]
    fn a_scaled_vector_behaves_like_its_values() {
        let n = PART + 7;
        let (a, b) = (vector(n, |i| i as f32 % 5.0), vector(n, |i| i as f32 % 3.0 - 1.0));
        let scaled = a.mul(&-2.0);
        let difference = values(&b.sub(&scaled));
        assert!((0..n).all(|i| difference[i] == (i as f32 % 3.0 - 1.0) + 2.0 * (i as f32 % 5.0)));
        let expected: f64 = (0..n).map(|i| -2.0 * (i % 5) as f64 * ((i % 3) as f64 - 1.0)).sum();
        assert!((scaled.dot(&b) - expected).abs() < 1e-6 * expected.abs().max(1.0));
        assert!((scaled.l2_norm() - scaled.dot(&scaled).sqrt()).abs() < 1e-9);
        assert_eq!(scaled.l1_norm(), (0..n).map(|i| 2.0 * (i % 5) as f64).sum::<f64>());
    }

    #[test]
    fn dots_do_not_depend_on_the_number_of_threads() {
        let n = 5 * PART + 3;
        let (a, b) = (vector(n, |i| (i as f32).sin()), vector(n, |i| (i as f32).cos()));
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| a.dot(&b))
        };
        assert_eq!(run(1).to_bits(), run(3).to_bits());
    }
}
