//! The samples of a picture as they stand in a file.

use std::borrow::Cow;

use ndarray::{Array2, Array3, Zip};

use super::super::{Depth, Picture, colour};

/// Samples of an original file that stay.
pub(super) struct Kept<'a> {
    /// [3, H, W], 0..1, in the picture's own profile.
    pub raw: &'a Array3<f32>,
    /// [H, W]; they stay where it is 0.
    pub mask: &'a Array2<f32>,
}

/// Interleaved samples, and what they mean.
pub(super) struct Samples {
    /// 8-bit samples, or 16-bit ones in little-endian order.
    pub bytes: Vec<u8>,
    pub depth: Depth,
    pub has_alpha: bool,
    /// The profile that the colours are in; None for sRGB.
    pub profile: Option<Vec<u8>>,
}

impl Samples {
    /// The picture's samples in its own profile. Without room for alpha it is laid on white.
    pub fn new(picture: &Picture, depth: Depth, room_for_alpha: bool, kept: Option<Kept>) -> Self {
        let mut rgb = Cow::Borrowed(&picture.rgb);
        let transparent = picture.alpha.as_ref().filter(|a| a.iter().any(|&v| v < 1.0));
        if let Some(alpha) = transparent.filter(|_| !room_for_alpha) {
            tracing::warn!("the file's format has no transparency; the picture is laid on white");
            for mut plane in rgb.to_mut().outer_iter_mut() {
                plane.zip_mut_with(alpha, |v, &a| *v = 1.0 + a * (*v - 1.0));
            }
        }
        let mut profile = picture.icc.clone();
        if let Some(icc) = &profile
            && let Err(problem) = colour::from_srgb(rgb.to_mut(), icc)
        {
            tracing::warn!("the result is saved as sRGB: {problem}");
            profile = None;
        }
        if let Some(Kept { raw, mask }) = kept.filter(|_| profile.is_some()) {
            for (mut plane, raw) in rgb.to_mut().outer_iter_mut().zip(raw.outer_iter()) {
                Zip::from(&mut plane).and(&raw).and(mask).for_each(|v, &raw, &m| {
                    if m <= 0.0 {
                        *v = raw;
                    }
                });
            }
        }
        let alpha = picture.alpha.as_ref().filter(|_| room_for_alpha);
        let (height, width) = (picture.height(), picture.width());
        let channels = if alpha.is_some() { 4 } else { 3 };
        let size = if depth == Depth::Eight { 1 } else { 2 };
        let mut bytes = Vec::with_capacity(height * width * channels * size);
        let mut put = |v: f32| match depth {
            Depth::Eight => bytes.push((v.clamp(0.0, 1.0) * 255.0).round() as u8),
            Depth::Sixteen => bytes.extend(((v.clamp(0.0, 1.0) * 65535.0).round() as u16).to_le_bytes()),
        };
        for y in 0..height {
            for x in 0..width {
                for c in 0..3 {
                    put(rgb[[c, y, x]]);
                }
                if let Some(alpha) = alpha {
                    put(alpha[[y, x]]);
                }
            }
        }
        Samples { bytes, depth, has_alpha: alpha.is_some(), profile }
    }

    /// The samples with 16-bit ones in big-endian order.
    pub fn big_endian(&self) -> Cow<'_, [u8]> {
        match self.depth {
            Depth::Eight => Cow::Borrowed(&self.bytes),
            Depth::Sixteen => Cow::Owned(self.bytes.chunks_exact(2).flat_map(|b| [b[1], b[0]]).collect()),
        }
    }
}
