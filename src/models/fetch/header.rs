//! The header of a safetensors file, from which the ranges of its tensors follow, and a new file of some of them.

use std::collections::BTreeMap;

use safetensors::SafeTensorError;
use safetensors::tensor::{Metadata, TensorView};

/// A header that is longer is none.
const LONGEST_HEADER: u64 = 16 << 20;

/// The length of a safetensors header by the file's first eight bytes, if that is what they are.
pub(super) fn length(first: &[u8]) -> Option<u64> {
    let length = u64::from_le_bytes(first.try_into().ok()?);
    (1..=LONGEST_HEADER).contains(&length).then_some(length)
}

/// The tensors that the header of a safetensors file names. (The crate's own reader wants the whole file.)
pub(super) fn parse(header: &[u8]) -> Result<Metadata, String> {
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

/// A safetensors file of some tensors, whose bytes follow each other.
pub(super) fn assemble(
    metadata: &Metadata,
    names: &[String],
    bytes: &[u8],
) -> Result<Vec<u8>, SafeTensorError> {
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
