//! The story of a job: pictures and settings in, a stylised picture out.

use std::time::Instant;

use ndarray::{Array2, Array3};

use crate::colours;
use crate::engine::{Engine, Pictures, Stylised};
use crate::error::{Error, Result};
use crate::memory;
use crate::objective::{Objective, StyleTarget};
use crate::optimise::{self, Evaluate, Step};
use crate::params::{Colours, Init, Settings};
use crate::picture::{self, Picture};
use crate::progress::{CancelToken, Progress, Sink};
use crate::report::{Report, Seconds};
use crate::runtime;
use crate::start;

/// How far from black and white a recoloured start keeps: a pixel at the very bound hardly moves any more.
const MARGIN: f64 = 0.04;

/// The size [height, width] with `long_edge` as the longer side.
pub(crate) fn scaled(size: [usize; 2], long_edge: usize) -> [usize; 2] {
    let (h, w) = picture::size_for(size[0], size[1], long_edge);
    [h, w]
}

/// Paints the content picture, or what `mask` selects of it.
pub(crate) fn run(
    engine: &Engine,
    pictures: &Pictures,
    mask: Option<&Array2<f32>>,
    settings: Settings,
    sink: &mut (dyn Sink + Send),
    cancel: &CancelToken,
) -> Result<Stylised> {
    let begun = Instant::now();
    sink.phase("preparing");
    let of = |p: &Picture, long_edge| scaled([p.height(), p.width()], long_edge);
    let [h, w] = of(pictures.content, settings.size);
    let styles: Vec<[usize; 2]> =
        pictures.styles.iter().map(|s| of(s.picture, settings.style_size)).collect();
    memory::check(engine, &settings, mask.is_some(), [h, w], &styles)?;

    let content = pictures.content.resized(h, w)?;
    let styles = styles_of(pictures, &settings, &content)?;
    // What is painted; the content picture itself but for its colours.
    let scene = match settings.colours {
        Colours::Content => colours::grey(&content.rgb),
        Colours::Style | Colours::Matched => content.rgb.clone(),
    };
    let from = match (settings.init, pictures.init) {
        (Init::Content, _) => scene.clone(),
        (Init::Recoloured, _) => match styles.first() {
            Some(style) => colours::recoloured(&scene, &style.rgb, MARGIN),
            None => scene.clone(),
        },
        (Init::Noise, _) => start::noise(h, w, settings.seed)?,
        (Init::Picture, Some(picture)) => picture.resized(h, w)?.rgb,
        (Init::Picture, None) => {
            return Err(Error::Parameters("init: 'picture' needs a picture to start from".into()));
        }
    };
    let mask = mask.map(|mask| picture::resized_plane(mask, h, w)).transpose()?;
    let mut objective = Objective::new(engine, &settings, &scene, &styles, mask.as_ref(), cancel)?;
    let preparing = begun.elapsed().as_secs_f64();

    sink.phase("optimising");
    let begun = Instant::now();
    let planned = settings.iterations;
    let finished = |values: &[f32]| -> Picture {
        let mut picture = content.clone();
        picture.rgb.iter_mut().zip(values).for_each(|(to, from)| *to = *from);
        if settings.colours == Colours::Content {
            picture.rgb = colours::with_colours_of(&picture.rgb, &content.rgb);
        }
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
            sink.preview(step.evaluations, &finished(step.best));
        }
        !cancel.is_cancelled()
    };
    let from = from.as_standard_layout();
    let options = optimise::Options { evaluations: planned };
    let outcome =
        optimise::minimise(&mut objective, from.as_slice().unwrap_or_default(), &options, &mut watch)?;
    let optimising = begun.elapsed().as_secs_f64();

    let mut picture = finished(&outcome.picture);
    picture.rgb = picture.quantised();
    let lowest = outcome.losses.iter().copied().fold(f64::INFINITY, f64::min);
    // A job that was told to stop does not compute any more; its loss is that before rounding.
    let loss = match (outcome.stopped, settings.colours) {
        (true, _) => lowest,
        (false, Colours::Content) => evaluate(&mut objective, &colours::grey(&picture.rgb))?.0,
        (false, _) => evaluate(&mut objective, &picture.rgb)?.0,
    };
    let manifest = &engine.model.manifest;
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        model: manifest.name.clone(),
        provenance: manifest.provenance.clone(),
        device: engine.device.to_string(),
        threads: engine.threads,
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

/// The objective of a finished picture: total, then (name, value) of each term.
pub(crate) fn score(
    engine: &Engine,
    picture: &Picture,
    pictures: &Pictures,
    settings: &Settings,
) -> Result<(f64, Vec<(String, f64)>)> {
    let content = pictures.content.resized(picture.height(), picture.width())?;
    let styles = styles_of(pictures, settings, &content)?;
    let grey = |rgb: &Array3<f32>| match settings.colours {
        Colours::Content => colours::grey(rgb),
        Colours::Style | Colours::Matched => rgb.clone(),
    };
    let cancel = CancelToken::new();
    let mut objective = Objective::new(engine, settings, &grey(&content.rgb), &styles, None, &cancel)?;
    let (loss, terms) = evaluate(&mut objective, &grey(&picture.rgb))?;
    Ok((loss, objective.terms().into_iter().zip(terms).collect()))
}

/// The style pictures that count, in the size and colours in which their style is taken, with weights that
/// sum to 1.
fn styles_of(pictures: &Pictures, settings: &Settings, content: &Picture) -> Result<Vec<StyleTarget>> {
    let total: f64 = pictures.styles.iter().map(|s| s.weight).sum();
    if pictures.styles.iter().any(|s| !(0.0..=1e9).contains(&s.weight)) {
        return Err(Error::Parameters(
            "styles: the weight of a style must be a number from 0 to 1e9".to_string(),
        ));
    }
    if total <= 0.0 {
        return Err(Error::Parameters(
            "styles: there is no style picture with a weight above 0; give at least one".to_string(),
        ));
    }
    let mut out = Vec::new();
    for style in pictures.styles.iter().filter(|s| s.weight > 0.0) {
        let [h, w] = scaled([style.picture.height(), style.picture.width()], settings.style_size);
        let picture = style.picture.resized(h, w)?;
        let rgb = match settings.colours {
            Colours::Style => picture.rgb,
            Colours::Matched => colours::recoloured(&picture.rgb, &content.rgb, 0.0),
            Colours::Content => {
                colours::recoloured(&colours::grey(&picture.rgb), &colours::grey(&content.rgb), 0.0)
            }
        };
        let opaque = picture.alpha.filter(|a| a.iter().any(|&v| v < 1.0));
        if opaque.as_ref().is_some_and(|a| a.iter().all(|&v| v <= 0.0)) {
            return Err(Error::picture("style picture", "is transparent all over; it has no style to take"));
        }
        out.push(StyleTarget { rgb, mask: opaque, weight: style.weight / total });
    }
    Ok(out)
}

fn evaluate(objective: &mut Objective, picture: &Array3<f32>) -> Result<(f64, Vec<f64>)> {
    let picture = picture.as_standard_layout();
    let mut gradient = vec![0.0; picture.len()];
    objective.evaluate(picture.as_slice().unwrap_or_default(), &mut gradient)
}
