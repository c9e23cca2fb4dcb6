//! A job: pictures and parameters in, a stylised picture out.

use std::path::Path;
use std::time::Instant;

use impasto_onnx::Model;
use ndarray::Array3;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::models;
use crate::objective::{Objective, Place};
use crate::optimise::{self, Evaluate, Step};
use crate::params::{Init, Params, Settings};
use crate::picture::{Picture, write_atomically};
use crate::progress::{CancelToken, Progress, Sink};
use crate::runtime::{self, Device};
use crate::start;

/// A model on a device. It is loaded once and runs any number of jobs.
pub struct Engine {
    model: Model,
    device: Device,
    pool: rayon::ThreadPool,
    threads: usize,
}

/// The pictures of a job.
pub struct Pictures<'a> {
    /// What to repaint.
    pub content: &'a Picture,
    /// How.
    pub style: &'a Picture,
    /// Where to start, for [`Init::Picture`].
    pub init: Option<&'a Picture>,
}

/// The result of a job.
pub struct Stylised {
    /// The picture, with the content picture's alpha, profile and depth.
    pub picture: Picture,
    /// How it came about.
    pub report: Report,
}

/// How a job went; the command writes it as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of the program.
    pub version: &'static str,
    /// The model's name.
    pub model: String,
    /// What is known of its weights.
    pub provenance: String,
    /// The device that was used.
    pub device: String,
    /// Threads on the CPU.
    pub threads: usize,
    /// ONNX Runtime's file.
    pub onnxruntime: String,
    /// The parameters with nothing left out.
    pub settings: Settings,
    /// Height and width of the result.
    pub size: [usize; 2],
    /// The loss of the picture as it is saved, with its rounding to 8 or 16 bits.
    pub loss: f64,
    /// The loss of the picture that the optimisation started from.
    pub first_loss: f64,
    /// The names of the loss's terms.
    pub terms: Vec<String>,
    /// The loss of each evaluation.
    pub losses: Vec<f64>,
    /// The terms of each of those losses, weighted.
    pub term_losses: Vec<Vec<f64>>,
    /// How often L-BFGS started anew.
    pub restarts: usize,
    /// Whether it ended early because nothing lowers the loss any more.
    pub converged: bool,
    /// Whether it was cancelled; the picture is then the best so far.
    pub cancelled: bool,
    /// Where the time went.
    pub seconds: Seconds,
}

/// Wall-clock seconds.
#[derive(Clone, Debug, Serialize)]
pub struct Seconds {
    /// Resizing, making targets, loading graphs.
    pub preparing: f64,
    /// All of the optimisation.
    pub optimising: f64,
    /// The part of that spent in ONNX Runtime.
    pub evaluating: f64,
}

impl Report {
    /// Writes the report as JSON.
    pub fn write(&self, path: &Path) -> Result<()> {
        let failed =
            |e: serde_json::Error| Error::Output { path: path.to_path_buf(), problem: e.to_string() };
        write_atomically(path, serde_json::to_string_pretty(self).map_err(failed)?.as_bytes())
    }
}

impl Engine {
    /// Loads a model, by name or path, for a device. `threads` 0 means one per core.
    pub fn new(model: &str, device: Device, threads: usize) -> Result<Self> {
        const MOST: usize = 1024;
        if threads > MOST {
            return Err(Error::Parameters(format!(
                "threads: {threads} is out of range; expected 0 to {MOST}"
            )));
        }
        let model = models::open(model)?;
        let device = runtime::resolve(device)?;
        runtime::load()?;
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        let threads = if threads == 0 { cores } else { threads };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("impasto-{i}"))
            .build()
            .map_err(|e| Error::Runtime(format!("the threads cannot be started: {e}")))?;
        Ok(Engine { model, device, pool, threads })
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The device that was chosen.
    pub fn device(&self) -> Device {
        self.device
    }

    /// Runs a job. If it is cancelled after the first evaluation, the result is the best picture so far
    /// and says so; before that it is [`Error::Cancelled`].
    pub fn stylise(
        &self,
        pictures: &Pictures,
        params: &Params,
        sink: &mut (dyn Sink + Send),
        cancel: &CancelToken,
    ) -> Result<Stylised> {
        self.pool.install(|| self.run(pictures, params, sink, cancel))
    }

    /// The objective of a finished picture, whatever made it, as the job with these parameters and
    /// pictures would count it: total, then (name, value) of each term.
    pub fn score(
        &self,
        picture: &Picture,
        pictures: &Pictures,
        params: &Params,
    ) -> Result<(f64, Vec<(String, f64)>)> {
        let settings = params.resolve(&self.model)?;
        let (h, w) = (picture.height(), picture.width());
        let content = pictures.content.resized(h, w)?;
        let style = self.style(pictures, &settings)?;
        let mut objective = self.objective(&settings, &content.rgb, &style, &CancelToken::new())?;
        let (loss, terms) = evaluate(&mut objective, &picture.rgb)?;
        Ok((loss, objective.terms().into_iter().zip(terms).collect()))
    }

    fn style(&self, pictures: &Pictures, settings: &Settings) -> Result<Array3<f32>> {
        let (h, w) = pictures.style.size_for(settings.style_size);
        Ok(pictures.style.resized(h, w)?.rgb)
    }

    fn objective(
        &self,
        settings: &Settings,
        content: &Array3<f32>,
        style: &Array3<f32>,
        cancel: &CancelToken,
    ) -> Result<Objective> {
        let place = Place { device: self.device, threads: self.threads };
        Objective::new(&self.model, settings, content, style, place, cancel)
    }

    fn run(
        &self,
        pictures: &Pictures,
        params: &Params,
        sink: &mut (dyn Sink + Send),
        cancel: &CancelToken,
    ) -> Result<Stylised> {
        let begun = Instant::now();
        let settings = params.resolve(&self.model)?;
        sink.phase("preparing");
        let (h, w) = pictures.content.size_for(settings.size);
        let content = pictures.content.resized(h, w)?;
        let style = self.style(pictures, &settings)?;
        let from = match (settings.init, pictures.init) {
            (Init::Content, _) => content.rgb.clone(),
            (Init::Recoloured, _) => start::recoloured(&content.rgb, &style),
            (Init::Noise, _) => start::noise(h, w, settings.seed)?,
            (Init::Picture, Some(picture)) => picture.resized(h, w)?.rgb,
            (Init::Picture, None) => {
                return Err(Error::Parameters("init: 'picture' needs a picture to start from".into()));
            }
        };
        let mut objective = self.objective(&settings, &content.rgb, &style, cancel)?;
        let preparing = begun.elapsed().as_secs_f64();

        sink.phase("optimising");
        let begun = Instant::now();
        let planned = settings.iterations;
        let with = |values: &[f32]| -> Picture {
            let mut picture = content.clone();
            picture.rgb.iter_mut().zip(values).for_each(|(to, from)| *to = *from);
            picture
        };
        let mut watch = |step: &Step| {
            let seconds = begun.elapsed().as_secs_f64();
            let each = seconds / step.evaluations as f64;
            sink.progress(&Progress {
                evaluations: step.evaluations,
                planned,
                loss: step.loss,
                terms: step.terms.to_vec(),
                seconds,
                seconds_left: each * planned.saturating_sub(step.evaluations) as f64,
            });
            if settings.preview_every.is_some_and(|n| step.evaluations.is_multiple_of(n)) {
                sink.preview(step.evaluations, &with(step.best));
            }
            !cancel.is_cancelled()
        };
        let from = from.as_standard_layout();
        let options = optimise::Options { evaluations: planned };
        let outcome =
            optimise::minimise(&mut objective, from.as_slice().unwrap_or_default(), &options, &mut watch)?;
        let optimising = begun.elapsed().as_secs_f64();

        let mut picture = with(&outcome.picture);
        picture.rgb = picture.quantised();
        let lowest = outcome.losses.iter().copied().fold(f64::INFINITY, f64::min);
        // A job that was told to stop does not compute any more; its loss is that before rounding.
        let loss = if outcome.stopped { lowest } else { evaluate(&mut objective, &picture.rgb)?.0 };
        let report = Report {
            version: env!("CARGO_PKG_VERSION"),
            model: self.model.manifest.name.clone(),
            provenance: self.model.manifest.provenance.clone(),
            device: self.device.to_string(),
            threads: self.threads,
            onnxruntime: runtime::load()?.display().to_string(),
            size: [h, w],
            loss,
            first_loss: outcome.losses.first().copied().unwrap_or(f64::NAN),
            terms: objective.terms(),
            losses: outcome.losses,
            term_losses: outcome.terms,
            restarts: outcome.restarts,
            converged: outcome.converged,
            cancelled: outcome.stopped,
            seconds: Seconds { preparing, optimising, evaluating: outcome.evaluating },
            settings,
        };
        Ok(Stylised { picture, report })
    }
}

fn evaluate(objective: &mut Objective, picture: &Array3<f32>) -> Result<(f64, Vec<f64>)> {
    let picture = picture.as_standard_layout();
    let mut gradient = vec![0.0; picture.len()];
    objective.evaluate(picture.as_slice().unwrap_or_default(), &mut gradient)
}
