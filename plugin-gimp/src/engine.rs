// SPDX-License-Identifier: GPL-3.0-or-later
//! An engine of libimpasto, and the jobs that it plans and runs.

use std::ffi::{CString, c_void};

use impasto_abi::{
    IMPASTO_CANCELLED, IMPASTO_OK, ImpastoEngine, ImpastoJob, ImpastoPicture, ImpastoProgress, ImpastoStyle,
};
use serde_json::Value;

use crate::library::Library;
use crate::picture::{Pixels, Second, Style};

/// How far a job is.
pub struct Progress {
    /// Evaluations so far; 0 while pictures are resized and graphs are loaded.
    pub evaluations: u32,
    /// Evaluations that will be done at most.
    pub planned: u32,
    /// The size that is being worked on, counted from 1, and how many there are.
    pub level: [u32; 2],
    /// Its width and height in pixels.
    pub size: [u32; 2],
    /// Where the preview lies in the content: left, top, right and bottom as shares of its width and height.
    pub part: [f64; 4],
    /// The lowest loss so far; NaN before the first evaluation.
    pub loss: f64,
    /// Seconds since the first evaluation began.
    pub seconds: f64,
    /// Estimated seconds until the end; NaN before the first evaluation.
    pub seconds_left: f64,
    /// The best picture so far where it is due: RGB, 8 bits.
    pub preview: Option<Pixels>,
}

/// Why a job has no result.
#[derive(Debug)]
pub enum Failure {
    /// The callback wanted it so.
    Cancelled,
    /// What is wrong and what to do.
    Problem(String),
}

/// A size that a job paints in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Evaluations at most.
    pub evaluations: f64,
    /// How long one of them takes, as the pixels of a picture that takes as long when it is worked on at once.
    pub cost: f64,
}

/// An engine.
pub struct Engine<'l> {
    library: &'l Library,
    raw: *mut ImpastoEngine,
}

/// What a job is to work on.
pub struct Pictures<'a> {
    /// The picture to repaint.
    pub content: &'a Pixels,
    /// The style picture.
    pub style: &'a Style,
    /// A second one.
    pub second: Option<&'a Second>,
    /// Where the second is painted, in the content's size; None for everywhere.
    pub region: Option<&'a Pixels>,
    /// Where to start, for the parameter `"init": "picture"`.
    pub start: Option<&'a Pixels>,
    /// Where to paint: one channel of 8 bits in the content's size, 0 or 255.
    pub mask: Option<&'a Pixels>,
}

impl Drop for Engine<'_> {
    fn drop(&mut self) {
        // SAFETY: it came from `impasto_engine_new`, and no job runs on what nobody holds.
        unsafe { (self.library.engine_free)(self.raw) }
    }
}

/// Calls the closure that is behind `user_data`.
unsafe extern "C" fn trampoline(progress: *const ImpastoProgress, user_data: *mut c_void) -> i32 {
    // SAFETY: `stylise` passes such a closure, and the library a living progress.
    let (raw, go_on) = unsafe { (&*progress, &mut *user_data.cast::<&mut dyn FnMut(&Progress) -> bool>()) };
    // SAFETY: where there is a preview it is RGB of 8 bits and lives until this function returns.
    let preview = unsafe { raw.preview.as_ref() }.map(|p| {
        let mut pixels = Pixels::new(p.width, p.height, 3, 1);
        let row = p.width as usize * 3;
        for (y, to) in pixels.bytes.chunks_exact_mut(row).enumerate() {
            // SAFETY: as above; the stride is at least a row's bytes.
            let from = unsafe { p.data.cast::<u8>().offset(y as isize * p.stride) };
            // SAFETY: as above.
            to.copy_from_slice(unsafe { std::slice::from_raw_parts(from, row) });
        }
        pixels
    });
    let ImpastoProgress { evaluations, planned, loss, seconds, seconds_left, .. } = *raw;
    let progress = Progress {
        evaluations,
        planned,
        level: [raw.level, raw.levels],
        size: [raw.width, raw.height],
        part: [raw.left, raw.top, raw.right, raw.bottom],
        loss,
        seconds,
        seconds_left,
        preview,
    };
    // A panic ends the job and not the process.
    let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| go_on(&progress)));
    i32::from(!answer.unwrap_or(false))
}

impl<'l> Engine<'l> {
    /// Makes an engine from the options of `impasto_engine_new`.
    pub fn new(library: &'l Library, options: &Value) -> Result<Self, String> {
        let options = CString::new(options.to_string()).map_err(|e| e.to_string())?;
        let mut raw = std::ptr::null_mut();
        // SAFETY: the options are a text, `raw` is memory for a pointer.
        if unsafe { (library.engine_new)(options.as_ptr(), &mut raw) } != IMPASTO_OK {
            return Err(library.error());
        }
        Ok(Engine { library, raw })
    }

    /// The sizes that a job with a content picture of this [width, height] would paint in; fails as that job would. Of the
    /// pictures only the sizes count.
    pub fn plan(
        &self,
        pictures: &Pictures,
        params: &Value,
        [width, height]: [u32; 2],
    ) -> Result<Vec<Level>, String> {
        let content = Pixels::new(width, height, 1, 1);
        let region = pictures.region.map(|_| Pixels::new(width, height, 1, 1));
        // The mask would have to have that size too, and changes nothing.
        let pictures = Pictures { content: &content, region: region.as_ref(), mask: None, ..*pictures };
        let same = content.read_only();
        let plan = with_job(&pictures, params, same, |job| {
            // SAFETY: all pointers are to what lives in this function; a plan writes nothing.
            self.library.json(|json| unsafe { (self.library.plan)(self.raw, job, json) })
        })??;
        let levels = plan["levels"].as_array().map(Vec::as_slice).unwrap_or_default();
        let number = |level: &Value, name: &str| level[name].as_f64().unwrap_or_default();
        Ok(levels
            .iter()
            .map(|level| Level { evaluations: number(level, "evaluations"), cost: number(level, "cost") })
            .collect())
    }

    /// Runs a job. `go_on` is called on this thread several times a second; false cancels. The result has the
    /// content's size and format.
    pub fn stylise(
        &self,
        pictures: &Pictures,
        params: &Value,
        mut go_on: impl FnMut(&Progress) -> bool,
    ) -> Result<Pixels, Failure> {
        let content = pictures.content;
        let mut output = Pixels::new(content.width, content.height, content.layout, content.sample);
        let data = output.bytes.as_mut_ptr().cast();
        let mut go_on: &mut dyn FnMut(&Progress) -> bool = &mut go_on;
        let status = with_job(pictures, params, output.descriptor(data), |job| {
            let job = ImpastoJob {
                progress: Some(trampoline),
                user_data: (&raw mut go_on).cast::<c_void>(),
                ..*job
            };
            // SAFETY: all pointers are to what lives in this function and is as large as it is said to be.
            unsafe { (self.library.stylise)(self.raw, &job, std::ptr::null_mut()) }
        });
        match status.map_err(Failure::Problem)? {
            IMPASTO_OK => Ok(output),
            IMPASTO_CANCELLED => Err(Failure::Cancelled),
            _ => Err(Failure::Problem(self.library.error())),
        }
    }
}

/// Calls `then` with the struct that describes a job without a callback.
fn with_job<T>(
    pictures: &Pictures,
    params: &Value,
    output: ImpastoPicture,
    then: impl FnOnce(&ImpastoJob) -> T,
) -> Result<T, String> {
    let params = CString::new(params.to_string()).map_err(|e| e.to_string())?;
    let pointer =
        |picture: &Option<ImpastoPicture>| picture.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let named = |style: &Style| match style {
        Style::Own(name) => CString::new(name.as_str()).map(Some).map_err(|e| e.to_string()),
        Style::Read(_) => Ok(None),
    };
    let first_name = named(pictures.style)?;
    let second_name = pictures.second.map(|second| named(&second.style)).transpose()?.flatten();
    let [first_weight, second_weight] = pictures.second.map_or([1.0, 0.0], |second| second.weights);
    let mut styles = vec![described(pictures.style, first_name.as_ref(), first_weight)];
    let region = pictures.region.map(Pixels::read_only);
    if let Some(second) = pictures.second {
        styles.push(ImpastoStyle {
            scale: second.scale,
            region: pointer(&region),
            ..described(&second.style, second_name.as_ref(), second_weight)
        });
    }
    let mask = pictures.mask.map(Pixels::read_only);
    let start = pictures.start.map(Pixels::read_only);
    let job = ImpastoJob {
        content: pictures.content.read_only(),
        output,
        styles: styles.as_ptr(),
        style_count: styles.len(),
        mask: pointer(&mask),
        init: pointer(&start),
        params: params.as_ptr(),
        ..ImpastoJob::zeroed()
    };
    Ok(then(&job))
}

/// A style with its name, if it has one, and its weight.
fn described(style: &Style, name: Option<&CString>, weight: f64) -> ImpastoStyle {
    let name = name.map_or(std::ptr::null(), |name| name.as_ptr());
    let picture = match style {
        Style::Own(_) => ImpastoPicture::zeroed(),
        Style::Read(pixels) => pixels.read_only(),
    };
    ImpastoStyle { name, ..ImpastoStyle::new(picture, weight) }
}
