//! The engine: a model on a device, ready for jobs.

use impasto_onnx::Model;
use ndarray::{Array2, Array3};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::history::Carry;
use crate::job;
use crate::levels;
use crate::memory;
use crate::models;
use crate::objective;
use crate::optimise::Threads;
use crate::params::{self, Params};
use crate::picture::{self, Picture};
use crate::progress::{CancelToken, Sink};
use crate::region::Region;
use crate::report::Report;
use crate::runtime::{self, Backend, Device, Placement};
use crate::settings::Settings;
use crate::styles;

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
    pub(crate) model: Model,
    pub(crate) backend: Backend,
    pub(crate) memory: Option<u64>,
    pub(crate) threads: Threads,
}

/// A picture whose style to take.
#[derive(Clone, Copy)]
pub struct Style<'a> {
    /// The picture. Where it is transparent its style is not taken.
    pub picture: &'a Picture,
    /// How much it counts among the styles of a job, above 0 for at least one.
    pub weight: f64,
    /// Multiplies the size of its strokes, 0.1..4, besides what the parameters say.
    pub scale: f64,
    /// Where it is painted, [H, W] of the content picture, 0..1; None for what the other styles leave.
    pub region: Option<&'a Array2<f32>>,
}

impl<'a> Style<'a> {
    /// A style that is painted everywhere.
    pub fn of(picture: &'a Picture) -> Self {
        Style { picture, weight: 1.0, scale: 1.0, region: None }
    }

    /// What of it a plan depends on.
    pub fn shape(&self) -> StyleShape {
        let size = [self.picture.height(), self.picture.width()];
        StyleShape { size, scale: self.scale, guided: self.region.is_some() && self.weight > 0.0 }
    }
}

/// What a plan depends on of a style picture.
#[derive(Clone, Copy, Debug)]
pub struct StyleShape {
    /// Height and width.
    pub size: [usize; 2],
    /// See [`Style::scale`].
    pub scale: f64,
    /// Whether it has a region of its own.
    pub guided: bool,
}

/// The pictures of a job.
#[derive(Clone, Copy)]
pub struct Pictures<'a> {
    /// What to repaint. Pixels that are transparent stay as they are.
    pub content: &'a Picture,
    /// How.
    pub styles: &'a [Style<'a>],
    /// How much of the result each pixel takes, [H, W] of the content picture, 0..1; None for all.
    pub mask: Option<&'a Array2<f32>>,
    /// Where to start, for [`crate::Init::Picture`].
    pub init: Option<&'a Picture>,
}

impl<'a> Pictures<'a> {
    /// The style pictures and one more.
    fn styles_and<'b>(&self, more: Option<&'b Picture>) -> Vec<Style<'b>>
    where
        'a: 'b,
    {
        self.styles.iter().copied().chain(more.map(Style::of)).collect()
    }
}

/// What a job would do.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// Height and width of the picture that would be worked on.
    pub size: [usize; 2],
    /// The most bytes it is expected to need.
    pub memory: u64,
    /// The side of the tiles it would be worked on in; None for the whole picture at once.
    pub tile: Option<usize>,
    /// The parameters with nothing left out.
    pub settings: Settings,
}

/// The result of a job.
pub struct Stylised {
    /// The picture, with the content picture's alpha, profile and depth. It has the size that was worked
    /// on; where only a part of the content picture was painted, the content picture's size.
    pub picture: Picture,
    /// How it came about.
    pub report: Report,
}

impl Stylised {
    /// The picture at the content picture's size. Where it was painted smaller, it gets the detail of the content picture
    /// that it had no room for.
    pub fn at_size_of(&self, content: &Picture) -> Result<Picture> {
        let [h, w] = content.size();
        let mut picture = self.picture.resized(h, w)?;
        let painted = &self.picture;
        if painted.height() < h && painted.width() < w {
            let below = content.resized(painted.height(), painted.width())?;
            picture.rgb = levels::start(&painted.rgb, &below.rgb, &content.rgb)?;
        }
        Ok(picture)
    }
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
        let pool = Threads::new(threads)?;
        let backend = Backend { threads, tf32: options.tf32, memory: options.memory, ..Backend::of(device) };
        Ok(Engine { model, backend, threads: pool, memory: options.memory })
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The device that was chosen.
    pub fn device(&self) -> Device {
        self.backend.device
    }

    /// How many threads compute on the CPU.
    pub fn threads(&self) -> usize {
        self.backend.threads
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
        self.stylise_on(pictures, params, &mut Carry::default(), sink, cancel)
    }

    /// The same for a job that goes on from another one, or that another one is to go on from.
    pub fn stylise_on(
        &self,
        pictures: &Pictures,
        params: &Params,
        carry: &mut Carry,
        sink: &mut dyn Sink,
        cancel: &CancelToken,
    ) -> Result<Stylised> {
        let built_in = built_in(params)?;
        let styles = pictures.styles_and(built_in.as_ref());
        let pictures = &Pictures { styles: &styles, ..*pictures };
        job::check_styles(pictures)?;
        let settings = params.resolve(&self.model)?;
        if pictures.mask.is_some() {
            return self.stylise_selected(pictures, params, settings, carry, sink, cancel);
        }
        let settings = settings.fitted(params, pictures.content.size());
        settings.check_shape(pictures.content.size())?;
        if pictures.content.is_opaque() {
            return job::run(self, pictures, None, settings, carry, sink, cancel);
        }
        self.stylise_visible(pictures, params, settings, carry, sink, cancel)
    }

    /// Paints what the mask selects. The result has the content picture's size.
    fn stylise_selected(
        &self,
        pictures: &Pictures,
        params: &Params,
        settings: Settings,
        carry: &mut Carry,
        sink: &mut dyn Sink,
        cancel: &CancelToken,
    ) -> Result<Stylised> {
        let content = pictures.content;
        let Some(region) = Region::of(content, pictures.mask)? else {
            let settings = settings.fitted(params, content.size());
            settings.check_shape(content.size())?;
            let mut stylised = job::run(self, pictures, None, settings, carry, sink, cancel)?;
            stylised.picture = stylised.at_size_of(content)?;
            stylised.picture.rgb = stylised.picture.quantised();
            stylised.report.size = content.size();
            return Ok(stylised);
        };
        let part = region.size();
        let settings = settings.fitted(params, part);
        let size = settings.size;
        self.stylise_part(pictures, &region, settings.for_part(params, part, size), carry, sink, cancel)
    }

    /// Paints what is not transparent, in the size that the whole picture would be painted in.
    fn stylise_visible(
        &self,
        pictures: &Pictures,
        params: &Params,
        settings: Settings,
        carry: &mut Carry,
        sink: &mut dyn Sink,
        cancel: &CancelToken,
    ) -> Result<Stylised> {
        let [h, w] = picture::scaled(pictures.content.size(), settings.size);
        let content = pictures.content.resized(h, w)?;
        let init = pictures.init.map(|init| init.resized(h, w)).transpose()?;
        let regions =
            pictures.styles.iter().map(|s| s.region.map(|r| picture::resized_plane(r, h, w)).transpose());
        let regions = regions.collect::<Result<Vec<_>>>()?;
        let styles = with_regions(pictures.styles, &regions);
        let pictures = Pictures { content: &content, styles: &styles, init: init.as_ref(), ..*pictures };
        match Region::of(&content, None)? {
            None => job::run(self, &pictures, None, settings, carry, sink, cancel),
            Some(region) => {
                let [h, w] = region.size();
                let settings = settings.for_part(params, [h, w], h.max(w));
                self.stylise_part(&pictures, &region, settings, carry, sink, cancel)
            }
        }
    }

    /// Paints what the region selects, as a picture of its own, and puts it back.
    fn stylise_part(
        &self,
        pictures: &Pictures,
        region: &Region,
        settings: Settings,
        carry: &mut Carry,
        sink: &mut dyn Sink,
        cancel: &CancelToken,
    ) -> Result<Stylised> {
        let content = region.cut(pictures.content);
        let init = match pictures.init {
            Some(init) => {
                let fitting = init.resized(pictures.content.height(), pictures.content.width())?;
                Some(region.cut(&fitting))
            }
            None => None,
        };
        let regions: Vec<Option<Array2<f32>>> =
            pictures.styles.iter().map(|s| s.region.map(|r| region.window(r).to_owned())).collect();
        let styles = with_regions(pictures.styles, &regions);
        let part = Pictures { content: &content, styles: &styles, init: init.as_ref(), ..*pictures };
        let mut stylised = job::run(self, &part, Some(&region.mask), settings, carry, sink, cancel)?;
        let painted = stylised.at_size_of(&content)?;
        stylised.picture = region.put_back(pictures.content, &painted);
        stylised.picture.rgb = stylised.picture.quantised();
        stylised.report.size = pictures.content.size();
        Ok(stylised)
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
        let settings = params.resolve(&self.model)?;
        let settings = settings.fitted(params, content);
        if !masked {
            settings.check_shape(content)?;
        }
        let size = picture::scaled(content, settings.size);
        let built_in = built_in(params)?;
        let own = built_in.as_ref().map(|picture| Style::of(picture).shape());
        let styles: Vec<StyleShape> = styles.iter().copied().chain(own).collect();
        let task =
            memory::Task { settings: &settings, masked, content, size, styles: &styles, carried: false };
        let memory::Layout { needed, tile, .. } = memory::layout(self, &task)?;
        Ok(Plan { size, memory: needed, tile, settings })
    }

    /// Which of ONNX Runtime's execution providers run the nodes of this model's objective, by their names: on a
    /// card all of them should be its own.
    pub fn placement(&self) -> Result<Placement> {
        const SIDE: usize = 64;
        let settings = Params::default().resolve(&self.model)?;
        let grey = Array3::from_elem((3, SIDE, SIDE), 0.5);
        objective::placement(self, &settings, &grey)
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
        let pictures = &Pictures { styles: &styles, ..*pictures };
        job::check_styles(pictures)?;
        let size = params.size.or(Some(picture.height().max(picture.width())));
        let params = Params { size, ..params.clone() };
        job::score(self, picture, pictures, &params.resolve(&self.model)?)
    }
}

/// The styles with these regions in place of their own.
fn with_regions<'a>(styles: &[Style<'a>], regions: &'a [Option<Array2<f32>>]) -> Vec<Style<'a>> {
    styles.iter().zip(regions).map(|(style, region)| Style { region: region.as_ref(), ..*style }).collect()
}

/// The style picture inside the program that the parameters name.
fn built_in(params: &Params) -> Result<Option<Picture>> {
    params.style.as_deref().map(styles::open).transpose()
}
