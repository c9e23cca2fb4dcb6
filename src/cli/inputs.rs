//! The pictures that a command reads, and how they are named.

use std::path::{Path, PathBuf};

use impasto::picture::{self, PictureInfo};
use impasto::report::StyleFile;
use impasto::{Engine, Error, Params, Picture, Result, Style, StyleShape};
use ndarray::Array2;

/// What standard input is named.
const STDIN: &str = "-";

/// The endings by which the pictures of a folder are distinguished from its other files.
const ENDINGS: [&str; 14] =
    ["png", "jpg", "jpeg", "jpe", "tif", "tiff", "webp", "gif", "bmp", "pnm", "ppm", "pgm", "pam", "jxl"];

pub fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == STDIN
}

/// Reads a picture from a file, or from standard input, which is named `-`.
pub fn read(path: &Path) -> Result<Picture> {
    Opened::new(path)?.decoded()
}

/// A picture's file of which only the header is understood so far.
pub struct Opened {
    name: String,
    bytes: Vec<u8>,
    info: PictureInfo,
}

impl Opened {
    /// Opens a file, or standard input, which is named `-`. A pipe can be read only once, so all of it is read here.
    pub fn new(path: &Path) -> Result<Self> {
        let name = if is_stdin(path) { "standard input".to_string() } else { path.display().to_string() };
        let bytes = match is_stdin(path) {
            true => picture::contents_of(std::io::stdin().lock(), &name)?,
            false => picture::contents(path, &name)?,
        };
        let info = PictureInfo::parse(&bytes, &name)?;
        Ok(Opened { name, bytes, info })
    }

    /// Height and width.
    pub fn size(&self) -> [usize; 2] {
        [self.info.height, self.info.width]
    }

    pub fn decoded(self) -> Result<Picture> {
        Picture::decode(&self.bytes, &self.name)
    }

    /// The picture as a mask, which says how much of each pixel is meant: white all, black nothing.
    fn decoded_mask(self) -> Result<Array2<f32>> {
        Ok(self.decoded()?.brightness())
    }

    /// The same of a mask for what of a style picture is taken, which must not be nothing.
    fn decoded_part(self) -> Result<Array2<f32>> {
        let name = self.name.clone();
        let part = self.decoded_mask()?;
        match part.iter().any(|v| *v > 0.0) {
            true => Ok(part),
            false => {
                let problem = "is black all over; make it white where the style is to be taken".to_string();
                Err(Error::Picture { name, problem })
            }
        }
    }

    fn pixels(&self) -> u64 {
        self.info.height as u64 * self.info.width as u64
    }

    /// Fails if this is a mask of another size than the picture that it is for.
    fn check_same_size(&self, of: &Opened, what: &str) -> Result<()> {
        if self.size() == of.size() {
            return Ok(());
        }
        let ([h, w], [oh, ow]) = (self.size(), of.size());
        let problem = format!("is {w}×{h} pixels, the {what} {ow}×{oh}; they must have the same size");
        Err(Error::Picture { name: self.name.clone(), problem })
    }
}

/// Adds up the memory that reading pictures one after the other takes at most.
#[derive(Clone, Copy, Default)]
pub struct Reading {
    /// The bytes of the pictures that are read.
    held: u64,
    /// The most bytes at a time.
    pub peak: u64,
}

impl Reading {
    fn add(&mut self, file: &Opened, bytes_per_pixel: u64) {
        self.peak = self.peak.max(self.held + file.info.decoding_bytes);
        self.held += bytes_per_pixel * file.pixels();
    }

    pub fn picture(&mut self, file: &Opened) {
        self.add(file, if file.info.has_alpha { 16 } else { 12 });
    }

    pub fn mask(&mut self, file: &Opened) {
        self.add(file, 4);
    }
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

/// The files of a job's style pictures, opened.
pub struct StyleFiles<'a> {
    files: &'a [StyleFile],
    opened: Vec<OpenedStyle>,
}

struct OpenedStyle {
    picture: Opened,
    region: Option<Opened>,
    part: Option<Opened>,
}

impl<'a> StyleFiles<'a> {
    pub fn open(files: &'a [StyleFile]) -> Result<Self> {
        let optional = |path: &Option<PathBuf>| path.as_deref().map(Opened::new).transpose();
        let open = |file: &StyleFile| -> Result<OpenedStyle> {
            let (picture, region, part) =
                (Opened::new(&file.file)?, optional(&file.region)?, optional(&file.part)?);
            if let Some(part) = &part {
                part.check_same_size(&picture, "style picture")?;
            }
            Ok(OpenedStyle { picture, region, part })
        };
        Ok(StyleFiles { files, opened: files.iter().map(open).collect::<Result<_>>()? })
    }

    /// What a plan depends on of those that count.
    pub fn shapes(&self) -> Vec<StyleShape> {
        let counting = self.files.iter().zip(&self.opened).filter(|(file, _)| file.weight > 0.0);
        counting
            .map(|(file, opened)| StyleShape {
                size: opened.picture.size(),
                scale: file.scale,
                guided: opened.region.is_some(),
            })
            .collect()
    }

    pub fn reading(&self, reading: &mut Reading) {
        for style in &self.opened {
            style.part.iter().for_each(|part| reading.mask(part));
            reading.picture(&style.picture);
            style.region.iter().for_each(|region| reading.mask(region));
        }
    }

    /// Fails for a region that has not the size of the content picture.
    pub fn check_regions(&self, content: &Opened) -> Result<()> {
        let mut regions = self.opened.iter().filter_map(|style| style.region.as_ref());
        regions.try_for_each(|region| region.check_same_size(content, "content picture"))
    }

    pub fn decoded(self) -> Result<Styles<'a>> {
        let decode = |style: OpenedStyle| -> Result<_> {
            let part = style.part.map(Opened::decoded_part).transpose()?;
            let mut picture = style.picture.decoded()?;
            if let Some(mut part) = part {
                if let Some(alpha) = picture.alpha() {
                    part *= alpha;
                }
                // Transparent where its style is not to be taken.
                picture = picture.with_alpha(Some(part))?;
            }
            Ok((picture, style.region.map(Opened::decoded_mask).transpose()?))
        };
        let pictures = self.opened.into_iter().map(decode).collect::<Result<_>>()?;
        Ok(Styles { files: self.files, pictures })
    }
}

/// The style pictures of a job, with their regions.
pub struct Styles<'a> {
    files: &'a [StyleFile],
    pictures: Vec<(Picture, Option<Array2<f32>>)>,
}

impl Styles<'_> {
    pub fn styles(&self) -> Vec<Style<'_>> {
        let pictures = self.pictures.iter().zip(self.files);
        pictures
            .map(|((picture, region), file)| Style {
                picture,
                weight: file.weight,
                scale: file.scale,
                region: region.as_ref(),
            })
            .collect()
    }
}

/// The files of a job with one content picture, opened.
pub struct Files<'a> {
    content: Opened,
    styles: StyleFiles<'a>,
    mask: Option<Opened>,
    init: Option<Opened>,
}

/// The pictures of such a job.
pub struct Decoded<'a> {
    pub content: Picture,
    pub styles: Styles<'a>,
    pub mask: Option<Array2<f32>>,
    pub init: Option<Picture>,
    /// The content picture's file, where a mask leaves parts of it as they are.
    pub content_file: Option<Vec<u8>>,
}

impl<'a> Files<'a> {
    pub fn open(
        content: &Path,
        styles: &'a [StyleFile],
        mask: Option<&Path>,
        init: Option<&Path>,
    ) -> Result<Self> {
        let content = Opened::new(content)?;
        let styles = StyleFiles::open(styles)?;
        styles.check_regions(&content)?;
        let mask = mask.map(Opened::new).transpose()?;
        if let Some(mask) = &mask {
            mask.check_same_size(&content, "content picture")?;
        }
        Ok(Files { content, styles, mask, init: init.map(Opened::new).transpose()? })
    }

    /// Fails if the job cannot be done, as far as the files' headers and the parameters tell. Height and width of the
    /// result.
    pub fn check(&self, engine: &Engine, params: &Params) -> Result<[usize; 2]> {
        let mut reading = Reading::default();
        reading.picture(&self.content);
        self.styles.reading(&mut reading);
        self.mask.iter().for_each(|mask| reading.mask(mask));
        self.init.iter().for_each(|init| reading.picture(init));
        engine.check_reading(reading.peak)?;
        let plan = engine.plan(self.content.size(), &self.styles.shapes(), self.mask.is_some(), params)?;
        Ok(if self.mask.is_some() { self.content.size() } else { plan.size })
    }

    pub fn decoded(self) -> Result<Decoded<'a>> {
        let content = Picture::decode(&self.content.bytes, &self.content.name)?;
        let is_kept = self.mask.is_some() && content.icc().is_some();
        Ok(Decoded {
            content,
            content_file: is_kept.then_some(self.content.bytes),
            styles: self.styles.decoded()?,
            mask: self.mask.map(Opened::decoded_mask).transpose()?,
            init: self.init.map(Opened::decoded).transpose()?,
        })
    }
}

/// The files that are read for style pictures.
pub fn style_paths(files: &[StyleFile]) -> impl Iterator<Item = &Path> {
    files
        .iter()
        .flat_map(|s| [Some(&s.file), s.region.as_ref(), s.part.as_ref()])
        .flatten()
        .map(PathBuf::as_path)
}
