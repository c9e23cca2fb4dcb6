//! ONNX Runtime: found (`locate`, from `own_file`) and opened when first needed (`library`; `binary` sees whether the file is
//! whole, `hush` keeps back what a distribution's build says about itself), on a device
//! (`device`; `probe` tries which work, `cards` asks NVIDIA's driver, `adapters` asks Vulkan's through `vulkan`), running one graph
//! (`session`, `session_cache`, `bound`), ending a run (`stop`), keeping vectors on the device (`vectors`), and where a graph's nodes
//! ran (`placement`). `webgpu` is the provider for all cards, `plug_in` its library, `messages` what it only says in the log.
//! Nothing in here knows what the graphs compute.

mod adapters;
mod binary;
mod bound;
mod cards;
mod device;
mod hush;
mod library;
mod locate;
mod messages;
mod own_file;
mod placement;
mod plug_in;
mod probe;
mod provider_options;
mod session;
mod session_cache;
mod stop;
mod vectors;
mod vulkan;
mod webgpu;

pub(crate) use bound::{BoundGraph, BoundGraphOnDevice};
pub use device::{Backend, Device};
pub use library::load;
pub use locate::{LIBRARY_VARIABLE, set_up_folder};
pub use placement::{Placement, placement};
pub(crate) use probe::free_memory;
pub use probe::{DeviceInfo, devices, resolve};
pub use session::{Session, Tensor, Value};
pub(crate) use session_cache::{Lease, SessionCache};
pub(crate) use stop::Stop;
pub(crate) use vectors::{DeviceTensor, Vectors, placement as vectors_placement};
pub(crate) use webgpu::version as webgpu_version;
