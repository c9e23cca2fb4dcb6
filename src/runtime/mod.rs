//! ONNX Runtime: found and opened when first needed (`library`), on a device (`device`), running one
//! graph (`session`). Nothing in here knows what the graphs compute.

mod device;
mod library;
mod session;

pub use device::{Device, DeviceInfo, devices, resolve};
pub use library::{LIBRARY_VARIABLE, load, set_up_folder};
pub use session::{Output, Session, Tensor};
