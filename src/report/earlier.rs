//! A report of an earlier job, to resume it.

use serde::Deserialize;
use serde_json::Value;

use super::Files;
use crate::inputs;
use crate::params::{Params, in_plain_words};

/// What a resumed job takes from the report of the earlier one.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// The pictures, the result and the model.
    pub files: Files,
    /// The parameters of that job.
    pub params: Params,
}

/// What is read of a report.
#[derive(Deserialize)]
#[serde(expecting = "a report")]
struct Reported {
    files: Option<Files>,
    settings: Value,
}

impl Earlier {
    /// Reads the JSON of a report; the error says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Earlier, String> {
        let reported: Reported = serde_json::from_slice(bytes).map_err(|e| match is_log(bytes) {
            true => "has the reports of several pictures, one in each line; put one of the lines into a file".into(),
            false => {
                let problem = in_plain_words(e.to_string());
                format!("cannot be understood ({problem}); expected a report of this program, as --report writes it")
            }
        })?;
        let files =
            reported.files.ok_or("does not name the pictures; only reports that the command wrote do")?;
        for (at, style) in files.styles.iter().enumerate() {
            inputs::check_numbers(at, style.weight, style.scale).map_err(|e| format!("files: {e}"))?;
        }
        let params =
            Params::from_json(&reported.settings.to_string()).and_then(|p| p.check_ranges().map(|()| p));
        Ok(Earlier { files, params: params.map_err(|e| format!("settings: {e}"))? })
    }
}

/// Whether these are JSON lines, as --report writes them for several pictures.
fn is_log(bytes: &[u8]) -> bool {
    let mut lines = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    [lines.next(), lines.next()].iter().all(|line| matches!(line, Some(Ok(Value::Object(_)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &str = r#""files": {"content": "a.png", "styles": [{"file": "s.png", "weight": 1, "scale": 1,
        "region": null, "part": null}], "mask": null, "output": "o.png", "model": "compact"}"#;

    fn refused(text: &str) -> String {
        Earlier::parse(text.as_bytes()).expect_err("refused")
    }

    #[test]
    fn a_report_is_read_and_numbers_out_of_range_are_refused() {
        let with = |settings: &str| format!("{{{FILES}, \"settings\": {settings}}}");
        assert_eq!(Earlier::parse(with("{\"seed\": 7}").as_bytes()).expect("read").params.seed, 7);
        assert!(refused(&with("{\"size\": 1}")).contains("settings: size: 1 is out of range"));
        let scale = with("{}").replace("\"scale\": 1", "\"scale\": 1e6");
        assert_eq!(
            refused(&scale),
            "files: styles[0]: the scale is 1000000; expected a number from 0.1 to 4"
        );
    }

    #[test]
    fn what_is_wrong_is_said_without_names_of_rust() {
        let text = format!("{{{FILES}, \"settings\": {{}}}}");
        assert!(refused(&format!("{text}\n{text}\n")).contains("of several pictures"));
        for (valid, bad) in [
            ("\"weight\": 1", "\"weight\": \"1\""),
            ("\"a.png\"", "1"),
            ("{\"content\"", "[1], \"x\": {\"content\""),
        ] {
            let problem = refused(&text.replace(valid, bad));
            assert!(problem.contains("cannot be understood"), "{problem}");
            let rust = ["f64", "struct", "untagged", "enum"];
            assert!(rust.iter().all(|word| !problem.contains(word)), "{problem}");
        }
    }
}
