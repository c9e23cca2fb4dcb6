//! The crop of a picture that a job works on: the bounding box of what a mask selects, with some of its
//! surroundings, is painted and composited with the picture by the mask.

use ndarray::{Array2, ArrayView2, Axis, Zip, s};

use crate::error::{Error, Result};
use crate::picture::{Picture, SMALLEST};

/// Surroundings that are kept around a selection, in pixels of the content picture: enough for the network
/// to see across the border, too few to matter for the time.
const SURROUNDINGS: usize = 24;

/// A crop of a picture, and how much each of its pixels may change.
pub(crate) struct Crop {
    top: usize,
    left: usize,
    /// [h, w], 0..1.
    pub mask: Array2<f32>,
}

impl Crop {
    /// The smallest rectangle with all that `mask` [H, W] selects, and its surroundings. None if everything
    /// is selected and nothing is transparent.
    pub fn new(content: &Picture, mask: Option<&Array2<f32>>) -> Result<Option<Crop>> {
        let size = (content.height(), content.width());
        let mut selected = match mask {
            Some(mask) if mask.dim() != size => {
                return Err(Error::picture(
                    "mask",
                    format!(
                        "is {}×{} pixels, the content picture {}×{}; they must have the same size",
                        mask.dim().1,
                        mask.dim().0,
                        size.1,
                        size.0
                    ),
                ));
            }
            Some(mask) => mask.mapv(|v| if v.is_finite() { v.clamp(0.0, 1.0) } else { 0.0 }),
            None => Array2::ones(size),
        };
        if let Some(alpha) = &content.alpha {
            // What cannot be seen is not painted.
            Zip::from(&mut selected).and(alpha).for_each(|m, &a| *m *= (a > 0.0) as u8 as f32);
        }
        if selected.iter().all(|&v| v == 1.0) {
            return Ok(None);
        }
        let span = |axis: Axis| -> Option<(usize, usize)> {
            let lines = || selected.axis_iter(axis).map(|line| line.iter().any(|&v| v > 0.0));
            let first = lines().position(|on| on)?;
            let last = lines().rposition(|on| on)?;
            Some(grown(first, last + 1, selected.len_of(axis)))
        };
        let (Some((top, bottom)), Some((left, right))) = (span(Axis(0)), span(Axis(1))) else {
            return Err(match mask {
                Some(_) => Error::picture(
                    "mask",
                    "selects nothing that can be seen; select a part of the picture or nothing at all",
                ),
                None => {
                    Error::picture("content picture", "is transparent all over; there is nothing to paint")
                }
            });
        };
        let mask = selected.slice(s![top..bottom, left..right]).to_owned();
        Ok(Some(Crop { top, left, mask }))
    }

    /// Its height and width.
    pub fn size(&self) -> [usize; 2] {
        [self.mask.nrows(), self.mask.ncols()]
    }

    /// Where it lies in a picture of this height and width: left, top, right and bottom as shares of them.
    pub fn part(&self, [height, width]: [usize; 2]) -> [f64; 4] {
        let ([h, w], share) = (self.size(), |at: usize, side: usize| at as f64 / side as f64);
        [
            share(self.left, width),
            share(self.top, height),
            share(self.left + w, width),
            share(self.top + h, height),
        ]
    }

    /// The crop of a plane of the content picture's size.
    pub fn window<'a>(&self, plane: &'a Array2<f32>) -> ArrayView2<'a, f32> {
        let (h, w) = self.mask.dim();
        plane.slice(s![self.top..self.top + h, self.left..self.left + w])
    }

    /// The crop of a picture of the content picture's size.
    pub fn crop(&self, picture: &Picture) -> Picture {
        let (h, w) = self.mask.dim();
        picture.window(self.top, self.left, [h, w])
    }

    /// The picture with `painted`, which has the crop's size, over it, weighted by the mask.
    pub fn composite(&self, picture: &Picture, painted: &Picture) -> Picture {
        let mut out = picture.clone();
        let (h, w) = self.mask.dim();
        let mut part = out.rgb.slice_mut(s![.., self.top..self.top + h, self.left..self.left + w]);
        for (mut plane, painted) in part.axis_iter_mut(Axis(0)).zip(painted.rgb.axis_iter(Axis(0))) {
            Zip::from(&mut plane)
                .and(&painted)
                .and(&self.mask)
                .for_each(|to, &from, &m| *to += m * (from - *to));
        }
        out
    }
}

/// first..last with surroundings inside 0..length, at least as long as a picture must be.
fn grown(first: usize, last: usize, length: usize) -> (usize, usize) {
    let (mut first, mut last) = (first.saturating_sub(SURROUNDINGS), (last + SURROUNDINGS).min(length));
    let least = SMALLEST.min(length);
    while last - first < least {
        first = first.saturating_sub(1);
        last = (last + 1).min(length);
    }
    (first, last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    #[test]
    fn what_is_not_selected_is_untouched_and_soft_edges_blend() {
        let content = Picture::new(
            Array3::from_shape_fn((3, 90, 120), |(c, y, x)| ((c + 3 * y + 7 * x) % 97) as f32 / 97.0),
            None,
        )
        .expect("a picture");
        let mut mask = Array2::zeros((90, 120));
        mask[[40, 60]] = 0.25;
        mask[[45, 70]] = 1.0;
        let crop = Crop::new(&content, Some(&mask)).expect("a crop").expect("not all");
        assert_eq!(crop.mask.dim(), (54, 59));
        assert_eq!(crop.part([90, 120]), [36.0 / 120.0, 16.0 / 90.0, 95.0 / 120.0, 70.0 / 90.0]);
        let mut painted = crop.crop(&content);
        painted.rgb.fill(1.0);
        let out = crop.composite(&content, &painted);
        for y in 0..90 {
            for x in 0..120 {
                let (was, is) = (content.rgb[[1, y, x]], out.rgb[[1, y, x]]);
                assert!((is - (was + mask[[y, x]] * (1.0 - was))).abs() < 1e-6);
                assert!(mask[[y, x]] != 0.0 || is.to_bits() == was.to_bits());
            }
        }
    }

    #[test]
    fn nothing_selected_is_an_error_and_everything_is_no_crop() {
        let mut content = Picture::new(Array3::zeros((3, 20, 20)), None).expect("a picture");
        assert!(Crop::new(&content, Some(&Array2::zeros((20, 20)))).is_err());
        assert!(Crop::new(&content, Some(&Array2::ones((20, 21)))).is_err());
        assert!(Crop::new(&content, Some(&Array2::ones((20, 20)))).expect("all").is_none());
        assert!(Crop::new(&content, None).expect("all").is_none());
        content.alpha = Some(Array2::from_shape_fn((20, 20), |(y, _)| (y > 9) as u8 as f32));
        let crop = Crop::new(&content, None).expect("a crop").expect("not all");
        assert_eq!(crop.mask.sum(), 200.0);
    }
}
