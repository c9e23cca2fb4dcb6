//! Pictures as the engine works on them. Nothing in here knows of models or losses.

mod colour;
pub(crate) mod colours;
mod ifd;
mod metadata;
mod read;
mod resize;
mod write;

use std::borrow::Cow;

use ndarray::{Array2, Array3, Axis, s};

use crate::error::{Error, Result};

pub use colour::{encoded, linear};
pub use metadata::{Metadata, Resolution};
pub use read::{FileKind, PictureInfo, contents, contents_of};
pub(crate) use resize::{plane, resized_plane};
pub use write::Format;

/// The smallest height and width that can be stylised.
pub const SMALLEST: usize = 16;
/// The largest number of pixels that is accepted: 1 gigapixel, so that sizes multiply without overflow.
pub const MOST_PIXELS: usize = 1 << 30;

/// How many bits a saved channel has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// 8 bits
    Eight,
    /// 16 bits
    Sixteen,
}

/// A picture in sRGB with what is needed to save it as it came. Its planes always have the same size, at least
/// [`SMALLEST`] in height and width and at most [`MOST_PIXELS`] in all.
#[derive(Clone, Debug)]
pub struct Picture {
    /// [3, H, W], RGB, sRGB-encoded, 0..1.
    pub(crate) rgb: Array3<f32>,
    /// [H, W], 0..1, not premultiplied; None where the picture has no alpha channel.
    pub(crate) alpha: Option<Array2<f32>>,
    /// The ICC profile that the file had, if it is one that a picture can be converted back to.
    pub(crate) icc: Option<Vec<u8>>,
    /// The depth the file had.
    pub(crate) depth: Depth,
    /// Print size and facts about the photograph.
    pub(crate) metadata: Metadata,
}

/// The size [height, width] with `long_edge` as the longer side and the shape of `size`, but no side shorter
/// than [`SMALLEST`].
pub fn scaled(size: [usize; 2], long_edge: usize) -> [usize; 2] {
    let factor = long_edge as f64 / size[0].max(size[1]) as f64;
    size.map(|side| ((side as f64 * factor).round() as usize).max(SMALLEST))
}

/// The shorter side of a picture of this shape whose longer side is `long_edge`; it may be less than [`SMALLEST`].
pub(crate) fn shorter_side(size: [usize; 2], long_edge: usize) -> usize {
    let factor = long_edge as f64 / size[0].max(size[1]) as f64;
    (size[0].min(size[1]) as f64 * factor).round() as usize
}

/// The least longer side with which a picture of this shape is nowhere narrower than [`SMALLEST`].
pub(crate) fn least_long_edge(size: [usize; 2]) -> usize {
    let slimness = size[0].max(size[1]) as f64 / size[0].min(size[1]) as f64;
    // Sides are rounded.
    ((SMALLEST as f64 - 0.5) * slimness).ceil() as usize
}

impl Picture {
    /// An 8-bit picture without profile from RGB [3, H, W] and alpha [H, W], sRGB-encoded, 0..1, alpha not
    /// premultiplied. Values outside 0..1 are clipped. Fails if the shapes do not fit together, a side is
    /// shorter than [`SMALLEST`], there are more than [`MOST_PIXELS`], or a value is not a number.
    pub fn new(mut rgb: Array3<f32>, mut alpha: Option<Array2<f32>>) -> Result<Self> {
        let bad = |problem: String| Error::picture("picture", problem);
        let (planes, height, width) = rgb.dim();
        if planes != 3 {
            return Err(bad(format!("has {planes} colour planes; give three, [3, height, width]")));
        }
        Picture::check_size("picture", height, width)?;
        if let Some(size) = alpha.as_ref().map(Array2::dim).filter(|&size| size != (height, width)) {
            return Err(bad(format!(
                "has colours of {width}×{height} pixels and an alpha of {}×{}; give both the same size",
                size.1, size.0
            )));
        }
        if rgb.iter().chain(alpha.iter().flatten()).any(|v| v.is_nan()) {
            return Err(bad("holds values that are not a number (NaN); replace them".into()));
        }
        rgb.mapv_inplace(|v| v.clamp(0.0, 1.0));
        if let Some(alpha) = &mut alpha {
            alpha.mapv_inplace(|v| v.clamp(0.0, 1.0));
        }
        Ok(Picture { rgb, alpha, icc: None, depth: Depth::Eight, metadata: Metadata::default() })
    }

    /// The same picture, to be saved with that depth.
    pub fn with_depth(self, depth: Depth) -> Self {
        Picture { depth, ..self }
    }

    /// The same picture with another alpha [H, W]; fails as [`Picture::new`] does.
    pub fn with_alpha(self, alpha: Option<Array2<f32>>) -> Result<Self> {
        let Picture { rgb, icc, depth, metadata, .. } = self;
        Ok(Picture { icc, depth, metadata, ..Picture::new(rgb, alpha)? })
    }

    /// RGB [3, H, W], sRGB-encoded, 0..1.
    pub fn rgb(&self) -> &Array3<f32> {
        &self.rgb
    }

    /// Takes the RGB planes out of the picture.
    pub fn into_rgb(self) -> Array3<f32> {
        self.rgb
    }

    /// Alpha [H, W], 0..1, not premultiplied; None where the picture has none.
    pub fn alpha(&self) -> Option<&Array2<f32>> {
        self.alpha.as_ref()
    }

    /// The ICC profile of the file, if a picture can be converted back to it.
    pub fn icc(&self) -> Option<&[u8]> {
        self.icc.as_deref()
    }

    /// The depth that the picture had in its file.
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// Print size and facts about the photograph.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.rgb.dim().1
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.rgb.dim().2
    }

    /// Height and width in pixels.
    pub fn size(&self) -> [usize; 2] {
        [self.height(), self.width()]
    }

    /// Whether every pixel can be seen.
    pub(crate) fn is_opaque(&self) -> bool {
        self.alpha.as_ref().is_none_or(|alpha| alpha.iter().all(|a| *a > 0.0))
    }

    /// The middle of the picture with this height and width, which are not larger than its own.
    pub(crate) fn middle(&self, [h, w]: [usize; 2]) -> Cow<'_, Picture> {
        if [h, w] == [self.height(), self.width()] {
            return Cow::Borrowed(self);
        }
        let (top, left) = ((self.height() - h) / 2, (self.width() - w) / 2);
        Cow::Owned(self.window(top, left, [h, w]))
    }

    /// The part of the picture from a pixel on, with this height and width, which it has.
    pub(crate) fn window(&self, top: usize, left: usize, [h, w]: [usize; 2]) -> Picture {
        let alpha = self.alpha.as_ref().map(|a| a.slice(s![top..top + h, left..left + w]).to_owned());
        let rgb = self.rgb.slice(s![.., top..top + h, left..left + w]).to_owned();
        self.alike(rgb, alpha)
    }

    /// Other planes, of one size, with this picture's profile, depth and metadata.
    fn alike(&self, rgb: Array3<f32>, alpha: Option<Array2<f32>>) -> Picture {
        Picture { rgb, alpha, icc: self.icc.clone(), depth: self.depth, metadata: self.metadata.clone() }
    }

    /// How bright each pixel is, [H, W] in 0..1 (the mean of the encoded channels), transparent ones not at
    /// all: a picture that is a mask.
    pub fn brightness(&self) -> Array2<f32> {
        let mut mask = self.rgb.sum_axis(Axis(0)) / 3.0;
        if let Some(alpha) = &self.alpha {
            mask *= alpha;
        }
        mask
    }

    /// The values as they will be when saved and read again: rounded in the picture's own colour profile, and in
    /// sRGB where it has none that a picture can be written in.
    pub fn quantised(&self) -> Array3<f32> {
        let steps = match self.depth {
            Depth::Eight => 255.0,
            Depth::Sixteen => 65535.0,
        };
        let rounded = |rgb: &Array3<f32>| rgb.mapv(|v| (v.clamp(0.0, 1.0) * steps).round() / steps);
        if let Some(icc) = &self.icc {
            let mut own = self.rgb.clone();
            if colour::from_srgb(&mut own, icc).is_ok() {
                let mut read = rounded(&own);
                if colour::to_srgb(&mut read, icc).is_ok() {
                    return read;
                }
            }
        }
        rounded(&self.rgb)
    }

    pub(crate) fn check_size(name: &str, height: usize, width: usize) -> Result<()> {
        if height < SMALLEST || width < SMALLEST {
            return Err(Error::picture(
                name,
                format!(
                    "is {width}×{height} pixels; the smallest picture that can be stylised is {SMALLEST}×{SMALLEST}"
                ),
            ));
        }
        match height.checked_mul(width) {
            Some(pixels) if pixels <= MOST_PIXELS => Ok(()),
            _ => Err(Error::picture(
                name,
                format!("is {width}×{height} pixels; at most {MOST_PIXELS} can be handled"),
            )),
        }
    }
}
