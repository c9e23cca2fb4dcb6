//! Reads picture files. Their content says which format they have, not their name. A file is read in two passes: its
//! header, which says how large the picture is, and then its rows.

mod assemble;
mod jpeg;
#[cfg(feature = "jxl")]
mod jxl;
mod png;
mod problem;
mod simple;
mod sniff;
mod tiff;

use std::io::Read;
use std::path::Path;

pub use sniff::FileKind;

use super::Picture;
use crate::error::{Error, Result};
use assemble::{Assembler, Colours, Header};
use problem::Problem;
use simple::Simple;

/// What a file's header says about the picture in it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PictureInfo {
    /// The file's format.
    pub kind: FileKind,
    /// Height in pixels of the upright picture.
    pub height: usize,
    /// Width in pixels of the upright picture.
    pub width: usize,
    /// Whether the picture has colours.
    pub has_colour: bool,
    /// Whether the picture has an alpha channel.
    pub has_alpha: bool,
    /// The most bytes that are alive while the file is read: the file, the decoder and the result.
    pub decoding_bytes: u64,
}

impl PictureInfo {
    /// Reads the header of a file's bytes; `name` is what errors call it.
    pub fn parse(bytes: &[u8], name: &str) -> Result<Self> {
        let kind = sniff::kind(bytes).map_err(|problem| Error::picture(name, problem))?;
        let header = header(kind, bytes).map_err(|problem| Error::picture(name, problem))?;
        let [height, width] = header.upright();
        Picture::check_size(name, height, width)?;
        // Rows on their way are held as floats, before and after the conversion of colours, for which a
        // profile's tables are unpacked.
        let row = header.width as u64 * 64 + header.colours.bytes();
        let result = header.pixels().saturating_mul(if header.alpha { 16 } else { 12 });
        let decoding = header.decoding.max(header.kept.saturating_add(result));
        Ok(PictureInfo {
            kind,
            height,
            width,
            has_colour: header.channels != super::colour::Channels::Grey,
            has_alpha: header.alpha,
            decoding_bytes: decoding.saturating_add(bytes.len() as u64 + row),
        })
    }
}

impl Picture {
    /// Reads the header of a file: what is in it, and how much memory reading it needs.
    pub fn probe(path: &Path) -> Result<PictureInfo> {
        let name = path.display().to_string();
        PictureInfo::parse(&contents(path, &name)?, &name)
    }

    /// Reads a file, rotated and flipped by its EXIF orientation and converted from its colour space to sRGB.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        Picture::decode(&contents(path, &name)?, &name)
    }

    /// The RGB samples [3, H, W] of a file as they stand in it, in its own colour space, 0..1.
    pub(super) fn raw(bytes: &[u8]) -> std::result::Result<ndarray::Array3<f32>, Problem> {
        let kind = sniff::kind(bytes)?;
        let mut header = header(kind, bytes)?;
        header.colours = Colours::Srgb;
        assembled(kind, bytes, header).map(|to| to.finish("the content picture").rgb)
    }

    /// As `read`, from the bytes of a file; `name` is what errors call it.
    pub fn decode(bytes: &[u8], name: &str) -> Result<Self> {
        let bad = |problem: String| Error::picture(name, problem);
        let kind = sniff::kind(bytes).map_err(bad)?;
        let header = header(kind, bytes).map_err(bad)?;
        let [height, width] = header.upright();
        Picture::check_size(name, height, width)?;
        assembled(kind, bytes, header).map(|to| to.finish(name)).map_err(bad)
    }
}

/// So many first bytes tell what a file is.
const FIRST: u64 = 4096;
/// The longest file that is read, in bytes: that of TIFF, which has the longest.
const LONGEST: u64 = 4 << 30;

/// The bytes of a picture's file; `name` is what errors call it.
pub fn contents(path: &Path, name: &str) -> Result<Vec<u8>> {
    let file = std::fs::File::open(path).map_err(|e| {
        let is_web =
            path.components().any(|part| ["http:", "https:"].iter().any(|web| part.as_os_str() == *web));
        let advice = match e.kind() {
            std::io::ErrorKind::NotFound if is_web => {
                "; download it first: addresses of the web are not read"
            }
            std::io::ErrorKind::NotFound => "; check the path",
            _ => "",
        };
        Error::picture(name, format!("cannot be read: {e}{advice}"))
    })?;
    let length = file.metadata().map_or(0, |there| there.len());
    read_at_most(file, length, LONGEST).map_err(|problem| Error::picture(name, problem))
}

/// The same of what is no file of its own, such as standard input. Something that is no picture is not read to its end, which may
/// be far or nowhere.
pub fn contents_of(source: impl Read, name: &str) -> Result<Vec<u8>> {
    read_at_most(source, 0, LONGEST).map_err(|problem| Error::picture(name, problem))
}

/// `expected` bytes get room at once.
fn read_at_most(mut source: impl Read, expected: u64, longest: u64) -> std::result::Result<Vec<u8>, Problem> {
    let failed = |e: std::io::Error| format!("cannot be read: {e}");
    let mut bytes = Vec::new();
    source.by_ref().take(FIRST).read_to_end(&mut bytes).map_err(failed)?;
    sniff::kind(&bytes)?;
    bytes.reserve_exact((expected.min(longest) as usize).saturating_sub(bytes.len()));
    source.take(longest + 1 - FIRST).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 > longest {
        true => Err(format!("is longer than {} MiB; scale the picture down", longest >> 20)),
        false => Ok(bytes),
    }
}

fn header(kind: FileKind, bytes: &[u8]) -> std::result::Result<Header, Problem> {
    match kind {
        FileKind::Png => png::header(bytes),
        FileKind::Jpeg => jpeg::header(bytes),
        FileKind::Tiff => tiff::header(bytes),
        #[cfg(feature = "jxl")]
        FileKind::Jxl => jxl::header(bytes),
        #[cfg(not(feature = "jxl"))]
        FileKind::Jxl => {
            Err("is a JPEG XL picture, which this build cannot read; export it as PNG or JPEG".into())
        }
        _ => Simple::new(kind, bytes)?.header(bytes),
    }
}

fn assembled(kind: FileKind, bytes: &[u8], header: Header) -> std::result::Result<Assembler, Problem> {
    match kind {
        FileKind::Png => png::read(bytes, header),
        FileKind::Jpeg => jpeg::read(bytes, header),
        FileKind::Tiff => tiff::read(bytes, header),
        #[cfg(feature = "jxl")]
        FileKind::Jxl => jxl::read(bytes, header),
        _ => Simple::new(kind, bytes)?.read(header),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read, repeat};

    use super::*;

    #[test]
    fn what_is_no_picture_is_not_read_to_its_end() {
        let mut endless = repeat(0);
        let said = contents_of(&mut endless, "zeros").expect_err("no picture").to_string();
        assert!(said.contains("zeros") && said.contains("is not a picture that can be read"), "{said}");
    }

    #[test]
    fn a_picture_that_never_ends_is_refused() {
        let signature = Cursor::new(b"\x89PNG\r\n\x1a\n");
        let problem = read_at_most(signature.chain(repeat(0)), 0, 3 << 20);
        assert_eq!(problem, Err("is longer than 3 MiB; scale the picture down".to_string()));
        let whole =
            read_at_most(Cursor::new(b"\x89PNG\r\n\x1a\n").chain(repeat(0).take(5000)), 5008, 3 << 20);
        assert_eq!(whole.map(|bytes| bytes.len()), Ok(5008));
    }
}
