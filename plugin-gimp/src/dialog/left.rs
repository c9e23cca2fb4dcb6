// SPDX-License-Identifier: GPL-3.0-or-later
//! The settings with which the dialog was left, by whatever button. GIMP itself keeps only those of a run that has succeeded. A
//! small file among the user's settings for GIMP; one that is missing or damaged changes nothing.

use std::path::PathBuf;

use gimp::gio;
use gimp::gio::prelude::*;
use gimp::prelude::*;
use glib::ParamSpec;
use glib::translate::{ToGlibPtr, ToGlibPtrMut};
use serde_json::{Map, Value, json};

/// The longest file that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// The file. GIMP keeps the last values of a plug-in's arguments in the same folder.
fn file() -> Option<PathBuf> {
    let folder = PathBuf::from(gimp::directory()?.as_str()).join("plug-in-settings");
    Some(folder.join("plug-in-impasto.dialog.json"))
}

/// Keeps the settings for the next dialog. That this fails is no reason to trouble anybody.
pub fn keep(config: &gimp::ProcedureConfig) {
    let Some(file) = file() else { return };
    let settings: Map<String, Value> = config
        .list_properties()
        .iter()
        .filter_map(|argument| Some((argument.name().to_string(), to_json(config, argument)?)))
        .collect();
    if let Some(folder) = file.parent() {
        let _ = std::fs::create_dir_all(folder);
    }
    let _ = glib::file_set_contents(file, Value::from(settings).to_string().as_bytes());
}

/// Sets what was kept last.
pub fn bring_back(config: &gimp::ProcedureConfig) {
    let Some(file) = file() else { return };
    if std::fs::metadata(&file).map_or(true, |m| m.len() > LONGEST) {
        return;
    }
    let settings: Value =
        serde_json::from_slice(&std::fs::read(file).unwrap_or_default()).unwrap_or_default();
    for argument in config.list_properties().iter() {
        let value = settings.get(argument.name()).and_then(|value| from_json(argument, value));
        // One that is out of range, or names a file that is gone, is left out.
        if let Some(value) = value.filter(|value| is_valid(argument, value)) {
            config.set_property_from_value(argument.name(), &value);
        }
    }
}

/// Whether it says what is painted, and not how.
fn is_of_the_run(argument: &ParamSpec) -> bool {
    ["run-mode", "image", "drawables"].contains(&argument.name())
}

/// Whether an argument takes a value of its type as it is.
fn is_valid(argument: &ParamSpec, value: &glib::Value) -> bool {
    let mut value = value.clone();
    // SAFETY: both are alive; a value of the argument's type is checked, and changed where it does not fit.
    let is_changed = unsafe {
        glib::gobject_ffi::g_param_value_validate(argument.to_glib_none().0, value.to_glib_none_mut().0)
    };
    is_changed == glib::ffi::GFALSE
}

fn to_json(config: &gimp::ProcedureConfig, argument: &ParamSpec) -> Option<Value> {
    if is_of_the_run(argument) {
        return None;
    }
    let value = config.property_value(argument.name());
    if let Ok(text) = value.get::<Option<String>>() {
        return Some(text.into());
    }
    if let Ok(is_set) = value.get::<bool>() {
        return Some(is_set.into());
    }
    if let Ok(count) = value.get::<i32>() {
        return Some(count.into());
    }
    if let Ok(number) = value.get::<f64>() {
        return Some(number.into());
    }
    if let Ok(file) = value.get::<Option<gio::File>>() {
        return Some(file.map(|file| file.uri().to_string()).into());
    }
    if let Ok(drawable) = value.get::<Option<gimp::Drawable>>() {
        return Some(drawable.map(|d| open(d.id(), d.name())).into());
    }
    let image = value.get::<Option<gimp::Image>>().ok()?;
    Some(image.map(|i| open(i.id(), i.name())).into())
}

/// What is open in this GIMP, but not in the next one, where its number may be another's.
fn open(id: i32, name: Option<glib::GString>) -> Value {
    json!({ "id": id, "name": name.as_deref() })
}

/// The value of an argument; None if it cannot be one.
fn from_json(argument: &ParamSpec, value: &Value) -> Option<glib::Value> {
    if is_of_the_run(argument) {
        return None;
    }
    let kind = argument.value_type();
    let id = || i32::try_from(value["id"].as_i64()?).ok();
    let is_named = |name: Option<glib::GString>| name.as_deref() == value["name"].as_str();
    if kind == bool::static_type() {
        return Some(value.as_bool()?.to_value());
    }
    if kind == i32::static_type() {
        return Some(i32::try_from(value.as_i64()?).ok()?.to_value());
    }
    if kind == f64::static_type() {
        return Some(value.as_f64()?.to_value());
    }
    if kind == String::static_type() {
        return Some(value.as_str()?.to_value());
    }
    if kind == gio::File::static_type() {
        return Some(value.as_str().map(gio::File::for_uri).to_value());
    }
    if kind == gimp::Drawable::static_type() {
        let drawable = id().and_then(gimp::Drawable::by_id);
        return Some(drawable.filter(|d| is_named(d.name())).to_value());
    }
    if kind == gimp::Image::static_type() {
        return Some(id().and_then(gimp::Image::by_id).filter(|i| is_named(i.name())).to_value());
    }
    None
}
