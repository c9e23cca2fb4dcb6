//! Values that lie in the computer's memory or a device's, and the passes over the former: sums of many at once, and the dots of many with many. These
//! passes are bound by the memory, so each reads every value once, in blocks that stay in the processor's cache.

use half::bf16;
use pulp::Arch;
use rayon::prelude::*;

use crate::runtime::DeviceTensor;

/// Values that are worked on by one thread at a time.
const PART: usize = 1 << 15;
/// Values of a block.
const BLOCK: usize = 1 << 12;
/// Sums side by side, which the processor adds up at once.
const LANES: usize = 64;

/// Values of one length.
#[derive(Debug)]
pub(crate) enum Stored {
    /// As they are.
    Full(Vec<f32>),
    /// In half the memory, with 8 bits of precision.
    Half(Vec<bf16>),
    /// As they are, on a device, which has passes of its own.
    OnDevice(DeviceTensor),
}

impl Stored {
    pub fn len(&self) -> usize {
        match self {
            Stored::Full(values) => values.len(),
            Stored::Half(values) => values.len(),
            Stored::OnDevice(values) => values.len(),
        }
    }

    /// The vector on the device, where it is there.
    pub fn on_device(&self) -> Option<&DeviceTensor> {
        match self {
            Stored::OnDevice(values) => Some(values),
            Stored::Full(_) | Stored::Half(_) => None,
        }
    }

    /// factor · (a − b) in half precision.
    pub fn difference(factor: f64, a: &[f32], b: &[f32]) -> Stored {
        let mut out = vec![bf16::ZERO; a.len()];
        let factor = factor as f32;
        let arch = Arch::new();
        out.par_chunks_mut(PART).zip(a.par_chunks(PART).zip(b.par_chunks(PART))).for_each(|(out, (a, b))| {
            arch.dispatch(|| {
                out.iter_mut().zip(a).zip(b).for_each(|((o, a), b)| *o = rounded(factor * (a - b)));
            });
        });
        Stored::Half(out)
    }
}

/// The nearest number with 8 bits of precision, in a form that runs on many numbers at once. (The crate's own keeps
/// the bits of NaN, too.)
#[inline(always)]
fn rounded(v: f32) -> bf16 {
    let bits = v.to_bits();
    bf16::from_bits((bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16) as u16)
}

#[inline(always)]
fn single(v: bf16) -> f32 {
    f32::from_bits(u32::from(v.to_bits()) << 16)
}

/// Σ factor · values, written into `out`.
pub(crate) fn combine(terms: &[(f64, &Stored)], out: &mut [f32]) {
    let arch = Arch::new();
    out.par_chunks_mut(PART).enumerate().for_each(|(part, out)| {
        for (block, out) in out.chunks_mut(BLOCK).enumerate() {
            let from = part * PART + block * BLOCK;
            out.fill(0.0);
            for (factor, stored) in terms {
                let (factor, to) = (*factor as f32, from + out.len());
                arch.dispatch(|| match stored {
                    Stored::Full(values) => {
                        out.iter_mut().zip(&values[from..to]).for_each(|(o, v)| *o += factor * v);
                    }
                    Stored::Half(values) => {
                        out.iter_mut().zip(&values[from..to]).for_each(|(o, v)| *o += factor * single(*v));
                    }
                    Stored::OnDevice(_) => out.fill(f32::NAN),
                });
            }
        }
    });
}

/// The dot of each of `rows` with each of `columns`, row by row. Blocks add up in single, all of them in double
/// precision, in an order that does not depend on the number of threads.
pub(crate) fn dots(rows: &[&Stored], columns: &[&Stored]) -> Vec<f64> {
    let len = rows.first().map_or(0, |r| r.len());
    let arch = Arch::new();
    let sums = |part: usize| {
        let mut sums = vec![0.0f64; rows.len() * columns.len()];
        let end = len.min((part + 1) * PART);
        for from in (part * PART..end).step_by(BLOCK) {
            let to = end.min(from + BLOCK);
            arch.dispatch(|| {
                for (row, sums) in rows.iter().zip(sums.chunks_exact_mut(columns.len())) {
                    for (column, sum) in columns.iter().zip(sums) {
                        *sum += f64::from(dot(row, column, from, to));
                    }
                }
            });
        }
        sums
    };
    let parts: Vec<Vec<f64>> = (0..len.div_ceil(PART)).into_par_iter().map(sums).collect();
    let mut all = vec![0.0; rows.len() * columns.len()];
    for part in parts {
        all.iter_mut().zip(part).for_each(|(all, part)| *all += part);
    }
    all
}

/// The dot of two blocks.
#[inline(always)]
fn dot(a: &Stored, b: &Stored, from: usize, to: usize) -> f32 {
    match (a, b) {
        (Stored::Full(a), Stored::Full(b)) => sum(&a[from..to], &b[from..to], |a, b| a * b),
        (Stored::Full(a), Stored::Half(b)) => sum(&a[from..to], &b[from..to], |a, b| a * single(b)),
        (Stored::Half(a), Stored::Full(b)) => sum(&b[from..to], &a[from..to], |b, a| b * single(a)),
        (Stored::Half(a), Stored::Half(b)) => sum(&a[from..to], &b[from..to], |a, b| single(a) * single(b)),
        (Stored::OnDevice(_), _) | (_, Stored::OnDevice(_)) => f32::NAN,
    }
}

#[inline(always)]
fn sum<A: Copy, B: Copy>(a: &[A], b: &[B], f: impl Fn(A, B) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (xs, ys) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = xs.remainder().iter().zip(ys.remainder()).map(|(x, y)| f(*x, *y)).sum();
    for (x, y) in xs.zip(ys) {
        for ((lane, x), y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += f(*x, *y);
        }
    }
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(n: usize, f: impl Fn(usize) -> f32) -> Vec<f32> {
        (0..n).map(f).collect()
    }

    #[test]
    fn halves_keep_eight_bits_whatever_their_size() {
        let size = |i: usize| if i < PART { 1e-30 } else { 1e15 };
        let a = values(2 * PART + 7, |i| size(i) * (i as f32).sin());
        let half = Stored::difference(2.0, &a, &vec![0.0; a.len()]);
        let mut read = vec![0.0; a.len()];
        combine(&[(0.5, &half)], &mut read);
        for (read, a) in read.iter().zip(&a) {
            assert!((read - a).abs() <= a.abs() / 256.0, "{read} {a}");
        }
        for v in [1.0f32, -0.1, 3.3e38, 1.004, 1.006, f32::INFINITY] {
            assert_eq!(rounded(v), bf16::from_f32(v));
        }
    }

    #[test]
    fn sums_and_dots_are_those_of_the_values() {
        let n = PART + BLOCK + 5;
        let (a, b) = (values(n, |i| (i % 5) as f32), values(n, |i| (i % 3) as f32 - 1.0));
        let half = Stored::difference(1.0, &a, &b);
        let (a, b) = (Stored::Full(a), Stored::Full(b));
        let mut out = vec![7.0; n];
        combine(&[(1.0, &a), (-2.0, &b), (1.0, &half)], &mut out);
        let wanted = |i: usize| (2.0 * (i % 5) as f64) - 3.0 * ((i % 3) as f64 - 1.0);
        assert!((0..n).all(|i| (f64::from(out[i]) - wanted(i)).abs() < 1e-6));
        let sum = |f: &dyn Fn(usize) -> f64| (0..n).map(f).sum::<f64>();
        let (x, y) = (|i: usize| (i % 5) as f64, |i: usize| (i % 3) as f64 - 1.0);
        let wanted = [
            sum(&|i| x(i) * x(i)),
            sum(&|i| x(i) * y(i)),
            sum(&|i| x(i) * (x(i) - y(i))),
            sum(&|i| y(i) * x(i)),
            sum(&|i| y(i) * y(i)),
            sum(&|i| y(i) * (x(i) - y(i))),
        ];
        for (dot, wanted) in dots(&[&a, &b], &[&a, &b, &half]).iter().zip(wanted) {
            assert!((dot - wanted).abs() < 1e-3 * n as f64, "{dot} {wanted}");
        }
    }

    #[test]
    fn dots_do_not_depend_on_the_number_of_threads() {
        let n = 5 * PART + 3;
        let (a, b) = (values(n, |i| (i as f32).sin()), values(n, |i| (i as f32).cos()));
        let (a, b) = (Stored::Full(a), Stored::Full(b));
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| dots(&[&a, &b], &[&b])).iter().map(|d| d.to_bits()).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(3));
    }
}
