//! A job's progress while it runs, and how to stop it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde::Serialize;

use crate::error::{Error, Result};
use crate::picture::Picture;
use crate::runtime::{BoundGraph, BoundGraphOnDevice, DeviceTensor, Session, Stop, Tensor, Value};

/// The state of a job after an evaluation.
#[derive(Clone, Debug, Serialize)]
pub struct Progress {
    /// Evaluations of the objective so far.
    pub evaluations: usize,
    /// Evaluations that will be done at most.
    pub planned: usize,
    /// The level that is being painted, counted from 1.
    pub level: usize,
    /// How many levels there are.
    pub levels: usize,
    /// The level's height and width.
    pub size: [usize; 2],
    /// Where what is painted lies in the content picture: left, top, right and bottom, as shares of its width and height from 0
    /// to 1. It is a part of the picture where there is a mask or transparent pixels.
    pub part: [f64; 4],
    /// The lowest loss so far, at this level.
    pub loss: f64,
    /// The terms of that loss, weighted, in the order of the report.
    pub terms: Vec<f64>,
    /// Seconds since the optimisation began.
    pub seconds: f64,
    /// Estimated seconds until all planned evaluations are done.
    pub seconds_left: f64,
}

/// Receives a job's progress. It is called on the job's own thread, between evaluations.
pub trait Sink {
    /// A phase begins; `text` is for people.
    fn phase(&mut self, text: &str) {
        let _ = text;
    }

    /// An evaluation is done.
    fn progress(&mut self, progress: &Progress) {
        let _ = progress;
    }

    /// The best picture so far, as often as the parameters ask.
    fn preview(&mut self, evaluations: usize, picture: &Picture) {
        let _ = (evaluations, picture);
    }
}

/// A sink that takes nothing.
pub struct Silent;

impl Sink for Silent {}

/// The whole picture, as [`Progress::part`] gives it.
pub(crate) const WHOLE: [f64; 4] = [0.0, 0.0, 1.0, 1.0];

/// Hands on the progress of a job that paints a part of a picture.
pub(crate) struct OfPart<'a> {
    /// Who is told.
    pub sink: &'a mut dyn Sink,
    /// As [`Progress::part`].
    pub part: [f64; 4],
}

impl Sink for OfPart<'_> {
    fn phase(&mut self, text: &str) {
        self.sink.phase(text);
    }

    fn progress(&mut self, progress: &Progress) {
        self.sink.progress(&Progress { part: self.part, ..progress.clone() });
    }

    fn preview(&mut self, evaluations: usize, picture: &Picture) {
        self.sink.preview(evaluations, picture);
    }
}

/// Stops a job from another thread. Clones stop the same jobs.
#[derive(Clone, Default)]
pub struct CancelToken {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    cancelled: AtomicBool,
    next: AtomicUsize,
    running: Mutex<HashMap<usize, Stop>>,
}

impl CancelToken {
    /// A token that nobody has cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops the jobs that have this token, also in the middle of an evaluation.
    pub fn cancel(&self) {
        self.inner.cancelled.store(true, Ordering::SeqCst);
        for stop in self.running().values() {
            stop.terminate();
        }
    }

    /// Whether `cancel` was called.
    pub fn is_cancelled(&self) -> bool {
        self.inner.cancelled.load(Ordering::SeqCst)
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<usize, Stop>> {
        self.inner.running.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Makes `stop` end its run when the token is cancelled, until the guard is dropped.
    fn watch(&self, stop: &Stop) -> Watch<'_> {
        let key = self.inner.next.fetch_add(1, Ordering::Relaxed);
        self.running().insert(key, stop.clone());
        if self.is_cancelled() {
            // Cancelled between the flag and the insertion.
            stop.terminate();
        }
        Watch { token: self, key }
    }
}

/// Runs graphs so that a token ends them.
pub(crate) struct Runs {
    cancel: CancelToken,
    stop: Stop,
}

impl Runs {
    pub fn new(cancel: &CancelToken) -> Result<Self> {
        Ok(Runs { cancel: cancel.clone(), stop: Stop::new()? })
    }

    /// Runs a graph whose inputs are bound, or is [`Error::Cancelled`] as soon as the token is cancelled.
    pub fn run_bound(
        &self,
        graph: &mut BoundGraph,
        values: &[f32],
        read: &mut dyn FnMut(&str, &[f32]),
    ) -> Result<()> {
        self.unless_cancelled(|stop| graph.run(values, stop, read))
    }

    /// The same where what changes lies on the device.
    pub fn run_on_device(
        &self,
        graph: &mut BoundGraphOnDevice,
        from: &DeviceTensor,
        to: &mut DeviceTensor,
        read: &mut dyn FnMut(&str, &[f32]),
    ) -> Result<()> {
        self.unless_cancelled(|stop| graph.run(from, to, stop, read))
    }

    /// The outputs of a graph, or [`Error::Cancelled`] as soon as the token is cancelled.
    pub fn run(&self, session: &mut Session, inputs: &[(&str, Tensor)]) -> Result<Vec<Value>> {
        self.unless_cancelled(|stop| session.run_until(inputs, Some(stop)))
    }

    fn unless_cancelled<T>(&self, run: impl FnOnce(&Stop) -> Result<T>) -> Result<T> {
        if self.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let _watch = self.cancel.watch(&self.stop);
        run(&self.stop).map_err(|e| if self.cancel.is_cancelled() { Error::Cancelled } else { e })
    }
}

struct Watch<'a> {
    token: &'a CancelToken,
    key: usize,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.token.running().remove(&self.key);
    }
}
