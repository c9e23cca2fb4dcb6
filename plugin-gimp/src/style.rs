// SPDX-License-Identifier: GPL-3.0-or-later
//! The style picture: out of a file, a layer or an image.

use gimp::gio;
use gimp::prelude::*;

use crate::picture::{Pixels, Second, Style};
use crate::pixels::{self, Area};
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

/// The style that was chosen.
#[derive(Clone, PartialEq)]
pub enum Choice {
    /// One of libimpasto's own, by its name.
    Own(String),
    /// A picture.
    Picture(Source),
}

impl Choice {
    /// What libimpasto is given of it.
    pub fn read(&self) -> Result<Style, String> {
        match self {
            Choice::Own(name) => Ok(Style::Own(name.clone())),
            Choice::Picture(source) => source.read().map(Style::Read),
        }
    }
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

/// A second style.
#[derive(Clone, PartialEq)]
pub struct Blend {
    /// Which one.
    pub choice: Choice,
    /// How much the first and the second count.
    pub weights: [f64; 2],
    /// The size of its strokes against the first's.
    pub scale: f64,
    /// A drawable that is bright where it is painted.
    pub region: Option<gimp::Drawable>,
}

impl Second {
    /// Reads it for an area of a drawable, made as small as that is where a `side` is given.
    pub fn read(
        blend: &Blend,
        drawable: &gimp::Drawable,
        area: Area,
        side: Option<i32>,
    ) -> Result<Second, String> {
        let gone = || crate::text::tr("The region is not open any more. Choose another one.").to_string();
        let region = match &blend.region {
            Some(region) if region.is_valid() => Some(pixels::region(region, drawable, area, side)?),
            Some(_) => return Err(gone()),
            None => None,
        };
        Ok(Second { style: blend.choice.read()?, weights: blend.weights, scale: blend.scale, region })
    }
}

/// An image as it is seen.
fn merged(image: &gimp::Image) -> Result<Pixels, String> {
    let layer = gimp::Layer::from_visible(image, image, None);
    let read = pixels::whole(&layer);
    layer.delete();
    read
}
