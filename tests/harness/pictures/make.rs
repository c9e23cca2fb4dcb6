//! Makers of picture files, byte by byte, and readers that are not ours.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use impasto::Picture;

pub fn fixture(name: &str) -> PathBuf {
    super::super::common::fixture("pictures").join(name)
}

/// Interleaved RGB bytes of a picture file by other readers than ours.
pub fn decoded(bytes: &[u8]) -> Vec<u8> {
    if !bytes.starts_with(b"II") {
        return image::load_from_memory(bytes).expect("readable").to_rgb8().into_raw();
    }
    let mut decoder = tiff::decoder::Decoder::new(Cursor::new(bytes)).expect("a TIFF");
    match decoder.read_image().expect("readable") {
        tiff::decoder::DecodingResult::U8(values) => values,
        _ => panic!("8 bits were expected"),
    }
}

pub fn opened(path: &Path) -> Vec<u8> {
    decoded(&std::fs::read(path).expect("a file"))
}

/// A sample of a picture as a number of 0 to 255.
pub fn pixel(picture: &Picture, [y, x]: [usize; 2]) -> [f32; 3] {
    [0, 1, 2].map(|c| picture.rgb()[[c, y, x]] * 255.0)
}

/// Whether three numbers are near three others.
pub fn near(a: [f32; 3], b: [f32; 3], tolerance: f32) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance)
}

/// 40×24 pixels with differing colours, and a red patch.
pub fn pattern() -> Vec<[u8; 3]> {
    (0..24 * 40)
        .map(|i| {
            let (y, x) = (i / 40, i % 40);
            match (4..20).contains(&y) && (6..26).contains(&x) {
                true => [230, 40, 40],
                false => [60 + 4 * x as u8, 200 - 5 * y as u8, 90 + 2 * (x + y) as u8],
            }
        })
        .collect()
}

/// The largest difference, of 255, between a picture and RGB bytes of its size.
pub fn worst(picture: &Picture, wanted: &[u8]) -> f32 {
    let width = picture.width();
    assert_eq!(wanted.len(), 3 * width * picture.height());
    let differences = wanted.iter().enumerate().map(|(i, &v)| {
        let (pixel, c) = (i / 3, i % 3);
        (picture.rgb()[[c, pixel / width, pixel % width]] * 255.0 - f32::from(v)).abs()
    });
    differences.fold(0.0, f32::max)
}

/// A PNG of rows as they stand in the file, without filters, with chunks before the picture's data.
pub fn png(
    width: u32,
    height: u32,
    bits: u8,
    colour: u8,
    rows: &[u8],
    chunks: &[(&[u8; 4], Vec<u8>)],
) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], content: &[u8]| {
        out.extend((content.len() as u32).to_be_bytes());
        let both = [kind.as_slice(), content].concat();
        out.extend(&both);
        let mut crc = flate2::Crc::new();
        crc.update(&both);
        out.extend(crc.sum().to_be_bytes());
    };
    let head = [width.to_be_bytes(), height.to_be_bytes()].concat();
    chunk(b"IHDR", &[head.as_slice(), &[bits, colour, 0, 0, 0]].concat());
    for (kind, content) in chunks {
        chunk(kind, content);
    }
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    for row in rows.chunks(rows.len() / height as usize) {
        std::io::Write::write_all(&mut packed, &[0]).expect("packed");
        std::io::Write::write_all(&mut packed, row).expect("packed");
    }
    chunk(b"IDAT", &packed.finish().expect("packed"));
    chunk(b"IEND", &[]);
    out
}

/// One picture of a TIFF: its tags, without those of where its data lie, and its data.
#[derive(Clone)]
pub struct Tiff {
    /// Tag, type, and little-endian values.
    pub tags: Vec<(u16, u16, Vec<u8>)>,
    pub data: Vec<u8>,
}

pub fn shorts(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

impl Tiff {
    /// Uncompressed pixels with that photometric interpretation, kind of numbers (1 whole, 3 floats), bits and
    /// number of samples.
    pub fn new(width: u16, height: u16, kind: u16, [format, bits, samples]: [u16; 3], data: Vec<u8>) -> Self {
        let mut tiff = Tiff { tags: Vec::new(), data };
        for (tag, value) in
            [(256, width), (257, height), (259, 1), (262, kind), (277, samples), (278, height), (284, 1)]
        {
            tiff.set(tag, &[value]);
        }
        tiff.set(258, &vec![bits; samples as usize]);
        tiff.set(339, &vec![format; samples as usize]);
        tiff
    }

    pub fn rgb(width: u16, height: u16, data: &[u8]) -> Self {
        Tiff::new(width, height, 2, [1, 8, 3], data.to_vec())
    }

    /// Sets a tag of short numbers.
    pub fn set(&mut self, tag: u16, values: &[u16]) {
        self.tags.retain(|t| t.0 != tag);
        self.tags.push((tag, 3, shorts(values)));
    }

    pub fn with(mut self, tag: u16, values: &[u16]) -> Self {
        self.set(tag, values);
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        Tiff::file(std::slice::from_ref(self))
    }

    /// A file of one picture whose tags say already where its data lie.
    pub fn bytes_without_places(&self) -> Vec<u8> {
        let mut out = b"II*\0\x08\0\0\0".to_vec();
        self.directory(&mut out, self.tags.clone(), 0);
        out
    }

    /// Only the directory with its values, for a place in a file.
    pub fn directory_at(&self, place: usize) -> Vec<u8> {
        let mut out = vec![0; place];
        self.directory(&mut out, self.tags.clone(), 0);
        out.split_off(place)
    }

    /// A file of several pictures, one page after the other.
    pub fn file(pages: &[Tiff]) -> Vec<u8> {
        let mut out = b"II*\0\x08\0\0\0".to_vec();
        for (i, page) in pages.iter().enumerate() {
            page.put(&mut out, i + 1 < pages.len());
        }
        out
    }

    /// A file whose first picture has the second as its inner one (SubIFD).
    pub fn nested(outer: &Tiff, inner: &Tiff) -> Vec<u8> {
        let mut outer = outer.clone();
        outer.tags.push((330, 4, vec![0; 4]));
        let mut out = b"II*\0\x08\0\0\0".to_vec();
        let end = outer.put(&mut out, false);
        // The value stands in the sorted directory, behind 273 and 279 too.
        let before = outer.tags.iter().filter(|t| t.0 < 330).count() + 2;
        let place = 8 + 2 + 12 * before + 8;
        out[place..place + 4].copy_from_slice(&(end as u32).to_le_bytes());
        inner.put(&mut out, false);
        out
    }

    /// Puts the directory, its values and its data behind `out`, and gives the place behind them.
    fn put(&self, out: &mut Vec<u8>, more: bool) -> usize {
        let mut tags = self.tags.clone();
        let outside: usize = tags.iter().map(|t| if t.2.len() > 4 { t.2.len() } else { 0 }).sum();
        let data = out.len() + 2 + 12 * (tags.len() + 2) + 4 + outside;
        tags.push((273, 4, (data as u32).to_le_bytes().to_vec()));
        tags.push((279, 4, (self.data.len() as u32).to_le_bytes().to_vec()));
        let end = data + self.data.len() + self.data.len() % 2;
        self.directory(out, tags, if more { end as u32 } else { 0 });
        out.extend(&self.data);
        out.resize(end, 0);
        end
    }

    /// Puts a directory and its values behind `out`.
    fn directory(&self, out: &mut Vec<u8>, mut tags: Vec<(u16, u16, Vec<u8>)>, next: u32) {
        tags.sort_by_key(|t| t.0);
        let start = out.len();
        let head = 2 + 12 * tags.len() + 4;
        out.extend((tags.len() as u16).to_le_bytes());
        let mut behind: Vec<u8> = Vec::new();
        for (tag, kind, values) in &tags {
            let size = [1, 1, 1, 2, 4, 8, 1, 1][*kind as usize];
            out.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
            out.extend(((values.len() / size) as u32).to_le_bytes());
            if values.len() <= 4 {
                out.extend(values);
                out.extend(vec![0; 4 - values.len()]);
            } else {
                out.extend(((start + head + behind.len()) as u32).to_le_bytes());
                behind.extend(values);
            }
        }
        out.extend(next.to_le_bytes());
        out.extend(behind);
    }
}
