//! Colours that a PNG tells by its own chunks, and CMYK with a profile.

use impasto::Picture;
use impasto::picture::linear;

use super::make::{Tiff, near, pattern, pixel, png};

fn numbers(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_be_bytes()).collect()
}

const SRGB: [u32; 8] = [31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000];
const P3: [u32; 8] = [31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000];

/// The pattern with each value changed, as 16-bit rows.
fn rows(change: impl Fn([f64; 3]) -> [f64; 3]) -> Vec<u8> {
    let pixels = pattern().into_iter().map(|p| change(p.map(|v| f64::from(linear(f32::from(v) / 255.0)))));
    pixels.flatten().flat_map(|v| ((v.clamp(0.0, 1.0) * 65535.0).round() as u16).to_be_bytes()).collect()
}

fn srgb_curve(v: f64) -> f64 {
    f64::from(impasto::picture::encoded(v as f32))
}

/// Linear sRGB to linear Display P3.
fn to_p3([r, g, b]: [f64; 3]) -> [f64; 3] {
    [0.82246 * r + 0.17754 * g, 0.03319 * r + 0.96681 * g, 0.01708 * r + 0.07240 * g + 0.91052 * b]
}

fn check(name: &str, rows: &[u8], chunks: &[(&[u8; 4], Vec<u8>)]) {
    let picture = Picture::decode(&png(40, 24, 16, 2, rows, chunks), name).expect(name);
    for (i, wanted) in pattern().into_iter().enumerate() {
        let (got, wanted) = (pixel(&picture, [i / 40, i % 40]), wanted.map(f32::from));
        assert!(near(got, wanted, 2.0), "{name} at {i}: {got:?}, not {wanted:?}");
    }
}

#[test]
fn gamma_and_primaries_of_a_png_are_applied() {
    check("linear", &rows(|p| p), &[(b"gAMA", numbers(&[100_000]))]);
    check("old Mac", &rows(|p| p.map(|v| v.powf(1.0 / 1.8))), &[(b"gAMA", numbers(&[55_556]))]);
    let p3 = rows(|p| to_p3(p).map(srgb_curve));
    check("P3", &p3, &[(b"gAMA", numbers(&[45_455])), (b"cHRM", numbers(&P3))]);
    let linear_p3 = rows(to_p3);
    check("linear P3", &linear_p3, &[(b"gAMA", numbers(&[100_000])), (b"cHRM", numbers(&P3))]);
    let plain = rows(|p| p.map(srgb_curve));
    check("sRGB", &plain, &[(b"gAMA", numbers(&[45_455])), (b"cHRM", numbers(&SRGB))]);
}

#[test]
fn the_chunks_of_a_png_go_in_the_standard_s_order() {
    let (p3, plain) = (rows(|p| to_p3(p).map(srgb_curve)), rows(|p| p.map(srgb_curve)));
    check("cICP", &p3, &[(b"cICP", vec![12, 13, 0, 1])]);
    let profile = || {
        let icc = moxcms::ColorProfile::new_adobe_rgb().encode().expect("a profile");
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, &icc).expect("packed");
        [b"x\0\0".as_slice(), &packed.finish().expect("packed")].concat()
    };
    check("cICP before iCCP", &p3, &[(b"cICP", vec![12, 13, 0, 1]), (b"iCCP", profile())]);
    check("sRGB before gAMA", &plain, &[(b"gAMA", numbers(&[100_000])), (b"sRGB", vec![0])]);
    // A code without a meaning for PNG leaves the turn to the next.
    check(
        "a strange cICP",
        &p3,
        &[(b"cICP", vec![2, 2, 0, 1]), (b"gAMA", numbers(&[45_455])), (b"cHRM", numbers(&P3))],
    );
    // White of 203 nits is white.
    let pq = |v: f64| {
        let m = (v * 203.0 / 10_000.0).powf(0.1593017578125);
        ((0.8359375 + 18.8515625 * m) / (1.0 + 18.6875 * m)).powf(78.84375)
    };
    check("PQ", &rows(|p| p.map(pq)), &[(b"cICP", vec![1, 16, 0, 1])]);
}

#[test]
fn a_grey_png_with_a_gamma_is_converted_too() {
    let rows: Vec<u8> = (0..24 * 40).flat_map(|_| 10_000u16.to_be_bytes()).collect();
    let bytes = png(40, 24, 16, 0, &rows, &[(b"gAMA", numbers(&[100_000]))]);
    let picture = Picture::decode(&bytes, "grey.png").expect("a picture");
    assert!(near(pixel(&picture, [3, 3]), [109.2; 3], 1.0), "{:?}", pixel(&picture, [3, 3]));
}

/// A CMYK profile of a table with two steps for each ink: full ink is half as light as naive conversion says.
fn cmyk_profile() -> Vec<u8> {
    let mut table = b"mft1\0\0\0\0\x04\x03\x02\0".to_vec();
    for row in 0..3 {
        for column in 0..3 {
            table.extend(if row == column { [0, 1, 0, 0] } else { [0; 4] });
        }
    }
    let identity: Vec<u8> = (0..=255).collect();
    table.extend(identity.repeat(4));
    for corner in 0..16u8 {
        let inks = corner.count_ones() as u8;
        // Lightness 100, 60, 40, 20, 0; full magenta is red.
        let light = [255, 153, 102, 51, 0][inks as usize];
        let a = if corner & 4 > 0 { 128 + 40 } else { 128 };
        table.extend([light, a, 128]);
    }
    table.extend(identity.repeat(3));
    let mut out = vec![0; 128];
    let length = 128 + 4 + 12 + table.len();
    out[..4].copy_from_slice(&(length as u32).to_be_bytes());
    out[8..12].copy_from_slice(&[2, 0x40, 0, 0]);
    out[12..24].copy_from_slice(b"prtrCMYKLab ");
    out[36..40].copy_from_slice(b"acsp");
    out[68..80].copy_from_slice(&[0, 0, 0xf6, 0xd6, 0, 1, 0, 0, 0, 0, 0xd3, 0x2d]);
    out.extend(1u32.to_be_bytes());
    out.extend(b"A2B0");
    out.extend([144u32.to_be_bytes(), (table.len() as u32).to_be_bytes()].concat());
    out.extend(table);
    out
}

#[test]
fn a_cmyk_profile_is_applied() {
    // Magenta over the left half, no ink on the right.
    let inks: Vec<u8> =
        (0..24 * 40).flat_map(|i| if i % 40 < 20 { [0, 255, 0, 0] } else { [0; 4] }).collect();
    let tiff = Tiff::new(40, 24, 5, [1, 8, 4], inks);
    let naive = Picture::decode(&tiff.bytes(), "naive.tif").expect("a picture");
    assert!(near(pixel(&naive, [5, 5]), [255.0, 0.0, 255.0], 0.01), "{:?}", pixel(&naive, [5, 5]));
    let mut with_profile = tiff;
    with_profile.tags.push((34675, 7, cmyk_profile()));
    let picture = Picture::decode(&with_profile.bytes(), "profile.tif").expect("a picture");
    // Lab (60, 40, 0) and (100, 0, 0) in sRGB.
    assert!(near(pixel(&picture, [5, 5]), [212.0, 113.0, 145.0], 4.0), "{:?}", pixel(&picture, [5, 5]));
    assert!(near(pixel(&picture, [5, 30]), [255.0; 3], 1.0), "{:?}", pixel(&picture, [5, 30]));
    assert!(picture.icc().is_none(), "the result is RGB");
}

/// Colours beyond sRGB that PNG's chunks tell of leave the program as they came, with a profile that says the same.
#[test]
fn wide_colours_of_png_chunks_are_kept() {
    let pure = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    let row: Vec<u8> = pure.iter().flat_map(|v: &f64| ((v * 65535.0) as u16).to_be_bytes()).collect();
    let rows = row.repeat(20 * 24);
    for (name, chunks) in [
        ("cICP", vec![(b"cICP", vec![12, 13, 0, 1])]),
        ("cHRM", vec![(b"gAMA", numbers(&[45_455])), (b"cHRM", numbers(&P3))]),
    ] {
        let bytes = png(40, 24, 16, 2, &rows, &chunks);
        let picture = Picture::decode(&bytes, name).expect(name);
        assert!(picture.icc().is_some(), "{name} has no profile");
        let nothing = ndarray::Array2::zeros((24, 40));
        let kept = picture.encode_keeping(impasto::picture::Format::Png, &bytes, &nothing).expect("a file");
        let values = image::load_from_memory(&kept).expect("a picture").to_rgb16();
        assert_eq!(
            [values.get_pixel(0, 0).0, values.get_pixel(1, 0).0],
            [[65535, 0, 0], [0, 65535, 0]],
            "{name}"
        );
        assert!(Picture::decode(&kept, name).expect("a picture").icc().is_some());
    }
}
