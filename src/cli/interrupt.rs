//! Ctrl-C: once ends the job early, twice ends the program. So do the system's requests to terminate and a terminal that is
//! closed, unless whoever started the program has it ignore them (nohup).

use std::sync::atomic::{AtomicBool, Ordering};

use impasto::{CancelToken, Error, Result, files};

use super::terminal::say;

/// Cancels `token` on the first interrupt and says `what` happens now; on the second removes what is half-written and exits
/// with 130.
pub fn listen(token: &CancelToken, what: Option<&'static str>) -> Result<()> {
    static ASKED: AtomicBool = AtomicBool::new(false);
    let cancelled = token.clone();
    let ignored = Ignored::now();
    ctrlc::set_handler(move || {
        if ASKED.swap(true, Ordering::SeqCst) {
            let _nothing_new = files::abandon_partial_files();
            exit();
        }
        // Before anything is said: standard error may be gone.
        cancelled.cancel();
        if let Some(what) = what {
            say(&format!("\nimpasto: {what}; again to stop at once"));
        }
    })
    .map_err(|e| Error::Runtime(format!("interrupts cannot be handled: {e}")))?;
    #[cfg(windows)]
    console::listen(token);
    ignored.restore();
    Ok(())
}

/// Files that grow beyond what is allowed are then an error of the write, and do not kill the program.
pub fn ignore_file_size_signal() {
    #[cfg(unix)]
    // SAFETY: no handler is set; the signal is ignored.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}

/// Without what libraries have registered for the end of a program: a job is still running.
fn exit() -> ! {
    #[cfg(unix)]
    // SAFETY: ends the process and nothing else.
    unsafe {
        libc::_exit(130)
    }
    #[cfg(windows)]
    // SAFETY: ends the process and nothing else.
    unsafe {
        use windows_sys::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};
        TerminateProcess(GetCurrentProcess(), 130);
    }
    #[cfg(not(unix))]
    std::process::exit(130)
}

/// A console window that is closed, and a user who logs off.
#[cfg(windows)]
mod console {
    use std::sync::OnceLock;

    use impasto::CancelToken;
    use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, CTRL_C_EVENT, SetConsoleCtrlHandler};
    use windows_sys::core::BOOL;

    static TOKEN: OnceLock<CancelToken> = OnceLock::new();

    /// Cancels `token` when the console closes. Windows then gives the program some seconds to write what was painted.
    pub fn listen(token: &CancelToken) {
        TOKEN.get_or_init(|| token.clone());
        // SAFETY: the handler may be called at any time from here on.
        if unsafe { SetConsoleCtrlHandler(Some(handler), 1) } == 0 {
            tracing::debug!("a console that closes is not noticed: {}", std::io::Error::last_os_error());
        }
    }

    /// Windows calls it before that of `ctrlc`, which was set earlier.
    unsafe extern "system" fn handler(event: u32) -> BOOL {
        if matches!(event, CTRL_C_EVENT | CTRL_BREAK_EVENT) {
            return 0;
        }
        if let Some(token) = TOKEN.get() {
            token.cancel();
        }
        // Windows ends the program when this returns; otherwise `main` ends it, when all is written.
        loop {
            std::thread::park();
        }
    }
}

/// The signals that this program was started to ignore.
#[cfg(unix)]
struct Ignored(Vec<libc::c_int>);

#[cfg(unix)]
impl Ignored {
    fn now() -> Self {
        let is_ignored = |signal: &libc::c_int| {
            // SAFETY: an all-zero sigaction is a valid value, and with no new action the call only writes the old one into it.
            let (asked, action) = unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                (libc::sigaction(*signal, std::ptr::null(), &mut action), action)
            };
            asked == 0 && action.sa_sigaction == libc::SIG_IGN
        };
        Ignored([libc::SIGHUP, libc::SIGINT, libc::SIGTERM].into_iter().filter(is_ignored).collect())
    }

    fn restore(self) {
        for signal in self.0 {
            // SAFETY: no handler is set; the signal is ignored, as it was.
            unsafe { libc::signal(signal, libc::SIG_IGN) };
        }
    }
}

#[cfg(not(unix))]
struct Ignored;

#[cfg(not(unix))]
impl Ignored {
    fn now() -> Self {
        Ignored
    }

    fn restore(self) {}
}
