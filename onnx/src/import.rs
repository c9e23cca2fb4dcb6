//! Reads a network from an ONNX file of its forward pass, such as `torch.onnx.export` writes of
//! torchvision's `vgg19().features` with the old and the new exporter.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use prost::Message;

use crate::error::{Error, Result};
use crate::graph::{Attr, Data, Graph, Node, Tensor};
use crate::manifest::Manifest;
use crate::model::Model;
use crate::operators::{self, Gradient};
use crate::proto::*;
use crate::tap::{FILE_PREFIX, INPUT};

/// Reads the model from the bytes of an ONNX file. `path` says where external data is looked for and is
/// named in errors. The input must be one picture [1, 3, H, W], RGB, normalised as the manifest says; the
/// manifest comes from the file's metadata (key `impasto`, JSON), else torchvision's constants hold.
///
/// Only the nodes and constants that a ReLU on the picture needs are read. Errors: the first of these nodes that cannot
/// run or has no gradient, and whatever is damaged.
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
            manifest = Manifest::from_json(entry.value.as_deref().unwrap_or_default(), &file)?;
        }
    }

    let constants = Constants::collect(&graph);
    let inputs: Vec<&str> =
        graph.input.iter().filter_map(|i| i.name.as_deref()).filter(|n| !constants.has(n)).collect();
    let &[input] = inputs.as_slice() else {
        return Err(bad(format!(
            "has {} inputs ({}), expected one picture",
            inputs.len(),
            inputs.join(", ")
        )));
    };

    let mut reader = Reader { path, file: &file, external: HashMap::new() };
    let mut out = Graph::default();
    out.fresh(INPUT);
    for (index, node) in feature_part(&graph.node, &constants) {
        let node = reader.node(index, node)?;
        operators::check(&node).map_err(|e| bad(e.to_string()))?;
        for name in &node.inputs {
            if let Some(tensor) = constants.0.get(name.as_str()).filter(|_| !out.constants.contains_key(name))
            {
                out.constants.insert(name.clone(), reader.constant(name, *tensor)?);
            }
        }
        out.nodes.push(node);
    }
    // Errors name nodes as the file does, so the check comes before they get names of their own.
    for node in &mut out.nodes {
        let values = node.inputs.iter_mut().chain(&mut node.outputs);
        values.for_each(|name| *name = renamed(name, input));
    }
    out.constants = out.constants.into_iter().map(|(name, t)| (renamed(&name, input), t)).collect();
    let mut model = Model::new(manifest, out, &file)?;
    for node in &mut model.forward.nodes {
        node.name = format!("{FILE_PREFIX}{}", node.name);
    }
    Ok(model)
}

/// The name of a file's value in the forward graph. An empty one is an input that is left out.
fn renamed(name: &str, input: &str) -> String {
    match name {
        "" => String::new(),
        name if name == input => INPUT.to_string(),
        name => format!("{FILE_PREFIX}{name}"),
    }
}

/// Where a constant's values are.
#[derive(Clone, Copy)]
enum Constant<'a> {
    Tensor(&'a TensorProto),
    /// An attribute of a node `Constant`.
    Attribute(&'a AttributeProto),
}

/// The constants of a file by name, not read yet: initialisers, nodes `Constant`, and other names for them.
struct Constants<'a>(HashMap<&'a str, Constant<'a>>);

impl<'a> Constants<'a> {
    fn collect(graph: &'a GraphProto) -> Self {
        let mut out = HashMap::new();
        for tensor in &graph.initializer {
            out.insert(tensor.name.as_deref().unwrap_or_default(), Constant::Tensor(tensor));
        }
        for node in graph.node.iter().filter(|node| is_standard(node)) {
            let constant = match (op_type(node), node.attribute.as_slice(), node.input.as_slice()) {
                ("Constant", [attribute], []) => Some(Constant::Attribute(attribute)),
                ("Identity", _, [input]) => out.get(input.as_str()).copied(),
                _ => None,
            };
            if let (Some(constant), [output]) = (constant, node.output.as_slice()) {
                out.insert(output, constant);
            }
        }
        out.remove("");
        Constants(out)
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

fn op_type(node: &NodeProto) -> &str {
    node.op_type.as_deref().unwrap_or_default()
}

fn is_standard(node: &NodeProto) -> bool {
    matches!(node.domain.as_deref().unwrap_or_default(), "" | "ai.onnx")
}

/// The nodes that ReLUs on the convolutional part need, with their places in the file. A classifier behind it (Flatten,
/// Gemm) gives no taps, and is not looked at.
fn feature_part<'a>(
    nodes: &'a [NodeProto],
    constants: &Constants,
) -> impl Iterator<Item = (usize, &'a NodeProto)> {
    let mut behind: HashSet<&str> = HashSet::new();
    let mut kept = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let outputs = node.output.iter().map(String::as_str).filter(|output| !output.is_empty());
        let flattens = matches!(op_type(node), "Flatten" | "Gemm" | "Reshape" | "GlobalAveragePool");
        if flattens || node.input.iter().any(|input| behind.contains(input.as_str())) {
            behind.extend(outputs);
        } else if node.output.is_empty() || !node.output.iter().all(|output| constants.has(output)) {
            kept.push((index, node));
        }
    }
    let mut needed: HashSet<&str> = HashSet::new();
    let mut out = Vec::new();
    for (index, node) in kept.into_iter().rev() {
        let is_relu = operators::named(op_type(node)).is_some_and(|o| o.gradient == Gradient::Relu);
        if is_relu || node.output.iter().any(|output| needed.contains(output.as_str())) {
            needed.extend(node.input.iter().filter(|input| !input.is_empty()).map(String::as_str));
            out.push((index, node));
        }
    }
    out.into_iter().rev()
}

/// Reads nodes and tensors of one file.
struct Reader<'a> {
    path: &'a Path,
    file: &'a str,
    /// The files beside the model that were read, by name.
    external: HashMap<String, Vec<u8>>,
}

impl Reader<'_> {
    fn node(&mut self, index: usize, node: &NodeProto) -> Result<Node> {
        let op = op_type(node).to_string();
        let name = node.name.clone().filter(|n| !n.is_empty()).unwrap_or_else(|| format!("{op}_{index}"));
        let mut out = Node {
            op,
            name,
            inputs: node.input.clone(),
            outputs: node.output.clone(),
            attrs: BTreeMap::new(),
        };
        let bad = |out: &Node, problem: String| {
            Error::bad_model(self.file, Error::bad_node(out, problem).to_string())
        };
        if !is_standard(node) {
            let domain = node.domain.as_deref().unwrap_or_default();
            let problem =
                format!("belongs to the operator set '{domain}'; only standard ONNX operators are read");
            return Err(bad(&out, problem));
        }
        if out.op == "Dropout" {
            // It does nothing when a network is used.
            out.op = "Identity".to_string();
            out.inputs.truncate(1);
            out.outputs.truncate(1);
            return Ok(out);
        }
        for attribute in &node.attribute {
            let name = attribute.name.clone().unwrap_or_default();
            let value = match attribute.r#type.unwrap_or_default() {
                attribute_type::FLOAT => Attr::Float(attribute.f.unwrap_or_default()),
                attribute_type::INT => Attr::Int(attribute.i.unwrap_or_default()),
                attribute_type::STRING => Attr::Text(
                    String::from_utf8_lossy(attribute.s.as_deref().unwrap_or_default()).into_owned(),
                ),
                attribute_type::FLOATS => Attr::Floats(attribute.floats.clone()),
                attribute_type::INTS => Attr::Ints(attribute.ints.clone()),
                other => {
                    return Err(bad(
                        &out,
                        format!("attribute '{name}' is of a type that is not read ({other})"),
                    ));
                }
            };
            if out.attrs.insert(name.clone(), value).is_some() {
                return Err(bad(&out, format!("attribute '{name}' is there twice")));
            }
        }
        Ok(out)
    }

    fn constant(&mut self, name: &str, constant: Constant) -> Result<Tensor> {
        let attribute = match constant {
            Constant::Tensor(tensor) => return self.tensor(name, tensor),
            Constant::Attribute(attribute) => attribute,
        };
        let kind = attribute.r#type.unwrap_or_default();
        let floats =
            |dims: &[usize], values: Vec<f32>| Tensor { dims: dims.to_vec(), data: Data::F32(values.into()) };
        let integers =
            |dims: &[usize], values: Vec<i64>| Tensor { dims: dims.to_vec(), data: Data::I64(values) };
        let tensor = match (attribute.name.as_deref().unwrap_or_default(), kind, &attribute.t) {
            ("value", attribute_type::TENSOR, Some(tensor)) => return self.tensor(name, tensor),
            ("value_float", attribute_type::FLOAT, _) => floats(&[], vec![attribute.f.unwrap_or_default()]),
            ("value_floats", attribute_type::FLOATS, _) => {
                floats(&[attribute.floats.len()], attribute.floats.clone())
            }
            ("value_int", attribute_type::INT, _) => integers(&[], vec![attribute.i.unwrap_or_default()]),
            ("value_ints", attribute_type::INTS, _) => {
                integers(&[attribute.ints.len()], attribute.ints.clone())
            }
            (other, ..) => {
                return Err(self.bad(name, format!(
                    "is a Constant with the attribute '{other}'; expected value, value_float, value_floats, value_int or \
                     value_ints"
                )));
            }
        };
        self.finite(name, tensor)
    }

    fn bad(&self, tensor: &str, problem: String) -> Error {
        Error::bad_model(self.file, format!("tensor '{tensor}' {problem}"))
    }

    fn finite(&self, name: &str, tensor: Tensor) -> Result<Tensor> {
        match tensor.as_f32() {
            Some(values) if values.iter().any(|x| !x.is_finite()) => {
                Err(self.bad(name, "holds NaN or infinity; export the model again".to_string()))
            }
            _ => Ok(tensor),
        }
    }

    fn tensor(&mut self, name: &str, tensor: &TensorProto) -> Result<Tensor> {
        let raw = match tensor.external() {
            Some(fields) => Some(
                external_bytes(&fields, self.path, &mut self.external)
                    .map_err(|problem| self.bad(name, problem))?,
            ),
            None => tensor.raw_data.clone(),
        };
        let dims: Option<Vec<usize>> = tensor.dims.iter().map(|&d| usize::try_from(d).ok()).collect();
        let dims = dims.ok_or_else(|| self.bad(name, format!("has the dimensions {:?}", tensor.dims)))?;
        let count = dims.iter().try_fold(1usize, |a, &d| a.checked_mul(d));
        let count = count.ok_or_else(|| self.bad(name, "is too large".to_string()))?;
        let element = tensor.data_type.unwrap_or_default();
        let size = match element {
            data_type::FLOAT => 4,
            data_type::FLOAT16 => 2,
            data_type::DOUBLE | data_type::INT64 => 8,
            other => {
                let problem = format!("has element type {other}; expected float, double, float16 or int64");
                return Err(self.bad(name, problem));
            }
        };
        if let Some(raw) = raw.as_ref().filter(|raw| count.checked_mul(size) != Some(raw.len())) {
            return Err(
                self.bad(name, format!("has {} bytes, expected {count} values of {size} bytes", raw.len()))
            );
        }
        let data = match (element, raw) {
            (data_type::FLOAT, Some(raw)) => {
                Data::F32(raw.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
            }
            (data_type::FLOAT, None) => Data::F32(tensor.float_data.as_slice().into()),
            (data_type::FLOAT16, Some(raw)) => {
                Data::F32(raw.as_chunks().0.iter().map(|b| half::f16::from_le_bytes(*b).to_f32()).collect())
            }
            (data_type::FLOAT16, None) => Data::F32(
                tensor.int32_data.iter().map(|&v| half::f16::from_bits(v as u16).to_f32()).collect(),
            ),
            (data_type::DOUBLE, Some(raw)) => {
                Data::F32(raw.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect())
            }
            (data_type::DOUBLE, None) => Data::F32(tensor.double_data.iter().map(|&v| v as f32).collect()),
            (_, Some(raw)) => Data::I64(raw.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect()),
            (_, None) => Data::I64(tensor.int64_data.clone()),
        };
        let have = match &data {
            Data::F32(values) => values.len(),
            Data::I64(values) => values.len(),
        };
        if have != count {
            return Err(self.bad(name, format!("has {have} values, expected {count}")));
        }
        self.finite(name, Tensor { dims, data })
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
        crate::check_is_file(&beside).map_err(|e| format!("lies in {e}"))?;
        let bytes = std::fs::read(&beside).map_err(|e| format!("lies in {}: {e}", beside.display()))?;
        files.insert(location.to_string(), bytes);
    }
    let bytes = files.get(location).map_or(&[][..], Vec::as_slice);
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
