// SPDX-License-Identifier: GPL-3.0-or-later
//! Where the result goes: a new layer, or the place of the drawable's own pixels.

use gimp::prelude::*;

use crate::picture::Pixels;
use crate::pixels::{self, Selection};
use crate::text::{fill, tr};

/// Puts the result above the layer, one step to undo. Where there is a selection it becomes the new layer's
/// mask, on top of the layer's own.
pub fn new_layer(
    image: &gimp::Image,
    layer: &gimp::Layer,
    result: &Pixels,
    selection: Option<&Selection>,
) -> Result<(), String> {
    let name = fill("{layer}, painted", &[("layer", layer.name().unwrap_or_default().as_str())]);
    let above = like(image, layer, DrawableExt::type_(layer), &name)?;
    let buffer = above.buffer().ok_or_else(refused)?;
    pixels::write(layer.upcast_ref(), &buffer, result)?;
    above.update(0, 0, above.width(), above.height());
    limit(&above, layer, selection)?;
    insert(image, &above, layer)
}

fn refused() -> String {
    tr("GIMP does not make a new layer.").into()
}

/// A layer that lies where another does and is combined with those below in the same way. It belongs to the image, but is not
/// among its layers yet, and its pixels are not set.
pub fn like(
    image: &gimp::Image,
    layer: &gimp::Layer,
    kind: gimp::ImageType,
    name: &str,
) -> Result<gimp::Layer, String> {
    let (width, height) = (layer.width(), layer.height());
    let new = gimp::Layer::new(image, Some(name), width, height, kind, layer.opacity(), layer.mode());
    if !new.is_valid() {
        return Err(refused());
    }
    let (x, y) = layer.offsets().unwrap_or((0, 0));
    new.set_offsets(x, y);
    new.set_blend_space(layer.blend_space());
    new.set_composite_space(layer.composite_space());
    new.set_composite_mode(layer.composite_mode());
    Ok(new)
}

/// Gives such a layer a mask of what is seen of the other one and what is selected.
pub fn limit(new: &gimp::Layer, layer: &gimp::Layer, selection: Option<&Selection>) -> Result<(), String> {
    let own = layer.mask().filter(|_| layer.is_apply_mask());
    if own.is_none() && selection.is_none() {
        return Ok(());
    }
    let mask = new.create_mask(gimp::AddMaskType::White).ok_or_else(refused)?;
    if let Some(own) = own {
        pixels::copy(&own, &mask)?;
    }
    if let Some(selection) = selection {
        pixels::multiply(&mask, selection)?;
    }
    new.add_mask(&mask);
    Ok(())
}

/// Inserts a layer right above another.
pub fn insert(image: &gimp::Image, new: &gimp::Layer, layer: &gimp::Layer) -> Result<(), String> {
    let parent = layer.parent().and_then(|p| p.downcast::<gimp::Layer>().ok());
    match image.insert_layer(new, parent.as_ref(), image.item_position(layer)) {
        true => Ok(()),
        false => Err(refused()),
    }
}

/// Replaces the drawable's pixels, one step to undo. Filters on the drawable are merged first, since they are part of
/// what was painted.
pub fn in_place(image: &gimp::Image, drawable: &gimp::Drawable, result: &Pixels) -> Result<(), String> {
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
