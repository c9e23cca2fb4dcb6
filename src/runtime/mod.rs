//! ONNX Runtime: found and opened when first needed (`library`; `binary` sees whether the file is whole), on a device
//! (`device`; `probe` tries which work, `cards` asks NVIDIA's driver), running one graph (`session`, `session_cache`, `bound`),
//! ending a run (`stop`), keeping vectors on the device (`vectors`), and where a graph's nodes ran (`placement`). Nothing in here
//! knows what the graphs compute.

mod binary;
mod bound;
mod cards;
mod device;
mod library;
mod placement;
mod probe;
mod session;
mod session_cache;
mod stop;
mod vectors;

pub(crate) use bound::{Bound, Resident};
pub use device::{Backend, Device};
pub use library::{LIBRARY_VARIABLE, load, set_up_folder};
pub use placement::{Placement, placement};
pub(crate) use probe::free_memory;
pub use probe::{DeviceInfo, devices, resolve};
pub use session::{Session, Tensor, Value};
pub(crate) use session_cache::{Lease, SessionCache};
pub(crate) use stop::Stop;
pub(crate) use vectors::{DeviceTensor, Vectors, placement as vectors_placement};
