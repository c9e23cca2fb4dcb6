// SPDX-License-Identifier: GPL-3.0-or-later
//! The part of the layer that is selected, before and after, side by side. After each change of a setting a
//! draft is painted on the worker's thread.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use gimp::prelude::*;
use gimp_ui::gtk;
use gimp_ui::prelude::*;
use gtk::gdk_pixbuf::{Colorspace, Pixbuf};

use super::estimate;
use super::inputs::{Inputs, Read};
use super::view::View;
use super::worker::{Answer, Request, Whole, Worker};
use crate::library::Library;
use crate::picture::Pixels;
use crate::pixels::{self, Area};
use crate::settings::{self, Settings};
use crate::style::Choice;
use crate::text::{fill, tr};

/// The least longer side of a picture in the screen's logical pixels, and the longer side of a draft in its own pixels.
const SIDE: i32 = 256;
/// The longer side in the screen's logical pixels up to which more is painted for a larger picture.
const LARGEST: i32 = 2 * SIDE;
/// Evaluations of a draft.
const EVALUATIONS: u32 = 60;
/// Evaluations that refine a draft in the screen's device pixels while no setting changes.
const REFINING: u32 = 60;
/// A draft is refined again where its picture has become larger by this factor.
const LARGER: f64 = 1.2;
/// A better picture is shown every so many evaluations.
const SHOW_EVERY: u32 = 4;
/// How long the settings must rest before a draft begins.
const REST: Duration = Duration::from_millis(300);
/// How often the thread's answers are looked for.
const LOOK: Duration = Duration::from_millis(40);

/// The preview.
pub struct Preview {
    widget: gtk::Box,
    /// Its worker's thread ends with it.
    _state: Rc<RefCell<State>>,
    timer: glib::SourceId,
}

struct State {
    config: gimp::ProcedureConfig,
    content: Arc<Pixels>,
    mask: Option<Arc<Pixels>>,
    worker: Worker,
    /// What has been asked for last.
    asked: Option<(Settings, Choice)>,
    /// What refines the draft, but for its start and its size.
    refinement: Option<Request>,
    /// The draft, and the longer side that it has been refined at; 0 where it has not been.
    draft: Option<(Arc<Pixels>, u32)>,
    /// Whether the thread is at work.
    is_busy: bool,
    /// Told whether there is anything to paint.
    tell: Box<dyn Fn(bool)>,
    /// Device pixels for one logical pixel of the screen.
    scale: i32,
    inputs: Inputs,
    /// The width and height of what is painted in the end.
    whole: [u32; 2],
    /// When the settings last changed, if nothing has been asked for since.
    changed: Option<std::time::Instant>,
    after: View,
    status: gtk::Label,
    /// How long painting will take.
    takes: gtk::Label,
    spinner: gtk::Spinner,
}

impl Preview {
    /// Reads the layer and begins with a first draft. `scale` is the screen's. `tell` is called with true where the settings
    /// can be painted with, and with false where something is missing, which the preview then says.
    pub fn new(
        config: &gimp::ProcedureConfig,
        image: &gimp::Image,
        drawable: &gimp::Drawable,
        library: &'static Library,
        scale: i32,
        tell: impl Fn(bool) + 'static,
    ) -> Self {
        let area = match drawable.mask_intersect() {
            Some((x, y, width, height)) => Area { x, y, width, height },
            None => Area::whole(drawable),
        };
        let side = LARGEST * scale;
        let content = pixels::thumbnail(drawable, area, side).unwrap_or_else(|_| Pixels::new(1, 1, 4, 1));
        let selection = pixels::selection(image, drawable, area, Some(side)).ok().flatten();

        let [before, after] = [(); 2].map(|()| View::new(pixbuf(&content), SIDE));
        let pictures = gtk::Box::new(gtk::Orientation::Horizontal, 6);
        pictures.pack_start(&titled(&before, &tr("Before")), true, true, 0);
        pictures.pack_start(&titled(&after, &tr("After (draft)")), true, true, 0);
        let [status, takes] = [(); 2].map(|()| line_of_text());
        let spinner = gtk::Spinner::new();
        let line = gtk::Box::new(gtk::Orientation::Horizontal, 6);
        line.pack_start(&spinner, false, false, 0);
        line.pack_start(&status, true, true, 0);
        let widget = gtk::Box::new(gtk::Orientation::Vertical, 6);
        widget.pack_start(&pictures, false, false, 0);
        widget.pack_start(&takes, false, false, 0);
        widget.pack_start(&line, false, false, 0);

        let state = Rc::new(RefCell::new(State {
            config: config.clone(),
            content: Arc::new(content),
            mask: selection.map(|s| Arc::new(s.mask)),
            worker: Worker::new(library),
            asked: None,
            refinement: None,
            draft: None,
            is_busy: false,
            tell: Box::new(tell),
            scale,
            inputs: Inputs::new(drawable, area, side),
            whole: [area.width as u32, area.height as u32],
            changed: Some(std::time::Instant::now()),
            after,
            status,
            takes,
            spinner,
        }));
        let notified = Rc::downgrade(&state);
        config.connect_notify_local(None, move |_, _| {
            if let Some(state) = notified.upgrade()
                && let Ok(mut state) = state.try_borrow_mut()
            {
                state.changed = Some(std::time::Instant::now());
                (state.tell)(settings::seen(&state.config).is_ok());
            }
        });
        let looking = Rc::downgrade(&state);
        let timer = glib::timeout_add_local(LOOK, move || match looking.upgrade() {
            Some(state) => {
                if let Ok(mut state) = state.try_borrow_mut() {
                    state.look();
                }
                glib::ControlFlow::Continue
            }
            None => glib::ControlFlow::Break,
        });
        Preview { widget, _state: state, timer }
    }

    /// What is packed into the dialog.
    pub fn widget(&self) -> &gtk::Box {
        &self.widget
    }

    /// Ends the drafts and the thread.
    pub fn stop(self) {
        self.timer.remove();
    }
}

impl State {
    /// Begins a draft when the settings have come to rest, and shows what the thread has made.
    fn look(&mut self) {
        if self.changed.is_some_and(|at| at.elapsed() >= REST) {
            self.changed = None;
            let asked = self.ask();
            (self.tell)(asked.is_ok());
            if let Err(problem) = asked {
                self.worker.forget();
                // The settings before are asked for again if they come back.
                (self.asked, self.refinement, self.draft) = (None, None, None);
                self.takes.set_text("");
                self.say(&problem, false);
            }
        }
        while let Some(answer) = self.worker.answer() {
            match answer {
                Answer::Better(picture, part) => self.show_part(&picture, part),
                Answer::Done(picture) => {
                    self.after.set(pixbuf(&picture));
                    let side = self.draft.as_ref().map_or(0, |(_, side)| *side);
                    self.draft = Some((Arc::new(picture), side));
                    self.say("", false);
                }
                Answer::Failed(problem) => {
                    self.refinement = None;
                    self.say(&problem, false);
                }
                Answer::Takes(seconds) => self.takes.set_text(&seconds.map(takes).unwrap_or_default()),
                Answer::CannotBePainted(problem) => self.takes.set_text(&problem),
            }
        }
        if !self.is_busy {
            self.refine();
        }
    }

    fn ask(&mut self) -> Result<(), String> {
        let wanted = settings::seen(&self.config)?;
        if self.asked.as_ref() == Some(&wanted) {
            return Ok(());
        }
        let read = self.inputs.read(&wanted.0, &wanted.1)?;
        let longer = self.content.width.max(self.content.height).max(16);
        let mut params = wanted.0.params.clone();
        params["size"] = longer.min(SIDE as u32).into();
        params["iterations"] = EVALUATIONS.into();
        params["preview_every"] = SHOW_EVERY.into();
        let engine = wanted.0.engine.clone();
        let (content, mask) = (self.content.clone(), self.mask.clone());
        let whole = Whole { size: self.whole, params: wanted.0.params.clone() };
        let Read { style, second, start } = read;
        let draft = Request { content, style, second, start, mask, params, engine, whole };
        let mut refinement = draft.clone();
        for (name, value) in
            [("iterations", REFINING.into()), ("levels", 1.into()), ("init", "picture".into())]
        {
            refinement.params[name] = value;
        }
        (self.refinement, self.draft) = (Some(refinement), None);
        self.worker.ask(draft);
        self.asked = Some(wanted);
        self.say(&tr("Painting a draft…"), true);
        Ok(())
    }

    /// Goes on from a draft in the pixels that are seen, unless this has been done.
    fn refine(&mut self) {
        let (Some(refinement), Some((draft, refined))) = (&self.refinement, &self.draft) else { return };
        let seen = self.after.longer_side().max(f64::from(SIDE)) * f64::from(self.scale);
        let side = (seen.round() as u32).min(self.content.width.max(self.content.height)).max(16);
        if f64::from(side) < f64::from(*refined) * LARGER {
            return;
        }
        let mut refinement = Request { start: Some(draft.clone()), ..refinement.clone() };
        refinement.params["size"] = side.into();
        self.worker.ask(refinement);
        self.draft = Some((draft.clone(), side));
        self.say(&tr("Refining the draft…"), true);
    }

    /// Shows a picture of a part of the content, which lies there: left, top, right and bottom as shares of its sides.
    fn show_part(&self, picture: &Pixels, [left, top, right, bottom]: [f64; 4]) {
        let (whole, picture) = (pixbuf(&self.content), pixbuf(picture));
        let (width, height) = (f64::from(whole.width()), f64::from(whole.height()));
        let (x, y) = (left * width, top * height);
        let (wide, high) = ((right - left) * width, (bottom - top) * height);
        let [from_x, to_x, from_y, to_y] = [x, x + wide, y, y + high].map(|v| v.round() as i32);
        let (scale_x, scale_y) = (wide / f64::from(picture.width()), high / f64::from(picture.height()));
        let Some(out) = whole.copy() else { return };
        let bilinear = gtk::gdk_pixbuf::InterpType::Bilinear;
        picture.scale(&out, from_x, from_y, to_x - from_x, to_y - from_y, x, y, scale_x, scale_y, bilinear);
        self.after.set(out);
    }

    fn say(&mut self, text: &str, is_busy: bool) {
        self.is_busy = is_busy;
        self.status.set_text(text);
        self.spinner.set_visible(is_busy);
        if is_busy {
            self.spinner.start();
        } else {
            self.spinner.stop();
        }
    }
}

/// How long painting takes, in words.
fn takes(seconds: f64) -> String {
    fill("Painting will take about {time}.", &[("time", &estimate::rounded(seconds))])
}

/// A text that is wrapped, and can be copied.
fn line_of_text() -> gtk::Label {
    let label = gtk::Label::new(None);
    label.set_line_wrap(true);
    label.set_max_width_chars(50);
    label.set_xalign(0.0);
    label.set_selectable(true);
    label
}

/// A picture under its title.
fn titled(picture: &View, title: &str) -> gtk::Box {
    let column = gtk::Box::new(gtk::Orientation::Vertical, 3);
    let label = gtk::Label::new(Some(title));
    column.pack_start(&label, false, false, 0);
    column.pack_start(picture, false, false, 0);
    if let Some(accessible) = picture.accessible() {
        gtk::atk::prelude::AtkObjectExt::set_name(&accessible, title);
    }
    column
}

/// Pixels of 8 bits, RGB or RGBA, for GTK.
fn pixbuf(pixels: &Pixels) -> Pixbuf {
    let (width, height) = (pixels.width as i32, pixels.height as i32);
    let bytes = glib::Bytes::from(&pixels.bytes);
    let row = width * pixels.layout as i32;
    Pixbuf::from_bytes(&bytes, Colorspace::Rgb, pixels.layout == 4, 8, width, height, row)
}
