//! The objective of a level: the model's graph with targets and weights (`inputs`, `targets`). It is computed as one graph on
//! the host or with its picture on the device, or in tiles (`tiled`).

mod inputs;
pub(crate) mod target_cache;
mod targets;
mod tiled;
mod tiles;

use std::rc::Rc;

use impasto_onnx::graph::Graph;
use impasto_onnx::{GraphTarget, Model, ObjectiveSpec, Term, objective, spec};
use ndarray::{Array2, Array3};

use inputs::weight;
pub(crate) use inputs::{ObjectiveInputs, StyleTarget};
use targets::TargetBuilder;
use tiled::Tiled;
pub(crate) use tiled::halo;
pub(crate) use tiles::Spans;

use crate::error::Result;
use crate::optimise::{self, Evaluate, EvaluateOnDevice, Location};
use crate::params::Settings;
use crate::progress::{CancelToken, Runs};
use crate::resources::Resources;
use crate::runtime::{
    self, BoundGraph, BoundGraphOnDevice, DeviceTensor, Lease, Placement, Tensor, Value, Vectors,
};

/// Loss and gradient at a picture of one size.
pub(crate) struct Objective {
    evaluator: Evaluator,
    terms: Vec<Term>,
}

/// How it is computed.
enum Evaluator {
    OnHost(OnHost),
    OnDevice(Box<OnDevice>),
}

impl Objective {
    /// Makes the targets and loads the objective for pictures of the content's size. With `tile` it is computed in
    /// tiles of at most that many pixels along a side, in the host's memory.
    pub fn new(
        resources: &Resources,
        settings: &Settings,
        compared: &ObjectiveInputs,
        tile: Option<usize>,
        cancel: &CancelToken,
    ) -> Result<Self> {
        let spec = compared.spec(settings);
        let targets = TargetBuilder::new(resources, cancel)?;
        let [h, w] = compared.size();
        let tile = tile.filter(|most| h.max(w) > *most);
        let statistics = targets.styles(&spec, compared.styles, tile)?;
        let mask = compared.mask.map(|m| m.iter().copied().collect());
        let evaluator = match tile {
            None if resources.backend.vectors_on_device => {
                Evaluator::OnDevice(Box::new(OnDevice::new(targets, settings, compared, statistics)?))
            }
            None => {
                let whole = Whole::new(targets, settings, compared, statistics)?;
                Evaluator::OnHost(OnHost { tiling: Tiling::Whole(Box::new(whole)), mask })
            }
            Some(most) => {
                let tiled = Tiled::new(resources, settings, compared, statistics, most, cancel)?;
                Evaluator::OnHost(OnHost { tiling: Tiling::Tiles(Box::new(tiled)), mask })
            }
        };
        Ok(Objective { evaluator, terms: spec.terms() })
    }

    /// What the optimiser evaluates.
    pub fn location(&mut self) -> Location<'_> {
        match &mut self.evaluator {
            Evaluator::OnHost(host) => Location::Host(host),
            Evaluator::OnDevice(device) => Location::Device(device.as_mut()),
        }
    }

    /// Loss and terms of a picture [3, H, W] in 0..1.
    pub fn loss(&mut self, picture: &Array3<f32>) -> Result<(f64, Vec<f64>)> {
        let picture = picture.as_standard_layout();
        let values = picture.as_slice().unwrap_or_default();
        match &mut self.evaluator {
            Evaluator::OnHost(host) => host.evaluate(values, &mut vec![0.0; values.len()]),
            Evaluator::OnDevice(device) => device.loss(values),
        }
    }

    /// The names of the terms, in the order of their losses.
    pub fn terms(&self) -> Vec<String> {
        self.terms.iter().map(|t| t.name.clone()).collect()
    }
}

/// An objective whose picture and gradient lie in the computer's memory.
struct OnHost {
    tiling: Tiling,
    /// [H·W]: where it is 0, pixels stay.
    mask: Option<Vec<f32>>,
}

enum Tiling {
    Whole(Box<Whole>),
    Tiles(Box<Tiled>),
}

impl Evaluate for OnHost {
    fn evaluate(&mut self, picture: &[f32], gradient: &mut [f32]) -> Result<(f64, Vec<f64>)> {
        let losses = match &mut self.tiling {
            Tiling::Whole(whole) => whole.evaluate(picture, gradient)?,
            Tiling::Tiles(tiled) => tiled.evaluate(picture, gradient)?,
        };
        if let Some(mask) = &self.mask {
            for plane in gradient.chunks_exact_mut(mask.len()) {
                plane.iter_mut().zip(mask).filter(|(_, m)| **m <= 0.0).for_each(|(g, _)| *g = 0.0);
            }
        }
        Ok(losses)
    }
}

/// The objective as one graph.
struct Whole {
    graph: BoundGraph,
    terms: Vec<Term>,
    runs: Runs,
}

/// What the graph of an objective gets besides the picture, and its bytes.
struct GraphInputs {
    graph: Vec<u8>,
    inputs: Vec<Value>,
}

/// `impasto_onnx`'s function for the objective's graph.
type GraphBuilder = fn(&Model, &ObjectiveSpec, GraphTarget) -> impasto_onnx::Result<Graph>;

impl GraphInputs {
    fn new(
        targets: &TargetBuilder,
        settings: &Settings,
        compared: &ObjectiveInputs,
        statistics: Vec<Vec<f32>>,
        build: GraphBuilder,
    ) -> Result<Self> {
        let spec = compared.spec(settings);
        let terms = spec.terms();
        let Resources { model, backend, .. } = targets.resources;
        let mut inputs = Vec::new();
        for (term, values) in terms.iter().zip(statistics) {
            let dims = spec.style_loss.dims(model.tap(&term.tap)?.channels).to_vec();
            inputs.push(Value { name: term.target.clone().unwrap_or_default(), dims, values });
        }
        let of_content = ObjectiveSpec { style: Vec::new(), masked: false, regions: 0, ..spec.clone() };
        if !of_content.content.is_empty() {
            inputs.extend(targets.features(&of_content, compared.content, None)?);
        }
        let [h, w] = compared.size();
        let mut plane = |name: String, mask: &Array2<f32>| {
            inputs.push(Value { name, dims: vec![1, 1, h, w], values: mask.iter().copied().collect() });
        };
        if let Some(mask) = compared.mask {
            plane("mask".to_string(), mask);
        }
        for (region, mask) in compared.guidance.iter().flat_map(|g| &g.masks).enumerate() {
            plane(spec::region_input(region), mask);
        }
        for term in &terms {
            let weight = weight(model, settings, compared.shares(), term)?;
            inputs.push(Value { name: term.weight.clone(), dims: Vec::new(), values: vec![weight] });
        }
        let graph = build(model, &spec, backend.graph_target([h, w]))?.to_bytes("objective", "", &[]);
        Ok(GraphInputs { graph, inputs })
    }

    /// Loads the graph.
    fn session(&self, targets: &TargetBuilder, settings: &Settings, [h, w]: [usize; 2]) -> Result<Lease> {
        let Resources { backend, sessions, .. } = targets.resources;
        sessions.session(&self.graph, &backend.for_loss(settings.style_loss), h * w)
    }
}

impl Whole {
    fn new(
        targets: TargetBuilder,
        settings: &Settings,
        compared: &ObjectiveInputs,
        statistics: Vec<Vec<f32>>,
    ) -> Result<Self> {
        let graph_inputs = GraphInputs::new(&targets, settings, compared, statistics, objective::objective)?;
        let [h, w] = compared.size();
        let session = graph_inputs.session(&targets, settings, [h, w])?;
        let graph = BoundGraph::new(session, "picture", &[1, 3, h, w], graph_inputs.inputs)?;
        Ok(Whole { graph, terms: compared.spec(settings).terms(), runs: targets.runs })
    }

    fn evaluate(&mut self, picture: &[f32], gradient: &mut [f32]) -> Result<(f64, Vec<f64>)> {
        let Whole { graph, terms, runs } = self;
        let mut losses = Losses::new(terms);
        runs.run_bound(graph, picture, &mut |name, values| match name {
            "gradient" => gradient.copy_from_slice(values),
            _ => losses.take(name, values),
        })?;
        Ok(losses.done())
    }
}

/// The losses among a graph's outputs.
struct Losses<'a> {
    terms: &'a [Term],
    all: f64,
    each: Vec<f64>,
}

impl<'a> Losses<'a> {
    fn new(terms: &'a [Term]) -> Self {
        Losses { terms, all: f64::NAN, each: vec![f64::NAN; terms.len()] }
    }

    /// Takes the output of that name.
    fn take(&mut self, name: &str, values: &[f32]) {
        let value = values.first().copied().map_or(f64::NAN, f64::from);
        if name == "loss" {
            self.all = value;
        } else if let Some(at) = self.terms.iter().position(|t| t.loss == name) {
            self.each[at] = value;
        }
    }

    /// The whole loss, then that of each term.
    fn done(self) -> (f64, Vec<f64>) {
        (self.all, self.each)
    }
}

/// The objective as one graph whose latent variables and gradient stay in the device's memory.
struct OnDevice {
    graph: BoundGraphOnDevice,
    vectors: Rc<Vectors>,
    terms: Vec<Term>,
    runs: Runs,
}

impl OnDevice {
    fn new(
        targets: TargetBuilder,
        settings: &Settings,
        compared: &ObjectiveInputs,
        statistics: Vec<Vec<f32>>,
    ) -> Result<Self> {
        let graph_inputs =
            GraphInputs::new(&targets, settings, compared, statistics, objective::latent_objective)?;
        let session = graph_inputs.session(&targets, settings, compared.size())?;
        let graph = BoundGraphOnDevice::new(session, "latent", "gradient", graph_inputs.inputs)?;
        let backend = targets.resources.backend.for_loss(settings.style_loss);
        let vectors = Rc::new(Vectors::new(&backend, compared.size())?);
        Ok(OnDevice { graph, vectors, terms: compared.spec(settings).terms(), runs: targets.runs })
    }

    /// Loss and terms of a picture.
    fn loss(&mut self, picture: &[f32]) -> Result<(f64, Vec<f64>)> {
        let latent = self.vectors.to_device(optimise::from_pixels_exactly(picture))?;
        let mut gradient = self.vectors.alloc()?;
        self.evaluate(&latent, &mut gradient)
    }
}

impl EvaluateOnDevice for OnDevice {
    fn vectors(&self) -> Rc<Vectors> {
        Rc::clone(&self.vectors)
    }

    fn evaluate(&mut self, latent: &DeviceTensor, gradient: &mut DeviceTensor) -> Result<(f64, Vec<f64>)> {
        let OnDevice { graph, terms, runs, .. } = self;
        let mut losses = Losses::new(terms);
        runs.run_on_device(graph, latent, gradient, &mut |name, values| losses.take(name, values))?;
        Ok(losses.done())
    }
}

/// Which providers run the nodes of the objective, and of what the optimiser computes on the device, for a content
/// picture that is its own style.
pub(crate) fn placement(
    resources: &Resources,
    settings: &Settings,
    picture: &Array3<f32>,
) -> Result<Placement> {
    let targets = TargetBuilder::new(resources, &CancelToken::new())?;
    let styles = [StyleTarget { rgb: picture.clone(), mask: None, weight: 1.0, group: 0 }];
    let compared = ObjectiveInputs { content: picture, styles: &styles, mask: None, guidance: None };
    let statistics = targets.styles(&compared.spec(settings), &styles, None)?;
    let vectors_on_device = resources.backend.vectors_on_device;
    let (input, build): (_, GraphBuilder) = match vectors_on_device {
        true => ("latent", objective::latent_objective),
        false => ("picture", objective::objective),
    };
    let graph_inputs = GraphInputs::new(&targets, settings, &compared, statistics, build)?;
    let (_, h, w) = picture.dim();
    let (dims, values) = ([1, 3, h, w], picture.as_standard_layout());
    let values = values.as_slice().unwrap_or_default();
    let mut inputs = vec![(input, Tensor { dims: &dims, values })];
    for Value { name, dims, values } in &graph_inputs.inputs {
        inputs.push((name, Tensor { dims, values }));
    }
    let mut placement = runtime::placement(&graph_inputs.graph, &resources.backend, &inputs)?;
    if vectors_on_device {
        for (provider, nodes) in runtime::vectors_placement(&resources.backend, &dims, values)? {
            *placement.entry(provider).or_default() += nodes;
        }
    }
    Ok(placement)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::inputs::{Pictures, Style};
    use crate::params::{Init, Params};
    use crate::progress::Silent;
    use crate::{Device, EngineOptions, Picture};

    fn picture(h: usize, w: usize, phase: f32) -> Picture {
        let rgb = Array3::from_shape_fn((3, h, w), |(c, y, x)| {
            let (y, x, c) = (y as f32, x as f32, c as f32);
            0.5 + 0.5 * (x * 0.31 + phase + c).sin() * (y * 0.17 - c * phase).cos()
        });
        Picture::new(rgb, None).expect("a picture")
    }

    /// A job whose vectors lie on the device, which is the CPU under another name, against one whose do not.
    #[test]
    fn vectors_on_the_device_lead_to_the_same_picture() {
        let options = EngineOptions { device: Device::Cpu, threads: 2, ..Default::default() };
        let mut engine = Engine::new(&options).expect("an engine");
        let (content, style) = (picture(70, 93, 0.4), picture(64, 80, 1.9));
        let mask =
            Array2::from_shape_fn((70, 93), |(y, x)| if x < 30 { 0.0 } else { (y as f32 / 40.0).min(1.0) });
        for (masked, levels, init) in [(false, 2, Init::Content), (true, 1, Init::Recoloured)] {
            let pictures = Pictures {
                content: &content,
                styles: &[Style::new(&style)],
                mask: masked.then_some(&mask),
                init: None,
            };
            let params = Params {
                size: Some(93),
                levels: Some(levels),
                iterations: Some(12),
                tv_weight: Some(1e3),
                init: Some(init),
                preview_every: Some(5),
                ..Params::default()
            };
            let mut run = |vectors_on_device: bool| {
                engine.resources.backend.vectors_on_device = vectors_on_device;
                engine.stylise(&pictures, &params, &mut Silent, &CancelToken::new()).expect("a result")
            };
            let (on_host, on_device) = (run(false), run(true));
            let (a, b) = (&on_host.report.losses, &on_device.report.losses);
            assert_eq!(a.len(), b.len());
            // Pairs are in single precision on the device and in half precision on the host, so the results differ.
            for (at, tolerance) in [(0, 1e-5), (1, 1e-4), (2, 1e-3), (5, 2e-2), (a.len() - 1, 0.5)] {
                assert!((a[at] - b[at]).abs() < tolerance * a[at], "{at}: {} and {}", a[at], b[at]);
            }
            if masked {
                let kept = |p: &Picture| p.rgb.slice(ndarray::s![.., .., ..30]).to_owned();
                assert_eq!(kept(&on_device.picture), kept(&on_host.picture));
                continue;
            }
            // The reported loss is that of the picture as it is saved, by the other kind of objective.
            engine.resources.backend.vectors_on_device = false;
            let (score, _) = engine.score(&on_device.picture, &pictures, &params).expect("a score");
            assert!(
                (on_device.report.loss - score).abs() < 1e-3 * score,
                "{} and {score}",
                on_device.report.loss
            );
        }
    }
}
