// SPDX-License-Identifier: GPL-3.0-or-later
//! Small pictures of styles.

use gimp_ui::gtk::gdk_pixbuf::{Colorspace, Pixbuf, PixbufLoader};
use gimp_ui::gtk::prelude::*;

use crate::picture::Pixels;

/// The longer side that is kept, in pixels: for a screen with a scale of 2.
const SIDE: u32 = 104;
/// What shows through where a style is transparent.
const BEHIND: u32 = 128;

/// A small picture of a style, 16 bits with alpha, as JPEG.
pub fn jpeg(style: &Pixels) -> Option<Vec<u8>> {
    let small = shrunk(style)?;
    let bytes = glib::Bytes::from_owned(small.bytes);
    let (width, height) = (small.width as i32, small.height as i32);
    let picture = Pixbuf::from_bytes(&bytes, Colorspace::Rgb, false, 8, width, height, 3 * width);
    picture.save_to_bufferv("jpeg", &[("quality", "85")]).ok()
}

/// The mean of the pixels that lie in each of the small picture's, RGB of 8 bits.
fn shrunk(style: &Pixels) -> Option<Pixels> {
    if (style.layout, style.sample) != (4, 2) || style.width == 0 || style.height == 0 {
        return None;
    }
    let longer = style.width.max(style.height).max(SIDE);
    let side = |side: u32| (u64::from(side) * u64::from(SIDE) / u64::from(longer)).max(1) as u32;
    let mut out = Pixels::new(side(style.width), side(style.height), 3, 1);
    let span = |at: u32, small: u32, large: u32| {
        let start = |at: u32| (u64::from(at) * u64::from(large) / u64::from(small)) as usize;
        start(at)..start(at + 1)
    };
    let (pixels, _) = style.bytes.as_chunks::<8>();
    for y in 0..out.height {
        for x in 0..out.width {
            let (mut sum, mut count) = ([0u64; 3], 0);
            for row in span(y, out.height, style.height) {
                for column in span(x, out.width, style.width) {
                    let pixel = pixels.get(row * style.width as usize + column)?;
                    let sample =
                        |c: usize| u32::from(u16::from_ne_bytes([pixel[2 * c], pixel[2 * c + 1]])) / 257;
                    let alpha = sample(3);
                    for (c, sum) in sum.iter_mut().enumerate() {
                        *sum += u64::from((sample(c) * alpha + BEHIND * (255 - alpha)) / 255);
                    }
                    count += 1;
                }
            }
            let at = 3 * (y * out.width + x) as usize;
            for (to, sum) in out.bytes[at..].iter_mut().zip(sum) {
                *to = (sum / count.max(1)) as u8;
            }
        }
    }
    Some(out)
}

/// A picture out of the bytes of a file, at most `side` pixels long.
pub fn read(bytes: &[u8], side: i32) -> Option<Pixbuf> {
    let loader = PixbufLoader::new();
    let written = loader.write(bytes);
    loader.close().and(written).ok()?;
    let picture = loader.pixbuf()?;
    let scale = f64::from(side) / f64::from(picture.width().max(picture.height()));
    let [width, height] =
        [picture.width(), picture.height()].map(|v| (f64::from(v) * scale).round().max(1.0) as i32);
    picture.scale_simple(width, height, gimp_ui::gtk::gdk_pixbuf::InterpType::Bilinear)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_is_made_small_in_its_shape() {
        let mut style = Pixels::new(416, 208, 4, 2);
        for (at, pixel) in style.bytes.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            // Red on the left, transparent on the right.
            let red = at % 416 < 208;
            for (c, value) in [(0, red), (3, red)] {
                pixel[2 * c..2 * c + 2].copy_from_slice(&(u16::from(value) * u16::MAX).to_ne_bytes());
            }
        }
        let small = shrunk(&style).expect("a picture");
        assert_eq!((small.width, small.height), (104, 52));
        assert_eq!(small.bytes[..3], [255, 0, 0]);
        assert_eq!(small.bytes[3 * 103..3 * 104], [128, 128, 128]);
    }

    #[test]
    fn tiny_and_unknown_pictures_are_no_fault() {
        let small = shrunk(&Pixels::new(3, 1, 4, 2)).expect("a picture");
        assert_eq!((small.width, small.height), (3, 1));
        assert!(shrunk(&Pixels::new(3, 1, 3, 1)).is_none());
        assert!(shrunk(&Pixels::new(0, 1, 4, 2)).is_none());
    }

    #[test]
    fn a_jpeg_is_read_again_and_what_is_none_is_not() {
        let jpeg = jpeg(&Pixels::new(300, 200, 4, 2)).expect("a file");
        let picture = read(&jpeg, 36).expect("a picture");
        assert_eq!((picture.width(), picture.height()), (36, 24));
        assert!(read(&jpeg[..9], 36).is_none());
        assert!(read(b"", 36).is_none());
    }
}
