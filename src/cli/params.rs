//! The options that are parameters of a job. They are made from the parameters' schema, so that a new parameter is an option
//! without a word here.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};
use impasto::{Error, Params, Result, files, params};
use serde_json::{Map, Value, json};

use super::values;

/// Parameters that are no options, or that are options with an effect on files (`args`).
const ELSEWHERE: [&str; 3] = ["version", "style", "preview_every"];
/// Where an option has another name: people mostly give it one of the values at a time. The parameter's own name is taken too.
const TAP_WEIGHTS: [&str; 2] = ["tap_weights", "tap-weight"];
/// The longest file of parameters that is read, in bytes.
const LONGEST: u64 = 16 << 20;
/// What else than its choices an option takes.
const INIT: &str = "init";

/// The parameters that a command line gives.
#[derive(Default)]
pub struct ParamArgs {
    /// The file with the others.
    pub file: Option<PathBuf>,
    given: Map<String, Value>,
    init: Option<PathBuf>,
}

impl ParamArgs {
    /// The parameters for the engine, and the picture to start from where one is named.
    pub fn read(&self) -> Result<(Params, Option<PathBuf>)> {
        let Some(path) = &self.file else { return self.over(Params::default()) };
        let bad = |problem: String| Error::Parameters(format!("{}: {problem}", path.display()));
        let bytes = files::read_at_most(path, LONGEST).map_err(|e| bad(format!("cannot be read: {e}")))?;
        let text = String::from_utf8(bytes).map_err(|_| bad("is not text; expected a JSON object".into()))?;
        let params = Params::from_json(&text).map_err(|e| bad(e.to_string()))?;
        params.check_ranges().map_err(|e| bad(e.to_string()))?;
        self.over(params)
    }

    /// These parameters with what is given here in their place.
    pub fn over(&self, params: Params) -> Result<(Params, Option<PathBuf>)> {
        let bad = |e: serde_json::Error| Error::Parameters(e.to_string());
        let mut fields = match serde_json::to_value(params).map_err(bad)? {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        // Both say how large the style picture is.
        if ["style_size", "style_scale"].iter().any(|name| self.given.contains_key(*name)) {
            fields.remove("style_size");
            fields.remove("style_scale");
        }
        for (name, value) in &self.given {
            match (fields.get_mut(name).and_then(Value::as_object_mut), value) {
                (Some(there), Value::Object(more)) => there.extend(more.clone()),
                _ => {
                    fields.insert(name.clone(), value.clone());
                }
            }
        }
        let params = serde_json::from_value(fields.into()).map_err(bad)?;
        Ok((params, self.init.clone()))
    }
}

/// How the values of an option are written.
enum Kind {
    Choice(Vec<PossibleValue>),
    Whole,
    Number,
    Names,
    Weights,
}

impl Kind {
    fn from_schema(property: &Value) -> Kind {
        match params::type_of(property) {
            Some("integer") => Kind::Whole,
            Some("number") => Kind::Number,
            Some("array") => Kind::Names,
            Some("object") => Kind::Weights,
            _ => Kind::Choice(choices(property)),
        }
    }
}

/// The names that a value may be, wherever the schema nests them, with what they mean.
fn choices(schema: &Value) -> Vec<PossibleValue> {
    let nested = ["oneOf", "anyOf"].iter().filter_map(|key| schema[key].as_array()).flatten();
    nested
        .flat_map(|choice| match choice["const"].as_str() {
            Some(name) => vec![PossibleValue::new(name.to_string()).help(plain(&choice["description"]))],
            None => choices(choice),
        })
        .collect()
}

/// A description on one line.
fn plain(description: &Value) -> String {
    description.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What stands for the value in the help.
fn placeholder(property: &Value) -> String {
    match (property["minimum"].as_f64(), property["maximum"].as_f64(), property["x-unit"].as_str()) {
        (Some(least), Some(most), Some("percent")) => format!("{least}..{most}"),
        (_, _, Some("pixels" | "weight" | "factor")) => {
            property["x-unit"].as_str().unwrap_or_default().to_uppercase()
        }
        _ => "N".to_string(),
    }
}

fn argument(name: &str, property: &Value) -> Arg {
    let kind = Kind::from_schema(property);
    let text = plain(&property["description"]);
    let text = if matches!(kind, Kind::Weights) { with_equals_signs(&text) } else { text };
    let default = match &property["default"] {
        Value::Null => String::new(),
        Value::String(name) => format!(" [{name}]"),
        value => value.as_f64().map_or(String::new(), |number| format!(" [{number}]")),
    };
    let own = name.replace('_', "-");
    let other = (name == TAP_WEIGHTS[0]).then_some(TAP_WEIGHTS[1]);
    let first = text.split_once(". ").map_or(text.trim_end_matches('.'), |(first, _)| first);
    let argument = Arg::new(name.to_string())
        .long(other.map_or_else(|| own.clone(), str::to_string))
        .aliases(other.map(|_| own))
        .help(format!("{first}{default}"))
        .long_help(format!("{}{default}", text.trim_end_matches('.')))
        .help_heading("Parameters");
    match kind {
        Kind::Choice(choices) if name == INIT => {
            let names = choices.iter().map(PossibleValue::get_name).filter(|name| *name != "picture");
            argument
                .value_name(format!("{}|FILE", names.collect::<Vec<_>>().join("|")))
                .value_parser(OsStringValueParser::new().try_map(values::file))
        }
        Kind::Choice(choices) => argument.value_name("NAME").value_parser(PossibleValuesParser::new(choices)),
        Kind::Whole => argument.value_name(placeholder(property)).value_parser(values::whole),
        Kind::Number => argument
            .value_name(placeholder(property))
            .value_parser(values::number)
            .allow_negative_numbers(true),
        Kind::Names => list(argument).value_name("NAMES").value_parser(values::name),
        Kind::Weights => list(argument).value_name("TERM=WEIGHT").value_parser(values::tap_weight),
    }
}

/// A text in which an example in JSON is written as on the command line: `{"a": 2, "b": 0}` as `a=2,b=0`.
fn with_equals_signs(text: &str) -> String {
    let json = text.find('{').and_then(|from| Some(&text[from..=from + text[from..].find('}')?]));
    let example = json.and_then(|json| Some((json, serde_json::from_str::<Map<String, Value>>(json).ok()?)));
    example.map_or_else(
        || text.to_string(),
        |(json, terms)| {
            let terms: Vec<String> = terms.iter().map(|(term, weight)| format!("{term}={weight}")).collect();
            text.replace(json, &terms.join(","))
        },
    )
}

/// An option that takes several values: with commas between, or given several times.
fn list(argument: Arg) -> Arg {
    argument.value_delimiter(',').action(ArgAction::Append)
}

/// The value of an option as JSON; None where it is not given.
fn value(matches: &ArgMatches, name: &str, property: &Value) -> Option<Value> {
    Some(match Kind::from_schema(property) {
        // A name, or any file.
        Kind::Choice(_) if name == INIT => json!(matches.get_one::<PathBuf>(name)?.to_string_lossy()),
        Kind::Choice(_) => json!(matches.get_one::<String>(name)?),
        Kind::Whole => json!(matches.get_one::<u64>(name)?),
        Kind::Number => json!(matches.get_one::<f64>(name)?),
        Kind::Names => json!(matches.get_many::<String>(name)?.collect::<Vec<_>>()),
        Kind::Weights => {
            let weights = matches.get_many::<(String, f64)>(name)?;
            Value::Object(weights.map(|(term, weight)| (term.clone(), json!(weight))).collect())
        }
    })
}

/// The parameters that are options here, by name.
fn options() -> impl Iterator<Item = (&'static String, &'static Value)> {
    let properties = params::schema()["properties"].as_object().into_iter().flatten();
    properties.filter(|(name, _)| !ELSEWHERE.contains(&name.as_str()))
}

impl Args for ParamArgs {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new("params")
            .long("params")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("Read parameters from a JSON file; options on the command line go before it")
            .help_heading("Parameters");
        let command = command.arg(file);
        options().fold(command, |command, (name, property)| command.arg(argument(name, property)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ParamArgs {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        let mut args = ParamArgs { file: matches.get_one::<PathBuf>("params").cloned(), ..Self::default() };
        for (name, property) in options() {
            let Some(mut value) = value(matches, name, property) else { continue };
            let is_name = |v: &Value| choices(property).iter().any(|c| Some(c.get_name()) == v.as_str());
            if name == INIT && (!is_name(&value) || value == "picture") {
                args.init = matches.get_one::<PathBuf>(name).cloned();
                value = json!("picture");
            }
            args.given.insert(name.clone(), value);
        }
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> std::result::Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
