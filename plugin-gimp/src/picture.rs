//! Pictures on their way to libimpasto, and from it.

use std::ffi::c_void;

use impasto_abi::ImpastoPicture;

/// Pixels in rows without gaps, in sRGB. The number of a layout is that of its channels, that of a sample
/// its bytes, as in the header.
#[derive(Clone)]
pub struct Pixels {
    /// The samples, in the machine's byte order.
    pub bytes: Vec<u8>,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
    pub layout: u32,
    /// 1 `u8`, 2 `u16`, 4 `f32`.
    pub sample: u32,
}

impl Pixels {
    /// Black.
    pub fn new(width: u32, height: u32, layout: u32, sample: u32) -> Self {
        let bytes = vec![0; width as usize * height as usize * (layout * sample) as usize];
        Pixels { bytes, width, height, layout, sample }
    }

    /// `data` is only written to where the picture is a job's output.
    pub fn descriptor(&self, data: *mut c_void) -> ImpastoPicture {
        let Pixels { width, height, layout, sample, .. } = *self;
        let stride = (width * layout * sample) as isize;
        ImpastoPicture { data, stride, width, height, layout, sample, ..ImpastoPicture::zeroed() }
    }

    pub fn read_only(&self) -> ImpastoPicture {
        self.descriptor(self.bytes.as_ptr().cast_mut().cast())
    }
}

/// A style picture.
pub enum Style {
    /// One of the library's own, by its name.
    Own(String),
    /// Any other.
    Read(Pixels),
}

/// A second style, read.
pub struct Second {
    /// Its picture.
    pub style: Style,
    /// How much the first and the second style count.
    pub weights: [f64; 2],
    /// The size of its strokes against the first's.
    pub scale: f64,
    /// Where it is painted, in the content's size; None for everywhere.
    pub region: Option<Pixels>,
}
