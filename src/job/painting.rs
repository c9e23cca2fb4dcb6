//! Paints a picture, size by size: resize the pictures, make the objective, minimise it, carry the result to the next size.

use std::borrow::Cow;
use std::time::Instant;

use ndarray::{Array2, Array3};

use super::budget::{self, Layout};
use super::canvas::Canvas;
use super::levels::{self, Level};
use super::result::Stylised;
use super::start;
use super::styles::styles_of;
use super::tracker::Tracker;
use crate::error::{Error, Result};
use crate::guidance::Guidance;
use crate::inputs::{self, Pictures};
use crate::objective::{Objective, ObjectiveInputs, StyleTarget};
use crate::optimise::{self, LbfgsState, Start, Step, Worthwhile};
use crate::params::{Colours, Init, Settings};
use crate::picture::{self, Picture, colours};
use crate::progress::{CancelToken, Sink};
use crate::report::Report;
use crate::report::saved_state::{SavedState, WarmStart};
use crate::resources::Resources;
use crate::runtime;

/// How far from black and white a recoloured start keeps: a pixel at the very bound hardly moves any more.
const MARGIN: f64 = 0.04;

/// The share by which a level's loss must fall in ten evaluations; else the next level begins.
const WORTHWHILE: Worthwhile = Worthwhile { evaluations: 10, share: 0.02 };

/// The content picture at one size.
struct View<'a> {
    content: Cow<'a, Picture>,
    /// Its lightness, where that is all that is painted.
    grey: Option<Array3<f32>>,
    /// The colours for that, where they are not all its own.
    palette: Option<Array3<f32>>,
}

impl<'a> View<'a> {
    fn new(pictures: &Pictures<'a>, settings: &Settings, [h, w]: [usize; 2]) -> Result<Self> {
        let content = match [pictures.content.height(), pictures.content.width()] == [h, w] {
            true => Cow::Borrowed(pictures.content),
            false => Cow::Owned(pictures.content.resized(h, w)?),
        };
        let grey = (settings.colours == Colours::Content).then(|| colours::grey(&content.rgb));
        let mut palette = None;
        if grey.is_some() && settings.colour_strength < 100.0 {
            let most = pictures.styles.iter().max_by(|a, b| a.weight.total_cmp(&b.weight));
            palette = most.map(|style| {
                let like = colours::match_colour_moments(&content.rgb, &style.picture.rgb, 0.0);
                colours::between(like, &content.rgb, settings.colour_strength / 100.0)
            });
        }
        Ok(View { content, grey, palette })
    }

    /// What is painted, [3, H, W]: the content picture itself but for its colours.
    fn scene(&self) -> &Array3<f32> {
        self.grey.as_ref().unwrap_or(&self.content.rgb)
    }

    /// The picture that the values of a scene stand for.
    fn picture(&self, rgb: Array3<f32>, colours: Colours) -> Picture {
        let mut picture = self.content.clone().into_owned();
        picture.rgb = rgb;
        if colours == Colours::Content {
            let palette = self.palette.as_ref().unwrap_or(&self.content.rgb);
            picture.rgb = colours::with_colours_of(&picture.rgb, palette);
        }
        picture
    }
}

/// Paints the content picture, or what `mask` selects of it.
pub(super) fn run(
    resources: &Resources,
    pictures: &Pictures,
    mask: Option<&Array2<f32>>,
    settings: Settings,
    warm_start: &mut WarmStart,
    sink: &mut dyn Sink,
    cancel: &CancelToken,
) -> Result<Stylised> {
    let content = [pictures.content.height(), pictures.content.width()];
    let levels = levels::painted(&resources.model, content, &settings)?;
    let Some(full) = levels.last() else {
        return Err(Error::Parameters("levels: there must be at least one".into()));
    };
    let divided = levels::is_divided(&levels);
    let styles = inputs::shapes(pictures);
    let task = budget::Task {
        settings: &settings,
        masked: mask.is_some(),
        content,
        size: full.size,
        styles: &styles,
        keeps_state: warm_start.keep || warm_start.from.is_some() || divided,
    };
    let (layout, _reserved) = budget::reserved_layout(resources, &task)?;
    tracing::debug!(
        "{} MiB expected, {}, {} pairs",
        layout.needed >> 20,
        layout.tile.map_or("no tiles".to_string(), |most| format!("tiles of {most} pixels")),
        layout.history
    );

    let mut job = Job { resources, pictures, mask, settings: &settings, layout, divided, cancel };
    let mut tracker = Tracker::new(&levels);
    let mut painted: Option<(View, Array3<f32>)> = None;
    let mut of_first_part = None;
    let mut objective = None;
    for level in &levels {
        // The last level's graph goes before the next one comes.
        drop(objective.take());
        let mut tile = job.layout.tile;
        let mut has_state = warm_start.from.is_some();
        let done = budget::with_smaller_tiles(&mut tile, level.size, |tile| {
            job.layout.tile = tile;
            if std::mem::replace(&mut has_state, warm_start.from.is_some()) && !has_state {
                tracing::warn!(
                    "the optimiser's state of the job before is lost with that; it begins without"
                );
            }
            job.level(level, painted.as_ref(), &mut of_first_part, warm_start, &mut tracker, sink)
        });
        match done {
            Ok((view, rgb, of_level)) => {
                painted = Some((view, rgb));
                objective = Some(of_level);
            }
            // There is the picture of the level before.
            Err(Error::Cancelled) if painted.is_some() => tracker.cancelled = true,
            Err(e) => return Err(e),
        }
        if tracker.cancelled {
            break;
        }
    }
    let (mut view, mut rgb) = painted.ok_or(Error::Cancelled)?;
    if [view.content.height(), view.content.width()] != full.size {
        let whole = View::new(pictures, &settings, full.size)?;
        rgb = levels::start(&rgb, view.scene(), whole.scene())?;
        view = whole;
    }
    let mut picture = view.picture(rgb, settings.colours);
    picture.rgb = picture.quantised();
    let lowest = tracker.levels.last().map_or(f64::NAN, |l| l.loss);
    // A job that was stopped computes nothing more; its loss is that before rounding.
    let loss = match objective.filter(|_| !tracker.cancelled) {
        None => lowest,
        Some(mut objective) => objective.loss(&judged(&picture.rgb, &settings))?.0,
    };
    let manifest = &resources.model.manifest;
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        model: manifest.name.clone(),
        provenance: manifest.provenance.clone(),
        device: resources.backend.device.to_string(),
        threads: resources.backend.threads,
        onnxruntime: runtime::load()?.display().to_string(),
        size: full.size,
        loss,
        first_loss: tracker.losses.first().copied().unwrap_or(f64::NAN),
        levels: tracker.levels,
        tile: job.layout.tile,
        memory: job.layout.needed,
        terms: tracker.terms,
        losses: tracker.losses,
        term_losses: tracker.term_losses,
        restarts: tracker.restarts,
        converged: tracker.converged,
        cancelled: tracker.cancelled,
        seconds: tracker.seconds,
        settings,
        files: None,
    };
    Ok(Stylised { picture, report })
}

/// What does not change from level to level.
struct Job<'a> {
    resources: &'a Resources,
    pictures: &'a Pictures<'a>,
    mask: Option<&'a Array2<f32>>,
    settings: &'a Settings,
    layout: Layout,
    /// Whether the levels are two parts of one.
    divided: bool,
    cancel: &'a CancelToken,
}

impl<'a> Job<'a> {
    /// Paints one level, from what the level below has painted if there is one. The second of two parts goes on with what L-BFGS
    /// knows at the end of the first.
    fn level(
        &self,
        level: &Level,
        below: Option<&(View, Array3<f32>)>,
        of_first_part: &mut Option<LbfgsState>,
        warm_start: &mut WarmStart,
        tracker: &mut Tracker,
        sink: &mut dyn Sink,
    ) -> Result<(View<'a>, Array3<f32>, Objective)> {
        let Job { resources, pictures, settings, cancel, .. } = *self;
        let begun = Instant::now();
        sink.phase("preparing");
        let [h, w] = level.size;
        let is_last = tracker.levels.len() + 1 == tracker.planned.len();
        let canvas = match is_last {
            true => Canvas::exactly(level.size),
            false => Canvas::around(&resources.model, settings, level.size)?,
        };
        let view = View::new(pictures, settings, level.size)?;
        let styles = styles_of(pictures, settings, level.style_size, &view.content)?;
        let from = match below {
            Some((below, painted)) => levels::start(painted, below.scene(), view.scene())?,
            None => self.first(view.scene(), &styles)?,
        };
        let mask = self.mask.map(|mask| picture::resized_plane(mask, h, w)).transpose()?;
        let guidance = Guidance::new(pictures.styles, mask.as_ref(), level.size)?.map(|g| canvas.guidance(g));
        let mask = mask.map(|mask| canvas.extended(&mask).unwrap_or(mask));
        let scene = canvas.extended(view.scene());
        let content = scene.as_ref().unwrap_or(view.scene());
        let compared =
            ObjectiveInputs { content, styles: &styles, mask: mask.as_ref(), guidance: guidance.as_ref() };
        let mut objective = Objective::new(resources, settings, &compared, self.layout.tile, cancel)?;
        drop((styles, scene));
        tracker.seconds.preparing += begun.elapsed().as_secs_f64();

        sink.phase("optimising");
        tracker.begin(objective.terms());
        let options = optimise::Options {
            threads: &resources.threads,
            size: canvas.size,
            evaluations: level.iterations,
            history: self.layout.history,
            worthwhile: (!is_last).then_some(WORTHWHILE),
            keep: if is_last { warm_start.keep } else { self.divided },
        };
        let model = &resources.model.manifest.name;
        let known = warm_start
            .from
            .take_if(|_| is_last)
            .and_then(|saved| saved.state_if_fitting(level.size, model, settings))
            .or_else(|| of_first_part.take());
        let mut watch = |step: &Step| {
            let progress = tracker.progress(step);
            sink.progress(&progress);
            if settings.preview_every.is_some_and(|n| progress.evaluations.is_multiple_of(n)) {
                match step.picture().and_then(|values| canvas.picture(values)) {
                    Ok(picture) => {
                        sink.preview(progress.evaluations, &view.picture(picture, settings.colours));
                    }
                    Err(e) => tracing::warn!("there is no picture on the way: {e}"),
                }
            }
            !cancel.is_cancelled()
        };
        let from = canvas.extended(&from).unwrap_or(from);
        let from = match from.is_standard_layout() {
            true => from,
            false => from.as_standard_layout().into_owned(),
        };
        let start = match known {
            Some(state) => Start::State(state),
            None => Start::Picture(from.into_raw_vec_and_offset().0),
        };
        let mut outcome = optimise::minimise(objective.location(), start, &options, &mut watch)?;
        if let Some(state) = outcome.state.take() {
            match is_last {
                true => warm_start.kept = Some(SavedState::new(level.size, model, settings, state)),
                false => *of_first_part = Some(canvas.state(state)?),
            }
        }
        let rgb = canvas.picture(std::mem::take(&mut outcome.picture))?;
        tracker.end(level, outcome);
        Ok((view, rgb, objective))
    }

    /// Where the first level starts.
    fn first(&self, scene: &Array3<f32>, styles: &[StyleTarget]) -> Result<Array3<f32>> {
        let (_, h, w) = scene.dim();
        match (self.settings.init, self.pictures.init) {
            (Init::Content, _) => Ok(scene.clone()),
            (Init::Recoloured, _) => Ok(match styles.first() {
                Some(style) => colours::match_colour_moments(scene, &style.rgb, MARGIN),
                None => scene.clone(),
            }),
            (Init::Noise, _) => start::noise(h, w, self.settings.seed),
            (Init::Picture, Some(picture)) => Ok(picture.resized(h, w)?.rgb),
            (Init::Picture, None) => {
                Err(Error::Parameters("init: 'picture' needs a picture to start from".into()))
            }
        }
    }
}

/// What of a picture's values the loss is about.
pub(super) fn judged<'a>(rgb: &'a Array3<f32>, settings: &Settings) -> Cow<'a, Array3<f32>> {
    match settings.colours {
        Colours::Content => Cow::Owned(colours::grey(rgb)),
        Colours::Style | Colours::Matched | Colours::Histogram => Cow::Borrowed(rgb),
    }
}
