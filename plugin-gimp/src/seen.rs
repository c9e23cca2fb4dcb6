// SPDX-License-Identifier: GPL-3.0-or-later
//! What is seen of a drawable: its pixels with the filters that GIMP 3 keeps on it.

use gimp::gegl::{AbyssPolicy, Buffer, Rectangle};
use gimp::prelude::*;

use crate::text::tr;

/// The pixels of a drawable, filters included. They can be read as long as this value lives.
pub struct Seen {
    /// The pixels. A filter may have made them larger than the drawable.
    buffer: Buffer,
    /// Where the drawable's left upper corner lies in the buffer.
    corner: (i32, i32),
    /// The image that holds a copy with its filters merged, if there are filters.
    _copy: Option<Copy>,
}

impl Seen {
    /// Opens a drawable for reading. The drawable and its image stay as they are.
    pub fn new(drawable: &impl IsA<gimp::Drawable>) -> Result<Seen, String> {
        let refused = || tr("GIMP does not give the layer's pixels.").to_string();
        if drawable.filters().is_empty() {
            let buffer = drawable.buffer().ok_or_else(refused)?;
            return Ok(Seen { buffer, corner: (0, 0), _copy: None });
        }
        let copy = Copy::with_filters_merged(drawable).ok_or_else(refused)?;
        let buffer = copy.layer.buffer().ok_or_else(refused)?;
        let (x, y) = copy.layer.offsets().unwrap_or((0, 0));
        Ok(Seen { buffer, corner: (-x, -y), _copy: Some(copy) })
    }

    /// Reads a rectangle of the drawable, scaled, in a babl format. The rectangle is in scaled pixels.
    pub fn pixels(
        &self,
        rectangle: &Rectangle,
        scale: f64,
        format: &gimp::babl::Format,
        beyond: AbyssPolicy,
    ) -> Vec<u8> {
        let place = self.moved(rectangle, scale);
        self.buffer.get_pixels(&place, scale, format, beyond)
    }

    fn moved(&self, rectangle: &Rectangle, scale: f64) -> Rectangle {
        let scaled = |corner: i32| (f64::from(corner) * scale).round() as i32;
        let (x, y) = (rectangle.x() + scaled(self.corner.0), rectangle.y() + scaled(self.corner.1));
        Rectangle::new(x, y, rectangle.width() as u32, rectangle.height() as u32)
    }
}

/// A layer in an image that nobody sees. The image is deleted with this value.
struct Copy {
    image: gimp::Image,
    layer: gimp::Layer,
}

impl Copy {
    /// A copy of a drawable whose left upper corner is the image's, before its filters are merged.
    fn with_filters_merged(drawable: &impl IsA<gimp::Drawable>) -> Option<Copy> {
        let from = drawable.upcast_ref::<gimp::Drawable>().image()?;
        let image = gimp::Image::with_precision(
            drawable.width(),
            drawable.height(),
            if drawable.is_gray() { gimp::ImageBaseType::Gray } else { gimp::ImageBaseType::Rgb },
            from.precision(),
        );
        image.undo_disable();
        if from.base_type() == image.base_type() {
            image.set_color_profile(from.color_profile().as_ref());
        }
        let layer = gimp::Layer::from_drawable(drawable, &image);
        let copy = Copy { image, layer };
        copy.layer.set_offsets(0, 0);
        let merged =
            copy.image.insert_layer(&copy.layer, None::<&gimp::Layer>, 0) && copy.layer.merge_filters();
        merged.then_some(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        self.image.delete();
    }
}
