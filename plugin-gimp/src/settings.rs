// SPDX-License-Identifier: GPL-3.0-or-later
//! What the arguments of a run ask for, as libimpasto takes it.

use gimp::prelude::*;
use serde_json::{Value, json};

use crate::style::{Blend, Choice, Source};
use crate::text::{fill, tr};

/// What the arguments ask for.
#[derive(Clone, PartialEq)]
pub struct Settings {
    /// The parameters of the job, as libimpasto takes them.
    pub params: Value,
    /// The options of the engine, as libimpasto takes them.
    pub engine: Value,
    /// Whether the pixels are replaced.
    pub in_place: bool,
    /// The second style.
    pub blend: Option<Blend>,
    /// The layer to start from.
    pub start: Option<gimp::Drawable>,
}

/// Reads the arguments, all but the style.
pub fn read(config: &gimp::ProcedureConfig) -> Result<Settings, String> {
    let text = |name: &str| config.property::<Option<String>>(name).unwrap_or_default();
    let start = start(config)?;
    let mut params = json!({
        "preset": text("preset"),
        "strength": config.property::<f64>("strength"),
        "style_scale": config.property::<f64>("stroke-size"),
        "colours": text("colours"),
        "colour_strength": config.property::<f64>("colour-strength"),
        "seed": config.property::<i32>("seed"),
        "style_loss": text("style-loss"),
        "init": if start.is_some() { "picture".to_string() } else { text("start") },
        "tv_weight": 1e6 * config.property::<f64>("smoothness"),
        "style_fit": text("style-fit"),
        "padding": text("border"),
        "pooling": text("pooling"),
        "tap_weights": tap_weights(&text("tap-weights"))?,
    });
    for name in ["size", "iterations"] {
        let value = config.property::<i32>(name);
        if value > 0 {
            params[name] = value.into();
        }
    }
    let mut engine = json!({ "device": text("device") });
    let model = text("model");
    if !model.trim().is_empty() {
        engine["model"] = model.trim().into();
    }
    let memory = config.property::<f64>("memory");
    if memory > 0.0 {
        engine["memory"] = ((memory * f64::from(1 << 30)) as u64).into();
    }
    let share = config.property::<f64>("blend-share");
    let blend = second_style(config).map(|choice| Blend {
        choice,
        weights: [100.0 - share, share],
        scale: config.property::<f64>("blend-size"),
        region: config.property::<Option<gimp::Drawable>>("blend-region"),
    });
    Ok(Settings { params, engine, in_place: text("output") == "in-place", blend, start })
}

/// The second style, if there is one.
fn second_style(config: &gimp::ProcedureConfig) -> Option<Choice> {
    match config.property::<Option<String>>("blend-from").as_deref() {
        Some("none") => None,
        Some("built-in") => config.property::<Option<String>>("blend-name").map(Choice::Own),
        _ => {
            let file = config.property::<Option<gimp::gio::File>>("blend-file")?;
            Some(Choice::Picture(Source::File(file)))
        }
    }
}

/// The layer to start from, where that is what is chosen.
fn start(config: &gimp::ProcedureConfig) -> Result<Option<gimp::Drawable>, String> {
    if config.property::<Option<String>>("start").as_deref() != Some("layer") {
        return Ok(None);
    }
    match config.property::<Option<gimp::Drawable>>("start-layer") {
        Some(layer) if layer.is_valid() => Ok(Some(layer)),
        _ => Err(tr("There is no layer to start from. Choose one, or start from the picture.").into()),
    }
}

/// `TERM=WEIGHT, …` as an object.
fn tap_weights(text: &str) -> Result<Value, String> {
    let mut weights = serde_json::Map::new();
    for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let weight = part.split_once('=').and_then(|(term, weight)| {
            let weight: f64 = weight.trim().parse().ok()?;
            Some((term.trim().to_string(), weight.into()))
        });
        let (term, weight) = weight.ok_or_else(|| {
            fill("“{part}” is not a layer's weight; expected for example style/relu1_1=2", &[("part", part)])
        })?;
        weights.insert(term, weight);
    }
    Ok(weights.into())
}

/// The style pictures that are given, in the order of the arguments.
fn given(config: &gimp::ProcedureConfig) -> [Option<Source>; 3] {
    [
        config.property::<Option<gimp::gio::File>>("style-file").map(Source::File),
        config.property::<Option<gimp::Drawable>>("style-layer").map(Source::Layer),
        config.property::<Option<gimp::Image>>("style-image").map(Source::Image),
    ]
}

/// The style of the kind that was chosen, if there is one.
fn chosen(config: &gimp::ProcedureConfig) -> Option<Choice> {
    let [file, layer, image] = given(config);
    match config.property::<Option<String>>("style-from").as_deref() {
        Some("built-in") => config.property::<Option<String>>("style-name").map(Choice::Own),
        Some("layer") => layer.map(Choice::Picture),
        Some("image") => image.map(Choice::Picture),
        _ => file.map(Choice::Picture),
    }
}

fn no_style() -> String {
    tr("There is no style picture. Choose a file, an open layer or an open image.").into()
}

/// The style that the arguments name: the kind that was chosen, or the only one that is given.
pub fn style(config: &gimp::ProcedureConfig) -> Result<Choice, String> {
    if let Some(choice) = chosen(config) {
        return Ok(choice);
    }
    let mut others = given(config).into_iter().flatten();
    match (others.next(), others.next()) {
        (Some(source), None) => Ok(Choice::Picture(source)),
        (Some(_), Some(_)) => {
            Err(tr("Two style pictures are given; say with style-from which one to take.").into())
        }
        _ => Err(no_style()),
    }
}

/// The arguments of somebody who sees only what belongs to the kinds that were chosen: nothing else stands in for what is
/// missing.
pub fn seen(config: &gimp::ProcedureConfig) -> Result<(Settings, Choice), String> {
    let settings = read(config)?;
    let choice = chosen(config).ok_or_else(no_style)?;
    let from = config.property::<Option<String>>("blend-from");
    if settings.blend.is_none() && from.as_deref() != Some("none") {
        return Err(tr("The second style has no file. Choose one, or no second style.").into());
    }
    Ok((settings, choice))
}
