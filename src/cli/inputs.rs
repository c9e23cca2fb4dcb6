//! The pictures that a command reads, and how they are named.

use std::io::Read;
use std::path::{Path, PathBuf};

use impasto::report::StyleFile;
use impasto::{Error, Picture, Result, Style};
use ndarray::Array2;

/// What standard input is named.
const STDIN: &str = "-";

/// The endings by which the pictures of a folder are told from its other files.
const ENDINGS: [&str; 14] =
    ["png", "jpg", "jpeg", "jpe", "tif", "tiff", "webp", "gif", "bmp", "pnm", "ppm", "pgm", "pam", "jxl"];

pub fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == STDIN
}

/// Reads a picture from a file, or from standard input, which is named `-`.
pub fn read(path: &Path) -> Result<Picture> {
    if !is_stdin(path) {
        return Picture::read(path);
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes).map_err(|e| Error::Picture {
        name: "standard input".into(),
        problem: format!("cannot be read: {e}"),
    })?;
    Picture::decode(&bytes, "standard input")
}

/// A picture that says how much of each pixel is meant: white all, black nothing.
pub fn read_mask(path: &Path) -> Result<Array2<f32>> {
    Ok(read(path)?.brightness())
}

/// A path that means the same wherever it is read.
pub fn absolute(path: &Path) -> PathBuf {
    if is_stdin(path) {
        return path.to_path_buf();
    }
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// Pictures, with those of each folder in its place, by name.
pub fn expanded(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    for path in paths {
        if !path.is_dir() {
            out.push(path.clone());
            continue;
        }
        let failed = |problem: String| Error::Picture { name: path.display().to_string(), problem };
        let entries = std::fs::read_dir(path).map_err(|e| failed(format!("cannot be read: {e}")))?;
        let mut pictures: Vec<PathBuf> =
            entries.flatten().map(|entry| entry.path()).filter(|p| is_picture(p)).collect();
        if pictures.is_empty() {
            return Err(failed(format!("has no pictures, as their endings tell: {}", ENDINGS.join(", "))));
        }
        pictures.sort();
        out.extend(pictures);
    }
    Ok(out)
}

fn is_picture(path: &Path) -> bool {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    let is_hidden = path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
    ENDINGS.contains(&ending.as_str()) && !is_hidden && path.is_file()
}

/// The style pictures of a job.
pub struct Styles<'a> {
    files: &'a [StyleFile],
    pictures: Vec<Picture>,
    regions: Vec<Option<Array2<f32>>>,
}

impl<'a> Styles<'a> {
    pub fn read(files: &'a [StyleFile]) -> Result<Self> {
        let pictures = files.iter().map(style_picture).collect::<Result<_>>()?;
        let region = |file: &StyleFile| file.region.as_deref().map(read_mask).transpose();
        let regions = files.iter().map(region).collect::<Result<_>>()?;
        Ok(Styles { files, pictures, regions })
    }

    pub fn styles(&self) -> Vec<Style<'_>> {
        let pictures = self.pictures.iter().zip(self.files).zip(&self.regions);
        pictures
            .map(|((picture, file), region)| Style {
                picture,
                weight: file.weight,
                scale: file.scale,
                region: region.as_ref(),
            })
            .collect()
    }
}

/// A style picture, transparent where its style is not to be taken.
fn style_picture(file: &StyleFile) -> Result<Picture> {
    let picture = read(&file.file)?;
    let Some(path) = &file.part else { return Ok(picture) };
    let mut part = read_mask(path)?;
    let [(h, w), (ph, pw)] = [(picture.height(), picture.width()), part.dim()];
    if (h, w) != (ph, pw) {
        let problem = format!("is {pw}×{ph} pixels, the style picture {w}×{h}; they must have the same size");
        return Err(Error::Picture { name: path.display().to_string(), problem });
    }
    if let Some(alpha) = picture.alpha() {
        part *= alpha;
    }
    picture.with_alpha(Some(part))
}

/// The files that are read for style pictures.
pub fn style_paths(files: &[StyleFile]) -> impl Iterator<Item = &Path> {
    files
        .iter()
        .flat_map(|s| [Some(&s.file), s.region.as_ref(), s.part.as_ref()])
        .flatten()
        .map(PathBuf::as_path)
}
