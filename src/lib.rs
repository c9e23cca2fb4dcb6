//! Impasto repaints a picture in the style of another: neural style transfer (Gatys, Ecker and Bethge,
//! CVPR 2016) with an ONNX graph of a VGG-like network and of its gradient, run by ONNX Runtime, and
//! L-BFGS on the pixels.
//!
//! The door is [`Engine`]: it holds a model on a device, and [`Engine::stylise`] runs a job.
//!
//! ```no_run
//! use impasto::{CancelToken, Device, Engine, Params, Picture, Pictures, Silent};
//!
//! let engine = Engine::new(impasto::models::DEFAULT, Device::Auto, 0)?;
//! let content = Picture::read("photo.jpg".as_ref())?;
//! let style = Picture::read("painting.jpg".as_ref())?;
//! let pictures = Pictures { content: &content, style: &style, init: None };
//! let stylised = engine.stylise(&pictures, &Params::default(), &mut Silent, &CancelToken::new())?;
//! stylised.picture.write("out.png".as_ref())?;
//! # Ok::<(), impasto::Error>(())
//! ```

mod error;
mod job;
pub mod models;
mod objective;
mod optimise;
pub mod params;
pub mod picture;
pub mod plot;
mod progress;
pub mod runtime;
mod start;

pub use error::{Error, Result};
pub use impasto_onnx as onnx;
pub use job::{Engine, Pictures, Report, Seconds, Stylised};
pub use params::{Init, Params, Preset, Settings};
pub use picture::Picture;
pub use progress::{CancelToken, Progress, Silent, Sink};
pub use runtime::Device;
