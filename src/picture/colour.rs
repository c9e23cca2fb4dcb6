//! Conversion between a file's colour space and sRGB, and between sRGB and linear light.

use moxcms::{ColorProfile, DataColorSpace, Layout, RenderingIntent, TransformOptions};
use ndarray::{Array3, Axis};

/// What the channels of a picture are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channels {
    Rgb,
    Grey,
}

/// Converts [3, H, W] in 0..1 from the ICC profile to sRGB, clipped to 0..1.
pub(crate) fn to_srgb(rgb: &mut Array3<f32>, profile: &[u8], channels: Channels) -> Result<(), String> {
    let profile = ColorProfile::new_from_slice(profile).map_err(|e| e.to_string())?;
    match (channels, profile.color_space) {
        (Channels::Rgb, DataColorSpace::Rgb) => convert(rgb, &profile, &ColorProfile::new_srgb()),
        (Channels::Grey, DataColorSpace::Gray) => convert_grey(rgb, &profile),
        // Colours in an RGB profile, but the file says the picture is grey: its grey axis is R = G = B.
        (Channels::Grey, DataColorSpace::Rgb) => convert(rgb, &profile, &ColorProfile::new_srgb()),
        (_, space) => Err(format!("it is for {space:?}, not for the channels of this file")),
    }
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

fn convert_grey(rgb: &mut Array3<f32>, from: &ColorProfile) -> Result<(), String> {
    let transform = from
        .create_transform_f32(Layout::Gray, &ColorProfile::new_srgb(), Layout::Rgb, options())
        .map_err(|e| e.to_string())?;
    for_rows(rgb, |row| {
        let source: Vec<f32> = row.iter().step_by(3).copied().collect();
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
