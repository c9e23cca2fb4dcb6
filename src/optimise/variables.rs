//! What L-BFGS's variables w stand for: latent variables z = c + P·w (`preconditioner`), and so a picture (`latent`).

use rayon::prelude::*;

use super::latent;
use super::preconditioner::Preconditioner;
use super::stored::Stored;
use super::threads::Threads;
use super::vector::Vector;
use crate::error::{Error, Result};
use crate::runtime::{DeviceTensor, Vectors};

/// The variables of a run.
pub(super) struct Variables {
    /// The latent variables where all variables are 0.
    start: Vector,
    preconditioner: Preconditioner,
    threads: Threads,
}

impl Variables {
    /// Those of pictures of the size [H, W], around these latent variables.
    pub fn new(start: Vector, size: [usize; 2], threads: &Threads) -> Self {
        Variables { start, preconditioner: Preconditioner::new(size), threads: threads.clone() }
    }

    /// The latent variables of a point, in this buffer.
    pub fn latent(&self, point: &Vector, buffer: &mut Vec<f32>) -> Result<()> {
        let (free, start) = (point.values()?, self.start.values()?);
        buffer.clear();
        buffer.extend_from_slice(&free);
        self.preconditioner.apply(buffer, &self.threads);
        self.threads.run(|| {
            buffer.par_chunks_mut(latent::PART).zip(start.par_chunks(latent::PART)).for_each(
                |(values, start)| {
                    values.iter_mut().zip(start).for_each(|(z, c)| *z += c);
                },
            );
        });
        Ok(())
    }

    /// The picture of a point.
    pub fn picture(&self, point: &Vector) -> Result<Vec<f32>> {
        let mut values = Vec::new();
        self.latent(point, &mut values)?;
        self.threads.run(|| latent::become_pixels(&mut values));
        Ok(values)
    }

    /// Makes a gradient with respect to the latent variables one with respect to the variables.
    pub fn chain(&self, gradient: &mut [f32]) {
        self.preconditioner.apply(gradient, &self.threads);
    }

    /// As [`Self::latent`], on the device where the point lies.
    pub fn latent_on_device(&self, point: &Vector, vectors: &Vectors) -> Result<DeviceTensor> {
        let (Some(Stored::OnDevice(free)), Some(Stored::OnDevice(start))) =
            (point.stored(), self.start.stored())
        else {
            return Err(Error::Runtime("a point lies where its objective is not".into()));
        };
        vectors.sum(&[(1.0, &vectors.precondition(free)?), (1.0, start)])
    }

    /// As [`Self::chain`], on the device.
    pub fn chain_on_device(&self, gradient: &DeviceTensor, vectors: &Vectors) -> Result<DeviceTensor> {
        vectors.precondition(gradient)
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::optimise::arena::VectorArena;
    use crate::runtime::{Backend, Device};

    #[test]
    fn a_device_has_the_same_variables() {
        let threads = Threads::new(2).expect("threads");
        for size in [[1, 5], [2, 3], [7, 12], [37, 50], [64, 33]] {
            let n = 3 * size[0] * size[1];
            let values = |k: usize| (0..n).map(|i| ((i * k) % 23) as f32 / 23.0 - 0.5).collect::<Vec<f32>>();
            let backend = Backend::new(Device::Cpu);
            let on_device = Rc::new(Vectors::new(&backend, size).expect("vectors"));
            let [host, device] = [None, Some(Rc::clone(&on_device))].map(|device| {
                let arena = Rc::new(VectorArena::new(&threads, device));
                let [start, point] = [5, 7].map(|k| Vector::from_base(arena.vector(values(k))));
                (Variables::new(start, size, &threads), point)
            });
            let close = |a: &[f32], b: &[f32]| {
                assert_eq!(a.len(), b.len());
                assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5), "{size:?}");
            };
            let (mut wanted, mut read) = (Vec::new(), Vec::new());
            host.0.latent(&host.1, &mut wanted).expect("latent variables");
            device.0.latent(&device.1, &mut read).expect("latent variables");
            close(&wanted, &read);
            let latent = device.0.latent_on_device(&device.1, &on_device).expect("latent variables");
            close(&wanted, &on_device.to_host(&latent).expect("values"));
            let mut gradient = values(3);
            host.0.chain(&mut gradient);
            let other = on_device.to_device(values(3)).expect("a gradient");
            let other = device.0.chain_on_device(&other, &on_device).expect("a gradient");
            close(&gradient, &on_device.to_host(&other).expect("values"));
        }
    }
}
