//! What a level is painted on: a little more than the picture, to the right and below, so that poolings divide it. What they
//! leave over takes part in no style but the finest, and would stay a line of the photograph along the border. The last level
//! has exactly the picture's size, so that its loss is that of the picture: there that line begins as the levels below have
//! painted it, or where there are none, the first evaluations at the same size.

use impasto_onnx::Model;
use ndarray::{Array, Array3, Axis, RemoveAxis, s};

use crate::error::{Error, Result};
use crate::guidance::Guidance;
use crate::optimise::LbfgsState;
use crate::params::Settings;

/// The sizes of a picture and of what it is painted on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Canvas {
    /// [height, width]
    picture: [usize; 2],
    /// Height and width, of which no pooling leaves anything over.
    pub size: [usize; 2],
}

impl Canvas {
    /// A canvas of the picture's size, [H, W].
    pub fn exactly(picture: [usize; 2]) -> Self {
        Canvas { picture, size: picture }
    }

    /// A canvas that has room for a picture of the size [H, W].
    pub fn around(model: &Model, settings: &Settings, picture: [usize; 2]) -> Result<Self> {
        let mut blocks = 1;
        for tap in settings.style_taps.iter().chain(&settings.content_taps) {
            blocks = blocks.max(model.tap(tap)?.block);
        }
        Ok(Canvas { picture, size: picture.map(|side| side.next_multiple_of(1 << (blocks - 1))) })
    }

    /// [.., H, W] with its last rows and columns mirrored beyond the border; None where nothing is added.
    pub fn extended<D: RemoveAxis>(&self, picture: &Array<f32, D>) -> Option<Array<f32, D>> {
        if self.size == self.picture {
            return None;
        }
        let first = picture.ndim() - 2;
        let [rows, columns] = [0, 1]
            .map(|axis| (0..self.size[axis]).map(|at| mirrored(at, self.picture[axis])).collect::<Vec<_>>());
        let out = picture.select(Axis(first), &rows).select(Axis(first + 1), &columns);
        Some(if out.is_standard_layout() { out } else { out.as_standard_layout().into_owned() })
    }

    /// The guidance of a picture, extended as it is.
    pub fn guidance(&self, guidance: Guidance) -> Guidance {
        let masks = guidance.masks.into_iter().map(|mask| self.extended(&mask).unwrap_or(mask)).collect();
        Guidance { masks, ..guidance }
    }

    /// What L-BFGS knows of a canvas, of the picture's part.
    pub fn state(&self, state: LbfgsState) -> Result<LbfgsState> {
        let LbfgsState { scale, latent, pairs } = state;
        let latent = self.picture(latent)?.into_raw_vec_and_offset().0;
        let part = |values| self.picture(values).map(|values| values.into_raw_vec_and_offset().0);
        let pairs = pairs.into_iter().map(|[s, y]| Ok([part(s)?, part(y)?])).collect::<Result<_>>()?;
        Ok(LbfgsState { scale, latent, pairs })
    }

    /// The picture's part of the values [3, H, W] of a canvas.
    pub fn picture<T: Clone>(&self, values: Vec<T>) -> Result<Array3<T>> {
        let ([h, w], [height, width]) = (self.picture, self.size);
        let painted = Array3::from_shape_vec((3, height, width), values)
            .map_err(|e| Error::Runtime(format!("a picture has lost its shape: {e}")))?;
        if self.size == self.picture {
            return Ok(painted);
        }
        Ok(painted.slice(s![.., ..h, ..w]).as_standard_layout().into_owned())
    }
}

/// Where a place beyond the end of a side is taken from: its mirror image in the border, mirrored again on short sides.
fn mirrored(at: usize, side: usize) -> usize {
    let around = at % (2 * side);
    if around < side { around } else { 2 * side - 1 - around }
}

#[cfg(test)]
mod tests {
    use half::bf16;

    use super::*;
    use crate::params::Params;

    fn canvas(picture: [usize; 2]) -> Canvas {
        let model = crate::models::open(crate::models::DEFAULT).expect("the model");
        let settings = Params::default().resolve(&model).expect("settings");
        Canvas::around(&model, &settings, picture).expect("a canvas")
    }

    #[test]
    fn poolings_divide_it() {
        // Four poolings before the deepest tap.
        assert_eq!(canvas([341, 512]).size, [352, 512]);
        assert_eq!(canvas([400, 32]), Canvas::exactly([400, 32]));
    }

    #[test]
    fn a_state_is_cut_as_its_picture_is() {
        let canvas = canvas([17, 21]);
        let latent: Vec<f32> = (0..3 * 32 * 32).map(|i| (i % 128) as f32).collect();
        let halves = |factor: f32| latent.iter().map(|v| bf16::from_f32(factor * v)).collect::<Vec<_>>();
        let pairs = vec![[halves(1.0), halves(-1.0)], [halves(2.0), halves(0.5)]];
        let cut = canvas.state(LbfgsState { scale: 3.0, latent: latent.clone(), pairs }).expect("a state");
        let wanted = canvas.picture(latent).expect("a picture").into_raw_vec_and_offset().0;
        assert_eq!((cut.scale, cut.latent.len()), (3.0, 3 * 17 * 21));
        assert_eq!(cut.latent, wanted);
        for (pair, factors) in cut.pairs.iter().zip([[1.0, -1.0], [2.0, 0.5]]) {
            for (part, factor) in pair.iter().zip(factors) {
                assert!(part.iter().zip(&wanted).all(|(a, b)| a.to_f32() == factor * b));
            }
        }
    }

    #[test]
    fn the_border_is_mirrored_and_taken_off_again() {
        let picture = Array3::from_shape_fn((3, 17, 21), |(c, y, x)| (c * 400 + y * 21 + x) as f32);
        let canvas = canvas([17, 21]);
        let extended = canvas.extended(&picture).expect("more");
        assert_eq!(extended.dim(), (3, 32, 32));
        assert_eq!(extended[[1, 17, 0]], picture[[1, 16, 0]]);
        assert_eq!(extended[[2, 19, 22]], picture[[2, 14, 19]]);
        let values = extended.into_raw_vec_and_offset().0;
        assert_eq!(canvas.picture(values).expect("a picture"), picture);
    }
}
