//! Gets a model from the web: the header of its safetensors file first, then only the bytes of the convolutions that
//! the method needs. What is there after a break is kept and not asked for again; a model appears in the user's folder
//! whole and checked, or not at all.

mod address;
mod header;
mod known;
mod part;
mod ranges;
mod remote;
mod stall;
mod stream;

use super::{Entry, folder, keep};
use crate::error::{Error, Result};
use known::{HUB, KNOWN};
use part::Part;
use remote::RemoteFile;

/// Variables that say that nothing may be asked of the network, if they are 1.
const OFFLINE: [&str; 2] = ["IMPASTO_OFFLINE", "HF_HUB_OFFLINE"];
/// The hub's mirror, as the hub's own tools read it.
const ENDPOINT: &str = "HF_ENDPOINT";

/// What to get.
#[derive(Clone, Debug, Default)]
pub struct Fetch {
    /// A known model's name, or the name to keep the file of `url` under.
    pub name: String,
    /// Where from, if not from the Hugging Face hub: a safetensors file.
    pub url: Option<String>,
    /// A mirror of the hub; left out, the one that `HF_ENDPOINT` names, or the hub itself.
    pub mirror: Option<String>,
}

/// The names of the models that can be fetched without a URL.
pub fn known() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|known| known.name)
}

/// Gets a model and keeps it in the user's folder. `progress` gets the number of bytes that are there, and of all that are needed.
pub fn fetch(what: &Fetch, progress: &mut dyn FnMut(u64, u64)) -> Result<Entry> {
    keep::check_name(&what.name)?;
    let known = KNOWN.iter().find(|known| known.name == what.name);
    let url = match (&what.url, known) {
        (Some(url), _) => url.clone(),
        (None, Some(known)) => {
            let named = what.mirror.clone().or_else(|| std::env::var(ENDPOINT).ok());
            let hub = named.filter(|v| !v.is_empty()).unwrap_or_else(|| HUB.to_string());
            format!("{}/{}/resolve/main/{}", hub.trim_end_matches('/'), known.repository, known.file)
        }
        (None, None) => {
            return Err(Error::Parameters(format!(
                "name: there is no model '{}' to fetch; known are {}, or give its address with --from",
                what.name,
                self::known().collect::<Vec<_>>().join(", ")
            )));
        }
    };
    if let Some(variable) = OFFLINE.iter().find(|v| std::env::var(v).is_ok_and(|v| v == "1")) {
        return Err(Error::fetch(
            &url,
            format!("{variable} is 1, so nothing is fetched; unset it, or import a file"),
        ));
    }
    address::check(&url).map_err(|problem| Error::fetch(&url, problem))?;
    let stall = stall::longest()?;
    let folder = folder()
        .ok_or_else(|| Error::Parameters("there is no data folder for this user; set HOME".into()))?;
    std::fs::create_dir_all(&folder).map_err(|e| keep::unwritable(&folder, &e))?;

    let remote = RemoteFile::open(&url, stall)?;
    let part = folder.join(format!(".{}.part", what.name));
    let bytes = match remote.ranges {
        true => ranges::convolutions(&remote, &part, progress)?,
        false => stream::convolutions(&remote, progress)?,
    };
    let mut manifest = impasto_onnx::Manifest { name: what.name.clone(), ..Default::default() };
    manifest.provenance = format!("from {url}");
    // No later fetch resumes from these bytes, right or wrong.
    Part::new(&part).remove();
    if let (Some(known), None) = (known, &what.url) {
        (manifest.provenance, manifest.licence) = (known.provenance.to_string(), known.licence.to_string());
        keep::check_first(&bytes, &url, known.first)?;
    }
    keep::convolutions(&bytes, &url, &what.name, |_| manifest)
}
