//! Each kind of file shows what it is meant to show.

use impasto::Picture;
use impasto::picture::{FileKind, PictureInfo};

use super::make::{fixture, near, pattern, pixel, worst};

fn plain() -> Vec<u8> {
    pattern().into_iter().flatten().collect()
}

#[test]
fn jpegs_of_every_order_of_scans_look_alike() {
    for name in [
        "three-scans.jpg",
        "progressive.jpg",
        "progressive-restarts.jpg",
        "tall-chroma.jpg",
        "rgb-inside.jpg",
    ] {
        let picture = Picture::read(&fixture(name)).expect(name);
        assert!(
            near(pixel(&picture, [12, 15]), [230.0, 40.0, 40.0], 4.0),
            "{name}: {:?}",
            pixel(&picture, [12, 15])
        );
        // The last rows and columns too; chroma that is stored coarsely differs most around the patch.
        let corner = pixel(&picture, [23, 39]);
        assert!(near(corner, [216.0, 85.0, 214.0], 8.0), "{name}: {corner:?}");
    }
}

#[test]
fn cmyk_jpegs_are_no_negatives_of_each_other() {
    for name in ["cmyk.jpg", "ycck.jpg", "cmyk-no-marker.jpg"] {
        let picture = Picture::read(&fixture(name)).expect(name);
        assert!(
            near(pixel(&picture, [12, 15]), [230.0, 40.0, 40.0], 6.0),
            "{name}: {:?}",
            pixel(&picture, [12, 15])
        );
        assert!(
            near(pixel(&picture, [23, 39]), [216.0, 85.0, 214.0], 12.0),
            "{name}: {:?}",
            pixel(&picture, [23, 39])
        );
    }
}

#[test]
fn compressed_tiffs_are_read_exactly() {
    for (name, tolerance) in [
        ("lzw-tiles.tif", 0.01),
        ("lzw-big-endian.tif", 0.01),
        ("lzw-unspecified.tif", 0.01),
        ("packbits.tif", 0.01),
        ("zstd.tif", 0.01),
        ("deflate-float.tif", 0.01),
        ("deflate-half.tif", 0.2),
        ("webp.tif", 0.01),
    ] {
        let picture = Picture::read(&fixture(name)).expect(name);
        assert!(worst(&picture, &plain()) <= tolerance, "{name}: {}", worst(&picture, &plain()));
        assert!(
            near(pixel(&picture, [12, 15]), [230.0, 40.0, 40.0], 5.0),
            "{name}: {:?}",
            pixel(&picture, [12, 15])
        );
        assert!(picture.alpha().is_none(), "{name}");
    }
    for name in ["jpeg.tif", "jpeg-tables.tif", "jpeg-rgb.tif"] {
        let picture = Picture::read(&fixture(name)).expect(name);
        let (patch, corner) = (pixel(&picture, [12, 15]), pixel(&picture, [23, 39]));
        assert!(
            near(patch, [230.0, 40.0, 40.0], 5.0) && near(corner, [216.0, 85.0, 214.0], 8.0),
            "{name}: {patch:?} {corner:?}"
        );
    }
    let fax = Picture::read(&fixture("fax.tif")).expect("a fax");
    let same = Picture::read(&fixture("fax.png")).expect("a PNG");
    assert_eq!(fax.rgb(), same.rgb());
}

#[test]
fn jpeg_xl_is_read() {
    let lossless = Picture::read(&fixture("lossless.jxl")).expect("a picture");
    assert!(worst(&lossless, &plain()) < 0.6, "{}", worst(&lossless, &plain()));
    let lossy = Picture::read(&fixture("lossy.jxl")).expect("a picture");
    assert!(near(pixel(&lossy, [12, 15]), [230.0, 40.0, 40.0], 6.0), "{:?}", pixel(&lossy, [12, 15]));
}

#[test]
fn gif_bmp_and_pnm_are_read() {
    let plain = image::RgbImage::from_raw(40, 24, plain()).expect("a picture");
    let mut ppm = b"P6\n# a comment\n40 24\n255\n".to_vec();
    ppm.extend(plain.as_raw());
    let mut pam = b"P7\nWIDTH 40\nHEIGHT 24\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n".to_vec();
    pam.extend(plain.pixels().flat_map(|p| [p[0], p[1], p[2], 128]));
    let mut bmp = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x28\0\0\0\x18\0\0\0\x01\0\x18\0".to_vec();
    bmp.resize(54, 0);
    for row in plain.as_raw().chunks(120).rev() {
        bmp.extend(row.chunks(3).flat_map(|p| [p[2], p[1], p[0]]));
    }
    for (bytes, kind) in [(ppm, FileKind::Pnm), (pam, FileKind::Pnm), (bmp, FileKind::Bmp)] {
        let info = PictureInfo::parse(&bytes, "picture").expect("a header");
        assert_eq!((info.kind, info.width, info.height), (kind, 40, 24));
        let picture = Picture::decode(&bytes, "picture").expect("a picture");
        assert_eq!(worst(&picture, plain.as_raw()).round(), 0.0, "{kind:?}");
        assert_eq!(info.has_alpha, picture.alpha().is_some());
        if let Some(alpha) = picture.alpha() {
            assert!((alpha[[3, 3]] - 128.0 / 255.0).abs() < 1e-6);
        }
    }
}

#[test]
fn the_first_picture_of_an_animation_is_read() {
    let frame = |colour: [u8; 3]| {
        image::Frame::new(image::RgbaImage::from_fn(40, 24, |_, _| {
            image::Rgba([colour[0], colour[1], colour[2], 255])
        }))
    };
    let mut gif = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
    encoder.encode_frames([frame([230, 40, 40]), frame([0, 0, 255])]).expect("encoded");
    drop(encoder);
    let picture = Picture::decode(&gif, "moving.gif").expect("a picture");
    assert_eq!((picture.width(), picture.height()), (40, 24));
    assert!(near(pixel(&picture, [9, 9]), [230.0, 40.0, 40.0], 4.0));
}

/// The header says what decoding gives, also where the file lies on its side.
#[test]
fn the_header_agrees_with_the_picture() {
    let mut names: Vec<_> = std::fs::read_dir(fixture(""))
        .expect("the fixtures")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    names.sort();
    let mut seen = 0;
    for path in names {
        let (Ok(info), Ok(picture)) = (Picture::probe(&path), Picture::read(&path)) else { continue };
        assert_eq!([info.height, info.width], [picture.height(), picture.width()], "{}", path.display());
        assert_eq!(info.has_alpha, picture.alpha().is_some(), "{}", path.display());
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn a_picture_s_planes_must_fit_together() {
    use ndarray::{Array2, Array3};
    let rgb = |planes, h, w| Array3::<f32>::zeros((planes, h, w));
    assert!(Picture::new(rgb(3, 16, 20), Some(Array2::ones((16, 20)))).is_ok());
    for (rgb, alpha, said) in [
        (rgb(1, 64, 64), None, "three"),
        (rgb(3, 64, 64), Some(Array2::ones((64, 63))), "same size"),
        (rgb(3, 15, 64), None, "smallest"),
        (Array3::from_elem((3, 16, 16), f32::NAN), None, "NaN"),
    ] {
        let e = Picture::new(rgb, alpha).expect_err("refused");
        assert!(e.to_string().contains(said), "{e}");
    }
    let clipped = Picture::new(Array3::from_elem((3, 16, 16), 7.0), None).expect("a picture");
    assert_eq!(clipped.rgb()[[0, 0, 0]], 1.0);
}
