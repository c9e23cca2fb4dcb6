//! Reads picture files: PNG, JPEG, TIFF and WebP, told by their content and not by their name.

use std::io::{BufReader, Cursor};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageReader};
use ndarray::{Array2, Array3};

use super::colour::{self, Channels};
use super::{Depth, Picture};
use crate::error::{Error, Result};

impl Picture {
    /// Reads a file, turned upright by its EXIF orientation and converted from its ICC profile to sRGB.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|e| {
            let advice = if e.kind() == std::io::ErrorKind::NotFound { "; check the path" } else { "" };
            Error::picture(&name, format!("cannot be read: {e}{advice}"))
        })?;
        Picture::decode(&bytes, &name)
    }

    /// As `read`, from the bytes of a file; `name` is what errors call it.
    pub fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        let bad = |problem: String| Error::picture(name, problem);
        if bytes.is_empty() {
            return Err(bad("is empty; expected a PNG, JPEG, TIFF or WebP picture".to_string()));
        }
        let reader = ImageReader::new(BufReader::new(Cursor::new(bytes)));
        let mut reader = reader.with_guessed_format().map_err(|e| bad(e.to_string()))?;
        if reader.format().is_none() {
            return Err(bad(
                "is not a picture that can be read; expected PNG, JPEG, TIFF or WebP".to_string()
            ));
        }
        let mut limits = image::Limits::default();
        limits.max_alloc = Some(16 << 30);
        reader.limits(limits);
        let broken = |e: image::ImageError| {
            bad(format!("cannot be decoded ({e}); the file may be incomplete or damaged"))
        };
        let mut decoder = reader.into_decoder().map_err(broken)?;
        let (width, height) = decoder.dimensions();
        Picture::check_size(name, height as usize, width as usize)?;
        // image 0.25.10 gives no profile for TIFF, so its container is asked again.
        let profile = decoder.icc_profile().unwrap_or_default().or_else(|| tiff_profile(bytes));
        let orientation = decoder.orientation().map_err(broken)?;
        let mut image = DynamicImage::from_decoder(decoder).map_err(broken)?;
        image.apply_orientation(orientation);
        Ok(from_image(image, profile))
    }
}

/// The profile of a TIFF file; None for any other file.
fn tiff_profile(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = tiff::decoder::Decoder::new(Cursor::new(bytes)).ok()?;
    decoder.get_tag_u8_vec(tiff::tags::Tag::IccProfile).ok()
}

fn from_image(image: DynamicImage, profile: Option<Vec<u8>>) -> Picture {
    let colour = image.color();
    let depth =
        if colour.bytes_per_pixel() / colour.channel_count() > 1 { Depth::Sixteen } else { Depth::Eight };
    let (width, height) = (image.width() as usize, image.height() as usize);
    let (has_alpha, grey) = (colour.has_alpha(), !colour.has_color());
    // Interleaved RGBA: grey is repeated and 8- and 16-bit values are divided by their largest value.
    let pixels = image.into_rgba32f().into_raw();

    let mut rgb = Array3::zeros((3, height, width));
    let mut alpha = has_alpha.then(|| Array2::zeros((height, width)));
    for (at, p) in pixels.chunks_exact(4).enumerate() {
        let (y, x) = (at / width, at % width);
        for c in 0..3 {
            rgb[[c, y, x]] = p[c].clamp(0.0, 1.0);
        }
        if let Some(alpha) = &mut alpha {
            alpha[[y, x]] = p[3].clamp(0.0, 1.0);
        }
    }
    let channels = if grey { Channels::Grey } else { Channels::Rgb };
    let mut icc = None;
    if let Some(profile) = profile {
        match colour::to_srgb(&mut rgb, &profile, channels) {
            // A grey profile cannot hold the colours of the result.
            Ok(()) if channels == Channels::Rgb => icc = Some(profile),
            Ok(()) => {}
            Err(problem) => tracing::warn!("the embedded ICC profile is left out: {problem}"),
        }
    }
    Picture { rgb, alpha, icc, depth }
}
