//! The objective of a picture in tiles: loss and gradient of the whole picture, in the memory of a part. A
//! first pass over the tiles adds up the statistics, such as Gram matrices; a second computes each tile's share of the
//! gradient, with the loss's derivative with respect to the whole picture's statistics. (Galerne et al. 2022, "Scaling Painting Style
//! Transfer", do the same in two passes.)

use impasto_onnx::{GraphTarget, Model, ObjectiveSpec, Term, TermKind, objective, receptive, spec};
use ndarray::Array3;

use super::inputs::{ObjectiveInputs, weight};
use super::tiles::{Halo, Span, Spans};
use crate::error::Result;
use crate::params::Settings;
use crate::progress::{CancelToken, Runs};
use crate::resources::Resources;
use crate::runtime::{Session, Tensor};

/// A term as the tiles need it.
struct Part {
    term: Term,
    weight: f64,
    /// Rows and columns of the statistics of a style term.
    statistics: [usize; 2],
    /// The tap's block, from 0.
    block: usize,
    /// The mask that it counts by: the job's, 0, or that of a region, from 1.
    mask: usize,
    /// The sum of the weights of the tap's positions over the whole picture.
    positions: f64,
}

/// One tile.
struct Tile {
    /// Top, left.
    start: [usize; 2],
    /// The job's mask and those of the regions in the core, 0 around it.
    masks: Vec<Vec<f32>>,
    /// For each of them and each block the sum of the mask over the block's positions.
    positions: Vec<Vec<f64>>,
    /// Of each content term the target's values, with those around the core.
    targets: Vec<Vec<f32>>,
}

/// Loss and gradient of a picture in tiles.
pub(crate) struct Tiled {
    /// [height, width] of the picture.
    size: [usize; 2],
    /// Height and width of all tiles.
    tile: [usize; 2],
    tiles: Vec<Tile>,
    styles: Vec<Part>,
    /// The target statistics of each style term.
    targets: Vec<Vec<f32>>,
    contents: Vec<Part>,
    total_variation: f64,
    /// The names of the masks' inputs.
    inputs: Vec<String>,
    /// Statistics; None without style terms.
    features: Option<Session>,
    /// Their losses, and the derivatives of these.
    losses: Option<Session>,
    /// The gradient; None if total variation is the only term.
    gradient: Option<Session>,
    runs: Runs,
}

/// What the taps of a job see around a tile's core.
pub(crate) fn halo(model: &Model, spec: &ObjectiveSpec) -> Result<Halo> {
    if spec.style.is_empty() && spec.content.is_empty() {
        return Ok(Halo { radius: 0, alignment: 1 });
    }
    let mut alignment = 1;
    for tap in spec.style.iter().chain(&spec.content) {
        alignment = alignment.max(1 << (model.tap(tap)?.block - 1));
    }
    let spec = ObjectiveSpec { masked: false, regions: 0, total_variation: false, ..spec.clone() };
    Ok(Halo { radius: receptive::radius(&objective::features(model, &spec, GraphTarget::Any)?), alignment })
}

/// The statistics of a picture [3, H, W] in tiles, one for each of the spec's style taps.
pub(crate) fn statistics(
    resources: &Resources,
    spec: &ObjectiveSpec,
    picture: &Array3<f32>,
    mask: Option<&[f32]>,
    most: usize,
    cancel: &CancelToken,
) -> Result<Vec<Vec<f32>>> {
    let (_, h, w) = picture.dim();
    let spec = ObjectiveSpec { content: Vec::new(), masked: true, total_variation: false, ..spec.clone() };
    let mut tiled = Tiled::frame(resources, &spec, [h, w], &[mask], most, cancel)?;
    for name in &spec.style {
        let [rows, columns] = spec.style_loss.dims(resources.model.tap(name)?.channels);
        tiled.targets.push(vec![0.0; rows * columns]);
    }
    let picture = picture.as_standard_layout();
    tiled.pass_one(picture.as_slice().unwrap_or_default())
}

impl Tiled {
    /// The objective in tiles of at most `most` pixels along a side. `statistics` are the targets of the style terms.
    pub fn new(
        resources: &Resources,
        settings: &Settings,
        compared: &ObjectiveInputs,
        statistics: Vec<Vec<f32>>,
        most: usize,
        cancel: &CancelToken,
    ) -> Result<Self> {
        let spec = ObjectiveSpec { masked: true, total_variation: false, ..compared.spec(settings) };
        let backend = resources.backend.for_loss(spec.style_loss);
        let planes: Vec<Option<Vec<f32>>> = std::iter::once(compared.mask)
            .chain(compared.guidance.iter().flat_map(|g| &g.masks).map(Some))
            .map(|mask| mask.map(|m| m.iter().copied().collect()))
            .collect();
        let masks: Vec<Option<&[f32]>> = planes.iter().map(Option::as_deref).collect();
        let mut out = Tiled::frame(resources, &spec, compared.size(), &masks, most, cancel)?;
        drop(planes);
        out.targets = statistics;
        out.total_variation = settings.tv_weight;
        for part in out.styles.iter_mut().chain(&mut out.contents) {
            part.weight = f64::from(weight(&resources.model, settings, compared.shares(), &part.term)?);
        }
        if !out.styles.is_empty() {
            let graph = objective::style_losses(&resources.model, &spec)?.to_bytes("style losses", "", &[]);
            out.losses = Some(Session::new(&graph, &backend)?);
        }
        if !spec.terms().is_empty() {
            let graph = objective::tile(&resources.model, &spec, resources.backend.graph_target(out.tile))?
                .to_bytes("tile", "", &[]);
            out.gradient = Some(Session::new(&graph, &backend)?);
        }
        let of_content = ObjectiveSpec { style: Vec::new(), masked: false, regions: 0, ..spec };
        if !of_content.content.is_empty() {
            let graph =
                objective::features(&resources.model, &of_content, resources.backend.graph_target(out.tile))?;
            let mut session = Session::new(&graph.to_bytes("content", "", &[]), &backend)?;
            let content = compared.content.as_standard_layout();
            let content = content.as_slice().unwrap_or_default();
            let mut cut = Vec::new();
            for tile in &mut out.tiles {
                tile.cut(content, out.size, out.tile, &mut cut);
                let picture = Tensor { dims: &[1, 3, out.tile[0], out.tile[1]], values: &cut };
                let outputs = out.runs.run(&mut session, &[("picture", picture)])?;
                tile.targets = outputs.into_iter().map(|o| o.values).collect();
            }
        }
        Ok(out)
    }

    /// The tiles of a picture and what adds up their Gram matrices, without targets and weights.
    fn frame(
        resources: &Resources,
        spec: &ObjectiveSpec,
        size: [usize; 2],
        masks: &[Option<&[f32]>],
        most: usize,
        cancel: &CancelToken,
    ) -> Result<Self> {
        let halo = halo(&resources.model, spec)?;
        let [rows, columns] = size.map(|side| Spans::new(side, most, halo));
        let tile = [rows.size, columns.size];
        let of_style = ObjectiveSpec { content: Vec::new(), ..spec.clone() };
        let mut features = None;
        if !of_style.style.is_empty() {
            let graph =
                objective::features(&resources.model, &of_style, resources.backend.graph_target(tile))?
                    .to_bytes("features", "", &[]);
            features = Some(Session::new(&graph, &resources.backend.for_loss(spec.style_loss))?);
        }
        let mut parts = Vec::new();
        for term in spec.terms() {
            let tap = resources.model.tap(&term.tap)?;
            let block = tap.block - 1;
            let mask = match term.kind {
                TermKind::Style(Some(region)) => region + 1,
                _ => 0,
            };
            let statistics = spec.style_loss.dims(tap.channels);
            parts.push(Part { weight: 0.0, term, statistics, block, mask, positions: 0.0 });
        }
        let blocks = parts.iter().map(|p| p.block + 1).max().unwrap_or(1);
        let mut tiles = Vec::new();
        for row in &rows.spans {
            for column in &columns.spans {
                tiles.extend(Tile::new(size[1], tile, [*row, *column], masks, blocks));
            }
        }
        for part in &mut parts {
            part.positions = tiles.iter().map(|t| t.positions[part.mask][part.block]).sum();
        }
        let (styles, contents) = parts.into_iter().partition(|p| matches!(p.term.kind, TermKind::Style(_)));
        let mut inputs = vec!["mask".to_string()];
        inputs.extend((0..spec.regions).map(spec::region_input));
        Ok(Tiled {
            size,
            tile,
            tiles,
            styles,
            targets: Vec::new(),
            contents,
            total_variation: 0.0,
            inputs,
            features,
            losses: None,
            gradient: None,
            runs: Runs::new(cancel)?,
        })
    }

    /// Loss, its terms, and its gradient written into `gradient`, as `Evaluate::evaluate`.
    pub fn evaluate(&mut self, picture: &[f32], gradient: &mut [f32]) -> Result<(f64, Vec<f64>)> {
        let statistics = self.pass_one(picture)?;
        let (mut losses, statistics_gradients) = self.style_losses(&statistics)?;
        gradient.fill(0.0);
        losses.extend(self.pass_two(picture, &statistics_gradients, gradient)?);
        if self.total_variation > 0.0 {
            losses.push(total_variation(picture, self.size, self.total_variation, gradient));
        }
        Ok((losses.iter().sum(), losses))
    }

    /// The loss of each style term, and its derivative with respect to the sums over positions that the statistics are
    /// the means of.
    fn style_losses(&mut self, statistics: &[Vec<f32>]) -> Result<(Vec<f64>, Vec<Vec<f32>>)> {
        let (mut losses, mut statistics_gradients) =
            (vec![0.0; self.styles.len()], vec![Vec::new(); self.styles.len()]);
        let Some(session) = &mut self.losses else { return Ok((losses, statistics_gradients)) };
        let names: Vec<[String; 2]> =
            self.styles.iter().map(|p| [p.term.statistics(), p.term.statistics_gradient()]).collect();
        let weights: Vec<[f32; 1]> = self.styles.iter().map(|p| [p.weight as f32]).collect();
        let mut given = Vec::new();
        for (at, part) in self.styles.iter().enumerate() {
            let target = part.term.target.as_deref().unwrap_or_default();
            let dims = &part.statistics;
            given.push((names[at][0].as_str(), Tensor { dims, values: &statistics[at] }));
            given.push((target, Tensor { dims, values: &self.targets[at] }));
            given.push((&part.term.weight, Tensor { dims: &[], values: &weights[at] }));
        }
        for output in self.runs.run(session, &given)? {
            for (at, part) in self.styles.iter().enumerate() {
                if output.name == part.term.loss {
                    losses[at] = output.values.first().copied().map_or(f64::NAN, f64::from);
                } else if output.name == names[at][1] {
                    let of_sum = |v: &f32| (f64::from(*v) / part.positions) as f32;
                    statistics_gradients[at] = output.values.iter().map(of_sum).collect();
                }
            }
        }
        Ok((losses, statistics_gradients))
    }

    /// The statistics of the whole picture, one for each style term.
    fn pass_one(&mut self, picture: &[f32]) -> Result<Vec<Vec<f32>>> {
        let mut sums: Vec<Vec<f64>> = self.targets.iter().map(|t| vec![0.0; t.len()]).collect();
        let single = |sums: Vec<Vec<f64>>| {
            sums.into_iter().map(|s| s.into_iter().map(|v| v as f32).collect()).collect()
        };
        let Some(session) = &mut self.features else { return Ok(single(sums)) };
        let [th, tw] = self.tile;
        let mut cut = Vec::new();
        for tile in &self.tiles {
            tile.cut(picture, self.size, self.tile, &mut cut);
            let (colours, plane) = ([1, 3, th, tw], [1, 1, th, tw]);
            let mut given = vec![("picture", Tensor { dims: &colours, values: &cut })];
            given.extend(tile.planes(&self.inputs, &plane));
            for ((sum, part), output) in
                sums.iter_mut().zip(&self.styles).zip(self.runs.run(session, &given)?)
            {
                let share = tile.positions[part.mask][part.block] / part.positions;
                if share > 0.0 {
                    sum.iter_mut().zip(&output.values).for_each(|(s, v)| *s += f64::from(*v) * share);
                }
            }
        }
        Ok(single(sums))
    }

    /// Adds the gradient of all terms but total variation; the losses of the content terms.
    fn pass_two(
        &mut self,
        picture: &[f32],
        statistics_gradients: &[Vec<f32>],
        gradient: &mut [f32],
    ) -> Result<Vec<f64>> {
        let mut losses = vec![0.0; self.contents.len()];
        let Some(session) = &mut self.gradient else { return Ok(losses) };
        let ([h, w], [th, tw]) = (self.size, self.tile);
        let (colours, plane) = ([1, 3, th, tw], [1, 1, th, tw]);
        let names: Vec<String> = self.styles.iter().map(|part| part.term.statistics_gradient()).collect();
        let mut cut = Vec::new();
        for tile in &self.tiles {
            tile.cut(picture, self.size, self.tile, &mut cut);
            let mut given = vec![("picture", Tensor { dims: &colours, values: &cut })];
            given.extend(tile.planes(&self.inputs, &plane));
            for ((name, part), values) in names.iter().zip(&self.styles).zip(statistics_gradients) {
                given.push((name, Tensor { dims: &part.statistics, values }));
            }
            // The graph's content loss is the mean over the tile's own positions.
            let share = |p: &Part| [(p.weight * tile.positions[p.mask][p.block] / p.positions) as f32];
            let shares: Vec<[f32; 1]> = self.contents.iter().map(share).collect();
            let dims = |(p, target): (&Part, &Vec<f32>)| {
                let (h, w) = (th >> p.block, tw >> p.block);
                [1, target.len() / (h * w).max(1), h, w]
            };
            let dims: Vec<[usize; 4]> = self.contents.iter().zip(&tile.targets).map(dims).collect();
            for (at, part) in self.contents.iter().enumerate() {
                let target = part.term.target.as_deref().unwrap_or_default();
                given.push((target, Tensor { dims: &dims[at], values: &tile.targets[at] }));
                given.push((&part.term.weight, Tensor { dims: &[], values: &shares[at] }));
            }
            for output in self.runs.run(session, &given)? {
                if let Some(at) = self.contents.iter().position(|p| p.term.loss == output.name) {
                    losses[at] += output.values.first().copied().map_or(f64::NAN, f64::from);
                    continue;
                }
                let [top, left] = tile.start;
                for (row, values) in output.values.chunks_exact(tw).enumerate() {
                    let to = &mut gradient[(row / th * h + top + row % th) * w + left..][..tw];
                    to.iter_mut().zip(values).for_each(|(to, v)| *to += v);
                }
            }
        }
        Ok(losses)
    }
}

impl Tile {
    /// The tile's pixels of a picture [3, H, W].
    fn cut(&self, picture: &[f32], [h, w]: [usize; 2], [th, tw]: [usize; 2], to: &mut Vec<f32>) {
        let [top, left] = self.start;
        to.clear();
        for c in 0..3 {
            for y in top..top + th {
                to.extend_from_slice(&picture[(c * h + y) * w + left..][..tw]);
            }
        }
    }

    /// The masks, by the names of their inputs.
    fn planes<'a>(
        &'a self,
        inputs: &'a [String],
        dims: &'a [usize],
    ) -> impl Iterator<Item = (&'a str, Tensor<'a>)> {
        inputs.iter().zip(&self.masks).map(|(name, values)| (name.as_str(), Tensor { dims, values }))
    }

    /// The tile of two spans of a picture that is `width` pixels wide. None if one of the blocks has no position
    /// in it that counts by the first mask: graphs divide by their number.
    fn new(
        width: usize,
        [th, tw]: [usize; 2],
        [row, column]: [Span; 2],
        masks: &[Option<&[f32]>],
        blocks: usize,
    ) -> Option<Tile> {
        let core = |mask: &Option<&[f32]>| {
            let mut values = vec![0.0f32; th * tw];
            for y in row.core[0]..row.core[1] {
                for x in column.core[0]..column.core[1] {
                    values[(y - row.start) * tw + x - column.start] = mask.map_or(1.0, |m| m[y * width + x]);
                }
            }
            values
        };
        // As the graph pools the masks: windows that do not fit are left out.
        let positions = |values: &Vec<f32>| -> Vec<f64> {
            let of_block = |block: usize| {
                let [rows, columns] = [th, tw].map(|side| side >> block << block);
                let sum: f64 =
                    (0..rows).flat_map(|y| &values[y * tw..][..columns]).map(|v| f64::from(*v)).sum();
                sum / f64::from(1 << (2 * block))
            };
            (0..blocks).map(of_block).collect()
        };
        let masks: Vec<Vec<f32>> = masks.iter().map(core).collect();
        let positions: Vec<Vec<f64>> = masks.iter().map(positions).collect();
        let start = [row.start, column.start];
        let counts = positions.first().is_some_and(|p| p.iter().all(|&p| p > 0.0));
        counts.then_some(Tile { start, masks, positions, targets: Vec::new() })
    }
}

/// weight · the mean squared difference of each pixel to its right and its lower neighbour, without the last
/// row and column as in the whole picture's graph; its gradient is added to `gradient`.
fn total_variation(picture: &[f32], [h, w]: [usize; 2], weight: f64, gradient: &mut [f32]) -> f64 {
    let entries = (6 * (h - 1) * (w - 1)) as f64;
    let factor = (2.0 * weight / entries) as f32;
    let mut sum = 0.0;
    for row in (0..3).flat_map(|c| (0..h - 1).map(move |y| c * h + y)) {
        for at in row * w..row * w + w - 1 {
            for other in [at + 1, at + w] {
                let difference = picture[other] - picture[at];
                sum += f64::from(difference) * f64::from(difference);
                gradient[other] += factor * difference;
                gradient[at] -= factor * difference;
            }
        }
    }
    weight * sum / entries
}

#[cfg(test)]
mod tests;
