//! Whether a graphics card computes what the processor does, and whether it is faster. Both evaluate the objective of a small
//! picture. What came of it is kept in the user's cache folder, for this card, driver, ONNX Runtime, model and threads.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ndarray::Array3;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files;
use crate::objective::{Objective, ObjectiveInputs, StyleTarget};
use crate::optimise::{Location, from_pixels_exactly};
use crate::params::Params;
use crate::progress::CancelToken;
use crate::resources::Resources;
use crate::runtime::{self, Backend};

/// The sides of the pictures by whose gradients and by whose times devices are compared, in pixels.
const TO_CHECK: usize = 64;
const TO_TIME: usize = 256;
/// By how much loss and gradient may differ, as a share of their sizes. Another order of sums makes a ten-thousandth.
const LOSS_TOLERANCE: f64 = 1e-3;
const GRADIENT_TOLERANCE: f64 = 2e-2;
/// A card that is not even this many times as fast with the smaller picture is not tried with the larger one.
const HOPELESS: f64 = 0.1;
/// Evaluations that are timed after one that prepares the device.
const TIMED: usize = 2;

/// What is known of a card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Outcome {
    /// Whether its gradient was that of the processor.
    is_right: bool,
    /// How much less time than the processor it takes for an evaluation: 2 for half of it.
    times_as_fast: Option<f64>,
}

/// The outcomes by [`key`].
type Known = BTreeMap<String, Outcome>;

/// Fails if the card's gradient is not that of the processor.
pub(crate) fn check(resources: &Resources) -> Result<()> {
    let key = key(resources)?;
    let known = known();
    let outcome = known.get(&key).copied().unwrap_or_default();
    if outcome.is_right {
        return Ok(());
    }
    let card = evaluate(resources, resources.backend, TO_CHECK, 0)?;
    let processor = evaluate(resources, on_processor(resources), TO_CHECK, 0)?;
    compare(&card, &processor)?;
    keep(&key, Outcome { is_right: true, ..outcome });
    Ok(())
}

/// Whether the card takes less time for an evaluation than the processor.
pub(crate) fn is_faster(resources: &Resources) -> Result<bool> {
    let key = key(resources)?;
    let outcome = known().get(&key).copied().unwrap_or_default();
    let times_as_fast = match outcome.times_as_fast {
        Some(known) => known,
        None => {
            tracing::info!("the graphics card and the processor are compared, once");
            let mut times_as_fast = time(resources, TO_CHECK)?;
            // Small pictures take a card longer than their share, but not so much.
            if times_as_fast > HOPELESS {
                times_as_fast = time(resources, TO_TIME)?;
            }
            keep(&key, Outcome { times_as_fast: Some(times_as_fast), ..outcome });
            times_as_fast
        }
    };
    tracing::debug!("the graphics card is {times_as_fast:.2} times as fast as the processor");
    Ok(times_as_fast > 1.0)
}

/// How many times as fast as the processor the card evaluates the objective of a picture with these sides.
fn time(resources: &Resources, side: usize) -> Result<f64> {
    let card = evaluate(resources, resources.backend, side, TIMED)?;
    let processor = evaluate(resources, on_processor(resources), side, TIMED)?;
    Ok(processor.time.as_secs_f64() / card.time.as_secs_f64().max(1e-9))
}

fn on_processor(resources: &Resources) -> Backend {
    Backend { device: runtime::Device::Cpu, memory: None, ..resources.backend }
}

/// What an evaluation came to.
struct Evaluation {
    loss: f64,
    gradient: Vec<f32>,
    /// The shortest time that one took.
    time: Duration,
}

/// Evaluates the objective of a small picture with latent variables on the device, as a job does: once, and `timed` times more.
fn evaluate(resources: &Resources, backend: Backend, side: usize, timed: usize) -> Result<Evaluation> {
    let resources = Resources {
        model: resources.model.clone(),
        backend: Backend { vectors_on_device: true, ..backend },
        budget: resources.budget,
        threads: resources.threads.clone(),
        sessions: Default::default(),
        targets: Default::default(),
    };
    let settings = Params::default().resolve(&resources.model)?;
    let [content, style, picture] = [0.3, 1.1, 2.3].map(|phase| waves(side, phase));
    let styles = [StyleTarget { rgb: style, mask: None, weight: 1.0, group: 0 }];
    let compared = ObjectiveInputs { content: &content, styles: &styles, mask: None, guidance: None };
    let mut objective = Objective::new(&resources, &settings, &compared, None, &CancelToken::new())?;
    let Location::Device(objective) = objective.location() else {
        unreachable!("the vectors are on the device");
    };
    let vectors = objective.vectors();
    let values: Vec<f32> = picture.iter().copied().collect();
    let latent = vectors.to_device(from_pixels_exactly(&values))?;
    let mut gradient = vectors.alloc()?;
    let (mut loss, _) = objective.evaluate(&latent, &mut gradient)?;
    let mut time = Duration::MAX;
    for _ in 0..timed {
        let begun = Instant::now();
        (loss, _) = objective.evaluate(&latent, &mut gradient)?;
        time = time.min(begun.elapsed());
    }
    Ok(Evaluation { loss, gradient: vectors.to_host(&gradient)?, time })
}

/// A picture with structure at some scales, in 0.1..0.9.
fn waves(side: usize, phase: f32) -> Array3<f32> {
    Array3::from_shape_fn((3, side, side), |(channel, y, x)| {
        let (y, x, channel) = (y as f32, x as f32, channel as f32);
        0.5 + 0.2 * (x * 0.31 + phase + channel).sin() + 0.2 * (y * 0.67 * phase - x * 0.05 * channel).cos()
    })
}

fn compare(card: &Evaluation, processor: &Evaluation) -> Result<()> {
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let wanted = || processor.gradient.iter().map(|v| f64::from(*v));
    let pairs = card.gradient.iter().zip(wanted());
    let error = norm(&mut pairs.map(|(a, b)| f64::from(*a) - b)) / norm(&mut wanted());
    let loss = (card.loss - processor.loss).abs() / processor.loss.abs();
    tracing::debug!("the graphics card's loss differs by {loss:.1e} of it, its gradient by {error:.1e}");
    // What is not a number is not within.
    if loss <= LOSS_TOLERANCE && error <= GRADIENT_TOLERANCE {
        return Ok(());
    }
    Err(Error::Device(format!(
        "the graphics card computes wrong values: its gradient differs from the processor's by {:.2} % and its loss by \
         {:.2} %; a newer driver may help, or choose --device cpu",
        100.0 * error,
        100.0 * loss
    )))
}

/// What an outcome holds for.
fn key(resources: &Resources) -> Result<String> {
    let Resources { model, backend, .. } = resources;
    let (name, parameters) = (&model.manifest.name, model.parameters());
    Ok(format!("{}; {name} {parameters}; {} threads", runtime::webgpu_version()?, backend.threads))
}

fn file() -> Option<PathBuf> {
    dirs::cache_dir().map(|folder| folder.join("impasto").join("graphics-cards.json"))
}

/// What is kept; nothing if that cannot be read.
fn known() -> Known {
    let bytes = file().and_then(|file| std::fs::read(file).ok()).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// Keeps an outcome, if there is a place for it; else the next job tries again.
fn keep(key: &str, outcome: Outcome) {
    let Some(file) = file() else { return };
    let mut known = known();
    known.insert(key.to_string(), outcome);
    let text = serde_json::to_string_pretty(&known).unwrap_or_default();
    let kept = std::fs::create_dir_all(files::folder_of(&file)).map_err(|e| e.to_string());
    if let Err(e) = kept.and_then(|()| files::write(&file, text.as_bytes()).map_err(|e| e.to_string())) {
        tracing::debug!("{}: {e}", file.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, EngineOptions};
    use crate::runtime::Device;

    #[test]
    fn a_wrong_gradient_is_seen_and_rounding_is_none() {
        let options = EngineOptions { device: Device::Cpu, threads: 1, ..Default::default() };
        let resources = Engine::new(&options).expect("an engine").resources;
        let right = evaluate(&resources, resources.backend, TO_CHECK, 1).expect("an evaluation");
        assert!(right.loss > 0.0 && right.time < Duration::MAX);
        let changed = |loss: f64, change: &dyn Fn(usize, f32) -> f32| Evaluation {
            loss: right.loss * loss,
            gradient: right.gradient.iter().enumerate().map(|(i, v)| change(i, *v)).collect(),
            time: right.time,
        };
        compare(&changed(1.0 + 1e-5, &|i, v| v * (1.0 + 1e-3 * (i % 3) as f32)), &right).expect("right");
        let wrong = [
            changed(1.01, &|_, v| v),
            changed(1.0, &|_, v| 1.05 * v),
            changed(1.0, &|i, v| if i % 16 == 0 { 0.0 } else { v }),
            changed(1.0, &|i, v| if i == 7 { f32::NAN } else { v }),
            changed(f64::NAN, &|_, v| v),
        ];
        for wrong in wrong {
            let said = compare(&wrong, &right).expect_err("wrong").to_string();
            assert!(said.contains("wrong values") && said.contains("--device cpu"), "{said}");
        }
    }
}
