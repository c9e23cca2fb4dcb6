//! How much memory a job will need, told before it begins, and how much there is.

use impasto_onnx::{Model, Spec, memory, objective};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::optimise;
use crate::params::Settings;

/// The program, ONNX Runtime and small things.
const BASE: u64 = 96 << 20;
/// What ONNX Runtime takes on top of the activations that are alive at one time: copies in other layouts,
/// gaps between blocks. Measured (docs/measuring.md): 1.1 to 1.45.
const ROOM: f64 = 1.5;
/// The share of the free memory that a job may use when no budget is set.
const SHARE: f64 = 0.8;

/// The most bytes that a job on pictures of these sizes, [height, width], is expected to need.
fn needed(
    model: &Model,
    settings: &Settings,
    masked: bool,
    size: [usize; 2],
    styles: &[[usize; 2]],
) -> Result<u64> {
    let spec = settings.spec(masked);
    let mut activations = memory::peak(&objective::objective(model, &spec, Some(size))?);
    let of_style = Spec { content: Vec::new(), ..spec };
    if !of_style.style.is_empty() {
        for style in styles {
            activations =
                activations.max(memory::peak(&objective::features(model, &of_style, Some(*style))?));
        }
    }
    let pixels = |size: &[usize; 2]| (size[0] * size[1]) as u64;
    let vectors = 12 * pixels(&size) * (optimise::VECTORS as u64 + 6);
    let pictures = 12 * styles.iter().map(pixels).sum::<u64>() * 3;
    // The model's own, the graph's, those that ONNX Runtime turns and packs.
    let weights = 4 * model.parameters() as u64 * 6;
    Ok(BASE + weights + vectors + pictures + (activations as f64 * ROOM) as u64)
}

/// The bytes that a job may use: the budget, or a share of what the system has free now.
pub(crate) fn allowed(budget: Option<u64>) -> u64 {
    budget.unwrap_or_else(|| (available() as f64 * SHARE) as u64)
}

/// The bytes that the system, or the control group that the process is in, has free.
fn available() -> u64 {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let all = system.available_memory();
    match system.cgroup_limits() {
        Some(limits) if limits.free_memory > 0 => all.min(limits.free_memory),
        _ => all,
    }
}

/// The bytes that a job is expected to need; an error if they are more than it may use.
pub(crate) fn check(
    engine: &Engine,
    settings: &Settings,
    masked: bool,
    size: [usize; 2],
    styles: &[[usize; 2]],
) -> Result<u64> {
    let needed = needed(&engine.model, settings, masked, size, styles)?;
    let allowed = allowed(engine.memory);
    if needed <= allowed {
        return Ok(needed);
    }
    // Memory grows with the pixels, the square of the side.
    let share = (allowed.saturating_sub(BASE) as f64 / needed as f64).sqrt();
    let side = (settings.size as f64 * share * 0.98) as usize / 16 * 16;
    let advice = match side >= 64 {
        true => format!("choose size {side} or smaller, or allow more memory"),
        false => "allow more memory".to_string(),
    };
    Err(Error::Memory { needed, allowed, advice })
}
