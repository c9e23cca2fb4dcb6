//! Resizing in linear light with a Lanczos filter, so that fine light and dark detail keeps its
//! brightness. Colours are weighted by alpha, so that what is transparent does not bleed.

use fast_image_resize as fir;
use fir::images::{TypedImage, TypedImageRef};
use fir::pixels::F32;
use ndarray::{Array2, Array3, Axis, Zip};

use super::Picture;
use super::colour::{encoded, linear};
use crate::error::{Error, Result};

impl Picture {
    /// The picture at the given size; depth, profile and metadata stay.
    pub fn resized(&self, height: usize, width: usize) -> Result<Picture> {
        if (height, width) == (self.height(), self.width()) {
            return Ok(self.clone());
        }
        let mut alpha = None;
        if let Some(a) = &self.alpha {
            alpha = Some(resized_plane(a, height, width)?);
        }
        let mut rgb = Array3::zeros((3, height, width));
        for c in 0..3 {
            let mut light = self.rgb.index_axis(Axis(0), c).mapv(linear);
            if let Some(a) = &self.alpha {
                // A little weight everywhere keeps the colours under full transparency.
                Zip::from(&mut light).and(a).for_each(|v, &a| *v *= a.max(TRACE));
            }
            let mut light = plane(&light, height, width)?;
            if let Some(a) = &self.alpha {
                let weight = plane(&a.mapv(|a| a.max(TRACE)), height, width)?;
                Zip::from(&mut light).and(&weight).for_each(|v, &w| *v /= w.max(TRACE));
            }
            rgb.index_axis_mut(Axis(0), c).assign(&light.mapv(|v| encoded(v.clamp(0.0, 1.0))));
        }
        Ok(self.alike(rgb, alpha))
    }
}

const TRACE: f32 = 1e-3;

/// A plane of values in 0..1, such as a mask, at the given size.
pub(crate) fn resized_plane(values: &Array2<f32>, height: usize, width: usize) -> Result<Array2<f32>> {
    if values.dim() == (height, width) {
        return Ok(values.clone());
    }
    Ok(plane(values, height, width)?.mapv(|v| v.clamp(0.0, 1.0)))
}

/// A plane of values of any kind at the given size.
pub(crate) fn plane(values: &Array2<f32>, height: usize, width: usize) -> Result<Array2<f32>> {
    let failed = |problem: String| Error::picture("picture", format!("cannot be resized: {problem}"));
    let (h, w) = values.dim();
    let side = |v: usize| u32::try_from(v).map_err(|_| failed(format!("{v} pixels are too many")));
    // Of one pixel type only: the function for any would bring the code for all.
    let pixels: Vec<F32> = values.iter().map(|v| F32::new(*v)).collect();
    let source = TypedImageRef::new(side(w)?, side(h)?, &pixels).map_err(|e| failed(e.to_string()))?;
    let mut out = TypedImage::new(side(width)?, side(height)?);
    let options =
        fir::ResizeOptions::new().resize_alg(fir::ResizeAlg::Convolution(fir::FilterType::Lanczos3));
    fir::Resizer::new().resize_typed(&source, &mut out, &options).map_err(|e| failed(e.to_string()))?;
    let values = out.pixels().iter().map(|p| p.0).collect();
    Array2::from_shape_vec((height, width), values).map_err(|e| failed(e.to_string()))
}
