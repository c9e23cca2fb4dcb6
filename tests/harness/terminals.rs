//! Terminals, pipes and signals: none of them costs the picture.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use impasto::Picture;

use super::common::{folder, impasto, quick, stderr};

/// The command of a shell script, with a job as its arguments.
fn shell(script: &str, job: &Command) -> Command {
    let mut shell = Command::new("bash");
    shell.args(["-c", script, "bash"]).arg(job.get_program()).args(job.get_args());
    shell
}

/// A job that tells what it does.
fn talking(out: &Path) -> Command {
    let mut command = quick(out);
    let arguments: Vec<_> = command.get_args().map(|a| a.to_os_string()).filter(|a| a != "--quiet").collect();
    command = impasto();
    command.args(arguments);
    command
}

#[test]
fn a_reader_that_goes_away_or_a_full_device_costs_no_picture() {
    let to = folder();
    for (at, script) in [
        "\"$@\" --progress json | head -1 >/dev/null; exit ${PIPESTATUS[0]}",
        "\"$@\" 2>&1 | head -1 >/dev/null; exit ${PIPESTATUS[0]}",
        "\"$@\" --progress json >/dev/full",
        "\"$@\" 2>/dev/full",
        "\"$@\" -v 2>/dev/full",
        "\"$@\" >&- 2>&-",
    ]
    .into_iter()
    .enumerate()
    {
        let out = to.path().join(format!("{at}.png"));
        let output = shell(script, &talking(&out)).output().expect("it starts");
        assert_eq!(output.status.code(), Some(0), "{script}: {}", stderr(&output));
        assert_eq!(Picture::read(&out).expect("a picture").width(), 64, "{script}");
    }
    // What was asked for on standard output is another matter.
    let out = to.path().join("reported.png");
    let script = "\"$@\" --report - | true; exit ${PIPESTATUS[0]}";
    let output = shell(script, &talking(&out)).output().expect("it starts");
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    assert_eq!(Picture::read(&out).expect("a picture").width(), 64);
    let mut missing = impasto();
    missing.args(["nothere.png", "neither.png", "-o"]).arg(to.path().join("x.png"));
    let output = shell("\"$@\" 2>/dev/full", &missing).output().expect("it starts");
    assert_eq!(output.status.code(), Some(3));
}

fn long(out: &Path) -> Command {
    let mut job = talking(out);
    job.args(["--size", "96", "--iterations", "100000", "--levels", "1"]);
    job
}

fn send(child: &Child, signal: libc::c_int) {
    // SAFETY: the process is our own child and has not been waited for.
    assert_eq!(unsafe { libc::kill(child.id() as i32, signal) }, 0);
}

/// Waits for the end; None if there is none in this time.
fn ended(child: &mut Child, within: Duration) -> Option<ExitStatus> {
    let begun = Instant::now();
    while begun.elapsed() < within {
        if let Some(status) = child.try_wait().expect("our child") {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    None
}

/// Waits until a job optimises: it has written the first of its previews.
fn optimising(out: &Path) {
    let preview =
        out.with_file_name(format!("{}-0002.png", out.file_stem().expect("a name").to_string_lossy()));
    let begun = Instant::now();
    while !preview.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "no preview");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_hangup_that_is_ignored_stays_ignored_and_another_ends_the_job() {
    let to = folder();
    let out = to.path().join("n.png");
    let mut job = long(&out);
    job.args(["--save-every", "2"]);
    // SAFETY: signal() may be called between fork and exec.
    unsafe {
        job.pre_exec(|| {
            libc::signal(libc::SIGHUP, libc::SIG_IGN);
            Ok(())
        })
    };
    let mut child = job.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    optimising(&out);
    send(&child, libc::SIGHUP);
    assert_eq!(ended(&mut child, Duration::from_millis(1500)), None, "it was to go on");

    let out = to.path().join("m.png");
    let mut job = long(&out);
    job.args(["--save-every", "2"]);
    let mut child = job.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    optimising(&out);
    send(&child, libc::SIGHUP);
    let status = ended(&mut child, Duration::from_secs(20)).expect("it ends");
    assert_eq!(status.code(), Some(130));
    assert!(out.exists());
}

#[test]
fn two_requests_to_terminate_end_a_job_whose_standard_error_is_gone() {
    let to = folder();
    let out = to.path().join("t.png");
    let mut job = long(&out);
    job.args(["--save-every", "2", "--progress", "none"]);
    let mut child = job.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    drop(child.stderr.take());
    optimising(&out);
    send(&child, libc::SIGTERM);
    let status =
        ended(&mut child, Duration::from_secs(20)).expect("the first ends it with the picture so far");
    assert_eq!(status.code(), Some(130));
    assert_eq!(Picture::read(&out).expect("a picture").width(), 96);
}

#[test]
fn a_terminal_that_is_closed_ends_the_job_with_its_picture() {
    let to = folder();
    let out = to.path().join("c.png");
    let (mut master, mut slave) = (0, 0);
    // SAFETY: the two numbers are written to; no name, no settings.
    let opened = unsafe {
        libc::openpty(
            &mut master,
            &mut slave,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        )
    };
    assert_eq!(opened, 0);
    let mut job = long(&out);
    job.args(["--save-every", "2"]);
    // SAFETY: these calls may be made between fork and exec; the terminal is open.
    unsafe {
        job.pre_exec(move || {
            libc::setsid();
            libc::ioctl(slave, libc::TIOCSCTTY as _, 0);
            for to in 0..3 {
                libc::dup2(slave, to);
            }
            libc::close(master);
            Ok(())
        })
    };
    let mut child = job.spawn().expect("it starts");
    // SAFETY: both are open and ours.
    unsafe { libc::close(slave) };
    optimising(&out);
    // SAFETY: as above.
    unsafe { libc::close(master) };
    let status = ended(&mut child, Duration::from_secs(20)).expect("it ends");
    assert_eq!(status.code(), Some(130));
    assert_eq!(Picture::read(&out).expect("a picture").width(), 96);
}
