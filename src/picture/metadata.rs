//! What is kept of a picture beside its pixels: its print size and a few facts about the photograph.

use super::ifd::{self, Directory, Structure, Value, tag};

/// How many pixels an inch of the printed picture has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolution {
    /// Pixels per inch across.
    pub x: f64,
    /// Pixels per inch down.
    pub y: f64,
}

/// What is kept of a picture beside its pixels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// The print size; None where the file names none.
    pub resolution: Option<Resolution>,
    /// Values of EXIF's first directory that are kept.
    image: Vec<Value>,
    /// Values of EXIF's second directory (about the photograph) that are kept.
    photo: Vec<Value>,
}

/// What is kept of EXIF's first directory.
const IMAGE: [u16; 6] =
    [tag::IMAGE_DESCRIPTION, tag::MAKE, tag::MODEL, tag::DATE_TIME, tag::ARTIST, tag::COPYRIGHT];
/// What is kept of EXIF's second directory.
const PHOTO: [u16; 8] = [
    tag::EXPOSURE_TIME,
    tag::F_NUMBER,
    tag::ISO_SPEED,
    tag::DATE_TIME_ORIGINAL,
    tag::DATE_TIME_DIGITIZED,
    tag::OFFSET_TIME_ORIGINAL,
    tag::FOCAL_LENGTH,
    tag::LENS_MODEL,
];
/// A longer value is left out: it is no date and no name.
const LONGEST: usize = 4096;

/// The orientation of a file's rows, EXIF's values 1 to 8: how they are rotated and flipped to stand upright.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Orientation(u8);

impl Default for Orientation {
    fn default() -> Self {
        Orientation(1)
    }
}

impl Orientation {
    fn from_exif(value: Option<u64>) -> Self {
        match value {
            Some(v @ 1..=8) => Orientation(v as u8),
            _ => Orientation(1),
        }
    }

    /// Whether width and height change places.
    pub fn swaps(self) -> bool {
        self.0 >= 5
    }

    /// Where the file's pixel (y, x) stands upright, in a file of `height` by `width` pixels.
    pub fn upright(self, y: usize, x: usize, height: usize, width: usize) -> (usize, usize) {
        let (bottom, right) = (height - 1 - y, width - 1 - x);
        match self.0 {
            2 => (y, right),
            3 => (bottom, right),
            4 => (bottom, x),
            5 => (x, y),
            6 => (x, bottom),
            7 => (right, bottom),
            8 => (right, y),
            _ => (y, x),
        }
    }
}

impl Metadata {
    /// What an EXIF block says, and the orientation. A damaged block counts as none.
    pub(super) fn from_exif(exif: &[u8]) -> (Self, Orientation) {
        // PNG and WebP files of some programs carry JPEG's prefix.
        let exif = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
        let Some(structure) = Structure::new(exif) else { return Default::default() };
        match structure.chain().first() {
            Some(first) => Metadata::from_directory(&structure, first),
            None => Default::default(),
        }
    }

    /// As `from_exif`, from a directory of a TIFF file.
    pub(super) fn from_directory(structure: &Structure, first: &Directory) -> (Self, Orientation) {
        let take = |directory: &Directory, tags: &[u16]| -> Vec<Value> {
            tags.iter()
                .filter_map(|&tag| structure.value(directory, tag))
                .filter(|value| !value.bytes.is_empty() && value.bytes.len() <= LONGEST)
                .collect()
        };
        let photo = structure.first_number(first, tag::EXIF_IFD).and_then(|at| structure.directory(at));
        let metadata = Metadata {
            resolution: resolution(structure, first),
            image: take(first, &IMAGE),
            photo: photo.map(|(photo, _)| take(&photo, &PHOTO)).unwrap_or_default(),
        };
        (metadata, Orientation::from_exif(structure.first_number(first, tag::ORIENTATION)))
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        *self == Metadata::default()
    }

    /// An EXIF block with the kept values and an upright orientation; None if there is nothing to say.
    pub(super) fn exif(&self) -> Option<Vec<u8>> {
        if self.is_empty() {
            return None;
        }
        let mut out = b"II*\0\x08\0\0\0".to_vec();
        out.extend(self.directory(8, vec![Value::short(tag::ORIENTATION, &[1])]));
        Some(out)
    }

    /// The kept values together with `more` as a directory that will lie at `at`, with what it refers to.
    pub(super) fn directory(&self, at: u32, mut more: Vec<Value>) -> Vec<u8> {
        more.extend(self.image.iter().cloned());
        if let Some(Resolution { x, y }) = self.resolution {
            more.push(Value::fraction(tag::X_RESOLUTION, x));
            more.push(Value::fraction(tag::Y_RESOLUTION, y));
            more.push(Value::short(tag::RESOLUTION_UNIT, &[2]));
        }
        if self.photo.is_empty() {
            return ifd::written(more, at);
        }
        // The length does not depend on the address, so the second directory's place is known after a try.
        more.push(Value::long(tag::EXIF_IFD, 0));
        let behind = at + ifd::written(more.clone(), at).len() as u32;
        if let Some(link) = more.last_mut() {
            *link = Value::long(tag::EXIF_IFD, behind);
        }
        let mut out = ifd::written(more, at);
        out.extend(ifd::written(self.photo.clone(), behind));
        out
    }

    /// Takes the resolution of the file's own header, which goes before that of EXIF.
    pub(super) fn with_resolution(mut self, resolution: Option<Resolution>) -> Self {
        self.resolution = resolution.or(self.resolution);
        self
    }
}

impl Resolution {
    /// A resolution from pixels in a unit of `inches`; None where it makes no sense.
    pub(super) fn new(x: f64, y: f64, inches: f64) -> Option<Self> {
        let [x, y] = [x, y].map(|v| v / inches);
        // Metres and centimetres do not hold whole numbers of pixels per inch exactly.
        let near = |v: f64| if (v - v.round()).abs() < 0.02 { v.round() } else { v };
        let sound = |v: f64| v.is_finite() && (1.0..=100_000.0).contains(&v);
        (sound(x) && sound(y)).then(|| Resolution { x: near(x), y: near(y) })
    }
}

/// Inches of a metre.
pub(super) const INCHES_PER_METRE: f64 = 1.0 / 0.0254;

fn resolution(structure: &Structure, directory: &Directory) -> Option<Resolution> {
    let value = |tag: u16| structure.fractions(directory, tag).first().copied();
    let (x, y) = (value(tag::X_RESOLUTION)?, value(tag::Y_RESOLUTION)?);
    match structure.first_number(directory, tag::RESOLUTION_UNIT).unwrap_or(2) {
        2 => Resolution::new(x, y, 1.0),
        3 => Resolution::new(x, y, INCHES_PER_METRE / 100.0),
        _ => None,
    }
}
