//! Repaints a picture with a style of the program's own, and prints the loss as it falls.
//!
//! ```text
//! cargo run --release --example stylise -- photo.jpg out.png
//! ```
#![allow(clippy::print_stderr, reason = "an example talks to its user")]

use std::path::PathBuf;

use impasto::{CancelToken, Engine, EngineOptions, Params, Picture, Pictures, Progress, Sink};

/// Prints every tenth evaluation.
struct Print;

impl Sink for Print {
    fn progress(&mut self, progress: &Progress) {
        if progress.evaluations.is_multiple_of(10) {
            eprintln!("{} of {}: loss {:.3e}", progress.evaluations, progress.planned, progress.loss);
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(photo), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("usage: stylise PHOTO OUT".into());
    };
    let engine = Engine::new(&EngineOptions::default())?;
    let content = Picture::read(&photo)?;
    let params = Params { style: Some("impasto-whirls".into()), ..Params::default() };
    let pictures = Pictures { content: &content, styles: &[], mask: None, init: None };
    let stylised = engine.stylise(&pictures, &params, &mut Print, &CancelToken::new())?;
    stylised.picture.write(&out)?;
    Ok(())
}
