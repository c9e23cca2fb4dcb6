//! Where ONNX Runtime's library may lie on this machine.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::own_file::own_file;

/// The environment variable that names the library's file, or the folder that holds it.
pub const LIBRARY_VARIABLE: &str = "IMPASTO_ONNXRUNTIME";

/// What the library is called on this system, before and after the version that may stand in its name.
const NAME: Name = if cfg!(target_os = "windows") {
    Name { before: "onnxruntime", after: ".dll", version_last: false }
} else if cfg!(target_os = "macos") {
    Name { before: "libonnxruntime", after: ".dylib", version_last: false }
} else {
    Name { before: "libonnxruntime", after: ".so", version_last: true }
};

/// A library's name: `libonnxruntime.so`, and with a version `libonnxruntime.so.1.31.1` (`version_last`) or
/// `libonnxruntime.1.31.1.dylib`.
struct Name {
    before: &'static str,
    after: &'static str,
    version_last: bool,
}

impl Name {
    /// The version in a file's name; empty for the name without one, None for another name.
    fn version(&self, file: &str) -> Option<Vec<u32>> {
        let rest = file.strip_prefix(self.before)?;
        let version = match self.version_last {
            true => rest.strip_prefix(self.after)?,
            false => rest.strip_suffix(self.after)?,
        };
        if version.is_empty() {
            return Some(Vec::new());
        }
        version.strip_prefix('.')?.split('.').map(|part| part.parse().ok()).collect()
    }
}

/// The library's name without a version.
pub(super) fn file() -> String {
    format!("{}{}", NAME.before, NAME.after)
}

/// A folder, or several whose names have a `*`, and the library that is there.
pub(super) struct Place {
    /// What messages call it.
    pub shown: String,
    /// None where there is no library.
    pub library: Option<PathBuf>,
}

impl Place {
    fn folder(folder: &Path) -> Self {
        Place { shown: folder.display().to_string(), library: in_folder(folder) }
    }
}

/// The folders that belong to this program, in the order in which they are looked at: beside the library that this code is in
/// and in `lib` beside or above it; the same of the executable; the wheel `onnxruntime` of the Python that either was
/// installed into; the project's set-up folder.
pub(super) fn places() -> Vec<Place> {
    let own = own_file().and_then(|file| file.parent().map(Path::to_path_buf));
    let executable = std::env::current_exe().ok().and_then(|file| file.parent().map(Path::to_path_buf));
    let mut homes: Vec<PathBuf> = own.into_iter().chain(executable).collect();
    homes.dedup();
    let mut folders: Vec<PathBuf> = Vec::new();
    for home in &homes {
        let above = home.parent().map(|f| f.join("lib"));
        for folder in [Some(home.clone()), Some(home.join("lib")), above].into_iter().flatten() {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
    let mut places: Vec<Place> = folders.iter().map(|folder| Place::folder(folder)).collect();
    places.extend(homes.iter().flat_map(|home| wheels(home)));
    places.extend(set_up_folder().map(|folder| Place::folder(&folder)));
    places
}

/// The folder in which `cargo xtask setup` leaves ONNX Runtime: `impasto/onnxruntime` in the user's cache
/// folder.
pub fn set_up_folder() -> Option<PathBuf> {
    dirs::cache_dir().map(|d| d.join("impasto").join("onnxruntime"))
}

/// Where pip puts the wheel `onnxruntime` that belongs to a program or a library of ours in this folder.
fn wheels(home: &Path) -> Vec<Place> {
    let Some(above) = home.parent() else { return Vec::new() };
    let capi = |packages: &Path| packages.join("onnxruntime").join("capi");
    match home.file_name().and_then(OsStr::to_str) {
        // Python's package `impasto`, in which the library lies.
        Some("impasto") => vec![Place::folder(&capi(above))],
        // The command, where pip puts programs.
        Some("Scripts") => vec![Place::folder(&capi(&above.join("Lib").join("site-packages")))],
        Some("bin") => ["lib", "lib64"]
            .iter()
            .flat_map(|lib| ["site-packages", "dist-packages"].map(|packages| (above.join(lib), packages)))
            .filter(|(lib, _)| lib.is_dir() && !lib.is_symlink())
            .map(|(lib, packages)| Place {
                shown: capi(&lib.join("python3*").join(packages)).display().to_string(),
                library: pythons(&lib).iter().find_map(|python| in_folder(&capi(&python.join(packages)))),
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The folders `python3…` in a folder, the newest version first.
fn pythons(lib: &Path) -> Vec<PathBuf> {
    let minor = |path: &PathBuf| -> Option<u32> {
        let rest = path.file_name()?.to_str()?.strip_prefix("python3")?.to_string();
        if rest.is_empty() { Some(0) } else { rest.strip_prefix('.')?.parse().ok() }
    };
    let mut found: Vec<PathBuf> = entries(lib).filter(|path| minor(path).is_some()).collect();
    found.sort_by_key(|path| std::cmp::Reverse(minor(path)));
    found
}

/// The library in a folder: the one without a version in its name, else the newest.
pub(super) fn in_folder(folder: &Path) -> Option<PathBuf> {
    let plain = folder.join(file());
    if plain.is_file() { Some(plain) } else { newest(entries(folder), 0) }
}

/// The newest library with a version in its name, at least 1.`least`, in the folders where the system's loader looks. The
/// loader itself looks for the name without a version, which distributions have only for developers.
pub(super) fn in_system(least: u32) -> Option<PathBuf> {
    newest(system_folders().iter().flat_map(|folder| entries(folder)), least)
}

fn system_folders() -> Vec<PathBuf> {
    let variable = match std::env::consts::OS {
        "windows" => return Vec::new(),
        "macos" => "DYLD_LIBRARY_PATH",
        _ => "LD_LIBRARY_PATH",
    };
    let asked = std::env::var_os(variable).unwrap_or_default();
    let mut folders: Vec<PathBuf> =
        std::env::split_paths(&asked).filter(|p| !p.as_os_str().is_empty()).collect();
    folders.extend(["/usr/local/lib", "/usr/local/lib64", "/opt/homebrew/lib"].map(PathBuf::from));
    // Debian's name for the machine.
    folders.push(PathBuf::from(format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH)));
    folders.extend(["/usr/lib64", "/usr/lib"].map(PathBuf::from));
    folders
}

/// The file with the newest version in its name; of two with the same, the first.
fn newest(files: impl Iterator<Item = PathBuf>, least: u32) -> Option<PathBuf> {
    let version =
        |path: &Path| NAME.version(path.file_name()?.to_str()?).filter(|version| !version.is_empty());
    let mut best: Option<(Vec<u32>, PathBuf)> = None;
    for file in files.filter(|file| file.is_file()) {
        let Some(version) = version(&file) else { continue };
        // A name like libonnxruntime.so.1 does not tell.
        let old = version.get(1).is_some_and(|_| version < vec![1, least]);
        if !old && best.as_ref().is_none_or(|(other, _)| version > *other) {
            best = Some((version, file));
        }
    }
    best.map(|(_, file)| file)
}

/// What a folder holds, sorted.
fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().filter_map(|e| Some(e.ok()?.path())).collect();
    found.sort();
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(folder: &Path, names: &[&str]) {
        for name in names {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, "").expect("written");
        }
    }

    /// This system's name for a version.
    fn named(version: &str) -> String {
        match NAME.version_last {
            true => format!("{}{}.{version}", NAME.before, NAME.after),
            false => format!("{}.{version}{}", NAME.before, NAME.after),
        }
    }

    #[test]
    fn the_version_is_read_from_the_names_of_each_system() {
        let linux = Name { before: "libonnxruntime", after: ".so", version_last: true };
        let mac = Name { before: "libonnxruntime", after: ".dylib", version_last: false };
        assert_eq!(linux.version("libonnxruntime.so"), Some(vec![]));
        assert_eq!(linux.version("libonnxruntime.so.1.21"), Some(vec![1, 21]));
        assert_eq!(mac.version("libonnxruntime.1.31.1.dylib"), Some(vec![1, 31, 1]));
        assert_eq!(mac.version("libonnxruntime.dylib"), Some(vec![]));
        for other in ["libonnxruntime.so.1.x", "libonnxruntime_providers_shared.so", "libonnxruntime.so.gz"] {
            assert_eq!(linux.version(other), None, "{other}");
        }
    }

    #[test]
    fn the_newest_version_in_a_folder_is_taken_by_number() {
        let folder = tempfile::tempdir().expect("a folder");
        let [older, newer, oldest] = ["1.9.2", "1.31.1", "1.4"].map(named);
        touch(folder.path(), &[&older, &newer, &oldest, "libonnxruntime_providers_shared.so"]);
        assert_eq!(in_folder(folder.path()), Some(folder.path().join(&newer)));
        assert_eq!(newest(entries(folder.path()), 32), None, "all are too old");
        touch(folder.path(), &[&file()]);
        assert_eq!(in_folder(folder.path()), Some(folder.path().join(file())));
    }

    #[cfg(unix)]
    #[test]
    fn the_wheel_of_the_environment_is_found_from_its_programs_and_from_the_package() {
        let environment = tempfile::tempdir().expect("a folder");
        let root = environment.path();
        let (old, new) = ("lib/python3.9/site-packages", "lib/python3.12/site-packages");
        let library = |packages: &str| format!("{packages}/onnxruntime/capi/{}", named("1.31.1"));
        touch(root, &["bin/impasto", &format!("{new}/impasto/libimpasto.so")]);
        let found = |home: &Path| wheels(home).into_iter().find_map(|place| place.library);
        assert_eq!(found(&root.join("bin")), None);
        let shown: Vec<String> = wheels(&root.join("bin")).into_iter().map(|place| place.shown).collect();
        assert!(shown[0].ends_with("lib/python3*/site-packages/onnxruntime/capi"), "{shown:?}");
        touch(root, &[&library(old)]);
        assert_eq!(found(&root.join("bin")), Some(root.join(library(old))));
        assert_eq!(found(&root.join(new).join("impasto")), None, "that of another Python");
        touch(root, &[&library(new)]);
        assert_eq!(found(&root.join("bin")), Some(root.join(library(new))));
        assert_eq!(found(&root.join(new).join("impasto")), Some(root.join(library(new))));
        assert!(wheels(&root.join("lib")).is_empty());
    }
}
