//! The list of what an archive is made of, for programs that look for known faults: CycloneDX 1.5 in JSON.

use serde_json::{Value, json};

use crate::third_party::{self, Crate, Part};
use crate::{Result, archive, onnxruntime, root};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The list for an archive of the name `name` with these parts.
pub fn components(name: &str, parts: &[Part]) -> Result<String> {
    let mut components: Vec<Value> = third_party::crates(parts)?.iter().map(component).collect();
    let rust = third_party::rust_version(parts)?;
    components.push(json!({
        "type": "library", "bom-ref": format!("rust-std@{rust}"), "name": "rust-std", "version": rust,
        "licenses": [{ "expression": "MIT OR Apache-2.0" }],
    }));
    if parts.contains(&Part::OnnxRuntime) {
        components.extend(onnxruntime::WHEELS_IN_ARCHIVES.iter().map(|(package, version)| {
            let purl = format!("pkg:pypi/{package}@{version}");
            json!({
                "type": "library", "bom-ref": purl, "name": package, "version": version, "purl": purl,
                "licenses": [{ "expression": "MIT" }],
            })
        }));
    }
    let has = |kinds: [Part; 2]| kinds.iter().any(|kind| parts.contains(kind));
    if has([Part::Command, Part::WindowsCommand]) || has([Part::Library, Part::WindowsLibrary]) {
        let model = file("machine-learning-model", "compact", "assets/models/compact.safetensors")?;
        components.push(with_licence(model, json!({ "expression": "CC-BY-4.0" })));
        components.push(with_licence(
            json!({ "type": "data", "bom-ref": "styles", "name": "styles", "version": VERSION }),
            json!({ "expression": "CC0-1.0" }),
        ));
    }
    if has([Part::Command, Part::WindowsCommand]) {
        let font = file("file", "DejaVuSans.ttf", "assets/fonts/DejaVuSans.ttf")?;
        components.push(with_licence(font, json!({ "license": { "name": "DejaVu fonts licence" } })));
    }
    let licence = match parts.iter().any(|part| matches!(part, Part::Filter | Part::WindowsFilter)) {
        true => "GPL-3.0-or-later AND (MIT OR Apache-2.0)",
        false => "MIT OR Apache-2.0",
    };
    let own = format!("{name}@{VERSION}");
    let needs: Vec<&Value> = components.iter().filter_map(|c| c.get("bom-ref")).collect();
    let list = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": {
            "type": "application", "bom-ref": own, "name": name, "version": VERSION,
            "licenses": [{ "expression": licence }],
        } },
        "dependencies": [{ "ref": own, "dependsOn": needs }],
        "components": components,
    });
    Ok(format!("{list:#}\n"))
}

/// A file of the sources that lies inside a program.
fn file(kind: &str, name: &str, path: &str) -> Result<Value> {
    let sum = archive::sha256(&root().join(path))?;
    let hashes = [json!({ "alg": "SHA-256", "content": sum })];
    Ok(json!({ "type": kind, "bom-ref": name, "name": name, "version": VERSION, "hashes": hashes }))
}

fn with_licence(mut component: Value, licence: Value) -> Value {
    component["licenses"] = json!([licence]);
    component
}

fn component(of: &Crate) -> Value {
    let purl = format!("pkg:cargo/{}@{}", of.name, of.version);
    let mut all = json!({
        "type": "library", "bom-ref": purl, "name": of.name, "version": of.version, "purl": purl,
        "licenses": [{ "expression": of.licence }],
    });
    if let Some(fields) = all.as_object_mut() {
        if let Some(sum) = &of.checksum {
            fields.insert("hashes".into(), json!([{ "alg": "SHA-256", "content": sum }]));
        }
        if let Some(url) = &of.repository {
            fields.insert("externalReferences".into(), json!([{ "type": "vcs", "url": url }]));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_each_crate_with_its_licence_and_checksum() {
        let text = components("impasto", &[Part::Command, Part::OnnxRuntime]).expect("a list");
        let list: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(list["specVersion"], "1.5");
        let components = list["components"].as_array().expect("components");
        let ort = components.iter().find(|c| c["name"] == "ort").expect("ort");
        assert!(ort["purl"].as_str().is_some_and(|p| p.starts_with("pkg:cargo/ort@2.0.0")), "{ort}");
        assert_eq!(ort["hashes"][0]["content"].as_str().map(str::len), Some(64), "{ort}");
        assert!(ort["licenses"][0]["expression"].as_str().is_some_and(|l| l.contains("MIT")), "{ort}");
        let named = |name: &str| components.iter().find(|c| c["name"] == name);
        assert_eq!(named("onnxruntime").expect("ONNX Runtime")["version"], onnxruntime::VERSION);
        // What is no program lies inside, too.
        assert!(named("onnxruntime-ep-webgpu").is_some() && named("styles").is_some());
        let model = named("compact").expect("the model");
        assert_eq!(model["type"], "machine-learning-model");
        assert_eq!(model["licenses"][0]["expression"], "CC-BY-4.0");
        assert_eq!(model["hashes"][0]["content"].as_str().map(str::len), Some(64), "{model}");
        assert!(named("DejaVuSans.ttf").is_some());
        // Each is named once, and nothing is named that is not there.
        let mut names: Vec<&Value> = components.iter().map(|c| &c["bom-ref"]).collect();
        assert_eq!(list["dependencies"][0]["dependsOn"].as_array().expect("names").len(), names.len());
        names.sort_by_key(|name| name.to_string());
        names.dedup();
        assert_eq!(names.len(), components.len());
    }
}
