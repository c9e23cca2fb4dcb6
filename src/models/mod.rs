//! The models that can be named: built into the program, in the user's folder (`keep` puts them there, `fetch` from
//! the web), or any file.

#[cfg(feature = "fetch")]
mod fetch;
mod keep;

use std::path::{Path, PathBuf};

use impasto_onnx::{Model, vgg};

use crate::error::{Error, Result};

#[cfg(feature = "fetch")]
pub use fetch::{Fetch, fetch, known};
pub use keep::{import, remove};

/// The model that is used when none is named: a small network that imitates VGG16 up to relu5_1 (docs/model-card.md).
pub const DEFAULT: &str = "compact";
/// VGG19 in shape, with seeded weights that have learnt nothing: for measuring speed, and for tests.
pub const RANDOM: &str = "vgg19-random";
const BUILT_IN: [&str; 2] = [DEFAULT, RANDOM];
const COMPACT: &[u8] = include_bytes!("../../assets/models/compact.safetensors");
const SEED: u64 = 19;

/// A model that can be named.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its file; None for one that is built in.
    pub path: Option<PathBuf>,
}

impl Entry {
    /// The bytes of its file.
    pub fn size(&self) -> Option<u64> {
        std::fs::metadata(self.path.as_ref()?).ok().map(|m| m.len())
    }

    /// The SHA-256 of its file, in hexadecimal digits.
    #[cfg(feature = "fetch")]
    pub fn sha256(&self) -> Option<String> {
        use sha2::{Digest, Sha256};
        use std::io::Read;

        let mut file = std::fs::File::open(self.path.as_ref()?).ok()?;
        let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
        loop {
            match file.read(&mut buffer).ok()? {
                0 => return Some(digits(hash)),
                n => hash.update(&buffer[..n]),
            }
        }
    }
}

/// A hash in hexadecimal digits.
#[cfg(feature = "fetch")]
fn digits(hash: sha2::Sha256) -> String {
    use sha2::Digest;

    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// Whether a name means one of [`list`]'s models, and not a file: such a name goes before a file that is called the same.
/// `./compact` is the file.
pub fn is_known(name: &str) -> bool {
    list().iter().any(|entry| entry.name == name)
}

/// The model of that name, or the file at that path, without reading it; None where there is neither.
pub fn find(name: &str) -> Option<Entry> {
    let file = || {
        let path = Path::new(name);
        (is_file_name(path) && path.is_file())
            .then(|| Entry { name: name.to_string(), path: Some(path.to_path_buf()) })
    };
    list().into_iter().find(|entry| entry.name == name).or_else(file)
}

/// Whether a text that is no model's name is the path of a file: it has a `/`, or ends as models do.
fn is_file_name(path: &Path) -> bool {
    let ending = path.extension().and_then(|e| e.to_str());
    path.components().count() > 1 || matches!(ending, Some("safetensors" | "pth" | "pt" | "onnx"))
}

/// The folder in which `impasto model import` keeps models: `impasto/models` in the user's data folder.
pub fn folder() -> Option<PathBuf> {
    dirs::data_dir().map(|d| d.join("impasto").join("models"))
}

/// The models there are, built-in ones first, each name once. Of two files under one name the newer one counts.
pub fn list() -> Vec<Entry> {
    let built_in = BUILT_IN.iter().map(|name| Entry { name: name.to_string(), path: None });
    let mut found: Vec<Entry> = folder().map_or_else(Vec::new, |folder| kept(&folder));
    found.retain(|entry| !BUILT_IN.contains(&entry.name.as_str()));
    let age = |entry: &Entry| {
        let changed = entry.path.as_ref().and_then(|path| std::fs::metadata(path).ok()?.modified().ok());
        std::cmp::Reverse(changed)
    };
    found.sort_by_cached_key(|entry| (entry.name.clone(), age(entry), entry.path.clone()));
    found.dedup_by(|older, newer| older.name == newer.name);
    built_in.chain(found).collect()
}

/// The model files in a folder, a name twice where it has two endings.
fn kept(folder: &Path) -> Vec<Entry> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let model = |path: PathBuf| {
        let is_model = matches!(path.extension()?.to_str()?, "safetensors" | "onnx") && path.is_file();
        let name = path.file_stem()?.to_str()?.to_string();
        is_model.then_some(Entry { name, path: Some(path) })
    };
    entries.filter_map(|entry| model(entry.ok()?.path())).collect()
}

/// Reads the model of that name (see [`is_known`]), or else the file at that path: whatever contains a `/` or ends in
/// `.safetensors`, `.pth` or `.onnx`.
pub fn open(name: &str) -> Result<Model> {
    let models = list();
    match models.iter().find(|m| m.name == name) {
        Some(Entry { path: None, name }) if name == RANDOM => Ok(vgg::seeded(SEED)?),
        Some(Entry { path: None, .. }) => Ok(vgg::from_safetensors(COMPACT, DEFAULT)?),
        Some(Entry { path: Some(path), .. }) => Ok(impasto_onnx::read(path)?),
        None if is_file_name(Path::new(name)) => Ok(impasto_onnx::read(Path::new(name))?),
        None => Err(Error::NoSuchModel {
            name: name.to_string(),
            known: models.into_iter().map(|m| m.name).collect(),
        }),
    }
}
