//! Puts models into the user's folder and takes them out. What is kept was read and checked before, and appears whole.

use std::collections::HashMap;
use std::path::Path;

use impasto_onnx::layouts::Preprocessing;
use impasto_onnx::{Manifest, vgg};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

use super::{BUILT_IN, Entry, folder, kept, list};
use crate::error::{Error, Result};

pub(super) fn unwritable(path: &Path, e: &std::io::Error) -> Error {
    Error::Output { path: path.to_path_buf(), problem: e.to_string() }
}

/// Whether a model may be kept under that name.
pub(super) fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        return Err(Error::Parameters(format!(
            "name: '{name}' is not a name for a model; use letters, digits, '-', '_' and '.'"
        )));
    }
    #[cfg(windows)]
    if let Some(problem) = crate::files::problem_with_name(name) {
        return Err(Error::Parameters(format!("name: '{name}' {problem}")));
    }
    if BUILT_IN.contains(&name) {
        return Err(Error::Parameters(format!("name: '{name}' is built in; choose another with --name")));
    }
    Ok(())
}

/// Checks a model file and keeps it in the user's folder under `name` (its own name if none is given): a safetensors
/// file or a PyTorch checkpoint as its convolutions alone, an ONNX file as it is. External data of an ONNX file is not
/// taken along, so such a file is refused. What pictures go through before is guessed by names where it is not given.
/// A model that has the name is replaced once the new one is whole.
pub fn import(file: &Path, name: Option<&str>, preprocessing: Option<Preprocessing>) -> Result<Entry> {
    let ending = file.extension().and_then(|e| e.to_str()).unwrap_or_default().to_string();
    let stem = file.file_stem().map(|s| s.to_string_lossy().into_owned());
    let name = name.map(str::to_string).or(stem).unwrap_or_default();
    check_name(&name)?;
    if ending != "onnx" {
        #[cfg(feature = "fetch")]
        if matches!(ending.as_str(), "pth" | "pt") {
            check_hash(file)?;
        }
        let bytes = impasto_onnx::weights(file, preprocessing)?;
        let named = |manifest| Manifest { name: name.clone(), ..manifest };
        return convolutions(&bytes, &file.display().to_string(), &name, named);
    }
    if preprocessing.is_some() {
        return Err(Error::Parameters(
            "preprocessing: an ONNX file tells its own in its metadata (docs/graph.md)".to_string(),
        ));
    }
    impasto_onnx::read(file)?;
    let bytes =
        std::fs::read(file).map_err(|source| impasto_onnx::Error::Io { path: file.to_path_buf(), source })?;
    let to = folder_made()?.join(format!("{name}.onnx"));
    impasto_onnx::import::from_onnx(&bytes, &to).map_err(|e| {
        Error::Parameters(format!(
            "{}: needs files beside it; export it as a single file ({e})",
            file.display()
        ))
    })?;
    keep(&name, to, &bytes)
}

/// Writes a model's file, and removes the files that the name had before under other endings.
fn keep(name: &str, to: std::path::PathBuf, bytes: &[u8]) -> Result<Entry> {
    crate::files::write(&to, bytes)?;
    remove_files(name, Some(&to))?;
    Ok(Entry { name: name.to_string(), path: Some(to) })
}

/// Removes the files that a name has in the user's folder, but for one.
fn remove_files(name: &str, except: Option<&Path>) -> Result<()> {
    let Some(folder) = folder() else { return Ok(()) };
    for file in kept(&folder).into_iter().filter(|entry| entry.name == name).filter_map(|entry| entry.path) {
        if Some(file.as_path()) != except {
            std::fs::remove_file(&file).map_err(|e| unwritable(&file, &e))?;
        }
    }
    Ok(())
}

/// Removes a model from the user's folder.
pub fn remove(name: &str) -> Result<Entry> {
    let models = list();
    match models.iter().find(|m| m.name == name) {
        Some(entry @ Entry { path: Some(_), .. }) => {
            remove_files(name, None)?;
            Ok(entry.clone())
        }
        Some(_) => Err(Error::Parameters(format!("name: '{name}' is built in and cannot be removed"))),
        None => Err(Error::NoSuchModel {
            name: name.to_string(),
            known: models.into_iter().map(|m| m.name).collect(),
        }),
    }
}

/// The tensors of a safetensors file that a model is made of.
#[cfg(feature = "fetch")]
pub(super) fn wanted<'a>(names: impl Iterator<Item = &'a str>, file: &str) -> Result<Vec<String>> {
    Ok(vgg::needed(names, file)?)
}

/// Whether the first convolution begins with these values.
#[cfg(feature = "fetch")]
pub(super) fn check_first(bytes: &[u8], file: &str, known: &[f32]) -> Result<()> {
    const NAME: &str = "features.0.weight";
    /// How far a value may be from what is printed of it.
    const PRINTED: f32 = 6e-5;
    let bad = |problem: String| impasto_onnx::Error::bad_model(file, problem);
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| bad(e.to_string()))?;
    let tensor = tensors.tensor(NAME).map_err(|e| bad(e.to_string()))?;
    let values = tensor.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
    if tensor.dtype() != safetensors::Dtype::F32
        || tensor.data().len() < 4 * known.len()
        || !values.zip(known).all(|(is, known)| (is - known).abs() <= PRINTED)
    {
        return Err(bad(format!(
            "{NAME} is not that of these weights; the file at this address has changed, or the mirror has another one. \
             If you want it, name it with --from"
        ))
        .into());
    }
    Ok(())
}

/// Whether a checkpoint is the one that its name says: PyTorch's hub ends names with the first eight digits of the
/// file's SHA-256.
#[cfg(feature = "fetch")]
fn check_hash(file: &Path) -> Result<()> {
    let stem = file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let told = stem.rsplit_once('-').map(|(_, hash)| hash).filter(|h| {
        h.len() == 8 && h.bytes().all(|b| b.is_ascii_hexdigit()) && h.bytes().any(|b| b.is_ascii_digit())
    });
    // neural-style-pt changes its files after it has got them.
    let told = told.filter(|_| !impasto_onnx::layouts::CAFFE_FILES.contains(&stem.as_str()));
    let entry = Entry { name: stem.clone(), path: Some(file.to_path_buf()) };
    match (told, entry.sha256()) {
        (Some(told), Some(is)) if !is.starts_with(told) => Err(impasto_onnx::Error::bad_model(
            file.display().to_string(),
            format!("has the SHA-256 {is}, which should begin with {told} by its name; get the file again, or rename it"),
        )
        .into()),
        _ => Ok(()),
    }
}

/// Reads the bytes of a safetensors file, checks them, and keeps the tensors that the method needs, with what `manifest`
/// makes of the file's manifest.
pub(super) fn convolutions(
    bytes: &[u8],
    file: &str,
    name: &str,
    manifest: impl FnOnce(Manifest) -> Manifest,
) -> Result<Entry> {
    let bad = |e: safetensors::SafeTensorError| impasto_onnx::Error::bad_model(file, e.to_string());
    let manifest = manifest(vgg::from_safetensors(bytes, file)?.manifest);
    let tensors = SafeTensors::deserialize(bytes).map_err(bad)?;
    let mut kept: Vec<(String, TensorView)> = Vec::new();
    for tensor in vgg::needed(tensors.names().into_iter(), file)? {
        kept.push((tensor.clone(), tensors.tensor(&tensor).map_err(bad)?));
    }
    let json =
        serde_json::to_string(&manifest).map_err(|e| impasto_onnx::Error::bad_model(file, e.to_string()))?;
    let metadata = HashMap::from([("impasto".to_string(), json)]);
    let bytes = safetensors::serialize(kept, Some(metadata)).map_err(bad)?;
    let to = folder_made()?.join(format!("{name}.safetensors"));
    keep(name, to, &bytes)
}

fn folder_made() -> Result<std::path::PathBuf> {
    let folder = folder()
        .ok_or_else(|| Error::Parameters("there is no data folder for this user; set HOME".into()))?;
    std::fs::create_dir_all(&folder).map_err(|e| unwritable(&folder, &e))?;
    Ok(folder)
}
