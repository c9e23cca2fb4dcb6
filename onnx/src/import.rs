//! Reads a network from an ONNX file of its forward pass, such as `torch.onnx.export` writes of
//! torchvision's `vgg19().features` with the old and the new exporter.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use prost::Message;

use crate::error::{Error, Result};
use crate::graph::{Attr, Data, Graph, Node, Tensor};
use crate::manifest::Manifest;
use crate::model::{INPUT, Model};
use crate::proto::*;

/// Reads the model from the bytes of an ONNX file. `path` says where external data is looked for and is
/// named in errors. The input must be one picture [1, 3, H, W], RGB, normalised as the manifest says; the
/// manifest comes from the file's metadata (key `impasto`, JSON), else torchvision's constants hold.
pub fn from_onnx(bytes: &[u8], path: &Path) -> Result<Model> {
    let file = path.display().to_string();
    let bad = |problem: String| Error::bad_model(&file, problem);
    let proto = ModelProto::decode(bytes)
        .map_err(|e| bad(format!("not a complete ONNX file ({e}); export it again")))?;
    let graph = proto.graph.ok_or_else(|| bad("holds no graph; expected an ONNX model".to_string()))?;

    let mut manifest = Manifest {
        name: path.file_stem().map_or_else(|| file.clone(), |s| s.to_string_lossy().into_owned()),
        ..Default::default()
    };
    for entry in &proto.metadata_props {
        if entry.key.as_deref() == Some("impasto") {
            manifest = serde_json::from_str(entry.value.as_deref().unwrap_or_default())
                .map_err(|e| bad(format!("metadata 'impasto': {e}")))?;
        }
    }

    let mut external = HashMap::new();
    let mut constants = BTreeMap::new();
    for tensor in &graph.initializer {
        let name = tensor.name.clone().unwrap_or_default();
        constants.insert(name, read_tensor(tensor, path, &mut external, &file)?);
    }
    let inputs: Vec<&str> = graph
        .input
        .iter()
        .filter_map(|i| i.name.as_deref())
        .filter(|n| !constants.contains_key(*n))
        .collect();
    let &[input] = inputs.as_slice() else {
        return Err(bad(format!(
            "has {} inputs ({}), expected one picture",
            inputs.len(),
            inputs.join(", ")
        )));
    };

    let mut out = Graph::default();
    out.fresh(INPUT);
    let rename = |name: &String| if name == input { INPUT.to_string() } else { name.clone() };
    let mut nodes = Vec::new();
    for (index, node) in graph.node.iter().enumerate() {
        if !node.domain.as_deref().unwrap_or_default().is_empty() && node.domain.as_deref() != Some("ai.onnx")
        {
            return Err(bad(format!(
                "node '{}' belongs to the operator set '{}'; only standard ONNX operators are read",
                node.name.as_deref().unwrap_or_default(),
                node.domain.as_deref().unwrap_or_default()
            )));
        }
        let op = node.op_type.clone().unwrap_or_default();
        let name = node.name.clone().filter(|n| !n.is_empty()).unwrap_or_else(|| format!("{op}_{index}"));
        let mut attrs = BTreeMap::new();
        for attribute in &node.attribute {
            if let Some(value) = read_attribute(attribute, path, &mut external, &file)? {
                attrs.insert(attribute.name.clone().unwrap_or_default(), value);
            }
        }
        if op == "Constant"
            && let (Some(Attr::Tensor(t)), Some(output)) = (attrs.get("value"), node.output.first())
        {
            constants.insert(output.clone(), t.clone());
            continue;
        }
        nodes.push(Node {
            op,
            name,
            inputs: node.input.iter().map(rename).collect(),
            outputs: node.output.clone(),
            attrs,
        });
    }
    out.constants = constants;
    out.nodes = feature_part(nodes, &out.constants);
    out.prune_to_nodes();
    for name in out.constants.keys().cloned().collect::<Vec<_>>() {
        out.fresh(&name);
    }
    Model::new(manifest, out, &file)
}

/// The nodes up to the last ReLU of the convolutional part: a classifier behind it (Flatten, Gemm) reads
/// no taps, and what only it needs is dropped.
fn feature_part(nodes: Vec<Node>, constants: &BTreeMap<String, Tensor>) -> Vec<Node> {
    let mut spatial: HashSet<String> = HashSet::from([INPUT.to_string()]);
    let mut kept = Vec::new();
    for node in nodes {
        let flattens =
            matches!(node.op.as_str(), "Flatten" | "Gemm" | "Reshape" | "GlobalAveragePool" | "Dropout");
        let reads = node.inputs.iter().filter(|i| !i.is_empty() && !constants.contains_key(*i));
        if flattens || !reads.clone().all(|i| spatial.contains(i)) {
            continue;
        }
        spatial.extend(node.outputs.iter().cloned());
        kept.push(node);
    }
    kept
}

fn read_attribute(
    attribute: &AttributeProto,
    path: &Path,
    external: &mut HashMap<String, Vec<u8>>,
    file: &str,
) -> Result<Option<Attr>> {
    Ok(Some(match attribute.r#type.unwrap_or_default() {
        attribute_type::FLOAT => Attr::Float(attribute.f.unwrap_or_default()),
        attribute_type::INT => Attr::Int(attribute.i.unwrap_or_default()),
        attribute_type::STRING => {
            Attr::Text(String::from_utf8_lossy(attribute.s.as_deref().unwrap_or_default()).into_owned())
        }
        attribute_type::TENSOR => match &attribute.t {
            Some(t) => Attr::Tensor(read_tensor(t, path, external, file)?),
            None => return Ok(None),
        },
        attribute_type::FLOATS => Attr::Floats(attribute.floats.clone()),
        attribute_type::INTS => Attr::Ints(attribute.ints.clone()),
        _ => return Ok(None),
    }))
}

fn read_tensor(
    tensor: &TensorProto,
    path: &Path,
    external: &mut HashMap<String, Vec<u8>>,
    file: &str,
) -> Result<Tensor> {
    let name = tensor.name.as_deref().unwrap_or("(unnamed)");
    let bad = |problem: String| Error::bad_model(file, format!("tensor '{name}' {problem}"));
    let dims: Vec<usize> = tensor
        .dims
        .iter()
        .map(|&d| usize::try_from(d).map_err(|_| bad(format!("has the dimension {d}"))))
        .collect::<Result<_>>()?;
    let count =
        dims.iter().try_fold(1usize, |a, &d| a.checked_mul(d)).ok_or_else(|| bad("is too large".into()))?;
    let raw = match tensor.external() {
        Some(fields) => Some(external_bytes(&fields, path, external).map_err(bad)?),
        None => tensor.raw_data.clone(),
    };
    let wrong = |have: usize| bad(format!("has {have} values, expected {count}"));
    let data = match tensor.data_type.unwrap_or_default() {
        data_type::FLOAT => Data::F32(match raw {
            Some(raw) => raw.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
            None => tensor.float_data.as_slice().into(),
        }),
        data_type::DOUBLE => Data::F32(match raw {
            Some(raw) => raw
                .chunks_exact(8)
                .map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) as f32)
                .collect(),
            None => tensor.double_data.iter().map(|&v| v as f32).collect(),
        }),
        data_type::FLOAT16 => Data::F32(match raw {
            Some(raw) => {
                raw.chunks_exact(2).map(|b| half::f16::from_le_bytes([b[0], b[1]]).to_f32()).collect()
            }
            None => tensor.int32_data.iter().map(|&v| half::f16::from_bits(v as u16).to_f32()).collect(),
        }),
        data_type::INT64 => Data::I64(match raw {
            Some(raw) => raw
                .chunks_exact(8)
                .map(|b| i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
                .collect(),
            None => tensor.int64_data.clone(),
        }),
        other => {
            return Err(bad(format!("has element type {other}; expected float, double, float16 or int64")));
        }
    };
    match &data {
        Data::F32(v) if v.len() != count => Err(wrong(v.len())),
        Data::I64(v) if v.len() != count => Err(wrong(v.len())),
        Data::F32(v) if v.iter().any(|x| !x.is_finite()) => {
            Err(bad("holds NaN or infinity; export the model again".into()))
        }
        _ => Ok(Tensor { dims, data }),
    }
}

fn external_bytes(
    fields: &HashMap<&str, &str>,
    path: &Path,
    files: &mut HashMap<String, Vec<u8>>,
) -> std::result::Result<Vec<u8>, String> {
    let location = *fields.get("location").ok_or("has external data without a location")?;
    let plain = Path::new(location).components().all(|c| matches!(c, std::path::Component::Normal(_)));
    if !plain {
        return Err(format!("has external data at '{location}', expected a file beside the model"));
    }
    if !files.contains_key(location) {
        let beside = path.parent().unwrap_or(Path::new(".")).join(location);
        let bytes = std::fs::read(&beside).map_err(|e| format!("lies in {}: {e}", beside.display()))?;
        files.insert(location.to_string(), bytes);
    }
    let bytes = &files[location];
    let number = |key: &str, default: usize| -> std::result::Result<usize, String> {
        fields
            .get(key)
            .map_or(Ok(default), |v| v.parse().map_err(|_| format!("has external data with {key} '{v}'")))
    };
    let offset = number("offset", 0)?;
    let length = number("length", bytes.len().saturating_sub(offset))?;
    let part = offset.checked_add(length).and_then(|end| bytes.get(offset..end));
    part.map(<[u8]>::to_vec).ok_or_else(|| format!("lies outside '{location}'; the file is incomplete"))
}
