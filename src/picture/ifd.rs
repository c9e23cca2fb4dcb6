//! The structure that TIFF files and EXIF blocks share: directories of tagged values (TIFF 6.0, BigTIFF).

/// Tags that this program reads or writes.
pub(super) mod tag {
    pub const NEW_SUBFILE_TYPE: u16 = 254;
    pub const SUBFILE_TYPE: u16 = 255;
    pub const IMAGE_WIDTH: u16 = 256;
    pub const IMAGE_LENGTH: u16 = 257;
    pub const BITS_PER_SAMPLE: u16 = 258;
    pub const COMPRESSION: u16 = 259;
    pub const PHOTOMETRIC: u16 = 262;
    pub const FILL_ORDER: u16 = 266;
    pub const IMAGE_DESCRIPTION: u16 = 270;
    pub const MAKE: u16 = 271;
    pub const MODEL: u16 = 272;
    pub const STRIP_OFFSETS: u16 = 273;
    pub const ORIENTATION: u16 = 274;
    pub const SAMPLES_PER_PIXEL: u16 = 277;
    pub const ROWS_PER_STRIP: u16 = 278;
    pub const STRIP_BYTE_COUNTS: u16 = 279;
    pub const X_RESOLUTION: u16 = 282;
    pub const Y_RESOLUTION: u16 = 283;
    pub const PLANAR_CONFIGURATION: u16 = 284;
    pub const RESOLUTION_UNIT: u16 = 296;
    pub const DATE_TIME: u16 = 306;
    pub const ARTIST: u16 = 315;
    pub const PREDICTOR: u16 = 317;
    pub const COLOR_MAP: u16 = 320;
    pub const TILE_WIDTH: u16 = 322;
    pub const TILE_LENGTH: u16 = 323;
    pub const TILE_OFFSETS: u16 = 324;
    pub const TILE_BYTE_COUNTS: u16 = 325;
    pub const SUB_IFDS: u16 = 330;
    pub const EXTRA_SAMPLES: u16 = 338;
    pub const SAMPLE_FORMAT: u16 = 339;
    pub const JPEG_TABLES: u16 = 347;
    pub const YCBCR_COEFFICIENTS: u16 = 529;
    pub const YCBCR_SUBSAMPLING: u16 = 530;
    pub const REFERENCE_BLACK_WHITE: u16 = 532;
    pub const COPYRIGHT: u16 = 33432;
    pub const EXPOSURE_TIME: u16 = 33434;
    pub const F_NUMBER: u16 = 33437;
    pub const ICC_PROFILE: u16 = 34675;
    pub const EXIF_IFD: u16 = 34665;
    pub const ISO_SPEED: u16 = 34855;
    pub const DATE_TIME_ORIGINAL: u16 = 36867;
    pub const DATE_TIME_DIGITIZED: u16 = 36868;
    pub const OFFSET_TIME_ORIGINAL: u16 = 36881;
    pub const FOCAL_LENGTH: u16 = 37386;
    pub const LENS_MODEL: u16 = 42036;
    pub const DNG_VERSION: u16 = 50706;
}

/// A value of a directory; the type numbers are TIFF's.
#[derive(Clone, Copy, Debug)]
struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    /// Where the values begin in the file.
    at: usize,
}

/// One directory: the values of one picture of a TIFF file, or one group of EXIF values.
#[derive(Clone, Debug)]
pub(super) struct Directory(Vec<Entry>);

/// A file or block in TIFF's structure.
#[derive(Clone, Copy)]
pub(super) struct Structure<'a> {
    bytes: &'a [u8],
    pub big_endian: bool,
    big: bool,
    first: u64,
}

/// Directories that are followed at most, so that a chain that leads back to itself ends.
const MOST_DIRECTORIES: usize = 1000;
/// Entries that a directory has at most.
const MOST_ENTRIES: u64 = 4096;

/// Bytes of a value of that type; None for an unknown type.
fn size_of_kind(kind: u16) -> Option<usize> {
    match kind {
        1 | 2 | 6 | 7 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 | 16..=18 => Some(8),
        _ => None,
    }
}

impl<'a> Structure<'a> {
    /// The structure in `bytes`, from the header at their beginning; None if there is none.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let big_endian = match bytes.get(..2)? {
            b"II" => false,
            b"MM" => true,
            _ => return None,
        };
        let mut structure = Structure { bytes, big_endian, big: false, first: 0 };
        match structure.number(2, 2)? {
            42 => structure.first = structure.number(4, 4)?,
            43 if structure.number(4, 2)? == 8 => {
                structure.big = true;
                structure.first = structure.number(8, 8)?;
            }
            _ => return None,
        }
        Some(structure)
    }

    /// The unsigned number of `size` bytes at `at`.
    fn number(&self, at: usize, size: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(size)?)?;
        let join = |value: u64, &byte: &u8| value << 8 | u64::from(byte);
        Some(if self.big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) })
    }

    /// The directory at a place in the file, and where the next one is (0 for none).
    pub fn directory(&self, at: u64) -> Option<(Directory, u64)> {
        let at = usize::try_from(at).ok()?;
        let (count_size, entry_size, offset_size) = if self.big { (8, 20, 8) } else { (2, 12, 4) };
        let count = self.number(at, count_size)?;
        if count > MOST_ENTRIES {
            return None;
        }
        let start = at.checked_add(count_size)?;
        let mut entries = Vec::new();
        for i in 0..count as usize {
            let entry = start.checked_add(i * entry_size)?;
            let (tag, kind) = (self.number(entry, 2)? as u16, self.number(entry + 2, 2)? as u16);
            let count = self.number(entry + 4, offset_size)?;
            let Some(size) = size_of_kind(kind) else { continue };
            let field = entry + 4 + offset_size;
            let Some(length) = usize::try_from(count).ok().and_then(|n| n.checked_mul(size)) else {
                continue;
            };
            let at = match length <= offset_size {
                true => field,
                false => self.number(field, offset_size)? as usize,
            };
            // A value that lies outside the file counts as absent.
            if at.checked_add(length).is_some_and(|end| end <= self.bytes.len()) {
                entries.push(Entry { tag, kind, count, at });
            }
        }
        let next = self.number(start.checked_add(count as usize * entry_size)?, offset_size).unwrap_or(0);
        Some((Directory(entries), next))
    }

    /// The first directory and those that it leads to by its chain.
    pub fn chain(&self) -> Vec<Directory> {
        let mut all = Vec::new();
        let (mut at, mut seen) = (self.first, Vec::new());
        while at != 0 && !seen.contains(&at) && all.len() < MOST_DIRECTORIES {
            seen.push(at);
            let Some((directory, next)) = self.directory(at) else { break };
            all.push(directory);
            at = next;
        }
        all
    }

    /// The bytes of a value as they lie in the file.
    pub fn raw(&self, directory: &Directory, tag: u16) -> Option<&'a [u8]> {
        let entry = directory.entry(tag)?;
        let length = entry.count as usize * size_of_kind(entry.kind)?;
        self.bytes.get(entry.at..entry.at + length)
    }

    /// The whole, unsigned numbers of a value; empty if it is absent or of another type.
    pub fn numbers(&self, directory: &Directory, tag: u16) -> Vec<u64> {
        let Some(entry) = directory.entry(tag) else { return Vec::new() };
        let (1 | 3 | 4 | 7 | 13 | 16 | 18, Some(size)) = (entry.kind, size_of_kind(entry.kind)) else {
            return Vec::new();
        };
        (0..entry.count as usize).map_while(|i| self.number(entry.at + i * size, size)).collect()
    }

    /// The first number of a value.
    pub fn first_number(&self, directory: &Directory, tag: u16) -> Option<u64> {
        self.numbers(directory, tag).first().copied()
    }

    /// The fractions of a value, as quotients.
    pub fn fractions(&self, directory: &Directory, tag: u16) -> Vec<f64> {
        let Some(entry) = directory.entry(tag).filter(|e| e.kind == 5) else { return Vec::new() };
        let part = |at: usize| self.number(at, 4).map(|n| n as f64);
        (0..entry.count as usize)
            .map_while(|i| Some(part(entry.at + 8 * i)? / part(entry.at + 8 * i + 4)?))
            .collect()
    }

    /// A value as it can be written again: its type, count and little-endian bytes.
    pub fn value(&self, directory: &Directory, tag: u16) -> Option<Value> {
        let entry = directory.entry(tag)?;
        let mut bytes = self.raw(directory, tag)?.to_vec();
        let unit = match entry.kind {
            5 | 10 => 4,
            kind => size_of_kind(kind)?,
        };
        if self.big_endian {
            bytes.chunks_mut(unit).for_each(<[u8]>::reverse);
        }
        Some(Value { tag, kind: entry.kind, count: u32::try_from(entry.count).ok()?, bytes })
    }
}

impl Directory {
    fn entry(&self, tag: u16) -> Option<&Entry> {
        self.0.iter().find(|e| e.tag == tag)
    }

    pub fn has(&self, tag: u16) -> bool {
        self.entry(tag).is_some()
    }
}

/// A value with its bytes in little-endian order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub tag: u16,
    pub kind: u16,
    pub count: u32,
    pub bytes: Vec<u8>,
}

impl Value {
    pub fn short(tag: u16, values: &[u16]) -> Self {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Value { tag, kind: 3, count: values.len() as u32, bytes }
    }

    pub fn long(tag: u16, value: u32) -> Self {
        Value { tag, kind: 4, count: 1, bytes: value.to_le_bytes().to_vec() }
    }

    /// A positive number with four places.
    pub fn fraction(tag: u16, value: f64) -> Self {
        let (over, under) = match value.fract() == 0.0 {
            true => (value as u32, 1u32),
            false => ((value * 10_000.0).round() as u32, 10_000),
        };
        let bytes = [over.to_le_bytes(), under.to_le_bytes()].concat();
        Value { tag, kind: 5, count: 1, bytes }
    }

    pub fn bytes(tag: u16, bytes: &[u8]) -> Self {
        Value { tag, kind: 7, count: bytes.len() as u32, bytes: bytes.to_vec() }
    }
}

/// The bytes of a directory that will lie at `at`, with its values behind it, little-endian. No other
/// directory follows.
pub(super) fn written(mut values: Vec<Value>, at: u32) -> Vec<u8> {
    values.sort_by_key(|v| v.tag);
    let head = 2 + 12 * values.len() + 4;
    let (mut entries, mut behind) = ((values.len() as u16).to_le_bytes().to_vec(), Vec::new());
    for value in values {
        entries.extend(value.tag.to_le_bytes());
        entries.extend(value.kind.to_le_bytes());
        entries.extend(value.count.to_le_bytes());
        if value.bytes.len() <= 4 {
            let padding = 4 - value.bytes.len();
            entries.extend(value.bytes);
            entries.extend(vec![0; padding]);
        } else {
            entries.extend((at + (head + behind.len()) as u32).to_le_bytes());
            behind.extend(value.bytes);
            if behind.len() % 2 == 1 {
                behind.push(0);
            }
        }
    }
    entries.extend([0; 4]);
    entries.extend(behind);
    entries
}
