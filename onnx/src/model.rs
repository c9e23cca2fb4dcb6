//! A model: a forward graph from a picture to taps, with its manifest. Nothing in here knows where the
//! weights come from (`safetensors`, `import`, `seeded`) or which losses will read the taps
//! (`objective`).

use crate::error::{Error, Result};
use crate::graph::{Attr, Graph, Node, Tensor};
use crate::manifest::Manifest;
use crate::network;
use crate::operators::{self, Gradient};
use crate::tap::{INPUT, Tap};

/// A network and what is known about it.
#[derive(Clone, Debug)]
pub struct Model {
    /// What the weights do not say.
    pub manifest: Manifest,
    /// From `INPUT` to the taps.
    pub(crate) forward: Graph,
    /// The taps, in the order in which a picture passes them: `relu1_1`, `relu1_2`, …
    pub taps: Vec<Tap>,
}

impl Model {
    /// The tap of that name.
    pub fn tap(&self, name: &str) -> Result<&Tap> {
        self.taps.iter().find(|tap| tap.name == name).ok_or_else(|| Error::NoSuchTap {
            model: self.manifest.name.clone(),
            tap: name.to_string(),
            available: self.taps.iter().map(|tap| tap.name.clone()).collect(),
        })
    }

    /// Whether there is a tap of that name.
    pub fn has_tap(&self, name: &str) -> bool {
        self.taps.iter().any(|tap| tap.name == name)
    }

    /// The weight of a tap's style loss that `style_weight` 1 stands for: 1000/N² (Gatys' reference) on
    /// the mean over the N² entries of the Gram difference. For a model that imitates another with n
    /// channels at this tap it is 1000·N²/n⁴: the same sum in the other model's metric.
    pub fn reference_style_weight(&self, tap: &Tap) -> f32 {
        let own = tap.channels as f64;
        let reference = self.reference_channels(tap) as f64;
        (1000.0 * own * own / reference.powi(4)) as f32
    }

    /// The weight of a tap's content loss that `content_weight` 1 stands for: 1, or the ratio of channels
    /// for a model that imitates another.
    pub fn reference_content_weight(&self, tap: &Tap) -> f32 {
        tap.channels as f32 / self.reference_channels(tap) as f32
    }

    fn reference_channels(&self, tap: &Tap) -> usize {
        self.manifest.reference_channels.get(tap.block - 1).copied().unwrap_or(tap.channels)
    }

    /// The number of parameters.
    pub fn parameters(&self) -> usize {
        let heads =
            self.taps.iter().filter_map(|t| t.head.as_ref()).map(|t| t.as_f32().map_or(0, <[f32]>::len));
        let body = self.forward.constants.values().map(|t| t.as_f32().map_or(0, <[f32]>::len));
        heads.chain(body).sum()
    }

    /// Completes a forward graph from [`INPUT`], which is checked. `file` is named in errors.
    pub(crate) fn new(manifest: Manifest, forward: Graph, file: &str) -> Result<Self> {
        manifest.check(file)?;
        let taps = network::taps(&forward).map_err(|e| Error::bad_model(file, e.to_string()))?;
        if taps.is_empty() {
            return Err(Error::bad_model(file, "the network has no ReLU, so it has no taps"));
        }
        Ok(Model { manifest, forward, taps })
    }
}

/// A plain chain of 3×3 convolutions with ReLU, and 2×2 max poolings, that grows layer by layer.
pub(crate) struct Chain {
    graph: Graph,
    last: String,
    block: usize,
    place: usize,
}

impl Chain {
    pub fn new() -> Self {
        let mut graph = Graph::default();
        graph.fresh(INPUT);
        Chain { graph, last: INPUT.to_string(), block: 1, place: 0 }
    }

    /// Adds a convolution that keeps the size, and its ReLU.
    pub fn conv(&mut self, weight: Tensor, bias: Tensor) {
        self.place += 1;
        let name = format!("{}_{}", self.block, self.place);
        let kernel: Vec<i64> = weight.dims.iter().skip(2).map(|&d| d as i64).collect();
        let pads = kernel.iter().chain(&kernel).map(|k| k / 2).collect();
        let g = &mut self.graph;
        let w = g.constant(&format!("conv{name}.weight"), weight);
        let b = g.constant(&format!("conv{name}.bias"), bias);
        let attrs = [("kernel_shape", Attr::Ints(kernel)), ("pads", Attr::Ints(pads))];
        let conv = g.add_with("Conv", &format!("conv{name}"), &[&self.last, &w, &b], attrs);
        self.last = g.add("Relu", &format!("relu{name}"), &[&conv]);
    }

    /// Adds a max pooling and begins the next block.
    pub fn pool(&mut self) {
        let two = || Attr::Ints(vec![2, 2]);
        let attrs = [("kernel_shape", two()), ("strides", two())];
        self.last = self.graph.add_with("MaxPool", &format!("pool{}", self.block), &[&self.last], attrs);
        (self.block, self.place) = (self.block + 1, 0);
    }

    pub fn finish(self) -> Graph {
        self.graph
    }
}

/// Adds the model's forward nodes to `graph`, reading `input`, with every max pooling exchanged for an
/// average pooling if asked. The names of values stay.
pub(crate) fn inline(model: &Model, graph: &mut Graph, input: &str, average: bool) {
    for (name, tensor) in &model.forward.constants {
        graph.constants.insert(name.clone(), tensor.clone());
        graph.fresh(name);
    }
    for node in &model.forward.nodes {
        let mut node: Node = node.clone();
        for name in &mut node.inputs {
            if name == INPUT {
                *name = input.to_string();
            }
        }
        if average && operators::gradient(&node) == Gradient::MaxPool {
            node.op = "AveragePool".to_string();
            let operator = operators::lookup(&node);
            node.attrs.retain(|name, _| operator.is_some_and(|o| o.has_attribute(name)));
            node.outputs.truncate(1);
        }
        for name in &node.outputs {
            graph.fresh(name);
        }
        graph.nodes.push(node);
    }
}
