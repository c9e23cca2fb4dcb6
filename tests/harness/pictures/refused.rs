//! Files that cannot be read: the message says what they are and what to do.

use impasto::Picture;

use super::make::fixture;

fn refusal(bytes: &[u8], name: &str) -> String {
    let e = Picture::decode(bytes, name).map(|_| "a picture").expect_err(name);
    assert_eq!(e.exit_code(), 3, "{e}");
    e.to_string()
}

#[test]
fn foreign_files_are_named_and_not_blamed() {
    let heic = [b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".as_slice(), &[0; 400]].concat();
    let avif = [b"\0\0\0\x1cftypavif\0\0\0\0mif1miaf".as_slice(), &[0; 400]].concat();
    let canon = [b"II*\0\x10\0\0\0CR\x02\0".as_slice(), &[0; 400]].concat();
    for (bytes, said) in [
        (heic.as_slice(), "HEIC"),
        (&avif, "AVIF"),
        (&canon, "raw file"),
        (b"\0\0\x01\0\x01\0\x10\x10", "icon (ICO)"),
        (b"8BPS\0\x01", "Photoshop"),
        (b"gimp xcf v011\0", "GIMP"),
        (b"%PDF-1.7", "PDF"),
        (b"<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "SVG"),
        (b"<!DOCTYPE html><title>404</title>", "web page"),
        (b"\n  <html>", "web page"),
        (b"v/1\x01\x02\0\0\0", "OpenEXR"),
        (b"FUJIFILMCCD-RAW 0201", "raw file"),
        (b"PK\x03\x04", "archive"),
        (b"{\"a\": 1}", "text file"),
    ] {
        let e = refusal(bytes, "picture.jpg");
        assert!(e.contains(said) && !e.contains("damaged") && !e.contains("incomplete"), "{said}: {e}");
        assert!(e.contains(';') || e.contains("export"), "no way round: {e}");
    }
    assert!(refusal(b"whatever this is", "a.png").contains("expected PNG"));
}

#[test]
fn jpegs_of_rare_kinds_are_named_and_not_blamed() {
    for (name, said) in
        [("arithmetic.jpg", "arithmetic"), ("twelve-bits.jpg", "12 bits"), ("lossless.jpg", "lossless")]
    {
        let e = refusal(&std::fs::read(fixture(name)).expect("the fixture"), name);
        assert!(e.contains(said) && e.contains("save it as") && !e.contains("damaged"), "{e}");
    }
}

#[test]
fn a_file_that_is_cut_off_is_refused_as_such() {
    let jpegs =
        ["three-scans.jpg", "progressive.jpg", "progressive-restarts.jpg", "tall-chroma.jpg", "cmyk.jpg"];
    let tiffs = ["packbits.tif", "zstd.tif", "lzw-tiles.tif", "deflate-float.tif", "jpeg.tif", "webp.tif"];
    for name in [jpegs.as_slice(), &tiffs, &["plain.png", "lossless.jxl", "lossy.jxl"]].concat() {
        let whole = std::fs::read(fixture(name)).expect("the fixture");
        // The last bytes of this PNG are only its end.
        let parts = if name == "plain.png" { [30, 50, 70] } else { [60, 85, 95] };
        for part in parts {
            let e = refusal(&whole[..whole.len() * part / 100], name);
            assert!(e.contains("incomplete"), "{name} at {part} %: {e}");
        }
    }
}

#[test]
fn a_jpeg_is_whole_without_its_end_and_with_more_behind_it() {
    for name in ["three-scans.jpg", "progressive.jpg", "progressive-restarts.jpg", "tall-chroma.jpg"] {
        let whole = std::fs::read(fixture(name)).expect("the fixture");
        let picture = Picture::decode(&whole, name).expect(name);
        let endless = Picture::decode(&whole[..whole.len() - 2], name).expect("without its end");
        assert_eq!(picture.rgb(), endless.rgb(), "{name}");
        let longer = [whole.as_slice(), &[0x5a; 5000]].concat();
        assert_eq!(picture.rgb(), Picture::decode(&longer, name).expect("longer").rgb(), "{name}");
    }
}

#[test]
fn a_jpeg_that_was_cut_and_closed_again_is_refused() {
    for name in ["tall-chroma.jpg", "cmyk.jpg", "three-scans.jpg", "progressive.jpg"] {
        let whole = std::fs::read(fixture(name)).expect("the fixture");
        let closed = [&whole[..whole.len() * 9 / 10], &[0xff, 0xd9]].concat();
        assert!(refusal(&closed, name).contains("incomplete"), "{name}");
    }
}

#[test]
fn a_download_filled_up_with_zeros_is_refused() {
    let mut bytes = std::fs::read(fixture("tall-chroma.jpg")).expect("the fixture");
    let half = bytes.len() / 2;
    bytes[half..].fill(0);
    assert!(refusal(&bytes, "download.jpg").contains("cut off"));
}

/// Found by the fuzzer: sizes that overflowed the sum of the memory they would take.
#[test]
fn a_size_beyond_all_memory_is_refused_from_the_header() {
    let jxl = [0xff, 0x0a, 0x46, 0x47, 0, 0x13, 0x3f, 0xf8, 0x40, 8, 0x77, 0xe4, 0x3f, 0xff];
    let said = refusal(&jxl, "huge.jxl");
    assert!(said.contains("1153438162×576719081") && said.contains("at most"), "{said}");
}
