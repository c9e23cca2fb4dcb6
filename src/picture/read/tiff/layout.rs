//! How a TIFF stores its pixels, from its tags; what cannot be read right is refused here by its name.

use super::super::super::colour::Channels;
use super::super::super::ifd::{Directory, Structure, tag};
use super::super::problem::{Problem, cut_off};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Group4,
    Lzw,
    Jpeg,
    Deflate,
    PackBits,
    Zstd,
    WebP,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Photometric {
    WhiteIsZero,
    BlackIsZero,
    Rgb,
    Palette,
    Cmyk,
    YCbCr,
}

impl Photometric {
    pub fn channels(self) -> Channels {
        match self {
            Photometric::WhiteIsZero | Photometric::BlackIsZero => Channels::Grey,
            Photometric::Rgb | Photometric::Palette | Photometric::YCbCr => Channels::Rgb,
            Photometric::Cmyk => Channels::Cmyk,
        }
    }

    /// Samples of a pixel in the file, without extra ones.
    fn samples(self) -> usize {
        match self {
            Photometric::Palette => 1,
            other => other.channels().count(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Predictor {
    None,
    Horizontal,
    Float,
}

/// The sample of a pixel that is its alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alpha {
    pub sample: usize,
    /// Whether colours are premultiplied by it.
    pub associated: bool,
}

/// How the pixels of one picture are stored.
pub(super) struct Layout {
    pub width: usize,
    pub height: usize,
    /// Samples of a pixel, extra ones included.
    pub samples: usize,
    pub bits: usize,
    pub is_float: bool,
    pub big_endian: bool,
    pub lowest_bit_first: bool,
    pub photometric: Photometric,
    pub compression: Compression,
    pub predictor: Predictor,
    /// Each sample in pieces of its own.
    pub planar: bool,
    pub alpha: Option<Alpha>,
    pub tiled: bool,
    /// Width of a strip or tile.
    pub piece_width: usize,
    /// Height of a strip or tile.
    pub piece_height: usize,
    pub offsets: Vec<u64>,
    pub lengths: Vec<u64>,
    pub jpeg_tables: Option<Vec<u8>>,
    /// Red, green and blue of each index, 0..1.
    pub palette: Vec<[f32; 3]>,
    /// Luma coefficients of YCbCr.
    pub luma: [f32; 3],
    /// The samples that stand for black and white (or none and full) of Y, Cb and Cr.
    pub references: [[f32; 2]; 3],
}

const WAY: &str = "which cannot be read; save it as an 8- or 16-bit RGB TIFF, or as PNG";

pub(super) fn refused(what: impl std::fmt::Display) -> Problem {
    format!("is a TIFF with {what}, {WAY}")
}

impl Layout {
    pub fn parse(structure: &Structure, directory: &Directory) -> Result<Self, Problem> {
        let number = |tag: u16| structure.first_number(directory, tag);
        let or = |tag: u16, default: u64| number(tag).unwrap_or(default);
        let side = |tag: u16| number(tag).and_then(|n| usize::try_from(n).ok()).ok_or_else(cut_off);
        let (width, height) = (side(tag::IMAGE_WIDTH)?, side(tag::IMAGE_LENGTH)?);
        super::super::problem::check_pixels(width, height)?;
        let bits = same(&structure.numbers(directory, tag::BITS_PER_SAMPLE), 1)
            .ok_or_else(|| refused("channels of different depths"))?;
        let format = same(&structure.numbers(directory, tag::SAMPLE_FORMAT), 1)
            .ok_or_else(|| refused("channels of different kinds of numbers"))?;
        let is_float = match (format, bits) {
            (1 | 4, 1..=16 | 32 | 64) => false,
            (3, 16 | 32 | 64) => true,
            (1 | 4, bits) => return Err(refused(format!("{bits} bits a channel"))),
            (2, bits) => return Err(refused(format!("signed {bits}-bit integers"))),
            (3, bits) => return Err(refused(format!("floating-point numbers of {bits} bits"))),
            _ => return Err(refused("complex numbers")),
        };
        let compression = compression(or(tag::COMPRESSION, 1))?;
        let photometric = match number(tag::PHOTOMETRIC) {
            Some(0) => Photometric::WhiteIsZero,
            Some(1) | None => Photometric::BlackIsZero,
            Some(2) => Photometric::Rgb,
            Some(3) => Photometric::Palette,
            Some(5) => Photometric::Cmyk,
            Some(6) => Photometric::YCbCr,
            Some(4) => return Err(refused("a mask only")),
            Some(8..=10) => return Err(refused("Lab colours")),
            Some(32844 | 32845) => return Err(refused("LogLuv colours")),
            Some(n) => return Err(refused(format!("colours of the unknown kind {n}"))),
        };
        let samples = or(tag::SAMPLES_PER_PIXEL, 1) as usize;
        let own = photometric.samples();
        if samples < own || samples > 64 {
            return Err(refused(format!("{samples} channels where {photometric:?} has {own}")));
        }
        let predictor = match or(tag::PREDICTOR, 1) {
            1 => Predictor::None,
            2 if matches!(bits, 8 | 16 | 32 | 64) => Predictor::Horizontal,
            3 if is_float => Predictor::Float,
            n => return Err(refused(format!("the predictor {n} at {bits} bits"))),
        };
        let planar = or(tag::PLANAR_CONFIGURATION, 1) == 2 && samples > 1;
        let tiled = directory.has(tag::TILE_OFFSETS);
        let (offsets, lengths) = match tiled {
            true => (tag::TILE_OFFSETS, tag::TILE_BYTE_COUNTS),
            false => (tag::STRIP_OFFSETS, tag::STRIP_BYTE_COUNTS),
        };
        let rows = || or(tag::ROWS_PER_STRIP, height as u64).clamp(1, height.max(1) as u64) as usize;
        let layout = Layout {
            width,
            height,
            samples,
            bits: bits as usize,
            is_float,
            big_endian: structure.big_endian,
            lowest_bit_first: or(tag::FILL_ORDER, 1) == 2,
            photometric,
            compression,
            predictor: if matches!(
                compression,
                Compression::None | Compression::Lzw | Compression::Deflate | Compression::Zstd
            ) {
                predictor
            } else {
                Predictor::None
            },
            planar,
            alpha: alpha(&structure.numbers(directory, tag::EXTRA_SAMPLES), directory, own, samples),
            tiled,
            piece_width: if tiled { side(tag::TILE_WIDTH)? } else { width },
            piece_height: if tiled { side(tag::TILE_LENGTH)? } else { rows() },
            offsets: structure.numbers(directory, offsets),
            lengths: structure.numbers(directory, lengths),
            jpeg_tables: structure.raw(directory, tag::JPEG_TABLES).map(<[u8]>::to_vec),
            palette: palette(&structure.numbers(directory, tag::COLOR_MAP)),
            luma: luma(&structure.fractions(directory, tag::YCBCR_COEFFICIENTS)),
            references: references(&structure.fractions(directory, tag::REFERENCE_BLACK_WHITE)),
        };
        layout.check(&structure.numbers(directory, tag::YCBCR_SUBSAMPLING))?;
        Ok(layout)
    }

    fn check(&self, subsampling: &[u64]) -> Result<(), Problem> {
        let subsampled = self.photometric == Photometric::YCbCr && !matches!(subsampling, [1, 1]);
        if subsampled && self.compression != Compression::Jpeg {
            return Err(refused("subsampled YCbCr colours that are not JPEG"));
        }
        if self.photometric == Photometric::YCbCr && self.bits != 8 {
            return Err(refused(format!("YCbCr colours of {} bits", self.bits)));
        }
        if self.photometric == Photometric::Palette && (self.bits > 16 || self.palette.len() < 1 << self.bits)
        {
            return Err("is a TIFF whose palette is too short; it is damaged".into());
        }
        if matches!(self.compression, Compression::Jpeg | Compression::WebP) && self.bits != 8 {
            return Err(refused(format!("JPEG or WebP compression at {} bits", self.bits)));
        }
        if self.compression == Compression::Group4 && (self.bits, self.samples) != (1, 1) {
            return Err(refused("fax compression of more than black and white"));
        }
        if self.piece_width == 0 || self.piece_height == 0 || self.width == 0 || self.height == 0 {
            return Err("is a TIFF with a size of 0; it is damaged".into());
        }
        super::super::problem::check_pixels(self.piece_width, self.piece_height)?;
        let wanted = self.pieces_of_a_plane().saturating_mul(self.pieces_at_once());
        let one = self.lengths.is_empty() && self.offsets.len() == 1;
        if self.offsets.len() < wanted || (self.lengths.len() < wanted && !one) {
            return Err(cut_off());
        }
        Ok(())
    }

    fn pieces_across(&self) -> usize {
        self.width.div_ceil(self.piece_width)
    }

    /// Strips or tiles that cover the picture once.
    pub fn pieces_of_a_plane(&self) -> usize {
        self.pieces_across().saturating_mul(self.height.div_ceil(self.piece_height))
    }

    /// Pieces that hold the samples of the same pixels.
    pub fn pieces_at_once(&self) -> usize {
        if self.planar { self.samples } else { 1 }
    }

    /// Samples of a pixel in one piece.
    pub fn samples_of_a_piece(&self) -> usize {
        if self.planar { 1 } else { self.samples }
    }

    /// Where a piece lies in the picture: top, left, height, width, without what juts out.
    pub fn place(&self, piece: usize) -> (usize, usize, usize, usize) {
        let (down, across) = (piece / self.pieces_across(), piece % self.pieces_across());
        let (top, left) = (down * self.piece_height, across * self.piece_width);
        (top, left, self.piece_height.min(self.height - top), self.piece_width.min(self.width - left))
    }

    /// Bytes of a row of a piece.
    pub fn row_bytes(&self) -> usize {
        (self.piece_width * self.samples_of_a_piece() * self.bits).div_ceil(8)
    }

    /// Rows that a piece has in the file: the last strip is shorter, tiles are all alike.
    pub fn rows_of(&self, piece: usize) -> usize {
        if self.tiled { self.piece_height } else { self.place(piece % self.pieces_of_a_plane()).2 }
    }

    /// Bytes of a whole piece.
    pub fn piece_bytes(&self) -> u64 {
        (self.row_bytes() as u64).saturating_mul(self.piece_height as u64)
    }
}

/// The one number in a list; `default` for an empty list, None if they differ.
fn same(numbers: &[u64], default: u64) -> Option<u64> {
    let first = numbers.first().copied().unwrap_or(default);
    numbers.iter().all(|&n| n == first).then_some(first)
}

fn compression(number: u64) -> Result<Compression, Problem> {
    Ok(match number {
        1 => Compression::None,
        4 => Compression::Group4,
        5 => Compression::Lzw,
        7 => Compression::Jpeg,
        8 | 32946 => Compression::Deflate,
        32773 => Compression::PackBits,
        50000 => Compression::Zstd,
        50001 => Compression::WebP,
        2 | 3 => return Err(refused("fax compression of group 3")),
        6 => return Err(refused("JPEG compression of the old kind")),
        34925 => return Err(refused("LZMA compression")),
        33003 | 33005 | 34712 => return Err(refused("JPEG 2000 compression")),
        50002 | 52546 => return Err(refused("JPEG XL compression")),
        34887 => return Err(refused("LERC compression")),
        n => return Err(refused(format!("the compression {n}"))),
    })
}

/// Which extra sample is alpha. Without a tag a single extra one is; one that is called unspecified is not.
fn alpha(extra: &[u64], directory: &Directory, own: usize, samples: usize) -> Option<Alpha> {
    if !directory.has(tag::EXTRA_SAMPLES) {
        return (samples == own + 1).then_some(Alpha { sample: own, associated: false });
    }
    let at = extra.iter().position(|kind| matches!(kind, 1 | 2))?;
    (own + at < samples).then(|| Alpha { sample: own + at, associated: extra[at] == 1 })
}

/// The palette of a colour map: all reds, all greens, all blues.
fn palette(map: &[u64]) -> Vec<[f32; 3]> {
    let third = map.len() / 3;
    // Some programs write values of 8 bits, or such values times 256.
    let most = match () {
        () if map.iter().all(|&v| v < 256) => 255.0,
        () if map.iter().all(|&v| v % 256 == 0) => 65280.0,
        () => 65535.0,
    };
    (0..third).map(|i| [0, 1, 2].map(|c| map[c * third + i] as f32 / most)).collect()
}

fn luma(fractions: &[f64]) -> [f32; 3] {
    match *fractions {
        [r, g, b] if r > 0.0 && g > 0.0 && b > 0.0 => [r as f32, g as f32, b as f32],
        _ => [0.299, 0.587, 0.114],
    }
}

fn references(fractions: &[f64]) -> [[f32; 2]; 3] {
    match *fractions {
        [a, b, c, d, e, f] if b > a && d > c && f > e => {
            [[a, b], [c, d], [e, f]].map(|p| p.map(|v| v as f32))
        }
        _ => [[0.0, 255.0], [128.0, 255.0], [128.0, 255.0]],
    }
}
