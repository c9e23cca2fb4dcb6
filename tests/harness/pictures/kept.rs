//! What is kept of a picture beside its pixels, and what the formats can hold.

use impasto::Picture;
use impasto::picture::{Format, Resolution};
use ndarray::{Array2, Array3};

use super::make::{Tiff, near, pattern, pixel, png};

const FORMATS: [Format; 4] = [Format::Png, Format::Jpeg, Format::Tiff, Format::WebP];

/// An EXIF block with camera, date, artist, 240 dpi, an orientation, a thumbnail and a maker's note.
fn exif() -> Vec<u8> {
    let text = |s: &str| format!("{s}\0").into_bytes();
    let fraction = |v: u32| [v.to_le_bytes(), 1u32.to_le_bytes()].concat();
    let mut page = Tiff { tags: Vec::new(), data: Vec::new() };
    page.tags.push((271, 2, text("Impasto Cameras")));
    page.tags.push((272, 2, text("Model 7")));
    page.tags.push((306, 2, text("2024:05:06 07:08:09")));
    page.tags.push((315, 2, text("A. Painter")));
    page.tags.push((33432, 2, text("(c) A. Painter")));
    page.tags.push((282, 5, fraction(240)));
    page.tags.push((283, 5, fraction(240)));
    page.set(296, &[2]);
    page.set(274, &[3]);
    let mut photo = Tiff { tags: Vec::new(), data: Vec::new() };
    photo.tags.push((36867, 2, text("2023:01:02 03:04:05")));
    photo.tags.push((37500, 7, b"a maker's note".to_vec()));
    let start = {
        let mut longer = page.clone();
        longer.tags.push((34665, 4, vec![0; 4]));
        longer.bytes_without_places().len()
    };
    page.tags.push((34665, 4, (start as u32).to_le_bytes().to_vec()));
    let mut out = page.bytes_without_places();
    out.extend(&photo.directory_at(start));
    out
}

#[test]
fn camera_date_artist_and_resolution_are_kept_in_every_format() {
    let rows: Vec<u8> = pattern().into_iter().flatten().collect();
    let bytes = png(40, 24, 8, 2, &rows, &[(b"eXIf", exif())]);
    let picture = Picture::decode(&bytes, "photo.png").expect("a picture");
    // It lies on its head.
    assert!(near(pixel(&picture, [23, 39]), pattern()[0].map(f32::from), 0.01));
    for format in FORMATS {
        let out = picture.encode(format).expect("encoded");
        let has = |text: &str| out.windows(text.len()).any(|w| w == text.as_bytes());
        for text in ["Impasto Cameras", "Model 7", "2024:05:06", "2023:01:02", "A. Painter"] {
            assert!(has(text), "{format:?}: no {text}");
        }
        assert!(!has("maker's note"), "{format:?}");
        let again = Picture::decode(&out, "again").expect("a picture");
        assert_eq!(again.metadata(), picture.metadata(), "{format:?}");
        assert_eq!(again.metadata().resolution, Some(Resolution { x: 240.0, y: 240.0 }), "{format:?}");
        // Upright already.
        assert!(near(pixel(&again, [23, 39]), pattern()[0].map(f32::from), 12.0), "{format:?}");
    }
    let small = picture.resized(16, 20).expect("resized");
    assert_eq!(small.metadata(), picture.metadata());
}

#[test]
fn a_resolution_in_metres_comes_out_again() {
    let rows: Vec<u8> = pattern().into_iter().flatten().collect();
    let density = [11_811u32.to_be_bytes().as_slice(), &11_811u32.to_be_bytes(), &[1]].concat();
    let picture =
        Picture::decode(&png(40, 24, 8, 2, &rows, &[(b"pHYs", density)]), "d.png").expect("a picture");
    let wanted = Some(Resolution { x: 300.0, y: 300.0 });
    assert_eq!(picture.metadata().resolution, wanted);
    for format in FORMATS {
        let again = Picture::decode(&picture.encode(format).expect("encoded"), "again").expect("a picture");
        assert_eq!(again.metadata().resolution, wanted, "{format:?}");
    }
    let plain = Picture::decode(&png(40, 24, 8, 2, &rows, &[]), "plain.png").expect("a picture");
    assert!(plain.metadata().is_empty());
    for format in FORMATS {
        let again = Picture::decode(&plain.encode(format).expect("encoded"), "again").expect("a picture");
        assert!(again.metadata().is_empty(), "{format:?}");
    }
}

#[test]
fn a_jpeg_shows_nothing_that_was_hidden() {
    // Magenta under full transparency, blue under half.
    let rgb = Array3::from_shape_fn((3, 32, 48), |(c, _, x)| match x {
        0..16 => [0.0, 0.5, 0.0][c],
        16..32 => [1.0, 0.0, 1.0][c],
        _ => [0.0, 0.0, 1.0][c],
    });
    let alpha = Array2::from_shape_fn((32, 48), |(_, x)| [1.0, 0.0, 0.5][x / 16]);
    let picture = Picture::new(rgb, Some(alpha)).expect("a picture");
    let jpeg =
        Picture::decode(&picture.encode(Format::Jpeg).expect("encoded"), "out.jpg").expect("a picture");
    assert!(jpeg.alpha().is_none());
    assert!(near(pixel(&jpeg, [8, 8]), [0.0, 127.0, 0.0], 4.0), "{:?}", pixel(&jpeg, [8, 8]));
    assert!(near(pixel(&jpeg, [8, 24]), [255.0; 3], 4.0), "{:?}", pixel(&jpeg, [8, 24]));
    assert!(near(pixel(&jpeg, [8, 40]), [127.0, 127.0, 255.0], 6.0), "{:?}", pixel(&jpeg, [8, 40]));
    for format in [Format::Png, Format::Tiff, Format::WebP] {
        let again = Picture::decode(&picture.encode(format).expect("encoded"), "out").expect("a picture");
        assert!(
            near(pixel(&again, [8, 24]), [255.0, 0.0, 255.0], 0.01),
            "{format:?}: the colour under alpha 0 stays"
        );
        assert_eq!(again.alpha().expect("alpha")[[8, 24]], 0.0);
    }
}

#[test]
fn a_tiff_says_that_its_fourth_sample_is_alpha() {
    let picture =
        Picture::new(Array3::zeros((3, 16, 16)), Some(Array2::from_elem((16, 16), 0.2))).expect("a picture");
    let bytes = picture.encode(Format::Tiff).expect("encoded");
    let mut decoder = tiff::decoder::Decoder::new(std::io::Cursor::new(&bytes)).expect("a TIFF");
    assert_eq!(decoder.get_tag_u16_vec(tiff::tags::Tag::ExtraSamples).expect("the tag"), [2]);
    assert_eq!(decoder.colortype().expect("colours"), tiff::ColorType::RGBA(8));
}

#[test]
fn a_format_says_beforehand_what_it_cannot_hold() {
    for (format, largest) in [(Format::Jpeg, 65_535), (Format::WebP, 16_383)] {
        assert!(format.check_size(20, largest).is_ok());
        let e = format.check_size(20, largest + 1).expect_err("too wide");
        assert!(e.to_string().contains(&largest.to_string()) && e.to_string().contains("PNG"), "{e}");
        assert!(format.check_size(largest + 1, 20).is_err());
    }
    assert!(Format::Png.check_size(32_768, 32_768).is_ok());
    assert!(Format::Tiff.check_size(20_000, 20_000).is_ok());
    assert!(Format::Tiff.check_size(32_768, 32_768).is_err(), "8 GiB");
}
