//! Every parameter is everywhere: in the schema with its range, as an option of the command, in docs/parameters.md, and in GIMP
//! or in the list of those that GIMP leaves out. The table and the filter's copy of the schema are written by
//! `IMPASTO_WRITE_PARAMETERS=1 cargo xtask test --test harness parameters`.

use serde_json::Value;

use super::common::{impasto, root, succeed};

/// What GIMP's filter leaves out, and why.
const NOT_IN_GIMP: [(&str, &str); 9] = [
    ("levels", "follow from the size"),
    ("version", "is for files of parameters"),
    ("style_weight", "strength is the one slider"),
    ("content_weight", "strength is the one slider"),
    ("style_size", "the size of strokes is set by style_scale"),
    ("style_taps", "is for people who know the network"),
    ("content_taps", "is for people who know the network"),
    ("tile_size", "follows from the memory"),
    ("preview_every", "is how often the dialog shows a draft on the way"),
];

pub fn properties() -> serde_json::Map<String, Value> {
    impasto::params::schema()["properties"].as_object().expect("properties").clone()
}

/// The command's option for a parameter; None for the version, which only files have.
fn option(name: &str) -> Option<String> {
    Some(match name {
        "version" => return None,
        "preview_every" => "--save-every".to_string(),
        "tap_weights" => "--tap-weight".to_string(),
        name => format!("--{}", name.replace('_', "-")),
    })
}

#[test]
fn every_parameter_is_an_option_of_the_command_and_in_gimp_or_left_out_for_a_reason() {
    let help = String::from_utf8(succeed(impasto().arg("--help")).stdout).expect("a text");
    let mut filter = String::new();
    for file in ["arguments.rs", "settings.rs", "style.rs"] {
        let path = root().join("plugin-gimp/src").join(file);
        filter += &std::fs::read_to_string(path).expect("the filter's source");
    }
    // Examples are written as on a command line.
    assert!(help.contains("style/relu1_1=2") && !help.contains("{\"style"), "{help}");
    for (name, property) in properties() {
        assert!(property["description"].as_str().is_some_and(|d| d.len() > 10), "{name} is not described");
        if let Some(option) = option(&name) {
            assert!(help.contains(&format!("{option} <")), "{name}: --help has no {option}");
        }
        let is_left_out = NOT_IN_GIMP.iter().any(|(left_out, _)| *left_out == name);
        let is_there = filter.contains(&format!("\"{name}\""));
        assert!(
            is_there != is_left_out,
            "{name}: in GIMP {is_there}, in the list of those left out {is_left_out}"
        );
    }
}

/// What GIMP's filter leaves out of choices: scripts of the paper's settings have no size that GIMP's people want, and a picture
/// to start from is a layer there.
const NOT_CHOSEN_IN_GIMP: [&str; 2] = ["gatys", "picture"];

#[test]
fn gimp_has_a_label_for_every_choice() {
    let filter = root().join("plugin-gimp/src/arguments.rs");
    let filter = std::fs::read_to_string(filter).expect("the filter's source");
    for (name, property) in properties() {
        // The styles' labels are their titles.
        if name == "style" || NOT_IN_GIMP.iter().any(|(left_out, _)| *left_out == name) {
            continue;
        }
        let mut choices = Vec::new();
        collect_choices(&property, &mut choices);
        for choice in choices.iter().map(|c| c.trim_matches('`')) {
            let is_labelled = filter.contains(&format!("(\"{choice}\", \""));
            assert!(
                is_labelled || NOT_CHOSEN_IN_GIMP.contains(&choice),
                "{name}: {choice} has no label in GIMP"
            );
        }
    }
}

/// Compares a file with what it should be, or writes it where that is asked for.
pub fn check_or_write(file: &str, wanted: &str) {
    let path = root().join(file);
    if std::env::var_os("IMPASTO_WRITE_PARAMETERS").is_some() {
        std::fs::write(&path, wanted).expect("written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(there == wanted, "{file} is stale; set IMPASTO_WRITE_PARAMETERS=1 for this test to write it");
}

/// A value as people write it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        Value::Null => "–".to_string(),
        Value::Number(number) => number.as_f64().unwrap_or_default().to_string(),
        other => other.to_string(),
    }
}

/// The names that a value may be, wherever the schema nests them.
fn collect_choices(schema: &Value, choices: &mut Vec<String>) {
    for choice in ["enum", "oneOf", "anyOf"].iter().filter_map(|key| schema[key].as_array()).flatten() {
        match choice.as_str().or(choice["const"].as_str()) {
            Some(name) => choices.push(format!("`{name}`")),
            None => collect_choices(choice, choices),
        }
    }
}

/// What a parameter may be: its range, or its choices.
fn range(property: &Value) -> String {
    let mut choices = Vec::new();
    collect_choices(property, &mut choices);
    if !choices.is_empty() {
        return choices.join(", ");
    }
    let (least, most) = (&property["minimum"], &property["maximum"]);
    let number = |v: &Value| match v.as_f64() {
        Some(n) if n >= 1e6 => format!("{n:e}"),
        Some(n) => n.to_string(),
        None => String::new(),
    };
    match (least.is_number(), most.is_number()) {
        (true, true) => format!("{} to {}", number(least), number(most)),
        (true, false) => format!("{} or more", number(least)),
        _ => impasto::params::type_of(property).map_or(String::new(), |kind| match kind {
            "array" => "a list of names".to_string(),
            "object" => "numbers by name".to_string(),
            kind => kind.to_string(),
        }),
    }
}

fn table() -> String {
    let schema = impasto::params::schema();
    let mut text = String::from(
        "# The parameters\n\nMade from the parameters' JSON Schema (`impasto schema`) by \
         `IMPASTO_WRITE_PARAMETERS=1 cargo xtask test --test harness parameters`; a test fails when it is stale.\n\nThe names are \
         those of `--params FILE`, of the C library's JSON and of the report. Options of the command come before a file. \
         What is left out follows from the preset.\n\n| parameter | option | range | default | meaning |\n|---|---|---|---|---|\n",
    );
    for (name, property) in properties() {
        let option = option(&name).map_or("–".to_string(), |option| format!("`{option}`"));
        let meaning =
            property["description"].as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>();
        let meaning = meaning.join(" ").replace('|', "\\|");
        let default = property.get("default").map_or("–".to_string(), plain);
        text += &format!("| `{name}` | {option} | {} | {default} | {meaning} |\n", range(&property));
    }
    text += "\n## The presets\n\n| | size | iterations | levels |\n|---|---|---|---|\n";
    for (name, preset) in schema["presets"].as_object().expect("presets") {
        text +=
            &format!("| `{name}` | {} | {} | {} |\n", preset["size"], preset["iterations"], preset["levels"]);
    }
    text
}

#[test]
fn the_table_of_parameters_is_up_to_date() {
    check_or_write("docs/parameters.md", &table());
}

#[test]
fn the_filter_has_the_schema_of_the_engine() {
    let schema = serde_json::to_string_pretty(impasto::params::schema()).expect("JSON");
    check_or_write("plugin-gimp/src/parameters.json", &(schema + "\n"));
}
