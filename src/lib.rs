//! Impasto repaints a picture in the style of another: neural style transfer (Gatys, Ecker and Bethge,
//! CVPR 2016) with an ONNX graph of a VGG-like network and of its gradient, run by ONNX Runtime, and
//! L-BFGS on the pixels.
//!
//! The door is [`Engine`]: it holds a model on a device, and [`Engine::stylise`] runs a job.
//!
//! ```no_run
//! use impasto::{CancelToken, Engine, EngineOptions, Params, Picture, Pictures, Silent, Style};
//!
//! let engine = Engine::new(&EngineOptions::default())?;
//! let content = Picture::read("photo.jpg".as_ref())?;
//! let style = Picture::read("painting.jpg".as_ref())?;
//! let styles = [Style::new(&style)];
//! let pictures = Pictures { content: &content, styles: &styles, mask: None, init: None };
//! let stylised = engine.stylise(&pictures, &Params::default(), &mut Silent, &CancelToken::new())?;
//! stylised.picture.write("out.png".as_ref())?;
//! # Ok::<(), impasto::Error>(())
//! ```

#[cfg(feature = "benchmarks")]
pub mod benchmarks;
mod engine;
mod error;
pub mod files;
mod guidance;
mod inputs;
mod job;
pub mod models;
mod objective;
mod optimise;
pub mod params;
pub mod picture;
mod progress;
pub mod report;
mod resources;
pub mod runtime;
pub mod styles;
mod trial;

pub use engine::{Engine, EngineOptions};
pub use error::{Error, Result};
pub use impasto_onnx as onnx;
pub use inputs::{Pictures, Style, StyleShape};
pub use job::{Plan, PlannedLevel, Stylised};
pub use params::{Colours, Init, Params, Preset, Settings, StyleFit};
pub use picture::Picture;
pub use progress::{CancelToken, Progress, Silent, Sink};
#[cfg(feature = "plot")]
pub use report::plot;
pub use report::{Report, Seconds, saved_state};
pub use runtime::Device;
