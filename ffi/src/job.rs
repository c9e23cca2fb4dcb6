//! A call of `impasto_stylise`: the struct that describes it, checked; the engine's job on a thread of its
//! own; the callback on the caller's thread.

use std::borrow::Cow;
use std::ffi::c_void;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use impasto::{
    CancelToken, Engine, Params, Picture, Pictures, Plan, Progress, Report, Sink, Style, StyleShape,
    Stylised, styles,
};
use impasto_abi::*;
use ndarray::Array2;

use crate::growth;
use crate::guard::Failure;
use crate::picture::Pixels;
use crate::text;

const MOST_STYLES: usize = 64;

/// Where a style picture is.
enum Source {
    /// In the caller's memory.
    Pixels(Pixels),
    /// One of the library's own.
    Own(Picture),
}

impl Source {
    fn size(&self) -> [usize; 2] {
        match self {
            Source::Pixels(pixels) => pixels.size(),
            Source::Own(picture) => picture.size(),
        }
    }

    /// The caller's pixels.
    fn pixels(&self) -> Option<&Pixels> {
        match self {
            Source::Pixels(pixels) => Some(pixels),
            Source::Own(_) => None,
        }
    }

    /// # Safety
    /// The caller's memory is valid.
    unsafe fn read(&self) -> Cow<'_, Picture> {
        match self {
            // SAFETY: as the caller promises.
            Source::Pixels(pixels) => Cow::Owned(unsafe { pixels.read() }),
            Source::Own(picture) => Cow::Borrowed(picture),
        }
    }
}

/// A style picture that was found in order.
struct CheckedStyle {
    source: Source,
    weight: f64,
    scale: f64,
    region: Option<Pixels>,
}

/// A job that was found in order.
pub struct Job {
    content: Pixels,
    output: Pixels,
    styles: Vec<CheckedStyle>,
    mask: Option<Pixels>,
    init: Option<Pixels>,
    params: Params,
    progress: ImpastoProgressCallback,
    user_data: *mut c_void,
    keep_best: bool,
}

/// Checks all that can be checked without looking at pixels.
///
/// # Safety
/// `job` must be null or point to a job whose pointers are null or valid for what they describe.
pub unsafe fn checked(job: *const ImpastoJob) -> Result<Job, Failure> {
    if job.is_null() || !job.is_aligned() {
        return Err(Failure::argument("job is NULL or not aligned; expected an ImpastoJob"));
    }
    // SAFETY: checked above, and as the caller promises.
    let job = unsafe { growth::read("job", job) }?;
    if job.on_cancel > IMPASTO_KEEP_BEST || job.reserved != 0 {
        return Err(Failure::argument("job.on_cancel or job.reserved has a value that is unknown"));
    }
    // SAFETY: as the caller promises.
    let params = match unsafe { text("params", job.params) }? {
        Some(json) => Params::from_json(json)?,
        None => Params::default(),
    };
    let least = usize::from(params.style.is_none());
    let missing = job.style_count > 0 && job.styles.is_null();
    if missing || !job.styles.is_aligned() || !(least..=MOST_STYLES).contains(&job.style_count) {
        return Err(Failure::argument(format!(
            "job.styles with job.style_count {}: expected {least} to {MOST_STYLES} style pictures",
            job.style_count
        )));
    }
    // SAFETY: checked above, and as the caller promises.
    let given = unsafe { growth::read_array("styles", job.styles, job.style_count) }?;
    let optional = |name: &str, picture: *const ImpastoPicture| {
        if !picture.is_aligned() {
            return Err(Failure::argument(format!("{name} is not aligned")));
        }
        // SAFETY: as the caller promises.
        unsafe { picture.as_ref() }.map(|p| Pixels::new(name, p)).transpose()
    };
    let styles = given.iter().enumerate().map(|(i, style)| {
        if !(0.0..=1e9).contains(&style.weight) {
            let problem = format!("styles[{i}].weight is {}; expected 0 to 1e9", style.weight);
            return Err(Failure::new(IMPASTO_PARAMETERS, problem));
        }
        let scale = if style.scale == 0.0 { 1.0 } else { style.scale };
        if !(0.1..=4.0).contains(&scale) {
            let problem = format!("styles[{i}].scale is {scale}; expected 0.1 to 4, or 0 for 1");
            return Err(Failure::new(IMPASTO_PARAMETERS, problem));
        }
        // SAFETY: as the caller promises.
        let source = match unsafe { text(&format!("styles[{i}].name"), style.name) }? {
            Some(name) => Source::Own(styles::open(name)?),
            None => Source::Pixels(Pixels::new(&format!("styles[{i}]"), &style.picture)?),
        };
        Ok(CheckedStyle {
            source,
            weight: style.weight,
            scale,
            region: optional(&format!("styles[{i}].region"), style.region)?,
        })
    });
    let styles = styles.collect::<Result<Vec<_>, _>>()?;
    if params.style.is_none() && styles.iter().all(|s| s.weight == 0.0) {
        return Err(Failure::new(IMPASTO_PARAMETERS, "styles: all weights are 0; raise one"));
    }
    let job = Job {
        content: Pixels::new("content", &job.content)?,
        output: Pixels::new("output", &job.output)?,
        styles,
        mask: optional("mask", job.mask)?,
        init: optional("init", job.init)?,
        params,
        progress: job.progress,
        user_data: job.user_data,
        keep_best: job.on_cancel == IMPASTO_KEEP_BEST,
    };
    job.check_overlap()?;
    let regions = job.styles.iter().enumerate().map(|(i, s)| (format!("styles[{i}].region"), s.region));
    for (name, plane) in std::iter::once(("mask".to_string(), job.mask)).chain(regions) {
        if let Some(plane) = plane.filter(|m| m.size() != job.content.size()) {
            let ([mh, mw], [h, w]) = (plane.size(), job.content.size());
            let problem =
                format!("{name}: is {mw}×{mh} pixels, the content {w}×{h}; they must have the same size");
            return Err(Failure::new(IMPASTO_PICTURE, problem));
        }
    }
    Ok(job)
}

impl Job {
    fn check_overlap(&self) -> Result<(), Failure> {
        let out = self.output.range();
        let meets = |p: &Pixels| p.range().start < out.end && out.start < p.range().end;
        let styles = self.styles.iter().flat_map(|s| s.source.pixels().into_iter().chain(&s.region));
        let inputs = styles.chain(&self.mask).chain(&self.init);
        if (meets(&self.content) && !self.output.is_same(&self.content)) || inputs.into_iter().any(meets) {
            return Err(Failure::argument(
                "output overlaps an input; only the very same picture as the content may be written over",
            ));
        }
        Ok(())
    }

    pub fn plan(&self, engine: &Engine) -> Result<Plan, Failure> {
        let styles: Vec<StyleShape> = self
            .styles
            .iter()
            .filter(|s| s.weight > 0.0)
            .map(|s| StyleShape { size: s.source.size(), scale: s.scale, guided: s.region.is_some() })
            .collect();
        Ok(engine.plan(self.content.size(), &styles, self.mask.is_some(), &self.params)?)
    }

    /// Runs the job and writes the output.
    ///
    /// # Safety
    /// The memory of all pictures is valid, and nobody else uses it meanwhile.
    pub unsafe fn run(&self, engine: &Engine) -> Result<(i32, Option<Report>), Failure> {
        // SAFETY: as the caller promises.
        let content = unsafe { self.content.read() };
        // SAFETY: as the caller promises.
        let styles: Vec<_> = self.styles.iter().map(|s| unsafe { s.source.read() }).collect();
        let masks = self.styles.iter().map(|s| {
            // SAFETY: as the caller promises.
            s.region.map(|p| unsafe { p.read_mask() })
        });
        let masks: Vec<Option<Array2<f32>>> = masks.collect();
        // SAFETY: as the caller promises.
        let mask = self.mask.map(|p| unsafe { p.read_mask() });
        // SAFETY: as the caller promises.
        let init = self.init.map(|p| unsafe { p.read() });
        let weighted: Vec<Style> = styles
            .iter()
            .zip(&self.styles)
            .zip(&masks)
            .map(|((picture, s), region)| Style {
                picture,
                weight: s.weight,
                scale: s.scale,
                region: region.as_ref(),
            })
            .collect();
        let pictures =
            Pictures { content: &content, styles: &weighted, mask: mask.as_ref(), init: init.as_ref() };
        let stylised = self.paint(engine, &pictures)?;
        let cancelled = stylised.report.cancelled;
        if cancelled && !self.keep_best {
            return Err(Failure::new(IMPASTO_CANCELLED, "cancelled"));
        }
        // SAFETY: as the caller promises.
        unsafe { self.write(&content, mask.as_ref(), &stylised) }?;
        let status = if cancelled { IMPASTO_CANCELLED_WITH_PICTURE } else { IMPASTO_OK };
        Ok((status, Some(stylised.report)))
    }

    /// # Safety
    /// As `run`.
    unsafe fn write(
        &self,
        content: &Picture,
        mask: Option<&Array2<f32>>,
        stylised: &Stylised,
    ) -> Result<(), Failure> {
        let [h, w] = self.output.size();
        let same_size = self.output.size() == self.content.size();
        let mut painted = match same_size {
            true => stylised.at_size_of(content)?,
            false => stylised.picture.resized(h, w)?,
        };
        if same_size {
            // Not resized on the way.
            painted = painted.with_alpha(content.alpha().cloned())?;
        }
        let keeps = same_size && self.output.is_like(&self.content);
        let stays = |y: usize, x: usize| {
            keeps
                && (mask.is_some_and(|m| m[[y, x]] <= 0.0)
                    || content.alpha().is_some_and(|a| a[[y, x]] <= 0.0))
        };
        // SAFETY: as the caller promises; `checked` has refused an output that overlaps the content in any
        // other way than being the same.
        unsafe {
            if keeps && !self.output.is_same(&self.content) {
                self.output.copy(&self.content, stays);
            }
            self.output.write(&painted, stays);
        }
        Ok(())
    }

    /// Lets the engine work on a thread of its own while this one calls the callback.
    fn paint(&self, engine: &Engine, pictures: &Pictures) -> Result<Stylised, Failure> {
        let cancel = CancelToken::new();
        let (events, from_job) = channel();
        let (answers, to_job) = channel();
        let mut sink = ToCaller { events, answers: to_job };
        let (params, token) = (&self.params, &cancel);
        thread::scope(|scope| {
            let job = thread::Builder::new()
                .name("impasto-job".to_string())
                .spawn_scoped(scope, move || engine.stylise(pictures, params, &mut sink, token))
                .map_err(|e| Failure::new(IMPASTO_RUNTIME, format!("a thread cannot be started: {e}")))?;
            self.listen(&from_job, &answers, &cancel);
            match job.join() {
                Ok(result) => Ok(result?),
                Err(payload) => Err(Failure::panic(&*payload)),
            }
        })
    }

    /// Calls the callback for each event, and now and then in between, until the job has ended.
    fn listen(&self, events: &Receiver<Event>, answers: &Sender<()>, cancel: &CancelToken) {
        const PAUSE: Duration = Duration::from_millis(100);
        let mut now = ImpastoProgress {
            struct_size: size_of::<ImpastoProgress>(),
            phase: IMPASTO_PREPARING,
            evaluations: 0,
            planned: 0,
            reserved: 0,
            loss: f64::NAN,
            seconds: 0.0,
            seconds_left: f64::NAN,
            preview: std::ptr::null(),
            level: 0,
            levels: 0,
            width: 0,
            height: 0,
            left: 0.0,
            top: 0.0,
            right: 0.0,
            bottom: 0.0,
        };
        let call = |now: &ImpastoProgress| {
            if let Some(callback) = self.progress
                && !cancel.is_cancelled()
                // SAFETY: the host promises that the callback can be called with its user_data.
                && unsafe { callback(now, self.user_data) } != 0
            {
                cancel.cancel();
            }
        };
        loop {
            match events.recv_timeout(PAUSE) {
                Err(RecvTimeoutError::Timeout) => call(&now),
                Err(RecvTimeoutError::Disconnected) => return,
                Ok(event) => {
                    match event {
                        Event::Progress(p) => {
                            let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
                            now.phase = IMPASTO_OPTIMISING;
                            (now.evaluations, now.planned) = (count(p.evaluations), count(p.planned));
                            (now.level, now.levels) = (count(p.level), count(p.levels));
                            [now.height, now.width] = p.size.map(count);
                            [now.left, now.top, now.right, now.bottom] = p.part;
                            (now.loss, now.seconds, now.seconds_left) = (p.loss, p.seconds, p.seconds_left);
                            call(&now);
                        }
                        Event::Preview(mut pixels, [height, width]) => {
                            let preview = ImpastoPicture {
                                data: pixels.as_mut_ptr().cast(),
                                stride: 3 * width as isize,
                                width: width as u32,
                                height: height as u32,
                                layout: IMPASTO_RGB,
                                sample: IMPASTO_U8,
                                encoding: IMPASTO_SRGB,
                                reserved: 0,
                            };
                            call(&ImpastoProgress { preview: &preview, ..now });
                        }
                    }
                    // If nobody takes the answer, the job has ended, and the next event says so.
                    let _ = answers.send(());
                }
            }
        }
    }
}

enum Event {
    Progress(Progress),
    /// RGB bytes and their [height, width].
    Preview(Vec<u8>, [usize; 2]),
}

/// The job's end: sends an event and waits until the caller has taken it, so that a cancelled job does not
/// run on.
struct ToCaller {
    events: Sender<Event>,
    answers: Receiver<()>,
}

impl ToCaller {
    fn send(&self, event: Event) {
        if self.events.send(event).is_ok() {
            // It fails if the caller has gone, which ends the wait just as well.
            let _ = self.answers.recv();
        }
    }
}

impl Sink for ToCaller {
    fn progress(&mut self, progress: &Progress) {
        self.send(Event::Progress(progress.clone()));
    }

    fn preview(&mut self, _: usize, picture: &Picture) {
        let (h, w) = (picture.height(), picture.width());
        let mut bytes = Vec::with_capacity(3 * h * w);
        for y in 0..h {
            for x in 0..w {
                bytes.extend(
                    [0, 1, 2].map(|c| (picture.rgb()[[c, y, x]].clamp(0.0, 1.0) * 255.0).round() as u8),
                );
            }
        }
        self.send(Event::Preview(bytes, [h, w]));
    }
}
