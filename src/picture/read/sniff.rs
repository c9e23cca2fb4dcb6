//! Detects what a file is by its first bytes.

/// The formats that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// PNG
    Png,
    /// JPEG
    Jpeg,
    /// TIFF and BigTIFF
    Tiff,
    /// WebP
    WebP,
    /// GIF
    Gif,
    /// Windows bitmap
    Bmp,
    /// PBM, PGM, PPM and PAM
    Pnm,
    /// JPEG XL
    Jxl,
}

/// What messages call the formats that can be read.
pub(super) const READABLE: &str = "PNG, JPEG, TIFF, WebP, GIF, BMP, PNM or JPEG XL";

const RAW: &str = "a camera's raw file; develop it with a raw converter and save it as TIFF, PNG or JPEG";

/// The kind of a file, or what is wrong with it and what to do.
pub(super) fn kind(bytes: &[u8]) -> Result<FileKind, String> {
    if bytes.is_empty() {
        return Err(format!("is empty; expected a {READABLE} picture"));
    }
    if let Some(what) = foreign(bytes) {
        return Err(match what.contains(';') {
            true => format!("is {what}"),
            false => format!("is {what}, which cannot be read; export it as PNG or JPEG"),
        });
    }
    let begins = |magic: &[u8]| bytes.starts_with(magic);
    let netpbm = bytes.len() > 2
        && bytes[0] == b'P'
        && (b'1'..=b'7').contains(&bytes[1])
        && (bytes[2].is_ascii_whitespace() || bytes[2] == b'#');
    Ok(match () {
        () if begins(b"\x89PNG\r\n\x1a\n") => FileKind::Png,
        () if begins(b"\xff\xd8\xff") => FileKind::Jpeg,
        () if begins(b"II*\0") || begins(b"MM\0*") || begins(b"II+\0") || begins(b"MM\0+") => FileKind::Tiff,
        () if begins(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") => FileKind::WebP,
        () if begins(b"GIF87a") || begins(b"GIF89a") => FileKind::Gif,
        () if begins(b"BM") && bytes.len() > 26 => FileKind::Bmp,
        () if begins(b"\xff\x0a") || begins(b"\0\0\0\x0cJXL \r\n\x87\n") => FileKind::Jxl,
        () if netpbm => FileKind::Pnm,
        () => return Err(format!("is not a picture that can be read; expected {READABLE}")),
    })
}

/// What a file is that cannot be read, in words; with a semicolon where they say what to do.
fn foreign(bytes: &[u8]) -> Option<&'static str> {
    let begins = |magic: &[u8]| bytes.starts_with(magic);
    if bytes.get(4..8) == Some(b"ftyp") {
        let brands = &bytes[8..bytes.len().min(64)];
        let has = |brand: &[u8]| brands.chunks(4).any(|b| b == brand);
        return Some(match () {
            () if has(b"avif") || has(b"avis") => "an AVIF picture",
            () if has(b"crx ") => RAW,
            () if [b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"].iter().any(|b| has(*b)) => {
                "a HEIC picture (a photograph of a phone)"
            }
            () if has(b"jp2 ") => "a JPEG 2000 picture",
            () => "a video or another media file, not a picture; save a frame of it as PNG or JPEG",
        });
    }
    let text = |words: &[&str]| {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]).to_ascii_lowercase();
        let start = start.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']).to_string();
        words.iter().any(|word| start.starts_with(word))
    };
    let is_svg = || {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(2048)]).to_ascii_lowercase();
        text(&["<svg"]) || text(&["<?xml", "<!--", "<!doctype svg"]) && start.contains("<svg")
    };
    Some(match () {
        () if begins(b"\0\0\x01\0") || begins(b"\0\0\x02\0") => "a Windows icon (ICO)",
        () if begins(b"8BPS") => "a Photoshop file (PSD)",
        () if begins(b"gimp xcf") => "a GIMP file (XCF)",
        () if begins(b"%PDF") => "a PDF document",
        () if begins(b"%!PS") || begins(b"\xc5\xd0\xd3\xc6") => "a PostScript file",
        () if begins(b"v/1\x01") => "an OpenEXR picture",
        () if begins(b"#?RADIANCE") || begins(b"#?RGBE") => "a Radiance HDR picture",
        () if begins(b"\0\0\0\x0cjP  ") || begins(b"\xff\x4f\xff\x51") => "a JPEG 2000 picture",
        () if begins(b"FUJIFILMCCD-RAW") || begins(b"IIU\0") || begins(b"IIRO") || begins(b"IIRS") => RAW,
        () if begins(b"MMOR") || begins(b"FOVb") || begins(b"\0MRM") => RAW,
        () if begins(b"II") && bytes.get(8..11) == Some(b"CR\x02") => RAW,
        () if begins(b"II\x1a\0\0\0HEAPCCDR") => RAW,
        () if begins(b"PF\n") || begins(b"Pf\n") => "a PFM picture",
        () if begins(b"qoif") => "a QOI picture",
        () if begins(b"DDS ") => "a DDS texture",
        () if begins(b"AT&TFORM") => "a DjVu document",
        () if begins(b"\x1f\x8b") || begins(b"PK\x03\x04") => {
            "an archive (or an office or drawing file), not a picture; export or unpack the picture in it"
        }
        () if begins(b"RIFF") && bytes.get(8..12) != Some(b"WEBP") => {
            "a sound or video file, not a picture; save a frame of it as PNG or JPEG"
        }
        () if begins(b"\x1aE\xdf\xa3") => "a video, not a picture; save a frame of it as PNG or JPEG",
        () if is_svg() => "an SVG drawing",
        () if text(&["<!doctype html", "<html", "<head", "<body", "<title"]) => {
            "a web page (HTML), not a picture; the download probably failed, so get the picture again"
        }
        () if text(&["{", "<?xml"]) => "a text file (JSON or XML), not a picture; check the path",
        () => return None,
    })
}
