//! Turns the bytes of a TIFF's rows into samples of 0..1.

use std::borrow::Cow;

use half::f16;

use super::super::super::colour::Channels;
use super::super::problem::Problem;
use super::layout::{Compression, Layout, Photometric, Predictor};

/// Converts rows one after the other, with memory that it keeps.
pub(super) struct Converter<'a> {
    layout: &'a Layout,
    /// A row's bytes in this machine's order, without its predictor.
    bytes: Vec<u8>,
    /// The samples of a row, all channels of the file.
    values: Vec<f32>,
    /// The result's samples.
    out: Vec<f32>,
}

impl<'a> Converter<'a> {
    pub fn new(layout: &'a Layout) -> Self {
        Converter { layout, bytes: Vec::new(), values: Vec::new(), out: Vec::new() }
    }

    /// Row `y` of a piece, `width` pixels of the channels that the picture has, interleaved. `planes` is one
    /// piece, or one for each sample.
    pub fn row(&mut self, planes: &[Cow<[u8]>], y: usize, width: usize) -> Result<&[f32], Problem> {
        let layout = self.layout;
        let (all, own) = (layout.samples, layout.samples_of_a_piece());
        self.values.resize(layout.piece_width * all, 0.0);
        for (plane, bytes) in planes.iter().enumerate() {
            let start = y * layout.row_bytes();
            self.bytes.clear();
            self.bytes.extend(&bytes[start..start + layout.row_bytes()]);
            self.restore();
            let values = &mut self.values;
            let mut put = |i: usize, v: f32| values[i / own * all + plane + i % own] = v;
            unpacked(&self.bytes, layout, layout.piece_width * own, &mut put);
        }
        self.out.clear();
        for pixel in self.values.chunks_exact(all).take(width) {
            coloured(layout, pixel, &mut self.out);
        }
        Ok(&self.out)
    }

    /// Brings the row's bytes into this machine's order and takes the predictor back.
    fn restore(&mut self) {
        let Layout { bits, predictor, big_endian, .. } = *self.layout;
        let step = self.layout.samples_of_a_piece();
        let size = bits / 8;
        if predictor == Predictor::Float {
            // Bytes are differences, and stand apart by their place in the number, the highest first.
            for i in step..self.bytes.len() {
                self.bytes[i] = self.bytes[i].wrapping_add(self.bytes[i - step]);
            }
            let count = self.bytes.len() / size;
            let apart = self.bytes.clone();
            for (i, number) in self.bytes.chunks_exact_mut(size).enumerate() {
                for (place, byte) in number.iter_mut().enumerate() {
                    *byte = apart[place * count + i];
                }
                number.reverse();
            }
            return;
        }
        if big_endian && bits.is_multiple_of(8) && size > 1 {
            self.bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        if predictor == Predictor::Horizontal {
            match size {
                1 => {
                    for i in step..self.bytes.len() {
                        self.bytes[i] = self.bytes[i].wrapping_add(self.bytes[i - step]);
                    }
                }
                2 => sum::<2>(&mut self.bytes, step),
                4 => sum::<4>(&mut self.bytes, step),
                _ => sum::<8>(&mut self.bytes, step),
            }
        }
    }
}

/// Adds to each little-endian number the one `step` before it.
fn sum<const N: usize>(bytes: &mut [u8], step: usize) {
    let number = |bytes: &[u8]| {
        let mut eight = [0; 8];
        eight[..N].copy_from_slice(&bytes[..N]);
        u64::from_le_bytes(eight)
    };
    for i in step..bytes.len() / N {
        let total = number(&bytes[i * N..]).wrapping_add(number(&bytes[(i - step) * N..]));
        bytes[i * N..(i + 1) * N].copy_from_slice(&total.to_le_bytes()[..N]);
    }
}

/// Calls `put` with each of `count` samples of a row, 0..1 (indices as they are for a palette).
fn unpacked(bytes: &[u8], layout: &Layout, count: usize, put: &mut impl FnMut(usize, f32)) {
    let most = match (layout.photometric, layout.bits) {
        (Photometric::Palette, _) => 1.0,
        (_, bits) => ((1u128 << bits) - 1) as f64,
    };
    let array = |i: usize, n: usize| &bytes[i * n..(i + 1) * n];
    match (layout.is_float, layout.bits) {
        (true, 16) => {
            for i in 0..count {
                put(i, f16::from_le_bytes([bytes[2 * i], bytes[2 * i + 1]]).to_f32());
            }
        }
        (true, 32) => {
            for i in 0..count {
                put(i, f32::from_le_bytes(array(i, 4).try_into().unwrap_or_default()));
            }
        }
        (true, _) => {
            for i in 0..count {
                put(i, f64::from_le_bytes(array(i, 8).try_into().unwrap_or_default()) as f32);
            }
        }
        (_, bits @ (8 | 16 | 32 | 64)) => {
            let size = bits / 8;
            for i in 0..count {
                let number = array(i, size).iter().rev().fold(0u64, |n, &b| n << 8 | u64::from(b));
                put(i, (number as f64 / most) as f32);
            }
        }
        (_, bits) => {
            for i in 0..count {
                let from = i * bits;
                let number = (from..from + bits)
                    .fold(0u32, |n, bit| n << 1 | u32::from(bytes[bit / 8] >> (7 - bit % 8) & 1));
                put(i, (f64::from(number) / most) as f32);
            }
        }
    }
}

/// Puts the picture's channels of one pixel of the file behind `out`.
fn coloured(layout: &Layout, pixel: &[f32], out: &mut Vec<f32>) {
    let start = out.len();
    match layout.photometric {
        Photometric::WhiteIsZero => out.push(1.0 - pixel[0]),
        Photometric::Palette => {
            out.extend(layout.palette.get(pixel[0] as usize).copied().unwrap_or_default());
        }
        // The decoder of JPEG has turned it into RGB.
        Photometric::YCbCr if layout.compression != Compression::Jpeg || layout.planar => {
            let part = |i: usize, full: f32| {
                let [none, most] = layout.references[i];
                (pixel[i] * 255.0 - none) / (most - none) * full
            };
            let [y, cb, cr] = [part(0, 1.0), part(1, 127.0 / 255.0), part(2, 127.0 / 255.0)];
            let [red, green, blue] = layout.luma;
            let (r, b) = (y + cr * (2.0 - 2.0 * red), y + cb * (2.0 - 2.0 * blue));
            out.extend([r, (y - red * r - blue * b) / green, b]);
        }
        other => out.extend(
            &pixel[..match other.channels() {
                Channels::Grey => 1,
                Channels::Rgb => 3,
                Channels::Cmyk => 4,
            }],
        ),
    }
    let Some(alpha) = layout.alpha else { return };
    let a = pixel[alpha.sample];
    if alpha.associated && a > 0.0 {
        // Inks are premultiplied like other samples.
        out[start..].iter_mut().for_each(|v| *v = (*v / a).min(1.0));
    }
    out.push(a);
}
