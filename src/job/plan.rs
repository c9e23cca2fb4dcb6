//! What a job would do, found out without doing it.

use serde::Serialize;

use super::budget::{self, Layout, Task};
use super::levels;
use crate::error::Result;
use crate::guidance;
use crate::inputs::StyleShape;
use crate::objective::{self, Spans};
use crate::params::{Params, Settings};
use crate::picture;
use crate::resources::Resources;

/// In tiles the network is run forward once more, for the whole picture's statistics. That is about a third of an evaluation.
const TILED: f64 = 4.0 / 3.0;

/// What a job would do.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// Height and width of the picture that would be worked on.
    pub size: [usize; 2],
    /// The most bytes it is expected to need.
    pub memory: u64,
    /// The side of the tiles it would be worked on in; None for the whole picture at once.
    pub tile: Option<usize>,
    /// The sizes it would be painted in, the smallest first.
    pub levels: Vec<PlannedLevel>,
    /// The parameters with nothing left out.
    pub settings: Settings,
}

/// A size that a job would paint in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlannedLevel {
    /// Height and width.
    pub size: [usize; 2],
    /// Evaluations at most.
    pub evaluations: usize,
    /// How long one evaluation takes, as the number of pixels of a picture that takes as long when it is worked on at once.
    /// With tiles that is more than the size has, because tiles overlap.
    pub cost: u64,
}

/// What a job with a content picture of this [height, width] would do.
pub(crate) fn plan(
    resources: &Resources,
    content: [usize; 2],
    styles: &[StyleShape],
    masked: bool,
    params: &Params,
) -> Result<Plan> {
    let settings = params.resolve(&resources.model)?.fitted(params, content);
    if !masked {
        settings.check_shape(content)?;
    }
    let size = picture::scaled(content, settings.size);
    let levels = levels::painted(&resources.model, content, &settings)?;
    let keeps_state = levels::is_divided(&levels);
    let task = Task { settings: &settings, masked, content, size, styles, keeps_state };
    let Layout { needed, tile, .. } = budget::layout(resources, &task)?;
    let cost = |size| cost(resources, &task, size, tile);
    let levels = levels.iter().map(|level| {
        Ok(PlannedLevel { size: level.size, evaluations: level.iterations, cost: cost(level.size)? })
    });
    let levels = levels.collect::<Result<Vec<_>>>()?;
    Ok(Plan { size, memory: needed, tile, levels, settings })
}

/// What an evaluation of a picture of this [height, width] costs, in pixels.
fn cost(resources: &Resources, task: &Task, size: [usize; 2], tile: Option<usize>) -> Result<u64> {
    let Some(most) = tile.filter(|most| size[0].max(size[1]) > *most) else {
        return Ok((size[0] * size[1]) as u64);
    };
    let spec = task.settings.spec(true, guidance::count(task.styles));
    let halo = objective::halo(&resources.model, &spec)?;
    let [rows, columns] = size.map(|side| {
        let spans = Spans::new(side, most, halo);
        spans.size * spans.spans.len()
    });
    Ok((TILED * (rows * columns) as f64) as u64)
}
