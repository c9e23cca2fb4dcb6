//! GIF, BMP, PNM and PAM through `image`, WebP through `image-webp`: decoded whole, in the file's own depth.

use std::io::Cursor;

use image::codecs::{bmp::BmpDecoder, gif::GifDecoder, pnm::PnmDecoder};
use image::{ColorType, ImageDecoder};
use image_webp::WebPDecoder;

use super::super::Depth;
use super::super::colour::Channels;
use super::super::metadata::Metadata;
use super::assemble::{Assembler, Colours, Header};
use super::{FileKind, damaged};

type Bytes<'a> = Cursor<&'a [u8]>;

/// A decoder of one of the formats, to be asked for its header and then for the whole picture.
pub(super) enum Simple<'a> {
    Gif(GifDecoder<Bytes<'a>>),
    Bmp(BmpDecoder<Bytes<'a>>),
    Pnm(PnmDecoder<Bytes<'a>>),
    WebP(Box<WebPDecoder<Bytes<'a>>>),
}

impl<'a> Simple<'a> {
    pub fn new(kind: FileKind, bytes: &'a [u8]) -> Result<Self, String> {
        let reader = Cursor::new(bytes);
        Ok(match kind {
            FileKind::Gif => Simple::Gif(GifDecoder::new(reader).map_err(|e| damaged(&e))?),
            FileKind::Bmp => Simple::Bmp(BmpDecoder::new(reader).map_err(|e| damaged(&e))?),
            FileKind::WebP => Simple::WebP(Box::new(WebPDecoder::new(reader).map_err(|e| damaged(&e))?)),
            _ => Simple::Pnm(PnmDecoder::new(reader).map_err(|e| damaged(&e))?),
        })
    }

    pub fn header(&mut self) -> Result<Header, String> {
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
        header.kept = header.pixels().saturating_mul(u64::from(colour.bytes_per_pixel())) + SLACK;
        // Beside the result: a frame of indices or bits (GIF, PNM), or a frame of four bytes a pixel (WebP).
        header.decoding = header.kept.saturating_add(header.pixels().saturating_mul(8));
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
        let line = header.width * header.samples() * sample;
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
        for (y, row) in whole.chunks_exact(line).enumerate() {
            match to.header.depth {
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

/// Whether a GIF has more than one picture.
pub(super) fn gif_is_animated(bytes: &[u8]) -> bool {
    let Some(&flags) = bytes.get(10) else { return false };
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let mut at = 13 + table(flags);
    let mut pictures = 0;
    // Blocks of data have their length before them, and end with an empty one.
    let behind_blocks = |mut at: usize| loop {
        match bytes.get(at) {
            Some(0) => return Some(at + 1),
            Some(&length) => at += 1 + usize::from(length),
            None => return None,
        }
    };
    loop {
        let next = match bytes.get(at) {
            Some(0x21) => behind_blocks(at + 2),
            Some(0x2c) => {
                pictures += 1;
                let Some(&flags) = bytes.get(at + 9) else { return false };
                behind_blocks(at + 10 + table(flags) + 1)
            }
            _ => return false,
        };
        match next {
            Some(_) if pictures > 1 => return true,
            Some(next) => at = next,
            None => return pictures > 1,
        }
    }
}
