//! What comes of a job.

use super::levels;
use crate::error::Result;
use crate::picture::Picture;
use crate::report::Report;

/// The result of a job.
pub struct Stylised {
    /// The picture, with the content picture's alpha, profile and depth. It has the size that was worked
    /// on; where only a part of the content picture was painted, the content picture's size.
    pub picture: Picture,
    /// How it came about.
    pub report: Report,
}

impl Stylised {
    /// The picture at the content picture's size. Where it was painted smaller, it gets the detail of the content picture
    /// that it was too small for.
    pub fn at_size_of(&self, content: &Picture) -> Result<Picture> {
        let [h, w] = content.size();
        let mut picture = self.picture.resized(h, w)?;
        let painted = &self.picture;
        if painted.height() < h && painted.width() < w {
            let below = content.resized(painted.height(), painted.width())?;
            picture.rgb = levels::start(&painted.rgb, &below.rgb, &content.rgb)?;
        }
        Ok(picture)
    }
}
