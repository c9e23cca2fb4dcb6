// SPDX-License-Identifier: GPL-3.0-or-later
//! The style picture: out of a file, a layer or an image.

use gimp::gio;
use gimp::prelude::*;

use crate::library::Pixels;
use crate::pixels;
use crate::text::fill;

/// Where a style comes from.
#[derive(Clone, PartialEq)]
pub enum Source {
    /// A file that GIMP can open.
    File(gio::File),
    /// A layer, or any other drawable.
    Layer(gimp::Drawable),
    /// An image with all its layers.
    Image(gimp::Image),
}

/// The folder of the style pictures that come with the filter.
fn bundled() -> Option<std::path::PathBuf> {
    let folder = std::env::current_exe().ok()?.parent()?.join("styles");
    folder.is_dir().then_some(folder)
}

/// A style to begin with, where the user has not chosen one.
pub fn first() -> Option<gio::File> {
    Some(gio::File::for_path(bundled()?.join("whirls.jpg")))
        .filter(|f| f.query_exists(gio::Cancellable::NONE))
}

impl Source {
    /// Reads the pixels, 16 bits in sRGB with alpha. No image is changed, and nothing is left open.
    pub fn read(&self) -> Result<Pixels, String> {
        match self {
            Source::Layer(drawable) if drawable.is_valid() => pixels::whole(drawable),
            Source::Image(image) if image.is_valid() => merged(image),
            Source::File(file) => {
                let name = file.parse_name();
                let problem = |what: &str| {
                    fill(
                        "The style “{file}” cannot be opened: {problem}",
                        &[("file", name.as_str()), ("problem", what)],
                    )
                };
                let loaded = gimp::file_load(gimp::RunMode::Noninteractive, file);
                let said = gimp::pdb().and_then(|pdb| pdb.last_error());
                gimp::progress_end();
                let image = loaded.ok_or_else(|| problem(&said.unwrap_or_default()))?;
                let read = merged(&image);
                image.delete();
                read
            }
            _ => Err(crate::text::tr("The style picture is not open any more. Choose another one.").into()),
        }
    }
}

/// An image as it is seen.
fn merged(image: &gimp::Image) -> Result<Pixels, String> {
    let layer = gimp::Layer::from_visible(image, image, None);
    let read = pixels::whole(&layer);
    layer.delete();
    read
}
