//! The objective of a level: the model's graph with targets and weights (`inputs`, `targets`). It is computed as one graph on
//! the host or with its picture on the device, or in tiles (`tiled`).

mod inputs;
pub(crate) mod target_cache;
mod targets;
mod tiled;
mod tiles;

use std::rc::Rc;

use impasto_onnx::graph::Graph;
use impasto_onnx::{Model, Size, Spec, Term, objective, spec};
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
use crate::runtime::{self, Bound, DeviceTensor, Lease, Placement, Resident, Tensor, Value, Vectors};

/// Loss and gradient at a picture of one size.
pub(crate) struct Objective {
    way: Way,
    terms: Vec<Term>,
}

/// How it is computed.
enum Way {
    OnHost(OnHost),
    OnDevice(Box<OnDevice>),
}

impl Objective {
    /// Makes the targets and loads the objective for pictures of the content's size. With `tile` it is computed in
    /// tiles of at most so many pixels along a side, which come from and go to the computer's memory.
    pub fn new(
        resources: &Resources,
        settings: &Settings,
        wanted: &ObjectiveInputs,
        tile: Option<usize>,
        cancel: &CancelToken,
    ) -> Result<Self> {
        let spec = wanted.spec(settings);
        let targets = TargetBuilder::new(resources, cancel)?;
        let [h, w] = wanted.size();
        let tile = tile.filter(|most| h.max(w) > *most);
        let statistics = targets.styles(&spec, wanted.styles, tile)?;
        let mask = wanted.mask.map(|m| m.iter().copied().collect());
        let way = match tile {
            None if resources.backend.resident => {
                Way::OnDevice(Box::new(OnDevice::new(targets, settings, wanted, statistics)?))
            }
            None => {
                let whole = Whole::new(targets, settings, wanted, statistics)?;
                Way::OnHost(OnHost { extent: Extent::Whole(Box::new(whole)), mask })
            }
            Some(most) => {
                let tiled = Tiled::new(resources, settings, wanted, statistics, most, cancel)?;
                Way::OnHost(OnHost { extent: Extent::Tiled(Box::new(tiled)), mask })
            }
        };
        Ok(Objective { way, terms: spec.terms() })
    }

    /// What the optimiser evaluates.
    pub fn place(&mut self) -> Location<'_> {
        match &mut self.way {
            Way::OnHost(here) => Location::Host(here),
            Way::OnDevice(there) => Location::Device(there.as_mut()),
        }
    }

    /// Loss and terms of a picture [3, H, W] in 0..1.
    pub fn of(&mut self, picture: &Array3<f32>) -> Result<(f64, Vec<f64>)> {
        let picture = picture.as_standard_layout();
        let values = picture.as_slice().unwrap_or_default();
        match &mut self.way {
            Way::OnHost(here) => here.evaluate(values, &mut vec![0.0; values.len()]),
            Way::OnDevice(there) => there.of(values),
        }
    }

    /// The names of the terms, in the order of their losses.
    pub fn terms(&self) -> Vec<String> {
        self.terms.iter().map(|t| t.name.clone()).collect()
    }
}

/// An objective whose picture and gradient lie in the computer's memory.
struct OnHost {
    extent: Extent,
    /// [H·W]: where it is 0, pixels stay.
    mask: Option<Vec<f32>>,
}

enum Extent {
    Whole(Box<Whole>),
    Tiled(Box<Tiled>),
}

impl Evaluate for OnHost {
    fn evaluate(&mut self, picture: &[f32], gradient: &mut [f32]) -> Result<(f64, Vec<f64>)> {
        let losses = match &mut self.extent {
            Extent::Whole(whole) => whole.evaluate(picture, gradient)?,
            Extent::Tiled(tiled) => tiled.evaluate(picture, gradient)?,
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
    graph: Bound,
    terms: Vec<Term>,
    runs: Runs,
}

/// What the graph of an objective gets besides the picture, and its bytes.
struct GraphInputs {
    graph: Vec<u8>,
    inputs: Vec<Value>,
}

/// `impasto_onnx`'s function for the objective's graph.
type GraphBuilder = fn(&Model, &Spec, Size) -> impasto_onnx::Result<Graph>;

impl GraphInputs {
    fn new(
        targets: &TargetBuilder,
        settings: &Settings,
        wanted: &ObjectiveInputs,
        statistics: Vec<Vec<f32>>,
        of: GraphBuilder,
    ) -> Result<Self> {
        let spec = wanted.spec(settings);
        let terms = spec.terms();
        let target = |(term, values): (&Term, Vec<f32>)| Value {
            name: term.target.clone().unwrap_or_default(),
            dims: vec![values.len().isqrt(); 2],
            values,
        };
        let mut inputs: Vec<Value> = terms.iter().zip(statistics).map(target).collect();
        let part = Spec { style: Vec::new(), masked: false, regions: 0, ..spec.clone() };
        if !part.content.is_empty() {
            inputs.extend(targets.of(&part, wanted.content, None)?);
        }
        let [h, w] = wanted.size();
        let mut plane = |name: String, mask: &Array2<f32>| {
            inputs.push(Value { name, dims: vec![1, 1, h, w], values: mask.iter().copied().collect() });
        };
        if let Some(mask) = wanted.mask {
            plane("mask".to_string(), mask);
        }
        for (region, mask) in wanted.guidance.iter().flat_map(|g| &g.masks).enumerate() {
            plane(spec::region_input(region), mask);
        }
        let Resources { model, backend, .. } = targets.resources;
        for term in &terms {
            let weight = weight(model, settings, wanted.shares(), term)?;
            inputs.push(Value { name: term.weight.clone(), dims: Vec::new(), values: vec![weight] });
        }
        let graph = of(model, &spec, backend.size([h, w]))?.to_bytes("objective", "", &[]);
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
        wanted: &ObjectiveInputs,
        statistics: Vec<Vec<f32>>,
    ) -> Result<Self> {
        let parts = GraphInputs::new(&targets, settings, wanted, statistics, objective::objective)?;
        let [h, w] = wanted.size();
        let session = parts.session(&targets, settings, [h, w])?;
        let graph = Bound::new(session, "picture", &[1, 3, h, w], parts.inputs)?;
        Ok(Whole { graph, terms: wanted.spec(settings).terms(), runs: targets.runs })
    }

    fn evaluate(&mut self, picture: &[f32], gradient: &mut [f32]) -> Result<(f64, Vec<f64>)> {
        let Whole { graph, terms, runs } = self;
        let mut losses = Losses::of(terms);
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
    fn of(terms: &'a [Term]) -> Self {
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

/// The objective as one graph whose free variables and gradient stay in the device's memory.
struct OnDevice {
    graph: Resident,
    vectors: Rc<Vectors>,
    terms: Vec<Term>,
    runs: Runs,
}

impl OnDevice {
    fn new(
        targets: TargetBuilder,
        settings: &Settings,
        wanted: &ObjectiveInputs,
        statistics: Vec<Vec<f32>>,
    ) -> Result<Self> {
        let parts = GraphInputs::new(&targets, settings, wanted, statistics, objective::free_objective)?;
        let session = parts.session(&targets, settings, wanted.size())?;
        let graph = Resident::new(session, "free", "gradient", parts.inputs)?;
        let backend = targets.resources.backend.for_loss(settings.style_loss);
        let vectors = Rc::new(Vectors::new(&backend, wanted.size())?);
        Ok(OnDevice { graph, vectors, terms: wanted.spec(settings).terms(), runs: targets.runs })
    }

    /// Loss and terms of a picture.
    fn of(&mut self, picture: &[f32]) -> Result<(f64, Vec<f64>)> {
        let free = self.vectors.to_device(optimise::free_exactly(picture))?;
        let mut gradient = self.vectors.alloc()?;
        self.evaluate(&free, &mut gradient)
    }
}

impl EvaluateOnDevice for OnDevice {
    fn vectors(&self) -> Rc<Vectors> {
        Rc::clone(&self.vectors)
    }

    fn evaluate(&mut self, free: &DeviceTensor, gradient: &mut DeviceTensor) -> Result<(f64, Vec<f64>)> {
        let OnDevice { graph, terms, runs, .. } = self;
        let mut losses = Losses::of(terms);
        runs.run_resident(graph, free, gradient, &mut |name, values| losses.take(name, values))?;
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
    let wanted = ObjectiveInputs { content: picture, styles: &styles, mask: None, guidance: None };
    let statistics = targets.styles(&wanted.spec(settings), &styles, None)?;
    let resident = resources.backend.resident;
    let (input, make): (_, GraphBuilder) = match resident {
        true => ("free", objective::free_objective),
        false => ("picture", objective::objective),
    };
    let parts = GraphInputs::new(&targets, settings, &wanted, statistics, make)?;
    let (_, h, w) = picture.dim();
    let (dims, values) = ([1, 3, h, w], picture.as_standard_layout());
    let values = values.as_slice().unwrap_or_default();
    let mut inputs = vec![(input, Tensor { dims: &dims, values })];
    for Value { name, dims, values } in &parts.inputs {
        inputs.push((name, Tensor { dims, values }));
    }
    let mut placement = runtime::placement(&parts.graph, &resources.backend, &inputs)?;
    if resident {
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

    /// A job whose vectors lie on the device, which here is the CPU under another name, against one whose do not.
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
                styles: &[Style::of(&style)],
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
            let mut run = |resident: bool| {
                engine.resources.backend.resident = resident;
                engine.stylise(&pictures, &params, &mut Silent, &CancelToken::new()).expect("a result")
            };
            let (here, there) = (run(false), run(true));
            let (a, b) = (&here.report.losses, &there.report.losses);
            assert_eq!(a.len(), b.len());
            // Pairs are in single precision there and in half of it here, so the ways part.
            for (at, tolerance) in [(0, 1e-5), (1, 1e-4), (2, 1e-3), (5, 2e-2), (a.len() - 1, 0.5)] {
                assert!((a[at] - b[at]).abs() < tolerance * a[at], "{at}: {} and {}", a[at], b[at]);
            }
            if masked {
                let kept = |p: &Picture| p.rgb.slice(ndarray::s![.., .., ..30]).to_owned();
                assert_eq!(kept(&there.picture), kept(&here.picture));
                continue;
            }
            // The loss that is told is that of the picture as it is saved, by the other kind of objective.
            engine.resources.backend.resident = false;
            let (score, _) = engine.score(&there.picture, &pictures, &params).expect("a score");
            assert!((there.report.loss - score).abs() < 1e-3 * score, "{} and {score}", there.report.loss);
        }
    }
}
