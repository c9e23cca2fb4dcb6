// SPDX-License-Identifier: GPL-3.0-or-later
//! Paints drafts on a thread of its own. A new request ends the one that is being worked on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::estimate::Speed;
use crate::engine::{Engine, Failure, Pictures};
use crate::library::Library;
use crate::picture::{Pixels, Second, Style};

/// The estimate is made anew after so many evaluations.
const ESTIMATE_EVERY: u32 = 8;

/// What a draft is made of.
#[derive(Clone)]
pub struct Request {
    pub content: Arc<Pixels>,
    pub style: Arc<Style>,
    pub second: Option<Arc<Second>>,
    pub start: Option<Arc<Pixels>>,
    pub mask: Option<Arc<Pixels>>,
    pub params: Value,
    pub engine: Value,
    /// What is to be painted in the end.
    pub whole: Whole,
}

/// What is to be painted in the end, for which the draft stands.
#[derive(Clone)]
pub struct Whole {
    /// Width and height in pixels.
    pub size: [u32; 2],
    pub params: Value,
}

/// What comes of a request.
pub enum Answer {
    /// A picture on the way: RGB in the size that is worked on, and where it lies in the content, as shares of its sides.
    Better(Pixels, [f64; 4]),
    /// The draft, in the content's size and format.
    Done(Pixels),
    /// There is none; why.
    Failed(String),
    /// The seconds that the whole will take, once that is known.
    Takes(Option<f64>),
    /// The whole cannot be painted; why.
    CannotBePainted(String),
}

#[derive(Default)]
struct Shared {
    /// The number of the newest request. A job whose number is another one ends.
    newest: AtomicU64,
    waiting: Mutex<(Option<Request>, bool)>,
    changed: Condvar,
}

/// The thread.
pub struct Worker {
    shared: Arc<Shared>,
    answers: Receiver<(u64, Answer)>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread.
    pub fn new(library: &'static Library) -> Self {
        let shared = Arc::new(Shared::default());
        let (send, answers) = channel();
        let for_thread = shared.clone();
        let thread = std::thread::spawn(move || work(library, &for_thread, &send));
        Worker { shared, answers, thread: Some(thread) }
    }

    /// Ends what is being worked on, and begins this.
    pub fn ask(&self, request: Request) {
        let mut waiting = self.shared.waiting.lock().unwrap_or_else(|e| e.into_inner());
        self.shared.newest.fetch_add(1, Ordering::SeqCst);
        waiting.0 = Some(request);
        self.shared.changed.notify_one();
    }

    /// Ends what is being worked on.
    pub fn forget(&self) {
        let mut waiting = self.shared.waiting.lock().unwrap_or_else(|e| e.into_inner());
        self.shared.newest.fetch_add(1, Ordering::SeqCst);
        waiting.0 = None;
    }

    /// The next answer to the newest request, if there is one.
    pub fn answer(&self) -> Option<Answer> {
        let newest = self.shared.newest.load(Ordering::SeqCst);
        self.answers.try_iter().find(|(number, _)| *number == newest).map(|(_, answer)| answer)
    }
}

impl Drop for Worker {
    /// Ends the thread, which takes no longer than the library's next call back.
    fn drop(&mut self) {
        {
            let mut waiting = self.shared.waiting.lock().unwrap_or_else(|e| e.into_inner());
            self.shared.newest.fetch_add(1, Ordering::SeqCst);
            *waiting = (None, true);
            self.shared.changed.notify_one();
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn work(library: &'static Library, shared: &Shared, send: &Sender<(u64, Answer)>) {
    let mut known: Option<Known> = None;
    loop {
        let mut waiting = shared.waiting.lock().unwrap_or_else(|e| e.into_inner());
        let request = loop {
            if waiting.1 {
                return;
            }
            if let Some(request) = waiting.0.take() {
                break request;
            }
            waiting = shared.changed.wait(waiting).unwrap_or_else(|e| e.into_inner());
        };
        let number = shared.newest.load(Ordering::SeqCst);
        drop(waiting);
        let answer = |answer: Answer| {
            // Nobody listens when the dialog is closing.
            let _ = send.send((number, answer));
        };
        if known.as_ref().is_none_or(|known| known.options != request.engine) {
            let begun = Instant::now();
            match Engine::new(library, &request.engine) {
                Ok(engine) => known = Some(Known::new(engine, &request.engine, begun.elapsed())),
                Err(problem) => {
                    answer(Answer::Failed(problem));
                    continue;
                }
            }
        }
        if let Some(known) = &mut known {
            known.paint(&request, || shared.newest.load(Ordering::SeqCst) == number, answer);
        }
    }
}

/// An engine and how fast it is.
struct Known {
    options: Value,
    engine: Engine<'static>,
    /// How long it took to start.
    starting: Duration,
    /// From the last draft that has got far enough.
    speed: Speed,
}

impl Known {
    fn new(engine: Engine<'static>, options: &Value, starting: Duration) -> Self {
        Known { options: options.clone(), engine, starting, speed: Speed::default() }
    }

    /// Paints a draft as long as it is `wanted`, and measures the time.
    fn paint(&mut self, request: &Request, wanted: impl Fn() -> bool, answer: impl Fn(Answer)) {
        let pictures = Pictures {
            content: &request.content,
            style: &request.style,
            second: request.second.as_deref(),
            region: request.second.as_deref().and_then(|second| second.region.as_ref()),
            start: request.start.as_deref(),
            mask: request.mask.as_deref(),
        };
        let Whole { size, params } = &request.whole;
        let levels = self.engine.plan(&pictures, params, *size);
        match &levels {
            Ok(levels) => answer(Answer::Takes(self.speed.seconds(levels))),
            Err(problem) => answer(Answer::CannotBePainted(problem.clone())),
        }
        let levels = levels.unwrap_or_default();
        let mut speed = Speed::new(self.starting.as_secs_f64());
        let result = self.engine.stylise(&pictures, &request.params, |progress| {
            if let Some(preview) = &progress.preview {
                answer(Answer::Better(preview.clone(), progress.part));
            }
            let is_new = speed.learn(progress);
            // The small sizes say little of the large ones.
            let is_due = progress.evaluations.is_multiple_of(ESTIMATE_EVERY) && !levels.is_empty();
            if is_new && is_due && progress.level[0] == progress.level[1] {
                answer(Answer::Takes(speed.seconds(&levels)));
            }
            wanted()
        });
        if speed.seconds(&levels).is_some() {
            self.speed = speed;
        }
        match result {
            Ok(pixels) => answer(Answer::Done(pixels)),
            Err(Failure::Problem(problem)) => answer(Answer::Failed(problem)),
            Err(Failure::Cancelled) => {}
        }
    }
}
