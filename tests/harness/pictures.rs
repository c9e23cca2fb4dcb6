//! Picture files in and out.

mod colours;
mod compared;
mod kept;
mod kinds;
mod make;
mod refused;
mod tiffs;

use std::path::Path;

use image::codecs::{jpeg::JpegEncoder, png::PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use impasto::Picture;
use impasto::picture::{Depth, Format};
use moxcms::ColorProfile;

use super::common::{folder, impasto, quick, sample, succeed};

/// 40×24, every pixel different.
fn pattern() -> image::RgbImage {
    image::RgbImage::from_fn(40, 24, |x, y| image::Rgb([(x * 6) as u8, (y * 10) as u8, ((x + y) * 4) as u8]))
}

fn stylise(content: &Path, output: &Path) {
    let mut job = quick(output);
    job = {
        let mut changed = impasto();
        changed.arg(content).args(job.get_args().skip(1));
        changed
    };
    succeed(&mut job);
}

#[test]
fn every_format_goes_in_and_out() {
    let to = folder();
    let wanted = pattern();
    for ending in ["png", "tiff", "webp", "jpg"] {
        let path = to.path().join(format!("in.{ending}"));
        match ending {
            "tiff" => std::fs::write(&path, make::Tiff::rgb(40, 24, &wanted).bytes()).expect("written"),
            _ => wanted.save(&path).expect("written"),
        }
        let picture = Picture::read(&path).expect("read");
        let out = to.path().join(format!("out.{ending}"));
        picture.write(&out).expect("written");
        let back = make::opened(&out);
        let worst = back.iter().zip(wanted.iter()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst <= Some(if ending == "jpg" { 40 } else { 0 }), "{ending}: {worst:?}");
    }
}

#[test]
fn sixteen_bits_stay_sixteen_bits() {
    let to = folder();
    let (path, out) = (to.path().join("in.png"), to.path().join("out.png"));
    let deep = image::ImageBuffer::from_fn(40, 24, |x, y| {
        image::Rgb([(x * 1601) as u16, (y * 2700 + 3) as u16, 12345u16])
    });
    deep.save(&path).expect("written");
    let picture = Picture::read(&path).expect("read");
    assert_eq!(picture.depth(), Depth::Sixteen);
    picture.write(&out).expect("written");
    assert_eq!(image::open(&out).expect("readable").to_rgb16(), deep);
    stylise(&path, &out);
    assert_eq!(image::open(&out).expect("readable").color(), image::ColorType::Rgb16);
}

#[test]
fn alpha_is_kept_and_not_styled() {
    let to = folder();
    let (path, out) = (to.path().join("in.png"), to.path().join("out.png"));
    let alpha = |x: u32, y: u32| if x < 20 { 0 } else { (y * 10) as u8 };
    // 64 wide, as the job's result, so that nothing is resized.
    let content =
        image::RgbaImage::from_fn(64, 32, |x, y| image::Rgba([x as u8 * 3, y as u8 * 5, 90, alpha(x, y)]));
    content.save(&path).expect("written");
    stylise(&path, &out);
    let back = image::open(&out).expect("readable").to_rgba8();
    assert!(back.enumerate_pixels().all(|(x, y, p)| p[3] == alpha(x, y)));
    assert!(back.enumerate_pixels().any(|(x, y, p)| p.0 != content.get_pixel(x, y).0));
}

#[test]
fn grey_pictures_can_be_stylised() {
    let to = folder();
    let (path, out) = (to.path().join("in.png"), to.path().join("out.png"));
    image::GrayImage::from_fn(64, 48, |x, y| image::Luma([(x * 3 + y) as u8])).save(&path).expect("written");
    stylise(&path, &out);
    assert_eq!(image::open(&out).expect("readable").color(), image::ColorType::Rgb8);
}

#[test]
fn exif_orientation_is_applied() {
    // A TIFF header, one entry: tag 0x0112 (orientation), type 3 (short), count 1, value.
    let exif = |orientation: u8| {
        let mut bytes = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        bytes.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
        bytes
    };
    let upright = pattern();
    for (orientation, turn) in [
        (1u8, image::DynamicImage::clone as fn(&image::DynamicImage) -> image::DynamicImage),
        (3, image::DynamicImage::rotate180),
        (6, image::DynamicImage::rotate90),
        (8, image::DynamicImage::rotate270),
    ] {
        let mut bytes = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 100);
        encoder.set_exif_metadata(exif(orientation)).expect("EXIF");
        encoder.write_image(upright.as_raw(), 40, 24, ExtendedColorType::Rgb8).expect("encoded");
        let picture = Picture::decode(&bytes, "turned.jpg").expect("decoded");
        let wanted = turn(&image::DynamicImage::ImageRgb8(upright.clone())).to_rgb8();
        assert_eq!((picture.width() as u32, picture.height() as u32), wanted.dimensions());
        for (x, y, p) in wanted.enumerate_pixels() {
            for c in 0..3 {
                let got = picture.rgb()[[c, y as usize, x as usize]] * 255.0;
                assert!((got - p[c] as f32).abs() < 30.0, "orientation {orientation} at {x},{y}");
            }
        }
    }
}

#[test]
fn icc_profiles_are_honoured_and_written_again() {
    let profile = ColorProfile::new_display_p3().encode().expect("a profile");
    // Colours that sRGB can hold too.
    let pixels = image::RgbImage::from_fn(40, 24, |x, y| image::Rgb([90 + x as u8 * 2, 100 + y as u8, 120]));
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    encoder.set_icc_profile(profile.clone()).expect("a profile");
    encoder.write_image(pixels.as_raw(), 40, 24, ExtendedColorType::Rgb8).expect("encoded");
    let picture = Picture::decode(&bytes, "p3.png").expect("decoded");
    // Display P3 (150, 110, 120) is sRGB (156, 109, 120): the red primary lies further out.
    let at = |c: usize| picture.rgb()[[c, 10, 30]] * 255.0;
    assert!((at(0) - 155.5).abs() < 2.0 && (at(1) - 108.6).abs() < 2.0, "{} {} {}", at(0), at(1), at(2));
    for format in [Format::Png, Format::Jpeg, Format::Tiff, Format::WebP] {
        let out = picture.encode(format).expect("encoded");
        let again = Picture::decode(&out, "again").expect("decoded");
        assert_eq!(again.icc(), Some(profile.as_slice()), "{format:?}");
        let back = make::decoded(&out);
        let worst = back.iter().zip(pixels.iter()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst <= Some(if format == Format::Jpeg { 12 } else { 1 }), "{format:?}: {worst:?}");
    }
}

#[test]
fn a_profile_that_is_damaged_is_left_out() {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    encoder.set_icc_profile(vec![7; 300]).expect("a profile");
    encoder.write_image(pattern().as_raw(), 40, 24, ExtendedColorType::Rgb8).expect("encoded");
    let picture = Picture::decode(&bytes, "damaged.png").expect("decoded all the same");
    assert!(picture.icc().is_none());
}

/// At a size that poolings do not divide the last rows and columns are painted like all others: they do not stay the photograph's,
/// and there is no edge before them.
#[test]
fn the_border_is_painted_at_any_size() {
    let to = folder();
    let out = to.path().join("out.png");
    let mut command = impasto();
    command.arg(sample("coffee.png")).arg(sample("whirls.jpg")).arg("-o").arg(&out);
    succeed(command.args([
        "--size",
        "345",
        "--levels",
        "2",
        "--iterations",
        "40",
        "--device",
        "cpu",
        "--quiet",
    ]));
    let picture = image::open(&out).expect("a picture").to_rgb8();
    let (width, height) = picture.dimensions();
    assert_eq!((width, height), (345, 230));
    let apart = |a: [u32; 2], b: [u32; 2]| -> f64 {
        let [a, b] = [a, b].map(|[x, y]| picture.get_pixel(x, y).0);
        (0..3).map(|c| f64::from(a[c].abs_diff(b[c]))).sum()
    };
    // How far each column is from the one before it, and each row.
    let columns: Vec<f64> = (1..width)
        .map(|x| (0..height).map(|y| apart([x - 1, y], [x, y])).sum::<f64>() / f64::from(height))
        .collect();
    let rows: Vec<f64> = (1..height)
        .map(|y| (0..width).map(|x| apart([x, y - 1], [x, y])).sum::<f64>() / f64::from(width))
        .collect();
    for lines in [columns, rows] {
        let (inner, last) = lines.split_at(lines.len() - 3);
        let usual = inner.iter().sum::<f64>() / inner.len() as f64;
        assert!(last.iter().all(|line| *line < 1.4 * usual), "{usual}: {last:?}");
    }
}
