//! The structs and callbacks of the header.

use std::ffi::{c_char, c_void};
use std::ptr::null;

/// An engine: a model on a device, ready for jobs. Made by `impasto_engine_new`, freed by
/// `impasto_engine_free`.
pub struct ImpastoEngine {
    _opaque: [u8; 0],
}

/// A picture in the caller's memory: rows of interleaved samples, top row first. Nothing needs to be
/// aligned. Colours are those of sRGB; a host converts from other profiles before and back after. This
/// struct never grows, because it lies inside others.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ImpastoPicture {
    /// The first byte of the first row.
    pub data: *mut c_void,
    /// Bytes from the start of a row to the start of the next; at least a row's bytes.
    pub stride: isize,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// IMPASTO_GREY, IMPASTO_GREY_ALPHA, IMPASTO_RGB or IMPASTO_RGBA.
    pub layout: u32,
    /// IMPASTO_U8, IMPASTO_U16 or IMPASTO_F32.
    pub sample: u32,
    /// IMPASTO_SRGB or IMPASTO_LINEAR.
    pub encoding: u32,
    /// 0.
    pub reserved: u32,
}

/// A style picture of a job. Set all of it to zero first, then struct_size and what you need.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ImpastoStyle {
    /// sizeof(ImpastoStyle), the same in all elements of an array. The struct may end after any field from
    /// weight on.
    pub struct_size: usize,
    /// The picture. Where it is transparent its style is not taken. It is not looked at where there is a name.
    pub picture: ImpastoPicture,
    /// How much it counts among the job's styles, 0..1e9; at least one must be above 0.
    pub weight: f64,
    /// Multiplies the size of its strokes, 0.1..4; 0 stands for 1.
    pub scale: f64,
    /// Where it is painted, in the content's size: the first channel counts. NULL for what the other styles'
    /// regions leave, or everywhere if none has one.
    pub region: *const ImpastoPicture,
    /// The name of one of the library's own style pictures, which is taken in place of `picture`; NULL for `picture`.
    pub name: *const c_char,
}

/// How far a job is.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ImpastoProgress {
    /// sizeof(ImpastoProgress) in the library. A newer library may have more fields at the end. Before you
    /// read a field that an older library does not have, compare this with the end of that field.
    pub struct_size: usize,
    /// IMPASTO_PREPARING or IMPASTO_OPTIMISING.
    pub phase: u32,
    /// Evaluations of loss and gradient so far.
    pub evaluations: u32,
    /// Evaluations that will be done at most.
    pub planned: u32,
    /// 0.
    pub reserved: u32,
    /// The lowest loss so far; NaN before the first evaluation.
    pub loss: f64,
    /// Seconds since the optimisation began.
    pub seconds: f64,
    /// Estimated seconds until all planned evaluations are done; NaN before the first.
    pub seconds_left: f64,
    /// The best picture so far, IMPASTO_RGB, IMPASTO_U8, sRGB, in the size that is worked on, when the
    /// parameter "preview_every" says that it is due; else NULL. It lives until the callback returns.
    pub preview: *const ImpastoPicture,
    /// The size that is being worked on, counted from 1, of `levels` sizes; 0 before the first evaluation.
    pub level: u32,
    /// How many sizes there are, each about twice the one before.
    pub levels: u32,
    /// The width of that size in pixels.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// Where what is painted, and the preview, lies in the content: the left edge as a share of its width, 0..1. It is
    /// a part of the content where there is a mask or transparent pixels. 0 before the first evaluation.
    pub left: f64,
    /// The top edge as a share of its height.
    pub top: f64,
    /// The right edge as a share of its width.
    pub right: f64,
    /// The bottom edge as a share of its height.
    pub bottom: f64,
}

/// Takes the progress of a job; returns 0 to go on, anything else to cancel. It is called on the thread that
/// called impasto_stylise: after each evaluation, and about ten times a second while one is under way, so
/// that a host can keep its window alive in it and cancel at any moment. It may call functions of this
/// library. NULL for no callback.
pub type ImpastoProgressCallback =
    Option<unsafe extern "C" fn(progress: *const ImpastoProgress, user_data: *mut c_void) -> i32>;

/// What impasto_stylise is to do. Set all of it to zero first, then struct_size and what you need.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ImpastoJob {
    /// sizeof(ImpastoJob). The struct may end after any field from style_count on.
    pub struct_size: usize,
    /// The picture to repaint; only read. Fully transparent pixels are not painted.
    pub content: ImpastoPicture,
    /// Receives the result. It may be the very same memory as the content (same data, stride, size and
    /// format); any other overlap with an input is refused. Where its size is not that of the plan, the
    /// result is resized; in the content's size it gets the content's detail that was too fine for it.
    pub output: ImpastoPicture,
    /// The style pictures; only read. NULL for none.
    pub styles: *const ImpastoStyle,
    /// How many there are, 1..64; may be 0 where the parameter "style" names one of the library's own.
    pub style_count: usize,
    /// How much of the result each pixel takes, in the content's size: the first channel counts, 0 keeps the
    /// pixel as it is. NULL for all.
    pub mask: *const ImpastoPicture,
    /// Where to start, for the parameter "init": "picture"; NULL otherwise.
    pub init: *const ImpastoPicture,
    /// The parameters as JSON (impasto_params_schema describes them), or NULL for the defaults.
    pub params: *const c_char,
    /// Takes the progress and cancels; may be NULL.
    pub progress: ImpastoProgressCallback,
    /// Passed on to the callback.
    pub user_data: *mut c_void,
    /// IMPASTO_DISCARD or IMPASTO_KEEP_BEST.
    pub on_cancel: u32,
    /// 0.
    pub reserved: u32,
}

/// Takes a message: its level (IMPASTO_LOG_…), the text, which lives until the callback returns, and the
/// user_data of impasto_set_log. NULL for no callback.
pub type ImpastoLogCallback =
    Option<unsafe extern "C" fn(level: u32, text: *const c_char, user_data: *mut c_void)>;

impl ImpastoPicture {
    /// All zero: no picture.
    pub const fn zeroed() -> Self {
        let data = std::ptr::null_mut();
        ImpastoPicture {
            data,
            stride: 0,
            width: 0,
            height: 0,
            layout: 0,
            sample: 0,
            encoding: 0,
            reserved: 0,
        }
    }
}

impl ImpastoStyle {
    /// All zero except `struct_size`.
    pub const fn zeroed() -> Self {
        ImpastoStyle {
            struct_size: size_of::<ImpastoStyle>(),
            picture: ImpastoPicture::zeroed(),
            weight: 0.0,
            scale: 0.0,
            region: null(),
            name: null(),
        }
    }

    /// A style with this weight, the usual size of strokes, and no region.
    pub const fn new(picture: ImpastoPicture, weight: f64) -> Self {
        ImpastoStyle { picture, weight, ..ImpastoStyle::zeroed() }
    }
}

impl ImpastoJob {
    /// All zero except `struct_size`.
    pub const fn zeroed() -> Self {
        ImpastoJob {
            struct_size: size_of::<ImpastoJob>(),
            content: ImpastoPicture::zeroed(),
            output: ImpastoPicture::zeroed(),
            styles: null(),
            style_count: 0,
            mask: null(),
            init: null(),
            params: null(),
            progress: None,
            user_data: std::ptr::null_mut(),
            on_cancel: 0,
            reserved: 0,
        }
    }
}
