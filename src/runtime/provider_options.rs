//! Options of ONNX Runtime's provider for a graphics card, by its own names, that a person sets to try what a card likes best.

use crate::error::{Error, Result};

const VARIABLE: &str = "IMPASTO_PROVIDER_OPTIONS";

/// What the variable says.
pub(super) fn named_by_the_environment() -> Result<Vec<(String, String)>> {
    let text = std::env::var_os(VARIABLE).unwrap_or_default();
    parse(&text.to_string_lossy())
}

/// `key=value`, with commas between.
fn parse(text: &str) -> Result<Vec<(String, String)>> {
    let option = |part: &str| match part.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_string(), value.trim().to_string()))
        }
        _ => Err(Error::Parameters(format!("{VARIABLE} is '{text}', expected key=value,key=value"))),
    };
    text.split(',').filter(|part| !part.trim().is_empty()).map(option).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_pairs_with_commas_between() {
        let pairs = parse("prefer_nhwc=1, a = b,").expect("options");
        let expected = [("prefer_nhwc", "1"), ("a", "b")].map(|(key, value)| (key.into(), value.into()));
        assert_eq!(pairs, expected);
        assert!(parse("").is_ok_and(|none| none.is_empty()));
        for wrong in ["prefer_nhwc", "=1", "a=1,b"] {
            let said = parse(wrong).expect_err("an error").to_string();
            assert!(said.contains("IMPASTO_PROVIDER_OPTIONS") && said.contains(wrong), "{said}");
        }
    }
}
