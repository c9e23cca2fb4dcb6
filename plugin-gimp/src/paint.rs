// SPDX-License-Identifier: GPL-3.0-or-later
//! A painting from start to end: arguments, pixels, libimpasto, result. The image is changed in one call at the very end, so
//! that GIMP can end this process at any moment (that is what Cancel does) and the image is as before.

use gimp::prelude::*;

use crate::engine::{Engine, Failure, Pictures};
use crate::library::Library;
use crate::on_canvas::OnCanvas;
use crate::picture::Second;
use crate::pixels::{Area, Selection};
use crate::progress::Bar;
use crate::text::tr;
use crate::{canvas, pixels, recent, result, settings};

/// What is to be painted.
pub struct Job<'a> {
    pub image: &'a gimp::Image,
    pub drawable: &'a gimp::Drawable,
    pub config: &'a gimp::ProcedureConfig,
    /// A layer that shows the picture so far.
    pub canvas: Option<gimp::Layer>,
    /// Whether the style is put among the recent ones.
    pub remembers: bool,
}

/// Paints, and puts the result where it belongs.
pub fn paint(job: &Job, library: &Library) -> Result<(), Failure> {
    let Job { image, drawable, config, .. } = *job;
    let settings = settings::read(config).map_err(Failure::Problem)?;
    // Masks and channels have nothing above them.
    let layer = drawable.dynamic_cast_ref::<gimp::Layer>().filter(|_| !settings.in_place);
    if layer.is_none() {
        may_be_changed(drawable).map_err(Failure::Problem)?;
    }
    let area = Area::whole(drawable);
    let selection = selection(image, drawable).map_err(Failure::Problem)?;
    let choice = settings::style(config).map_err(Failure::Problem)?;
    let style = choice.read().map_err(Failure::Problem)?;
    let content = pixels::content(drawable).map_err(Failure::Problem)?;
    let second = settings.blend.as_ref().map(|b| Second::read(b, drawable, area, None));
    let second = second.transpose().map_err(Failure::Problem)?;
    let start = settings.start.as_ref().map(|start| pixels::covered(start, drawable, area, None));
    let start = start.transpose().map_err(Failure::Problem)?;
    let mut bar = Bar::new();
    let engine = Engine::new(library, &settings.engine).map_err(Failure::Problem)?;
    let pictures = Pictures {
        content: &content,
        style: &style,
        second: second.as_ref(),
        region: second.as_ref().and_then(|second| second.region.as_ref()),
        start: start.as_ref(),
        mask: selection.as_ref().map(|s| &s.mask),
    };
    let mut params = settings.params;
    let mut on_canvas = job.canvas.clone().map(|layer| OnCanvas::new(layer, &content));
    if on_canvas.is_some() {
        params["preview_every"] = 1.into();
    }
    let painted = engine.stylise(&pictures, &params, |progress| {
        bar.show(progress);
        if let Some(on_canvas) = &mut on_canvas {
            on_canvas.show(progress);
        }
        true
    })?;
    if let Some(layer) = &job.canvas {
        canvas::remove(image, layer);
    }
    match layer {
        Some(layer) => result::new_layer(image, layer, &painted, selection.as_ref()),
        None => result::in_place(image, drawable, &painted),
    }
    .map_err(Failure::Problem)?;
    if job.remembers {
        gimp::displays_flush();
        recent::remember(&choice, &style);
    }
    Ok(())
}

/// What is selected of a drawable; None if nothing is, which stands for everything.
pub fn selection(image: &gimp::Image, drawable: &gimp::Drawable) -> Result<Option<Selection>, String> {
    let selection = pixels::selection(image, drawable, Area::whole(drawable), None)?;
    if selection.as_ref().is_some_and(|s| s.values.iter().all(|v| *v == 0.0)) {
        return Err(tr("The selection does not touch the layer.").into());
    }
    Ok(selection)
}

/// Says why a drawable's own pixels must stay, if they must.
fn may_be_changed(drawable: &gimp::Drawable) -> Result<(), String> {
    if drawable.is_group() {
        return Err(tr("A layer group has no pixels of its own; let the result be a new layer.").into());
    }
    if drawable.is_lock_content() {
        return Err(
            tr("The layer's pixels are locked; unlock them, or let the result be a new layer.").into()
        );
    }
    Ok(())
}
