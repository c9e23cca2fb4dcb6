//! A graph of ONNX operators that is being built: nodes in the order they run, constants, inputs and
//! outputs. It knows ONNX's operators by name only; `operators` has what is known of each.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use prost::Message;

use crate::proto::*;

/// The ONNX operator set that the graphs are written for.
pub const OPSET: i64 = 17;
const IR_VERSION: i64 = 8;

/// A constant tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its shape; empty for a scalar.
    pub dims: Vec<usize>,
    /// Its values.
    pub data: Data,
}

/// A constant tensor's values.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// float32
    F32(Arc<[f32]>),
    /// int64
    I64(Vec<i64>),
}

impl Tensor {
    /// A float32 tensor. `values` has as many entries as `dims` says.
    pub fn f32(dims: &[usize], values: impl Into<Arc<[f32]>>) -> Self {
        let values = values.into();
        debug_assert_eq!(dims.iter().product::<usize>(), values.len());
        Tensor { dims: dims.to_vec(), data: Data::F32(values) }
    }

    /// A float32 scalar.
    pub fn scalar(value: f32) -> Self {
        Tensor::f32(&[], vec![value])
    }

    /// A one-dimensional int64 tensor.
    pub fn i64s(values: &[i64]) -> Self {
        Tensor { dims: vec![values.len()], data: Data::I64(values.to_vec()) }
    }

    /// The values, where they are float32.
    pub fn as_f32(&self) -> Option<&[f32]> {
        match &self.data {
            Data::F32(v) => Some(v),
            Data::I64(_) => None,
        }
    }
}

/// An attribute of a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Attr {
    /// One integer.
    Int(i64),
    /// A list of integers.
    Ints(Vec<i64>),
    /// One float.
    Float(f32),
    /// A list of floats.
    Floats(Vec<f32>),
    /// Text.
    Text(String),
    /// A tensor.
    Tensor(Tensor),
}

/// One operator of ONNX's default domain.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The operator, for example `Conv`.
    pub op: String,
    /// The node's own name, used in messages.
    pub name: String,
    /// Names of its inputs; an empty name is an optional input left out.
    pub inputs: Vec<String>,
    /// Names of its outputs.
    pub outputs: Vec<String>,
    /// Its attributes.
    pub attrs: BTreeMap<String, Attr>,
}

impl Node {
    /// The name of an input, counted from 0; None if the node has no such input, or leaves it out.
    pub fn input(&self, index: usize) -> Option<&str> {
        self.inputs.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The name of the first output; None if it has none.
    pub fn output(&self) -> Option<&str> {
        self.outputs.first().map(String::as_str).filter(|name| !name.is_empty())
    }

    /// An integer attribute.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.attrs.get(name) {
            Some(Attr::Int(v)) => Some(*v),
            _ => None,
        }
    }

    /// A list-of-integers attribute.
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.attrs.get(name) {
            Some(Attr::Ints(v)) => Some(v),
            _ => None,
        }
    }

    /// A text attribute.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.attrs.get(name) {
            Some(Attr::Text(v)) => Some(v),
            _ => None,
        }
    }
}

/// A dimension of an input or output.
#[derive(Clone, Debug, PartialEq)]
pub enum Dim {
    /// Known when the graph is built.
    Known(usize),
    /// Known when the graph runs; equal names are equal sizes.
    Named(String),
}

/// An input or output: a float32 tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub dims: Vec<Dim>,
}

impl Port {
    /// A port; a dimension is known where it reads as a number.
    pub fn new(name: impl Into<String>, dims: &[&str]) -> Self {
        let dims = dims
            .iter()
            .map(|d| d.parse().map(Dim::Known).unwrap_or_else(|_| Dim::Named(d.to_string())))
            .collect();
        Port { name: name.into(), dims }
    }
}

/// A graph under construction. Names are unique; nodes stand in an order in which they can run.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The constants by name.
    pub constants: BTreeMap<String, Tensor>,
    /// The inputs.
    pub inputs: Vec<Port>,
    /// The outputs.
    pub outputs: Vec<Port>,
    /// Whether gradients keep to the plainest operators. If not, and where sizes are known, they are written so that
    /// the CPU keeps activations in its blocked layout, which does nothing for a card.
    pub plain: bool,
    counts: HashMap<String, usize>,
}

impl Graph {
    /// A name that nothing in the graph has yet, made from `hint`.
    pub fn fresh(&mut self, hint: &str) -> String {
        let count = self.counts.entry(hint.to_string()).or_insert(0);
        *count += 1;
        if *count == 1 { hint.to_string() } else { format!("{hint}_{count}") }
    }

    /// Adds an input and returns its name.
    pub fn input(&mut self, port: Port) -> String {
        let name = port.name.clone();
        self.counts.entry(name.clone()).or_insert(1);
        self.inputs.push(port);
        name
    }

    /// Adds an output of the given shape under the name of an existing value.
    pub fn output(&mut self, value: &str, dims: &[&str]) {
        self.outputs.push(Port::new(value, dims));
    }

    /// Adds a constant and returns its name. An equal constant of the same hint is reused.
    pub fn constant(&mut self, hint: &str, tensor: Tensor) -> String {
        if self.constants.get(hint) == Some(&tensor) {
            return hint.to_string();
        }
        let name = self.fresh(hint);
        self.constants.insert(name.clone(), tensor);
        name
    }

    /// Adds a float32 scalar constant.
    pub fn scalar(&mut self, value: f32) -> String {
        self.constant(&format!("const/{value}"), Tensor::scalar(value))
    }

    /// Adds an int64 list constant.
    pub fn i64s(&mut self, values: &[i64]) -> String {
        let hint = values.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        self.constant(&format!("const/[{hint}]"), Tensor::i64s(values))
    }

    /// Adds a node with one output, named after `hint`, and returns the output's name.
    pub fn add(&mut self, op: &str, hint: &str, inputs: &[&str]) -> String {
        self.add_with(op, hint, inputs, [])
    }

    /// As `add`, with attributes.
    pub fn add_with<const N: usize>(
        &mut self,
        op: &str,
        hint: &str,
        inputs: &[&str],
        attrs: [(&str, Attr); N],
    ) -> String {
        let name = self.fresh(hint);
        self.nodes.push(Node {
            op: op.to_string(),
            name: name.clone(),
            inputs: inputs.iter().map(|s| s.to_string()).collect(),
            outputs: vec![name.clone()],
            attrs: attrs.into_iter().map(|(k, v)| (k.to_string(), v)).collect(),
        });
        name
    }

    /// Gives the value `value` the name `name` by an Identity node.
    pub fn alias(&mut self, value: &str, name: &str) -> String {
        self.add("Identity", name, &[value])
    }

    /// Drops the nodes and constants that no output needs.
    pub fn prune(&mut self) {
        let mut needed: HashSet<String> = self.outputs.iter().map(|p| p.name.clone()).collect();
        let mut kept = Vec::new();
        for node in self.nodes.drain(..).rev() {
            if node.outputs.iter().any(|o| needed.contains(o)) {
                needed.extend(node.inputs.iter().cloned());
                kept.push(node);
            }
        }
        kept.reverse();
        self.nodes = kept;
        self.constants.retain(|name, _| needed.contains(name));
    }

    /// The graph as the bytes of an `.onnx` file with everything inside. `metadata` becomes the model's
    /// metadata.
    pub fn to_bytes(&self, name: &str, doc: &str, metadata: &[(&str, &str)]) -> Vec<u8> {
        let constants = self.constants.iter().map(|(n, t)| tensor_proto(Some(n), t)).collect();
        self.encode(name, doc, metadata, constants)
    }

    /// As `to_bytes`, with the larger constants appended to `weights`, the bytes of the file that
    /// `external` names. A constant that an earlier graph put there is referred to, not written again.
    pub fn to_bytes_with(
        &self,
        name: &str,
        doc: &str,
        metadata: &[(&str, &str)],
        external: &mut External,
        weights: &mut Vec<u8>,
    ) -> Vec<u8> {
        let constants = self.constants.iter().map(|(n, t)| external.place(n, t, weights)).collect();
        self.encode(name, doc, metadata, constants)
    }

    fn encode(
        &self,
        name: &str,
        doc: &str,
        metadata: &[(&str, &str)],
        constants: Vec<TensorProto>,
    ) -> Vec<u8> {
        let entry = |k: &str, v: &str| StringStringEntryProto {
            key: Some(k.to_string()),
            value: Some(v.to_string()),
        };
        let graph = GraphProto {
            node: self.nodes.iter().map(node_proto).collect(),
            name: Some(name.to_string()),
            initializer: constants,
            input: self.inputs.iter().map(port_proto).collect(),
            output: self.outputs.iter().map(port_proto).collect(),
        };
        ModelProto {
            ir_version: Some(IR_VERSION),
            producer_name: Some("impasto".to_string()),
            producer_version: Some(env!("CARGO_PKG_VERSION").to_string()),
            doc_string: Some(doc.to_string()),
            graph: Some(graph),
            opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) }],
            metadata_props: metadata.iter().map(|(k, v)| entry(k, v)).collect(),
        }
        .encode_to_vec()
    }
}

/// The constants that lie in a file beside the models, and where in it.
pub struct External {
    file: String,
    places: HashMap<String, (Tensor, usize)>,
}

impl External {
    /// Nothing yet, in a file of that name.
    pub fn new(file: &str) -> Self {
        External { file: file.to_string(), places: HashMap::new() }
    }

    fn place(&mut self, name: &str, tensor: &Tensor, weights: &mut Vec<u8>) -> TensorProto {
        const SMALL: usize = 1024;
        let mut proto = tensor_proto(Some(name), tensor);
        let raw = proto.raw_data.take().unwrap_or_default();
        if raw.len() < SMALL {
            proto.raw_data = Some(raw);
            return proto;
        }
        let offset = match self.places.get(name) {
            Some((known, offset)) if known == tensor => *offset,
            _ => {
                // Aligned, so that a runtime may map the file into memory.
                weights.resize(weights.len().next_multiple_of(64), 0);
                let offset = weights.len();
                weights.extend_from_slice(&raw);
                self.places.insert(name.to_string(), (tensor.clone(), offset));
                offset
            }
        };
        let field = |k: &str, v: String| StringStringEntryProto { key: Some(k.to_string()), value: Some(v) };
        proto.data_location = Some(1);
        proto.external_data = vec![
            field("location", self.file.clone()),
            field("offset", offset.to_string()),
            field("length", raw.len().to_string()),
        ];
        proto
    }
}

fn node_proto(node: &Node) -> NodeProto {
    NodeProto {
        input: node.inputs.clone(),
        output: node.outputs.clone(),
        name: Some(node.name.clone()),
        op_type: Some(node.op.clone()),
        attribute: node.attrs.iter().map(|(k, v)| attribute_proto(k, v)).collect(),
        domain: None,
    }
}

fn attribute_proto(name: &str, value: &Attr) -> AttributeProto {
    let mut out = AttributeProto { name: Some(name.to_string()), ..Default::default() };
    out.r#type = Some(match value {
        Attr::Int(v) => {
            out.i = Some(*v);
            attribute_type::INT
        }
        Attr::Ints(v) => {
            out.ints = v.clone();
            attribute_type::INTS
        }
        Attr::Float(v) => {
            out.f = Some(*v);
            attribute_type::FLOAT
        }
        Attr::Floats(v) => {
            out.floats = v.clone();
            attribute_type::FLOATS
        }
        Attr::Text(v) => {
            out.s = Some(v.as_bytes().to_vec());
            attribute_type::STRING
        }
        Attr::Tensor(v) => {
            out.t = Some(tensor_proto(None, v));
            attribute_type::TENSOR
        }
    });
    out
}

fn tensor_proto(name: Option<&str>, tensor: &Tensor) -> TensorProto {
    let (data_type, raw) = match &tensor.data {
        Data::F32(v) => (data_type::FLOAT, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Data::I64(v) => (data_type::INT64, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
    };
    TensorProto {
        dims: tensor.dims.iter().map(|&d| d as i64).collect(),
        data_type: Some(data_type),
        name: name.map(str::to_string),
        raw_data: Some(raw),
        ..Default::default()
    }
}

fn port_proto(port: &Port) -> ValueInfoProto {
    let dim = port
        .dims
        .iter()
        .map(|d| match d {
            Dim::Known(n) => DimensionProto { dim_value: Some(*n as i64), dim_param: None },
            Dim::Named(n) => DimensionProto { dim_value: None, dim_param: Some(n.clone()) },
        })
        .collect();
    ValueInfoProto {
        name: Some(port.name.clone()),
        r#type: Some(TypeProto {
            tensor_type: Some(TensorTypeProto {
                elem_type: Some(data_type::FLOAT),
                shape: Some(TensorShapeProto { dim }),
            }),
        }),
    }
}
