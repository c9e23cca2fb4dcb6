//! The story of a job: pictures and parameters in, a stylised picture out. What is selected or visible of the content picture
//! is cropped, painted (`crop`, `painting`) and composited with the content picture.

mod budget;
mod canvas;
mod crop;
mod free_memory;
mod levels;
mod painting;
mod plan;
mod result;
mod start;
mod styles;
mod tracker;

use ndarray::Array2;

use crate::error::Result;
use crate::guidance::Guidance;
use crate::inputs::{self, Pictures, Style};
use crate::objective::{Objective, ObjectiveInputs};
use crate::params::{Params, Settings};
use crate::picture::{self, Picture};
use crate::progress::{CancelToken, OfPart, Sink};
use crate::report::saved_state::WarmStart;
use crate::resources::Resources;
use crop::Crop;
use painting::judged;
pub(crate) use plan::plan;
pub use plan::{Plan, PlannedLevel};
pub use result::Stylised;
use styles::styles_of;

/// Paints the content picture, or what is selected or visible of it.
pub(crate) fn stylise(
    resources: &Resources,
    pictures: &Pictures,
    params: &Params,
    warm_start: &mut WarmStart,
    sink: &mut dyn Sink,
    cancel: &CancelToken,
) -> Result<Stylised> {
    inputs::check_styles(pictures)?;
    let settings = params.resolve(&resources.model)?;
    if pictures.mask.is_some() {
        return selected(resources, pictures, params, settings, warm_start, sink, cancel);
    }
    let settings = settings.fitted(params, pictures.content.size());
    settings.check_shape(pictures.content.size())?;
    if pictures.content.is_opaque() {
        return painting::run(resources, pictures, None, settings, warm_start, sink, cancel);
    }
    visible(resources, pictures, params, settings, warm_start, sink, cancel)
}

/// Paints what the mask selects. The result has the content picture's size.
fn selected(
    resources: &Resources,
    pictures: &Pictures,
    params: &Params,
    settings: Settings,
    warm_start: &mut WarmStart,
    sink: &mut dyn Sink,
    cancel: &CancelToken,
) -> Result<Stylised> {
    let content = pictures.content;
    let Some(crop) = Crop::new(content, pictures.mask)? else {
        let settings = settings.fitted(params, content.size());
        settings.check_shape(content.size())?;
        let mut stylised = painting::run(resources, pictures, None, settings, warm_start, sink, cancel)?;
        stylised.picture = stylised.at_size_of(content)?;
        stylised.picture.rgb = stylised.picture.quantised();
        stylised.report.size = content.size();
        return Ok(stylised);
    };
    let size = crop.size();
    let settings = settings.fitted(params, size);
    let longer = settings.size;
    part(resources, pictures, &crop, settings.for_part(params, size, longer), warm_start, sink, cancel)
}

/// Paints what is not transparent, in the size that the whole picture would be painted in.
fn visible(
    resources: &Resources,
    pictures: &Pictures,
    params: &Params,
    settings: Settings,
    warm_start: &mut WarmStart,
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
    match Crop::new(&content, None)? {
        None => painting::run(resources, &pictures, None, settings, warm_start, sink, cancel),
        Some(crop) => {
            let [h, w] = crop.size();
            let settings = settings.for_part(params, [h, w], h.max(w));
            part(resources, &pictures, &crop, settings, warm_start, sink, cancel)
        }
    }
}

/// Paints the crop as a separate picture and composites it with the content picture.
fn part(
    resources: &Resources,
    pictures: &Pictures,
    crop: &Crop,
    settings: Settings,
    warm_start: &mut WarmStart,
    sink: &mut dyn Sink,
    cancel: &CancelToken,
) -> Result<Stylised> {
    let content = crop.crop(pictures.content);
    let init = match pictures.init {
        Some(init) => {
            let fitting = init.resized(pictures.content.height(), pictures.content.width())?;
            Some(crop.crop(&fitting))
        }
        None => None,
    };
    let regions: Vec<Option<Array2<f32>>> =
        pictures.styles.iter().map(|s| s.region.map(|r| crop.window(r).to_owned())).collect();
    let styles = with_regions(pictures.styles, &regions);
    let pictures_of_part = Pictures { content: &content, styles: &styles, init: init.as_ref(), ..*pictures };
    let mut sink = OfPart { sink, part: crop.part(pictures.content.size()) };
    let mask = Some(&crop.mask);
    let mut stylised =
        painting::run(resources, &pictures_of_part, mask, settings, warm_start, &mut sink, cancel)?;
    let painted = stylised.at_size_of(&content)?;
    stylised.picture = crop.composite(pictures.content, &painted);
    stylised.picture.rgb = stylised.picture.quantised();
    stylised.report.size = pictures.content.size();
    Ok(stylised)
}

/// The styles with these regions in place of their own.
fn with_regions<'a>(styles: &[Style<'a>], regions: &'a [Option<Array2<f32>>]) -> Vec<Style<'a>> {
    styles.iter().zip(regions).map(|(style, region)| Style { region: region.as_ref(), ..*style }).collect()
}

/// Fails if pictures whose reading takes `bytes` bytes are too large for a job's memory.
pub(crate) fn check_reading(resources: &Resources, bytes: u64) -> Result<()> {
    budget::check_reading(resources, bytes)
}

/// The objective of a finished picture: total, then (name, value) of each term.
pub(crate) fn score(
    resources: &Resources,
    picture: &Picture,
    pictures: &Pictures,
    params: &Params,
) -> Result<(f64, Vec<(String, f64)>)> {
    inputs::check_styles(pictures)?;
    let size = params.size.or(Some(picture.height().max(picture.width())));
    let settings = &Params { size, ..params.clone() }.resolve(&resources.model)?;
    let content = pictures.content.resized(picture.height(), picture.width())?;
    let styles = styles_of(pictures, settings, settings.style_size, &content)?;
    let shapes = inputs::shapes(pictures);
    let size = [picture.height(), picture.width()];
    let task =
        budget::Task { settings, masked: false, content: size, size, styles: &shapes, keeps_state: false };
    let layout = budget::layout(resources, &task)?;
    let cancel = CancelToken::new();
    let guidance = Guidance::new(pictures.styles, None, size)?;
    let scene = judged(&content.rgb, settings);
    let compared =
        ObjectiveInputs { content: &scene, styles: &styles, mask: None, guidance: guidance.as_ref() };
    let mut objective = Objective::new(resources, settings, &compared, layout.tile, &cancel)?;
    let (loss, terms) = objective.loss(&judged(&picture.rgb, settings))?;
    Ok((loss, objective.terms().into_iter().zip(terms).collect()))
}
