//! The story of a job: pictures and settings in, a stylised picture out.

use std::borrow::Cow;
use std::time::Instant;

use ndarray::{Array2, Array3};

use crate::canvas::Canvas;
use crate::colours;
use crate::engine::{Engine, Pictures, Style, StyleShape, Stylised};
use crate::error::{Error, Result};
use crate::guides::{self, Guides};
use crate::history::{Carry, History};
use crate::levels::{self, Level};
use crate::memory::{self, Layout};
use crate::objective::{Objective, StyleTarget, Wanted};
use crate::optimise::{self, Start, Step, Worthwhile};
use crate::params::{Colours, Init};
use crate::picture::{self, Picture};
use crate::progress::{CancelToken, Sink};
use crate::report::Report;
use crate::runtime;
use crate::settings::Settings;
use crate::start;
use crate::tally::Tally;

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
                let like = colours::recoloured(&content.rgb, &style.picture.rgb, 0.0);
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
pub(crate) fn run(
    engine: &Engine,
    pictures: &Pictures,
    mask: Option<&Array2<f32>>,
    settings: Settings,
    carry: &mut Carry,
    sink: &mut dyn Sink,
    cancel: &CancelToken,
) -> Result<Stylised> {
    let levels = levels::schedule([pictures.content.height(), pictures.content.width()], &settings);
    let Some(full) = levels.last() else {
        return Err(Error::Parameters("levels: there must be at least one".into()));
    };
    let styles = shapes(pictures);
    let content = [pictures.content.height(), pictures.content.width()];
    let task = memory::Task {
        settings: &settings,
        masked: mask.is_some(),
        content,
        size: full.size,
        styles: &styles,
        carried: carry.keep || carry.from.is_some(),
    };
    let (layout, _reserved) = memory::reserved_layout(engine, &task)?;
    tracing::debug!(
        "{} MiB expected, tiles of {:?}, {} pairs",
        layout.needed >> 20,
        layout.tile,
        layout.history
    );

    let mut job = Job { engine, pictures, mask, settings: &settings, layout, cancel };
    let mut tally = Tally::new(&levels);
    let mut painted: Option<(View, Array3<f32>)> = None;
    let mut objective = None;
    for level in &levels {
        // The last level's graph goes before the next one comes.
        drop(objective.take());
        let mut tile = job.layout.tile;
        let mut has_state = carry.from.is_some();
        let done = memory::with_smaller_tiles(&mut tile, level.size, |tile| {
            job.layout.tile = tile;
            if std::mem::replace(&mut has_state, carry.from.is_some()) && !has_state {
                tracing::warn!(
                    "the optimiser's state of the job before is lost with that; it begins without"
                );
            }
            job.level(level, painted.as_ref(), carry, &mut tally, sink)
        });
        match done {
            Ok((view, rgb, of_level)) => {
                painted = Some((view, rgb));
                objective = Some(of_level);
            }
            // There is the picture of the level before.
            Err(Error::Cancelled) if painted.is_some() => tally.cancelled = true,
            Err(e) => return Err(e),
        }
        if tally.cancelled {
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
    let lowest = tally.levels.last().map_or(f64::NAN, |l| l.loss);
    // A job that was told to stop does not compute any more; its loss is that before rounding.
    let loss = match objective.filter(|_| !tally.cancelled) {
        None => lowest,
        Some(mut objective) => objective.of(&judged(&picture.rgb, &settings))?.0,
    };
    let manifest = &engine.model.manifest;
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        model: manifest.name.clone(),
        provenance: manifest.provenance.clone(),
        device: engine.device().to_string(),
        threads: engine.threads(),
        onnxruntime: runtime::load()?.display().to_string(),
        size: full.size,
        loss,
        first_loss: tally.losses.first().copied().unwrap_or(f64::NAN),
        levels: tally.levels,
        tile: job.layout.tile,
        memory: job.layout.needed,
        terms: tally.terms,
        losses: tally.losses,
        term_losses: tally.term_losses,
        restarts: tally.restarts,
        converged: tally.converged,
        cancelled: tally.cancelled,
        seconds: tally.seconds,
        settings,
        files: None,
    };
    Ok(Stylised { picture, report })
}

/// What does not change from level to level.
struct Job<'a> {
    engine: &'a Engine,
    pictures: &'a Pictures<'a>,
    mask: Option<&'a Array2<f32>>,
    settings: &'a Settings,
    layout: Layout,
    cancel: &'a CancelToken,
}

impl<'a> Job<'a> {
    /// Paints one level, from what the level below has painted if there is one.
    fn level(
        &self,
        level: &Level,
        below: Option<&(View, Array3<f32>)>,
        carry: &mut Carry,
        tally: &mut Tally,
        sink: &mut dyn Sink,
    ) -> Result<(View<'a>, Array3<f32>, Objective)> {
        let Job { engine, pictures, settings, cancel, .. } = *self;
        let begun = Instant::now();
        sink.phase("preparing");
        let [h, w] = level.size;
        let is_last = tally.levels.len() + 1 == tally.planned.len();
        let canvas = match is_last {
            true => Canvas::exactly(level.size),
            false => Canvas::around(&engine.model, settings, level.size)?,
        };
        let view = View::new(pictures, settings, level.size)?;
        let styles = styles_of(pictures, settings, level.style_size, &view.content)?;
        let from = match below {
            Some((below, painted)) => levels::start(painted, below.scene(), view.scene())?,
            None => self.first(view.scene(), &styles)?,
        };
        let mask = self.mask.map(|mask| picture::resized_plane(mask, h, w)).transpose()?;
        let guides = Guides::new(pictures.styles, mask.as_ref(), level.size)?.map(|g| g.on(&canvas));
        let mask = mask.map(|mask| canvas.extended(&mask).unwrap_or(mask));
        let scene = canvas.extended(view.scene());
        let content = scene.as_ref().unwrap_or(view.scene());
        let wanted = Wanted { content, styles: &styles, mask: mask.as_ref(), guides: guides.as_ref() };
        let mut objective = Objective::new(engine, settings, &wanted, self.layout.tile, cancel)?;
        drop((styles, scene));
        tally.seconds.preparing += begun.elapsed().as_secs_f64();

        sink.phase("optimising");
        tally.begin(objective.terms());
        let options = optimise::Options {
            threads: &engine.threads,
            evaluations: level.iterations,
            history: self.layout.history,
            worthwhile: (!is_last).then_some(WORTHWHILE),
            keep: is_last && carry.keep,
        };
        let model = &engine.model.manifest.name;
        let known = carry.from.take_if(|_| is_last).and_then(|h| h.memory(level.size, model, settings));
        let mut watch = |step: &Step| {
            let progress = tally.progress(step);
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
            Some(memory) => Start::Memory(memory),
            None => Start::Picture(from.into_raw_vec_and_offset().0),
        };
        let mut outcome = optimise::minimise(objective.place(), start, &options, &mut watch)?;
        if let Some(memory) = outcome.memory.take() {
            carry.kept = Some(History::new(level.size, model, settings, memory));
        }
        let rgb = canvas.picture(std::mem::take(&mut outcome.picture))?;
        tally.end(level, outcome);
        Ok((view, rgb, objective))
    }

    /// Where the first level starts.
    fn first(&self, scene: &Array3<f32>, styles: &[StyleTarget]) -> Result<Array3<f32>> {
        let (_, h, w) = scene.dim();
        match (self.settings.init, self.pictures.init) {
            (Init::Content, _) => Ok(scene.clone()),
            (Init::Recoloured, _) => Ok(match styles.first() {
                Some(style) => colours::recoloured(scene, &style.rgb, MARGIN),
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

/// The objective of a finished picture: total, then (name, value) of each term.
pub(crate) fn score(
    engine: &Engine,
    picture: &Picture,
    pictures: &Pictures,
    settings: &Settings,
) -> Result<(f64, Vec<(String, f64)>)> {
    let content = pictures.content.resized(picture.height(), picture.width())?;
    let styles = styles_of(pictures, settings, settings.style_size, &content)?;
    let shapes = shapes(pictures);
    let size = [picture.height(), picture.width()];
    let task = memory::Task { settings, masked: false, content: size, size, styles: &shapes, carried: false };
    let layout = memory::layout(engine, &task)?;
    let cancel = CancelToken::new();
    let guides = Guides::new(pictures.styles, None, size)?;
    let scene = judged(&content.rgb, settings);
    let wanted = Wanted { content: &scene, styles: &styles, mask: None, guides: guides.as_ref() };
    let mut objective = Objective::new(engine, settings, &wanted, layout.tile, &cancel)?;
    let (loss, terms) = objective.of(&judged(&picture.rgb, settings))?;
    Ok((loss, objective.terms().into_iter().zip(terms).collect()))
}

/// What of a picture's values the loss is about.
fn judged<'a>(rgb: &'a Array3<f32>, settings: &Settings) -> Cow<'a, Array3<f32>> {
    match settings.colours {
        Colours::Content => Cow::Owned(colours::grey(rgb)),
        Colours::Style | Colours::Matched | Colours::Histogram => Cow::Borrowed(rgb),
    }
}

/// What of the styles the memory depends on.
fn shapes(pictures: &Pictures) -> Vec<StyleShape> {
    pictures.styles.iter().filter(|s| s.weight > 0.0).map(Style::shape).collect()
}

/// Checks what can be checked of the styles without painting.
pub(crate) fn check_styles(pictures: &Pictures) -> Result<()> {
    let (h, w) = (pictures.content.height(), pictures.content.width());
    for (at, style) in pictures.styles.iter().enumerate() {
        let which = format!("styles[{at}]");
        if !(0.0..=1e9).contains(&style.weight) {
            return Err(Error::Parameters(format!(
                "{which}: the weight is {}; expected a number from 0 to 1e9",
                style.weight
            )));
        }
        if !(0.1..=4.0).contains(&style.scale) {
            return Err(Error::Parameters(format!(
                "{which}: the scale is {}; expected a number from 0.1 to 4",
                style.scale
            )));
        }
        let Some(region) = style.region else { continue };
        if region.dim() != (h, w) {
            let (rh, rw) = region.dim();
            return Err(Error::picture(
                format!("{which}: region"),
                format!("is {rw}×{rh} pixels, the content picture {w}×{h}; they must have the same size"),
            ));
        }
        if !region.iter().any(|&v| v > 0.0) {
            return Err(Error::picture(
                format!("{which}: region"),
                "is black all over; make it white where the style is to be painted",
            ));
        }
    }
    if pictures.styles.iter().all(|s| s.weight <= 0.0) {
        return Err(Error::Parameters(
            "styles: there is no style picture with a weight above 0; give at least one".to_string(),
        ));
    }
    Ok(())
}

/// The style pictures that count, group by group, in the size and colours in which their style is taken, with weights
/// that sum to 1 in each group.
fn styles_of(
    pictures: &Pictures,
    settings: &Settings,
    style_size: usize,
    content: &Picture,
) -> Result<Vec<StyleTarget>> {
    let mut out = Vec::new();
    let size = [content.height(), content.width()];
    for (group, members) in guides::groups(pictures.styles).into_iter().enumerate() {
        let total: f64 = members.iter().map(|i| pictures.styles[*i].weight).sum();
        for style in members.into_iter().map(|i| &pictures.styles[i]) {
            let own = [style.picture.height(), style.picture.width()];
            let [h, w] = settings.style_dims(own, style.scale, size, style_size);
            let picture = style.picture.middle(settings.style_part(own, size)).resized(h, w)?;
            let opaque = picture.alpha.filter(|a| a.iter().any(|&v| v < 1.0));
            if opaque.as_ref().is_some_and(|a| a.iter().all(|&v| v <= 0.0)) {
                return Err(Error::picture(
                    "style picture",
                    "is transparent all over; it has no style to take",
                ));
            }
            let rgb = coloured(picture.rgb, content, settings);
            out.push(StyleTarget { rgb, mask: opaque, weight: style.weight / total, group });
        }
    }
    Ok(out)
}

/// A style picture in the colours in which its style is taken.
fn coloured(style: Array3<f32>, content: &Picture, settings: &Settings) -> Array3<f32> {
    let recoloured = match settings.colours {
        Colours::Style => return style,
        Colours::Matched => colours::recoloured(&style, &content.rgb, 0.0),
        Colours::Histogram => colours::with_histogram_of(&style, &content.rgb),
        // In grey whatever the strength, which is that of the colours that come back at the end.
        Colours::Content => {
            return colours::recoloured(&colours::grey(&style), &colours::grey(&content.rgb), 0.0);
        }
    };
    colours::between(style, &recoloured, settings.colour_strength / 100.0)
}
