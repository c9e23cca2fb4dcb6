//! Gets the convolutions of a safetensors file in pieces, from a server that gives parts of files.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::header;
use super::part::{Part, Stamp};
use super::remote::RemoteFile;
use crate::error::{Error, Result};
use crate::models::{digits, keep};

/// The most that one request asks for: what a slow line brings in the time that a request may take.
const PIECE: u64 = 4 << 20;

/// A safetensors file of the convolutions alone, got in pieces. The file `part` keeps them until all are there.
pub(super) fn convolutions(
    remote: &RemoteFile,
    part: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Vec<u8>> {
    let bad = |problem: String| Error::fetch(&remote.url, problem);
    let mut head = remote.piece(0, 8)?;
    let length =
        header::length(&head).ok_or_else(|| bad("is no safetensors file; check the address".into()))?;
    head.extend(remote.piece(8, 8 + length)?);
    let metadata = header::parse(&head[8..]).map_err(bad)?;
    let wanted = keep::wanted(metadata.tensors().keys().map(String::as_str), &remote.url)?;
    let start = 8 + length;
    let data = metadata.tensors().values().map(|t| t.data_offsets.1).max().unwrap_or(0) as u64;
    if remote.length.is_some_and(|all| all != start + data) {
        let all = remote.length.unwrap_or_default();
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
    let stamp = Stamp {
        url: remote.url.clone(),
        version: remote.version.clone(),
        header: digits(Sha256::new_with_prefix(&head)),
    };
    let sizes: Vec<usize> = pieces.iter().map(|(from, to)| (to - from) as usize).collect();
    let (mut kept, there) = Part::new(part).resumed(&stamp, &sizes)?;
    progress(kept.bytes.len() as u64, total);
    for (from, to) in pieces.into_iter().skip(there) {
        kept.add(&remote.piece(from, to)?)?;
        progress(kept.bytes.len() as u64, total);
    }
    header::assemble(&metadata, &wanted, &kept.bytes).map_err(|e| bad(e.to_string()))
}
