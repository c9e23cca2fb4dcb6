//! Several pictures in one command.

use std::path::{Path, PathBuf};
use std::process::Command;

use impasto::Picture;

use super::common::{folder, impasto, names, sample, stderr, succeed};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Place(folder());
        std::fs::create_dir(place.path("in")).expect("a folder");
        for (from, to) in [("cat.png", "in/a.png"), ("dusk.jpg", "in/b.jpg"), ("coffee.png", "in/c.png")] {
            std::fs::copy(sample(from), place.path(to)).expect("copied");
        }
        std::fs::copy(sample("whirls.jpg"), place.path("s.jpg")).expect("copied");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn job(&self, arguments: &[&str]) -> Command {
        let mut command = impasto();
        command.current_dir(self.0.path()).args(arguments);
        command.args(["--size", "64", "--iterations", "3", "--device", "cpu", "--threads", "2"]);
        command
    }
}

fn lines(path: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path).expect("a file");
    text.lines().map(|l| serde_json::from_str(l).expect("a JSON line")).collect()
}

#[test]
fn pictures_and_folders_go_into_a_folder_under_their_names() {
    let place = Place::new();
    succeed(&mut place.job(&["in/a.png", "in/b.jpg", "s.jpg", "-o", "new/"]));
    assert_eq!(names(&place.path("new")), ["a.png", "b.jpg"]);
    assert_eq!(Picture::read(&place.path("new/b.jpg")).expect("a picture").width(), 64);
    // A folder, with a style of the program's own, in one format.
    succeed(&mut place.job(&["in", "--style", "ink-wash", "-o", "other/", "--format", "png"]));
    assert_eq!(names(&place.path("other")), ["a.png", "b.png", "c.png"]);
    // Each is what a command of its own would paint.
    succeed(&mut place.job(&["in/a.png", "s.jpg", "-o", "one.png"]));
    let read = |name: &str| std::fs::read(place.path(name)).expect("a file");
    assert!(read("one.png") == read("new/a.png"));
}

#[test]
fn one_that_fails_is_told_and_the_others_go_on() {
    let place = Place::new();
    std::fs::write(place.path("in/bad.png"), "no picture").expect("written");
    let arguments = ["in", "s.jpg", "-o", "out/", "--report", "r.jsonl", "--progress", "json"];
    let output = place.job(&arguments).output().expect("it starts");
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("bad.png"), "{}", stderr(&output));
    assert_eq!(names(&place.path("out")), ["a.png", "b.jpg", "c.png"]);
    let events: Vec<serde_json::Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|l| serde_json::from_str(l).expect("a JSON line"))
        .collect();
    let count = |event: &str| events.iter().filter(|e| e["event"] == event).count();
    assert_eq!((count("picture"), count("done"), count("error")), (4, 3, 1));
    let last = events.last().expect("events");
    assert_eq!(
        (&last["event"], &last["painted"], &last["failed"]),
        (&"finished".into(), &3.into(), &1.into())
    );
    let reports = lines(&place.path("r.jsonl"));
    assert_eq!(reports.len(), 4);
    assert_eq!(reports.iter().filter(|r| r["error"].is_string()).count(), 1);

    let output = place.job(&["in", "s.jpg", "-o", "out/", "--skip-existing"]).output().expect("it starts");
    let said = stderr(&output);
    assert!(said.contains("0 painted, 3 there already, 1 failed"), "{said}");
}

#[test]
fn what_is_for_one_picture_or_would_be_written_over_is_refused() {
    let place = Place::new();
    let refused = |arguments: &[&str], wanted: &str| {
        let output = place.job(arguments).output().expect("it starts");
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(wanted), "{arguments:?}: {said}");
    };
    refused(&["in/a.png", "in/b.jpg", "s.jpg", "-o", "out.png"], "go into a folder");
    refused(&["in/a.png", "in/b.jpg", "s.jpg", "-o", "out/", "--mask", "in/a.png"], "--mask");
    refused(&["in/a.png", "in/b.jpg", "s.jpg", "-o", "out/", "--plot", "p.svg"], "--plot");
    refused(&["in", "s.jpg", "-o", "in/"], "is one of the files that are read");
    std::fs::create_dir(place.path("two")).expect("a folder");
    std::fs::copy(place.path("in/a.png"), place.path("two/a.png")).expect("copied");
    refused(&["in/a.png", "two/a.png", "s.jpg", "-o", "out/"], "would both be painted");
    std::fs::create_dir(place.path("none")).expect("a folder");
    let output = place.job(&["none", "s.jpg", "-o", "new/out/"]).output().expect("it starts");
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(!place.path("new").exists(), "a folder for nothing");
    refused(&["in/a.png", "./in/a.png", "s.jpg", "-o", "out/"], "is named twice");
    // `-` is standard output, whatever folder has this name.
    std::fs::create_dir(place.path("-")).expect("a folder");
    refused(&["in/a.png", "s.jpg", "-o", "-"], "--format is needed");
}

#[cfg(unix)]
#[test]
fn killed_at_any_moment_every_file_is_whole_and_the_rest_is_painted_later() {
    let place = Place::new();
    for copy in 0..4 {
        std::fs::copy(sample("cat.png"), place.path(&format!("in/d{copy}.png"))).expect("copied");
    }
    let command = || {
        let mut job = place.job(&["in", "s.jpg", "-o", "out/", "--skip-existing", "--quiet"]);
        job.stdout(std::process::Stdio::null());
        job
    };
    for kill in 0..6u64 {
        let mut child = command().spawn().expect("it starts");
        std::thread::sleep(std::time::Duration::from_millis(150 + 170 * kill));
        let _ = child.kill();
        child.wait().expect("it ends");
        for name in names(&place.path("out")).iter().filter(|n| !n.ends_with(".partial")) {
            Picture::read(&place.path("out").join(name)).expect("a whole picture");
        }
    }
    succeed(&mut command());
    let done: Vec<String> =
        names(&place.path("out")).into_iter().filter(|n| !n.ends_with(".partial")).collect();
    assert_eq!(done, ["a.png", "b.jpg", "c.png", "d0.png", "d1.png", "d2.png", "d3.png"]);
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_whole_pictures_and_says_how_to_go_on() {
    let place = Place::new();
    let mut job = place.job(&["in", "s.jpg", "-o", "out/", "--iterations", "3000"]);
    job.args(["--progress", "json", "--levels", "1"]);
    let mut child = job
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    let mut output = std::io::BufReader::new(child.stdout.take().expect("its output"));
    let mut line = String::new();
    while !line.contains("\"progress\"") {
        line.clear();
        assert!(std::io::BufRead::read_line(&mut output, &mut line).expect("a line") > 0);
    }
    // SAFETY: the process is our own child and has not been waited for.
    assert_eq!(unsafe { libc::kill(child.id() as i32, libc::SIGINT) }, 0);
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut output, &mut rest).expect("the rest");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let last: serde_json::Value = serde_json::from_str(rest.lines().last().expect("a line")).expect("JSON");
    assert_eq!((&last["event"], &last["left"]), (&"finished".into(), &3.into()));
    assert!(names(&place.path("out")).is_empty());
}
