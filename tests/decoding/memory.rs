//! A header says how much memory its picture needs, and reading stays within it.

use impasto::Picture;
use impasto::picture::{Format, PictureInfo};
use ndarray::{Array2, Array3};

use super::allocations::counted;
use super::{alone, fixtures};

/// A one-bit PNG of black pixels: a few hundred bytes for each megapixel.
fn bits(side: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&vec![0; (side as usize).div_ceil(8) * side as usize]).expect("written");
    writer.finish().expect("written");
    out
}

#[test]
fn reading_takes_no_more_than_the_samples_and_the_result() {
    let _alone = alone();
    let (height, width) = (900, 1100);
    let rgb =
        Array3::from_shape_fn((3, height, width), |(c, y, x)| ((c + 3 * y + 7 * x) % 251) as f32 / 251.0);
    let picture = Picture::new(rgb.clone(), None).expect("a picture");
    let seen_through = Picture::new(rgb, Some(Array2::from_elem((height, width), 0.5))).expect("a picture");
    let deep = picture.clone().with_depth(impasto::picture::Depth::Sixteen);
    let files: Vec<(&str, Vec<u8>, u64)> = [
        ("png", &picture, Format::Png, 15),
        ("deep png", &deep, Format::Png, 18),
        ("png with alpha", &seen_through, Format::Png, 20),
        ("jpeg", &picture, Format::Jpeg, 15),
        ("tiff", &picture, Format::Tiff, 15),
        ("tiff with alpha", &seen_through, Format::Tiff, 20),
        ("webp", &picture, Format::WebP, 15),
    ]
    .map(|(name, picture, format, most)| (name, picture.encode(format).expect("encoded"), most))
    .into_iter()
    .chain([("bits", bits(1000), 12)])
    .collect();
    for (name, bytes, most) in files {
        let (info, for_header) = counted(|| PictureInfo::parse(&bytes, name).expect("a header"));
        assert!(for_header < 200_000, "{name}: the header alone took {for_header} bytes");
        let (picture, used) = counted(|| Picture::decode(&bytes, name).expect("a picture"));
        let pixels = (picture.height() * picture.width()) as u64;
        let whole = used + bytes.len() as u64;
        assert!(
            whole <= info.decoding_bytes,
            "{name}: {whole} bytes, {} were announced",
            info.decoding_bytes
        );
        // Little more than the samples and the result, and the announcement is no wild guess.
        let most = most * pixels + (3 << 20);
        assert!(used <= most, "{name}: {} bytes a pixel", used as f64 / pixels as f64);
        assert!(
            info.decoding_bytes <= most + most / 4 + bytes.len() as u64,
            "{name}: {}",
            info.decoding_bytes
        );
    }
}

#[test]
fn the_announcement_holds_for_every_kind_of_file() {
    let _alone = alone();
    let mut read = 0;
    for path in fixtures() {
        let bytes = std::fs::read(&path).expect("the fixture");
        let name = path.display().to_string();
        let Ok(info) = PictureInfo::parse(&bytes, &name) else { continue };
        let (picture, used) = counted(|| Picture::decode(&bytes, &name));
        assert!(picture.is_ok(), "{picture:?}");
        let used = used + bytes.len() as u64;
        assert!(used <= info.decoding_bytes, "{name}: {used} bytes, {} were announced", info.decoding_bytes);
        read += 1;
    }
    assert!(read > 20, "{read}");
}
