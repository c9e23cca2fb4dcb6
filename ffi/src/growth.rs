//! Structs that grow: the host's may be older, with fewer fields than ours, or newer, with more.

use std::mem::offset_of;

use impasto_abi::{ImpastoJob, ImpastoStyle};

use crate::guard::Failure;

/// The largest `struct_size` in bytes that is believed. What is larger was never set.
const MOST: usize = 4096;

/// A struct of the header that may get more fields at its end.
///
/// # Safety
/// `struct_size` is its first field, all fields are valid when they are zero, and none reaches over an end in `ENDS`.
pub unsafe trait Grows: Copy {
    /// What the header calls it.
    const NAME: &str;
    /// Where fields end, ascending, in bytes: from the last one that every host has to set, to the size of the struct.
    const ENDS: &[usize];
    /// A value whose fields, except `struct_size`, are zero.
    const ZERO: Self;
}

// SAFETY: the fields are numbers, pointers and a callback that may be NULL; an end is where the next field begins.
unsafe impl Grows for ImpastoJob {
    const NAME: &str = "ImpastoJob";
    const ENDS: &[usize] = &[
        offset_of!(ImpastoJob, mask),
        offset_of!(ImpastoJob, init),
        offset_of!(ImpastoJob, params),
        offset_of!(ImpastoJob, progress),
        offset_of!(ImpastoJob, user_data),
        offset_of!(ImpastoJob, on_cancel),
        offset_of!(ImpastoJob, reserved),
        size_of::<ImpastoJob>(),
    ];
    const ZERO: Self = ImpastoJob::zeroed();
}

// SAFETY: as above.
unsafe impl Grows for ImpastoStyle {
    const NAME: &str = "ImpastoStyle";
    const ENDS: &[usize] = &[
        offset_of!(ImpastoStyle, scale),
        offset_of!(ImpastoStyle, region),
        offset_of!(ImpastoStyle, name),
        size_of::<ImpastoStyle>(),
    ];
    const ZERO: Self = ImpastoStyle::zeroed();
}

/// Copies a struct of the host's. Fields that the host does not have are zero, fields that this library does not have
/// are left out. `name` is what messages call the struct.
///
/// # Safety
/// `from` is aligned and points to a `struct_size` and, if that is valid, to that number of bytes.
pub unsafe fn read<T: Grows>(name: &str, from: *const T) -> Result<T, Failure> {
    // SAFETY: as the caller promises; struct_size comes first in every version of the struct.
    let size = unsafe { *from.cast::<usize>() };
    let known = T::ENDS.contains(&size);
    let newer = size > size_of::<T>() && size <= MOST && size.is_multiple_of(align_of::<T>());
    if !known && !newer {
        return Err(Failure::argument(format!(
            "{name}.struct_size is {size}; set it to sizeof({}), {} in this library",
            T::NAME,
            size_of::<T>()
        )));
    }
    let mut out = T::ZERO;
    // SAFETY: both have that number of bytes. Whole fields are copied, and the others are zero, which is a value of theirs.
    unsafe {
        std::ptr::copy_nonoverlapping(from.cast::<u8>(), (&raw mut out).cast(), size.min(size_of::<T>()));
    }
    Ok(out)
}

/// Copies an array of the host's, whose elements lie as far apart as the host's `struct_size` says.
///
/// # Safety
/// `from` is aligned and points to `count` structs, each as for [`read`]; or `count` is 0.
pub unsafe fn read_array<T: Grows>(name: &str, from: *const T, count: usize) -> Result<Vec<T>, Failure> {
    if count == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: as the caller promises, there is a first one.
    let stride = unsafe { *from.cast::<usize>() };
    let mut out = Vec::with_capacity(count);
    for i in 0..count {
        let name = format!("{name}[{i}]");
        // SAFETY: the first element's size has been checked when the others are reached, and all have the same.
        let element = unsafe { from.byte_add(i * stride) };
        // SAFETY: as the caller promises.
        let size = unsafe { *element.cast::<usize>() };
        if size != stride {
            return Err(Failure::argument(format!(
                "{name}.struct_size is {size}, that of the first {stride}; all elements of an array have the same"
            )));
        }
        // SAFETY: as the caller promises.
        out.push(unsafe { read(&name, element) }?);
    }
    Ok(out)
}
