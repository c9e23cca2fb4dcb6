//! The JSON Schema of the parameters, and what follows from it: which values are in range.

use std::sync::LazyLock;

use schemars::Schema;
use serde_json::{Map, Value, json};

use super::{Params, Preset};
use crate::error::{Error, Result};
use crate::styles;

/// The JSON Schema (draft 2020-12) of [`Params`], with ranges, descriptions, units (`x-unit`) and defaults; `presets` holds
/// what each preset stands for.
pub fn schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| schemars::schema_for!(Params).to_value());
    &SCHEMA
}

/// The JSON type of a property of the schema: that of its values, where it may be left out as well. None for a choice.
pub fn type_of(property: &Value) -> Option<&str> {
    let types = &property["type"];
    types.as_str().or(types[0].as_str())
}

/// Adds to the schema the defaults, those of the default preset at each property and those of all presets under `presets`,
/// and the ids of the style pictures.
pub(super) fn complete(schema: &mut Schema) {
    let standard = defaults(Preset::default());
    let styles: Vec<Value> = styles::list()
        .into_iter()
        .map(|s| json!({ "const": s.id, "title": s.name, "description": s.description }))
        .chain([json!({ "type": "null" })])
        .collect();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, property) in properties {
            let Some(property) = property.as_object_mut() else { continue };
            if let Some(value) = standard.get(name) {
                property.insert("default".into(), value.clone());
            }
            if name == "style" {
                property.remove("type");
                property.insert("oneOf".into(), styles.clone().into());
            }
        }
    }
    let all = Preset::ALL.map(|preset| {
        let name = json!(preset).as_str().map(str::to_string).unwrap_or_default();
        (name, Value::Object(defaults(preset)))
    });
    schema.insert("presets".into(), Value::Object(all.into_iter().collect()));
}

/// What a preset says of other parameters.
fn defaults(preset: Preset) -> Map<String, Value> {
    let mut fields = fields(&preset.params());
    fields.retain(|name, value| !value.is_null() && !["version", "preset", "seed"].contains(&name.as_str()));
    fields
}

/// Parameters as JSON. What is left out is null or not there.
pub(super) fn fields(params: &Params) -> Map<String, Value> {
    match json!(params) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// Fails for a number that is out of the range that the schema says, or no number.
pub(super) fn check_ranges(params: &Params) -> Result<()> {
    let schema = schema();
    for (name, value) in fields(params) {
        let property = &schema["properties"][&name];
        let (Some(least), Some(most)) = (property["minimum"].as_f64(), property["maximum"].as_f64()) else {
            continue;
        };
        let is_whole = type_of(property) == Some("integer");
        let value = match value.as_f64() {
            // What is left out. A number that is left out has no field: where there is one it is not finite.
            None if is_whole => continue,
            None => f64::NAN,
            Some(value) => value,
        };
        if !(least..=most).contains(&value) {
            let kind = if is_whole { "whole number" } else { "number" };
            let most = if is_whole || most < 1e6 { most.to_string() } else { format!("{most:e}") };
            return Err(Error::Parameters(format!(
                "{name}: {value} is out of range; expected a {kind} from {least} to {most}"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_tells_what_params_takes() {
        let schema = schema();
        let properties = schema["properties"].as_object().expect("properties");
        let left_out = fields(&Params::default());
        let fields = fields(&Preset::default().params());
        let names = |v: &Map<String, Value>| {
            let mut names: Vec<String> = v.keys().cloned().collect();
            names.sort();
            names
        };
        assert_eq!(names(properties), names(&fields));
        for (name, property) in properties {
            assert!(property["description"].is_string(), "{name} has no description");
            // JSON has no number for NaN, so that a field that is null would count as NaN.
            assert!(
                type_of(property) != Some("number") || !left_out.contains_key(name),
                "{name}: put #[serde(skip_serializing_if = \"Option::is_none\")] before this field of Params"
            );
        }
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(properties["size"]["maximum"], 32768);
        for (name, defaults) in schema["presets"].as_object().expect("presets") {
            let mut with = defaults.clone();
            with["preset"] = name.as_str().into();
            let spelt = Params::from_json(&with.to_string()).expect("a preset's defaults are parameters");
            let short = Params::from_json(&json!({ "preset": name }).to_string()).expect("a preset");
            let model = crate::models::open(crate::models::RANDOM).expect("the model");
            assert_eq!(spelt.resolve(&model).expect("settings"), short.resolve(&model).expect("settings"));
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused_by_name() {
        let refused = |params: Params| check_ranges(&params).expect_err("out of range").to_string();
        let text = refused(Params { size: Some(8), ..Params::default() });
        assert!(text.contains("size: 8 is out of range; expected a whole number from 16 to 32768"), "{text}");
        for value in [-1.0, f64::NAN, f64::INFINITY] {
            let text = refused(Params { style_weight: Some(value), ..Params::default() });
            assert!(text.contains("style_weight: ") && text.contains("a number from 0 to 1e9"), "{text}");
        }
        for preset in Preset::ALL {
            check_ranges(&preset.params()).expect("in range");
        }
    }
}
