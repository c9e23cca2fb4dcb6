//! Conversion between a file's colour space and sRGB, and between sRGB and linear light.

use std::sync::Arc;

use moxcms::{
    Chromaticity, CicpColorPrimaries, CicpProfile, ColorPrimaries, ColorProfile, DataColorSpace, Layout,
    MatrixCoefficients, RenderingIntent, TransferCharacteristics, TransformExecutor, TransformOptions,
};
use ndarray::{Array3, Axis};

/// What the channels of a file are, without alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channels {
    Grey,
    Rgb,
    /// Ink, 1 for full.
    Cmyk,
}

impl Channels {
    pub fn count(self) -> usize {
        match self {
            Channels::Grey => 1,
            Channels::Rgb => 3,
            Channels::Cmyk => 4,
        }
    }
}

/// Turns interleaved samples of a file, 0..1, into interleaved sRGB, 0..1.
pub(crate) enum ToSrgb {
    /// The channels are sRGB.
    Plain(Channels),
    /// An ICC profile's transform.
    Profile(Channels, Arc<dyn TransformExecutor<f32> + Send + Sync>),
    /// A curve to linear light, and a matrix from there to linear sRGB.
    Matrix(Channels, Box<CurveAndMatrix>),
}

/// Colours that a curve and primaries define, as PNG's own chunks do.
#[derive(Clone)]
pub(crate) struct CurveAndMatrix {
    /// Linear light of the samples 0, 1/4095, … 1.
    curve: Vec<f32>,
    matrix: [[f64; 3]; 3],
}

impl ToSrgb {
    /// From an ICC profile; an error says why it cannot be used.
    pub fn from_icc(profile: &[u8], channels: Channels) -> Result<Self, String> {
        let profile = ColorProfile::new_from_slice(profile).map_err(|e| e.to_string())?;
        let layout = match (channels, profile.color_space) {
            (Channels::Rgb, DataColorSpace::Rgb) => Layout::Rgb,
            // An RGB profile in a grey file: its grey axis is R = G = B.
            (Channels::Grey, DataColorSpace::Rgb) => Layout::Rgb,
            (Channels::Grey, DataColorSpace::Gray) => Layout::Gray,
            (Channels::Cmyk, DataColorSpace::Cmyk) => Layout::Rgba,
            (_, space) => return Err(format!("it is for {space:?} pictures, this one is {channels:?}")),
        };
        let transform = profile
            .create_transform_f32(layout, &ColorProfile::new_srgb(), Layout::Rgb, options())
            .map_err(|e| e.to_string())?;
        let channels = if layout == Layout::Rgb { Channels::Rgb } else { channels };
        Ok(ToSrgb::Profile(channels, transform))
    }

    /// Writes the sRGB of `source`, samples of `channels`, to `target`; `spare` is memory to use.
    pub fn convert(
        &self,
        source: &[f32],
        channels: Channels,
        target: &mut [f32],
        spare: &mut Vec<f32>,
    ) -> Result<(), String> {
        let wanted = match self {
            ToSrgb::Plain(wanted) | ToSrgb::Profile(wanted, _) | ToSrgb::Matrix(wanted, _) => *wanted,
        };
        // Grey samples are repeated where a conversion works on RGB.
        let source = match (channels, wanted) {
            (Channels::Grey, Channels::Rgb) => {
                spare.clear();
                spare.extend(source.iter().flat_map(|&v| [v; 3]));
                spare.as_slice()
            }
            _ => source,
        };
        match self {
            ToSrgb::Plain(Channels::Rgb) => target.copy_from_slice(source),
            ToSrgb::Plain(Channels::Grey) => {
                target.chunks_exact_mut(3).zip(source).for_each(|(to, &v)| to.fill(v));
            }
            ToSrgb::Plain(Channels::Cmyk) => {
                for (to, ink) in target.chunks_exact_mut(3).zip(source.chunks_exact(4)) {
                    for c in 0..3 {
                        to[c] = (1.0 - ink[c]) * (1.0 - ink[3]);
                    }
                }
            }
            ToSrgb::Profile(_, transform) => {
                transform.transform(source, target).map_err(|e| e.to_string())?;
            }
            ToSrgb::Matrix(_, how) => {
                for (to, from) in target.chunks_exact_mut(3).zip(source.chunks_exact(3)) {
                    how.convert(to, from);
                }
            }
        }
        Ok(())
    }
}

/// Steps of a curve's table.
const STEPS: usize = 4095;
/// The brightness of white in pictures with a brightness range beyond paper's, in nits (ITU-R BT.2408).
const WHITE: f64 = 203.0;

/// The primaries and the white point of sRGB: red, green, blue, white.
pub(crate) const SRGB_PRIMARIES: [[f32; 2]; 4] = [[0.64, 0.33], [0.30, 0.60], [0.15, 0.06], [0.3127, 0.3290]];

impl CurveAndMatrix {
    /// From PNG's gAMA and cHRM: `gamma` is the exponent that the samples were made with, `primaries` are
    /// red, green, blue and white.
    pub fn from_gamma(gamma: Option<f64>, primaries: Option<[[f32; 2]; 4]>) -> Self {
        let curve = |v: f64| match gamma {
            // 1/2.2 is how files say sRGB's own curve, which has no exponent.
            Some(gamma) if (gamma - 1.0 / 2.2).abs() > 0.001 => v.powf(1.0 / gamma),
            _ => f64::from(linear(v as f32)),
        };
        CurveAndMatrix { curve: table(curve), matrix: to_linear_srgb(primaries.unwrap_or(SRGB_PRIMARIES)) }
    }

    /// From PNG's cICP (ITU-T H.273): primaries, transfer function and range. None for a code that has no
    /// meaning for RGB pictures.
    pub fn from_cicp(primaries: u8, transfer: u8, full_range: bool) -> Option<Self> {
        let primaries = CicpColorPrimaries::try_from(primaries).ok()?;
        let transfer = TransferCharacteristics::try_from(transfer).ok()?;
        // Codes without primaries are refused here.
        ColorPrimaries::try_from(primaries).ok()?;
        let mut profile = ColorProfile::new_srgb();
        profile.update_rgb_colorimetry_from_cicp(CicpProfile {
            color_primaries: primaries,
            transfer_characteristics: TransferCharacteristics::Srgb,
            matrix_coefficients: MatrixCoefficients::Identity,
            full_range: true,
        });
        let matrix = profile.transform_matrix(&with_primaries(SRGB_PRIMARIES)).v;
        let scale = match transfer {
            TransferCharacteristics::Reserved | TransferCharacteristics::Unspecified => return None,
            TransferCharacteristics::Smpte2084 => 10_000.0 / WHITE,
            TransferCharacteristics::Hlg => 1000.0 / WHITE,
            _ => 1.0,
        };
        let curve = |v: f64| {
            let v = if full_range { v } else { ((v * 255.0 - 16.0) / 219.0).clamp(0.0, 1.0) };
            transfer.linearize(v) * scale
        };
        Some(CurveAndMatrix { curve: table(curve), matrix })
    }

    /// Whether some samples are brighter than white.
    pub fn goes_beyond_white(&self) -> bool {
        self.curve.last().is_some_and(|&v| v > 1.001)
    }

    fn convert(&self, to: &mut [f32], from: &[f32]) {
        let light = [from[0], from[1], from[2]].map(|v| {
            let at = v.clamp(0.0, 1.0) * STEPS as f32;
            let i = (at as usize).min(STEPS - 1);
            f64::from(self.curve[i] + (at - i as f32) * (self.curve[i + 1] - self.curve[i]))
        });
        for (to, row) in to.iter_mut().zip(&self.matrix) {
            let v = row[0] * light[0] + row[1] * light[1] + row[2] * light[2];
            *to = encoded(v.clamp(0.0, 1.0) as f32);
        }
    }
}

/// The ICC profile of cICP's codes for RGB pictures of full range, so that their colours beyond sRGB are kept. None for curves
/// that eight bits cannot hold: linear light, and brightness beyond white.
pub(crate) fn icc_of_cicp(primaries: u8, transfer: u8) -> Option<Vec<u8>> {
    if !matches!(transfer, 1 | 4 | 5 | 6 | 13 | 14 | 15) {
        return None;
    }
    let profile = ColorProfile::new_from_cicp(CicpProfile {
        color_primaries: CicpColorPrimaries::try_from(primaries).ok()?,
        transfer_characteristics: TransferCharacteristics::try_from(transfer).ok()?,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    });
    profile.red_trc.as_ref()?;
    profile.encode().ok()
}

/// The ICC profile of sRGB's curve with other primaries (red, green, blue, white).
pub(crate) fn icc_of_primaries(primaries: [[f32; 2]; 4]) -> Option<Vec<u8>> {
    let mut profile = with_primaries(primaries);
    (profile.cicp, profile.description) = (None, None);
    profile.encode().ok()
}

fn table(curve: impl Fn(f64) -> f64) -> Vec<f32> {
    (0..=STEPS).map(|i| curve(i as f64 / STEPS as f64) as f32).collect()
}

fn with_primaries([red, green, blue, white]: [[f32; 2]; 4]) -> ColorProfile {
    let xy = |[x, y]: [f32; 2]| Chromaticity { x, y };
    let mut profile = ColorProfile::new_srgb();
    let primaries = ColorPrimaries { red: xy(red), green: xy(green), blue: xy(blue) };
    profile.update_rgb_colorimetry(xy(white).to_xyyb(), primaries);
    profile
}

/// The matrix from linear light with these primaries to linear sRGB, adapted to its white.
fn to_linear_srgb(primaries: [[f32; 2]; 4]) -> [[f64; 3]; 3] {
    with_primaries(primaries).transform_matrix(&with_primaries(SRGB_PRIMARIES)).v
}

/// Converts [3, H, W] in 0..1 from an RGB profile to sRGB, clipped to 0..1.
pub(crate) fn to_srgb(rgb: &mut Array3<f32>, profile: &[u8]) -> Result<(), String> {
    let profile = ColorProfile::new_from_slice(profile).map_err(|e| e.to_string())?;
    convert(rgb, &profile, &ColorProfile::new_srgb())
}

/// Converts [3, H, W] in 0..1 from sRGB to the ICC profile, clipped to 0..1.
pub(crate) fn from_srgb(rgb: &mut Array3<f32>, profile: &[u8]) -> Result<(), String> {
    let profile = ColorProfile::new_from_slice(profile).map_err(|e| e.to_string())?;
    convert(rgb, &ColorProfile::new_srgb(), &profile)
}

fn options() -> TransformOptions {
    TransformOptions { rendering_intent: RenderingIntent::RelativeColorimetric, ..Default::default() }
}

fn convert(rgb: &mut Array3<f32>, from: &ColorProfile, to: &ColorProfile) -> Result<(), String> {
    let transform =
        from.create_transform_f32(Layout::Rgb, to, Layout::Rgb, options()).map_err(|e| e.to_string())?;
    for_rows(rgb, |row| {
        let source = row.to_vec();
        transform.transform(&source, row).map_err(|e| e.to_string())
    })
}

/// Calls `f` with each row as interleaved RGB and clips what it leaves there to 0..1.
fn for_rows(rgb: &mut Array3<f32>, f: impl Fn(&mut [f32]) -> Result<(), String>) -> Result<(), String> {
    let width = rgb.dim().2;
    let mut row = vec![0.0f32; 3 * width];
    for mut line in rgb.axis_iter_mut(Axis(1)) {
        for c in 0..3 {
            for x in 0..width {
                row[3 * x + c] = line[[c, x]];
            }
        }
        f(&mut row)?;
        for c in 0..3 {
            for x in 0..width {
                line[[c, x]] = row[3 * x + c].clamp(0.0, 1.0);
            }
        }
    }
    Ok(())
}

/// sRGB to linear light (IEC 61966-2-1).
pub fn linear(v: f32) -> f32 {
    if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
}

/// Linear light to sRGB (IEC 61966-2-1).
pub fn encoded(v: f32) -> f32 {
    if v <= 0.0031308 { v * 12.92 } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 }
}
