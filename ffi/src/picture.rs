//! Pixels of the host: what a descriptor must be, and the way between its memory and the engine's pictures.

use std::ops::Range;

use impasto::Picture;
use impasto::picture::{Depth, MOST_PIXELS, SMALLEST, encoded, linear};
use impasto_abi::*;
use ndarray::{Array2, Array3};

use crate::guard::Failure;

/// A descriptor that was found in order.
#[derive(Clone, Copy, Debug)]
pub struct Pixels {
    picture: ImpastoPicture,
    /// Bytes of a row without what follows it.
    row: usize,
}

impl Pixels {
    /// Checks a descriptor; `name` is what messages call it.
    pub fn new(name: &str, picture: &ImpastoPicture) -> Result<Self, Failure> {
        let p = *picture;
        let bad = |problem: String| Err(Failure::new(IMPASTO_PICTURE, format!("{name}: {problem}")));
        if !(IMPASTO_GREY..=IMPASTO_RGBA).contains(&p.layout) {
            return bad(format!("layout {} is unknown; expected IMPASTO_GREY to IMPASTO_RGBA", p.layout));
        }
        if ![IMPASTO_U8, IMPASTO_U16, IMPASTO_F32].contains(&p.sample) {
            return bad(format!("sample {} is unknown; expected IMPASTO_U8, _U16 or _F32", p.sample));
        }
        if p.encoding > IMPASTO_LINEAR {
            return bad(format!("encoding {} is unknown; expected IMPASTO_SRGB or _LINEAR", p.encoding));
        }
        if p.reserved != 0 {
            return bad(format!("reserved is {}; expected 0", p.reserved));
        }
        let (w, h) = (p.width as usize, p.height as usize);
        if w < SMALLEST || h < SMALLEST {
            return bad(format!("is {w}×{h} pixels; the smallest picture is {SMALLEST}×{SMALLEST}"));
        }
        if w.checked_mul(h).is_none_or(|n| n > MOST_PIXELS) {
            return bad(format!("is {w}×{h} pixels; at most {MOST_PIXELS} can be handled"));
        }
        if p.data.is_null() {
            return Err(Failure::argument(format!("{name}: data is NULL")));
        }
        let row = w * (p.layout * p.sample) as usize;
        if p.stride < row as isize {
            return bad(format!("stride is {}; a row has {row} bytes, and rows go down", p.stride));
        }
        // The end of the last row must be an address, and an offset that fits isize.
        let length = (p.stride as usize).checked_mul(h - 1).and_then(|n| n.checked_add(row));
        let fits =
            length.filter(|n| isize::try_from(*n).is_ok()).and_then(|n| (p.data as usize).checked_add(n));
        if fits.is_none() {
            return bad(format!("{h} rows with a stride of {} do not fit into memory", p.stride));
        }
        Ok(Pixels { picture: p, row })
    }

    /// [height, width]
    pub fn size(&self) -> [usize; 2] {
        [self.picture.height as usize, self.picture.width as usize]
    }

    /// The addresses that it covers.
    pub fn range(&self) -> Range<usize> {
        let start = self.picture.data as usize;
        start..start + self.picture.stride as usize * (self.picture.height as usize - 1) + self.row
    }

    /// Whether both describe the very same memory in the same way.
    pub fn is_same(&self, other: &Pixels) -> bool {
        self.picture.data == other.picture.data
            && self.picture.stride == other.picture.stride
            && self.size() == other.size()
            && self.is_like(other)
    }

    /// Whether pixels have the same bytes for the same colour in both.
    pub fn is_like(&self, other: &Pixels) -> bool {
        let format = |p: &ImpastoPicture| (p.layout, p.sample, p.encoding);
        format(&self.picture) == format(&other.picture)
    }

    fn channels(&self) -> usize {
        self.picture.layout as usize
    }

    fn has_alpha(&self) -> bool {
        self.channels().is_multiple_of(2)
    }

    /// # Safety
    /// The memory that the descriptor describes can be read, and nobody writes to it meanwhile.
    unsafe fn row(&self, y: usize) -> &[u8] {
        let start = y * self.picture.stride as usize;
        // SAFETY: `new` has checked that the row lies inside what the descriptor describes.
        unsafe { std::slice::from_raw_parts(self.picture.data.cast::<u8>().add(start), self.row) }
    }

    /// # Safety
    /// As `row`, and the memory can be written.
    #[allow(clippy::mut_from_ref, reason = "the memory is the host's, and the slice lives for a row")]
    unsafe fn row_mut(&self, y: usize) -> &mut [u8] {
        let start = y * self.picture.stride as usize;
        // SAFETY: as in `row`.
        unsafe { std::slice::from_raw_parts_mut(self.picture.data.cast::<u8>().add(start), self.row) }
    }

    /// The sample of a channel as it stands in the row, 0..1.
    fn sample(&self, row: &[u8], at: usize) -> f32 {
        let bytes = &row[at * self.picture.sample as usize..];
        match self.picture.sample {
            IMPASTO_U8 => bytes[0] as f32 / 255.0,
            IMPASTO_U16 => u16::from_ne_bytes([bytes[0], bytes[1]]) as f32 / 65535.0,
            _ => {
                let value = f32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) }
            }
        }
    }

    fn put(&self, row: &mut [u8], at: usize, value: f32) {
        let bytes = &mut row[at * self.picture.sample as usize..];
        let whole = |most: f32| (value.clamp(0.0, 1.0) * most).round();
        match self.picture.sample {
            IMPASTO_U8 => bytes[0] = whole(255.0) as u8,
            IMPASTO_U16 => bytes[..2].copy_from_slice(&(whole(65535.0) as u16).to_ne_bytes()),
            _ => bytes[..4].copy_from_slice(&value.to_ne_bytes()),
        }
    }

    /// The engine's picture of it.
    ///
    /// # Safety
    /// The memory that the descriptor describes can be read, and nobody writes to it meanwhile.
    pub unsafe fn read(&self) -> Picture {
        let ([h, w], channels) = (self.size(), self.channels());
        let light = self.picture.encoding == IMPASTO_LINEAR;
        let mut rgb = Array3::zeros((3, h, w));
        let mut alpha = self.has_alpha().then(|| Array2::zeros((h, w)));
        for y in 0..h {
            // SAFETY: as the caller promises.
            let row = unsafe { self.row(y) };
            for x in 0..w {
                for c in 0..3 {
                    let value = self.sample(row, x * channels + if channels < 3 { 0 } else { c });
                    rgb[[c, y, x]] = if light { encoded(value) } else { value };
                }
                if let Some(alpha) = &mut alpha {
                    alpha[[y, x]] = self.sample(row, x * channels + channels - 1);
                }
            }
        }
        let depth = if self.picture.sample == IMPASTO_U8 { Depth::Eight } else { Depth::Sixteen };
        let picture =
            Picture::new(rgb, alpha).expect("`new` has checked the size, and `sample` leaves no NaN");
        picture.with_depth(depth)
    }

    /// The first channel as a mask.
    ///
    /// # Safety
    /// As `read`.
    pub unsafe fn read_mask(&self) -> Array2<f32> {
        let ([h, w], channels) = (self.size(), self.channels());
        let mut mask = Array2::zeros((h, w));
        for y in 0..h {
            // SAFETY: as the caller promises.
            let row = unsafe { self.row(y) };
            for x in 0..w {
                mask[[y, x]] = self.sample(row, x * channels);
            }
        }
        mask
    }

    /// Writes a picture of this size. Pixels for which `stays` holds are left as they are. Where the
    /// picture has no alpha, an alpha channel becomes opaque.
    ///
    /// # Safety
    /// As `read`, and the memory can be written.
    pub unsafe fn write(&self, picture: &Picture, stays: impl Fn(usize, usize) -> bool) {
        let ([h, w], channels) = (self.size(), self.channels());
        let light = self.picture.encoding == IMPASTO_LINEAR;
        for y in 0..h {
            // SAFETY: as the caller promises.
            let row = unsafe { self.row_mut(y) };
            for x in (0..w).filter(|&x| !stays(y, x)) {
                let rgb = [0, 1, 2].map(|c| picture.rgb()[[c, y, x]]);
                if channels < 3 {
                    // Luminance in linear light (Rec. 709, sRGB's primaries).
                    let grey = 0.2126 * linear(rgb[0]) + 0.7152 * linear(rgb[1]) + 0.0722 * linear(rgb[2]);
                    self.put(row, x * channels, if light { grey } else { encoded(grey) });
                } else {
                    for (c, value) in rgb.into_iter().enumerate() {
                        self.put(row, x * channels + c, if light { linear(value) } else { value });
                    }
                }
                if self.has_alpha() {
                    let alpha = picture.alpha().map_or(1.0, |a| a[[y, x]]);
                    self.put(row, x * channels + channels - 1, alpha);
                }
            }
        }
    }

    /// Makes this picture, of the same size and format as `from`, a copy of it where `stays` holds.
    ///
    /// # Safety
    /// As `write` for this, as `read` for `from`; the two do not overlap.
    pub unsafe fn copy(&self, from: &Pixels, stays: impl Fn(usize, usize) -> bool) {
        let [h, w] = self.size();
        let pixel = self.row / w;
        for y in 0..h {
            // SAFETY: as the caller promises.
            let (to, from) = unsafe { (self.row_mut(y), from.row(y)) };
            for x in (0..w).filter(|&x| stays(y, x)) {
                to[x * pixel..][..pixel].copy_from_slice(&from[x * pixel..][..pixel]);
            }
        }
    }
}
