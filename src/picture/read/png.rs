//! PNG, with the third edition's rules for colours: cICP, then iCCP, then sRGB, then gAMA and cHRM.

use std::io::Cursor;

use png::{BitDepth, ColorType, DecodeOptions, Decoder, Limits, Transformations, Unit};

use super::super::Depth;
use super::super::colour::{Channels, CurveAndMatrix, SRGB_PRIMARIES, icc_of_cicp, icc_of_primaries};
use super::super::metadata::{INCHES_PER_METRE, Metadata, Resolution};
use super::assemble::{Assembler, Colours, Header};
use super::problem::damaged;

type Reader<'a> = png::Reader<Cursor<&'a [u8]>>;

fn reader(bytes: &[u8]) -> Result<Reader<'_>, String> {
    let mut options = DecodeOptions::default();
    options.set_ignore_text_chunk(true);
    let mut decoder = Decoder::new_with_options(Cursor::new(bytes), options);
    // Rows may be as long as they are; a profile may not unpack to anything.
    decoder.set_limits(Limits { bytes: size(bytes)?.0.saturating_mul(32).saturating_add(MOST_UNPACKED) });
    decoder.set_transformations(Transformations::EXPAND);
    decoder.read_info().map_err(|e| damaged(&e))
}

pub(super) fn header(bytes: &[u8]) -> Result<Header, String> {
    let (width, height) = size(bytes)?;
    super::problem::check_pixels(width, height)?;
    let reader = reader(bytes)?;
    let (colour, bits) = reader.output_color_type();
    let info = reader.info();
    let (channels, alpha) = match colour {
        ColorType::Grayscale => (Channels::Grey, false),
        ColorType::GrayscaleAlpha => (Channels::Grey, true),
        ColorType::Rgba => (Channels::Rgb, true),
        ColorType::Rgb | ColorType::Indexed => (Channels::Rgb, false),
    };
    let mut header = Header::new(width, height, channels, alpha);
    if bits == BitDepth::Sixteen {
        header.depth = Depth::Sixteen;
    }
    if let Some(exif) = exif(bytes) {
        (header.metadata, header.orientation) = Metadata::from_exif(exif);
    }
    let dims = info.pixel_dims.filter(|dims| dims.unit == Unit::Meter);
    let resolution =
        dims.and_then(|dims| Resolution::new(f64::from(dims.xppu), f64::from(dims.yppu), INCHES_PER_METRE));
    header.metadata = header.metadata.with_resolution(resolution);
    header.colours = colours(info, &mut header.notes);
    if info.is_animated() {
        header.notes.push("the PNG is animated; only its first picture is read".into());
    }
    // A row, the row before it, and what is decompressed ahead; an interlaced picture is decoded whole.
    let row = reader.output_line_size(info.width).unwrap_or(usize::MAX) as u64;
    let profile = info.icc_profile.as_ref().map_or(0, |p| p.len() as u64);
    header.kept = 4 * row + AHEAD + 2 * profile;
    if info.interlaced {
        header.kept = header.kept.saturating_add(reader.output_buffer_size().unwrap_or(usize::MAX) as u64);
    }
    header.decoding = header.kept;
    Ok(header)
}

/// Bytes that a chunk before the picture may unpack to.
const MOST_UNPACKED: usize = 32 << 20;

/// What the decompressor holds beside the rows.
const AHEAD: u64 = 1 << 20;

/// Width and height, from the first chunk.
fn size(bytes: &[u8]) -> Result<(usize, usize), String> {
    let number = |at: usize| {
        let four = bytes.get(at..at + 4).and_then(|b| b.try_into().ok());
        four.map(|b| u32::from_be_bytes(b) as usize).ok_or_else(super::problem::cut_off)
    };
    Ok((number(16)?, number(20)?))
}

fn colours(info: &png::Info, notes: &mut Vec<String>) -> Colours {
    let is_grey = matches!(info.color_type, ColorType::Grayscale | ColorType::GrayscaleAlpha);
    if let Some(cicp) = info.coding_independent_code_points {
        let plain =
            (cicp.color_primaries, cicp.transfer_function) == (1, 13) && cicp.is_video_full_range_image;
        if plain {
            return Colours::Srgb;
        }
        let is_wide = cicp.is_video_full_range_image && cicp.matrix_coefficients == 0 && !is_grey;
        if let Some(profile) = icc_of_cicp(cicp.color_primaries, cicp.transfer_function).filter(|_| is_wide) {
            return Colours::Icc(profile);
        }
        let curve = CurveAndMatrix::from_cicp(
            cicp.color_primaries,
            cicp.transfer_function,
            cicp.is_video_full_range_image,
        );
        if let Some(curve) = curve.filter(|_| cicp.matrix_coefficients == 0) {
            if curve.goes_beyond_white() {
                notes.push(
                    "the picture is brighter than white in places (HDR); what is brighter is clipped".into(),
                );
            }
            return Colours::Curve(Box::new(curve));
        }
        notes.push(format!(
            "the colours' code {}/{}/{} (cICP) has no meaning for PNG and is left out",
            cicp.color_primaries, cicp.transfer_function, cicp.matrix_coefficients
        ));
    }
    if let Some(profile) = &info.icc_profile {
        return Colours::Icc(profile.to_vec());
    }
    if info.srgb.is_some() {
        return Colours::Srgb;
    }
    let gamma = info.gama_chunk.map(|g| f64::from(g.into_value())).filter(|g| *g > 0.0);
    let primaries = info
        .chrm_chunk
        .map(|c| [c.red, c.green, c.blue, c.white].map(|(x, y)| [x.into_value(), y.into_value()]));
    let sound = |p: &[[f32; 2]; 4]| p.iter().all(|[x, y]| x.is_finite() && *y > 0.001);
    let primaries = primaries.filter(sound);
    let is_plain_curve = gamma.is_none_or(|g| (g - 1.0 / 2.2).abs() < 0.001);
    let is_srgb = is_plain_curve
        && primaries.is_none_or(|p| {
            p.iter().flatten().zip(SRGB_PRIMARIES.iter().flatten()).all(|(a, b)| (a - b).abs() < 0.002)
        });
    if is_srgb {
        return Colours::Srgb;
    }
    match primaries.filter(|_| is_plain_curve && !is_grey).and_then(icc_of_primaries) {
        Some(profile) => Colours::Icc(profile),
        None => Colours::Curve(Box::new(CurveAndMatrix::from_gamma(gamma, primaries))),
    }
}

/// The content of the eXIf chunk, which may stand before or behind the picture's data.
fn exif(bytes: &[u8]) -> Option<&[u8]> {
    let mut at = 8;
    loop {
        let length = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize;
        let content = bytes.get(at + 8..at.checked_add(8 + length)?)?;
        match bytes.get(at + 4..at + 8)? {
            b"eXIf" => return Some(content),
            b"IEND" => return None,
            _ => at += 12 + length,
        }
    }
}

pub(super) fn read(bytes: &[u8], header: Header) -> Result<Assembler, String> {
    let (height, samples, depth) = (header.height, header.width * header.samples(), header.depth);
    let mut reader = reader(bytes)?;
    let mut whole = Vec::new();
    let mut line = 0;
    if reader.info().interlaced {
        whole = vec![0; reader.output_buffer_size().ok_or_else(super::problem::cut_off)?];
        line = reader.next_frame(&mut whole).map_err(|e| damaged(&e))?.line_size;
    }
    let mut to = Assembler::new(header);
    for y in 0..height {
        let next;
        let row = match whole.is_empty() {
            true => {
                next = reader.next_row().map_err(|e| damaged(&e))?.ok_or_else(super::problem::cut_off)?;
                next.data()
            }
            false => &whole[y * line..],
        };
        match depth {
            Depth::Eight => to.row_of_bytes(y, &row[..samples])?,
            Depth::Sixteen => {
                let words = row[..2 * samples].chunks_exact(2).map(|b| u16::from_be_bytes([b[0], b[1]]));
                to.row_of_words(y, words)?;
            }
        }
    }
    Ok(to)
}
