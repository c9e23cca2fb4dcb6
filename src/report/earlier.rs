//! A report of an earlier job, to resume it.

use serde::Deserialize;
use serde_json::Value;

use super::Files;
use crate::params::Params;

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
struct Reported {
    files: Option<Files>,
    settings: Value,
}

impl Earlier {
    /// Reads the JSON of a report; the error says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Earlier, String> {
        let expected = "expected a report of this program, as --report writes it";
        let reported: Reported =
            serde_json::from_slice(bytes).map_err(|e| format!("cannot be understood ({e}); {expected}"))?;
        let files =
            reported.files.ok_or("does not name the pictures; only reports that the command wrote do")?;
        let params =
            Params::from_json(&reported.settings.to_string()).map_err(|e| format!("settings: {e}"))?;
        Ok(Earlier { files, params })
    }
}
