//! Where each style is painted: the guidance channels of Gatys et al. 2017, "Controlling Perceptual Factors in Neural
//! Style Transfer", section 4. Styles without a region of their own share what the others leave.

use ndarray::{Array2, Zip};

use crate::error::Result;
use crate::inputs::{Style, StyleShape};
use crate::picture;

/// What every position that is painted counts in each region at least, so that none is empty at a small size.
const LEAST: f32 = 1e-6;

/// The regions of a picture, one for each group of styles.
pub(crate) struct Guidance {
    /// [H, W] in 0..1, how much each position counts in it.
    pub masks: Vec<Array2<f32>>,
    /// How much of the style's weight falls to each: as much as its area and its styles' weights say. They sum to 1.
    pub shares: Vec<f64>,
}

/// The groups of styles that share a region: those with a region of their own one by one, then the others. One group
/// if no style has a region.
pub(crate) fn groups(styles: &[Style]) -> Vec<Vec<usize>> {
    let counts = |i: &usize| styles[*i].weight > 0.0;
    let (own, others): (Vec<usize>, Vec<usize>) =
        (0..styles.len()).filter(counts).partition(|i| styles[*i].region.is_some());
    let mut groups: Vec<Vec<usize>> = own.into_iter().map(|i| vec![i]).collect();
    if !others.is_empty() {
        groups.push(others);
    }
    groups
}

/// How many regions have style terms of their own, of the styles that count.
pub(crate) fn count(styles: &[StyleShape]) -> usize {
    match styles.iter().filter(|s| s.guided).count() {
        0 => 0,
        guided => guided + usize::from(guided < styles.len()),
    }
}

impl Guidance {
    /// The regions at one size; None if no style has one. `mask` [H, W] is where anything is painted at all.
    pub fn new(styles: &[Style], mask: Option<&Array2<f32>>, [h, w]: [usize; 2]) -> Result<Option<Guidance>> {
        if !styles.iter().any(|s| s.weight > 0.0 && s.region.is_some()) {
            return Ok(None);
        }
        let mut left = Array2::<f32>::ones((h, w));
        let (mut masks, mut shares) = (Vec::new(), Vec::new());
        for group in groups(styles) {
            let mut region = match styles[group[0]].region {
                Some(region) => picture::resized_plane(region, h, w)?,
                None => left.clone(),
            };
            Zip::from(&mut left).and(&region).for_each(|left, taken| *left = (*left - taken).max(0.0));
            let area = f64::from(region.sum());
            region.mapv_inplace(|m| m.max(LEAST));
            if let Some(mask) = mask {
                region *= mask;
            }
            let weight: f64 = group.iter().map(|i| styles[*i].weight).sum();
            shares.push(area * weight);
            masks.push(region);
        }
        let all: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= all.max(f64::MIN_POSITIVE));
        Ok(Some(Guidance { masks, shares }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Picture;
    use ndarray::Array3;

    #[test]
    fn styles_without_a_region_share_what_the_others_leave() {
        let picture = Picture::new(Array3::zeros((3, 16, 16)), None).expect("a picture");
        let region = Array2::from_shape_fn((20, 40), |(_, x)| f32::from(x < 10));
        let plain = Style::new(&picture);
        let own = Style { region: Some(&region), weight: 3.0, ..plain };
        let unused = Style { region: Some(&region), weight: 0.0, ..plain };
        let styles = [plain, own, unused, Style { weight: 2.0, ..plain }];
        assert_eq!(groups(&styles), [vec![1], vec![0, 3]]);
        let guidance = Guidance::new(&styles, None, [20, 40]).expect("sizes fit").expect("regions");
        assert_eq!(guidance.shares, [0.25, 0.75]);
        assert_eq!((guidance.masks[0][[5, 3]], guidance.masks[0][[5, 30]]), (1.0, LEAST));
        assert_eq!((guidance.masks[1][[5, 3]], guidance.masks[1][[5, 30]]), (LEAST, 1.0));
        // At another size, and nothing where nothing is painted.
        let mask = Array2::from_shape_fn((10, 20), |(y, _)| f32::from(y < 5));
        let guidance = Guidance::new(&styles, Some(&mask), [10, 20]).expect("sizes fit").expect("regions");
        assert_eq!(guidance.masks[0].dim(), (10, 20));
        assert_eq!((guidance.masks[0][[2, 1]], guidance.masks[0][[7, 1]]), (1.0, 0.0));
        assert!(Guidance::new(&[plain, unused], None, [20, 40]).expect("no region").is_none());
        assert_eq!(count(&[plain.shape(), unused.shape()]), 0);
        // As many as there are masks.
        assert_eq!(count(&[plain, own, plain].map(|s| s.shape())), groups(&styles).len());
    }
}
