//! Impasto for Windows, built on Linux: the compiler, the standard library's sources, mingw-w64's linker and Wine are in a root
//! directory that is made for it.

mod build;
mod gimp;
mod imports;
mod layout;
mod test;

pub use build::{Speed, TARGET, Windows};
pub use gimp::{PARTS as FILTER_PARTS, archive as filter_archive};
pub use layout::{archive, wheel};
pub use test::test;
