//! Stops a job from another thread after two seconds and keeps the best picture so far.
//!
//! ```text
//! cargo run --release --example cancel -- photo.jpg painting.jpg out.png
//! ```

use std::path::PathBuf;
use std::time::Duration;

use impasto::{CancelToken, Engine, EngineOptions, Error, Params, Picture, Pictures, Preset, Silent, Style};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [photo, painting, out] = files.as_slice() else {
        return Err("usage: cancel PHOTO PAINTING OUT".into());
    };
    let engine = Engine::new(&EngineOptions::default())?;
    let (content, style) = (Picture::read(photo)?, Picture::read(painting)?);
    let styles = [Style::new(&style)];
    let pictures = Pictures { content: &content, styles: &styles, mask: None, init: None };
    let params = Params { preset: Preset::Best, ..Params::default() };
    let cancel = CancelToken::new();
    let after = cancel.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(2));
        after.cancel();
    });
    match engine.stylise(&pictures, &params, &mut Silent, &cancel) {
        Ok(stylised) => Ok(stylised.picture.write(out)?),
        // There was no evaluation yet, so there is no picture.
        Err(Error::Cancelled) => Ok(()),
        Err(e) => Err(e.into()),
    }
}
