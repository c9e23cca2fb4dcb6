//! Loss and gradient in tiles against those of the whole picture.

use ndarray::Array2;

use super::*;
use crate::engine::Engine;
use crate::guidance::Guidance;
use crate::objective::{Objective, StyleTarget};
use crate::optimise::Location;
use crate::params::Params;
use crate::{Device, EngineOptions};

fn picture(h: usize, w: usize, phase: f32) -> Array3<f32> {
    Array3::from_shape_fn((3, h, w), |(c, y, x)| {
        let (y, x, c) = (y as f32, x as f32, c as f32);
        let edge = if ((x / 9.0) as i32 + (y / 7.0) as i32) % 2 == 0 { 0.2 } else { -0.2 };
        0.5 + edge + 0.25 * (x * 0.21 + phase + c).sin() * (y * 0.13 - c * phase).cos()
    })
}

/// The relative error of loss, terms and gradient in tiles against the whole picture.
fn error(engine: &Engine, params: &Params, size: [usize; 2], masked: bool, tile: usize) -> f64 {
    compare(engine, params, size, masked, false, tile)
}

fn compare(
    engine: &Engine,
    params: &Params,
    [h, w]: [usize; 2],
    masked: bool,
    guided: bool,
    tile: usize,
) -> f64 {
    let settings = params.resolve(engine.model()).expect("settings");
    let content = picture(h, w, 0.3);
    let styles = [(90, 133, 1.7, 0.75), (70, 60, 0.9, 0.25)].map(|(h, w, phase, weight)| StyleTarget {
        rgb: picture(h, w, phase),
        mask: (phase > 1.0).then(|| Array2::from_shape_fn((h, w), |(y, x)| f32::from(x + y > 60))),
        weight: if guided { 1.0 } else { weight },
        group: usize::from(guided && phase < 1.0),
    });
    let mask = masked.then(|| {
        Array2::from_shape_fn((h, w), |(y, x)| if x < 40 { 0.0 } else { (y as f32 / h as f32).min(1.0) })
    });
    // One style where it is bright at the left, the other elsewhere; in some tiles there is nothing of one.
    let left = Array2::from_shape_fn((h, w), |(_, x)| (1.2 - x as f32 / 50.0).clamp(0.0, 1.0));
    let guidance = guided.then(|| {
        let masks = [left.clone(), left.mapv(|v| 1.0 - v)];
        let masks = masks.map(|m| if let Some(mask) = &mask { m * mask } else { m }).to_vec();
        Guidance { masks, shares: vec![0.3, 0.7] }
    });
    let at = picture(h, w, 2.6);
    let at = at.as_slice().expect("a picture");
    let evaluate = |tile: Option<usize>| {
        let cancel = CancelToken::new();
        let compared = ObjectiveInputs {
            content: &content,
            styles: &styles,
            mask: mask.as_ref(),
            guidance: guidance.as_ref(),
        };
        let mut objective =
            Objective::new(&engine.resources, &settings, &compared, tile, &cancel).expect("an objective");
        let mut gradient = vec![f32::NAN; at.len()];
        let Location::Host(objective) = objective.location() else { panic!("the CPU has no other place") };
        let (loss, terms) = objective.evaluate(at, &mut gradient).expect("a loss");
        (loss, terms, gradient)
    };
    let ((loss, terms, gradient), (loss_in_tiles, terms_in_tiles, gradient_in_tiles)) =
        (evaluate(None), evaluate(Some(tile)));
    let relative = |a: f64, b: f64| (a - b).abs() / b.abs();
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let difference = norm(&mut gradient.iter().zip(&gradient_in_tiles).map(|(a, b)| f64::from(a - b)));
    let mut worst = difference / norm(&mut gradient.iter().map(|v| f64::from(*v)));
    worst = worst.max(relative(loss_in_tiles, loss));
    assert_eq!(terms.len(), terms_in_tiles.len());
    for (a, b) in terms_in_tiles.iter().zip(&terms) {
        worst = worst.max(relative(*a, *b));
    }
    worst
}

fn engine(model: &str) -> Engine {
    let options =
        EngineOptions { model: model.to_string(), device: Device::Cpu, threads: 2, ..Default::default() };
    Engine::new(&options).expect("an engine")
}

#[test]
fn tiles_give_the_loss_and_gradient_of_the_whole_picture() {
    let engine = engine(crate::models::DEFAULT);
    let plain = Params::default();
    let tv = Params { tv_weight: Some(3e7), ..Params::default() };
    let average = Params { pooling: Some(impasto_onnx::Pooling::Average), ..Params::default() };
    for size in [[128, 160], [131, 203], [96, 300], [257, 99]] {
        for (params, masked) in [(&plain, false), (&tv, false), (&average, false), (&tv, true)] {
            for tile in [64, 100] {
                let error = error(&engine, params, size, masked, tile);
                assert!(error < 1e-4, "{size:?} tile {tile} masked {masked} {params:?}: {error:e}");
            }
        }
    }
}

#[test]
fn tiles_are_exact_with_moments_replicated_borders_and_regions() {
    use impasto_onnx::{Padding, StyleLoss};
    let engine = engine(crate::models::DEFAULT);
    let moments = Params { style_loss: Some(StyleLoss::Moments), ..Params::default() };
    let replicated = Params { padding: Some(Padding::Replicate), ..Params::default() };
    // The square roots of moments lose digits where covariances are all but singular.
    for (params, most) in [(&moments, 1e-3), (&replicated, 1e-4), (&Params::default(), 1e-4)] {
        for (masked, guided) in [(false, false), (false, true), (true, true)] {
            for size in [[128, 160], [131, 203]] {
                let error = compare(&engine, params, size, masked, guided, 64);
                assert!(error < most, "{size:?} masked {masked} guided {guided} {params:?}: {error:e}");
            }
        }
    }
}

#[test]
fn tiles_are_exact_at_full_depth() {
    let engine = engine(crate::models::RANDOM);
    for (size, tile) in [([331, 250], 208), ([200, 420], 240)] {
        let error = error(&engine, &Params { tv_weight: Some(1e3), ..Params::default() }, size, false, tile);
        assert!(error < 1e-4, "{size:?} {tile}: {error:e}");
    }
}

#[test]
fn a_single_term_is_enough() {
    let engine = engine(crate::models::DEFAULT);
    for (style, content, tv) in [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1e6)] {
        let params = Params {
            style_weight: Some(style),
            content_weight: Some(content),
            tv_weight: Some(tv),
            ..Params::default()
        };
        let error = error(&engine, &params, [150, 130], false, 64);
        assert!(error < 1e-4, "{params:?}: {error:e}");
    }
}
