//! JPEG: the header by our own eyes, the picture by `jpeg-decoder`, which agrees with libjpeg-turbo to 3 of
//! 255 for every order of scans (`tests/harness/pictures`).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;

use jpeg_decoder::{ColorTransform, Decoder, ImageInfo, PixelFormat};

use super::super::colour::Channels;
use super::super::metadata::{INCHES_PER_METRE, Metadata, Resolution};
use super::assemble::{Assembler, Colours, Header};
use super::problem::damaged;

/// What the markers of a JPEG say.
#[derive(Default)]
struct Markers<'a> {
    /// The frame's marker, precision, height, width and number of components.
    frame: Option<(u8, u8, usize, usize, usize)>,
    exif: Option<&'a [u8]>,
    /// The parts of the profile with their numbers.
    profile: Vec<(u8, &'a [u8])>,
    density: Option<Resolution>,
    has_adobe: bool,
    /// Where the end marker is.
    end: Option<usize>,
    /// For progressive pictures: coefficients that have had their last bit, for each component.
    finished: Vec<(u8, [bool; 64])>,
}

/// Reads the markers. Whatever is wrong with them ends the reading; the decoder will say it.
fn markers(bytes: &[u8]) -> Markers<'_> {
    let mut found = Markers::default();
    let mut at = 2;
    while let Some((marker, start)) = next_marker(bytes, at) {
        if marker == 0xd9 {
            found.end = Some(start - 2);
            break;
        }
        if matches!(marker, 0x01 | 0xd0..=0xd8) {
            at = start;
            continue;
        }
        let Some(length) = bytes.get(start..start + 2).map(|b| u16::from_be_bytes([b[0], b[1]]) as usize)
        else {
            break;
        };
        let Some(content) = bytes.get(start + 2..start + length.max(2)) else { break };
        found.take(marker, content);
        at = start + length.max(2);
    }
    found
}

/// The next marker from `at` on and where its content begins; entropy-coded data is skipped.
fn next_marker(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += bytes.get(at..)?.iter().position(|&b| b == 0xff)?;
        match *bytes.get(at + 1)? {
            0x00 | 0xd0..=0xd7 => at += 2,
            0xff => at += 1,
            marker => return Some((marker, at + 2)),
        }
    }
}

impl<'a> Markers<'a> {
    fn take(&mut self, marker: u8, content: &'a [u8]) {
        match (marker, content) {
            (0xc0..=0xcf, _) if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                if let (None, &[precision, h1, h2, w1, w2, components, ..]) = (self.frame, content) {
                    let side = |a, b| u16::from_be_bytes([a, b]) as usize;
                    self.frame = Some((marker, precision, side(h1, h2), side(w1, w2), components.into()));
                }
            }
            (0xda, &[count, ref rest @ ..]) => self.take_scan(usize::from(count), rest),
            (0xe0, &[b'J', b'F', b'I', b'F', 0, _, _, unit, x1, x2, y1, y2, ..]) => {
                let [x, y] = [[x1, x2], [y1, y2]].map(|b| f64::from(u16::from_be_bytes(b)));
                self.density = match unit {
                    1 => Resolution::new(x, y, 1.0),
                    2 => Resolution::new(x, y, INCHES_PER_METRE / 100.0),
                    _ => None,
                };
            }
            (0xe1, _) if content.starts_with(b"Exif\0\0") && self.exif.is_none() => {
                self.exif = Some(&content[6..]);
            }
            (0xe2, _) if content.starts_with(b"ICC_PROFILE\0") && content.len() > 14 => {
                self.profile.push((content[12], &content[14..]));
            }
            (0xee, _) if content.starts_with(b"Adobe") => self.has_adobe = true,
            _ => {}
        }
    }

    /// Notes which coefficients a scan brings to their last bit.
    fn take_scan(&mut self, count: usize, rest: &[u8]) {
        let Some(&[from, to, bits]) = rest.get(2 * count..2 * count + 3).and_then(|b| b.first_chunk()) else {
            return;
        };
        for component in rest.chunks_exact(2).take(count).map(|c| c[0]) {
            let at = self.finished.iter().position(|(id, _)| *id == component).unwrap_or_else(|| {
                self.finished.push((component, [false; 64]));
                self.finished.len() - 1
            });
            if bits & 15 == 0 && from <= to && to < 64 {
                self.finished[at].1[usize::from(from)..=usize::from(to)].fill(true);
            }
        }
    }

    /// The profile, if all its parts are there.
    fn icc(&self) -> Option<Vec<u8>> {
        let mut parts = self.profile.clone();
        parts.sort_by_key(|(number, _)| *number);
        let whole: Vec<u8> = parts.iter().flat_map(|(_, part)| part.iter().copied()).collect();
        (!whole.is_empty()).then_some(whole)
    }
}

pub(super) fn header(bytes: &[u8]) -> Result<Header, String> {
    let markers = markers(bytes);
    let (marker, precision, height, width, components) = markers.frame.ok_or_else(super::problem::cut_off)?;
    let way = "open it in an image editor and save it as a usual (baseline) JPEG or as PNG";
    match marker {
        0xc0..=0xc2 if precision == 8 => {}
        0xc0..=0xc2 => return Err(format!("is a JPEG of {precision} bits, which cannot be read; {way}")),
        0xc3 => return Err(format!("is a lossless JPEG (as in raw files), which cannot be read; {way}")),
        0xc9..=0xcb => return Err(format!("is a JPEG with arithmetic coding, which cannot be read; {way}")),
        _ => return Err(format!("is a hierarchical JPEG, which cannot be read; {way}")),
    }
    let channels = match components {
        1 => Channels::Grey,
        3 => Channels::Rgb,
        4 => Channels::Cmyk,
        n => return Err(format!("is a JPEG with {n} components, which cannot be read; {way}")),
    };
    let mut header = Header::new(width, height, channels, false);
    if let Some(exif) = markers.exif {
        (header.metadata, header.orientation) = Metadata::from_exif(exif);
    }
    // Where JFIF and EXIF disagree, EXIF is what cameras and editors set.
    let resolution = header.metadata.resolution.or(markers.density);
    header.metadata = header.metadata.with_resolution(resolution);
    if let Some(profile) = markers.icc() {
        header.colours = Colours::Icc(profile);
    }
    // Coefficients of 2 bytes where there are several scans, samples of each component, and the result.
    let samples = header.pixels().saturating_mul(components as u64);
    let blocks = 64 * 64 * 16 * components as u64;
    header.kept = samples + (width as u64) * 64;
    header.decoding = samples.saturating_mul(4) + blocks + (width + height) as u64 * 128 + (1 << 20);
    Ok(header)
}

pub(super) fn read(bytes: &[u8], header: Header) -> Result<Assembler, String> {
    let has_adobe = markers(bytes).has_adobe;
    let (channels, step, width) = (header.channels, header.channels.count(), header.width);
    let (samples, info) = samples(bytes, None)?;
    let fits = match info.pixel_format {
        PixelFormat::L8 => channels == Channels::Grey,
        PixelFormat::RGB24 => channels == Channels::Rgb,
        PixelFormat::CMYK32 => channels == Channels::Cmyk,
        PixelFormat::L16 => false,
    };
    if !fits || samples.len() != width * header.height * step {
        return Err("is a JPEG with components that do not fit its header; it is damaged".into());
    }
    // The decoder turns all CMYK samples over; only Adobe's programs store them so.
    let turned_over = channels == Channels::Cmyk && !has_adobe;
    let mut to = Assembler::new(header);
    let mut row = Vec::new();
    for (y, line) in samples.chunks_exact(width * step).enumerate() {
        row.clear();
        row.extend(line.iter().map(|&v| if turned_over { 255 - v } else { v }));
        to.row_of_bytes(y, &row)?;
    }
    Ok(to)
}

/// Samples of a whole JPEG, and what they are. Its own markers say how colours are stored where `transform`
/// does not. A picture that lacks data is an error, one that lacks only its end marker is not.
pub(super) fn samples(
    bytes: &[u8],
    transform: Option<ColorTransform>,
) -> Result<(Vec<u8>, ImageInfo), String> {
    let markers = markers(bytes);
    let (marker, _, _, _, components) = markers.frame.ok_or_else(super::problem::cut_off)?;
    if let Some(end) = markers.end {
        return filled(&bytes[..end], ONES, transform).map_err(|e| damaged(&e));
    }
    let progressive = marker == 0xc2;
    let complete = markers.finished.len() == components
        && (!progressive || markers.finished.iter().all(|(_, bits)| bits.iter().all(|&done| done)));
    // A download that broke off may have the file's full length, with zeros at the end.
    let zeros = bytes.iter().rev().take_while(|&&b| b == 0).count();
    if !complete || zeros >= 64 {
        return Err(super::problem::cut_off());
    }
    // Bits that only correct others have no codes that could be wrong. If the picture is whole, what is put
    // behind it does not change it.
    let hash = |samples: &[u8]| {
        let mut hasher = DefaultHasher::new();
        samples.hash(&mut hasher);
        hasher.finish()
    };
    let decoded = |filling| filled(bytes, filling, transform).map_err(|_| super::problem::cut_off());
    let with_zeros = hash(&decoded(ZEROS)?.0);
    let with_ones = decoded(ONES)?;
    match hash(&with_ones.0) == with_zeros {
        true => Ok(with_ones),
        false => Err(super::problem::cut_off()),
    }
}

/// 512 bits of 1 and an end marker. No code of a JPEG is all ones, so a decoder that lacks data stops here;
/// one that has all does not look at them.
const ONES: &[u8] = &filling([0xff, 0x00]);
/// 1024 bits of 0 and an end marker.
const ZEROS: &[u8] = &filling([0x00, 0x00]);

const fn filling(pair: [u8; 2]) -> [u8; 130] {
    let mut out = [0; 130];
    let mut i = 0;
    while i < 128 {
        out[i] = pair[i % 2];
        i += 1;
    }
    (out[128], out[129]) = (0xff, 0xd9);
    out
}

/// Decodes a JPEG without its end marker, with something put behind it.
fn filled(
    bytes: &[u8],
    filling: &'static [u8],
    transform: Option<ColorTransform>,
) -> Result<(Vec<u8>, ImageInfo), jpeg_decoder::Error> {
    let mut decoder = Decoder::new(bytes.chain(filling));
    if let Some(transform) = transform {
        decoder.set_color_transform(transform);
    }
    let samples = decoder.decode()?;
    let info = decoder.info().ok_or_else(|| jpeg_decoder::Error::Format("no picture".into()))?;
    Ok((samples, info))
}
