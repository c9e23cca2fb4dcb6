// SPDX-License-Identifier: GPL-3.0-or-later
//! The layer that shows the picture so far: into the image and out of it again, without a step to undo.

use gimp::prelude::*;

use crate::pixels::Selection;
use crate::result;
use crate::text::tr;

/// Inserts a transparent layer above another. The same layers are selected as before.
pub fn insert(
    image: &gimp::Image,
    layer: &gimp::Layer,
    selection: Option<&Selection>,
) -> Result<gimp::Layer, String> {
    let kind = if layer.is_gray() { gimp::ImageType::GrayaImage } else { gimp::ImageType::RgbaImage };
    let canvas = result::like(image, layer, kind, &tr("Neural style transfer"))?;
    canvas.fill(gimp::FillType::Transparent);
    result::limit(&canvas, layer, selection)?;
    let selected = image.selected_layers();
    unrecorded(image, || result::insert(image, &canvas, layer))?;
    image.set_selected_layers(&selected);
    Ok(canvas)
}

/// Takes it out again, unless the user has deleted it or merged it with others. The same layers are selected as before.
pub fn remove(image: &gimp::Image, canvas: &gimp::Layer) {
    if !canvas.is_valid() || !is_in(image, canvas) {
        return;
    }
    let mut selected = image.selected_layers();
    selected.retain(|layer| layer.id() != canvas.id());
    unrecorded(image, || image.remove_layer(canvas));
    if !selected.is_empty() {
        image.set_selected_layers(&selected);
    }
}

/// Whether a layer is among those of an image.
fn is_in(image: &gimp::Image, layer: &gimp::Layer) -> bool {
    let mut top: gimp::Item = layer.clone().upcast();
    while let Some(parent) = top.parent() {
        top = parent;
    }
    image.layers().iter().any(|other| other.id() == top.id())
}

/// Changes an image without a step to undo, and leaves it as saved or unsaved as it was.
fn unrecorded<T>(image: &gimp::Image, change: impl FnOnce() -> T) -> T {
    let was_dirty = image.is_dirty();
    image.undo_freeze();
    let changed = change();
    if !was_dirty {
        image.clean_all();
    } else if !image.is_dirty() {
        // GIMP counts the steps away from the saved state, backwards too, and has come to 0 now.
        let speck = gimp::Layer::new(image, None, 1, 1, image_type(image), 100.0, gimp::LayerMode::Normal);
        image.insert_layer(&speck, None::<&gimp::Layer>, 0);
        image.remove_layer(&speck);
    }
    image.undo_thaw();
    changed
}

fn image_type(image: &gimp::Image) -> gimp::ImageType {
    match image.base_type() {
        gimp::ImageBaseType::Gray => gimp::ImageType::GrayaImage,
        _ => gimp::ImageType::RgbaImage,
    }
}
