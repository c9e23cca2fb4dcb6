//! Puts the rows of a file together to a picture: upright, in sRGB, as planes.

use ndarray::{Array2, Array3};

use super::super::colour::{Channels, CurveAndMatrix, ToSrgb};
use super::super::metadata::{Metadata, Orientation};
use super::super::{Depth, Picture};

/// How a file defines its colours.
#[derive(Clone, Default)]
pub(super) enum Colours {
    /// sRGB, or not at all.
    #[default]
    Srgb,
    /// An ICC profile.
    Icc(Vec<u8>),
    /// PNG's own chunks.
    Curve(Box<CurveAndMatrix>),
}

impl Colours {
    /// The most bytes that converting needs beside the rows.
    pub fn bytes(&self) -> u64 {
        match self {
            Colours::Srgb => 0,
            Colours::Icc(profile) => 16 * profile.len() as u64 + (2 << 20),
            Colours::Curve(_) => 1 << 16,
        }
    }
}

/// What a file's header says.
pub(super) struct Header {
    /// Width in pixels as the file's rows are.
    pub width: usize,
    /// Height in pixels, as `width`.
    pub height: usize,
    pub orientation: Orientation,
    pub channels: Channels,
    pub alpha: bool,
    pub depth: Depth,
    pub colours: Colours,
    pub metadata: Metadata,
    /// The most bytes that the decoder holds before the first row is put together.
    pub decoding: u64,
    /// The most bytes that the decoder holds while rows are put together.
    pub kept: u64,
    /// What the user should know: parts of the file that are left out.
    pub notes: Vec<String>,
}

impl Header {
    /// A header of a picture with these sizes and nothing else.
    pub fn new(width: usize, height: usize, channels: Channels, alpha: bool) -> Self {
        Header {
            width,
            height,
            orientation: Orientation::default(),
            channels,
            alpha,
            depth: Depth::Eight,
            colours: Colours::Srgb,
            metadata: Metadata::default(),
            decoding: 0,
            kept: 0,
            notes: Vec::new(),
        }
    }

    pub fn pixels(&self) -> u64 {
        (self.width as u64).saturating_mul(self.height as u64)
    }

    /// Height and width of the upright picture.
    pub fn upright(&self) -> [usize; 2] {
        match self.orientation.swaps() {
            true => [self.width, self.height],
            false => [self.height, self.width],
        }
    }

    /// Samples of a pixel, alpha included.
    pub fn samples(&self) -> usize {
        self.channels.count() + usize::from(self.alpha)
    }
}

/// A picture that is being put together.
pub(super) struct Assembler {
    /// What the header says, without its colours.
    pub header: Header,
    rgb: Array3<f32>,
    alpha: Option<Array2<f32>>,
    colours: ToSrgb,
    icc: Option<Vec<u8>>,
    /// Pixels with a sample that is not a number.
    not_numbers: usize,
    /// Pieces of a row, kept for the next.
    plain: Vec<f32>,
    spare: Vec<f32>,
    converted: Vec<f32>,
    samples: Vec<f32>,
}

impl Assembler {
    pub fn new(mut header: Header) -> Self {
        let [height, width] = header.upright();
        let mut icc = None;
        let colours = match std::mem::take(&mut header.colours) {
            Colours::Srgb => ToSrgb::Plain(header.channels),
            Colours::Curve(curve) => ToSrgb::Matrix(Channels::Rgb, curve),
            Colours::Icc(profile) => match ToSrgb::from_icc(&profile, header.channels) {
                Ok(colours) => {
                    // A grey or CMYK profile cannot hold the colours of the result.
                    icc = (header.channels == Channels::Rgb).then_some(profile);
                    colours
                }
                Err(problem) => {
                    header.notes.push(format!("the embedded ICC profile is left out: {problem}"));
                    ToSrgb::Plain(header.channels)
                }
            },
        };
        if matches!(colours, ToSrgb::Plain(Channels::Cmyk)) {
            header.notes.push(
                "the CMYK picture has no usable ICC profile, so its colours are approximate; convert it to RGB \
                 for exact ones"
                    .into(),
            );
        }
        let rgb = Array3::zeros((3, height, width));
        let alpha = header.alpha.then(|| Array2::zeros((height, width)));
        let [plain, spare, converted, samples] = [const { Vec::new() }; 4];
        Assembler { header, rgb, alpha, colours, icc, not_numbers: 0, plain, spare, converted, samples }
    }

    /// Takes samples of a row of the file from pixel `x` on: interleaved, 0..1, alpha not premultiplied.
    pub fn row(&mut self, y: usize, x: usize, samples: &[f32]) -> Result<(), String> {
        let (channels, step) = (self.header.channels, self.header.samples());
        let pixels = samples.len() / step;
        self.plain.clear();
        for pixel in samples.chunks_exact(step) {
            self.not_numbers += usize::from(pixel.iter().any(|v| v.is_nan()));
            let clean = |&v: &f32| if v.is_nan() { 0.0 } else { v.clamp(0.0, 1.0) };
            self.plain.extend(pixel[..channels.count()].iter().map(clean));
        }
        self.converted.resize(3 * pixels, 0.0);
        self.colours.convert(&self.plain, channels, &mut self.converted, &mut self.spare)?;
        let Header { height, width, orientation, .. } = self.header;
        for (i, pixel) in self.converted.chunks_exact(3).enumerate() {
            let (up_y, up_x) = orientation.upright(y, x + i, height, width);
            for (c, &v) in pixel.iter().enumerate() {
                self.rgb[[c, up_y, up_x]] = if v.is_nan() { 0.0 } else { v.clamp(0.0, 1.0) };
            }
            if let Some(alpha) = &mut self.alpha {
                let v = samples[i * step + step - 1];
                alpha[[up_y, up_x]] = if v.is_nan() { 0.0 } else { v.clamp(0.0, 1.0) };
            }
        }
        Ok(())
    }

    /// As `row`, from 8-bit samples of a whole row.
    pub fn row_of_bytes(&mut self, y: usize, samples: &[u8]) -> Result<(), String> {
        let mut values = std::mem::take(&mut self.samples);
        values.clear();
        values.extend(samples.iter().map(|&v| f32::from(v) / 255.0));
        let done = self.row(y, 0, &values);
        self.samples = values;
        done
    }

    /// As `row`, from 16-bit samples of a whole row.
    pub fn row_of_words(&mut self, y: usize, samples: impl Iterator<Item = u16>) -> Result<(), String> {
        let mut values = std::mem::take(&mut self.samples);
        values.clear();
        values.extend(samples.map(|v| f32::from(v) / 65535.0));
        let done = self.row(y, 0, &values);
        self.samples = values;
        done
    }

    /// The picture; what the user should know goes to the log with the file's name.
    pub fn finish(self, name: &str) -> Picture {
        for note in &self.header.notes {
            tracing::warn!("{name}: {note}");
        }
        if self.not_numbers > 0 {
            tracing::warn!(
                "{name}: {} pixels hold samples that are not a number (NaN); they are read as 0",
                self.not_numbers
            );
        }
        let Header { depth, metadata, .. } = self.header;
        Picture { rgb: self.rgb, alpha: self.alpha, icc: self.icc, depth, metadata }
    }
}
