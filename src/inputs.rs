//! What a job is given: pictures, and how they count.

use ndarray::Array2;

use crate::error::{Error, Result};
use crate::picture::Picture;

/// A picture whose style to take.
#[derive(Clone, Copy)]
pub struct Style<'a> {
    /// The picture. Where it is transparent its style is not taken.
    pub picture: &'a Picture,
    /// How much it counts among the styles of a job, above 0 for at least one.
    pub weight: f64,
    /// Multiplies the size of its strokes, 0.1..4, besides what the parameters say.
    pub scale: f64,
    /// Where it is painted, [H, W] of the content picture, 0..1; None for what the other styles leave.
    pub region: Option<&'a Array2<f32>>,
}

impl<'a> Style<'a> {
    /// A style that is painted everywhere.
    pub fn new(picture: &'a Picture) -> Self {
        Style { picture, weight: 1.0, scale: 1.0, region: None }
    }

    /// What of it a plan depends on.
    pub fn shape(&self) -> StyleShape {
        let size = [self.picture.height(), self.picture.width()];
        StyleShape { size, scale: self.scale, guided: self.region.is_some() && self.weight > 0.0 }
    }
}

/// What a plan depends on of a style picture.
#[derive(Clone, Copy, Debug)]
pub struct StyleShape {
    /// Height and width.
    pub size: [usize; 2],
    /// See [`Style::scale`].
    pub scale: f64,
    /// Whether it has a region of its own.
    pub guided: bool,
}

/// The pictures of a job.
#[derive(Clone, Copy)]
pub struct Pictures<'a> {
    /// What to repaint. Pixels that are transparent stay as they are.
    pub content: &'a Picture,
    /// How.
    pub styles: &'a [Style<'a>],
    /// How much of the result each pixel takes, [H, W] of the content picture, 0..1; None for all.
    pub mask: Option<&'a Array2<f32>>,
    /// Where to start, for [`crate::Init::Picture`].
    pub init: Option<&'a Picture>,
}

impl<'a> Pictures<'a> {
    /// The style pictures and one more.
    pub(crate) fn styles_and<'b>(&self, more: Option<&'b Picture>) -> Vec<Style<'b>>
    where
        'a: 'b,
    {
        self.styles.iter().copied().chain(more.map(Style::new)).collect()
    }
}

/// Checks what can be checked of the styles without painting.
pub(crate) fn check_styles(pictures: &Pictures) -> Result<()> {
    let (h, w) = (pictures.content.height(), pictures.content.width());
    for (at, style) in pictures.styles.iter().enumerate() {
        check_numbers(at, style.weight, style.scale)?;
        let Some(region) = style.region else { continue };
        let which = format!("styles[{at}]");
        if region.dim() != (h, w) {
            let (rh, rw) = region.dim();
            return Err(Error::picture(
                format!("{which}: region"),
                format!("is {rw}×{rh} pixels, the content picture {w}×{h}; they must have the same size"),
            ));
        }
        if !region.iter().any(|&v| v > 0.0) {
            return Err(Error::picture(
                format!("{which}: region"),
                "is black all over; make it white where the style is to be painted",
            ));
        }
    }
    if pictures.styles.iter().all(|s| s.weight <= 0.0) {
        return Err(Error::Parameters(
            "styles: there is no style picture with a weight above 0; give at least one".to_string(),
        ));
    }
    Ok(())
}

/// Checks the weight and the scale of a style, by its index.
pub(crate) fn check_numbers(index: usize, weight: f64, scale: f64) -> Result<()> {
    let problem = match ((0.0..=1e9).contains(&weight), (0.1..=4.0).contains(&scale)) {
        (false, _) => format!("the weight is {weight}; expected a number from 0 to 1e9"),
        (_, false) => format!("the scale is {scale}; expected a number from 0.1 to 4"),
        (true, true) => return Ok(()),
    };
    Err(Error::Parameters(format!("styles[{index}]: {problem}")))
}

/// What of the styles the memory depends on.
pub(crate) fn shapes(pictures: &Pictures) -> Vec<StyleShape> {
    pictures.styles.iter().filter(|s| s.weight > 0.0).map(Style::shape).collect()
}
