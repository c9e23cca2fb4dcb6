//! Encodes pictures and writes them as files.

use std::path::Path;

use image::codecs::{jpeg::JpegEncoder, png::PngEncoder, tiff::TiffEncoder, webp::WebPEncoder};
use image::{ExtendedColorType, ImageEncoder};

use super::{Depth, Picture, colour};
use crate::error::{Error, Result};
use crate::files;

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
    pub fn of(path: &Path) -> Result<Self> {
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
}

impl Picture {
    /// Writes the picture in the format that the file's ending names, with its alpha, depth and profile as
    /// far as the format can hold them. The file appears complete or not at all.
    pub fn write(&self, path: &Path) -> Result<()> {
        let bytes = self
            .encode(Format::of(path)?)
            .map_err(|problem| Error::Output { path: path.to_path_buf(), problem })?;
        files::write(path, &bytes)
    }

    /// The bytes of a file in that format.
    pub fn encode(&self, format: Format) -> std::result::Result<Vec<u8>, String> {
        let depth = match format {
            Format::Png | Format::Tiff => self.depth,
            Format::Jpeg | Format::WebP => Depth::Eight,
        };
        let alpha = self.alpha.as_ref().filter(|_| format != Format::Jpeg);
        let mut rgb = self.rgb.clone();
        let mut profile = self.icc.clone();
        if let Some(icc) = &profile
            && let Err(problem) = colour::from_srgb(&mut rgb, icc)
        {
            tracing::warn!("the result is saved as sRGB: {problem}");
            profile = None;
        }

        let (height, width) = (self.height(), self.width());
        let channels = if alpha.is_some() { 4 } else { 3 };
        let mut values = Vec::with_capacity(height * width * channels);
        for y in 0..height {
            for x in 0..width {
                values.extend((0..3).map(|c| rgb[[c, y, x]]));
                values.extend(alpha.map(|a| a[[y, x]]));
            }
        }
        let (bytes, kind) = match depth {
            Depth::Eight => {
                let bytes =
                    values.iter().map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8).collect::<Vec<u8>>();
                (bytes, if channels == 4 { ExtendedColorType::Rgba8 } else { ExtendedColorType::Rgb8 })
            }
            Depth::Sixteen => {
                let word = |v: &f32| ((v.clamp(0.0, 1.0) * 65535.0).round() as u16).to_ne_bytes();
                let kind = if channels == 4 { ExtendedColorType::Rgba16 } else { ExtendedColorType::Rgb16 };
                (values.iter().flat_map(word).collect(), kind)
            }
        };
        let mut out = std::io::Cursor::new(Vec::new());
        match format {
            Format::Png => finish(PngEncoder::new(&mut out), &bytes, width, height, kind, profile),
            Format::Jpeg => finish(
                JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY),
                &bytes,
                width,
                height,
                kind,
                profile,
            ),
            Format::Tiff => finish(TiffEncoder::new(&mut out), &bytes, width, height, kind, profile),
            Format::WebP => finish(WebPEncoder::new_lossless(&mut out), &bytes, width, height, kind, profile),
        }?;
        Ok(out.into_inner())
    }
}

fn finish(
    mut encoder: impl ImageEncoder,
    bytes: &[u8],
    width: usize,
    height: usize,
    kind: ExtendedColorType,
    profile: Option<Vec<u8>>,
) -> std::result::Result<(), String> {
    if let Some(profile) = profile {
        encoder.set_icc_profile(profile).map_err(|e| e.to_string())?;
    }
    let side = |v: usize| u32::try_from(v).map_err(|e| e.to_string());
    encoder.write_image(bytes, side(width)?, side(height)?, kind).map_err(|e| e.to_string())
}
