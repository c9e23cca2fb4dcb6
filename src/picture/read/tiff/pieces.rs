//! Takes a strip or tile of a TIFF out of its compression.

use std::borrow::Cow;
use std::io::{Cursor, Read};

use jpeg_decoder::ColorTransform;

use super::super::problem::{Problem, cut_off, damaged};
use super::layout::{Compression, Layout, Photometric, refused};

/// The bytes of a piece as they were before compression.
pub(super) fn decoded<'a>(layout: &Layout, file: &'a [u8], piece: usize) -> Result<Cow<'a, [u8]>, Problem> {
    let size = layout.row_bytes().checked_mul(layout.rows_of(piece)).ok_or_else(cut_off)?;
    let start = usize::try_from(layout.offsets[piece]).map_err(|_| cut_off())?;
    let rest = file.get(start..).ok_or_else(cut_off)?;
    let length = layout.lengths.get(piece).map_or(rest.len(), |&n| usize::try_from(n).unwrap_or(usize::MAX));
    // Uncompressed pieces are as long as they must be, whatever the file says.
    let length = if layout.compression == Compression::None { size } else { length };
    let stored = rest.get(..length).ok_or_else(cut_off)?;
    let reversed: Vec<u8>;
    let stored = match layout.lowest_bit_first && layout.compression != Compression::Jpeg {
        true if layout.compression == Compression::None => {
            return Ok(Cow::Owned(stored.iter().map(|b| b.reverse_bits()).collect()));
        }
        true => {
            reversed = stored.iter().map(|b| b.reverse_bits()).collect();
            reversed.as_slice()
        }
        false => stored,
    };
    let mut out = Vec::new();
    match layout.compression {
        Compression::None => {
            return file.get(start..start + size).map(Cow::Borrowed).ok_or_else(cut_off);
        }
        Compression::Lzw => {
            out = vec![0; size];
            lzw(stored, &mut out)?;
        }
        Compression::Deflate => {
            out = vec![0; size];
            flate2::bufread::ZlibDecoder::new(stored).read_exact(&mut out).map_err(|e| damaged(&e))?;
        }
        Compression::Zstd => {
            out = vec![0; size];
            let mut decoder = ruzstd::decoding::StreamingDecoder::new(stored).map_err(|e| damaged(&e))?;
            decoder.read_exact(&mut out).map_err(|e| damaged(&e))?;
        }
        Compression::PackBits => pack_bits(stored, size, &mut out)?,
        Compression::Group4 => group4(stored, layout, size, &mut out)?,
        Compression::Jpeg => out = jpeg(stored, layout, size)?,
        Compression::WebP => out = webp(stored, layout, size)?,
    }
    Ok(Cow::Owned(out))
}

fn lzw(mut stored: &[u8], mut out: &mut [u8]) -> Result<(), Problem> {
    let mut decoder = weezl::decode::Decoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
    while !out.is_empty() {
        let done = decoder.decode_bytes(stored, out);
        let ended = matches!(done.status, Ok(weezl::LzwStatus::Done)) || done.status.is_err();
        stored = &stored[done.consumed_in..];
        out = &mut out[done.consumed_out..];
        let stuck = done.consumed_in == 0 && done.consumed_out == 0;
        if (ended || stuck) && !out.is_empty() {
            return Err(match done.status {
                Err(e) => damaged(&e),
                Ok(_) => cut_off(),
            });
        }
    }
    Ok(())
}

fn pack_bits(stored: &[u8], size: usize, out: &mut Vec<u8>) -> Result<(), Problem> {
    out.reserve(size);
    let mut at = 0;
    while out.len() < size {
        let head = *stored.get(at).ok_or_else(cut_off)? as i8;
        at += 1;
        let room = size - out.len();
        match head {
            0.. => {
                let run = stored.get(at..at + head as usize + 1).ok_or_else(cut_off)?;
                at += run.len();
                out.extend(&run[..run.len().min(room)]);
            }
            -128 => {}
            _ => {
                let value = *stored.get(at).ok_or_else(cut_off)?;
                at += 1;
                out.extend(std::iter::repeat_n(value, (1 - isize::from(head)) as usize).take(room));
            }
        }
    }
    Ok(())
}

/// Black is 1 in the coding; the bits are stored with that meaning, as libtiff does.
fn group4(stored: &[u8], layout: &Layout, size: usize, out: &mut Vec<u8>) -> Result<(), Problem> {
    let width = u16::try_from(layout.piece_width).map_err(|_| {
        format!("is a TIFF with fax compression and {} pixels in a row; save it as PNG", layout.piece_width)
    })?;
    out.reserve(size);
    let row_bytes = layout.row_bytes();
    let ended = fax::decoder::decode_g4(stored.iter().copied(), width, None, |transitions| {
        if out.len() >= size {
            return;
        }
        let start = out.len();
        out.resize(start + row_bytes, 0);
        for (x, colour) in fax::decoder::pels(transitions, width).enumerate() {
            if colour == fax::Color::Black {
                out[start + x / 8] |= 0x80 >> (x % 8);
            }
        }
    });
    if out.len() < size {
        return Err(if ended.is_some() { cut_off() } else { damaged(&"fax coding") });
    }
    Ok(())
}

/// A JPEG without its tables, which lie in the file once.
fn jpeg(stored: &[u8], layout: &Layout, size: usize) -> Result<Vec<u8>, Problem> {
    let joined: Vec<u8>;
    let stored = match &layout.jpeg_tables {
        Some(tables) if tables.len() > 4 && stored.len() > 2 => {
            // The tables end with an end marker, the picture begins with a start marker.
            joined = [&tables[..tables.len() - 2], &stored[2..]].concat();
            &joined
        }
        _ => stored,
    };
    let components = layout.samples_of_a_piece();
    let transform = match (layout.photometric, components) {
        (_, 1) => ColorTransform::Grayscale,
        (Photometric::YCbCr, 3) => ColorTransform::YCbCr,
        (_, 3) => ColorTransform::RGB,
        (_, 4) => ColorTransform::CMYK,
        _ => return Err(refused(format!("JPEG compression of {components} channels"))),
    };
    let header = super::super::jpeg::header(stored)?;
    let misfit = || "is a TIFF whose JPEG parts do not fit its size; it is damaged".to_string();
    if header.channels.count() != components
        || header.width != layout.piece_width
        || header.height > 2 * layout.piece_height + 64
    {
        return Err(misfit());
    }
    let (mut out, info) = super::super::jpeg::samples(stored, Some(transform))?;
    if info.pixel_format.pixel_bytes() != components || usize::from(info.width) != header.width {
        return Err(misfit());
    }
    if out.len() < size {
        return Err(cut_off());
    }
    out.truncate(size);
    if components == 4 {
        // The decoder turns inks over, as Adobe's own files need it; those in TIFF files do not.
        out.iter_mut().for_each(|v| *v = 255 - *v);
    }
    Ok(out)
}

fn webp(stored: &[u8], layout: &Layout, size: usize) -> Result<Vec<u8>, Problem> {
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(stored)).map_err(|e| damaged(&e))?;
    let (width, height) = decoder.dimensions();
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    let wanted = layout.samples_of_a_piece();
    let fits = width as usize == layout.piece_width && height as usize * layout.row_bytes() >= size;
    if !fits || height as usize > layout.piece_height || !(3..=4).contains(&wanted) {
        return Err("is a TIFF whose WebP parts do not fit its size; it is damaged".into());
    }
    let mut whole = vec![0; width as usize * height as usize * channels];
    decoder.read_image(&mut whole).map_err(|e| damaged(&e))?;
    if channels != wanted {
        // A picture that is opaque all over is stored without its alpha, and the other way round.
        let pixels = whole.chunks_exact(channels);
        whole = pixels.flat_map(|p| [p[0], p[1], p[2], 255].into_iter().take(wanted)).collect();
    }
    whole.truncate(size);
    Ok(whole)
}
