// SPDX-License-Identifier: GPL-3.0-or-later
//! What a draft is given besides the layer, read once for each choice.

use std::sync::Arc;

use crate::picture::{Pixels, Second, Style};
use crate::pixels::{self, Area};
use crate::settings::Settings;
use crate::style::{Blend, Choice};

/// The choices that were read last.
pub struct Inputs {
    /// What is painted, for what is taken of other drawables where it lies.
    drawable: gimp::Drawable,
    area: Area,
    /// The longer side of what is taken of drawables, in pixels.
    side: i32,
    style: Option<(Choice, Arc<Style>)>,
    second: Option<(Blend, Arc<Second>)>,
    start: Option<(gimp::Drawable, Arc<Pixels>)>,
}

/// What belongs to the settings of a draft.
pub struct Read {
    pub style: Arc<Style>,
    pub second: Option<Arc<Second>>,
    pub start: Option<Arc<Pixels>>,
}

impl Inputs {
    /// Reads nothing yet.
    pub fn new(drawable: &gimp::Drawable, area: Area, side: i32) -> Self {
        Inputs { drawable: drawable.clone(), area, side, style: None, second: None, start: None }
    }

    /// Reads what has changed.
    pub fn read(&mut self, settings: &Settings, choice: &Choice) -> Result<Read, String> {
        let Inputs { drawable, area, side, .. } = self;
        let (area, side) = (*area, Some(*side));
        let read_second = |blend: &Blend| Second::read(blend, drawable, area, side);
        let read_start = |layer: &gimp::Drawable| pixels::covered(layer, drawable, area, side);
        let style = known(&mut self.style, choice, Choice::read)?;
        let second = settings.blend.as_ref().map(|blend| known(&mut self.second, blend, read_second));
        let start = settings.start.as_ref().map(|layer| known(&mut self.start, layer, read_start));
        Ok(Read { style, second: second.transpose()?, start: start.transpose()? })
    }
}

/// What belongs to a choice: as it is kept, or read.
fn known<C: Clone + PartialEq, T>(
    kept: &mut Option<(C, Arc<T>)>,
    choice: &C,
    read: impl FnOnce(&C) -> Result<T, String>,
) -> Result<Arc<T>, String> {
    if let Some((of, value)) = kept
        && of == choice
    {
        return Ok(value.clone());
    }
    *kept = None;
    let value = Arc::new(read(choice)?);
    *kept = Some((choice.clone(), value.clone()));
    Ok(value)
}
