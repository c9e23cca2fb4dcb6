//! The style pictures inside the program, for people who have no painting at hand. `assets/styles` holds them and the
//! scripts that draw them.

use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::files;
use crate::picture::Picture;

/// What is known about the pictures, in the order in which they are listed.
const DESCRIPTIONS: &str = include_str!("../assets/styles/styles.json");

macro_rules! pictures {
    ($($id:literal),* $(,)?) => {
        [$(($id, include_bytes!(concat!("../assets/styles/", $id, ".jpg")) as &[u8])),*]
    };
}

/// The pictures, as JPEG files.
const PICTURES: [(&str, &[u8]); 14] = pictures![
    "impasto-whirls",
    "dry-brush",
    "watercolour",
    "ink-wash",
    "pastel",
    "woodcut",
    "pointillism",
    "stained-glass",
    "mosaic",
    "pencil",
    "cubist-planes",
    "night-lights",
    "gold-leaf",
    "batik",
];

/// A style picture inside the program.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BuiltIn {
    /// What [`crate::Params::style`] takes.
    pub id: String,
    /// Its English name.
    pub name: String,
    /// One English sentence on what it looks like.
    pub description: String,
}

/// The style pictures inside the program.
pub fn list() -> Vec<BuiltIn> {
    serde_json::from_str(DESCRIPTIONS).unwrap_or_default()
}

/// The ids of [`list`].
pub fn ids() -> impl Iterator<Item = &'static str> {
    PICTURES.iter().map(|(id, _)| *id)
}

/// The JPEG file of a style picture; [`Error::Parameters`] names those that there are.
pub fn jpeg(id: &str) -> Result<&'static [u8]> {
    let found = PICTURES.iter().find(|(known, _)| *known == id);
    found.map(|(_, bytes)| *bytes).ok_or_else(|| {
        let known: Vec<&str> = ids().collect();
        Error::Parameters(format!("style: there is no style '{id}'; choose one of {}", known.join(", ")))
    })
}

/// A style picture.
pub fn open(id: &str) -> Result<Picture> {
    Picture::decode(jpeg(id)?, id)
}

/// Writes the JPEG file of a style picture.
pub fn write(id: &str, path: &Path) -> Result<()> {
    files::write(path, jpeg(id)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_style_has_a_picture_and_a_description() {
        let described: Vec<String> = list().into_iter().map(|s| s.id).collect();
        assert_eq!(described, ids().collect::<Vec<_>>());
        for style in list() {
            assert!(!style.name.is_empty() && style.description.ends_with('.'), "{style:?}");
            let picture = open(&style.id).expect("a picture");
            assert_eq!(picture.height().max(picture.width()), 1024, "{}", style.id);
        }
    }

    #[test]
    fn a_style_that_is_not_there_is_answered_with_those_that_are() {
        let error = open("impressionism").expect_err("no such style").to_string();
        assert!(error.contains("'impressionism'") && error.contains("night-lights"), "{error}");
    }
}
