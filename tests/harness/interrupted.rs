//! Jobs that are stopped: by a token, and by Ctrl-C.

use std::time::{Duration, Instant};

use impasto::{CancelToken, Error, Params, Picture, Pictures, Progress, Silent, Sink, Style};

use super::common::{engine, folder, names, quick, sample};

fn pictures() -> (Picture, Picture) {
    let read = |name: &str| Picture::read(&sample(name)).expect("the sample");
    (read("coffee.png"), read("dusk.jpg"))
}

#[test]
fn a_token_stops_within_an_evaluation_and_keeps_the_best_picture() {
    struct StopAt(usize, CancelToken);
    impl Sink for StopAt {
        fn progress(&mut self, progress: &Progress) {
            if progress.evaluations == self.0 {
                self.1.cancel();
            }
        }
    }
    let (content, style) = pictures();
    let styles = [Style::new(&style)];
    let pictures = Pictures { content: &content, styles: &styles, mask: None, init: None };
    let engine = engine("compact");
    let params = Params { size: Some(64), iterations: Some(100), ..Default::default() };
    let token = CancelToken::new();
    let stylised =
        engine.stylise(&pictures, &params, &mut StopAt(4, token.clone()), &token).expect("a picture");
    assert!(stylised.report.cancelled);
    assert_eq!(stylised.report.losses.len(), 4);
    assert!(stylised.report.loss < stylised.report.first_loss);
    // Cancelled before it begins, there is no picture.
    let result = engine.stylise(&pictures, &params, &mut Silent, &token);
    assert!(matches!(result.err(), Some(Error::Cancelled)));
}

#[test]
fn a_token_also_stops_in_the_middle_of_a_long_evaluation() {
    let (content, style) = pictures();
    let engine = engine("vgg19-random");
    let params = Params { size: Some(1024), iterations: Some(50), ..Default::default() };
    let token = CancelToken::new();
    let asked = std::thread::scope(|scope| {
        let job = scope.spawn(|| {
            let styles = [Style::new(&style)];
            let pictures = Pictures { content: &content, styles: &styles, mask: None, init: None };
            engine.stylise(&pictures, &params, &mut Silent, &token)
        });
        std::thread::sleep(Duration::from_millis(3000));
        let asked = Instant::now();
        token.cancel();
        let _ = job.join().expect("the job does not panic");
        asked.elapsed()
    });
    // An evaluation takes ten seconds and more here; a node of the graph far less than one.
    assert!(asked < Duration::from_secs(5), "it took {asked:?}");
}

#[cfg(unix)]
mod ctrl_c {
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Stdio};

    use super::*;

    /// Starts a long job and waits until it optimises.
    fn started(out: &std::path::Path) -> (Child, BufReader<std::process::ChildStdout>) {
        let mut job = quick(out);
        job.args(["--iterations", "100000", "--size", "128", "--progress", "json"]);
        let mut child = job.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the command starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        while !line.contains("\"progress\"") {
            line.clear();
            assert!(lines.read_line(&mut line).expect("a line") > 0, "it ended early");
        }
        (child, lines)
    }

    fn interrupt(child: &Child) {
        // SAFETY: the process is our own child and has not been waited for.
        assert_eq!(unsafe { libc::kill(child.id() as i32, libc::SIGINT) }, 0);
    }

    /// Reads what is left, so that the job never waits for us.
    fn code(mut child: Child, mut lines: BufReader<std::process::ChildStdout>) -> Option<i32> {
        std::io::copy(&mut lines, &mut std::io::sink()).expect("its output");
        child.wait().expect("it ends").code()
    }

    #[test]
    fn once_writes_the_best_picture() {
        let to = folder();
        let out = to.path().join("out.png");
        let (child, lines) = started(&out);
        interrupt(&child);
        assert_eq!(code(child, lines), Some(130));
        assert_eq!(Picture::read(&out).expect("a picture").width(), 128);
        assert_eq!(names(to.path()), ["out.png"]);
    }

    #[test]
    fn twice_leaves_no_part_of_a_file() {
        let to = folder();
        let out = to.path().join("out.png");
        let (child, lines) = started(&out);
        interrupt(&child);
        interrupt(&child);
        std::thread::sleep(Duration::from_millis(5));
        interrupt(&child);
        assert_eq!(code(child, lines), Some(130));
        let left = names(to.path());
        assert!(left.iter().all(|n| n == "out.png"), "{left:?}");
        if !left.is_empty() {
            Picture::read(&out).expect("a whole picture");
        }
    }
}
