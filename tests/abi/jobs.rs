//! Jobs as hosts run them: cancelled at every evaluation, from callbacks, from many threads, again and again.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use crate::host::{Host, Pixels};
use crate::library::*;

#[test]
fn cancelling_at_each_evaluation_leaves_the_output_or_gives_the_best() {
    let Some(api) = Api::shared() else { return };
    let engine = api.small();
    for at in 0..=6 {
        for keep in [0, 1] {
            let mut host = Host::new();
            host.on_cancel = keep;
            host.output.bytes.fill(0x5A);
            let before = host.output.bytes.clone();
            let mut last = 0;
            let status = host.run_with(api, engine, |p| {
                last = last.max(p.evaluations);
                (p.evaluations >= at) as i32
            });
            // At the last evaluation there is nothing left to cancel, but the wish is reported.
            let expected = match (last, keep) {
                (0, _) | (_, 0) => CANCELLED,
                _ => CANCELLED_WITH_PICTURE,
            };
            assert_eq!(status, expected, "at {at}");
            // Before the first evaluation the callback is called only if preparing takes a while.
            assert!(last == at || (at == 0 && last <= 1), "{last} evaluations, {at} wanted");
            assert_eq!(host.output.bytes == before, expected == CANCELLED, "at {at}, keep {keep}");
        }
    }
    api.engine_free(engine);
}

#[test]
fn cancelling_takes_effect_in_the_middle_of_an_evaluation() {
    let Some(api) = Api::shared() else { return };
    let engine = api.engine(r#"{"device": "cpu", "threads": 2, "model": "vgg19-random"}"#);
    let mut host = Host::new().params(r#"{"size": 768, "style_size": 64, "iterations": 3, "levels": 1}"#);
    let mut asked = None;
    let begun = Instant::now();
    let status = host.run_with(api, engine, |p| {
        // It is the heartbeat that is answered: no evaluation has ended yet.
        let wanted = p.evaluations == 0 && begun.elapsed() > Duration::from_secs(3);
        if wanted {
            asked.get_or_insert_with(Instant::now);
        }
        wanted as i32
    });
    assert_eq!(status, CANCELLED);
    let took = asked.expect("asked").elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    api.engine_free(engine);
}

#[test]
fn progress_tells_how_far_it_is_and_shows_the_picture() {
    let Some(api) = Api::shared() else { return };
    let engine = api.small();
    let mut host = Host::new().params(r#"{"size": 48, "iterations": 6, "preview_every": 2}"#);
    let (mut losses, mut previews) = (Vec::new(), Vec::new());
    let thread = std::thread::current().id();
    let status = host.run_with(api, engine, |p| {
        assert_eq!(std::thread::current().id(), thread);
        assert_eq!(p.struct_size, size_of::<Progress>());
        // SAFETY: it is null or lives until the callback returns.
        if let Some(preview) = unsafe { p.preview.as_ref() } {
            assert_eq!((preview.width, preview.height, preview.layout, preview.sample), (48, 36, 3, 1));
            // SAFETY: as above.
            let bytes = unsafe { std::slice::from_raw_parts(preview.data.cast::<u8>(), 48 * 36 * 3) };
            previews.push(bytes.to_vec());
        } else if p.phase == 1 {
            assert_eq!(p.planned, 6);
            assert_eq!((p.level, p.levels, p.width, p.height), (1, 1, 48, 36));
            assert_eq!([p.left, p.top, p.right, p.bottom], [0.0, 0.0, 1.0, 1.0]);
            if losses.len() < p.evaluations as usize {
                losses.push(p.loss);
            }
        }
        0
    });
    assert_eq!(status, OK);
    assert_eq!((losses.len(), previews.len()), (6, 3));
    assert!(losses.is_sorted_by(|a, b| a >= b));
    assert_eq!(previews[2], host.output.bytes, "the last preview is the result");
    api.engine_free(engine);
}

#[test]
fn progress_tells_which_part_of_the_content_a_mask_leaves() {
    let Some(api) = Api::shared() else { return };
    let engine = api.small();
    let mut host = Host::new().params(r#"{"iterations": 3, "preview_every": 1}"#);
    host.content = Pixels::rgb(120, 90);
    host.output = Pixels::rgb(120, 90);
    let mut mask = Pixels::new(120, 90, 1, 1, 0);
    for (at, value) in mask.bytes.iter_mut().enumerate() {
        *value = if at == 40 * 120 + 60 { 255 } else { 0 };
    }
    host.mask = Some(mask);
    let mut seen = 0;
    let status = host.run_with(api, engine, |p| {
        if p.phase == 1 {
            // 24 pixels are kept around what is selected.
            let wanted = [36.0 / 120.0, 16.0 / 90.0, 85.0 / 120.0, 65.0 / 90.0];
            assert_eq!([p.left, p.top, p.right, p.bottom], wanted);
            seen += 1;
        }
        0
    });
    assert_eq!(status, OK, "{}", api.error());
    assert!(seen >= 3);
    api.engine_free(engine);
}

/// Runs a body on a thread of its own and fails after that time, so that a hang fails a test and does not hang it.
fn within<R: Send + 'static>(limit: Duration, body: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, wait) = channel();
    let thread = std::thread::spawn(move || {
        // Nobody waits any more if the time is over.
        let _ = done.send(body());
    });
    match wait.recv_timeout(limit) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => panic!("it still runs after {limit:?}"),
        Err(RecvTimeoutError::Disconnected) => match thread.join() {
            Err(payload) => std::panic::resume_unwind(payload),
            Ok(()) => panic!("the thread has ended without a result"),
        },
    }
}

/// Long enough for a few small jobs on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// An engine for several threads; it is never freed, as a job may hang on it.
#[derive(Clone, Copy)]
struct Shared(*mut Engine);

// SAFETY: the header allows calls from any thread.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    fn new(api: &Api, threads: usize) -> Self {
        Shared(api.engine(&format!(r#"{{"device": "cpu", "threads": {threads}}}"#)))
    }

    fn engine(&self) -> *mut Engine {
        self.0
    }
}

/// Runs a job whose callback, at the second evaluation, waits for `together` and runs a second job on the same engine.
/// Returns the outer picture and the inner.
fn nested(api: &Api, shared: Shared, together: &Barrier) -> [Vec<u8>; 2] {
    let (mut outer, mut inner) = (Host::new(), Host::new());
    let mut done = false;
    let status = outer.run_with(api, shared.engine(), |p| {
        if p.evaluations == 2 && !std::mem::replace(&mut done, true) {
            together.wait();
            assert_eq!(inner.run(api, shared.engine()), OK);
            assert_eq!(api.stylise(shared.engine(), std::ptr::null(), null_mut()), INVALID_ARGUMENT);
            assert!(api.error().contains("job"));
        }
        0
    });
    assert_eq!(status, OK);
    assert!(done);
    [outer.output.bytes, inner.output.bytes]
}

#[test]
fn a_callback_runs_a_second_job_on_its_own_engine_of_one_thread() {
    let Some(api) = Api::shared() else { return };
    let shared = Shared::new(api, 1);
    let mut reference = Host::new();
    assert_eq!(reference.run(api, shared.engine()), OK);
    let pictures = within(PATIENCE, move || nested(api, shared, &Barrier::new(1)));
    assert!(pictures.iter().all(|p| *p == reference.output.bytes));
}

#[test]
fn callbacks_of_two_jobs_each_run_another_job_on_their_engine_of_two_threads() {
    let Some(api) = Api::shared() else { return };
    let shared = Shared::new(api, 2);
    let mut reference = Host::new();
    assert_eq!(reference.run(api, shared.engine()), OK);
    let both = within(PATIENCE, move || {
        let together = Barrier::new(2);
        std::thread::scope(|scope| {
            let jobs = [(); 2].map(|()| scope.spawn(|| nested(api, shared, &together)));
            jobs.map(|job| job.join().expect("it does not panic"))
        })
    });
    assert!(both.iter().flatten().all(|p| *p == reference.output.bytes));
}

/// Two jobs on the same engine that run until they are dropped.
struct LongJobs {
    stop: Arc<AtomicBool>,
    ended: Arc<AtomicUsize>,
    threads: Vec<std::thread::JoinHandle<i32>>,
}

impl LongJobs {
    /// Returns when both are painting.
    fn start(api: &'static Api, shared: Shared) -> Self {
        let (stop, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (painting, wait) = channel();
        let run = || {
            let (stop, ended, painting) = (stop.clone(), ended.clone(), painting.clone());
            std::thread::spawn(move || {
                let mut host = Host::new()
                    .params(r#"{"size": 256, "style_size": 64, "iterations": 10000, "levels": 1}"#);
                let mut first = true;
                let status = host.run_with(api, shared.engine(), |p| {
                    if p.evaluations > 0 && std::mem::replace(&mut first, false) {
                        painting.send(()).expect("the test waits for it");
                    }
                    stop.load(SeqCst) as i32
                });
                ended.fetch_add(1, SeqCst);
                status
            })
        };
        let threads = vec![run(), run()];
        for _ in &threads {
            wait.recv_timeout(PATIENCE).expect("a long job paints");
        }
        LongJobs { stop, ended, threads }
    }

    /// Ends them.
    fn end(self) {
        self.stop.store(true, SeqCst);
        for thread in self.threads {
            assert_eq!(thread.join().expect("it does not panic"), CANCELLED);
        }
    }
}

#[test]
fn a_third_job_on_a_busy_engine_is_called_back_at_once_and_cancelled_within_an_evaluation() {
    let Some(api) = Api::shared() else { return };
    let shared = Shared::new(api, 2);
    let long = LongJobs::start(api, shared);
    let ended = long.ended.clone();
    within(PATIENCE, move || {
        // Cancelled by the first callback, whenever that is; then at an evaluation.
        for cancel_at in [0, 2] {
            let mut host =
                Host::new().params(r#"{"size": 128, "style_size": 64, "iterations": 50, "levels": 1}"#);
            let begun = Instant::now();
            let (mut called, mut asked) = (None, None);
            let (mut evaluations, mut last, mut longest) = (0, Instant::now(), Duration::ZERO);
            let status = host.run_with(api, shared.engine(), |p| {
                called.get_or_insert_with(|| begun.elapsed());
                if p.evaluations > evaluations {
                    longest = longest.max(last.elapsed());
                    (evaluations, last) = (p.evaluations, Instant::now());
                }
                if p.evaluations >= cancel_at {
                    asked.get_or_insert_with(Instant::now);
                }
                (p.evaluations >= cancel_at) as i32
            });
            let took = asked.expect("it was cancelled").elapsed();
            assert_eq!(status, CANCELLED);
            let called = called.expect("it was called back");
            assert!(called < Duration::from_secs(1), "the first callback came after {called:?}");
            // Preparing, before the first evaluation, may take as long as one.
            let limit = longest.max(Duration::from_secs(2)) + Duration::from_millis(500);
            assert!(
                took < limit,
                "cancelling at {cancel_at} took {took:?}, an evaluation at most {longest:?}"
            );
            assert_eq!(ended.load(SeqCst), 0, "the third job has waited for another one to end");
        }
    });
    long.end();
}

#[test]
fn eight_threads_share_an_engine_and_have_their_own() {
    let Some(api) = Api::shared() else { return };
    let shared = api.small() as usize;
    let mut reference = Host::new();
    assert_eq!(reference.run(api, shared as *mut Engine), OK);
    let reference = &reference.output.bytes;
    std::thread::scope(|scope| {
        for i in 0..8 {
            scope.spawn(move || {
                let own = (i % 2 == 0).then(|| api.small());
                let mut host = Host::new();
                assert_eq!(host.run(api, own.unwrap_or(shared as *mut Engine)), OK, "{}", api.error());
                assert!(host.output.bytes == *reference);
                // The error belongs to the thread.
                let mut bad = Host::new().params(&format!("{{\"nr{i}\": 1}}"));
                assert_eq!(bad.run(api, shared as *mut Engine), PARAMETERS);
                assert!(api.error().contains(&format!("nr{i}")));
                if let Some(own) = own {
                    api.engine_free(own);
                }
            });
        }
    });
    api.engine_free(shared as *mut Engine);
}

#[cfg(target_os = "linux")]
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("statm");
    text.split(' ').nth(1).and_then(|n| n.parse::<usize>().ok()).expect("a number") * 4096
}

#[cfg(target_os = "linux")]
#[test]
fn a_thousand_engines_come_and_go_without_growth() {
    let Some(api) = alone("jobs::a_thousand_engines_come_and_go_without_growth") else { return };
    let cycle = |n: usize| {
        for _ in 0..n {
            let engine = api.small();
            api.json(|a, to| a.engine_info(engine, to));
            Host::new().with(|job| api.json(|a, to| a.plan(engine, job, to)));
            api.engine_free(engine);
        }
    };
    // What the first ones leave in the allocator's pools stays.
    cycle(200);
    let before = resident();
    cycle(1000);
    let grown = resident().saturating_sub(before);
    // Each engine holds more than a megabyte of weights.
    assert!(grown < 32 << 20, "{} MiB more", grown >> 20);
}

#[test]
fn it_is_opened_used_closed_and_opened_again() {
    for _ in 0..3 {
        let Some(api) = Api::open() else { return };
        let engine = api.small();
        let mut host = Host::new();
        assert_eq!(host.run(&api, engine), OK);
        api.engine_free(engine);
        drop(api);
    }
}

/// Runs a test once more in a process of its own, where no other test is, and sees to it that the library
/// prints nothing there. The library is for that process; here it is None.
fn alone(test: &str) -> Option<&'static Api> {
    const CHILD: &str = "IMPASTO_TEST_CHILD";
    let api = Api::shared()?;
    if std::env::var_os(CHILD).is_some() {
        return Some(api);
    }
    let own = std::env::current_exe().expect("this program");
    let mut child = std::process::Command::new(own);
    let output =
        child.args(["--exact", test, "--nocapture", "-q"]).env(CHILD, "1").output().expect("it starts");
    let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{printed}{said}");
    assert!(printed.contains("1 passed"), "{printed}");
    assert_eq!(said, "");
    assert!(!printed.to_lowercase().contains("onnx"), "{printed}");
    None
}

#[test]
fn nothing_is_printed_and_no_handler_is_set() {
    let Some(api) = alone("jobs::nothing_is_printed_and_no_handler_is_set") else { return };
    #[cfg(unix)]
    let handlers = || {
        [libc::SIGINT, libc::SIGTERM, libc::SIGSEGV, libc::SIGABRT, libc::SIGPIPE].map(|signal| {
            let mut action: libc::sigaction =
                // SAFETY: a plain struct that the call fills.
                unsafe { std::mem::zeroed() };
            // SAFETY: asking changes nothing.
            assert_eq!(unsafe { libc::sigaction(signal, std::ptr::null(), &mut action) }, 0);
            action.sa_sigaction
        })
    };
    #[cfg(unix)]
    let before = handlers();
    let environment: Vec<_> = std::env::vars_os().collect();
    let engine = api.small();
    assert_eq!(Host::new().run(api, engine), OK);
    assert_eq!(Host::new().params("{").run(api, engine), PARAMETERS);
    api.engine_free(engine);
    #[cfg(unix)]
    assert_eq!(handlers(), before);
    assert_eq!(std::env::vars_os().collect::<Vec<_>>(), environment);
}
