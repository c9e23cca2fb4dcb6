//! `--resume REPORT`: a job that goes on from its result. The report of the command tells the files and the parameters.

use std::path::{Path, PathBuf};

use impasto::report::Files;
use impasto::{Error, Init, Params, Result};
use serde::Deserialize;

/// What is read of a report.
#[derive(Deserialize)]
struct Reported {
    files: Option<Files>,
    settings: serde_json::Value,
}

/// A job that was done.
pub struct Done {
    pub files: Files,
    /// Its parameters, with its result as the start and without the smaller sizes.
    pub params: Params,
    pub result: PathBuf,
}

pub fn read(report: &Path) -> Result<Done> {
    let bad = |problem: String| Error::Parameters(format!("{}: {problem}", report.display()));
    let text = std::fs::read_to_string(report).map_err(|e| bad(format!("cannot be read: {e}")))?;
    let reported: Reported = serde_json::from_str(&text)
        .map_err(|e| bad(format!("is not a report of this program, as --report writes it: {e}")))?;
    let files = reported.files.ok_or_else(|| {
        bad("does not name the pictures; only reports that the command wrote do".to_string())
    })?;
    let mut params =
        Params::from_json(&reported.settings.to_string()).map_err(|e| bad(format!("settings: {e}")))?;
    params.init = Some(Init::Picture);
    params.levels = Some(1);
    Ok(Done { result: files.output.clone(), files, params })
}
