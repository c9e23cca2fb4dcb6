//! JPEG XL, through `jxl-oxide`.

use jxl_oxide::{AllocTracker, JxlImage, JxlThreadPool, PixelFormat};

use super::super::Depth;
use super::super::colour::{Channels, CurveAndMatrix};
use super::super::metadata::Metadata;
use super::assemble::{Assembler, Colours, Header};
use super::problem::damaged;

/// Tables of the decoder that do not grow with the picture.
const SLACK: u64 = 16 << 20;

fn open(bytes: &[u8], limit: u64) -> Result<JxlImage, String> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let builder =
        JxlImage::builder().pool(JxlThreadPool::none()).alloc_tracker(AllocTracker::with_limit(limit));
    builder.read(bytes).map_err(|e| damaged(&*e))
}

fn described(image: &JxlImage, bytes: u64) -> Result<Header, String> {
    let (channels, alpha) = match image.pixel_format() {
        PixelFormat::Gray => (Channels::Grey, false),
        PixelFormat::Graya => (Channels::Grey, true),
        PixelFormat::Rgb => (Channels::Rgb, false),
        PixelFormat::Rgba => (Channels::Rgb, true),
        PixelFormat::Cmyk | PixelFormat::Cmyka => {
            return Err("is a JPEG XL picture in CMYK, which cannot be read; export it as PNG or JPEG".into());
        }
    };
    let mut header = Header::new(image.width() as usize, image.height() as usize, channels, alpha);
    if image.image_header().metadata.bit_depth.bits_per_sample() > 8 {
        header.depth = Depth::Sixteen;
    }
    if let Ok(Some(exif)) = image.aux_boxes().first_exif().map(|data| match data {
        jxl_oxide::AuxBoxData::Data(exif) => Some(exif),
        _ => None,
    }) {
        // The decoder turns the picture upright by its own header; EXIF's orientation is not for it.
        header.metadata = Metadata::from_exif(exif.payload()).0;
    }
    if image.image_header().metadata.animation.is_some() {
        header.notes.push("the JPEG XL picture is animated; only its first picture is read".into());
    }
    // Three colour channels of floats, also where the picture is grey, before and after filters; then one of these.
    let pixel = 8 * header.samples() as u64;
    header.kept = header.pixels().saturating_mul(16 + pixel).saturating_add(SLACK + bytes);
    header.decoding = header.pixels().saturating_mul(32 + pixel).saturating_add(SLACK + bytes);
    Ok(header)
}

pub(super) fn header(bytes: &[u8]) -> Result<Header, String> {
    described(&open(bytes, 64 << 20)?, bytes.len() as u64)
}

pub(super) fn read(bytes: &[u8], mut header: Header) -> Result<Assembler, String> {
    let image = open(bytes, header.decoding)?;
    if !image.is_loading_done() {
        return Err(super::problem::cut_off());
    }
    let render = image.render_frame(0).map_err(|e| damaged(&*e))?;
    let from_cicp =
        |[primaries, transfer, _, _]: [u8; 4]| CurveAndMatrix::from_cicp(primaries, transfer, true);
    header.colours = match image.rendered_cicp() {
        Some([1, 13, _, _]) => Colours::Srgb,
        cicp => match cicp.and_then(from_cicp) {
            Some(curve) if curve.goes_beyond_white() => Colours::Curve(Box::new(curve)),
            _ => Colours::Icc(image.rendered_icc()),
        },
    };
    drop(image);
    let (height, samples) = (header.height, header.width * header.samples());
    let mut to = Assembler::new(header);
    let mut stream = render.stream();
    let mut row = vec![0.0f32; samples];
    for y in 0..height {
        if stream.write_to_buffer(&mut row) != row.len() {
            return Err(super::problem::cut_off());
        }
        to.row(y, 0, &row)?;
    }
    Ok(to)
}
