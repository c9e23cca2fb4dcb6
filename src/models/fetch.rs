//! Gets a model from the web: the header of its safetensors file first, then only the bytes of the convolutions that
//! the method needs. What is there after a break is kept and not asked for again; a model appears in the user's folder
//! whole and checked, or not at all.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use safetensors::tensor::{Metadata, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use ureq::http::Response;
use ureq::{Agent, Body};

use super::{Entry, address, folder, keep};
use crate::error::{Error, Result};

/// A model that is known by name.
struct Known {
    name: &'static str,
    /// The repository and the file on the Hugging Face hub.
    repository: &'static str,
    file: &'static str,
    provenance: &'static str,
    licence: &'static str,
    /// The values that the first convolution begins with, to at least four decimals, as PyTorch prints them.
    first: &'static [f32],
}

const HUB: &str = "https://huggingface.co";
const KNOWN: [Known; 2] = [
    Known {
        name: "vgg19",
        repository: "timm/vgg19.tv_in1k",
        file: "model.safetensors",
        provenance: "torchvision's VGG19 weights for ImageNet, as published by timm (timm/vgg19.tv_in1k)",
        licence: "BSD-3-Clause",
        first: &[
            -5.3474e-2, -4.9257e-2, -6.7942e-2, 1.5314e-2, 4.5068e-2, 2.1444e-3, 3.6226e-2, 1.9999e-2,
            1.9864e-2, 1.7015e-2, 5.5403e-2, -6.2293e-3, 1.4165e-1, 2.2705e-1, 1.3758e-1, 1.2000e-1,
            2.0030e-1, 9.2114e-2,
        ],
    },
    Known {
        name: "vgg16",
        repository: "timm/vgg16.tv_in1k",
        file: "model.safetensors",
        provenance: "torchvision's VGG16 weights for ImageNet, as published by timm (timm/vgg16.tv_in1k)",
        licence: "BSD-3-Clause",
        first: &[
            -0.5537, 0.1427, 0.5290, -0.5831, 0.3566, 0.7657, -0.6902, -0.0480, 0.4841, 0.1755, 0.0099,
            -0.0814, 0.0441, -0.0703, -0.2604, 0.1324, -0.1728, -0.1323, 0.3130, -0.1659, -0.4275, 0.4752,
            -0.0827, -0.4870, 0.6320, 0.0193, -0.2775,
        ],
    },
];

/// The most that one request asks for: what a slow line brings in the time that a request may take.
const PIECE: u64 = 4 << 20;
/// How long a server may take for the head of an answer, and for its body.
const LONGEST_HEAD: Duration = Duration::from_secs(120);
const LONGEST_BODY: Duration = Duration::from_secs(3600);
/// How long a server may send nothing, in seconds; [`STALL_VARIABLE`] changes it.
const STALL: f64 = 30.0;
const STALL_VARIABLE: &str = "IMPASTO_FETCH_TIMEOUT";
/// How often a request is made before it counts as failed.
const ATTEMPTS: usize = 4;
/// A header that is longer is none.
const LONGEST_HEADER: u64 = 16 << 20;

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

/// Gets a model and keeps it in the user's folder. `progress` is told the bytes that are there and all that are needed.
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
        return Err(failed(
            &url,
            format!("{variable} is 1, so nothing is fetched; unset it, or import a file"),
        ));
    }
    address::check(&url).map_err(|problem| failed(&url, problem))?;
    let stall = stall()?;
    let folder = folder()
        .ok_or_else(|| Error::Parameters("there is no data folder for this user; set HOME".into()))?;
    std::fs::create_dir_all(&folder).map_err(|e| keep::unwritable(&folder, &e))?;

    let mut remote = Remote::open(&url, stall)?;
    let part = folder.join(format!(".{}.part", what.name));
    let bytes = match remote.ranges {
        true => remote.needed(&part, progress)?,
        false => remote.whole(progress)?,
    };
    let mut manifest = impasto_onnx::Manifest { name: what.name.clone(), ..Default::default() };
    manifest.provenance = format!("from {url}");
    // Whether the bytes are right or not, they are not to be gone on from.
    Part::at(&part).remove();
    if let (Some(known), None) = (known, &what.url) {
        (manifest.provenance, manifest.licence) = (known.provenance.to_string(), known.licence.to_string());
        keep::check_first(&bytes, &url, known.first)?;
    }
    keep::convolutions(&bytes, &url, &what.name, |_| manifest)
}

fn failed(url: &str, problem: impl std::fmt::Display) -> Error {
    Error::Fetch { url: url.to_string(), problem: problem.to_string() }
}

/// How long a server may send nothing.
fn stall() -> Result<Duration> {
    let Some(text) = std::env::var_os(STALL_VARIABLE).filter(|v| !v.is_empty()) else {
        return Ok(Duration::from_secs_f64(STALL));
    };
    let seconds =
        text.to_str().and_then(|text| text.parse::<f64>().ok()).filter(|s| (0.1..=3600.0).contains(s));
    let seconds = seconds.ok_or_else(|| {
        let text = text.to_string_lossy();
        Error::Parameters(format!("{STALL_VARIABLE} is '{text}', expected seconds from 0.1 to 3600"))
    })?;
    Ok(Duration::from_secs_f64(seconds))
}

/// Whether a server sent nothing for too long.
fn is_stall(e: &ureq::Error) -> bool {
    matches!(e, ureq::Error::Timeout(_)) || matches!(e, ureq::Error::Io(e) if is_stalled_read(e))
}

/// The same of a read: `ureq` wraps its own errors then.
fn is_stalled_read(e: &std::io::Error) -> bool {
    match e.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
        Some(e) => is_stall(e),
        None => matches!(e.kind(), std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock),
    }
}

/// A file on a server.
struct Remote {
    agent: Agent,
    /// How long the server may send nothing.
    stall: Duration,
    /// As it was asked for, for messages, and where the server's redirections lead.
    url: String,
    address: String,
    /// Bytes of the whole file, where the server says so.
    length: Option<u64>,
    /// What the server calls this version of the file.
    version: String,
    /// The SHA-256 of the whole file in hexadecimal, if the server tells.
    sha256: Option<String>,
    /// Whether it gives parts of the file.
    ranges: bool,
}

impl Remote {
    /// Finds the file, follows redirections, and sees what the server can do.
    fn open(url: &str, stall: Duration) -> Result<Self> {
        let agent = Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_resolve(Some(stall))
            .timeout_connect(Some(stall))
            .timeout_per_read(Some(stall))
            .timeout_per_write(Some(stall))
            .timeout_recv_response(Some(LONGEST_HEAD))
            .timeout_recv_body(Some(LONGEST_BODY))
            .user_agent(concat!("impasto/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        let mut out = Remote {
            agent,
            stall,
            url: url.to_string(),
            address: url.to_string(),
            length: None,
            version: String::new(),
            sha256: None,
            ranges: false,
        };
        for _ in 0..10 {
            let response = out.retried(|remote| remote.get(Some((0, 8))))?;
            let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok());
            // The hub names the file's hash where it sends its readers on to its storage.
            let hash = header("x-linked-etag").map(|v| v.trim_matches('"').to_ascii_lowercase());
            out.sha256 =
                out.sha256.or(hash.filter(|h| h.len() == 64 && h.bytes().all(|b| b.is_ascii_hexdigit())));
            let status = response.status().as_u16();
            match (status, header("location")) {
                (301 | 302 | 303 | 307 | 308, Some(to)) => {
                    out.address =
                        address::redirected(&out.address, to).map_err(|problem| failed(url, problem))?;
                }
                (200 | 206, _) => {
                    out.ranges = status == 206;
                    let all = header("content-range").and_then(|v| v.rsplit('/').next()?.parse().ok());
                    let length = header("content-length").and_then(|v| v.parse().ok());
                    out.length = all.or(length.filter(|_| status == 200));
                    let version = header("etag").or(header("last-modified")).unwrap_or_default();
                    out.version = out.sha256.clone().unwrap_or_else(|| version.to_string());
                    return Ok(out);
                }
                (401 | 403, _) => {
                    return Err(failed(
                        url,
                        format!(
                            "the server refuses it (status {status}); it may ask for a login, or the address may be wrong"
                        ),
                    ));
                }
                (404, _) => {
                    return Err(failed(
                        url,
                        "there is no such file (status 404); check the address, or give another with --from",
                    ));
                }
                _ => {
                    return Err(failed(
                        url,
                        format!(
                            "the server answers with status {status}; try again later, or give another address with --from"
                        ),
                    ));
                }
            }
        }
        Err(failed(url, "the server sends its readers on and on; check the address"))
    }

    fn get(&self, range: Option<(u64, u64)>) -> std::result::Result<Response<Body>, ureq::Error> {
        let mut request = self.agent.get(&self.address);
        if let Some((from, to)) = range {
            request = request.header("range", format!("bytes={from}-{}", to - 1));
        }
        request.call()
    }

    /// Does something that may fail by chance, some times over; not where the server sends nothing, as that takes long.
    fn retried<T>(&self, mut f: impl FnMut(&Self) -> std::result::Result<T, ureq::Error>) -> Result<T> {
        let mut last = None;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                std::thread::sleep(Duration::from_millis(300 << attempt));
            }
            match f(self) {
                Ok(v) => return Ok(v),
                Err(e) if is_stall(&e) => return Err(failed(&self.url, self.stalled())),
                Err(e) => last = Some(e),
            }
        }
        let problem = last.map_or_else(String::new, |e| e.to_string());
        Err(failed(
            &self.url,
            format!(
                "{problem}; check the connection (proxies are taken from HTTPS_PROXY) and try again: what is there is kept"
            ),
        ))
    }

    fn stalled(&self) -> String {
        format!(
            "the server sent nothing for {} s; check the connection (proxies are taken from HTTPS_PROXY) and try again: \
             what is there is kept",
            self.stall.as_secs_f64()
        )
    }

    /// The bytes from `from` to `to`.
    fn piece(&self, from: u64, to: u64) -> Result<Vec<u8>> {
        self.retried(|remote| {
            let response = remote.get(Some((from, to)))?;
            let status = response.status().as_u16();
            let mut bytes = Vec::new();
            response.into_body().into_reader().take(to - from + 1).read_to_end(&mut bytes)?;
            if status != 206 || bytes.len() as u64 != to - from {
                let problem =
                    format!("asked for {} bytes, got {} with status {status}", to - from, bytes.len());
                return Err(ureq::Error::Io(std::io::Error::other(problem)));
            }
            Ok(bytes)
        })
    }

    /// A safetensors file of the convolutions alone, got in pieces; `part` keeps them until all are there.
    fn needed(&mut self, part: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Vec<u8>> {
        let bad = |problem: String| failed(&self.url, problem);
        let mut head = self.piece(0, 8)?;
        let length =
            header_length(&head).ok_or_else(|| bad("is no safetensors file; check the address".into()))?;
        head.extend(self.piece(8, 8 + length)?);
        let metadata = contents(&head[8..]).map_err(bad)?;
        let wanted = keep::wanted(metadata.tensors().keys().map(String::as_str), &self.url)?;
        let start = 8 + length;
        let data = metadata.tensors().values().map(|t| t.data_offsets.1).max().unwrap_or(0) as u64;
        if self.length.is_some_and(|all| all != start + data) {
            let all = self.length.unwrap_or_default();
            return Err(bad(format!(
                "has {all} bytes where its header tells of {}; the file is damaged there",
                start + data
            )));
        }
        let total = wanted
            .iter()
            .filter_map(|n| metadata.info(n))
            .map(|t| (t.data_offsets.1 - t.data_offsets.0) as u64)
            .sum();
        let mut pieces = Vec::new();
        for (from, to) in wanted.iter().filter_map(|n| metadata.info(n)).map(|t| t.data_offsets) {
            let (from, to) = (start + from as u64, start + to as u64);
            pieces.extend((from..to).step_by(PIECE as usize).map(|at| (at, to.min(at + PIECE))));
        }
        let stamp = Stamp { url: self.url.clone(), version: self.version.clone(), header: hash(&head) };
        let sizes: Vec<usize> = pieces.iter().map(|(from, to)| (to - from) as usize).collect();
        let (mut kept, there) = Part::at(part).resumed(&stamp, &sizes)?;
        progress(kept.bytes.len() as u64, total);
        for (from, to) in pieces.into_iter().skip(there) {
            kept.add(&self.piece(from, to)?)?;
            progress(kept.bytes.len() as u64, total);
        }
        assemble(&metadata, &wanted, &kept.bytes).map_err(|e| bad(e.to_string()))
    }

    /// The same from a server that gives no parts: all of the file passes by, and is checked against the hash that
    /// the server told.
    fn whole(&mut self, progress: &mut dyn FnMut(u64, u64)) -> Result<Vec<u8>> {
        let bad = |problem: String| failed(&self.url, problem);
        let response = self.retried(|remote| remote.get(None))?;
        let total = self.length.unwrap_or(0);
        let mut passing = Passing {
            reader: response.into_body().into_reader(),
            hash: Sha256::new(),
            passed: 0,
            total,
            progress,
            url: &self.url,
            stalled: format!(
                "the server sent nothing for {} s; try again: it stopped",
                self.stall.as_secs_f64()
            ),
        };
        let mut head = passing.take(8)?;
        let length =
            header_length(&head).ok_or_else(|| bad("is no safetensors file; check the address".into()))?;
        head.extend(passing.take(length)?);
        let metadata = contents(&head[8..]).map_err(bad)?;
        let mut wanted = keep::wanted(metadata.tensors().keys().map(String::as_str), &self.url)?;
        // In the order in which they pass by.
        wanted.sort_by_key(|n| metadata.info(n).map_or(0, |t| t.data_offsets.0));
        let mut bytes = Vec::new();
        let start = 8 + length;
        for (from, to) in wanted.iter().filter_map(|n| metadata.info(n)).map(|t| t.data_offsets) {
            passing.skip((start + from as u64).saturating_sub(passing.passed))?;
            bytes.extend(passing.take((to - from) as u64)?);
        }
        let end = metadata.tensors().values().map(|t| t.data_offsets.1).max().unwrap_or(0) as u64 + start;
        passing.skip(end - passing.passed)?;
        let got = super::digits(passing.hash);
        if let Some(expected) = self.sha256.as_ref().filter(|expected| **expected != got) {
            return Err(bad(format!(
                "has the SHA-256 {got}, expected {expected}; it was damaged on its way, try again"
            )));
        }
        assemble(&metadata, &wanted, &bytes).map_err(|e| bad(e.to_string()))
    }
}

/// The length of a safetensors header by the file's first eight bytes, if that is what they are.
fn header_length(first: &[u8]) -> Option<u64> {
    let length = u64::from_le_bytes(first.try_into().ok()?);
    (1..=LONGEST_HEADER).contains(&length).then_some(length)
}

/// What the header of a safetensors file tells. (The crate's own reader wants the whole file.)
fn contents(header: &[u8]) -> std::result::Result<Metadata, String> {
    const MOST: usize = 64 << 30;
    let metadata: Metadata = serde_json::from_slice(header)
        .map_err(|e| format!("is no safetensors file ({e}); check the address"))?;
    match metadata
        .tensors()
        .iter()
        .find(|(_, t)| t.data_offsets.0 > t.data_offsets.1 || t.data_offsets.1 > MOST)
    {
        Some((name, _)) => Err(format!("is damaged: its header has a wrong place for {name}")),
        None => Ok(metadata),
    }
}

/// A file that is read from its beginning to its end.
struct Passing<'a, R> {
    reader: R,
    hash: Sha256,
    passed: u64,
    total: u64,
    progress: &'a mut dyn FnMut(u64, u64),
    url: &'a str,
    /// What to say when the server sends nothing for too long.
    stalled: String,
}

impl<R: Read> Passing<'_, R> {
    fn next(&mut self, room: &mut [u8]) -> Result<()> {
        self.reader.read_exact(room).map_err(|e| {
            let of = if self.total > 0 { format!(" of {}", self.total) } else { String::new() };
            let after = self.passed;
            failed(
                self.url,
                match is_stalled_read(&e) {
                    true => format!("{} after {after}{of} bytes", self.stalled),
                    false => format!("the connection broke after {after}{of} bytes ({e}); try again"),
                },
            )
        })?;
        self.hash.update(&*room);
        self.passed += room.len() as u64;
        (self.progress)(self.passed, self.total.max(self.passed));
        Ok(())
    }

    fn take(&mut self, size: u64) -> Result<Vec<u8>> {
        const STEP: u64 = 1 << 18;
        // Grown step by step: a wrong header may tell of any size.
        let mut bytes = Vec::new();
        for at in (0..size).step_by(STEP as usize) {
            let had = bytes.len();
            bytes.resize(had + STEP.min(size - at) as usize, 0);
            self.next(&mut bytes[had..])?;
        }
        Ok(bytes)
    }

    fn skip(&mut self, mut size: u64) -> Result<()> {
        let mut room = vec![0; 1 << 18];
        while size > 0 {
            let n = size.min(room.len() as u64) as usize;
            self.next(&mut room[..n])?;
            size -= n as u64;
        }
        Ok(())
    }
}

fn hash(bytes: &[u8]) -> String {
    super::digits(Sha256::new_with_prefix(bytes))
}

/// A safetensors file of some tensors, whose bytes follow each other.
fn assemble(
    metadata: &Metadata,
    names: &[String],
    bytes: &[u8],
) -> std::result::Result<Vec<u8>, safetensors::SafeTensorError> {
    let mut tensors: BTreeMap<String, TensorView> = BTreeMap::new();
    let mut at = 0;
    for name in names {
        let Some(info) = metadata.info(name) else { continue };
        let size = info.data_offsets.1 - info.data_offsets.0;
        let data = bytes.get(at..at + size).unwrap_or_default();
        tensors.insert(name.clone(), TensorView::new(info.dtype, info.shape.clone(), data)?);
        at += size;
    }
    safetensors::serialize(tensors, metadata.metadata().clone())
}

/// Which file a part is of.
#[derive(PartialEq, Serialize, Deserialize)]
struct Stamp {
    url: String,
    version: String,
    header: String,
}

/// The pieces that are there, in a file beside the models that nobody takes for one: a line that says what they are
/// of, and the bytes.
struct Part {
    path: PathBuf,
    bytes: Vec<u8>,
    file: Option<std::fs::File>,
}

impl Part {
    fn at(path: &Path) -> Self {
        Part { path: path.to_path_buf(), bytes: Vec::new(), file: None }
    }

    /// What is there of the same version of the file, which has pieces of these sizes, and how many pieces that is.
    fn resumed(mut self, stamp: &Stamp, sizes: &[usize]) -> Result<(Self, usize)> {
        let failed = |e: std::io::Error| keep::unwritable(&self.path, &e);
        let mut line = serde_json::to_vec(stamp).unwrap_or_default();
        line.push(b'\n');
        let mut there = std::fs::read(&self.path).unwrap_or_default();
        // Without a version there is no telling whether the file is still the same.
        if !there.starts_with(&line) || stamp.version.is_empty() {
            there.clone_from(&line);
            std::fs::write(&self.path, &line).map_err(failed)?;
        }
        // A piece that was being written when the program ended is not whole.
        let (mut end, mut pieces) = (line.len(), 0);
        while let Some(size) = sizes.get(pieces).filter(|size| end + **size <= there.len()) {
            (end, pieces) = (end + size, pieces + 1);
        }
        let file = std::fs::OpenOptions::new().append(true).open(&self.path).map_err(failed)?;
        file.set_len(end as u64).map_err(failed)?;
        self.bytes = there[line.len()..end].to_vec();
        self.file = Some(file);
        Ok((self, pieces))
    }

    fn add(&mut self, piece: &[u8]) -> Result<()> {
        if let Some(file) = &mut self.file {
            file.write_all(piece).map_err(|e| keep::unwritable(&self.path, &e))?;
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    fn remove(&self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
