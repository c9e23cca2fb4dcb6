//! GEGL's operation has every parameter, or a reason for leaving it out. What GEGL has no type for is a text. Its properties
//! are declared in a C header, which is made from the parameters' schema:
//! `IMPASTO_WRITE_PARAMETERS=1 cargo xtask test --test harness parameters`.

use std::fmt::Write;

use serde_json::Value;

use super::parameters::{check_or_write, properties};

/// What GEGL's operation leaves out, and why.
const NOT_IN_GEGL: [(&str, &str); 2] = [
    ("version", "is for files of parameters"),
    ("preview_every", "is how often the operation shows a draft"),
];

/// Choices that are left out: there is no second picture to start from.
const NOT_CHOSEN_IN_GEGL: [(&str, &str); 1] = [("init", "picture")];

/// What is said in other words.
const OTHER_WORDS: [(&str, &str); 2] = [
    ("style", "One of the style pictures inside the program. A style picture below is taken in its place."),
    (
        "tap_weights",
        "Multiplies single terms of the loss, by their names in the report: style/relu1_1=2, content/relu4_2=0.",
    ),
];

/// Numbers for which sliders end here, as their ranges have no end that is of use.
const SLIDERS: [(&str, f64); 8] = [
    ("size", 4096.0),
    ("iterations", 500.0),
    ("style_size", 4096.0),
    ("tile_size", 2048.0),
    ("style_weight", 10.0),
    ("content_weight", 10.0),
    ("tv_weight", 1e10),
    ("seed", 1000.0),
];

/// A text as a C string in one line.
fn c_string(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("\"{}\"", line.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A name as people read it.
fn label(name: &str) -> String {
    let words = name.replace(['_', '-'], " ");
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// The choices of a schema with their labels.
fn choices(schema: &Value) -> Vec<(String, String)> {
    let nested = ["oneOf", "anyOf"].iter().filter_map(|key| schema[key].as_array()).flatten();
    nested
        .flat_map(|choice| match choice["const"].as_str() {
            Some(id) => vec![(id.to_string(), choice["title"].as_str().map_or(label(id), str::to_string))],
            None => choices(choice),
        })
        .collect()
}

/// Whether the presets differ in it, so that its default is not one value.
fn follows_the_preset(name: &str) -> bool {
    let presets = impasto::params::schema()["presets"].as_object().expect("presets");
    let mut values = presets.values().map(|preset| &preset[name]);
    let first = values.next();
    values.any(|value| Some(value) != first)
}

fn choice(name: &str, property: &Value, description: &str) -> String {
    let (upper, lower) = (name.to_uppercase(), format!("impasto_{name}"));
    let named = |id: &str| format!("IMPASTO_{upper}_{}", id.to_uppercase().replace('-', "_"));
    let mut text = format!("enum_start ({lower})\n");
    let offered = choices(property)
        .into_iter()
        .filter(|(id, _)| !NOT_CHOSEN_IN_GEGL.contains(&(name, id.as_str())))
        .collect::<Vec<_>>();
    for (id, title) in &offered {
        writeln!(text, "  enum_value ({}, \"{id}\", N_({}))", named(id), c_string(title)).expect("a text");
    }
    // A style that nobody has chosen is the first.
    let default = property["default"].as_str().unwrap_or(&offered.first().expect("a choice").0);
    let kind = name.split('_').fold("Impasto".to_string(), |kind, word| kind + &label(word));
    let title = c_string(&label(name));
    text += &format!("enum_end ({kind})\n\n");
    text + &format!(
        "property_enum ({name}, _({title}), {kind}, {lower}, {})\n{description}\n",
        named(default)
    )
}

fn number(name: &str, property: &Value, is_whole: bool, description: &str) -> String {
    // Where nothing is the default, 0 stands for it.
    let is_left_out = follows_the_preset(name) || property["default"].is_null();
    let most = property["maximum"].as_f64().unwrap_or(f64::from(i32::MAX)).min(match is_whole {
        true => f64::from(i32::MAX),
        false => f64::MAX,
    });
    let least = if is_left_out { 0.0 } else { property["minimum"].as_f64().expect("a minimum") };
    let default = if is_left_out { 0.0 } else { property["default"].as_f64().expect("a default") };
    let slider = SLIDERS.iter().find(|(n, _)| *n == name).map_or(most, |(_, end)| *end);
    let kind = if is_whole { "int" } else { "double" };
    format!(
        "property_{kind} ({name}, _({}), {default})\n{description}  value_range ({least}, {most})\n  ui_range ({least}, {slider})\n\n",
        c_string(&label(name))
    )
}

/// What GEGL has no type for, as the command's option takes it. The command says what is wrong with it.
fn written(name: &str, property: &Value, description: &str) -> String {
    let form = match impasto::params::type_of(property) {
        Some("array") => " Names, with commas between.",
        Some("object") => " NAME=NUMBER, with commas between.",
        _ => "",
    };
    let description = c_string(&format!("{description}{form} Empty: left out."));
    format!(
        "property_string ({name}, _({}), \"\")\n  description (_({description}))\n\n",
        c_string(&label(name))
    )
}

fn header() -> String {
    let mut text = String::from(
        "/* The parameters as properties. Made from the parameters' JSON Schema (`impasto schema`) by\n * \
         `IMPASTO_WRITE_PARAMETERS=1 cargo xtask test --test harness parameters`; a test fails when it is stale.\n * \
         SPDX-License-Identifier: GPL-3.0-or-later */\n#ifdef GEGL_PROPERTIES\n\n",
    );
    for (name, property) in properties() {
        if NOT_IN_GEGL.iter().any(|(left_out, _)| *left_out == name) {
            continue;
        }
        let other = OTHER_WORDS.iter().find(|(n, _)| *n == name).map(|(_, words)| *words);
        let words = other.or(property["description"].as_str()).unwrap_or_default();
        let mut description = words.to_string();
        if let Some(unit) = property["x-unit"].as_str().filter(|unit| !["weight", "factor"].contains(unit)) {
            description += &format!(" Unit: {unit}.");
        }
        if follows_the_preset(&name) {
            description += " 0: as the preset says.";
        } else if property["default"].is_null() && name != "style" {
            description += " 0: left out.";
        }
        let description = format!("  description (_({}))\n", c_string(&description));
        text += &match impasto::params::type_of(&property) {
            _ if !choices(&property).is_empty() => choice(&name, &property, &description),
            Some("integer") => number(&name, &property, true, &description),
            Some("number") => number(&name, &property, false, &description),
            _ => written(&name, &property, words),
        };
    }
    text + "#endif\n"
}

#[test]
fn the_operation_has_the_schema_of_the_engine() {
    check_or_write("plugin-gegl/parameters.h", &header());
}

#[test]
fn what_the_operation_leaves_out_is_a_parameter() {
    for (name, reason) in NOT_IN_GEGL {
        assert!(properties().contains_key(name) && !reason.is_empty(), "{name} is no parameter");
    }
    for (name, _) in SLIDERS {
        assert!(properties().contains_key(name), "{name} is no parameter");
    }
}
