// SPDX-License-Identifier: GPL-3.0-or-later
//! What the engine says of its parameters. The schema is in the source, as GIMP asks what a plug-in offers without opening the
//! library; a test of the engine (`tests/harness/parameters.rs`) fails when it is stale.

use std::sync::LazyLock;

use serde_json::Value;

static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("parameters.json")).unwrap_or_default());

fn property(name: &str) -> &'static Value {
    &SCHEMA["properties"][name]
}

/// The least and the most that a parameter may be.
pub fn range(name: &str) -> (f64, f64) {
    let limit = |what: &str| property(name)[what].as_f64().unwrap_or_default();
    (limit("minimum"), limit("maximum"))
}

/// What a number is when it is left out.
pub fn default_number(name: &str) -> f64 {
    property(name)["default"].as_f64().unwrap_or_default()
}

/// What a choice is when it is left out.
pub fn default_choice(name: &str) -> &'static str {
    property(name)["default"].as_str().unwrap_or_default()
}

/// The ids and titles of the style pictures that come with the library.
pub fn styles() -> Vec<(&'static str, &'static str)> {
    let styles = property("style")["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    styles.iter().filter_map(|s| Some((s["const"].as_str()?, s["title"].as_str()?))).collect()
}
