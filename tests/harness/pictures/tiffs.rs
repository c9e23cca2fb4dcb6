//! TIFF files in every way of storing pixels that is not compressed.

use impasto::Picture;
use impasto::picture::{Depth, PictureInfo};

use super::make::{Tiff, near, pattern, pixel, shorts, worst};

fn samples() -> Vec<u8> {
    pattern().into_iter().flatten().collect()
}

fn read(tiff: &Tiff) -> Picture {
    let bytes = tiff.bytes();
    let info = PictureInfo::parse(&bytes, "made.tif").expect("a header");
    let picture = Picture::decode(&bytes, "made.tif").expect("a picture");
    assert_eq!([info.height, info.width], [picture.height(), picture.width()]);
    picture
}

#[test]
fn numbers_of_every_kind_are_read() {
    let words = |f: &dyn Fn(u8) -> Vec<u8>| samples().into_iter().flat_map(f).collect::<Vec<u8>>();
    for (what, format, data) in [
        ("8 bits", [1, 8, 3], samples()),
        ("16 bits", [1, 16, 3], words(&|v| (u16::from(v) * 257).to_le_bytes().to_vec())),
        ("32 bits", [1, 32, 3], words(&|v| (u32::from(v) * 0x0101_0101).to_le_bytes().to_vec())),
        ("half", [3, 16, 3], words(&|v| half::f16::from_f32(f32::from(v) / 255.0).to_le_bytes().to_vec())),
        ("float", [3, 32, 3], words(&|v| (f32::from(v) / 255.0).to_le_bytes().to_vec())),
        ("double", [3, 64, 3], words(&|v| (f64::from(v) / 255.0).to_le_bytes().to_vec())),
    ] {
        let picture = read(&Tiff::new(40, 24, 2, format, data));
        assert!(worst(&picture, &samples()) < 0.1, "{what}: {}", worst(&picture, &samples()));
        assert_eq!(picture.depth(), if what == "8 bits" { Depth::Eight } else { Depth::Sixteen }, "{what}");
    }
}

#[test]
fn planes_palettes_and_few_bits_are_read() {
    let planes: Vec<u8> = (0..3).flat_map(|c| samples().into_iter().skip(c).step_by(3)).collect();
    let mut planar = Tiff::rgb(40, 24, &[]).with(284, &[2]);
    // Each plane has its place; they lie one after the other behind the directory.
    let place = |start: u32| -> Vec<u8> { (0..3).flat_map(|c| (start + c * 960).to_le_bytes()).collect() };
    planar.tags.push((273, 4, place(0)));
    planar.tags.push((279, 4, (0..3).flat_map(|_| 960u32.to_le_bytes()).collect()));
    let start = planar.bytes_without_places().len() as u32;
    planar.tags.retain(|t| t.0 != 273);
    planar.tags.push((273, 4, place(start)));
    let mut file = planar.bytes_without_places();
    file.extend(&planes);
    let picture = Picture::decode(&file, "planar.tif").expect("a picture");
    assert!(worst(&picture, &samples()) < 0.01);

    // Indices of 4 bits: 0 is the red of the pattern, 9 a grey.
    let mut map = vec![0u16; 48];
    (map[0], map[16], map[32]) = (230 * 257, 40 * 257, 40 * 257);
    (map[9], map[25], map[41]) = (100 * 257, 100 * 257, 100 * 257);
    let mut palette = Tiff::new(40, 24, 3, [1, 4, 1], [0x09; 20 * 24].to_vec());
    palette.tags.push((320, 3, shorts(&map)));
    let picture = read(&palette);
    assert!(near(pixel(&picture, [7, 6]), [230.0, 40.0, 40.0], 0.01));
    assert!(near(pixel(&picture, [7, 7]), [100.0; 3], 0.01));

    // White is zero, one bit.
    let picture = read(&Tiff::new(40, 24, 0, [1, 1, 1], [0b0101_0101; 5 * 24].to_vec()));
    assert!(near(pixel(&picture, [3, 8]), [255.0; 3], 0.01) && near(pixel(&picture, [3, 9]), [0.0; 3], 0.01));
    let wide: Vec<u8> = (0..24 * 20).flat_map(|_| [0xff, 0xf8, 0x00]).collect();
    let picture = read(&Tiff::new(40, 24, 1, [1, 12, 1], wide));
    assert!(
        near(pixel(&picture, [3, 8]), [255.0; 3], 0.01) && near(pixel(&picture, [3, 9]), [127.5; 3], 0.2)
    );
}

#[test]
fn alpha_is_read_as_the_file_says() {
    let pixels = |f: &dyn Fn([u8; 3]) -> [u8; 4]| pattern().into_iter().flat_map(f).collect::<Vec<u8>>();
    let straight = pixels(&|[r, g, b]| [r, g, b, 102]);
    let multiplied = pixels(&|p| {
        let [r, g, b] = p.map(|v| ((u16::from(v) * 102 + 127) / 255) as u8);
        [r, g, b, 102]
    });
    let tiff = |data: Vec<u8>, extra: u16| Tiff::new(40, 24, 2, [1, 8, 4], data).with(338, &[extra]);
    let (straight, multiplied) = (read(&tiff(straight, 2)), read(&tiff(multiplied, 1)));
    assert!(worst(&straight, &samples()) < 0.01 && worst(&multiplied, &samples()) < 1.6);
    for picture in [&straight, &multiplied] {
        assert!((picture.alpha().expect("alpha")[[5, 5]] - 0.4).abs() < 1e-6);
    }
    let unspecified = read(&tiff(pixels(&|[r, g, b]| [r, g, b, 0]), 0));
    assert!(unspecified.alpha().is_none() && worst(&unspecified, &samples()) < 0.01);
    // Grey and alpha; alpha behind another extra sample.
    let grey: Vec<u8> = (0..40 * 24).flat_map(|_| [90, 51]).collect();
    let picture = read(&Tiff::new(40, 24, 1, [1, 8, 2], grey).with(338, &[2]));
    assert!(near(pixel(&picture, [5, 5]), [90.0; 3], 0.01) && picture.alpha().expect("alpha")[[5, 5]] == 0.2);
    let five: Vec<u8> = pattern().into_iter().flat_map(|[r, g, b]| [r, g, b, 7, 51]).collect();
    let picture = read(&Tiff::new(40, 24, 2, [1, 8, 5], five).with(338, &[0, 2]));
    assert!(worst(&picture, &samples()) < 0.01 && picture.alpha().expect("alpha")[[5, 5]] == 0.2);
}

#[test]
fn numbers_that_are_none_are_read_as_0() {
    let mut values: Vec<f32> = samples().into_iter().map(|v| f32::from(v) / 255.0).collect();
    (values[100], values[200], values[300], values[400]) = (f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 40.0);
    let data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let picture = read(&Tiff::new(40, 24, 2, [3, 32, 3], data));
    let sample = |i: usize| picture.rgb()[[i % 3, i / 3 / 40, i / 3 % 40]];
    assert_eq!([100, 200, 300, 400].map(sample), [0.0, 1.0, 0.0, 1.0]);
    assert!(picture.rgb().iter().all(|v| (0.0..=1.0).contains(v)));
}

#[test]
fn the_photograph_is_read_and_no_thumbnail() {
    let small = Tiff::rgb(20, 16, &[9; 960]).with(254, &[1]);
    let large = Tiff::rgb(40, 24, &samples());
    let unmarked = Tiff::rgb(20, 16, &[9; 960]);
    for (what, file) in [
        ("thumbnail first", Tiff::file(&[small.clone(), large.clone()])),
        ("photograph first", Tiff::file(&[large.clone(), small.clone()])),
        ("inside the thumbnail's directory", Tiff::nested(&small, &large)),
        ("a smaller page first", Tiff::file(&[unmarked, large.clone()])),
        ("two pages", Tiff::file(&[large.clone(), Tiff::rgb(40, 24, &[7; 2880])])),
    ] {
        let picture = Picture::decode(&file, what).expect(what);
        assert_eq!((picture.width(), picture.height()), (40, 24), "{what}");
        assert!(worst(&picture, &samples()) < 0.01, "{what}");
    }
}

#[test]
fn a_raw_file_is_refused_as_such() {
    let small = Tiff::rgb(40, 24, &samples()).with(254, &[1]);
    let mosaic = Tiff::new(80, 48, 32803, [1, 8, 1], vec![0; 80 * 48]);
    for file in [Tiff::nested(&small, &mosaic), Tiff::file(&[small.with(50706, &[1])])] {
        let e = Picture::decode(&file, "photo.nef").expect_err("refused");
        assert!(e.to_string().contains("raw file; develop it"), "{e}");
    }
}

#[test]
fn what_cannot_be_read_right_is_named() {
    let tiff = |tag: u16, value: u16| Tiff::rgb(40, 24, &samples()).with(tag, &[value]);
    for (file, said) in [
        (tiff(262, 8), "Lab"),
        (tiff(259, 6), "JPEG compression of the old kind"),
        (tiff(259, 34925), "LZMA"),
        (tiff(339, 2), "signed 8-bit"),
        (tiff(339, 6), "complex"),
        (Tiff::rgb(40, 24, &samples()).with(258, &[8, 8, 4]), "different depths"),
        (tiff(258, 24), "24 bits"),
    ] {
        let e = Picture::decode(&file.bytes(), "made.tif").expect_err("refused").to_string();
        assert!(e.contains(said) && e.contains("save it as") && !e.contains("damaged"), "{e}");
    }
}
