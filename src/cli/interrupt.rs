//! Ctrl-C: once ends the job with the best picture so far, twice ends the program.

use std::sync::atomic::{AtomicBool, Ordering};

use impasto::{CancelToken, Error, Result, picture};

/// Cancels `token` on the first interrupt (or a request to terminate); on the second removes what is
/// half-written and exits with 130.
pub fn listen(token: &CancelToken, quiet: bool) -> Result<()> {
    static ASKED: AtomicBool = AtomicBool::new(false);
    let token = token.clone();
    ctrlc::set_handler(move || {
        if ASKED.swap(true, Ordering::SeqCst) {
            let _nothing_new = picture::abandon_partial_files();
            std::process::exit(130);
        }
        if !quiet {
            eprintln!("\nimpasto: finishing with the best picture so far; again to stop at once");
        }
        token.cancel();
    })
    .map_err(|e| Error::Runtime(format!("interrupts cannot be handled: {e}")))
}
