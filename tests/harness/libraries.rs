//! ONNX Runtime's library in states that a user's machine may have it in.

use std::path::{Path, PathBuf};

use super::common::{folder, impasto, skipped, stderr};

/// ONNX Runtime as the tests have it.
fn library() -> Option<PathBuf> {
    let named = PathBuf::from(std::env::var_os("IMPASTO_ONNXRUNTIME")?);
    if named.is_file() {
        return Some(named);
    }
    let entries = std::fs::read_dir(named).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let is_library = |path: &Path| {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        !name.contains("providers")
            && ["libonnxruntime.so", "libonnxruntime.dylib", "onnxruntime.dll"]
                .iter()
                .any(|n| name.starts_with(n))
    };
    entries.into_iter().find(|path| is_library(path))
}

/// What `impasto devices` says with that library; it must end with exit code 5.
fn refused(library: &Path) -> String {
    let output = impasto().arg("devices").env("IMPASTO_ONNXRUNTIME", library).output().expect("it starts");
    assert_eq!(output.status.code(), Some(5), "{:?}: {}", output.status, stderr(&output));
    stderr(&output)
}

#[test]
fn a_library_that_is_cut_off_is_refused_with_its_length() {
    let Some(whole) = library() else {
        return skipped("IMPASTO_ONNXRUNTIME names no library");
    };
    let to = folder();
    let cut = to.path().join(whole.file_name().expect("a name"));
    std::fs::copy(&whole, &cut).expect("copied");
    let length = std::fs::metadata(&whole).expect("a length").len();
    for left in [length - 1, length - 350_000, length / 2, 3_000_000, 5000, 100, 10] {
        let file = std::fs::OpenOptions::new().write(true).open(&cut).expect("opened");
        file.set_len(left).expect("cut");
        for named in [to.path(), &cut] {
            let said = refused(named);
            assert!(said.contains("is cut off") && said.contains("download it again"), "{left}: {said}");
            assert!(said.contains(&left.to_string()), "{left}: {said}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_library_that_is_none_is_refused_with_the_loader_s_reason() {
    let to = folder();
    let file = to.path().join("libonnxruntime.so");
    for (bytes, reason) in [(&[b' '; 5000][..], "invalid ELF header"), (b"", "file too short")] {
        std::fs::write(&file, bytes).expect("written");
        let said = refused(&file);
        assert!(said.contains(reason) && said.contains("libonnxruntime.so"), "{said}");
    }
    // Nothing is named, and nothing is anywhere.
    let output = impasto()
        .arg("devices")
        .env_remove("IMPASTO_ONNXRUNTIME")
        .env("HOME", to.path())
        .env_remove("XDG_CACHE_HOME")
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(5));
    assert!(stderr(&output).contains("cannot open shared object file"), "{}", stderr(&output));
}

/// As distributions have it, whose packages for users hold no name without a version.
#[cfg(target_os = "linux")]
#[test]
fn a_library_with_a_version_in_its_name_is_found_among_the_system_s() {
    let Some(whole) = library() else {
        return skipped("IMPASTO_ONNXRUNTIME names no library");
    };
    let to = folder();
    let devices = || {
        let mut command = impasto();
        command.arg("devices").env_remove("IMPASTO_ONNXRUNTIME").env("HOME", to.path());
        command.env_remove("XDG_CACHE_HOME").env("LD_LIBRARY_PATH", to.path());
        command.output().expect("it starts")
    };
    // Too old by its name, so it is not even opened.
    std::fs::write(to.path().join("libonnxruntime.so.1.4.0"), "").expect("written");
    assert_eq!(devices().status.code(), Some(5));
    std::os::unix::fs::symlink(&whole, to.path().join("libonnxruntime.so.1.21")).expect("linked");
    let output = devices();
    assert!(output.status.success(), "{}", stderr(&output));
}
