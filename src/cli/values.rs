//! What the values of options look like.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use impasto::picture::Format;
use impasto::report::StyleFile;

/// A number, which is finite.
pub fn number(text: &str) -> std::result::Result<f64, String> {
    text.parse().ok().filter(|n: &f64| n.is_finite()).ok_or_else(|| "expected a number".to_string())
}

/// A whole number.
pub fn whole(text: &str) -> std::result::Result<u64, String> {
    text.parse().map_err(|_| "expected a whole number, such as 512".to_string())
}

/// A number of something, of which there is at least one.
pub fn count(text: &str) -> std::result::Result<usize, String> {
    let count = text.parse().ok().filter(|n| *n > 0);
    count.ok_or_else(|| "expected a whole number from 1, such as 10".to_string())
}

/// A number of threads; how many there may be is the engine's to say.
pub fn threads(text: &str) -> std::result::Result<usize, String> {
    text.parse().map_err(|_| "expected a whole number, or 0 for one per core".to_string())
}

/// The name of a file, which may be any bytes.
pub fn file(text: OsString) -> std::result::Result<PathBuf, String> {
    if text.is_empty() { Err("expected a file".to_string()) } else { Ok(text.into()) }
}

/// The name of a model, or its file. It stands in reports and in the C library's JSON, so it is a text.
pub fn model(text: OsString) -> std::result::Result<String, String> {
    text.into_string().map_err(|text| {
        format!("'{}' is not UTF-8; rename the file, or name it by a link", text.to_string_lossy())
    })
}

/// `FILE` with `,weight=W`, `,scale=S`, `,region=MASK` and `,part=MASK` behind, as many as there are. Other commas and equals
/// signs belong to the file's name.
pub fn blend(text: OsString) -> std::result::Result<StyleFile, String> {
    let mut blend = StyleFile::default();
    let mut given = Vec::new();
    let mut rest = text.as_os_str();
    while let Some((before, key, value)) = last_option(rest) {
        let key = key.to_string_lossy().into_owned();
        let number = |least: f64, most: f64| match value.to_str().and_then(|value| value.parse().ok()) {
            Some(number) if (least..=most).contains(&number) => Ok(number),
            _ => Err(format!("{key}={}: expected a number from {least} to {most}", value.to_string_lossy())),
        };
        let mask = || file(value.to_os_string()).map(Some).map_err(|problem| format!("{key}=: {problem}"));
        match key.as_str() {
            "weight" => blend.weight = number(0.0, 1e9)?,
            "scale" => blend.scale = number(0.1, 4.0)?,
            "region" => blend.region = mask()?,
            "part" => blend.part = mask()?,
            // A part of the file's name, or a word that was meant as one of these.
            _ if !Path::new(rest).exists() && Path::new(before).exists() => {
                return Err(format!(
                    "there is no file {}, and '{key}' is none of weight, scale, region and part",
                    rest.display()
                ));
            }
            _ => break,
        }
        if given.contains(&key) {
            return Err(format!("{key} is given twice"));
        }
        given.push(key);
        rest = before;
    }
    if rest.is_empty() {
        return Err("expected a file, with ,weight=W ,scale=S ,region=MASK or ,part=MASK behind".to_string());
    }
    blend.file = rest.into();
    Ok(blend)
}

/// What stands before the last `,KEY=VALUE` of a text, the key and the value.
fn last_option(text: &OsStr) -> Option<(&OsStr, &OsStr, &OsStr)> {
    let bytes = text.as_encoded_bytes();
    let comma = bytes.iter().rposition(|b| *b == b',')?;
    let equals = comma + bytes[comma..].iter().position(|b| *b == b'=')?;
    // SAFETY: each part begins and ends at an end of the text or beside an ASCII character.
    let part = |range: std::ops::Range<usize>| unsafe { OsStr::from_encoded_bytes_unchecked(&bytes[range]) };
    Some((part(0..comma), part(comma + 1..equals), part(equals + 1..bytes.len())))
}

/// A name out of a list, where a space may follow a comma.
pub fn name(text: &str) -> std::result::Result<String, String> {
    let name = text.trim();
    if name.is_empty() { Err("expected a name between the commas".to_string()) } else { Ok(name.to_string()) }
}

/// `TERM=WEIGHT`.
pub fn tap_weight(text: &str) -> std::result::Result<(String, f64), String> {
    let parts = text.split_once('=').and_then(|(term, weight)| {
        let weight = weight.trim().parse().ok().filter(|n: &f64| n.is_finite())?;
        Some((term.trim().to_string(), weight))
    });
    parts.ok_or_else(|| "expected TERM=WEIGHT with a number, for example style/relu1_1=2".to_string())
}

/// Bytes from a number with K, M or G (powers of 1024) behind.
pub fn bytes(text: &str) -> std::result::Result<u64, String> {
    let bad = || "expected a number above 0 with K, M or G behind, for example 4G".to_string();
    let (number, shift) = match text.char_indices().last() {
        Some((at, unit)) if !unit.is_ascii_digit() => {
            let shift = match unit.to_ascii_uppercase() {
                'K' => 10,
                'M' => 20,
                'G' => 30,
                _ => return Err(bad()),
            };
            (&text[..at], shift)
        }
        _ => (text, 0),
    };
    let number: f64 = number.parse().map_err(|_| bad())?;
    let bytes = number * (1u64 << shift) as f64;
    if (1.0..1e18).contains(&bytes) { Ok(bytes as u64) } else { Err(bad()) }
}

/// [H, W] from `WIDTHxHEIGHT`.
pub fn picture_size(text: &str) -> std::result::Result<[usize; 2], String> {
    let side = |t: &str| t.parse().ok().filter(|n| (16..=32768).contains(n));
    let sides = text.split_once('x').and_then(|(w, h)| Some([side(h)?, side(w)?]));
    sides.ok_or_else(|| "expected WIDTHxHEIGHT, each from 16 to 32768, for example 320x240".to_string())
}

/// The format of a picture, by its usual endings.
pub fn format(text: &str) -> std::result::Result<Format, String> {
    Format::named(text).ok_or_else(|| "expected png, jpg, tiff or webp".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blend_has_a_file_of_any_name_and_options_behind_it() {
        let read = blend("a,b=c.png,weight=2,region=m.png,scale=0.5".into()).expect("a blend");
        assert_eq!((read.weight, read.scale, read.part), (2.0, 0.5, None));
        assert_eq!((read.file, read.region), ("a,b=c.png".into(), Some("m.png".into())));
        let refused = |text: &str| blend(text.into()).expect_err("refused");
        assert_eq!(refused("a.png,weight=1,weight=2"), "weight is given twice");
        assert_eq!(refused("a.png,region="), "region=: expected a file");
        assert_eq!(refused("a.png,scale=0"), "scale=0: expected a number from 0.1 to 4");
        assert!(refused(",scale=1").contains("expected a file"));
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_text_are_taken() {
        use std::os::unix::ffi::OsStrExt;

        let odd = OsStr::from_bytes(b"caf\xe9.png");
        let mut text = odd.to_os_string();
        text.push(",weight=3,part=");
        text.push(odd);
        let read = blend(text).expect("a blend");
        assert_eq!((read.file, read.weight, read.part), (odd.into(), 3.0, Some(odd.into())));
        assert!(model(odd.into()).expect_err("refused").contains("is not UTF-8"));
    }
}
