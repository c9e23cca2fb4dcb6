// SPDX-License-Identifier: GPL-3.0-or-later
//! What GIMP calls: checks what is selected, shows the dialog, and paints.

use gimp::prelude::*;

use crate::engine::Failure;
use crate::library::Library;
use crate::paint::{Job, paint};
use crate::text::{fill, tr};
use crate::{apart, dialog};

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
    let job = Job { image, drawable, config, canvas: None, remembers: mode != gimp::RunMode::Noninteractive };
    // Masks and channels have nothing above them.
    let layer = drawable.dynamic_cast_ref::<gimp::Layer>();
    let painted = match layer.filter(|_| config.property::<bool>("on-canvas")) {
        Some(layer) => apart::paint(&job, layer),
        None => paint(&job, library),
    };
    match painted {
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
