//! What the command writes, and what it must not write over.

use std::path::{Path, PathBuf};
use std::process::Command;

use impasto::Picture;

use super::common::{folder, impasto, names, sample, stderr, succeed};

/// A job on pictures in a folder.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let to = folder();
        std::fs::copy(sample("cat.png"), to.path().join("c.png")).expect("copied");
        std::fs::copy(sample("whirls.jpg"), to.path().join("s.jpg")).expect("copied");
        Place(to)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn job(&self, arguments: &[&str]) -> Command {
        let mut command = impasto();
        command.current_dir(self.0.path()).args(arguments);
        command.args(["--size", "64", "--iterations", "4", "--device", "cpu", "--threads", "2", "--quiet"]);
        command
    }

    /// The job must end with 2 before any work, with nothing changed.
    fn refused(&self, arguments: &[&str], wanted: &str) {
        let contents = || -> Vec<(String, Option<Vec<u8>>)> {
            let all = names(self.0.path()).into_iter();
            all.map(|name| (name.clone(), std::fs::read(self.path(&name)).ok())).collect()
        };
        let before = contents();
        let output = self.job(arguments).output().expect("it starts");
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(wanted), "{arguments:?}: {said}");
        assert!(before == contents(), "{arguments:?} changed something");
    }
}

#[test]
fn no_file_that_is_read_is_written_over() {
    let place = Place::new();
    let read = "is one of the files that are read";
    std::fs::copy(sample("cat.png"), place.path("out-0004.png")).expect("copied");
    place.refused(&["out-0004.png", "s.jpg", "-o", "out.png", "--save-every", "2"], read);
    place.refused(&["c.png", "out-0004.png", "-o", "./out.png", "--save-every", "4"], read);
    // Also another's file with a preview's name, but none with a number that no preview gets.
    place.refused(&["c.png", "s.jpg", "-o", "out.png", "--save-every", "2"], "is there already");
    succeed(&mut place.job(&["c.png", "s.jpg", "-o", "out.png", "--save-every", "3"]));
    // The same job again replaces its result, and its own pictures on the way.
    succeed(&mut place.job(&["c.png", "s.jpg", "-o", "out.png", "--save-every", "3"]));

    std::fs::write(place.path("p.json"), r#"{"size": 64}"#).expect("written");
    place.refused(&["c.png", "s.jpg", "-o", "o.png", "--params", "p.json", "--report", "./p.json"], read);
    std::fs::copy(super::common::fixture("narrow.safetensors"), place.path("m.safetensors")).expect("copied");
    let model = ["c.png", "s.jpg", "-o", "o.png", "--model", "m.safetensors", "--report", "m.safetensors"];
    place.refused(&model, read);
    for option in ["--mask", "--blend", "--init", "--part", "--region"] {
        place.refused(&["c.png", "s.jpg", option, "out.png", "-o", "out.png"], read);
    }

    succeed(&mut place.job(&["c.png", "s.jpg", "-o", "a.png", "--report", "a.json", "--keep-history"]));
    place.refused(&["--resume", "a.json", "-o", "b.png", "--report", "a.txt", "--keep-history"], read);
}

#[test]
fn the_library_in_use_is_not_written_over() {
    let place = Place::new();
    let library = impasto::runtime::load().expect("ONNX Runtime");
    let name = library.file_name().expect("a name").to_string_lossy().into_owned();
    std::fs::copy(&library, place.path(&name)).expect("copied");
    let length = |path: &Path| std::fs::metadata(path).expect("there").len();
    for arguments in [["-o", &name, "--format", "png"], ["-o", "o.png", "--report", &name]] {
        let mut job = place.job(&["c.png", "s.jpg"]);
        let output =
            job.args(arguments).env("IMPASTO_ONNXRUNTIME", place.path(&name)).output().expect("it starts");
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains("is one of the files that are read"), "{}", stderr(&output));
    }
    assert_eq!(length(&place.path(&name)), length(&library));
}

#[test]
fn a_result_that_is_there_is_left_where_that_is_asked_for() {
    let place = Place::new();
    std::fs::write(place.path("o.png"), "done").expect("written");
    succeed(&mut place.job(&["c.png", "s.jpg", "-o", "o.png", "--skip-existing"]));
    assert_eq!(std::fs::read(place.path("o.png")).expect("there"), b"done");
    succeed(&mut place.job(&["c.png", "s.jpg", "-o", "new.png", "--skip-existing"]));
    assert_eq!(Picture::read(&place.path("new.png")).expect("a picture").width(), 64);
}

#[test]
fn no_file_is_named_for_two_outputs_however_it_is_spelt() {
    let place = Place::new();
    let twice = "is named for two outputs";
    place.refused(&["c.png", "s.jpg", "-o", "x.png", "--plot", "./x.png"], twice);
    place.refused(&["c.png", "s.jpg", "-o", "r.png", "--save-every", "2", "--plot", "r-0004.png"], twice);
    #[cfg(unix)]
    {
        std::fs::create_dir(place.path("b")).expect("a folder");
        std::os::unix::fs::symlink("b", place.path("a")).expect("a link");
        place.refused(&["c.png", "s.jpg", "-o", "a/o.png", "--plot", "b/o.png"], twice);
        place.refused(&["c.png", "s.jpg", "-o", "a/o.png", "--report", "a/../a/o.png"], twice);
    }
}

#[cfg(unix)]
#[test]
fn links_permissions_and_pipes_stay_what_they_are() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let place = Place::new();
    std::fs::create_dir(place.path("real")).expect("a folder");
    symlink("real/o.png", place.path("l.png")).expect("a link");
    succeed(&mut place.job(&["c.png", "s.jpg", "-o", "l.png"]));
    assert!(std::fs::symlink_metadata(place.path("l.png")).expect("there").file_type().is_symlink());
    assert_eq!(Picture::read(&place.path("real/o.png")).expect("a picture").width(), 64);
    assert_eq!(names(&place.path("real")), ["o.png"]);

    let target = place.path("real/o.png");
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o600)).expect("permissions");
    succeed(&mut place.job(&["c.png", "s.jpg", "-o", "l.png"]));
    assert_eq!(std::fs::metadata(&target).expect("there").permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o400)).expect("permissions");
    let output = place.job(&["c.png", "s.jpg", "-o", "l.png"]).output().expect("it starts");
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));

    let pipe = std::ffi::CString::new(place.path("q.png").to_str().expect("UTF-8")).expect("no NUL");
    // SAFETY: the name lives through the call.
    assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
    let reader = std::thread::spawn({
        let path = place.path("q.png");
        move || std::fs::read(path).expect("what is written")
    });
    succeed(&mut place.job(&["c.png", "s.jpg", "-o", "q.png"]));
    let read = reader.join().expect("the reader");
    assert_eq!(Picture::decode(&read, "q.png").expect("a picture").width(), 64);
}

#[cfg(unix)]
#[test]
fn a_picture_whose_place_fails_is_kept_and_said_where() {
    let place = Place::new();
    let out = place.path("gone");
    std::fs::create_dir(&out).expect("a folder");
    let job = place.job(&["c.png", "s.jpg", "-o", "gone/o.png"]);
    // The folder goes while the picture is painted; a script waits for its first line.
    let mut command = impasto();
    command.current_dir(place.0.path()).args(job.get_args()).env("TMPDIR", place.0.path());
    command.args(["--iterations", "60", "--progress", "json"]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("started");
    let mut lines = std::io::BufReader::new(child.stdout.take().expect("its output"));
    let mut line = String::new();
    std::io::BufRead::read_line(&mut lines, &mut line).expect("a line");
    std::fs::remove_dir_all(&out).expect("removed");
    std::io::copy(&mut lines, &mut std::io::sink()).expect("the rest");
    let output = child.wait_with_output().expect("it ends");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(6), "{said}");
    let kept = said.split("is kept in ").nth(1).expect("a place").trim();
    assert_eq!(Picture::read(Path::new(kept)).expect("a picture").width(), 64);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_grows_too_large_is_an_error_and_leaves_nothing() {
    let place = Place::new();
    let job = place.job(&["c.png", "s.jpg", "-o", "o.png"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -f 4; exec \"$@\"", "sh"]).arg(job.get_program()).args(job.get_args());
    let output = shell.current_dir(place.0.path()).output().expect("it starts");
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    assert_eq!(names(place.0.path()), ["c.png", "s.jpg"]);
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_text_work_in_all_outputs() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let place = Place::new();
    let odd = |name: &'static [u8]| OsStr::from_bytes(name);
    std::fs::copy(sample("cat.png"), place.0.path().join(odd(b"caf\xe9.png"))).expect("copied");
    let mut job = place.job(&["--save-every", "2", "--report", "r.json", "--keep-history"]);
    job.arg("-o").arg(odd(b"aus\xfc.png")).arg(odd(b"caf\xe9.png")).arg("s.jpg");
    succeed(&mut job);
    for name in [&b"aus\xfc.png"[..], b"aus\xfc-0002.png", b"aus\xfc-0004.png"] {
        assert!(place.0.path().join(OsStr::from_bytes(name)).is_file(), "{name:?}");
    }
    succeed(&mut place.job(&["--resume", "r.json", "-o", "more.png"]));
}

#[test]
fn a_picture_goes_through_standard_input_and_output() {
    use std::io::Write;

    let place = Place::new();
    let mut job = place.job(&["-", "s.jpg", "-o", "-", "--format", "png", "--report", "r.json"]);
    let mut child = job
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    let bytes = std::fs::read(place.path("c.png")).expect("the content");
    child.stdin.take().expect("its input").write_all(&bytes).expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    assert_eq!(Picture::decode(&output.stdout, "output").expect("a picture").width(), 64);
    assert_eq!(names(place.0.path()), ["c.png", "r.json", "s.jpg"]);

    let report = succeed(&mut place.job(&["c.png", "s.jpg", "-o", "o.png", "--report", "-"])).stdout;
    let report: serde_json::Value = serde_json::from_slice(&report).expect("a report");
    assert_eq!(report["settings"]["size"], 64);
    place.refused(&["-", "-", "-o", "x.png"], "standard input");
    place.refused(&["c.png", "s.jpg", "-o", "-"], "--format");
    place.refused(&["c.png", "s.jpg", "-o", "-", "--format", "png", "--report", "-"], "only one of");
}

#[test]
fn a_job_goes_on_after_its_folder_was_moved_and_with_other_pictures() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("A/in")).expect("folders");
    std::fs::rename(place.path("c.png"), place.path("A/in/c.png")).expect("moved");
    std::fs::rename(place.path("s.jpg"), place.path("A/s.jpg")).expect("moved");
    succeed(&mut place.job(&["A/in/c.png", "A/s.jpg", "-o", "A/o.png", "--report", "A/r.json"]));
    std::fs::rename(place.path("A"), place.path("B")).expect("moved");
    succeed(&mut place.job(&["--resume", "B/r.json", "-o", "o2.png"]));
    std::fs::rename(place.path("B/in/c.png"), place.path("elsewhere.png")).expect("moved");
    succeed(&mut place.job(&["elsewhere.png", "B/s.jpg", "--resume", "B/r.json", "-o", "o3.png"]));
    place
        .refused(&["elsewhere.png", "B/s.jpg", "B/s.jpg", "--resume", "B/r.json", "-o", "o4.png"], "1 style");
    place.refused(&["--resume", "o2.png", "-o", "o4.png"], "expected a report");
}

#[test]
fn a_built_in_model_is_meant_by_its_name_whatever_lies_there() {
    let place = Place::new();
    std::fs::write(place.path("compact"), "no model").expect("written");
    succeed(&mut place.job(&["c.png", "s.jpg", "-o", "a.png", "--report", "a.json"]));
    succeed(&mut place.job(&["--resume", "a.json", "-o", "b.png"]));
}

#[test]
fn a_kept_model_is_not_written_over() {
    let place = Place::new();
    let models = place.path("data/impasto/models");
    std::fs::create_dir_all(&models).expect("a folder");
    let model = models.join("mine.safetensors");
    std::fs::copy(super::common::fixture("narrow.safetensors"), &model).expect("copied");
    let before = std::fs::read(&model).expect("the model");
    let report = "data/impasto/models/mine.safetensors";
    let mut job = place.job(&["c.png", "s.jpg", "-o", "o.png", "--model", "mine", "--report", report]);
    let output = job.env("XDG_DATA_HOME", place.path("data")).output().expect("it starts");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("is one of the files that are read"));
    assert!(std::fs::read(&model).expect("the model") == before);
}
