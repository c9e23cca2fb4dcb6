//! Writes picture files: PNG, JPEG, TIFF and WebP.

mod samples;
mod tiff;

use std::io::Cursor;
use std::path::Path;

use image::codecs::jpeg::{JpegEncoder, PixelDensity, PixelDensityUnit};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};
use ndarray::Array2;

use super::metadata::{INCHES_PER_METRE, Resolution};
use super::{Depth, Picture};
use crate::error::{Error, Result};
use crate::files;
use samples::{Kept, Samples};

/// The file formats that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// 8 or 16 bits, alpha
    Png,
    /// 8 bits, no alpha, quality 95
    Jpeg,
    /// 8 or 16 bits, alpha
    Tiff,
    /// 8 bits, alpha, lossless
    WebP,
}

const JPEG_QUALITY: u8 = 95;

impl Format {
    /// The format that a file's ending asks for.
    pub fn from_path(path: &Path) -> Result<Self> {
        let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        Format::named(ending).ok_or_else(|| {
            Error::Parameters(format!(
                "{}: the ending says which format to write; use .png, .jpg, .tiff or .webp",
                path.display()
            ))
        })
    }

    /// The format of that name, which is also an ending of its files.
    pub fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "png" => Some(Format::Png),
            "jpg" | "jpeg" => Some(Format::Jpeg),
            "tif" | "tiff" => Some(Format::Tiff),
            "webp" => Some(Format::WebP),
            _ => None,
        }
    }

    /// The usual ending of its files.
    pub fn ending(self) -> &'static str {
        match self {
            Format::Png => "png",
            Format::Jpeg => "jpg",
            Format::Tiff => "tiff",
            Format::WebP => "webp",
        }
    }

    /// Whether the format can hold a picture of this height and width in pixels; the error names a format
    /// that can. TIFF files are at most 4 GiB long, which is counted with 16 bits and alpha.
    pub fn check_size(self, height: usize, width: usize) -> Result<()> {
        let (name, longest) = match self {
            Format::Jpeg => ("JPEG", 65_535),
            Format::WebP => ("WebP", 16_383),
            Format::Png => ("PNG", (1 << 31) - 1),
            Format::Tiff => ("TIFF", (1 << 31) - 1),
        };
        if height.max(width) > longest {
            return Err(Error::Parameters(format!(
                "the result has {width}×{height} pixels, and a {name} file at most {longest} on a side; write a \
                 PNG or TIFF file, or choose a smaller size"
            )));
        }
        let bytes = height.checked_mul(width).and_then(|pixels| pixels.checked_mul(8));
        if self == Format::Tiff && bytes.is_none_or(|bytes| bytes > tiff::MOST_BYTES) {
            return Err(Error::Parameters(format!(
                "the result has {width}×{height} pixels, and a TIFF file at most 4 GiB; write a PNG file, or \
                 choose a smaller size"
            )));
        }
        Ok(())
    }

    fn can_hold_alpha(self) -> bool {
        self != Format::Jpeg
    }

    fn depth(self, wanted: Depth) -> Depth {
        match self {
            Format::Png | Format::Tiff => wanted,
            Format::Jpeg | Format::WebP => Depth::Eight,
        }
    }
}

impl Picture {
    /// Writes the picture in the format that the file's ending names, with its alpha, depth, profile and
    /// metadata as far as the format can hold them. The file appears complete or not at all.
    pub fn write(&self, path: &Path) -> Result<()> {
        let bytes = self
            .encode(Format::from_path(path)?)
            .map_err(|problem| Error::Output { path: path.to_path_buf(), problem })?;
        files::write(path, &bytes)
    }

    /// The bytes of a file in that format. Where it has no alpha, the picture is laid on white.
    pub fn encode(&self, format: Format) -> std::result::Result<Vec<u8>, String> {
        self.encode_with(format, None)
    }

    /// The same, where pixels at which the mask [H, W] is 0 have the very samples of an original file: the profile of the
    /// picture may have colours that sRGB cannot show. `original` are the bytes of the file that the picture was made from.
    pub fn encode_keeping(
        &self,
        format: Format,
        original: &[u8],
        mask: &Array2<f32>,
    ) -> std::result::Result<Vec<u8>, String> {
        let is_wide = self.icc.is_some() && mask.dim() == (self.height(), self.width());
        let raw = is_wide.then(|| Picture::raw(original).ok()).flatten();
        let raw = raw.filter(|raw| raw.dim() == self.rgb.dim());
        self.encode_with(format, raw.as_ref().map(|raw| Kept { raw, mask }))
    }

    fn encode_with(&self, format: Format, kept: Option<Kept>) -> std::result::Result<Vec<u8>, String> {
        format.check_size(self.height(), self.width()).map_err(|e| e.to_string())?;
        let samples = Samples::new(self, format.depth(self.depth), format.can_hold_alpha(), kept);
        match format {
            Format::Png => png(self, &samples),
            Format::Jpeg => jpeg(self, &samples),
            Format::Tiff => tiff::encoded(self, &samples),
            Format::WebP => webp(self, &samples),
        }
    }
}

fn png(picture: &Picture, samples: &Samples) -> std::result::Result<Vec<u8>, String> {
    let failed = |e: png::EncodingError| e.to_string();
    let side = |v: usize| u32::try_from(v).map_err(|e| e.to_string());
    let mut info = png::Info::with_size(side(picture.width())?, side(picture.height())?);
    info.color_type = if samples.has_alpha { png::ColorType::Rgba } else { png::ColorType::Rgb };
    info.bit_depth = match samples.depth {
        Depth::Eight => png::BitDepth::Eight,
        Depth::Sixteen => png::BitDepth::Sixteen,
    };
    info.icc_profile = samples.profile.as_deref().map(Into::into);
    info.exif_metadata = picture.metadata.exif().map(Into::into);
    info.pixel_dims = picture.metadata.resolution.map(|Resolution { x, y }| {
        let [xppu, yppu] = [x, y].map(|v| (v * INCHES_PER_METRE).round() as u32);
        png::PixelDimensions { xppu, yppu, unit: png::Unit::Meter }
    });
    let mut out = Vec::new();
    let mut encoder = png::Encoder::with_info(&mut out, info).map_err(failed)?;
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&samples.big_endian()).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(out)
}

fn jpeg(picture: &Picture, samples: &Samples) -> std::result::Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY);
    if let Some(Resolution { x, y }) = picture.metadata.resolution {
        let [x, y] = [x, y].map(|v| v.round().clamp(1.0, 65_535.0) as u16);
        encoder.set_pixel_density(PixelDensity { density: (x, y), unit: PixelDensityUnit::Inches });
    }
    finish(encoder, picture, samples)?;
    Ok(out)
}

fn webp(picture: &Picture, samples: &Samples) -> std::result::Result<Vec<u8>, String> {
    let mut out = Cursor::new(Vec::new());
    finish(WebPEncoder::new_lossless(&mut out), picture, samples)?;
    Ok(out.into_inner())
}

fn finish(
    mut encoder: impl ImageEncoder,
    picture: &Picture,
    samples: &Samples,
) -> std::result::Result<(), String> {
    if let Some(profile) = &samples.profile {
        encoder.set_icc_profile(profile.clone()).map_err(|e| e.to_string())?;
    }
    if let Some(exif) = picture.metadata.exif() {
        encoder.set_exif_metadata(exif).map_err(|e| e.to_string())?;
    }
    let side = |v: usize| u32::try_from(v).map_err(|e| e.to_string());
    let kind = if samples.has_alpha { ExtendedColorType::Rgba8 } else { ExtendedColorType::Rgb8 };
    encoder
        .write_image(&samples.bytes, side(picture.width())?, side(picture.height())?, kind)
        .map_err(|e| e.to_string())
}
