//! What the values of options look like.

use std::path::Path;

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

/// `FILE` with `,weight=W`, `,scale=S`, `,region=MASK` and `,part=MASK` behind, as many as there are. Other commas and equals
/// signs belong to the file's name.
pub fn blend(text: &str) -> std::result::Result<StyleFile, String> {
    let mut blend = StyleFile::default();
    let mut rest = text;
    while let Some((before, (key, value))) =
        rest.rsplit_once(',').and_then(|(before, last)| Some((before, last.split_once('=')?)))
    {
        let number = |least: f64, most: f64| match value.parse() {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            _ => Err(format!("{key}={value}: expected a number from {least} to {most:e}")),
        };
        match key {
            "weight" => blend.weight = number(0.0, 1e9)?,
            "scale" => blend.scale = number(0.1, 4.0)?,
            "region" => blend.region = Some(value.into()),
            "part" => blend.part = Some(value.into()),
            // A part of the file's name, or a word that was meant as one of these.
            _ if !Path::new(rest).exists() && Path::new(before).exists() => {
                return Err(format!(
                    "there is no file {rest}, and '{key}' is none of weight, scale, region and part"
                ));
            }
            _ => break,
        }
        rest = before;
    }
    if rest.is_empty() {
        return Err("expected a file, with ,weight=W ,scale=S ,region=MASK or ,part=MASK behind".to_string());
    }
    blend.file = rest.into();
    Ok(blend)
}

/// A name out of a list, where a space may follow a comma.
pub fn name(text: &str) -> std::result::Result<String, String> {
    let name = text.trim();
    if name.is_empty() { Err("expected a name between the commas".to_string()) } else { Ok(name.to_string()) }
}

/// `TERM=WEIGHT`.
pub fn tap_weight(text: &str) -> std::result::Result<(String, f64), String> {
    let parts = text.split_once('=').and_then(|(term, weight)| {
        let weight: f64 = weight.trim().parse().ok()?;
        Some((term.trim().to_string(), weight))
    });
    parts.ok_or_else(|| "expected TERM=WEIGHT, for example style/relu1_1=2".to_string())
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
