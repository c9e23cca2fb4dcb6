//! What a picture is judged on: a little more than the picture, to the right and below, so that poolings divide it. What they
//! leave over would take part in no style but the finest, and stay a line of the photograph along the border. What is added is
//! the picture's reflection, so that the loss is one of the picture alone.

use impasto_onnx::Model;
use ndarray::{Array, Axis, RemoveAxis};

use crate::error::Result;
use crate::guidance::Guidance;
use crate::params::Settings;

/// The sizes of a picture and of what it is judged on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Canvas {
    /// Height and width of the picture.
    pub picture: [usize; 2],
    /// Height and width, of which no pooling leaves anything over.
    pub size: [usize; 2],
}

impl Canvas {
    /// A canvas of the picture's size, [H, W].
    pub fn exactly(picture: [usize; 2]) -> Self {
        Canvas { picture, size: picture }
    }

    /// The canvas for a picture of the size [H, W].
    pub fn around(model: &Model, settings: &Settings, picture: [usize; 2]) -> Result<Self> {
        let mut blocks = 1;
        for tap in settings.style_taps.iter().chain(&settings.content_taps) {
            blocks = blocks.max(model.tap(tap)?.block);
        }
        let whole = picture.map(|side| side.next_multiple_of(1 << (blocks - 1)));
        // A reflection is shorter than what it reflects.
        let has_room = (0..2).all(|axis| whole[axis] < 2 * picture[axis]);
        Ok(Canvas { picture, size: if has_room { whole } else { picture } })
    }

    /// Whether nothing is added.
    pub fn is_exact(&self) -> bool {
        self.size == self.picture
    }

    /// [.., H, W] with its last rows and columns reflected beyond the border; None where nothing is added.
    pub fn extended<D: RemoveAxis>(&self, picture: &Array<f32, D>) -> Option<Array<f32, D>> {
        if self.is_exact() {
            return None;
        }
        let first = picture.ndim() - 2;
        let [rows, columns] = [0, 1].map(|axis| self.sources(axis));
        let out = picture.select(Axis(first), &rows).select(Axis(first + 1), &columns);
        Some(if out.is_standard_layout() { out } else { out.as_standard_layout().into_owned() })
    }

    /// The guidance of a picture, extended as it is.
    pub fn guidance(&self, guidance: Guidance) -> Guidance {
        let masks = guidance.masks.into_iter().map(|mask| self.extended(&mask).unwrap_or(mask)).collect();
        Guidance { masks, ..guidance }
    }

    /// Planes of the picture's size extended to planes of the canvas's, one behind the other.
    pub fn extend(&self, picture: &[f32], canvas: &mut [f32]) {
        let ([h, w], [height, width]) = (self.picture, self.size);
        let [rows, columns] = [0, 1].map(|axis| self.sources(axis));
        for (from, to) in picture.chunks_exact(h * w).zip(canvas.chunks_exact_mut(height * width)) {
            for (line, row) in to.chunks_exact_mut(width).zip(&rows) {
                let source = &from[row * w..][..w];
                line.iter_mut().zip(&columns).for_each(|(to, column)| *to = source[*column]);
            }
        }
    }

    /// The way back for gradients: what lies beyond the border counts for the pixels that it reflects.
    pub fn fold(&self, canvas: &[f32], picture: &mut [f32]) {
        let ([h, w], [height, width]) = (self.picture, self.size);
        let [rows, columns] = [0, 1].map(|axis| self.sources(axis));
        picture.fill(0.0);
        for (to, from) in picture.chunks_exact_mut(h * w).zip(canvas.chunks_exact(height * width)) {
            for (line, row) in from.chunks_exact(width).zip(&rows) {
                let target = &mut to[row * w..][..w];
                line.iter().zip(&columns).for_each(|(from, column)| target[*column] += from);
            }
        }
    }

    /// Where each place along an axis is taken from.
    fn sources(&self, axis: usize) -> Vec<usize> {
        let side = self.picture[axis];
        (0..self.size[axis]).map(|at| if at < side { at } else { 2 * side - 2 - at }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Params;
    use ndarray::Array3;

    fn canvas(picture: [usize; 2]) -> Canvas {
        let model = crate::models::open(crate::models::DEFAULT).expect("the model");
        let settings = Params::default().resolve(&model).expect("settings");
        Canvas::around(&model, &settings, picture).expect("a canvas")
    }

    #[test]
    fn poolings_divide_it() {
        // Four poolings before the deepest tap.
        assert_eq!(canvas([341, 512]).size, [352, 512]);
        assert_eq!(canvas([400, 32]).size, [400, 32]);
    }

    #[test]
    fn the_border_is_reflected_and_gradients_come_back() {
        let picture = Array3::from_shape_fn((3, 17, 21), |(c, y, x)| (c * 400 + y * 21 + x) as f32);
        let canvas = canvas([17, 21]);
        let extended = canvas.extended(&picture).expect("more");
        assert_eq!(extended.dim(), (3, 32, 32));
        assert_eq!(extended[[1, 17, 0]], picture[[1, 15, 0]]);
        assert_eq!(extended[[2, 19, 22]], picture[[2, 13, 18]]);
        assert_eq!(extended[[0, 31, 31]], picture[[0, 1, 9]]);
        let mut flat = vec![0.0; 3 * 32 * 32];
        canvas.extend(picture.as_slice().expect("in order"), &mut flat);
        assert_eq!(flat, extended.as_slice().expect("in order"));
        // Folding is the transpose of extending: y · extend(x) = fold(y) · x.
        let weights: Vec<f32> = (0..flat.len()).map(|i| (i % 7) as f32 - 3.0).collect();
        let mut folded = vec![f32::NAN; 3 * 17 * 21];
        canvas.fold(&weights, &mut folded);
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let (one, other) = (dot(&weights, &flat), dot(&folded, picture.as_slice().expect("in order")));
        assert!((one - other).abs() < 1e-6 * one.abs().max(1.0), "{one} {other}");
    }
}
