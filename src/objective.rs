//! The objective of a job: the model's graphs with the targets and weights of one content and one style
//! picture.

use std::sync::Arc;

use impasto_onnx::{Model, Spec, Term, objective};
use ndarray::Array3;
use ort::session::RunOptions;

use crate::error::{Error, Result};
use crate::optimise::Evaluate;
use crate::params::Settings;
use crate::progress::CancelToken;
use crate::runtime::{Device, Session, Tensor};

/// What to compute on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub device: Device,
    pub threads: usize,
}

struct Input {
    name: String,
    dims: Vec<usize>,
    values: Vec<f32>,
}

/// Loss and gradient at a picture of one size.
pub(crate) struct Objective {
    session: Session,
    size: (usize, usize),
    terms: Vec<Term>,
    inputs: Vec<Input>,
    /// Places of loss, gradient and terms among the outputs.
    loss: usize,
    gradient: usize,
    losses: Vec<usize>,
    cancel: CancelToken,
    stop: Arc<RunOptions>,
}

impl Objective {
    /// Makes the targets from `content` and `style`, [3, H, W] in 0..1, and loads the objective.
    pub fn new(
        model: &Model,
        settings: &Settings,
        content: &Array3<f32>,
        style: &Array3<f32>,
        place: Place,
        cancel: &CancelToken,
    ) -> Result<Self> {
        let spec = settings.spec();
        let terms = spec.terms();
        let stop = RunOptions::new().map_err(|e| Error::Runtime(e.message().to_string()))?;
        let stop = Arc::new(stop);
        let mut inputs = Vec::new();
        for (picture, part) in [
            (style, Spec { content: Vec::new(), ..spec.clone() }),
            (content, Spec { style: Vec::new(), ..spec.clone() }),
        ] {
            if part.style.is_empty() && part.content.is_empty() {
                continue;
            }
            let graph = objective::features(model, &part)?.to_bytes("features", "", &[]);
            let mut session = Session::new(&graph, place.device, place.threads)?;
            let (_, h, w) = picture.dim();
            let values = picture.as_standard_layout();
            let values = values.as_slice().unwrap_or_default();
            let _watch = cancel.watch(&stop);
            let outputs = session.run(&[("picture", Tensor { dims: &[1, 3, h, w], values })], Some(&stop));
            let outputs = outputs.map_err(|e| if cancel.is_cancelled() { Error::Cancelled } else { e })?;
            inputs.extend(outputs.into_iter().map(|o| Input {
                name: o.name,
                dims: o.dims,
                values: o.values,
            }));
        }
        for term in &terms {
            let weight = weight(model, settings, term)?;
            inputs.push(Input { name: term.weight.clone(), dims: Vec::new(), values: vec![weight] });
        }
        let (_, h, w) = content.dim();
        // A graph of a known size is written for the CPU's layouts.
        let size = (place.device == Device::Cpu).then_some([h, w]);
        let graph = objective::objective(model, &spec, size)?.to_bytes("objective", "", &[]);
        let session = Session::new(&graph, place.device, place.threads)?;
        let names = session.outputs();
        let find = |name: &str| {
            names
                .iter()
                .position(|n| n == name)
                .ok_or_else(|| Error::Runtime(format!("the objective has no output '{name}'")))
        };
        let losses = terms.iter().map(|t| find(&t.loss)).collect::<Result<_>>()?;
        Ok(Objective {
            loss: find("loss")?,
            gradient: find("gradient")?,
            losses,
            session,
            size: (h, w),
            terms,
            inputs,
            cancel: cancel.clone(),
            stop,
        })
    }

    /// The names of the terms, in the order of their losses.
    pub fn terms(&self) -> Vec<String> {
        self.terms.iter().map(|t| t.name.clone()).collect()
    }
}

impl Evaluate for Objective {
    fn evaluate(&mut self, picture: &[f32], gradient: &mut [f32]) -> Result<(f64, Vec<f64>)> {
        if self.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let (h, w) = self.size;
        let dims = [1, 3, h, w];
        let mut inputs = vec![("picture", Tensor { dims: &dims, values: picture })];
        inputs.extend(
            self.inputs.iter().map(|i| (i.name.as_str(), Tensor { dims: &i.dims, values: &i.values })),
        );
        let _watch = self.cancel.watch(&self.stop);
        let outputs = match self.session.run(&inputs, Some(&self.stop)) {
            Err(_) if self.cancel.is_cancelled() => return Err(Error::Cancelled),
            other => other?,
        };
        let scalar = |at: usize| outputs[at].values.first().copied().map_or(f64::NAN, f64::from);
        gradient.copy_from_slice(&outputs[self.gradient].values);
        Ok((scalar(self.loss), self.losses.iter().map(|&at| scalar(at)).collect()))
    }
}

fn weight(model: &Model, settings: &Settings, term: &Term) -> Result<f32> {
    let (reference, factor) = match term.name.split_once('/') {
        Some(("style", tap)) => (model.reference_style_weight(model.tap(tap)?), settings.style_weight),
        Some(("content", tap)) => {
            let tap = model.tap(tap)?;
            (model.reference_content_weight(tap), settings.content_factor(tap))
        }
        _ => (1.0, settings.tv_weight),
    };
    Ok((reference as f64 * factor) as f32)
}
