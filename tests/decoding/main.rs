//! How much memory reading a picture takes, and what happens to damaged files. This is a program of its own
//! because it counts all memory that is allocated; its tests run one after the other.

mod allocations;
mod damaged;
mod memory;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

/// Held by the test that runs. Decoders' threads of the one before have ended when it is given.
fn alone() -> MutexGuard<'static, ()> {
    static RUNNING: Mutex<()> = Mutex::new(());
    let alone = RUNNING.lock().unwrap_or_else(|e| e.into_inner());
    std::thread::sleep(std::time::Duration::from_millis(200));
    alone
}

fn fixtures() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pictures");
    let entries = std::fs::read_dir(folder).expect("the fixtures");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e != "py"));
    paths.sort();
    paths
}
