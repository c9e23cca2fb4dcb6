//! Keeps back what a distribution's ONNX Runtime writes about itself. Debian's and Ubuntu's 1.21 shares the library of the ONNX
//! operators with them, registers each operator twice when the first session is made, and writes more than five hundred
//! lines about that to standard error.

use std::path::Path;

/// How the lines begin.
#[cfg(any(target_os = "linux", test))]
const NOISE: &str = "Schema error: Trying to register schema";

/// Whether a library came with the system, from its distribution: where its loader finds it by the bare name, too.
pub(super) fn is_the_systems(library: &Path) -> bool {
    let bare = library.parent().is_some_and(|folder| folder.as_os_str().is_empty());
    bare || library.starts_with("/usr/lib") || library.starts_with("/usr/lib64")
}

/// Does `work`. What this process writes to standard error meanwhile is written when the work has ended, without those lines:
/// other threads lose nothing.
pub(super) fn without_schema_errors<T>(work: impl FnOnce() -> T) -> T {
    #[cfg(target_os = "linux")]
    let _until_the_end = kept_back::Kept::new();
    work()
}

/// A text without the lines about schemas, and without the empty line that follows each.
#[cfg(any(target_os = "linux", test))]
fn worth_saying(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut after_noise = false;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let noise = line.starts_with(NOISE.as_bytes());
        let belongs_to_noise = after_noise && line == b"\n";
        if !noise && !belongs_to_noise {
            out.extend_from_slice(line);
        }
        after_noise = noise;
    }
    out
}

#[cfg(target_os = "linux")]
mod kept_back {
    use std::fs::File;
    use std::io::{Read, Seek, Write};
    use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

    /// Standard error, while it goes into a file in memory.
    pub(super) struct Kept {
        standard_error: OwnedFd,
        memory: File,
    }

    impl Kept {
        /// None where there is no standard error, or it cannot be redirected: then all stays as it is.
        pub(super) fn new() -> Option<Self> {
            let standard_error = std::io::stderr().as_fd().try_clone_to_owned().ok()?;
            // SAFETY: the name is a C string; the number that comes back is a new open file, or negative.
            let number = unsafe { libc::memfd_create(c"standard error".as_ptr(), libc::MFD_CLOEXEC) };
            if number < 0 {
                return None;
            }
            // SAFETY: nothing else owns this number.
            let memory = unsafe { File::from_raw_fd(number) };
            redirect(&memory).then_some(Kept { standard_error, memory })
        }
    }

    impl Drop for Kept {
        fn drop(&mut self) {
            redirect(&self.standard_error);
            let mut text = Vec::new();
            let read = self.memory.rewind().and_then(|()| self.memory.read_to_end(&mut text));
            if read.is_ok() {
                // Where standard error cannot be written to, nobody misses it.
                let _ = std::io::stderr().write_all(&super::worth_saying(&text));
            }
        }
    }

    fn redirect(to: &impl AsRawFd) -> bool {
        // SAFETY: both numbers are open files of this process.
        unsafe { libc::dup2(to.as_raw_fd(), libc::STDERR_FILENO) >= 0 }
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

    #[test]
    fn an_empty_line_goes_only_with_a_line_about_a_schema() {
        let text = format!("\none\n{NOISE} with name Abs\n\n\ntwo\n{NOISE} with name Add\nthree");
        assert_eq!(worth_saying(text.as_bytes()), b"\none\n\ntwo\nthree");
    }

    /// Runs itself again as another program, so that no other test's words are kept back.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_others_write_meanwhile_is_written_afterwards() {
        use std::io::Write;
        const AGAIN: &str = "IMPASTO_TEST_HUSH";
        let write = |text: &str| std::io::stderr().write_all(text.as_bytes()).expect("written");
        if std::env::var_os(AGAIN).is_some() {
            write("before\n");
            let work = || write(&format!("meanwhile\n{NOISE} with name Abs\n\n"));
            without_schema_errors(work);
            write("after\n");
            return;
        }
        let own = std::env::current_exe().expect("a program");
        let name = "runtime::hush::tests::what_others_write_meanwhile_is_written_afterwards";
        let mut again = std::process::Command::new(own);
        let output = again.args(["--exact", name, "--nocapture"]).env(AGAIN, "1").output().expect("run");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        assert!(said.contains("before\nmeanwhile\nafter\n"), "{said}");
    }
}
