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

/// The model of that name, or the file at that path, without reading it.
pub fn find(name: &str) -> Option<Entry> {
    let path = Path::new(name);
    let file = || path.is_file().then(|| Entry { name: name.to_string(), path: Some(path.to_path_buf()) });
    list().into_iter().find(|entry| entry.name == name).or_else(file)
}

/// The folder in which `impasto model import` keeps models: `impasto/models` in the user's data folder.
pub fn folder() -> Option<PathBuf> {
    dirs::data_dir().map(|d| d.join("impasto").join("models"))
}

/// The models there are, built-in ones first.
pub fn list() -> Vec<Entry> {
    let mut out: Vec<Entry> =
        BUILT_IN.iter().map(|name| Entry { name: name.to_string(), path: None }).collect();
    let files = folder().and_then(|f| std::fs::read_dir(f).ok());
    let mut found: Vec<Entry> = files
        .into_iter()
        .flatten()
        .filter_map(|e| {
            let path = e.ok()?.path();
            let model = matches!(path.extension()?.to_str()?, "safetensors" | "onnx");
            let name = path.file_stem()?.to_str()?.to_string();
            model.then_some(Entry { name, path: Some(path) })
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    out.extend(found);
    out
}

/// Reads the model of that name, or the file at that path (whatever contains a `/` or ends in
/// `.safetensors`, `.pth` or `.onnx`).
pub fn open(name: &str) -> Result<Model> {
    let path = Path::new(name);
    let is_file = path.components().count() > 1
        || matches!(path.extension().and_then(|e| e.to_str()), Some("safetensors" | "pth" | "pt" | "onnx"));
    if is_file {
        return Ok(impasto_onnx::read(path)?);
    }
    let models = list();
    match models.iter().find(|m| m.name == name) {
        Some(Entry { path: None, name }) if name == RANDOM => Ok(vgg::seeded(SEED)?),
        Some(Entry { path: None, .. }) => Ok(vgg::from_safetensors(COMPACT, DEFAULT)?),
        Some(Entry { path: Some(path), .. }) => Ok(impasto_onnx::read(path)?),
        None => Err(Error::NoSuchModel {
            name: name.to_string(),
            known: models.into_iter().map(|m| m.name).collect(),
        }),
    }
}
