//! What a model's file does not say by its weights: how a picture becomes its input, where it comes
//! from, and how strong its taps are.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A model's manifest, kept as JSON: in the safetensors metadata under the key `impasto`, in the ONNX
/// metadata under the same key, or in a file beside the weights (`NAME.json`). Every field may be left
/// out; the defaults are those of torchvision's ImageNet weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Manifest {
    /// The model's name, as people pick it.
    pub name: String,
    /// Per channel (R, G, B), subtracted from a picture in 0..1.
    pub mean: [f32; 3],
    /// Per channel, what is divided by after that.
    pub std: [f32; 3],
    /// What is multiplied with at last: u = scale · (x − mean) / std.
    pub scale: f32,
    /// For a model that imitates another through tap heads: the other model's channels in each block. The
    /// reference weights of the losses are then the other model's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reference_channels: Vec<usize>,
    /// Where the weights come from, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub provenance: String,
    /// The weights' licence, as an SPDX expression where there is one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub licence: String,
    /// How the weights were trained, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub training: String,
}

impl Default for Manifest {
    fn default() -> Self {
        Manifest {
            name: "vgg".to_string(),
            mean: [0.485, 0.456, 0.406],
            std: [0.229, 0.224, 0.225],
            scale: 255.0,
            reference_channels: Vec::new(),
            provenance: String::new(),
            licence: String::new(),
            training: String::new(),
        }
    }
}

/// The means, deviations and factors that a manifest may have: far beyond all networks, near enough for float32.
const LARGEST: f32 = 1e6;
const SMALLEST: f32 = 1e-6;
/// More channels than any block has.
const MOST_CHANNELS: usize = 1 << 16;
/// The longest text, in bytes.
const LONGEST_TEXT: usize = 1 << 14;
const FIELDS: [&str; 8] =
    ["name", "mean", "std", "scale", "reference_channels", "provenance", "licence", "training"];

impl Manifest {
    /// Reads a manifest from JSON. An error names `file` and the field that is wrong.
    pub(crate) fn from_json(text: &str, file: &str) -> Result<Self> {
        let bad = |field: &str, problem: &serde_json::Error| match field {
            "" => Error::bad_model(file, format!("the manifest cannot be read: {problem}")),
            field => Error::bad_model(file, format!("manifest field '{field}' cannot be read: {problem}")),
        };
        let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).map_err(|e| {
            // No JSON, such as NaN for a number: the field is the last one that begins before that.
            let before: usize = text.lines().take(e.line().saturating_sub(1)).map(|l| l.len() + 1).sum();
            let read = text.get(..before + e.column()).unwrap_or(text);
            let begins = |field: &&str| read.rfind(&format!("\"{field}\""));
            let last = FIELDS.into_iter().filter(|f| begins(f).is_some()).max_by_key(|f| begins(f));
            bad(last.unwrap_or_default(), &e)
        })?;
        // One by one, so that the error is about one.
        for (name, value) in &fields {
            let one = serde_json::Map::from_iter([(name.clone(), value.clone())]);
            serde_json::from_value::<Manifest>(one.into()).map_err(|e| bad(name, &e))?;
        }
        serde_json::from_value(fields.into()).map_err(|e| bad("", &e))
    }

    /// Checks that the numbers make a usable input and usable weights, and that the texts can be shown; `file` is named
    /// in the error.
    pub(crate) fn check(&self, file: &str) -> Result<()> {
        let bad = |field: &str, expected: String| {
            Err(Error::bad_model(file, format!("manifest field '{field}' must be {expected}")))
        };
        let positive = SMALLEST..=LARGEST;
        if !self.mean.iter().all(|v| v.abs() <= LARGEST) {
            return bad("mean", format!("three numbers from {} to {LARGEST}", -LARGEST));
        }
        if !self.std.iter().all(|v| positive.contains(v)) {
            return bad("std", format!("three numbers from {SMALLEST} to {LARGEST}"));
        }
        if !positive.contains(&self.scale) {
            return bad("scale", format!("a number from {SMALLEST} to {LARGEST}"));
        }
        if !self.reference_channels.iter().all(|n| (1..=MOST_CHANNELS).contains(n)) {
            return bad("reference_channels", format!("numbers of channels from 1 to {MOST_CHANNELS}"));
        }
        let texts = [
            ("name", &self.name),
            ("provenance", &self.provenance),
            ("licence", &self.licence),
            ("training", &self.training),
        ];
        for (field, text) in texts {
            if text.len() > LONGEST_TEXT || text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
                return bad(
                    field,
                    format!("a text of at most {LONGEST_TEXT} bytes without control characters"),
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(json: &str) -> String {
        let manifest = Manifest::from_json(json, "the file").and_then(|m| m.check("the file"));
        manifest.expect_err("a manifest that is refused").to_string()
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused_with_the_name_of_their_field() {
        for (field, values) in [
            (
                "mean",
                &["[0.5, NaN, 0.5]", "[0.5, 1e999, 0.5]", "[1e30, 0, 0]", "[0.5, 0.5]", "null", "\"red\""][..],
            ),
            ("std", &["[1, 0, 1]", "[1, -1, 1]", "[1, 1, 1e-30]", "[1, 1, Infinity]", "[1, 1, 1e39]"]),
            ("scale", &["0", "-255", "1e30", "1e-30", "NaN", "[255]"]),
            (
                "reference_channels",
                &["[0]", "[64, 0]", "[-64]", "[6.5]", "[1e9]", "[999999999]", "64", "[NaN]"],
            ),
            ("name", &["5", "\"\\u001b[2J\""]),
            ("licence", &["[]", "\"\\u0000\""]),
        ] {
            for value in values {
                let json = format!(
                    "{{\n \"name\": \"n\", \"scale\": 1,\n \"{field}\": {value},\n \"training\": \"t\"}}"
                );
                let json = match field {
                    "name" => json.replace("\"name\": \"n\", ", ""),
                    "scale" => json.replace("\"scale\": 1,", ""),
                    _ => json,
                };
                let said = problem(&json);
                assert!(said.contains("the file") && said.contains(&format!("'{field}'")), "{json}: {said}");
            }
        }
        assert!(problem("{\"nane\": \"x\"}").contains("'nane'"));
        assert!(problem("[]").contains("cannot be read"));
    }

    #[test]
    fn all_fields_are_listed() {
        let full = Manifest {
            reference_channels: vec![1],
            provenance: "p".into(),
            licence: "l".into(),
            training: "t".into(),
            ..Manifest::default()
        };
        let json = serde_json::to_value(&full).expect("JSON");
        let mut names: Vec<&str> = json.as_object().expect("an object").keys().map(String::as_str).collect();
        let mut listed = FIELDS.to_vec();
        names.sort_unstable();
        listed.sort_unstable();
        assert_eq!(names, listed);
        assert_eq!(Manifest::from_json(&json.to_string(), "x").expect("read again"), full);
    }
}
