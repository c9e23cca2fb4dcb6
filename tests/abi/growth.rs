//! Hosts whose structs are older or newer than the library's: with fewer fields, or with more.

use std::mem::offset_of;
use std::ptr::null_mut;

use crate::host::{Host, Pixels};
use crate::library::*;

/// Structs in memory of ours, `stride` bytes apart. What is behind `stride` bytes of a struct, and behind the
/// last one, is filled with ones: no pointer or number there could be used.
struct Memory {
    words: Vec<u64>,
}

impl Memory {
    fn new<T: Copy>(structs: &[T], stride: usize) -> Self {
        let bytes = stride * structs.len() + size_of::<T>() + 64;
        let mut memory = Memory { words: vec![u64::MAX; bytes.div_ceil(8)] };
        let start: *mut u8 = memory.words.as_mut_ptr().cast();
        for (i, one) in structs.iter().enumerate() {
            // SAFETY: there is room for as many structs, and bytes of a struct are only copied.
            unsafe {
                let to = start.add(i * stride);
                std::ptr::copy_nonoverlapping((&raw const *one).cast(), to, stride.min(size_of::<T>()));
                // Every struct that grows begins with its size.
                to.cast::<usize>().write_unaligned(stride);
            }
        }
        memory
    }

    fn first<T>(&self) -> *const T {
        self.words.as_ptr().cast()
    }
}

/// The iterations of the plan for a job that is passed with this size.
fn planned(api: &Api, engine: *mut Engine, host: &mut Host, size: usize) -> serde_json::Value {
    host.with(|job| {
        let memory = Memory::new(std::slice::from_ref(job), size);
        api.json(|a, to| a.plan(engine, memory.first(), to))["settings"]["iterations"].clone()
    })
}

#[test]
fn a_job_that_ends_after_any_field_is_taken_and_the_rest_is_zero() {
    let Some(api) = Api::shared() else { return };
    let engine = api.small();
    let mut host = Host::new().params(r#"{"size": 48, "iterations": 6}"#);
    let ends = [
        offset_of!(Job, mask),
        offset_of!(Job, init),
        offset_of!(Job, params),
        offset_of!(Job, progress),
        offset_of!(Job, user_data),
        offset_of!(Job, on_cancel),
        offset_of!(Job, reserved),
        size_of::<Job>(),
    ];
    for size in ends {
        let expected = if size <= offset_of!(Job, params) { 36 } else { 6 };
        assert_eq!(planned(api, engine, &mut host, size), expected, "{size} bytes");
    }
    api.engine_free(engine);
}

#[test]
fn a_job_of_an_older_header_is_painted_as_one_of_this_header() {
    let Some(api) = Api::shared() else { return };
    let engine = api.small();
    let mut reference = Host::new();
    assert_eq!(reference.run(api, engine), OK);
    for size in [offset_of!(Job, progress), offset_of!(Job, on_cancel), offset_of!(Job, reserved)] {
        let mut host = Host::new();
        let status = host.with(|job| {
            let memory = Memory::new(std::slice::from_ref(job), size);
            api.stylise(engine, memory.first(), null_mut())
        });
        assert_eq!(status, OK, "{}", api.error());
        assert!(host.output.bytes == reference.output.bytes, "{size} bytes");
    }
    api.engine_free(engine);
}

#[test]
fn a_job_of_a_newer_header_is_taken_without_the_fields_that_are_unknown() {
    let Some(api) = Api::shared() else { return };
    let engine = api.small();
    let mut host = Host::new();
    for size in [size_of::<Job>() + 8, size_of::<Job>() + 64, 4096] {
        assert_eq!(planned(api, engine, &mut host, size), 6, "{size} bytes");
    }
    api.engine_free(engine);
}

#[test]
fn a_job_with_a_size_that_no_header_has_is_refused() {
    let Some(api) = Api::shared() else { return };
    let engine = api.small();
    let whole = size_of::<Job>();
    for size in [0, 1, 8, 96, 103, 105, 132, whole - 1, whole + 1, whole + 4, 4104, usize::MAX] {
        let status = Host::new().with(|job| {
            job.struct_size = size;
            assert_eq!(api.plan(engine, job, null_mut()), INVALID_ARGUMENT, "{size} bytes");
            api.stylise(engine, job, null_mut())
        });
        assert_eq!(status, INVALID_ARGUMENT, "{size} bytes");
        assert!(api.error().contains(&format!("job.struct_size is {size}")), "{}", api.error());
    }
    api.engine_free(engine);
}

/// A second style picture, unlike the first.
fn stripes() -> Pixels {
    let mut pixels = Pixels::rgb(40, 40);
    pixels.bytes.iter_mut().enumerate().for_each(|(i, b)| *b = if (i / 3) % 8 < 4 { 20 } else { 230 });
    pixels
}

/// Runs a job with two styles that lie `stride` bytes apart.
fn two_styles(api: &Api, engine: *mut Engine, stride: usize, change: impl Fn(&mut Memory)) -> (i32, Vec<u8>) {
    let (mut host, mut other) = (Host::new(), stripes());
    let other = Style::new(other.descriptor(), 2.0);
    let status = host.with(|job| {
        // SAFETY: the job's style is alive.
        let mut memory = Memory::new(&[unsafe { *job.styles }, other], stride);
        change(&mut memory);
        (job.styles, job.style_count) = (memory.first(), 2);
        api.stylise(engine, job, null_mut())
    });
    (status, host.output.bytes)
}

#[test]
fn styles_of_older_and_newer_headers_paint_what_those_of_this_header_paint() {
    let Some(api) = Api::shared() else { return };
    let engine = api.small();
    let whole = size_of::<Style>();
    let reference = two_styles(api, engine, whole, |_| ());
    assert_eq!(reference.0, OK, "{}", api.error());
    let ends = [offset_of!(Style, scale), offset_of!(Style, region), offset_of!(Style, name)];
    for stride in ends.into_iter().chain([whole + 8, whole + 64, 4096]) {
        assert!(two_styles(api, engine, stride, |_| ()) == reference, "{stride} bytes: {}", api.error());
    }
    api.engine_free(engine);
}

#[test]
fn styles_with_sizes_that_no_header_has_are_refused() {
    let Some(api) = Api::shared() else { return };
    let engine = api.small();
    let whole = size_of::<Style>();
    // The size that is written over that of the first style or, at the second place, of the second.
    let cases = [0, 8, 48, 57, whole + 4, 4104, usize::MAX].map(|size| (0, size));
    for (i, size) in cases.into_iter().chain([(1, 0), (1, offset_of!(Style, region)), (1, whole + 8)]) {
        let refused = two_styles(api, engine, whole, |memory| memory.words[i * whole / 8] = size as u64);
        assert_eq!(refused.0, INVALID_ARGUMENT, "styles[{i}], {size} bytes");
        assert!(api.error().contains(&format!("styles[{i}].struct_size is {size}")), "{}", api.error());
    }
    api.engine_free(engine);
}
