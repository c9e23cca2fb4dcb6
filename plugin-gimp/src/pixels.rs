// SPDX-License-Identifier: GPL-3.0-or-later
//! Between GIMP's buffers and libimpasto's pixels. GEGL and babl convert: a layer of any precision in any
//! colour profile is read and written as sRGB.

use gimp::babl::Format;
use gimp::gegl::{AbyssPolicy, Buffer, Rectangle};
use gimp::prelude::*;

use crate::picture::Pixels;
use crate::seen::Seen;
use crate::text::tr;

/// Rows that are converted at once where pixels are merged.
const STRIP: i32 = 64;

/// A rectangle of a drawable, in its own pixels.
#[derive(Clone, Copy, PartialEq)]
pub struct Area {
    /// The left edge.
    pub x: i32,
    /// The top edge.
    pub y: i32,
    /// Pixels across.
    pub width: i32,
    /// Pixels down.
    pub height: i32,
}

impl Area {
    /// All of a drawable.
    pub fn whole(drawable: &impl IsA<gimp::Drawable>) -> Area {
        Area { x: 0, y: 0, width: drawable.width(), height: drawable.height() }
    }

    /// The same place in another drawable's own pixels.
    fn seen_from(self, drawable: &impl IsA<gimp::Drawable>, other: &impl IsA<gimp::Drawable>) -> Area {
        let ((x, y), (from_x, from_y)) =
            (drawable.offsets().unwrap_or((0, 0)), other.offsets().unwrap_or((0, 0)));
        Area { x: self.x + x - from_x, y: self.y + y - from_y, ..self }
    }

    fn rectangle(self, scale: f64) -> Rectangle {
        let to = |v: i32| (f64::from(v) * scale).round() as i32;
        Rectangle::new(to(self.x), to(self.y), to(self.width).max(1) as u32, to(self.height).max(1) as u32)
    }
}

fn buffer(drawable: &impl IsA<gimp::Drawable>) -> Result<Buffer, String> {
    drawable.buffer().ok_or_else(|| tr("GIMP does not give the layer's pixels.").into())
}

/// The babl format of pixels in sRGB.
fn format(layout: u32, sample: u32) -> Format {
    let model = if layout == 2 { "Y'A" } else { "R'G'B'A" };
    let sample = match sample {
        1 => "u8",
        2 => "u16",
        _ => "float",
    };
    Format::from_encoding(&format!("{model} {sample}"))
}

/// Reads an area, made smaller by `scale`.
fn read_as(
    drawable: &impl IsA<gimp::Drawable>,
    area: Area,
    scale: f64,
    layout: u32,
    sample: u32,
) -> Result<Pixels, String> {
    let rectangle = area.rectangle(scale);
    let bytes = Seen::new(drawable)?.pixels(&rectangle, scale, &format(layout, sample), AbyssPolicy::Clamp);
    Ok(Pixels { bytes, width: rectangle.width() as u32, height: rectangle.height() as u32, layout, sample })
}

/// A whole drawable, 16 bits with alpha, to take a style from.
pub fn whole(drawable: &impl IsA<gimp::Drawable>) -> Result<Pixels, String> {
    read_as(drawable, Area::whole(drawable), 1.0, 4, 2)
}

/// A whole drawable as floating point with alpha, grey where it is grey, to be painted and written back.
pub fn content(drawable: &impl IsA<gimp::Drawable>) -> Result<Pixels, String> {
    read_as(drawable, Area::whole(drawable), 1.0, if drawable.is_gray() { 2 } else { 4 }, 4)
}

/// An area of a drawable in 8 bits with alpha, at most `side` pixels long, to be shown.
pub fn thumbnail(drawable: &impl IsA<gimp::Drawable>, area: Area, side: i32) -> Result<Pixels, String> {
    read_as(drawable, area, shrink(area, side), 4, 1)
}

/// The scale at which an area's longer side is at most `side`.
fn shrink(area: Area, side: i32) -> f64 {
    (f64::from(side) / f64::from(area.width.max(area.height))).min(1.0)
}

/// The selection on an area of a drawable.
pub struct Selection {
    /// How much each pixel is selected, 0..1.
    pub values: Vec<f32>,
    /// 255 wherever it is selected at all, as libimpasto takes masks.
    pub mask: Pixels,
}

/// Reads the selection where a drawable lies, made as small as `thumbnail` does where a `side` is given. None
/// if nothing is selected, which stands for everything.
pub fn selection(
    image: &gimp::Image,
    drawable: &impl IsA<gimp::Drawable>,
    area: Area,
    side: Option<i32>,
) -> Result<Option<Selection>, String> {
    if gimp::Selection::is_empty(image) {
        return Ok(None);
    }
    let channel = image.selection().ok_or_else(|| tr("GIMP does not give the selection."))?;
    let (x, y) = drawable.offsets().unwrap_or((0, 0));
    let scale = side.map_or(1.0, |side| shrink(area, side));
    let rectangle = Area { x: area.x + x, y: area.y + y, ..area }.rectangle(scale);
    let bytes =
        buffer(&channel)?.get_pixels(&rectangle, scale, &Format::from_encoding("Y float"), AbyssPolicy::None);
    let values: Vec<f32> =
        bytes.as_chunks::<4>().0.iter().map(|b| f32::from_ne_bytes(*b).clamp(0.0, 1.0)).collect();
    let mut mask = Pixels::new(rectangle.width() as u32, rectangle.height() as u32, 1, 1);
    for (to, value) in mask.bytes.iter_mut().zip(&values) {
        *to = if *value > 0.0 { 255 } else { 0 };
    }
    Ok(Some(Selection { values, mask }))
}

/// How bright a drawable is, and not transparent, where another one lies; black beyond its borders. Made as small as
/// `thumbnail` does where a `side` is given.
pub fn region(
    region: &gimp::Drawable,
    drawable: &impl IsA<gimp::Drawable>,
    area: Area,
    side: Option<i32>,
) -> Result<Pixels, String> {
    let scale = side.map_or(1.0, |side| shrink(area, side));
    let rectangle = area.seen_from(drawable, region).rectangle(scale);
    let format = Format::from_encoding("Y'A u8");
    let bytes = Seen::new(region)?.pixels(&rectangle, scale, &format, AbyssPolicy::None);
    let mut mask = Pixels::new(rectangle.width() as u32, rectangle.height() as u32, 1, 1);
    for (to, [value, alpha]) in mask.bytes.iter_mut().zip(bytes.as_chunks::<2>().0) {
        *to = (u32::from(*value) * u32::from(*alpha) / 255) as u8;
    }
    Ok(mask)
}

/// What lies over a drawable where `upper` does: that, as far as it is opaque, and the drawable itself elsewhere. 16 bits
/// with alpha, as small as `thumbnail` where a `side` is given.
pub fn covered(
    upper: &gimp::Drawable,
    drawable: &impl IsA<gimp::Drawable>,
    area: Area,
    side: Option<i32>,
) -> Result<Pixels, String> {
    let scale = side.map_or(1.0, |side| shrink(area, side));
    let mut pixels = read_as(drawable, area, scale, 4, 2)?;
    let rectangle = area.seen_from(drawable, upper).rectangle(scale);
    let over = Seen::new(upper)?.pixels(&rectangle, scale, &format(4, 2), AbyssPolicy::None);
    for (to, over) in pixels.bytes.as_chunks_mut::<8>().0.iter_mut().zip(over.as_chunks::<8>().0) {
        let sample = |pixel: &[u8; 8], at: usize| u32::from(u16::from_ne_bytes([pixel[at], pixel[at + 1]]));
        const MOST: u32 = u16::MAX as u32;
        let alpha = sample(over, 6);
        for at in [0, 2, 4] {
            let mixed = sample(over, at) * alpha / MOST + sample(to, at) * (MOST - alpha) / MOST;
            to[at..at + 2].copy_from_slice(&(mixed as u16).to_ne_bytes());
        }
    }
    Ok(pixels)
}

/// Writes the result over a buffer that is to replace, or lie above, the drawable. Pixels that are
/// transparent in the drawable are taken from it as they are.
pub fn write(drawable: &gimp::Drawable, to: &Buffer, result: &Pixels) -> Result<(), String> {
    let from = Seen::new(drawable)?;
    let native = drawable.format();
    let (pixel, written) = (native.bytes_per_pixel() as usize, format(result.layout, result.sample));
    let result_pixel = (result.layout * result.sample) as usize;
    let row = result.width as usize * result_pixel;
    for top in (0..result.height as i32).step_by(STRIP as usize) {
        let strip =
            Area { x: 0, y: top, width: result.width as i32, height: STRIP.min(result.height as i32 - top) };
        let rectangle = strip.rectangle(1.0);
        let bytes = &result.bytes[top as usize * row..][..strip.height as usize * row];
        to.set_pixels(&rectangle, 0, &written, bytes, None);
        let is_clear = |p: &[u8]| p[result_pixel - 4..] == 0f32.to_ne_bytes();
        if drawable.has_alpha() && bytes.chunks_exact(result_pixel).any(is_clear) {
            let before = from.pixels(&rectangle, 1.0, &native, AbyssPolicy::None);
            let mut after = to.get_pixels(&rectangle, 1.0, &native, AbyssPolicy::None);
            let pixels = after.chunks_exact_mut(pixel).zip(before.chunks_exact(pixel));
            for ((after, before), painted) in pixels.zip(bytes.chunks_exact(result_pixel)) {
                if is_clear(painted) {
                    after.copy_from_slice(before);
                }
            }
            to.set_pixels(&rectangle, 0, &native, &after, None);
        }
    }
    to.flush();
    Ok(())
}

/// Copies a mask over another of the same size.
pub fn copy(from: &gimp::LayerMask, to: &gimp::LayerMask) -> Result<(), String> {
    let (format, rectangle) = (from.format(), Area::whole(from).rectangle(1.0));
    let bytes = buffer(from)?.get_pixels(&rectangle, 1.0, &format, AbyssPolicy::None);
    let buffer = buffer(to)?;
    buffer.set_pixels(&rectangle, 0, &format, &bytes, None);
    buffer.flush();
    Ok(())
}

/// Multiplies a layer mask, which covers a layer of the drawable's size, by the selection.
pub fn multiply(mask: &gimp::LayerMask, selection: &Selection) -> Result<(), String> {
    let (format, buffer) = (Format::from_encoding("Y float"), buffer(mask)?);
    let rectangle = Area::whole(mask).rectangle(1.0);
    let mut bytes = buffer.get_pixels(&rectangle, 1.0, &format, AbyssPolicy::None);
    for (b, value) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(&selection.values) {
        *b = (f32::from_ne_bytes(*b) * value).to_ne_bytes();
    }
    buffer.set_pixels(&rectangle, 0, &format, &bytes, None);
    buffer.flush();
    Ok(())
}
