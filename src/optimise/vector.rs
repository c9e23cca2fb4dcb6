//! The vector that L-BFGS works on: a sum of stored vectors with factors, Σ cᵢ·bᵢ. argmin's two loops over the pairs
//! only change the factors, and their dots are sums of the dots of the stored vectors, each of which is computed once
//! (Chen, Wang and Zhou 2014, "Large-scale L-BFGS using MapReduce", do the same) or follows from others. Nothing
//! is read or written until the point that they lead to is asked for, in one pass.

use std::borrow::Cow;
use std::rc::Rc;

use argmin_math::{
    ArgminAdd, ArgminDot, ArgminL1Norm, ArgminL2Norm, ArgminMinMax, ArgminMul, ArgminScaledAdd, ArgminSignum,
    ArgminSub, ArgminZeroLike,
};

use super::arena::{BaseVector, VectorArena};
use super::stored::Stored;
use crate::error::Result;

/// Σ cᵢ·bᵢ
#[derive(Clone, Debug)]
pub(crate) struct Vector {
    /// Never empty.
    terms: Vec<(f64, Rc<BaseVector>)>,
}

impl Vector {
    /// A stored vector.
    pub(super) fn from_base(base: Rc<BaseVector>) -> Self {
        Vector { terms: vec![(1.0, base)] }
    }

    pub fn len(&self) -> usize {
        self.terms.first().map_or(0, |(_, base)| base.stored.len())
    }

    fn arena(&self) -> Option<&Rc<VectorArena>> {
        self.terms.first().map(|(_, base)| &base.arena)
    }

    /// The vector as it is stored, where it is stored as it is.
    pub(super) fn stored(&self) -> Option<&Stored> {
        match self.terms.as_slice() {
            [(factor, base)] if *factor == 1.0 && !base.is_pair => Some(&base.stored),
            _ => None,
        }
    }

    /// The same vector, stored as it is.
    pub fn materialised(&self) -> Vector {
        match self.arena() {
            Some(arena) if self.stored().is_none() => {
                Vector::from_base(arena.materialised(self.summed(arena)))
            }
            _ => self.clone(),
        }
    }

    /// Its values in the computer's memory.
    pub fn values(&self) -> Result<Cow<'_, [f32]>> {
        let Some(arena) = self.arena() else { return Ok(Cow::Borrowed(&[])) };
        match self.stored() {
            Some(Stored::Full(values)) => Ok(Cow::Borrowed(values)),
            _ => arena.to_host(self.summed(arena)).map(Cow::Owned),
        }
    }

    fn summed(&self, arena: &VectorArena) -> Stored {
        let terms: Vec<(f64, &Stored)> = self.terms.iter().map(|(c, base)| (*c, &base.stored)).collect();
        arena.sum(&terms, self.len())
    }

    /// Whether both are the same stored vector: a cheap test that misses equal copies.
    pub fn is_same(&self, other: &Vector) -> bool {
        match (self.terms.as_slice(), other.terms.as_slice()) {
            ([(a, x)], [(b, y)]) => a == b && Rc::ptr_eq(x, y),
            _ => false,
        }
    }

    /// Computes the dots of this vector and of L-BFGS's newest pair with each other in one pass. Those of the pair's
    /// second part with the older pairs are known when it is made; nobody asks for the others.
    pub fn measure(&self) {
        let Some(arena) = self.arena() else { return };
        let mut bases: Vec<Rc<BaseVector>> = self.terms.iter().map(|(_, base)| Rc::clone(base)).collect();
        bases.extend(arena.newest());
        arena.cache_dots(&bases, &bases);
    }

    fn scaled_sum(&self, factor: f64, other: &Vector) -> Vector {
        let mut terms = self.terms.clone();
        for (c, base) in &other.terms {
            match terms.iter_mut().find(|(_, known)| Rc::ptr_eq(known, base)) {
                Some((sum, _)) => *sum += factor * c,
                None => terms.push((factor * c, Rc::clone(base))),
            }
        }
        // What cancels out is not held on to; one term stays, if only to tell the length.
        if terms.iter().any(|(c, _)| *c != 0.0) {
            terms.retain(|(c, _)| *c != 0.0);
        } else {
            terms.truncate(1);
        }
        Vector { terms }
    }

    /// f of the values of both; for the operations that argmin's L-BFGS names but does not use without L1
    /// regularisation.
    fn zip(&self, other: &Vector, f: impl Fn(f32, f32) -> f32) -> Vector {
        let Some(arena) = self.arena() else { return self.clone() };
        let values = |v: &Vector| arena.or(v.values().map(Cow::into_owned), Vec::new);
        let mut made = values(self);
        made.iter_mut().zip(values(other)).for_each(|(x, y)| *x = f(*x, y));
        Vector::from_base(arena.vector(made))
    }
}

impl ArgminDot<Vector, f64> for Vector {
    fn dot(&self, other: &Vector) -> f64 {
        let Some(arena) = self.arena() else { return 0.0 };
        let bases =
            |v: &Vector| -> Vec<Rc<BaseVector>> { v.terms.iter().map(|(_, b)| Rc::clone(b)).collect() };
        arena.cache_dots(&bases(self), &bases(other));
        let mut sum = 0.0;
        for (c, x) in &self.terms {
            for (d, y) in &other.terms {
                sum += c * d * arena.dot(x, y).unwrap_or(f64::NAN);
            }
        }
        sum
    }
}

impl ArgminL2Norm<f64> for Vector {
    fn l2_norm(&self) -> f64 {
        self.dot(self).max(0.0).sqrt()
    }
}

impl ArgminL1Norm<f64> for Vector {
    fn l1_norm(&self) -> f64 {
        self.values().map_or(f64::NAN, |values| values.iter().map(|v| f64::from(v.abs())).sum())
    }
}

impl ArgminAdd<Vector, Vector> for Vector {
    fn add(&self, other: &Vector) -> Vector {
        self.scaled_sum(1.0, other)
    }
}

impl ArgminSub<Vector, Vector> for Vector {
    /// The difference of two points or of two gradients, which are stored as they are, is one of L-BFGS's pairs and is
    /// stored, in half precision where memory is what takes time, so that they can go. (The loss after 60 evaluations is the same as with pairs in
    /// single precision: docs/measuring.md.)
    fn sub(&self, other: &Vector) -> Vector {
        if let ([(factor, x)], [(of_other, y)]) = (self.terms.as_slice(), other.terms.as_slice())
            && factor == of_other
            && let Some(difference) = x.arena.difference(*factor, x, y)
        {
            return Vector::from_base(difference);
        }
        self.scaled_sum(-1.0, other)
    }
}

impl ArgminScaledAdd<Vector, f64, Vector> for Vector {
    fn scaled_add(&self, factor: &f64, other: &Vector) -> Vector {
        self.scaled_sum(*factor, other)
    }
}

impl ArgminMul<f64, Vector> for Vector {
    fn mul(&self, factor: &f64) -> Vector {
        Vector { terms: self.terms.iter().map(|(c, base)| (factor * c, Rc::clone(base))).collect() }
    }
}

impl ArgminMul<Vector, Vector> for Vector {
    fn mul(&self, other: &Vector) -> Vector {
        self.zip(other, |x, y| x * y)
    }
}

impl ArgminAdd<f64, Vector> for Vector {
    fn add(&self, number: &f64) -> Vector {
        self.zip(self, |x, _| x + *number as f32)
    }
}

impl ArgminSub<f64, Vector> for Vector {
    fn sub(&self, number: &f64) -> Vector {
        self.zip(self, |x, _| x - *number as f32)
    }
}

impl ArgminSignum for Vector {
    fn signum(self) -> Self {
        self.zip(&self, |x, _| x.signum())
    }
}

impl ArgminZeroLike for Vector {
    fn zero_like(&self) -> Self {
        self.mul(&0.0)
    }
}

impl ArgminMinMax for Vector {
    fn min(x: &Self, y: &Self) -> Self {
        x.zip(y, f32::min)
    }

    fn max(x: &Self, y: &Self) -> Self {
        x.zip(y, f32::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimise::Threads;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-3 * a.abs().max(b.abs()).max(1.0)
    }

    #[test]
    fn sums_are_read_only_when_they_are_asked_for_and_are_right() {
        let arena = Rc::new(VectorArena::new(&Threads::new(2).expect("threads"), None));
        let of = |f: fn(usize) -> f32| Vector::from_base(arena.vector((0..50_000).map(f).collect()));
        let (a, b) = (of(|i| (i % 5) as f32), of(|i| (i % 3) as f32 - 1.0));
        let pair = a.sub(&b);
        assert!(pair.stored().is_none() && !pair.is_same(&a) && pair.is_same(&pair.clone()));
        let sum = a.mul(&2.0).add(&b).scaled_add(&-0.5, &pair).mul(&-1.0);
        assert!(sum.stored().is_none());
        let materialised = sum.materialised();
        let wanted = |i: usize| {
            let (x, y) = ((i % 5) as f64, (i % 3) as f64 - 1.0);
            -(2.0 * x + y - 0.5 * (x - y))
        };
        for (i, v) in materialised.values().expect("values").iter().enumerate() {
            assert!(close(f64::from(*v), wanted(i)), "{i}: {v}");
        }
        // The dot of sums is that of their values.
        let by_hand: f64 = (0..50_000).map(|i| wanted(i) * (i % 5) as f64).sum();
        assert!(close(sum.dot(&a), by_hand) && close(materialised.dot(&a), by_hand));
        assert!(close(sum.l2_norm(), materialised.l2_norm()));
    }

    #[test]
    fn each_dot_is_computed_once_and_forgotten_with_its_vectors() {
        let arena = Rc::new(VectorArena::new(&Threads::new(2).expect("threads"), None));
        let of = |k: usize| Vector::from_base(arena.vector((0..100).map(|i| ((i * k) % 7) as f32).collect()));
        let (a, b, c) = (of(1), of(2), of(3));
        let (s, y) = (b.sub(&a), c.sub(&a));
        c.measure();
        // Three vectors with each other and themselves.
        let cached = || arena.cached_dots();
        assert_eq!(cached(), 6);
        let direction = c.mul(&3.0).add(&s).sub(&y);
        assert!(direction.dot(&c).is_finite() && direction.l2_norm() > 0.0);
        assert_eq!(cached(), 6);
        drop((direction, s));
        assert_eq!(cached(), 3);
        drop((y, c));
        assert_eq!(cached(), 0);
    }

    #[test]
    fn dots_of_a_difference_follow_from_those_of_its_parts() {
        let arena = Rc::new(VectorArena::new(&Threads::new(2).expect("threads"), None));
        let of = |k: usize| Vector::from_base(arena.vector((0..100).map(|i| ((i * k) % 7) as f32).collect()));
        let (a, b, c) = (of(1), of(2), of(3));
        let (of_a, of_b) = (a.dot(&c), b.dot(&c));
        let cached = || arena.cached_dots();
        let before = cached();
        let difference = a.mul(&3.0).sub(&b.mul(&3.0));
        assert_eq!(cached(), before + 1);
        assert_eq!(difference.dot(&c), 3.0 * (of_a - of_b));
        assert_eq!(cached(), before + 1);
        // The values of the difference are small whole numbers, which half precision holds.
        assert!(close(difference.dot(&a), 3.0 * (a.dot(&a) - b.dot(&a))));
    }
}
