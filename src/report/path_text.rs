//! Paths in JSON: a text where the path is one, and else `{"bytes": [...]}`, as a name on Unix may be any bytes.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a path: a text, or {\"bytes\": [...]}")]
enum Text {
    Text(String),
    Bytes { bytes: Vec<u8> },
}

impl Text {
    fn from_path(path: &Path) -> Self {
        match path.to_str() {
            Some(text) => Text::Text(text.to_string()),
            None => Text::Bytes { bytes: path.as_os_str().as_encoded_bytes().to_vec() },
        }
    }

    fn path(self) -> PathBuf {
        match self {
            Text::Text(text) => PathBuf::from(text),
            #[cfg(unix)]
            Text::Bytes { bytes } => {
                use std::os::unix::ffi::OsStringExt;
                PathBuf::from(std::ffi::OsString::from_vec(bytes))
            }
            #[cfg(not(unix))]
            Text::Bytes { bytes } => PathBuf::from(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
}

pub fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    Text::from_path(path).serialize(to)
}

pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
    Text::deserialize(from).map(Text::path)
}

/// The same for a path that may be missing.
pub mod optional {
    use super::*;

    pub fn serialize<S: Serializer>(path: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
        path.as_deref().map(Text::from_path).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
        Ok(Option::<Text>::deserialize(from)?.map(Text::path))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Both {
        #[serde(with = "super")]
        path: PathBuf,
        #[serde(default, with = "super::optional")]
        other: Option<PathBuf>,
    }

    #[test]
    fn names_that_are_no_text_come_back() {
        use std::os::unix::ffi::OsStrExt;

        let odd = PathBuf::from(std::ffi::OsStr::from_bytes(b"caf\xe9.png"));
        for (path, other) in [(odd.clone(), None), ("ü.png".into(), Some(odd))] {
            let both = Both { path, other };
            let json = serde_json::to_string(&both).expect("JSON");
            assert_eq!(serde_json::from_str::<Both>(&json).expect("read"), both);
        }
    }
}
