//! Coarse to fine: the sizes that a picture is painted at, each twice the one before, and how a picture is
//! carried from one to the next. Large strokes and colours settle at small sizes, where an evaluation costs
//! little; the full size only adds detail. (Gatys et al. 2017, "Controlling Perceptual Factors in Neural
//! Style Transfer", section 6, do this in two steps.)

use impasto_onnx::Model;
use ndarray::{Array3, Axis, Zip};

use super::canvas::Canvas;
use crate::error::Result;
use crate::params::{Init, Settings};
use crate::picture::{self, SMALLEST};

/// A level gets this number of times the evaluations of the one above.
const GROWTH: f64 = 1.5;

/// One size.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Level {
    /// Height and width of the content picture.
    pub size: [usize; 2],
    /// The longer side of the style pictures.
    pub style_size: usize,
    /// Evaluations at most.
    pub iterations: usize,
}

/// Fewer evaluations than this at one level are not divided.
const DIVIDED: usize = 12;

impl Level {
    /// The same size twice: first on a larger canvas, where the whole border is painted, then exactly (`canvas`).
    pub fn divided(self) -> Vec<Level> {
        if self.iterations < DIVIDED {
            return vec![self];
        }
        let first = self.iterations * 2 / 3;
        vec![
            Level { iterations: first, ..self.clone() },
            Level { iterations: self.iterations - first, ..self },
        ]
    }
}

/// The levels of a job with a content picture of this [height, width], the smallest first, the full size last.
pub(crate) fn schedule(content: [usize; 2], settings: &Settings) -> Vec<Level> {
    let level = |k: usize| Level {
        size: picture::scaled(content, (settings.size >> k).max(SMALLEST)),
        style_size: (settings.style_size >> k).max(SMALLEST),
        iterations: (settings.iterations as f64 * GROWTH.powi(k as i32)).round() as usize,
    };
    // A level whose shorter side would be less than a picture may have is left out, as its shape would not be the picture's.
    let has_room = |k: &usize| *k == 0 || picture::shorter_side(content, settings.size >> k) >= SMALLEST;
    let count = (0..settings.levels).take_while(has_room).count();
    (0..count).rev().map(level).collect()
}

/// The levels that a job paints: those of its schedule, where a single one is divided if poolings leave a border over. A start
/// that is a result has its border painted.
pub(crate) fn painted(model: &Model, content: [usize; 2], settings: &Settings) -> Result<Vec<Level>> {
    let levels = schedule(content, settings);
    match &levels[..] {
        [only]
            if settings.init != Init::Picture
                && Canvas::around(model, settings, only.size)?.size != only.size =>
        {
            Ok(only.clone().divided())
        }
        _ => Ok(levels),
    }
}

/// Whether a single level is painted in two parts of one size.
pub(crate) fn is_divided(levels: &[Level]) -> bool {
    matches!(levels, [first, last] if first.size == last.size)
}

/// Where a level starts: what the one below has painted, made larger, with the content picture's detail
/// that the level below could not have. `scene` is the content picture at this level, `scene_below` at the
/// one below.
pub(crate) fn start(
    painted: &Array3<f32>,
    scene_below: &Array3<f32>,
    scene: &Array3<f32>,
) -> Result<Array3<f32>> {
    let (_, h, w) = scene.dim();
    let mut out = scene.clone();
    for c in 0..3 {
        let change = &painted.index_axis(Axis(0), c) - &scene_below.index_axis(Axis(0), c);
        let change = picture::plane(&change, h, w)?;
        Zip::from(out.index_axis_mut(Axis(0), c))
            .and(&change)
            .for_each(|value, change| *value = (*value + change).clamp(0.0, 1.0));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Params;

    fn settings(size: usize, levels: Option<usize>) -> Settings {
        let model = crate::models::open(crate::models::RANDOM).expect("the model");
        let params = Params { size: Some(size), iterations: Some(40), levels, ..Params::default() };
        params.resolve(&model).expect("settings")
    }

    #[test]
    fn sizes_double_and_the_last_is_the_one_asked_for() {
        let sizes = |size, levels| -> Vec<_> {
            let schedule = schedule([3000, 4000], &settings(size, levels));
            schedule.into_iter().map(|l| (l.size, l.style_size, l.iterations)).collect()
        };
        let four =
            [([96, 128], 128, 135), ([192, 256], 256, 90), ([384, 512], 512, 60), ([768, 1024], 1024, 40)];
        assert_eq!(sizes(1024, None), four);
        assert_eq!(sizes(300, None), [([113, 150], 150, 60), ([225, 300], 300, 40)]);
        assert_eq!(sizes(150, None), [([113, 150], 150, 40)]);
        assert_eq!(sizes(1024, Some(1)), four[3..]);
        assert_eq!(sizes(1001, Some(2)), [([375, 500], 500, 60), ([751, 1001], 1001, 40)]);
        // No side is ever shorter than a picture may be, and no level has another shape.
        assert_eq!(sizes(32, Some(5)), [([24, 32], 32, 40)]);
        assert_eq!(sizes(64, Some(5)).first(), Some(&([24, 32], 32, 60)));
    }

    #[test]
    fn a_divided_level_has_no_more_evaluations() {
        let of = |iterations| Level { size: [97, 101], style_size: 101, iterations };
        let counts = |level: Level| level.divided().iter().map(|l| l.iterations).collect::<Vec<_>>();
        assert_eq!(counts(of(11)), [11]);
        assert_eq!(counts(of(12)), [8, 4]);
        assert_eq!(counts(of(40)), [26, 14]);
        assert!(is_divided(&of(40).divided()) && !is_divided(&of(11).divided()));
        assert!(!is_divided(&schedule([300, 400], &settings(400, None))));
    }

    #[test]
    fn what_is_not_painted_is_the_content_picture() {
        let scene =
            Array3::from_shape_fn((3, 40, 60), |(c, y, x)| ((c * 7 + y * 3 + x * 5) % 11) as f32 / 11.0);
        let below = Array3::from_elem((3, 20, 30), 0.5);
        let same = start(&below, &below, &scene).expect("a start");
        assert_eq!(same, scene);
        let lighter = start(&below.mapv(|v| v + 0.25), &below, &scene.mapv(|v| v * 0.5)).expect("a start");
        let wanted = scene.mapv(|v| v * 0.5 + 0.25);
        assert!(lighter.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}
