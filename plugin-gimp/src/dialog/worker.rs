// SPDX-License-Identifier: GPL-3.0-or-later
//! Paints drafts on a thread of its own. A new request ends the one that is being worked on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};

use serde_json::Value;

use crate::library::{Engine, Failure, Library, Pictures};
use crate::picture::{Pixels, Second, Style};

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
}

/// What comes of a request.
pub enum Answer {
    /// A picture on the way: RGB in the size that is worked on.
    Better(Pixels),
    /// The draft, in the content's size and format.
    Done(Pixels),
    /// There is none; why.
    Failed(String),
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
    let mut engine: Option<(Value, Engine)> = None;
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
        if engine.as_ref().is_none_or(|(options, _)| *options != request.engine) {
            match library.engine(&request.engine) {
                Ok(made) => engine = Some((request.engine.clone(), made)),
                Err(problem) => {
                    answer(Answer::Failed(problem));
                    continue;
                }
            }
        }
        let Some((_, engine)) = &engine else { continue };
        let pictures = Pictures {
            content: &request.content,
            style: &request.style,
            second: request.second.as_deref(),
            start: request.start.as_deref(),
            mask: request.mask.as_deref(),
        };
        let result = engine.stylise(&pictures, &request.params, |progress| {
            if let Some(preview) = &progress.preview {
                answer(Answer::Better(preview.clone()));
            }
            shared.newest.load(Ordering::SeqCst) == number
        });
        match result {
            Ok(pixels) => answer(Answer::Done(pixels)),
            Err(Failure::Problem(problem)) => answer(Answer::Failed(problem)),
            Err(Failure::Cancelled) => {}
        }
    }
}
