// SPDX-License-Identifier: GPL-3.0-or-later
//! The story of a run: arguments, pixels, libimpasto, result. The image is changed in one call at the very
//! end, so that GIMP can end this process at any moment (that is what Cancel does) and the image is as before.

use gimp::prelude::*;

use crate::library::{Failure, Library, Pictures};
use crate::picture::{Pixels, Second};
use crate::pixels::{Area, Selection};
use crate::progress::Bar;
use crate::text::{fill, tr};
use crate::{arguments, dialog, pixels};

/// What GIMP calls.
pub fn run(
    procedure: &gimp::ImageProcedure,
    mode: gimp::RunMode,
    image: &gimp::Image,
    drawables: &[gimp::Drawable],
    config: &gimp::ProcedureConfig,
) -> gimp::ValueArray {
    use gimp::PDBStatusType::{CallingError, Cancel, ExecutionError, Success};
    let end = |status, text: String| {
        let error = (!text.is_empty()).then(|| glib::Error::new(gimp::PlugInError::Failed, &text));
        procedure.new_return_values(status, error)
    };
    let drawable = match paintable(image, drawables) {
        Ok(drawable) => drawable,
        Err(problem) => return end(CallingError, problem),
    };
    let library = match Library::open() {
        Ok(library) => library,
        Err(problem) => return end(ExecutionError, problem),
    };
    // The process ends with the filter; threads of the dialog may hold on to the library until then.
    let library: &'static Library = Box::leak(Box::new(library));
    if mode == gimp::RunMode::Interactive && !dialog::run(procedure, config, image, drawable, library) {
        return end(Cancel, String::new());
    }
    match paint(image, drawable, config, library) {
        Ok(()) => {
            if mode != gimp::RunMode::Noninteractive {
                gimp::displays_flush();
            }
            end(Success, String::new())
        }
        Err(Failure::Cancelled) => end(Cancel, String::new()),
        Err(Failure::Problem(problem)) => end(ExecutionError, problem),
    }
}

/// The one drawable that is to be painted.
fn paintable<'d>(image: &gimp::Image, drawables: &'d [gimp::Drawable]) -> Result<&'d gimp::Drawable, String> {
    let [drawable] = drawables else {
        let count = drawables.len().to_string();
        return Err(fill(
            "The filter works on one layer at a time; {count} are selected.",
            &[("count", &count)],
        ));
    };
    if drawable.is_indexed() || image.base_type() == gimp::ImageBaseType::Indexed {
        return Err(
            tr("Indexed images have too few colours. Change the mode with Image ▸ Mode ▸ RGB.").into()
        );
    }
    Ok(drawable)
}

fn paint(
    image: &gimp::Image,
    drawable: &gimp::Drawable,
    config: &gimp::ProcedureConfig,
    library: &Library,
) -> Result<(), Failure> {
    let settings = arguments::settings(config).map_err(Failure::Problem)?;
    // Masks and channels have nothing above them.
    let layer = drawable.dynamic_cast_ref::<gimp::Layer>().filter(|_| !settings.in_place);
    if layer.is_none() {
        may_be_changed(drawable).map_err(Failure::Problem)?;
    }
    let area = Area::whole(drawable);
    let selection = pixels::selection(image, drawable, area, None).map_err(Failure::Problem)?;
    if selection.as_ref().is_some_and(|s| s.values.iter().all(|v| *v == 0.0)) {
        return Err(Failure::Problem(tr("The selection does not touch the layer.").into()));
    }
    let style = arguments::style(config).and_then(|s| s.read()).map_err(Failure::Problem)?;
    let content = pixels::content(drawable).map_err(Failure::Problem)?;
    let second = settings.blend.as_ref().map(|b| Second::read(b, drawable, area, None));
    let second = second.transpose().map_err(Failure::Problem)?;
    let start = settings.start.as_ref().map(|start| pixels::covered(start, drawable, area, None));
    let start = start.transpose().map_err(Failure::Problem)?;
    let mut bar = Bar::new();
    let engine = library.engine(&settings.engine).map_err(Failure::Problem)?;
    let mask = selection.as_ref().map(|s| &s.mask);
    let pictures =
        Pictures { content: &content, style: &style, second: second.as_ref(), start: start.as_ref(), mask };
    let result = engine.stylise(&pictures, &settings.params, |progress| {
        bar.show(progress);
        true
    })?;
    match layer {
        Some(layer) => new_layer(image, layer, &result, selection.as_ref()),
        None => in_place(image, drawable, &result),
    }
    .map_err(Failure::Problem)
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

/// Puts the result above the layer, one step to undo. Where there is a selection it becomes the new layer's
/// mask, on top of the layer's own.
fn new_layer(
    image: &gimp::Image,
    layer: &gimp::Layer,
    result: &Pixels,
    selection: Option<&Selection>,
) -> Result<(), String> {
    let refused = || tr("GIMP does not make a new layer.").to_string();
    let name = fill("{layer}, painted", &[("layer", layer.name().unwrap_or_default().as_str())]);
    let kind = DrawableExt::type_(layer);
    let above = gimp::Layer::new(
        image,
        Some(&name),
        layer.width(),
        layer.height(),
        kind,
        layer.opacity(),
        layer.mode(),
    );
    let (x, y) = layer.offsets().unwrap_or((0, 0));
    above.set_offsets(x, y);
    above.set_blend_space(layer.blend_space());
    above.set_composite_space(layer.composite_space());
    above.set_composite_mode(layer.composite_mode());
    let buffer = above.buffer().ok_or_else(refused)?;
    pixels::write(layer.upcast_ref(), &buffer, result)?;
    above.update(0, 0, above.width(), above.height());

    let own = layer.mask().filter(|_| layer.is_apply_mask());
    if own.is_some() || selection.is_some() {
        let mask = above.create_mask(gimp::AddMaskType::White).ok_or_else(refused)?;
        if let Some(own) = own {
            pixels::copy(&own, &mask)?;
        }
        if let Some(selection) = selection {
            pixels::multiply(&mask, selection)?;
        }
        above.add_mask(&mask);
    }
    let parent = layer.parent().and_then(|p| p.downcast::<gimp::Layer>().ok());
    let position = image.item_position(layer);
    if !image.insert_layer(&above, parent.as_ref(), position) {
        return Err(refused());
    }
    Ok(())
}

/// Replaces the drawable's pixels, one step to undo. Filters on the drawable are merged first, since they are part of
/// what was painted.
fn in_place(image: &gimp::Image, drawable: &gimp::Drawable, result: &Pixels) -> Result<(), String> {
    image.undo_group_start();
    let replaced = merge_filters(drawable).and_then(|()| replace(drawable, result));
    image.undo_group_end();
    replaced
}

/// Merges the filters on a drawable and keeps its size, which a filter may enlarge.
fn merge_filters(drawable: &gimp::Drawable) -> Result<(), String> {
    if drawable.filters().is_empty() {
        return Ok(());
    }
    let (width, height, before) = (drawable.width(), drawable.height(), drawable.offsets());
    if !drawable.merge_filters() {
        return Err(tr("GIMP does not merge the layer's filters.").into());
    }
    let larger = (drawable.width(), drawable.height()) != (width, height);
    if let (true, Some(layer)) = (larger, drawable.downcast_ref::<gimp::Layer>()) {
        let ((x, y), (new_x, new_y)) = (before.unwrap_or((0, 0)), drawable.offsets().unwrap_or((0, 0)));
        layer.resize(width, height, new_x - x, new_y - y);
    }
    Ok(())
}

/// Writes new pixels; GIMP itself keeps what is not selected.
fn replace(drawable: &gimp::Drawable, result: &Pixels) -> Result<(), String> {
    let refused = || tr("GIMP does not take the new pixels.").to_string();
    let shadow = drawable.shadow_buffer().ok_or_else(refused)?;
    pixels::write(drawable, &shadow, result)?;
    if !drawable.merge_shadow(true) {
        return Err(refused());
    }
    drawable.update(0, 0, drawable.width(), drawable.height());
    Ok(())
}
