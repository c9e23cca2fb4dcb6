//! The engine: a model on a device, ready for jobs.

use impasto_onnx::Model;
use ndarray::Array3;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::inputs::{Pictures, Style, StyleShape};
use crate::job::{self, Plan, Stylised};
use crate::models;
use crate::objective;
use crate::objective::target_cache::TargetCache;
use crate::optimise::Threads;
use crate::params::{self, Params};
use crate::picture::Picture;
use crate::progress::{CancelToken, Sink};
use crate::report::saved_state::WarmStart;
use crate::resources::Resources;
use crate::runtime::{self, Backend, Device, Placement, SessionCache};
use crate::styles;
use crate::trial;

/// What an engine is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineOptions {
    /// A name from [`models::list`], or the path of a `.safetensors` or `.onnx` file.
    pub model: String,
    /// What to compute on.
    pub device: Device,
    /// Threads on the CPU, 0..=1024; 0 means one per core.
    pub threads: usize,
    /// The most bytes that a job may need, and its graphs on a card; left out, most of what the system has free
    /// when it begins.
    pub memory: Option<u64>,
    /// Whether a card may compute convolutions with TF32, which is faster and rounds their factors to 10 bits.
    pub tf32: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        let model = models::DEFAULT.to_string();
        EngineOptions { model, device: Device::Auto, threads: 0, memory: None, tf32: true }
    }
}

impl EngineOptions {
    /// Reads options from JSON. A field that is not known is refused by name.
    pub fn from_json(text: &str) -> Result<Self> {
        params::object(text)
            .map_err(|problem| Error::Parameters(format!("the engine's options cannot be read: {problem}")))
    }
}

/// A model on a device. It is loaded once and runs any number of jobs, also at the same time.
pub struct Engine {
    pub(crate) resources: Resources,
}

impl Engine {
    /// Loads the model and opens the device.
    pub fn new(options: &EngineOptions) -> Result<Self> {
        const MOST: usize = 1024;
        if options.threads > MOST {
            return Err(Error::Parameters(format!(
                "threads: {} is out of range; expected 0 to {MOST}",
                options.threads
            )));
        }
        let model = models::open(&options.model)?;
        let device = runtime::resolve(options.device)?;
        runtime::load()?;
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        let threads = if options.threads == 0 { cores } else { options.threads };
        let resources = Resources {
            model,
            backend: Backend { threads, tf32: options.tf32, memory: options.memory, ..Backend::new(device) },
            budget: options.memory,
            threads: Threads::new(threads)?,
            sessions: SessionCache::default(),
            targets: TargetCache::default(),
        };
        if device != Device::WebGpu {
            return Ok(Engine { resources });
        }
        match (trial::check(&resources), options.device) {
            (Ok(()), Device::Auto) if trial::is_faster(&resources).unwrap_or(false) => {
                Ok(Engine { resources })
            }
            (tried, Device::Auto) => {
                if let Err(problem) = tried {
                    tracing::warn!("{problem}; the processor is used");
                }
                Engine::new(&EngineOptions { device: Device::Cpu, ..options.clone() })
            }
            (tried, _) => tried.map(|()| Engine { resources }),
        }
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.resources.model
    }

    /// The device that was chosen.
    pub fn device(&self) -> Device {
        self.resources.backend.device
    }

    /// How many threads compute on the CPU.
    pub fn threads(&self) -> usize {
        self.resources.backend.threads
    }

    /// Runs a job. If it is cancelled after the first evaluation, the result is the best picture so far
    /// and says so; before that it is [`Error::Cancelled`].
    pub fn stylise(
        &self,
        pictures: &Pictures,
        params: &Params,
        sink: &mut dyn Sink,
        cancel: &CancelToken,
    ) -> Result<Stylised> {
        self.stylise_with_warm_start(pictures, params, &mut WarmStart::default(), sink, cancel)
    }

    /// As [`Engine::stylise`], for a job that starts with the optimiser's state of another one, or keeps its own for the next.
    pub fn stylise_with_warm_start(
        &self,
        pictures: &Pictures,
        params: &Params,
        warm_start: &mut WarmStart,
        sink: &mut dyn Sink,
        cancel: &CancelToken,
    ) -> Result<Stylised> {
        let built_in = built_in(params)?;
        let styles = pictures.styles_and(built_in.as_ref());
        job::stylise(
            &self.resources,
            &Pictures { styles: &styles, ..*pictures },
            params,
            warm_start,
            sink,
            cancel,
        )
    }

    /// What a job would do, found out without doing it; fails as the job would for parameters, sizes and
    /// memory. Of the content picture only its size is given, as [height, width].
    pub fn plan(
        &self,
        content: [usize; 2],
        styles: &[StyleShape],
        masked: bool,
        params: &Params,
    ) -> Result<Plan> {
        let built_in = built_in(params)?;
        let own = built_in.as_ref().map(|picture| Style::new(picture).shape());
        let styles: Vec<StyleShape> = styles.iter().copied().chain(own).collect();
        job::plan(&self.resources, content, &styles, masked, params)
    }

    /// Fails if reading a job's pictures, which takes at most `bytes` bytes, would take more memory than a job may use.
    pub fn check_reading(&self, bytes: u64) -> Result<()> {
        job::check_reading(&self.resources, bytes)
    }

    /// Which of ONNX Runtime's execution providers run the nodes of this model's objective, by their names: on a
    /// card all of them should be its own.
    pub fn placement(&self) -> Result<Placement> {
        const SIDE: usize = 64;
        let settings = Params::default().resolve(&self.resources.model)?;
        let grey = Array3::from_elem((3, SIDE, SIDE), 0.5);
        objective::placement(&self.resources, &settings, &grey)
    }

    /// The objective of a finished picture, whatever made it, as the job with these parameters and
    /// pictures would count it: total, then (name, value) of each term. A mask is not taken into account. The size that
    /// strokes are relative to is the picture's own, where the parameters do not name one.
    pub fn score(
        &self,
        picture: &Picture,
        pictures: &Pictures,
        params: &Params,
    ) -> Result<(f64, Vec<(String, f64)>)> {
        let built_in = built_in(params)?;
        let styles = pictures.styles_and(built_in.as_ref());
        job::score(&self.resources, picture, &Pictures { styles: &styles, ..*pictures }, params)
    }
}

/// The style picture inside the program that the parameters name.
fn built_in(params: &Params) -> Result<Option<Picture>> {
    params.style.as_deref().map(styles::open).transpose()
}
