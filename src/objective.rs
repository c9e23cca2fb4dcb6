//! The objective of a job: the model's graphs with the targets and weights of one content and one style
//! picture.

use std::rc::Rc;

use impasto_onnx::graph::Graph;
use impasto_onnx::{Kind, Model, Size, Spec, StyleLoss, Term, objective, spec};
use ndarray::{Array2, Array3};

use crate::engine::Engine;
use crate::error::Result;
use crate::guides::Guides;
use crate::optimise::{self, Evaluate, EvaluateThere, Place};
use crate::progress::{CancelToken, Runs};
use crate::runtime::{self, Bound, Placement, Remote, Resident, Session, Tensor, Value, Vectors};
use crate::settings::Settings;
use crate::tiled::{self, Tiled};

/// A style picture whose Gram matrices are wanted.
pub(crate) struct StyleTarget {
    /// [3, H, W] in 0..1.
    pub rgb: Array3<f32>,
    /// [H, W] in 0..1: where its style is taken; None for everywhere.
    pub mask: Option<Array2<f32>>,
    /// Its share of the target; the shares of a group sum to 1.
    pub weight: f64,
    /// The region it belongs to, counted from 0.
    pub group: usize,
}

/// What an objective is to compare a picture with.
pub(crate) struct Wanted<'a> {
    /// [3, H, W] in 0..1.
    pub content: &'a Array3<f32>,
    pub styles: &'a [StyleTarget],
    /// [H, W]: positions count by it, and where it is 0 the gradient is 0.
    pub mask: Option<&'a Array2<f32>>,
    /// Where each group of styles is painted.
    pub guides: Option<&'a Guides>,
}

impl Wanted<'_> {
    pub fn size(&self) -> [usize; 2] {
        let (_, h, w) = self.content.dim();
        [h, w]
    }

    /// The terms of the loss and what the graphs read.
    pub fn spec(&self, settings: &Settings) -> Spec {
        settings.spec(self.mask.is_some(), self.guides.map_or(0, |g| g.masks.len()))
    }

    /// How much of the style's weight falls to each region.
    pub fn shares(&self) -> &[f64] {
        self.guides.map_or(&[], |g| &g.shares)
    }
}

/// Makes targets.
struct Targets<'a> {
    engine: &'a Engine,
    cancel: CancelToken,
    runs: Runs,
}

impl<'a> Targets<'a> {
    fn new(engine: &'a Engine, cancel: &CancelToken) -> Result<Self> {
        Ok(Targets { engine, cancel: cancel.clone(), runs: Runs::new(cancel)? })
    }

    /// What the features model gives for a picture.
    fn of(&self, spec: &Spec, picture: &Array3<f32>, mask: Option<&Array2<f32>>) -> Result<Vec<Value>> {
        let Engine { model, backend, .. } = self.engine;
        let (_, h, w) = picture.dim();
        let graph = objective::features(model, spec, backend.size([h, w]))?.to_bytes("features", "", &[]);
        let mut session = Session::new(&graph, &backend.for_loss(spec.style_loss))?;
        let (picture, mask) = (picture.as_standard_layout(), mask.map(|m| m.as_standard_layout()));
        let values = picture.as_slice().unwrap_or_default();
        let (dims, mask_dims) = ([1, 3, h, w], [1, 1, h, w]);
        let mut given = vec![("picture", Tensor { dims: &dims, values })];
        if let Some(mask) = &mask {
            given.push(("mask", Tensor { dims: &mask_dims, values: mask.as_slice().unwrap_or_default() }));
        }
        self.runs.run(&mut session, &given)
    }

    /// The statistics that are wanted, one for each style term, region by region; of pictures in tiles if there is a
    /// `tile`.
    fn styles(&self, spec: &Spec, styles: &[StyleTarget], tile: Option<usize>) -> Result<Vec<Vec<f32>>> {
        let spec = Spec { content: Vec::new(), regions: 0, ..spec.clone() };
        let mut all = Vec::new();
        if spec.style.is_empty() {
            return Ok(all);
        }
        let groups = styles.iter().map(|s| s.group + 1).max().unwrap_or(0);
        for group in 0..groups {
            all.extend(self.mean(&spec, styles.iter().filter(|s| s.group == group), tile)?);
        }
        Ok(all)
    }

    /// The mean of styles' statistics by their shares, one for each style tap. The sum of the losses against each Gram
    /// matrix, with its share, differs from the loss against that mean by a constant, so both have the same minimum;
    /// moments are those of a picture that has parts of all styles.
    fn mean<'s>(
        &self,
        spec: &Spec,
        styles: impl Iterator<Item = &'s StyleTarget>,
        tile: Option<usize>,
    ) -> Result<Vec<Vec<f32>>> {
        let mut mean: Vec<Vec<f32>> = Vec::new();
        for style in styles {
            let mut grams: Vec<Vec<f32>> = match tile {
                Some(most) => {
                    let mask = style.mask.as_ref().map(|m| m.iter().copied().collect::<Vec<f32>>());
                    tiled::statistics(self.engine, spec, &style.rgb, mask.as_deref(), most, &self.cancel)?
                }
                None => {
                    let spec = Spec { masked: style.mask.is_some(), ..spec.clone() };
                    let grams = self.of(&spec, &style.rgb, style.mask.as_ref())?;
                    grams.into_iter().map(|g| g.values).collect()
                }
            };
            let share = style.weight as f32;
            grams.iter_mut().flatten().for_each(|v| *v *= share);
            if mean.is_empty() {
                mean = grams;
                continue;
            }
            for (sum, gram) in mean.iter_mut().zip(grams) {
                sum.iter_mut().zip(gram).for_each(|(s, v)| *s += v);
            }
        }
        Ok(mean)
    }
}

/// Loss and gradient at a picture of one size.
pub(crate) struct Objective {
    form: Form,
    terms: Vec<Term>,
}

/// How it is computed.
enum Form {
    Here(Here),
    There(Box<There>),
}

impl Objective {
    /// Makes the targets and loads the objective for pictures of the content's size. With `tile` it is computed in
    /// tiles of at most so many pixels along a side, which come from and go to the computer's memory.
    pub fn new(
        engine: &Engine,
        settings: &Settings,
        wanted: &Wanted,
        tile: Option<usize>,
        cancel: &CancelToken,
    ) -> Result<Self> {
        let spec = wanted.spec(settings);
        let targets = Targets::new(engine, cancel)?;
        let [h, w] = wanted.size();
        let tile = tile.filter(|most| h.max(w) > *most);
        let statistics = targets.styles(&spec, wanted.styles, tile)?;
        let mask = wanted.mask.map(|m| m.iter().copied().collect());
        let form = match tile {
            None if engine.backend.resident => {
                Form::There(Box::new(There::new(targets, settings, wanted, statistics)?))
            }
            None => {
                let whole = Whole::new(targets, settings, wanted, statistics)?;
                Form::Here(Here { extent: Extent::Whole(Box::new(whole)), mask })
            }
            Some(most) => {
                let tiled = Tiled::new(engine, settings, wanted, statistics, most, cancel)?;
                Form::Here(Here { extent: Extent::Tiled(Box::new(tiled)), mask })
            }
        };
        Ok(Objective { form, terms: spec.terms() })
    }

    /// What the optimiser evaluates.
    pub fn place(&mut self) -> Place<'_> {
        match &mut self.form {
            Form::Here(here) => Place::Here(here),
            Form::There(there) => Place::There(there.as_mut()),
        }
    }

    /// Loss and terms of a picture [3, H, W] in 0..1.
    pub fn of(&mut self, picture: &Array3<f32>) -> Result<(f64, Vec<f64>)> {
        let picture = picture.as_standard_layout();
        let values = picture.as_slice().unwrap_or_default();
        match &mut self.form {
            Form::Here(here) => here.evaluate(values, &mut vec![0.0; values.len()]),
            Form::There(there) => there.of(values),
        }
    }

    /// The names of the terms, in the order of their losses.
    pub fn terms(&self) -> Vec<String> {
        self.terms.iter().map(|t| t.name.clone()).collect()
    }
}

/// An objective whose picture and gradient lie in the computer's memory.
struct Here {
    extent: Extent,
    /// [H·W]: where it is 0, pixels stay.
    mask: Option<Vec<f32>>,
}

enum Extent {
    Whole(Box<Whole>),
    Tiled(Box<Tiled>),
}

impl Evaluate for Here {
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
struct Parts {
    graph: Vec<u8>,
    inputs: Vec<Value>,
}

/// `impasto_onnx`'s function for the objective's graph.
type Make = fn(&Model, &Spec, Size) -> impasto_onnx::Result<Graph>;

impl Parts {
    fn new(
        targets: &Targets,
        settings: &Settings,
        wanted: &Wanted,
        statistics: Vec<Vec<f32>>,
        of: Make,
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
        for (region, mask) in wanted.guides.iter().flat_map(|g| &g.masks).enumerate() {
            plane(spec::region_input(region), mask);
        }
        let Engine { model, backend, .. } = targets.engine;
        for term in &terms {
            let weight = weight(model, settings, wanted.shares(), term)?;
            inputs.push(Value { name: term.weight.clone(), dims: Vec::new(), values: vec![weight] });
        }
        let graph = of(model, &spec, backend.size([h, w]))?.to_bytes("objective", "", &[]);
        Ok(Parts { graph, inputs })
    }
}

impl Whole {
    fn new(
        targets: Targets,
        settings: &Settings,
        wanted: &Wanted,
        statistics: Vec<Vec<f32>>,
    ) -> Result<Self> {
        let parts = Parts::new(&targets, settings, wanted, statistics, objective::objective)?;
        let backend = targets.engine.backend.for_loss(settings.style_loss);
        let session = Session::new(&parts.graph, &backend)?;
        let [h, w] = wanted.size();
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
struct There {
    graph: Resident,
    vectors: Rc<Vectors>,
    terms: Vec<Term>,
    runs: Runs,
}

impl There {
    fn new(
        targets: Targets,
        settings: &Settings,
        wanted: &Wanted,
        statistics: Vec<Vec<f32>>,
    ) -> Result<Self> {
        let parts = Parts::new(&targets, settings, wanted, statistics, objective::free_objective)?;
        let backend = targets.engine.backend.for_loss(settings.style_loss);
        let session = Session::new(&parts.graph, &backend)?;
        let graph = Resident::new(session, "free", "gradient", parts.inputs)?;
        let vectors = Rc::new(Vectors::new(&backend, wanted.size())?);
        Ok(There { graph, vectors, terms: wanted.spec(settings).terms(), runs: targets.runs })
    }

    /// Loss and terms of a picture.
    fn of(&mut self, picture: &[f32]) -> Result<(f64, Vec<f64>)> {
        let free = self.vectors.there(optimise::free_exactly(picture))?;
        let mut gradient = self.vectors.room()?;
        self.evaluate(&free, &mut gradient)
    }
}

impl EvaluateThere for There {
    fn vectors(&self) -> Rc<Vectors> {
        Rc::clone(&self.vectors)
    }

    fn evaluate(&mut self, free: &Remote, gradient: &mut Remote) -> Result<(f64, Vec<f64>)> {
        let There { graph, terms, runs, .. } = self;
        let mut losses = Losses::of(terms);
        runs.run_resident(graph, free, gradient, &mut |name, values| losses.take(name, values))?;
        Ok(losses.done())
    }
}

/// Which providers run the nodes of the objective, and of what the optimiser computes on the device, for a content
/// picture that is its own style.
pub(crate) fn placement(engine: &Engine, settings: &Settings, picture: &Array3<f32>) -> Result<Placement> {
    let targets = Targets::new(engine, &CancelToken::new())?;
    let styles = [StyleTarget { rgb: picture.clone(), mask: None, weight: 1.0, group: 0 }];
    let wanted = Wanted { content: picture, styles: &styles, mask: None, guides: None };
    let statistics = targets.styles(&wanted.spec(settings), &styles, None)?;
    let resident = engine.backend.resident;
    let (input, make): (_, Make) = match resident {
        true => ("free", objective::free_objective),
        false => ("picture", objective::objective),
    };
    let parts = Parts::new(&targets, settings, &wanted, statistics, make)?;
    let (_, h, w) = picture.dim();
    let (dims, values) = ([1, 3, h, w], picture.as_standard_layout());
    let values = values.as_slice().unwrap_or_default();
    let mut inputs = vec![(input, Tensor { dims: &dims, values })];
    for Value { name, dims, values } in &parts.inputs {
        inputs.push((name, Tensor { dims, values }));
    }
    let mut placement = runtime::placement(&parts.graph, &engine.backend, &inputs)?;
    if resident {
        for (provider, nodes) in runtime::vectors_placement(&engine.backend, &dims, values)? {
            *placement.entry(provider).or_default() += nodes;
        }
    }
    Ok(placement)
}

/// With moments, what every style loss is multiplied with: so much that they weigh as much against the content as the
/// Gram matrices' losses do with the same parameters (docs/measuring.md).
const MOMENTS: f64 = 1e7;

/// The weight of a term's loss. `shares` are those of the regions.
pub(crate) fn weight(model: &Model, settings: &Settings, shares: &[f64], term: &Term) -> Result<f32> {
    let of_tap = settings.tap_weight(term);
    Ok(match term.kind {
        Kind::Style(region) => {
            let reference = match settings.style_loss {
                StyleLoss::Gram => f64::from(model.reference_style_weight(model.tap(&term.tap)?)),
                StyleLoss::Moments => MOMENTS,
            };
            let share = region.and_then(|r| shares.get(r)).copied().unwrap_or(1.0);
            reference * settings.style_factor() * of_tap * share
        }
        Kind::Content => {
            let tap = model.tap(&term.tap)?;
            f64::from(model.reference_content_weight(tap)) * settings.content_factor(tap) * of_tap
        }
        Kind::TotalVariation => settings.tv_weight,
    } as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Pictures, Style};
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
                engine.backend.resident = resident;
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
            engine.backend.resident = false;
            let (score, _) = engine.score(&there.picture, &pictures, &params).expect("a score");
            assert!((there.report.loss - score).abs() < 1e-3 * score, "{} and {score}", there.report.loss);
        }
    }
}
