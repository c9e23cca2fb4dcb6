//! Descriptors and JSON as a confused host might pass them: the check that every call begins with, and now and then
//! all of `impasto_plan`, which takes a thousand times as long, must answer with a status, never crash, and what it calls in order must be readable and writable to its last byte.
//!
//! The input: 20 bytes for each of content, output and style (which buffer stands for the address, layout, sample,
//! encoding, stride, width, height), the style's weight, as many for the mask, two flags, then the JSON.

#![no_main]

use std::cell::{OnceCell, RefCell};
use std::ffi::{CString, c_void};
use std::ptr::{null, null_mut};

use impasto_ffi::picture::Pixels;
use impasto_ffi::*;
use libfuzzer_sys::fuzz_target;

/// Bytes of a buffer; small, so that many inputs are tried.
const ROOM: usize = 1 << 12;

thread_local! {
    static ENGINE: OnceCell<usize> = const { OnceCell::new() };
    static BUFFERS: RefCell<[Vec<u8>; 4]> = RefCell::new([0; 4].map(|_: u8| vec![0x11u8; ROOM + 16]));
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        let n = N.min(self.0.len());
        out[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        out
    }

    fn number(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    /// Mostly small, as pictures are; now and then anything.
    fn side(&mut self) -> u32 {
        let n = self.number();
        if n & 0xF000_0000 == 0 { n } else { n & 63 }
    }

    fn picture(&mut self, buffers: &mut [Vec<u8>; 4]) -> ImpastoPicture {
        let [which, layout, sample, encoding] = self.take::<4>();
        let stride = i64::from_le_bytes(self.take());
        let (width, height) = (self.side(), self.side());
        let data: *mut c_void = match which {
            0..=199 => buffers[which as usize % 4][which as usize % 16..].as_mut_ptr().cast(),
            200..=210 => null_mut(),
            // An address near the end of memory: the range must not wrap around.
            _ => (usize::MAX - which as usize) as *mut c_void,
        };
        let small = |v: u8, most: u8| u32::from(if v < 128 { v % (most + 1) } else { v });
        ImpastoPicture {
            data,
            stride: if stride & 0xFF00 == 0 { stride as isize } else { (stride & 1023) as isize },
            width,
            height,
            layout: small(layout, 5),
            sample: small(sample, 4),
            encoding: small(encoding, 2),
            reserved: 0,
        }
    }
}

fuzz_target!(|data: &[u8]| BUFFERS.with_borrow_mut(|buffers| run(data, buffers)));

fn run(data: &[u8], buffers: &mut [Vec<u8>; 4]) {
    let engine = ENGINE.with(|cell| {
        *cell.get_or_init(|| {
            let mut engine = null_mut();
            let options = c"{\"device\": \"cpu\", \"threads\": 1}";
            // SAFETY: a string and a place for the engine.
            assert_eq!(unsafe { impasto_engine_new(options.as_ptr(), &mut engine) }, IMPASTO_OK);
            engine as usize
        })
    }) as *const ImpastoEngine;
    let mut reader = Reader(data);
    let content = reader.picture(buffers);
    let output = reader.picture(buffers);
    let style = ImpastoStyle {
        picture: reader.picture(buffers),
        weight: f64::from_le_bytes(reader.take()),
        scale: f64::from(reader.take::<1>()[0]) / 16.0,
        ..ImpastoStyle::zeroed()
    };
    let mask = reader.picture(buffers);
    let [flags, cancel] = reader.take::<2>();
    let params = CString::new(reader.0.iter().copied().filter(|&b| b != 0).collect::<Vec<u8>>());
    let params = params.expect("no NUL is left");
    let job = ImpastoJob {
        content,
        output,
        styles: &style,
        style_count: 1,
        mask: if flags & 1 == 0 { null() } else { &mask },
        params: if flags & 2 == 0 { params.as_ptr() } else { null() },
        on_cancel: u32::from(cancel % 4),
        ..ImpastoJob::zeroed()
    };
    // SAFETY: the check looks at no pixels, and everything else is alive.
    let status = unsafe { check(&job) };
    assert!((IMPASTO_OK..=IMPASTO_PICTURE).contains(&status), "status {status}");
    if cancel == 0x40 {
        let mut plan = null_mut();
        // SAFETY: as above.
        let planned = unsafe { impasto_plan(engine, &job, &mut plan) };
        assert!((IMPASTO_OK..=IMPASTO_MEMORY).contains(&planned), "status {planned}");
        assert!(status == IMPASTO_OK || planned == status);
        assert_eq!(plan.is_null(), planned != IMPASTO_OK);
        // SAFETY: null or from the library.
        unsafe { impasto_string_free(plan) };
    }

    // Pictures that lie in our buffers are read and written, which the sanitizer watches.
    for picture in [content, output, style.picture, mask] {
        let Ok(pixels) = Pixels::new("picture", &picture) else { continue };
        let range = pixels.range();
        let inside = |b: &Vec<u8>| {
            let own = b.as_ptr_range();
            own.start as usize <= range.start && range.end <= own.end as usize
        };
        if buffers.iter().any(inside) {
            // SAFETY: the range lies inside a buffer that nobody else uses now.
            unsafe {
                let read = pixels.read();
                pixels.write(&read, |y, x| (x + y) % 3 == 0);
                pixels.read_mask();
            }
        }
    }
}
