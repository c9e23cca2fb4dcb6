//! Gets the convolutions of a safetensors file from a server that gives no parts of files.

use std::io::Read;

use sha2::{Digest, Sha256};

use super::header;
use super::remote::RemoteFile;
use super::stall::is_stalled_read;
use crate::error::{Error, Result};
use crate::models::{digits, keep};

/// A safetensors file of the convolutions alone. The whole file is read, and checked against the hash that the server told.
pub(super) fn convolutions(remote: &RemoteFile, progress: &mut dyn FnMut(u64, u64)) -> Result<Vec<u8>> {
    let bad = |problem: String| Error::fetch(&remote.url, problem);
    let response = remote.retried(|remote| remote.get(None))?;
    let total = remote.length.unwrap_or(0);
    let mut reader = HashedReader {
        reader: response.into_body().into_reader(),
        hash: Sha256::new(),
        position: 0,
        total,
        progress,
        url: &remote.url,
        stalled: format!(
            "the server sent nothing for {} s; try again: it stopped",
            remote.stall.as_secs_f64()
        ),
    };
    let mut head = reader.take(8)?;
    let length =
        header::length(&head).ok_or_else(|| bad("is no safetensors file; check the address".into()))?;
    head.extend(reader.take(length)?);
    let metadata = header::parse(&head[8..]).map_err(bad)?;
    let mut wanted = keep::wanted(metadata.tensors().keys().map(String::as_str), &remote.url)?;
    // In the order in which they are read.
    wanted.sort_by_key(|n| metadata.info(n).map_or(0, |t| t.data_offsets.0));
    let mut bytes = Vec::new();
    let start = 8 + length;
    for (from, to) in wanted.iter().filter_map(|n| metadata.info(n)).map(|t| t.data_offsets) {
        reader.skip((start + from as u64).saturating_sub(reader.position))?;
        bytes.extend(reader.take((to - from) as u64)?);
    }
    let end = metadata.tensors().values().map(|t| t.data_offsets.1).max().unwrap_or(0) as u64 + start;
    reader.skip(end - reader.position)?;
    let got = digits(reader.hash);
    if let Some(expected) = remote.sha256.as_ref().filter(|expected| **expected != got) {
        return Err(bad(format!(
            "has the SHA-256 {got}, expected {expected}; it was damaged on its way, try again"
        )));
    }
    header::assemble(&metadata, &wanted, &bytes).map_err(|e| bad(e.to_string()))
}

/// A file that is read once from its beginning to its end, with its hash.
struct HashedReader<'a, R> {
    reader: R,
    hash: Sha256,
    position: u64,
    total: u64,
    progress: &'a mut dyn FnMut(u64, u64),
    url: &'a str,
    /// What to say when the server sends nothing for too long.
    stalled: String,
}

impl<R: Read> HashedReader<'_, R> {
    fn next(&mut self, buffer: &mut [u8]) -> Result<()> {
        self.reader.read_exact(buffer).map_err(|e| {
            let of = if self.total > 0 { format!(" of {}", self.total) } else { String::new() };
            let after = self.position;
            Error::fetch(
                self.url,
                match is_stalled_read(&e) {
                    true => format!("{} after {after}{of} bytes", self.stalled),
                    false => format!("the connection broke after {after}{of} bytes ({e}); try again"),
                },
            )
        })?;
        self.hash.update(&*buffer);
        self.position += buffer.len() as u64;
        (self.progress)(self.position, self.total.max(self.position));
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
        let mut buffer = vec![0; 1 << 18];
        while size > 0 {
            let n = size.min(buffer.len() as u64) as usize;
            self.next(&mut buffer[..n])?;
            size -= n as u64;
        }
        Ok(())
    }
}
