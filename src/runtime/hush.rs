//! Keeps a library quiet while it starts. ONNX Runtime 1.21 of Debian and Ubuntu registers its operators twice and
//! writes more than a thousand lines about that to standard error.

use std::path::Path;

/// Whether a library came with the system, from its distribution: where its loader finds it by the bare name, too.
pub(super) fn is_the_systems(library: &Path) -> bool {
    let bare = library.parent().is_some_and(|folder| folder.as_os_str().is_empty());
    bare || library.starts_with("/usr/lib") || library.starts_with("/usr/lib64")
}

/// Does `work` while what this process writes to standard error is lost. That is so for its other threads, too, in the
/// tenth of a second that it takes.
pub(super) fn quietly<T>(work: impl FnOnce() -> T) -> T {
    #[cfg(unix)]
    let _until_the_end = Redirected::new();
    work()
}

/// Standard error, kept while it is redirected to nowhere.
#[cfg(unix)]
struct Redirected {
    kept: std::os::fd::OwnedFd,
}

#[cfg(unix)]
impl Redirected {
    /// None where there is no standard error, or it cannot be redirected: then all stays as it is.
    fn new() -> Option<Self> {
        use std::os::fd::{AsFd, AsRawFd};
        let nowhere = std::fs::OpenOptions::new().write(true).open("/dev/null").ok()?;
        let kept = std::io::stderr().as_fd().try_clone_to_owned().ok()?;
        // SAFETY: both numbers are open files of this process.
        let done = unsafe { libc::dup2(nowhere.as_raw_fd(), libc::STDERR_FILENO) };
        (done >= 0).then_some(Redirected { kept })
    }
}

#[cfg(unix)]
impl Drop for Redirected {
    fn drop(&mut self) {
        use std::os::fd::AsRawFd;
        // SAFETY: both numbers are open files of this process.
        unsafe { libc::dup2(self.kept.as_raw_fd(), libc::STDERR_FILENO) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_libraries_of_the_system_are_kept_quiet() {
        for theirs in [
            "/usr/lib/x86_64-linux-gnu/libonnxruntime.so.1.21",
            "/usr/lib64/libonnxruntime.so",
            "libonnxruntime.so",
        ] {
            assert!(is_the_systems(Path::new(theirs)), "{theirs}");
        }
        for other in [
            "/home/me/onnxruntime/libonnxruntime.so",
            "/usr/local/lib/libonnxruntime.so",
            "./libonnxruntime.so",
        ] {
            assert!(!is_the_systems(Path::new(other)), "{other}");
        }
    }

    /// Runs itself again as another program, so that no other test loses what it writes.
    #[cfg(unix)]
    #[test]
    fn what_is_written_meanwhile_is_lost_and_nothing_else() {
        use std::io::Write;
        const AGAIN: &str = "IMPASTO_TEST_HUSH";
        let write = |text: &str| std::io::stderr().write_all(text.as_bytes()).expect("written");
        if std::env::var_os(AGAIN).is_some() {
            write("before\n");
            assert_eq!(quietly(|| (write("meanwhile\n"), 7).1), 7);
            write("after\n");
            return;
        }
        let own = std::env::current_exe().expect("a program");
        let name = "runtime::hush::tests::what_is_written_meanwhile_is_lost_and_nothing_else";
        let mut again = std::process::Command::new(own);
        let output = again.args(["--exact", name, "--nocapture"]).env(AGAIN, "1").output().expect("run");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        let words: Vec<&str> =
            ["before", "meanwhile", "after"].into_iter().filter(|w| said.contains(w)).collect();
        assert_eq!(words, ["before", "after"], "{said}");
    }
}
