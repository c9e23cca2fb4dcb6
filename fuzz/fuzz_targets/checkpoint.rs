//! PyTorch's checkpoints with any bytes, pickles and archives: each is refused with words, or gives a model.

#![no_main]

use std::cell::OnceCell;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

thread_local! {
    static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
}

fuzz_target!(|bytes: &[u8]| {
    FOLDER.with(|folder| {
        // The reader takes files, not bytes.
        let folder = folder.get_or_init(|| tempfile::tempdir().expect("a temporary folder"));
        let path = folder.path().join("fuzzed.pth");
        std::fs::write(&path, bytes).expect("a file");
        let _ = impasto::onnx::read(&path);
    });
});
