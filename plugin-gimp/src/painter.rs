// SPDX-License-Identifier: GPL-3.0-or-later
//! The procedure of the process that paints while another one watches over the image (`apart`).

use gimp::prelude::*;

use crate::arguments;
use crate::engine::Failure;
use crate::library::Library;
use crate::paint::{Job, paint};

/// Declares its arguments: those of the filter, and what the filter knows besides.
pub fn declare(procedure: &gimp::Procedure) {
    let flags = glib::ParamFlags::READWRITE;
    procedure.add_image_argument("image", "Image", Some("The image"), false, flags);
    procedure.add_drawable_argument("drawable", "Drawable", Some("What is painted"), false, flags);
    procedure.add_layer_argument(
        "canvas",
        "Canvas",
        Some("A layer over it that shows the picture so far"),
        false,
        flags,
    );
    procedure.add_boolean_argument(
        "remembers",
        "Remembers",
        Some("Whether the style is put among the recent ones"),
        false,
        flags,
    );
    arguments::declare(procedure);
}

/// Paints.
pub fn run(procedure: &gimp::Procedure, config: &gimp::ProcedureConfig) -> gimp::ValueArray {
    use gimp::PDBStatusType::{Cancel, ExecutionError, Success};
    let (status, problem) = match paint_from(config) {
        Ok(()) => (Success, None),
        Err(Failure::Cancelled) => (Cancel, None),
        Err(Failure::Problem(problem)) => {
            (ExecutionError, Some(glib::Error::new(gimp::PlugInError::Failed, &problem)))
        }
    };
    procedure.new_return_values(status, problem)
}

fn paint_from(config: &gimp::ProcedureConfig) -> Result<(), Failure> {
    let missing = |what: &str| Failure::Problem(format!("{what}: missing"));
    let image = config.property::<Option<gimp::Image>>("image").ok_or_else(|| missing("image"))?;
    let drawable =
        config.property::<Option<gimp::Drawable>>("drawable").ok_or_else(|| missing("drawable"))?;
    let canvas = config.property::<Option<gimp::Layer>>("canvas");
    let remembers = config.property::<bool>("remembers");
    let library = Library::open().map_err(Failure::Problem)?;
    paint(&Job { image: &image, drawable: &drawable, config, canvas, remembers }, &library)
}
