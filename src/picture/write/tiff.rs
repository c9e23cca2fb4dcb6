//! TIFF: one strip of uncompressed samples, and the directory behind it.

use super::super::ifd::{Value, tag};
use super::super::{Depth, Picture};
use super::samples::Samples;

/// Samples that a file can hold: 4 GiB, less what stands beside them.
pub(super) const MOST_BYTES: usize = u32::MAX as usize - (64 << 20);

pub(super) fn encoded(picture: &Picture, samples: &Samples) -> Result<Vec<u8>, String> {
    let long =
        |v: usize| u32::try_from(v).map_err(|_| "a TIFF file cannot be so large; write a PNG".to_string());
    let channels = if samples.has_alpha { 4 } else { 3 };
    let bits = if samples.depth == Depth::Eight { 8 } else { 16 };
    let mut values = vec![
        Value::long(tag::IMAGE_WIDTH, long(picture.width())?),
        Value::long(tag::IMAGE_LENGTH, long(picture.height())?),
        Value::short(tag::BITS_PER_SAMPLE, &vec![bits; channels]),
        Value::short(tag::COMPRESSION, &[1]),
        Value::short(tag::PHOTOMETRIC, &[2]),
        Value::long(tag::STRIP_OFFSETS, 8),
        Value::short(tag::ORIENTATION, &[1]),
        Value::short(tag::SAMPLES_PER_PIXEL, &[channels as u16]),
        Value::long(tag::ROWS_PER_STRIP, long(picture.height())?),
        Value::long(tag::STRIP_BYTE_COUNTS, long(samples.bytes.len())?),
        Value::short(tag::PLANAR_CONFIGURATION, &[1]),
    ];
    if samples.has_alpha {
        // 2: alpha that colours are not premultiplied by.
        values.push(Value::short(tag::EXTRA_SAMPLES, &[2]));
    }
    if let Some(profile) = &samples.profile {
        values.push(Value::bytes(tag::ICC_PROFILE, profile));
    }
    let at = 8 + samples.bytes.len() + samples.bytes.len() % 2;
    let directory = picture.metadata.directory(long(at)?, values);
    let mut out = Vec::with_capacity(at + directory.len());
    out.extend(b"II*\0");
    out.extend(long(at)?.to_le_bytes());
    out.extend(&samples.bytes);
    out.resize(at, 0);
    out.extend(directory);
    Ok(out)
}
