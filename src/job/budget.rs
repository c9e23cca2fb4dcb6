//! How much memory a job will need, computed before it begins, and how much there is.

use impasto_onnx::graph::Graph;
use impasto_onnx::{Model, ObjectiveSpec, StyleLoss, moments, objective as graphs, peak_memory};

use super::free_memory::{self, Reserved};
use crate::error::{Error, Result};
use crate::guidance;
use crate::inputs::StyleShape;
use crate::objective::{self, Spans};
use crate::optimise;
use crate::params::{Colours, Settings};
use crate::picture;
use crate::resources::Resources;
use crate::runtime::{self, Backend, Device};

/// The program, ONNX Runtime and small things.
const BASE: u64 = 96 << 20;
/// What there is at most besides while pictures are read, and its share of what they take. Measured with 24 megapixels as JPEG,
/// PNG, TIFF and GIF: 40 to 60 MiB.
const WHILE_READING: u64 = 56 << 20;
const WHILE_READING_SHARE: u64 = 6;
/// What ONNX Runtime takes on top of the activations that are alive at one time: copies in other layouts,
/// gaps between blocks. Measured (docs/measuring.md): 1.1 to 1.45.
const ROOM: f64 = 1.5;
/// Stands for what no device has memory for.
const TOO_LARGE: u64 = 1 << 50;
/// The share of the free memory that a job may use when no budget is set.
const SHARE: f64 = 0.8;

/// The sides of tiles that are tried, in pixels.
const TILES: [usize; 8] = [2048, 1536, 1024, 768, 512, 384, 256, 128];
/// How many pairs L-BFGS may remember; fewer converge less quickly.
const HISTORIES: [usize; 3] = [optimise::HISTORY, 6, 3];

/// Bytes in the host's memory, and in a device's.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bytes {
    host: u64,
    device: u64,
}

/// How a job is to be run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Layout {
    /// The bytes that it is expected to need; with a device, on it or in the host's memory, whichever is more.
    pub needed: u64,
    /// Those in the host's memory.
    pub host: u64,
    /// The side of the tiles; None for the whole picture at once.
    pub tile: Option<usize>,
    /// The pairs that L-BFGS remembers.
    pub history: usize,
}

/// What a job works on.
pub(crate) struct Task<'a> {
    pub settings: &'a Settings,
    pub masked: bool,
    /// Height and width of the content picture, and of the picture that is painted.
    pub content: [usize; 2],
    pub size: [usize; 2],
    /// The style pictures that count.
    pub styles: &'a [StyleShape],
    /// Whether L-BFGS's state is kept for another job or part of this one, or came from one.
    pub keeps_state: bool,
}

impl Task<'_> {
    /// The sizes in which the style pictures' statistics are taken.
    fn style_sizes(&self) -> Vec<[usize; 2]> {
        let size =
            |s: &StyleShape| self.settings.style_dims(s.size, s.scale, self.size, self.settings.style_size);
        self.styles.iter().map(size).collect()
    }

    /// The bytes of matrices that are kept for the gradient of square roots.
    fn matrices(&self, model: &Model, spec: &ObjectiveSpec) -> Result<u64> {
        let matrices = match spec.style_loss {
            StyleLoss::Gram => return Ok(0),
            StyleLoss::Moments => 6 * moments::ITERATIONS as u64,
        };
        let mut entries = 0;
        for tap in &spec.style {
            entries += (model.tap(tap)?.channels as u64).pow(2) * spec.regions.max(1) as u64;
        }
        Ok(4 * matrices * entries)
    }

    /// The bytes of all activations at a time, and of those that are kept for each tile.
    fn activations(&self, model: &Model, backend: &Backend, tile: Option<usize>) -> Result<[u64; 2]> {
        let spec = self.settings.spec(self.masked || tile.is_some(), guidance::count(self.styles));
        let of_style = ObjectiveSpec { content: Vec::new(), regions: 0, ..spec.clone() };
        let has_style = !of_style.style.is_empty();
        let limit = backend.largest_tensor.unwrap_or(u64::MAX);
        // A graph with a value that is too large for the device does not fit.
        let bytes = |graph: &Graph| match peak_memory::largest(graph) <= limit {
            true => peak_memory::bytes(graph),
            false => TOO_LARGE,
        };
        let features = |size: [usize; 2]| -> Result<u64> {
            Ok(bytes(&graphs::features(model, &of_style, backend.graph_target(size))?))
        };
        let Some(most) = tile else {
            let mut most = bytes(&graphs::objective(model, &spec, backend.graph_target(self.size))?);
            for style in self.style_sizes().into_iter().filter(|_| has_style) {
                most = most.max(features(style)?);
            }
            return Ok([(most as f64 * ROOM) as u64 + self.matrices(model, &spec)?, 0]);
        };
        let halo = objective::halo(model, &spec)?;
        let spans = self.size.map(|side| Spans::new(side, most, halo));
        let size = [spans[0].size, spans[1].size];
        // Both graphs keep their memory; the content's activations are kept for each tile.
        let mut sum = bytes(&graphs::tile(model, &spec, backend.graph_target(size))?);
        if has_style {
            let of_picture = ObjectiveSpec { content: Vec::new(), ..spec.clone() };
            sum += bytes(&graphs::features(model, &of_picture, backend.graph_target(size))?);
        }
        let mut kept = 1.0;
        for tap in &spec.content {
            let tap = model.tap(tap)?;
            kept += tap.channels as f64 / f64::from(1 << (2 * (tap.block - 1)));
        }
        let pixels = size[0] * size[1] * spans[0].spans.len() * spans[1].spans.len();
        // Of each region its mask.
        kept += spec.regions as f64;
        Ok([(sum as f64 * ROOM) as u64 + self.matrices(model, &spec)?, (4.0 * kept * pixels as f64) as u64])
    }

    /// The most bytes that the job is expected to need with these activations.
    fn needed(
        &self,
        model: &Model,
        backend: &Backend,
        tile: Option<usize>,
        history: usize,
        [activations, kept]: [u64; 2],
    ) -> Bytes {
        let pixels = |size: &[usize; 2]| (size[0] * size[1]) as u64;
        let vectors = |count: usize| 12 * pixels(&self.size) * count as u64;
        // The content picture as it came, and where it has another size or no colours; the level below and its
        // content picture; the gradient as a graph of the whole picture leaves it.
        let mut pictures = 12 * (pixels(&self.content) + pixels(&self.size) / 2);
        if tile.is_none() {
            pictures += 12 * pixels(&self.size);
        }
        if self.keeps_state {
            pictures += vectors(history + 1);
        }
        if self.content != self.size {
            pictures += 12 * pixels(&self.size);
        }
        if self.settings.colours == Colours::Content {
            pictures += 12 * pixels(&self.size);
        }
        if self.settings.colours == Colours::Content && self.settings.colour_strength < 100.0 {
            pictures += 12 * pixels(&self.size);
        }
        // The style pictures as they came, with what is transparent of them.
        pictures += 16 * self.styles.iter().map(|s| pixels(&s.size)).sum::<u64>();
        if self.masked {
            pictures += 4 * pixels(&self.content);
        }
        // The masks of regions, and those that the graph got.
        pictures += 8 * guidance::count(self.styles) as u64 * pixels(&self.size);
        pictures += 12 * self.style_sizes().iter().map(pixels).sum::<u64>() * 2;
        // The model's own, the graph's, those that ONNX Runtime turns and packs.
        let weights = 4 * model.parameters() as u64 * if tile.is_some() { 9 } else { 6 };
        let (pairs, graphs) = (vectors(optimise::vectors(history)), weights + activations);
        let bytes = match (backend.device, tile) {
            (Device::Cpu, _) => Bytes { host: BASE + pictures + pairs + graphs + kept, device: 0 },
            // What is copied to the device and back is in the host's memory for a while.
            (_, None) if backend.vectors_on_device => Bytes {
                host: BASE + pictures + vectors(3),
                device: graphs + vectors(optimise::device_vectors(history)),
            },
            _ => Bytes { host: BASE + pictures + pairs + kept, device: graphs },
        };
        match backend.shares_memory {
            true => Bytes { host: bytes.host + bytes.device, ..bytes },
            false => bytes,
        }
    }
}

/// Does `attempt` with these tiles, and again with smaller ones as long as there is not enough memory for it. What
/// a card has free, and what ONNX Runtime takes of it, is only known when it is tried.
pub(crate) fn with_smaller_tiles<T>(
    tile: &mut Option<usize>,
    size: [usize; 2],
    mut attempt: impl FnMut(Option<usize>) -> Result<T>,
) -> Result<T> {
    loop {
        match attempt(*tile) {
            Err(Error::OutOfMemory(problem)) => {
                let side = tile.unwrap_or(size[0].max(size[1]));
                let Some(smaller) = TILES.into_iter().find(|t| *t < side) else {
                    return Err(Error::OutOfMemory(problem));
                };
                tracing::warn!("not enough memory; the size is begun again, in tiles of {smaller} pixels");
                tracing::debug!("what did not fit: {problem}");
                *tile = Some(smaller);
            }
            done => return done,
        }
    }
}

/// The bytes that a job may use: the budget, or a share of what is free where the system says how much that is.
fn allowed(budget: Option<u64>, free: Option<u64>) -> u64 {
    budget.or(free.map(|free| (free as f64 * SHARE) as u64)).unwrap_or(u64::MAX)
}

/// Fails if reading pictures takes more memory than a job may use.
pub(crate) fn check_reading(resources: &Resources, bytes: u64) -> Result<()> {
    let besides = (bytes / WHILE_READING_SHARE).min(WHILE_READING);
    let needed = bytes.saturating_add(BASE + besides);
    let allowed = allowed(resources.budget, free_memory::bytes());
    if needed <= allowed {
        return Ok(());
    }
    Err(Error::Memory { needed, allowed, advice: "give smaller pictures, or allow more memory".to_string() })
}

/// How to run a job in the memory that it may use: at once if that fits, else in the largest tiles that do. An
/// error if nothing fits.
pub(crate) fn layout(resources: &Resources, task: &Task) -> Result<Layout> {
    layout_with(resources, task, free_memory::bytes())
}

/// The same for a job that begins now. What it needs is set aside as long as the second value lives.
pub(crate) fn reserved_layout(resources: &Resources, task: &Task) -> Result<(Layout, Reserved)> {
    free_memory::reserve(|free| {
        let layout = layout_with(resources, task, free)?;
        Ok((layout, layout.host))
    })
}

fn layout_with(resources: &Resources, task: &Task, free: Option<u64>) -> Result<Layout> {
    let device = || allowed(None, runtime::free_memory(resources.backend.device));
    let allowed =
        Bytes { host: allowed(resources.budget, free), device: resources.budget.unwrap_or_else(device) };
    layout_in(resources, task, allowed)
}

fn layout_in(resources: &Resources, task: &Task, allowed: Bytes) -> Result<Layout> {
    let longer = task.size[0].max(task.size[1]);
    let tiles: Vec<Option<usize>> = match task.settings.tile_size {
        Some(side) => vec![Some(side).filter(|s| *s < longer)],
        None => [None].into_iter().chain(TILES.map(Some).into_iter().filter(|t| *t < Some(longer))).collect(),
    };
    // The least that is needed of what there is not enough of, and how much there is.
    let mut short: Option<(u64, u64)> = None;
    let mut activations = Vec::new();
    for history in HISTORIES {
        for (at, tile) in tiles.iter().enumerate() {
            if at == activations.len() {
                activations.push(task.activations(&resources.model, &resources.backend, *tile)?);
            }
            let needed = task.needed(&resources.model, &resources.backend, *tile, history, activations[at]);
            let (needed, there_is) = match (needed.host <= allowed.host, needed.device <= allowed.device) {
                (true, true) => {
                    return Ok(Layout {
                        needed: needed.host.max(needed.device),
                        host: needed.host,
                        tile: *tile,
                        history,
                    });
                }
                (false, _) => (needed.host, allowed.host),
                (true, false) => (needed.device, allowed.device),
            };
            if short.is_none_or(|(least, _)| needed < least) {
                short = Some((needed, there_is));
            }
        }
    }
    let (least, there_is) = short.unwrap_or((u64::MAX, allowed.host));
    let advice = match fitting_size(resources, task, allowed)? {
        Some(side) => format!("choose size {side} or smaller, or allow more memory"),
        None => "allow more memory".to_string(),
    };
    Err(Error::Memory { needed: least, allowed: there_is, advice })
}

/// A smaller size with which the job would fit, found by trying.
fn fitting_size(resources: &Resources, task: &Task, allowed: Bytes) -> Result<Option<usize>> {
    const SMALLEST: usize = 64;
    let (full, style) = (task.settings.size, task.settings.style_size);
    let smaller = |side: &usize| Some(side * 7 / 8 / 16 * 16).filter(|side| *side >= SMALLEST);
    for side in std::iter::successors(smaller(&full), smaller) {
        let settings =
            Settings { size: side, style_size: (style * side / full).max(16), ..task.settings.clone() };
        let task = Task { settings: &settings, size: picture::scaled(task.size, side), ..*task };
        for tile in [None, TILES.last().copied()] {
            let activations = task.activations(&resources.model, &resources.backend, tile)?;
            let least = HISTORIES[HISTORIES.len() - 1];
            let needed = task.needed(&resources.model, &resources.backend, tile, least, activations);
            if needed.host <= allowed.host && needed.device <= allowed.device {
                return Ok(Some(side));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, EngineOptions};
    use crate::params::Params;

    /// What is planned for a card, on a machine that need not have one.
    #[test]
    fn a_card_has_a_budget_of_its_own() {
        let options = EngineOptions { device: Device::Cpu, threads: 1, ..Default::default() };
        let mut engine = Engine::new(&options).expect("an engine").resources;
        engine.backend.device = Device::Cuda(0);
        engine.backend.vectors_on_device = true;
        let plan = |engine: &Resources, side: usize, host: u64, device: u64| {
            let params = Params { size: Some(side), ..Params::default() };
            let settings = params.resolve(&engine.model).expect("settings");
            let size = [side * 2 / 3, side];
            let styles = [StyleShape { size: [800, 800], scale: 1.0, guided: false }];
            let task = Task {
                settings: &settings,
                masked: false,
                content: size,
                size,
                styles: &styles,
                keeps_state: false,
            };
            layout_in(engine, &task, Bytes { host: host << 20, device: device << 20 })
        };
        let whole = plan(&engine, 1024, 200, 4000).expect("a layout");
        assert_eq!((whole.tile, whole.history), (None, optimise::HISTORY));
        // A card that takes no large tensors gets tiles, and so does one that shares the computer's memory where that does not
        // suffice for the whole.
        engine.backend.largest_tensor = Some(40 << 20);
        let tile = plan(&engine, 1024, 400, 4000).expect("a layout").tile;
        assert!(tile.is_some_and(|tile| tile < 768), "{tile:?}");
        engine.backend.largest_tensor = None;
        engine.backend.shares_memory = true;
        let shared = plan(&engine, 1024, whole.needed >> 20, 4000);
        assert!(shared.is_err() || shared.is_ok_and(|layout| layout.tile.is_some()));
        engine.backend.shares_memory = false;
        // A small card gets tiles; the vectors are in the computer's memory then.
        let tiled = plan(&engine, 6000, 20_000, 4000).expect("a layout");
        assert!(tiled.tile.is_some());
        let short = |e: Result<Layout>| match e {
            Err(Error::Memory { allowed, .. }) => allowed >> 20,
            other => panic!("{other:?}"),
        };
        assert_eq!(short(plan(&engine, 6000, 1000, 90_000)), 1000);
        assert_eq!(short(plan(&engine, 6000, 90_000, 20)), 20);
        // Where vectors do not stay on the card, it needs less and the computer more.
        engine.backend.vectors_on_device = false;
        assert_eq!(short(plan(&engine, 1024, 200, 4000)), 200);
        assert_eq!(plan(&engine, 1024, 300, 4000).expect("a layout").tile, None);
    }

    #[test]
    fn tiles_shrink_until_the_memory_is_enough() {
        let run = |enough: usize| {
            let mut tried = Vec::new();
            let done = with_smaller_tiles(&mut None, [600, 900], |tile| {
                tried.push(tile);
                match tile {
                    Some(tile) if tile <= enough => Ok(tile),
                    _ => Err(Error::OutOfMemory("spent".into())),
                }
            });
            (tried, done)
        };
        let (tried, done) = run(400);
        assert_eq!(tried, [None, Some(768), Some(512), Some(384)]);
        assert!(matches!(done, Ok(384)));
        // In the end the error comes through, and another error at once.
        let (tried, done) = run(0);
        assert!(matches!(done, Err(Error::OutOfMemory(_))) && tried.last() == Some(&Some(128)));
        let other = with_smaller_tiles(&mut None, [600, 900], |_| Err::<(), _>(Error::Runtime("x".into())));
        assert!(matches!(other, Err(Error::Runtime(_))));
    }
}
