//! The stored vectors of a minimisation: where they lie, which of their dot products are known, and which are L-BFGS's pairs.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::{Rc, Weak};

use half::bf16;

use super::stored::{self, Stored};
use super::threads::Threads;
use crate::error::{Error, Result};
use crate::runtime::{DeviceTensor, Vectors};

/// How many buffers of dropped vectors are kept for the next ones: fresh memory of this size comes from the system a page at a
/// time, which takes longer than the sum that is written into it.
pub(crate) const SPARES: usize = 1;

/// What the stored vectors of a minimisation have in common.
pub(super) struct VectorArena {
    threads: Threads,
    shared: RefCell<Shared>,
    /// What passes over them, where they lie on a device.
    device: Option<Rc<Vectors>>,
}

#[derive(Debug, Default)]
struct Shared {
    next: u64,
    /// The parts of L-BFGS's pairs, the newest last, as long as they are there.
    pairs: Vec<Weak<BaseVector>>,
    /// The dots that are known, the smaller name first.
    dots: HashMap<(u64, u64), f64>,
    spare: Vec<Vec<f32>>,
    /// What went wrong on the device. argmin's operations have no errors; the one who asked for them looks here.
    failure: Option<Error>,
}

impl VectorArena {
    /// The arena of vectors that lie in the computer's memory, or on a device.
    pub fn new(threads: &Threads, device: Option<Rc<Vectors>>) -> Self {
        VectorArena { threads: threads.clone(), shared: RefCell::default(), device }
    }

    /// The threads that pass over vectors.
    pub fn threads(&self) -> &Threads {
        &self.threads
    }

    /// What went wrong on the device, if anything has.
    pub fn failure(&self) -> Option<Error> {
        self.shared.borrow_mut().failure.take()
    }

    /// What came of an operation on the device, or `other` where that has failed.
    pub(super) fn or<T>(&self, done: Result<T>, other: impl FnOnce() -> T) -> T {
        done.unwrap_or_else(|e| {
            self.shared.borrow_mut().failure.get_or_insert(e);
            other()
        })
    }

    /// An uninitialised buffer of `len` values: they are any.
    pub fn alloc(&self, len: usize) -> Vec<f32> {
        let spare = self.shared.borrow_mut().spare.pop();
        spare.filter(|v| v.len() == len).unwrap_or_else(|| vec![0.0; len])
    }

    /// A vector of these values.
    pub fn vector(self: &Rc<Self>, values: Vec<f32>) -> Rc<BaseVector> {
        match &self.device {
            Some(device) => {
                let on_device = device.to_device(values).map(Stored::OnDevice);
                self.materialised(self.or(on_device, || Stored::Full(Vec::new())))
            }
            None => self.materialised(Stored::Full(values)),
        }
    }

    /// A vector of what is stored already.
    pub fn materialised(self: &Rc<Self>, stored: Stored) -> Rc<BaseVector> {
        self.base(stored, false)
    }

    /// A part of one of L-BFGS's pairs that was kept.
    pub fn pair(self: &Rc<Self>, values: Vec<bf16>) -> Rc<BaseVector> {
        let stored = match &self.device {
            Some(device) => {
                let on_device = device.to_device(values.iter().map(|v| v.to_f32()).collect());
                self.or(on_device.map(Stored::OnDevice), || Stored::Full(Vec::new()))
            }
            None => Stored::Half(values),
        };
        self.base(stored, true)
    }

    /// The parts of L-BFGS's pairs that are there, the oldest first.
    pub fn pairs(&self) -> Result<Vec<Vec<bf16>>> {
        let bases: Vec<Rc<BaseVector>> =
            self.shared.borrow().pairs.iter().filter_map(Weak::upgrade).collect();
        let halved = |values: &[f32]| values.iter().map(|v| bf16::from_f32(*v)).collect();
        bases
            .iter()
            .map(|base| match (&base.stored, &self.device) {
                (Stored::Half(values), _) => Ok(values.clone()),
                (Stored::Full(values), _) => Ok(halved(values)),
                (Stored::OnDevice(values), Some(device)) => Ok(halved(&device.to_host(values)?)),
                (Stored::OnDevice(_), None) => Ok(Vec::new()),
            })
            .collect()
    }

    /// Σ factor · vector
    pub(super) fn sum(&self, terms: &[(f64, &Stored)], len: usize) -> Stored {
        let Some(device) = &self.device else {
            let mut out = self.alloc(len);
            self.threads.run(|| stored::combine(terms, &mut out));
            return Stored::Full(out);
        };
        let remote: Vec<(f64, &DeviceTensor)> =
            terms.iter().filter_map(|(factor, s)| Some((*factor, s.on_device()?))).collect();
        self.or(device.sum(&remote).map(Stored::OnDevice), || Stored::Full(Vec::new()))
    }

    /// The dot of each of `rows` with each of `columns`, row by row.
    fn dots(&self, rows: &[&Stored], columns: &[&Stored]) -> Vec<f64> {
        let Some(device) = &self.device else {
            return self.threads.run(|| stored::dots(rows, columns));
        };
        let remote: Vec<&DeviceTensor> = columns.iter().filter_map(|s| s.on_device()).collect();
        let mut dots = Vec::new();
        for row in rows {
            let nothing = || vec![f64::NAN; columns.len()];
            dots.extend(match row.on_device().filter(|_| remote.len() == columns.len()) {
                Some(row) => self.or(device.dots(row, &remote), nothing),
                None => nothing(),
            });
        }
        dots
    }

    /// The values of what is stored as it is, in the computer's memory.
    pub(super) fn to_host(&self, stored: Stored) -> Result<Vec<f32>> {
        match (&self.device, stored) {
            (Some(device), Stored::OnDevice(values)) => device.to_host(&values),
            (_, Stored::Full(values)) => Ok(values),
            _ => Err(Error::Runtime("a vector lies where nobody can read it".into())),
        }
    }

    /// One of L-BFGS's pairs: factor · (a − b), in the computer's memory in half precision. Where the dots of both with a
    /// third vector are known, so is its own.
    pub(super) fn difference(
        self: &Rc<Self>,
        factor: f64,
        a: &BaseVector,
        b: &BaseVector,
    ) -> Option<Rc<BaseVector>> {
        if a.is_pair || b.is_pair {
            return None;
        }
        let made = match (&a.stored, &b.stored) {
            (Stored::Full(a), Stored::Full(b)) => self.threads.run(|| Stored::difference(factor, a, b)),
            _ => self.sum(&[(factor, &a.stored), (-factor, &b.stored)], a.stored.len()),
        };
        let made = self.base(made, true);
        let mut shared = self.shared.borrow_mut();
        let others: BTreeSet<u64> = shared.dots.keys().flat_map(|(x, y)| [*x, *y]).collect();
        for other in others.into_iter().filter(|c| *c != a.name && *c != b.name) {
            let of = |base: &BaseVector| shared.dots.get(&key(base.name, other)).copied();
            if let (Some(of_a), Some(of_b)) = (of(a), of(b)) {
                shared.dots.insert(key(made.name, other), factor * (of_a - of_b));
            }
        }
        drop(shared);
        Some(made)
    }

    fn base(self: &Rc<Self>, stored: Stored, is_pair: bool) -> Rc<BaseVector> {
        let mut shared = self.shared.borrow_mut();
        shared.next += 1;
        let base = Rc::new(BaseVector { name: shared.next, arena: Rc::clone(self), stored, is_pair });
        if is_pair {
            shared.pairs.push(Rc::downgrade(&base));
        }
        base
    }
}

impl VectorArena {
    /// The parts of L-BFGS's newest pair.
    pub(super) fn newest(&self) -> Vec<Rc<BaseVector>> {
        self.shared.borrow().pairs.iter().rev().take(2).filter_map(Weak::upgrade).collect()
    }

    /// A dot that is known.
    pub(super) fn dot(&self, a: &BaseVector, b: &BaseVector) -> Option<f64> {
        self.shared.borrow().dots.get(&a.key(b)).copied()
    }

    /// How many dots are cached.
    #[cfg(test)]
    pub(super) fn cached_dots(&self) -> usize {
        self.shared.borrow().dots.len()
    }

    /// Computes the dots of `a` with `b` that are not known, in one pass over the memory: of the fewest of `a` with all
    /// of `b`.
    pub(super) fn cache_dots(&self, a: &[Rc<BaseVector>], b: &[Rc<BaseVector>]) {
        let mut unknown: HashSet<(u64, u64)> = a.iter().flat_map(|x| b.iter().map(|y| x.key(y))).collect();
        unknown.retain(|key| !self.shared.borrow().dots.contains_key(key));
        let mut rows: Vec<&BaseVector> = Vec::new();
        while !unknown.is_empty() {
            let covers = |x: &BaseVector| b.iter().filter(|y| unknown.contains(&x.key(y))).count();
            let Some(row) = a.iter().max_by_key(|x| covers(x)) else { return };
            b.iter().for_each(|y| {
                unknown.remove(&row.key(y));
            });
            rows.push(row);
        }
        if rows.is_empty() {
            return;
        }
        let left: Vec<&Stored> = rows.iter().map(|base| &base.stored).collect();
        let right: Vec<&Stored> = b.iter().map(|base| &base.stored).collect();
        let dots = self.dots(&left, &right);
        let mut shared = self.shared.borrow_mut();
        for (row, dots) in rows.iter().zip(dots.chunks_exact(b.len())) {
            for (column, dot) in b.iter().zip(dots) {
                shared.dots.insert(row.key(column), *dot);
            }
        }
    }
}

fn key(a: u64, b: u64) -> (u64, u64) {
    (a.min(b), a.max(b))
}

/// A stored vector.
pub(super) struct BaseVector {
    name: u64,
    pub arena: Rc<VectorArena>,
    pub stored: Stored,
    /// Whether it is a part of one of L-BFGS's pairs.
    pub is_pair: bool,
}

impl std::fmt::Debug for BaseVector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} values", self.name, self.stored.len())
    }
}

impl BaseVector {
    fn key(&self, other: &BaseVector) -> (u64, u64) {
        key(self.name, other.name)
    }
}

impl Drop for BaseVector {
    fn drop(&mut self) {
        let mut shared = self.arena.shared.borrow_mut();
        shared.dots.retain(|(a, b), _| *a != self.name && *b != self.name);
        shared.pairs.retain(|pair| pair.strong_count() > 0);
        if let Stored::Full(values) = &mut self.stored
            && shared.spare.len() < SPARES
        {
            shared.spare.push(std::mem::take(values));
        }
    }
}
