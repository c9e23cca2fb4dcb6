//! GIF, BMP, PNM and PAM through `image`, WebP through `image-webp`: decoded whole, in the file's own depth.

use std::io::Cursor;

use image::codecs::{bmp::BmpDecoder, gif::GifDecoder, pnm::PnmDecoder};
use image::{ColorType, ImageDecoder};
use image_webp::WebPDecoder;

use super::super::Depth;
use super::super::colour::Channels;
use super::super::metadata::Metadata;
use super::assemble::{Assembler, Colours, Header};
use super::problem::damaged;
use super::sniff::FileKind;

type Bytes<'a> = Cursor<&'a [u8]>;

/// A decoder of one of the formats, to be asked for its header and then for the whole picture.
pub(super) enum Simple<'a> {
    Gif(Box<GifDecoder<Bytes<'a>>>),
    Bmp(BmpDecoder<Bytes<'a>>),
    Pnm(PnmDecoder<Bytes<'a>>),
    WebP(Box<WebPDecoder<Bytes<'a>>>),
}

impl<'a> Simple<'a> {
    pub fn new(kind: FileKind, bytes: &'a [u8]) -> Result<Self, String> {
        if kind == FileKind::WebP && webp_is_cut_off(bytes) {
            return Err(super::problem::cut_off());
        }
        let reader = Cursor::new(bytes);
        Ok(match kind {
            FileKind::Gif => Simple::Gif(Box::new(GifDecoder::new(reader).map_err(|e| damaged(&e))?)),
            FileKind::Bmp => Simple::Bmp(BmpDecoder::new(reader).map_err(|e| damaged(&e))?),
            FileKind::WebP => Simple::WebP(Box::new(WebPDecoder::new(reader).map_err(|e| damaged(&e))?)),
            _ => Simple::Pnm(PnmDecoder::new(reader).map_err(|e| damaged(&e))?),
        })
    }

    pub fn header(&mut self, bytes: &[u8]) -> Result<Header, String> {
        let (size, colour) = match self {
            Simple::Gif(decoder) => (decoder.dimensions(), decoder.color_type()),
            Simple::Bmp(decoder) => (decoder.dimensions(), decoder.color_type()),
            Simple::Pnm(decoder) => (decoder.dimensions(), decoder.color_type()),
            Simple::WebP(decoder) if decoder.has_alpha() => (decoder.dimensions(), ColorType::Rgba8),
            Simple::WebP(decoder) => (decoder.dimensions(), ColorType::Rgb8),
        };
        let channels = if colour.has_color() { Channels::Rgb } else { Channels::Grey };
        let mut header = Header::new(size.0 as usize, size.1 as usize, channels, colour.has_alpha());
        let deep = colour.bytes_per_pixel() > colour.channel_count();
        header.depth = if deep { Depth::Sixteen } else { Depth::Eight };
        header.kept =
            header.pixels().saturating_mul(u64::from(colour.bytes_per_pixel())).saturating_add(SLACK);
        // Beside the result: a frame of indices or bits (GIF, PNM), or a frame of four bytes a pixel (WebP).
        header.decoding = header.kept.saturating_add(header.pixels().saturating_mul(8));
        if let Simple::Gif(_) = self {
            // The decoder gives alpha in any case.
            let blocks = gif_blocks(bytes);
            header.alpha = blocks.transparent;
            if blocks.pictures > 1 {
                header.notes.push("the GIF is animated; only its first picture is read".into());
            }
        }
        if let Simple::WebP(decoder) = self {
            if let Ok(Some(exif)) = decoder.exif_metadata() {
                (header.metadata, header.orientation) = Metadata::from_exif(&exif);
            }
            if let Ok(Some(profile)) = decoder.icc_profile() {
                header.colours = Colours::Icc(profile);
            }
            if decoder.is_animated() {
                header.notes.push("the WebP picture is animated; only its first picture is read".into());
            }
        }
        Ok(header)
    }

    pub fn read(self, header: Header) -> Result<Assembler, String> {
        let sample = if header.depth == Depth::Sixteen { 2 } else { 1 };
        let drops_alpha = matches!(self, Simple::Gif(_)) && !header.alpha;
        let line = header.width * (header.samples() + usize::from(drops_alpha)) * sample;
        let mut whole = vec![0; line * header.height];
        match self {
            Simple::Gif(decoder) => decoder.read_image(&mut whole).map_err(|e| damaged(&e))?,
            Simple::Bmp(decoder) => decoder.read_image(&mut whole).map_err(|e| damaged(&e))?,
            Simple::Pnm(decoder) => decoder.read_image(&mut whole).map_err(|e| damaged(&e))?,
            Simple::WebP(mut decoder) => {
                decoder.set_memory_limit(usize::MAX);
                decoder.read_image(&mut whole).map_err(|e| damaged(&e))?;
            }
        }
        let mut to = Assembler::new(header);
        let mut opaque = Vec::new();
        for (y, row) in whole.chunks_exact(line).enumerate() {
            match to.header.depth {
                Depth::Eight if drops_alpha => {
                    opaque.clear();
                    opaque.extend(row.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]));
                    to.row_of_bytes(y, &opaque)?;
                }
                Depth::Eight => to.row_of_bytes(y, row)?,
                Depth::Sixteen => {
                    to.row_of_words(y, row.chunks_exact(2).map(|b| u16::from_ne_bytes([b[0], b[1]])))?;
                }
            }
        }
        Ok(to)
    }
}

/// Tables and buffers of a decoder that do not grow with the picture.
const SLACK: u64 = 1 << 20;

/// Whether a WebP file is shorter than it says.
fn webp_is_cut_off(bytes: &[u8]) -> bool {
    let length = bytes.get(4..8).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
    (bytes.len() as u64) < u64::from(length) + 8
}

/// What the blocks of a GIF say.
#[derive(Default)]
struct GifBlocks {
    /// Pictures, up to two.
    pictures: usize,
    /// Whether the first picture lets something shine through, or does not cover everything.
    transparent: bool,
}

/// Walks over the blocks up to the second picture.
fn gif_blocks(bytes: &[u8]) -> GifBlocks {
    let mut found = GifBlocks::default();
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let Some(&flags) = bytes.get(10) else { return found };
    let mut at = 13 + table(flags);
    while found.pictures < 2 {
        let next = match bytes.get(at..) {
            Some([0x21, label, length, control, ..]) => {
                if (*label, *length, found.pictures) == (0xf9, 4, 0) {
                    found.transparent = control & 1 == 1;
                }
                behind_blocks(bytes, at + 2)
            }
            Some([0x2c, rest @ ..]) if rest.len() > 8 => {
                found.pictures += 1;
                let covers = rest[..4] == [0; 4] && rest[4..8] == bytes[6..10];
                found.transparent |= found.pictures == 1 && !covers;
                behind_blocks(bytes, at + 10 + table(rest[8]) + 1)
            }
            _ => None,
        };
        let Some(next) = next else { break };
        at = next;
    }
    found
}

/// Blocks of data have their length before them, and end with an empty one.
fn behind_blocks(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *bytes.get(at)? {
            0 => return Some(at + 1),
            length => at += 1 + usize::from(length),
        }
    }
}
