// SPDX-License-Identifier: GPL-3.0-or-later
//! Pictures in the screen's own pixels.

use gimp_ui::gtk;
use gimp_ui::prelude::*;
use gtk::gdk_pixbuf::Pixbuf;

/// A picture whose pixels are the screen's device pixels, `scale` of them for one logical pixel.
pub fn drawn(picture: &Pixbuf, scale: i32) -> gtk::Image {
    let image = gtk::Image::new();
    image.set_from_surface(picture.create_surface(scale, None::<&gtk::gdk::Window>).as_ref());
    image
}
