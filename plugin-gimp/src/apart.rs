// SPDX-License-Identifier: GPL-3.0-or-later
//! Painting where the picture so far is seen on the canvas. GIMP's Cancel kills the process that shows the progress. So another
//! process of the plug-in paints (`painter`), and this one puts a layer for it into the image and takes it away again,
//! however painting ends.

use gimp::prelude::*;

use crate::engine::Failure;
use crate::paint::{self, Job};
use crate::text::tr;
use crate::{PAINTER, canvas};

/// Paints a layer.
pub fn paint(job: &Job, layer: &gimp::Layer) -> Result<(), Failure> {
    let selection = paint::selection(job.image, job.drawable).map_err(Failure::Problem)?;
    let canvas = canvas::insert(job.image, layer, selection.as_ref()).map_err(Failure::Problem)?;
    let painted = painter(job, &canvas);
    canvas::remove(job.image, &canvas);
    painted
}

/// Lets the other process paint.
fn painter(job: &Job, canvas: &gimp::Layer) -> Result<(), Failure> {
    let ended =
        || Failure::Problem(tr("The process that paints has ended. The image is as it was before.").into());
    let pdb = gimp::pdb().ok_or_else(ended)?;
    // Else GIMP shows its own message for the other process's error, besides ours.
    if let Some(plug_in) = gimp::plug_in() {
        plug_in.set_pdb_error_handler(gimp::PDBErrorHandler::Plugin);
    }
    let procedure = pdb.lookup_procedure(PAINTER).ok_or_else(ended)?;
    let to = procedure.create_config().ok_or_else(ended)?;
    for argument in job.config.list_properties() {
        let name = argument.name();
        if to.find_property(name).is_some_and(|to| !to.flags().contains(glib::ParamFlags::CONSTRUCT_ONLY)) {
            to.set_property_from_value(name, &job.config.property_value(name));
        }
    }
    to.set_property("image", job.image);
    to.set_property("drawable", job.drawable);
    to.set_property("canvas", canvas);
    to.set_property("remembers", job.remembers);
    let values = procedure.run_config(Some(&to)).ok_or_else(ended)?;
    match values.get::<gimp::PDBStatusType>(0) {
        Ok(gimp::PDBStatusType::Success) => Ok(()),
        Ok(gimp::PDBStatusType::Cancel) => Err(Failure::Cancelled),
        _ => match pdb.last_error() {
            Some(said) if !said.is_empty() => Err(Failure::Problem(said.into())),
            _ => Err(ended()),
        },
    }
}
