// SPDX-License-Identifier: GPL-3.0-or-later
//! A layer that shows the picture so far while it is painted.

use std::time::{Duration, Instant};

use gimp::babl::Format;
use gimp::gegl::Rectangle;
use gimp::prelude::*;
use gimp_ui::gtk::gdk_pixbuf::{Colorspace, InterpType, Pixbuf};

use crate::engine::Progress;
use crate::picture::Pixels;

/// The least time between two pictures.
const PAUSE: Duration = Duration::from_secs(2);
/// Showing a picture takes no more than one part in so many of the time.
const SHARE: u32 = 10;

/// The layer.
pub struct OnCanvas {
    layer: gimp::Layer,
    /// How opaque each pixel is: that of the picture that is painted.
    alpha: Vec<u8>,
    next: Instant,
}

impl OnCanvas {
    /// A layer that lies over `content` and has its size.
    pub fn new(layer: gimp::Layer, content: &Pixels) -> Self {
        let opaque = |pixel: &[u8]| {
            let alpha = pixel.last_chunk::<4>().map_or(1.0, |bytes| f32::from_ne_bytes(*bytes));
            (alpha.clamp(0.0, 1.0) * 255.0).round() as u8
        };
        let pixel = (content.layout * content.sample) as usize;
        OnCanvas {
            layer,
            alpha: content.bytes.chunks_exact(pixel).map(opaque).collect(),
            next: Instant::now(),
        }
    }

    /// Shows the picture so far, if there is one and it is time for it.
    pub fn show(&mut self, progress: &Progress) {
        let begun = Instant::now();
        let Some(preview) = progress.preview.as_ref().filter(|_| begun >= self.next) else { return };
        // The user may have deleted it.
        if self.layer.is_valid() {
            self.draw(preview, progress.part);
            gimp::displays_flush();
        }
        self.next = Instant::now() + PAUSE.max(begun.elapsed() * SHARE);
    }

    /// Draws a picture of a part of the layer.
    fn draw(&self, preview: &Pixels, part: [f64; 4]) -> Option<()> {
        let (width, height) = (self.layer.width(), self.layer.height());
        let [left, right] = [part[0], part[2]].map(|x| (x * f64::from(width)).round() as i32);
        let [top, bottom] = [part[1], part[3]].map(|y| (y * f64::from(height)).round() as i32);
        let (wide, high) = (right - left, bottom - top);
        if left < 0 || top < 0 || right > width || bottom > height || wide < 1 || high < 1 {
            return None;
        }
        let (columns, rows) = (preview.width as i32, preview.height as i32);
        let bytes = glib::Bytes::from(&preview.bytes);
        let small = Pixbuf::from_bytes(&bytes, Colorspace::Rgb, false, 8, columns, rows, 3 * columns);
        let large = small.scale_simple(wide, high, InterpType::Bilinear)?;
        let (stride, rgb) = (large.rowstride() as usize, large.read_pixel_bytes());
        let mut out = Vec::with_capacity(4 * wide as usize * high as usize);
        for y in 0..high as usize {
            let row = rgb.get(y * stride..)?.get(..3 * wide as usize)?;
            let alpha = self.alpha.get((top as usize + y) * width as usize + left as usize..)?;
            for ([r, g, b], alpha) in row.as_chunks::<3>().0.iter().zip(alpha) {
                out.extend([*r, *g, *b, *alpha]);
            }
        }
        let buffer = self.layer.buffer()?;
        let rectangle = Rectangle::new(left, top, wide as u32, high as u32);
        buffer.set_pixels(&rectangle, 0, &Format::from_encoding("R'G'B'A u8"), &out, None);
        buffer.flush();
        self.layer.update(left, top, wide, high);
        Some(())
    }
}
