//! TIFF and BigTIFF: every way of storing pixels that photo programs and scanners use. Files are read piece by
//! piece (strips or tiles), so that little more than the result is held in memory.

mod layout;
mod pieces;
mod samples;

use super::super::Depth;
use super::super::ifd::{Directory, Structure, tag};
use super::super::metadata::Metadata;
use super::assemble::{Assembler, Colours, Header};
use layout::{Compression, Layout, Photometric};
use samples::Converter;

/// The picture that is read of those in the file, and what to tell of the others.
fn page(structure: &Structure) -> Result<(Directory, Option<String>), String> {
    let mut all = Vec::new();
    for directory in structure.chain() {
        let inner = structure.numbers(&directory, tag::SUB_IFDS);
        all.push(directory);
        all.extend(
            inner.into_iter().filter_map(|at| structure.directory(at)).map(|(directory, _)| directory),
        );
    }
    let number = |directory: &Directory, tag: u16| structure.first_number(directory, tag);
    // A sensor's mosaic or its linear data: only a camera's raw file has them.
    let is_raw = |d: &Directory| matches!(number(d, tag::PHOTOMETRIC), Some(32803 | 34892));
    if all.iter().any(|d| is_raw(d) || d.has(tag::DNG_VERSION)) {
        return Err(
            "is a camera's raw file; develop it with a raw converter and save it as TIFF, PNG or JPEG".into(),
        );
    }
    let area = |d: &Directory| {
        let side = |tag| number(d, tag).unwrap_or(0);
        side(tag::IMAGE_WIDTH).saturating_mul(side(tag::IMAGE_LENGTH))
    };
    let full = |d: &Directory| {
        // Bit 0 is a smaller version, bit 2 a mask.
        number(d, tag::NEW_SUBFILE_TYPE).unwrap_or(0) & 5 == 0 && number(d, tag::SUBFILE_TYPE) != Some(2)
    };
    all.retain(|d| area(d) > 0);
    let pages = all.iter().filter(|d| full(d)).count();
    if pages > 0 {
        all.retain(full);
    }
    // The first of the largest.
    let chosen = all.iter().rev().max_by_key(|d| area(d)).cloned();
    let note = (pages > 1)
        .then(|| format!("the TIFF has {pages} pictures; only the largest (the first of these) is read"));
    Ok((chosen.ok_or("is a TIFF without a picture in it; it is incomplete or damaged")?, note))
}

fn open(bytes: &[u8]) -> Result<(Structure<'_>, Layout, Directory, Option<String>), String> {
    let structure = Structure::new(bytes).ok_or_else(super::problem::cut_off)?;
    let (directory, note) = page(&structure)?;
    let layout = Layout::parse(&structure, &directory)?;
    Ok((structure, layout, directory, note))
}

pub(super) fn header(bytes: &[u8]) -> Result<Header, String> {
    let (structure, layout, directory, note) = open(bytes)?;
    let mut header =
        Header::new(layout.width, layout.height, layout.photometric.channels(), layout.alpha.is_some());
    if layout.bits > 8 && layout.photometric != Photometric::Palette {
        header.depth = Depth::Sixteen;
    }
    (header.metadata, header.orientation) = Metadata::from_directory(&structure, &directory);
    if let Some(profile) = structure.raw(&directory, tag::ICC_PROFILE) {
        header.colours = Colours::Icc(profile.to_vec());
    }
    header.notes.extend(note);
    // A piece is held decoded (uncompressed ones lie in the file), and a row of all samples as floats.
    let piece = layout.piece_bytes().saturating_mul(layout.pieces_at_once() as u64);
    let decoded = match layout.compression {
        Compression::None => 0,
        // A compressed picture inside is decoded whole, with its own buffers.
        Compression::Jpeg => piece.saturating_mul(8),
        Compression::WebP => piece.saturating_mul(6),
        _ => piece,
    };
    let row = (layout.piece_width as u64).saturating_mul(layout.samples as u64 * 24);
    let tables = (layout.offsets.len() as u64) * 32;
    header.kept = decoded.saturating_add(row + tables + (1 << 20));
    header.decoding = header.kept;
    Ok(header)
}

pub(super) fn read(bytes: &[u8], header: Header) -> Result<Assembler, String> {
    let (_, layout, _, _) = open(bytes)?;
    let mut to = Assembler::new(header);
    let mut converter = Converter::new(&layout);
    for at in 0..layout.pieces_of_a_plane() {
        let (top, left, height, width) = layout.place(at);
        let planes = (0..layout.pieces_at_once())
            .map(|plane| pieces::decoded(&layout, bytes, at + plane * layout.pieces_of_a_plane()))
            .collect::<Result<Vec<_>, _>>()?;
        for y in 0..height {
            to.row(top + y, left, converter.row(&planes, y, width)?)?;
        }
    }
    Ok(to)
}
