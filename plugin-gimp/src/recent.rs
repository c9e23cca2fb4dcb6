// SPDX-License-Identifier: GPL-3.0-or-later
//! The styles that were painted with last: a small file among the user's settings for GIMP. It is written whole. One that is
//! missing or damaged is an empty list.

use std::path::PathBuf;

use gimp::gio;
use gimp::gio::prelude::*;
use serde_json::{Value, json};

use crate::picture::Style;
use crate::style::{Choice, Source};
use crate::{parameters, thumbnail};

/// How many are kept.
const MOST: usize = 8;
/// The longest file that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// A style that was painted with.
#[derive(Clone, Debug, PartialEq)]
pub enum Recent {
    /// One of the library's own, by its name.
    Own(String),
    /// A file, with a thumbnail of it as JPEG; empty where there is none.
    File {
        /// Its address.
        uri: String,
        /// The bytes.
        thumbnail: Vec<u8>,
    },
}

impl Recent {
    fn is_same(&self, other: &Recent) -> bool {
        match (self, other) {
            (Recent::Own(one), Recent::Own(other)) => one == other,
            (Recent::File { uri: one, .. }, Recent::File { uri: other, .. }) => one == other,
            _ => false,
        }
    }

    /// Whether it can be painted with.
    fn is_there(&self) -> bool {
        match self {
            Recent::Own(name) => parameters::styles().iter().any(|(id, _)| id == name),
            Recent::File { uri, .. } => gio::File::for_uri(uri).path().is_some_and(|path| path.is_file()),
        }
    }

    fn from_json(value: &Value) -> Option<Recent> {
        if let Some(name) = value["style"].as_str() {
            return Some(Recent::Own(name.to_string()));
        }
        let thumbnail = glib::base64_decode(value["thumbnail"].as_str().unwrap_or_default());
        Some(Recent::File { uri: value["file"].as_str()?.to_string(), thumbnail })
    }

    fn to_json(&self) -> Value {
        match self {
            Recent::Own(name) => json!({ "style": name }),
            Recent::File { uri, thumbnail } => {
                json!({ "file": uri, "thumbnail": glib::base64_encode(thumbnail).as_str() })
            }
        }
    }
}

/// The file. GIMP keeps the last values of a plug-in's arguments in the same folder.
fn file() -> Option<PathBuf> {
    let folder = PathBuf::from(gimp::directory()?.as_str()).join("plug-in-settings");
    Some(folder.join("plug-in-impasto.styles.json"))
}

/// The styles that can be painted with again, the latest first.
pub fn list() -> Vec<Recent> {
    let mut list = read();
    list.retain(Recent::is_there);
    list.truncate(MOST);
    list
}

fn read() -> Vec<Recent> {
    let Some(file) = file() else { return Vec::new() };
    if std::fs::metadata(&file).map_or(true, |m| m.len() > LONGEST) {
        return Vec::new();
    }
    parsed(&std::fs::read(file).unwrap_or_default())
}

fn parsed(bytes: &[u8]) -> Vec<Recent> {
    let value: Value = serde_json::from_slice(bytes).unwrap_or_default();
    value.as_array().map(Vec::as_slice).unwrap_or_default().iter().filter_map(Recent::from_json).collect()
}

/// Puts a style that was painted with at the head of the list. Layers and images are left out: they are closed one day. That
/// the list cannot be written is no reason to trouble anybody who has a picture now.
pub fn remember(choice: &Choice, read_style: &Style) {
    let latest = match (choice, read_style) {
        (Choice::Own(name), _) => Recent::Own(name.clone()),
        (Choice::Picture(Source::File(file)), Style::Read(pixels)) if file.path().is_some() => {
            Recent::File { uri: file.uri().into(), thumbnail: thumbnail::jpeg(pixels).unwrap_or_default() }
        }
        _ => return,
    };
    let Some(file) = file() else { return };
    let json: Vec<Value> = with(latest, read()).iter().map(Recent::to_json).collect();
    if let Some(folder) = file.parent() {
        let _ = std::fs::create_dir_all(folder);
    }
    let _ = glib::file_set_contents(file, Value::from(json).to_string().as_bytes());
}

/// A list with a new head, in which nothing is twice.
fn with(latest: Recent, mut list: Vec<Recent>) -> Vec<Recent> {
    list.retain(|other| !other.is_same(&latest));
    list.insert(0, latest);
    list.truncate(MOST);
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(name: &str) -> Recent {
        Recent::File { uri: format!("file:///pictures/{name}.jpg"), thumbnail: vec![255, 216, 0, 7] }
    }

    #[test]
    fn a_list_comes_back_as_it_was_written() {
        let list = vec![picture("a%20b"), Recent::Own("mosaic".into())];
        let json: Vec<Value> = list.iter().map(Recent::to_json).collect();
        assert_eq!(parsed(Value::from(json).to_string().as_bytes()), list);
    }

    #[test]
    fn what_is_damaged_is_left_out() {
        for damaged in ["", "[", "{}", "3", "[3, null, {}, {\"file\": 3}]", "\u{0}\u{1}"] {
            assert_eq!(parsed(damaged.as_bytes()), []);
        }
        let half = br#"[{"style": "mosaic"}, {"what": 1}, {"file": "file:///a.jpg", "thumbnail": "?"}]"#;
        assert_eq!(parsed(half).len(), 2);
    }

    #[test]
    fn the_latest_is_first_and_nothing_is_twice() {
        let mut list = Vec::new();
        for name in ["a", "b", "a", "c"] {
            list = with(picture(name), list);
        }
        assert_eq!(list, ["c", "a", "b"].map(picture));
        for number in 0..20 {
            list = with(picture(&number.to_string()), list);
        }
        assert_eq!((list.len(), &list[0]), (MOST, &picture("19")));
    }
}
