//! The objective of a job: the model's graphs with the targets and weights of one content and one style
//! picture.

use impasto_onnx::{Model, Spec, Term, objective};
use ndarray::{Array2, Array3};

use crate::engine::Engine;
use crate::error::Result;
use crate::optimise::Evaluate;
use crate::params::Settings;
use crate::progress::{CancelToken, Runs};
use crate::runtime::{self, Bound, Device, Placement, Session, Tensor, Value};
use crate::tiled::{self, Tiled};

/// A style picture whose Gram matrices are wanted.
pub(crate) struct StyleTarget {
    /// [3, H, W] in 0..1.
    pub rgb: Array3<f32>,
    /// [H, W] in 0..1: where its style is taken; None for everywhere.
    pub mask: Option<Array2<f32>>,
    /// Its share of the target; the shares of a job sum to 1.
    pub weight: f64,
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
        let graph = objective::features(model, spec, None)?.to_bytes("features", "", &[]);
        let mut session = Session::new(&graph, backend)?;
        let (_, h, w) = picture.dim();
        let (picture, mask) = (picture.as_standard_layout(), mask.map(|m| m.as_standard_layout()));
        let values = picture.as_slice().unwrap_or_default();
        let (dims, mask_dims) = ([1, 3, h, w], [1, 1, h, w]);
        let mut given = vec![("picture", Tensor { dims: &dims, values })];
        if let Some(mask) = &mask {
            given.push(("mask", Tensor { dims: &mask_dims, values: mask.as_slice().unwrap_or_default() }));
        }
        self.runs.run(&mut session, &given)
    }

    /// The mean of the styles' Gram matrices by their shares, one for each style tap; of pictures in tiles if there
    /// is a `tile`. The sum of style losses, each with its share, differs from the loss against that mean by a
    /// constant, so both have the same minimum.
    fn styles(&self, spec: &Spec, styles: &[StyleTarget], tile: Option<usize>) -> Result<Vec<Vec<f32>>> {
        let spec = Spec { content: Vec::new(), ..spec.clone() };
        let mut mean: Vec<Vec<f32>> = Vec::new();
        if spec.style.is_empty() {
            return Ok(mean);
        }
        for style in styles {
            let mut grams: Vec<Vec<f32>> = match tile {
                Some(most) => {
                    let mask = style.mask.as_ref().map(|m| m.iter().copied().collect::<Vec<f32>>());
                    tiled::grams(self.engine, &spec, &style.rgb, mask.as_deref(), most, &self.cancel)?
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
    /// [H·W]: where it is 0, pixels stay.
    mask: Option<Vec<f32>>,
}

/// How it is computed.
enum Form {
    Whole(Box<Whole>),
    Tiled(Box<Tiled>),
}

impl Objective {
    /// Makes the targets from `content`, [3, H, W] in 0..1, and the styles, and loads the objective for
    /// pictures of the content's size. With a mask [H, W] positions count by it, and where it is 0 the
    /// gradient is 0. With `tile` it is computed in tiles of at most so many pixels along a side.
    pub fn new(
        engine: &Engine,
        settings: &Settings,
        content: &Array3<f32>,
        styles: &[StyleTarget],
        mask: Option<&Array2<f32>>,
        tile: Option<usize>,
        cancel: &CancelToken,
    ) -> Result<Self> {
        let mask = mask.map(|m| m.iter().copied().collect::<Vec<f32>>());
        let spec = settings.spec(mask.is_some());
        let targets = Targets::new(engine, cancel)?;
        let (_, h, w) = content.dim();
        let tile = tile.filter(|most| h.max(w) > *most);
        let grams = targets.styles(&spec, styles, tile)?;
        let form = match tile {
            Some(most) => {
                let tiled = Tiled::new(engine, settings, content, grams, mask.as_deref(), most, cancel)?;
                Form::Tiled(Box::new(tiled))
            }
            None => Form::Whole(Box::new(Whole::new(targets, settings, content, grams, mask.as_deref())?)),
        };
        Ok(Objective { form, terms: spec.terms(), mask })
    }

    /// The names of the terms, in the order of their losses.
    pub fn terms(&self) -> Vec<String> {
        self.terms.iter().map(|t| t.name.clone()).collect()
    }
}

impl Evaluate for Objective {
    fn evaluate(&mut self, picture: &[f32], gradient: &mut [f32]) -> Result<(f64, Vec<f64>)> {
        let losses = match &mut self.form {
            Form::Whole(whole) => whole.evaluate(picture, gradient)?,
            Form::Tiled(tiled) => tiled.evaluate(picture, gradient)?,
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

impl Parts {
    fn new(
        targets: &Targets,
        settings: &Settings,
        content: &Array3<f32>,
        grams: Vec<Vec<f32>>,
        mask: Option<&[f32]>,
    ) -> Result<Self> {
        let spec = settings.spec(mask.is_some());
        let terms = spec.terms();
        let target = |(term, values): (&Term, Vec<f32>)| Value {
            name: term.target.clone().unwrap_or_default(),
            dims: vec![values.len().isqrt(); 2],
            values,
        };
        let mut inputs: Vec<Value> = terms.iter().zip(grams).map(target).collect();
        let part = Spec { style: Vec::new(), masked: false, ..spec.clone() };
        if !part.content.is_empty() {
            inputs.extend(targets.of(&part, content, None)?);
        }
        let (_, h, w) = content.dim();
        if let Some(mask) = mask {
            inputs.push(Value { name: "mask".to_string(), dims: vec![1, 1, h, w], values: mask.to_vec() });
        }
        let Engine { model, backend, .. } = targets.engine;
        for term in &terms {
            let weight = weight(model, settings, term)?;
            inputs.push(Value { name: term.weight.clone(), dims: Vec::new(), values: vec![weight] });
        }
        // A graph of a known size is written for the CPU's layouts.
        let size = (backend.device == Device::Cpu).then_some([h, w]);
        let graph = objective::objective(model, &spec, size)?.to_bytes("objective", "", &[]);
        Ok(Parts { graph, inputs })
    }
}

impl Whole {
    fn new(
        targets: Targets,
        settings: &Settings,
        content: &Array3<f32>,
        grams: Vec<Vec<f32>>,
        mask: Option<&[f32]>,
    ) -> Result<Self> {
        let parts = Parts::new(&targets, settings, content, grams, mask)?;
        let session = Session::new(&parts.graph, &targets.engine.backend)?;
        let (_, h, w) = content.dim();
        let graph = Bound::new(session, "picture", &[1, 3, h, w], parts.inputs)?;
        Ok(Whole { graph, terms: settings.spec(mask.is_some()).terms(), runs: targets.runs })
    }

    fn evaluate(&mut self, picture: &[f32], gradient: &mut [f32]) -> Result<(f64, Vec<f64>)> {
        let Whole { graph, terms, runs } = self;
        let (mut loss, mut losses) = (f64::NAN, vec![f64::NAN; terms.len()]);
        runs.run_bound(graph, picture, &mut |name, values| {
            let scalar = || values.first().copied().map_or(f64::NAN, f64::from);
            match name {
                "gradient" => gradient.copy_from_slice(values),
                "loss" => loss = scalar(),
                _ => {
                    if let Some(at) = terms.iter().position(|t| t.loss == name) {
                        losses[at] = scalar();
                    }
                }
            }
        })?;
        Ok((loss, losses))
    }
}

/// Which providers run the nodes of the objective for a content picture that is its own style.
pub(crate) fn placement(engine: &Engine, settings: &Settings, picture: &Array3<f32>) -> Result<Placement> {
    let targets = Targets::new(engine, &CancelToken::new())?;
    let style = StyleTarget { rgb: picture.clone(), mask: None, weight: 1.0 };
    let grams = targets.styles(&settings.spec(false), &[style], None)?;
    let parts = Parts::new(&targets, settings, picture, grams, None)?;
    let (_, h, w) = picture.dim();
    let (dims, values) = ([1, 3, h, w], picture.as_standard_layout());
    let values = values.as_slice().unwrap_or_default();
    let mut inputs = vec![("picture", Tensor { dims: &dims, values })];
    for Value { name, dims, values } in &parts.inputs {
        inputs.push((name, Tensor { dims, values }));
    }
    runtime::placement(&parts.graph, &engine.backend, &inputs)
}

/// The weight of a term's loss.
pub(crate) fn weight(model: &Model, settings: &Settings, term: &Term) -> Result<f32> {
    let (reference, factor) = match term.name.split_once('/') {
        Some(("style", tap)) => (model.reference_style_weight(model.tap(tap)?), settings.style_factor()),
        Some(("content", tap)) => {
            let tap = model.tap(tap)?;
            (model.reference_content_weight(tap), settings.content_factor(tap))
        }
        _ => (1.0, settings.tv_weight),
    };
    Ok((reference as f64 * factor) as f32)
}
