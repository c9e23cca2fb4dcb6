//! What a host has: pixels, and jobs on them.

use std::ffi::{CString, c_void};

use crate::library::*;

/// A picture in memory of ours.
#[derive(Clone)]
pub struct Pixels {
    pub bytes: Vec<u8>,
    pub width: u32,
    pub height: u32,
    pub layout: u32,
    pub sample: u32,
    pub encoding: u32,
    /// Bytes behind each row.
    pub padding: usize,
    /// Bytes before the first.
    pub offset: usize,
}

/// A pattern with edges and colours, 0..1.
pub fn pattern(x: u32, y: u32, c: u32) -> f32 {
    let wave = ((x as f32) * 0.21 + c as f32).sin() * ((y as f32) * 0.13 - c as f32).cos();
    0.5 + 0.45 * if (x / 9 + y / 7).is_multiple_of(2) { wave } else { -wave }
}

impl Pixels {
    pub fn new(width: u32, height: u32, layout: u32, sample: u32, encoding: u32) -> Self {
        Pixels::padded(width, height, layout, sample, encoding, 0, 0)
    }

    pub fn padded(
        width: u32,
        height: u32,
        layout: u32,
        sample: u32,
        encoding: u32,
        padding: usize,
        offset: usize,
    ) -> Self {
        let mut out = Pixels { bytes: Vec::new(), width, height, layout, sample, encoding, padding, offset };
        out.bytes = vec![0xA5; offset + out.stride() * height as usize];
        for y in 0..height {
            for x in 0..width {
                for c in 0..layout {
                    let alpha = layout.is_multiple_of(2) && c == layout - 1;
                    let grey = if layout < 3 { 1 } else { c };
                    let mut value = if alpha { 1.0 } else { pattern(x, y, grey) };
                    if encoding == 1 && !alpha {
                        value = linear(value);
                    }
                    out.set(x, y, c, value);
                }
            }
        }
        out
    }

    pub fn rgb(width: u32, height: u32) -> Self {
        Pixels::new(width, height, 3, 1, 0)
    }

    pub fn stride(&self) -> usize {
        (self.width * self.layout * self.sample) as usize + self.padding
    }

    fn sample_offset(&self, x: u32, y: u32, c: u32) -> usize {
        self.offset + y as usize * self.stride() + ((x * self.layout + c) * self.sample) as usize
    }

    pub fn set(&mut self, x: u32, y: u32, c: u32, value: f32) {
        let at = self.sample_offset(x, y, c);
        match self.sample {
            1 => self.bytes[at] = (value * 255.0).round() as u8,
            2 => self.bytes[at..at + 2].copy_from_slice(&((value * 65535.0).round() as u16).to_ne_bytes()),
            _ => self.bytes[at..at + 4].copy_from_slice(&value.to_ne_bytes()),
        }
    }

    pub fn get(&self, x: u32, y: u32, c: u32) -> f32 {
        let b = &self.bytes[self.sample_offset(x, y, c)..];
        match self.sample {
            1 => b[0] as f32 / 255.0,
            2 => u16::from_ne_bytes([b[0], b[1]]) as f32 / 65535.0,
            _ => f32::from_ne_bytes([b[0], b[1], b[2], b[3]]),
        }
    }

    /// The bytes of a pixel.
    pub fn pixel(&self, x: u32, y: u32) -> &[u8] {
        &self.bytes[self.sample_offset(x, y, 0)..][..(self.layout * self.sample) as usize]
    }

    pub fn descriptor(&mut self) -> Picture {
        Picture {
            data: self.bytes[self.offset..].as_mut_ptr().cast(),
            stride: self.stride() as isize,
            width: self.width,
            height: self.height,
            layout: self.layout,
            sample: self.sample,
            encoding: self.encoding,
            reserved: 0,
        }
    }
}

pub fn linear(v: f32) -> f32 {
    if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
}

/// A job with all that its pointers point to.
pub struct Host {
    pub content: Pixels,
    pub output: Pixels,
    pub style: Pixels,
    pub mask: Option<Pixels>,
    pub params: CString,
    /// The output is the content.
    pub in_place: bool,
    pub on_cancel: u32,
}

/// Calls a closure for each progress.
unsafe extern "C" fn trampoline(progress: *const Progress, user_data: *mut c_void) -> i32 {
    // SAFETY: `with_progress` passes such a closure, and the library a living progress.
    unsafe { (*user_data.cast::<&mut dyn FnMut(&Progress) -> i32>())(&*progress) }
}

impl Host {
    /// Six evaluations at 48 by 36 pixels.
    pub fn new() -> Self {
        Host {
            content: Pixels::rgb(48, 36),
            output: Pixels::rgb(48, 36),
            style: Pixels::rgb(40, 40),
            mask: None,
            params: CString::new(r#"{"size": 48, "iterations": 6}"#).expect("no NUL"),
            in_place: false,
            on_cancel: 0,
        }
    }

    pub fn params(mut self, json: &str) -> Self {
        self.params = CString::new(json).expect("no NUL");
        self
    }

    /// Calls `with` with the job.
    pub fn with<R>(&mut self, with: impl FnOnce(&mut Job) -> R) -> R {
        let style = Style::new(self.style.descriptor(), 1.0);
        let mask = self.mask.as_mut().map(Pixels::descriptor);
        let content = self.content.descriptor();
        let mut job = Job {
            content,
            output: if self.in_place { content } else { self.output.descriptor() },
            styles: &style,
            style_count: 1,
            mask: mask.as_ref().map_or(std::ptr::null(), |m| m),
            params: self.params.as_ptr(),
            on_cancel: self.on_cancel,
            ..Job::zeroed()
        };
        with(&mut job)
    }

    pub fn run(&mut self, api: &Api, engine: *mut Engine) -> i32 {
        self.with(|job| api.stylise(engine, job, std::ptr::null_mut()))
    }

    pub fn run_with(
        &mut self,
        api: &Api,
        engine: *mut Engine,
        mut progress: impl FnMut(&Progress) -> i32,
    ) -> i32 {
        let mut progress: &mut dyn FnMut(&Progress) -> i32 = &mut progress;
        self.with(|job| {
            job.progress = Some(trampoline);
            job.user_data = (&raw mut progress).cast();
            api.stylise(engine, job, std::ptr::null_mut())
        })
    }
}
