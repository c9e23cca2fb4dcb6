//! The style pictures of a level: their size, their colours, and how much each counts.

use ndarray::Array3;

use crate::error::{Error, Result};
use crate::guidance;
use crate::inputs::Pictures;
use crate::objective::StyleTarget;
use crate::params::{Colours, Settings};
use crate::picture::{Picture, colours};

/// The style pictures that count, group by group, in the size and colours in which their style is taken, with weights
/// that sum to 1 in each group.
pub(super) fn styles_of(
    pictures: &Pictures,
    settings: &Settings,
    style_size: usize,
    content: &Picture,
) -> Result<Vec<StyleTarget>> {
    let mut out = Vec::new();
    let size = [content.height(), content.width()];
    for (group, members) in guidance::groups(pictures.styles).into_iter().enumerate() {
        let total: f64 = members.iter().map(|i| pictures.styles[*i].weight).sum();
        for style in members.into_iter().map(|i| &pictures.styles[i]) {
            let own = [style.picture.height(), style.picture.width()];
            let [h, w] = settings.style_dims(own, style.scale, size, style_size);
            let picture = style.picture.middle(settings.style_part(own, size)).resized(h, w)?;
            let opaque = picture.alpha.filter(|a| a.iter().any(|&v| v < 1.0));
            if opaque.as_ref().is_some_and(|a| a.iter().all(|&v| v <= 0.0)) {
                return Err(Error::picture(
                    "style picture",
                    "is transparent all over; it has no style to take",
                ));
            }
            let rgb = coloured(picture.rgb, content, settings);
            out.push(StyleTarget { rgb, mask: opaque, weight: style.weight / total, group });
        }
    }
    Ok(out)
}

/// A style picture in the colours in which its style is taken.
fn coloured(style: Array3<f32>, content: &Picture, settings: &Settings) -> Array3<f32> {
    let recoloured = match settings.colours {
        Colours::Style => return style,
        Colours::Matched => colours::match_colour_moments(&style, &content.rgb, 0.0),
        Colours::Histogram => colours::with_histogram_of(&style, &content.rgb),
        // In grey whatever the strength, which is that of the colours that come back at the end.
        Colours::Content => {
            return colours::match_colour_moments(&colours::grey(&style), &colours::grey(&content.rgb), 0.0);
        }
    };
    colours::between(style, &recoloured, settings.colour_strength / 100.0)
}
