//! Writes picture files, whole or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use image::codecs::{jpeg::JpegEncoder, png::PngEncoder, tiff::TiffEncoder, webp::WebPEncoder};
use image::{ExtendedColorType, ImageEncoder};
use tempfile::NamedTempFile;

use super::{Depth, Picture, colour};
use crate::error::{Error, Result};

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
        let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        match ending.as_str() {
            "png" => Ok(Format::Png),
            "jpg" | "jpeg" => Ok(Format::Jpeg),
            "tif" | "tiff" => Ok(Format::Tiff),
            "webp" => Ok(Format::WebP),
            _ => Err(Error::Parameters(format!(
                "{}: the ending says which format to write; use .png, .jpg, .tiff or .webp",
                path.display()
            ))),
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
        write_atomically(path, &bytes)
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

/// The temporary files that exist right now.
static PARTIAL: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes the temporary files of writes that are under way and holds new ones up, for a program that is
/// about to exit: keep the guard until it has.
pub fn abandon_partial_files() -> impl Drop {
    let mut partial = PARTIAL.lock().unwrap_or_else(|e| e.into_inner());
    for path in partial.drain(..) {
        // It may be renamed or removed already, which is just as good.
        let _ = std::fs::remove_file(path);
    }
    partial
}

/// Writes a file under a temporary name in its own folder and renames it, so that nobody ever sees a part
/// of it; the temporary file is removed if anything fails.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |e: std::io::Error| Error::Output { path: path.to_path_buf(), problem: e.to_string() };
    let known = || PARTIAL.lock().unwrap_or_else(|e| e.into_inner());
    let mut partial = known();
    let mut file = temporary(path).map_err(failed)?;
    let name = file.path().to_path_buf();
    partial.push(name.clone());
    drop(partial);
    let written = file
        .write_all(bytes)
        .and_then(|()| file.as_file().sync_all())
        .and_then(|()| file.persist(path).map(drop).map_err(|e| e.error))
        .map_err(failed);
    known().retain(|p| *p != name);
    written
}

/// Finds out whether a file can be written under that name, without leaving a trace.
pub fn check_writable(path: &Path) -> Result<()> {
    let failed = |problem: String| Error::Output { path: path.to_path_buf(), problem };
    if path.is_dir() {
        return Err(failed("is a folder; give a file's name".into()));
    }
    temporary(path).map(drop).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => failed("its folder does not exist; make it first".into()),
        _ => failed(e.to_string()),
    })
}

fn temporary(path: &Path) -> std::io::Result<NamedTempFile> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".impasto-").suffix(".partial");
    #[cfg(unix)]
    {
        // As any new file: readable by all, less what the umask takes away.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}
