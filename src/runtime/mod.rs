//! ONNX Runtime: found and opened when first needed (`library`; `binary` sees whether the file is whole), on a device
//! (`device`; `cards` asks NVIDIA's driver), running one
//! graph (`session`, `bound`), keeping vectors on the device (`vectors`) and telling where its nodes ran (`placement`). Nothing in here knows what the graphs compute.

mod binary;
mod bound;
mod cards;
mod device;
mod library;
mod placement;
mod session;
mod session_cache;
mod stop;
mod vectors;

pub(crate) use bound::{Bound, Resident};
pub(crate) use device::free_memory;
pub use device::{Backend, Device, DeviceInfo, devices, resolve};
pub use library::{LIBRARY_VARIABLE, load, set_up_folder};
pub use placement::{Placement, placement};
pub use session::{Session, Tensor, Value};
pub(crate) use session_cache::SessionCache;
pub(crate) use stop::Stop;
pub(crate) use vectors::{DeviceTensor, Vectors, placement as vectors_placement};
