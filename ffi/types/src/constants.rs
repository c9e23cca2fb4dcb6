//! The constants of the header.

/// The number of the ABI that this header describes. It changes when a program that was compiled with an
/// older header could break, and not when structs get more fields at their end; `impasto_abi` returns the
/// library's.
pub const IMPASTO_ABI: u32 = 2;

/// All is well.
pub const IMPASTO_OK: i32 = 0;
/// A pointer is NULL, a struct or a text is malformed, or buffers overlap.
pub const IMPASTO_INVALID_ARGUMENT: i32 = 1;
/// A parameter or an option is unknown or out of its range.
pub const IMPASTO_PARAMETERS: i32 = 2;
/// A picture is too small or too large, or its format is unknown.
pub const IMPASTO_PICTURE: i32 = 3;
/// The model is missing, damaged, or does not have what was asked for.
pub const IMPASTO_MODEL: i32 = 4;
/// ONNX Runtime is missing or failed, or the device cannot be used.
pub const IMPASTO_RUNTIME: i32 = 5;
/// The job would need more memory than it may use.
pub const IMPASTO_MEMORY: i32 = 6;
/// The callback cancelled the job; the output is untouched.
pub const IMPASTO_CANCELLED: i32 = 7;
/// The callback cancelled the job; the output holds the best picture so far.
pub const IMPASTO_CANCELLED_WITH_PICTURE: i32 = 8;
/// A fault in this library; please report it. The process and the library can go on.
pub const IMPASTO_INTERNAL: i32 = 9;

/// Something failed.
pub const IMPASTO_LOG_ERROR: u32 = 1;
/// Something is not as it should be.
pub const IMPASTO_LOG_WARNING: u32 = 2;
/// What is going on.
pub const IMPASTO_LOG_INFO: u32 = 3;
/// What helps to find a fault.
pub const IMPASTO_LOG_DEBUG: u32 = 4;

/// One channel. The number of a layout is that of its channels.
pub const IMPASTO_GREY: u32 = 1;
/// Grey and alpha, not premultiplied.
pub const IMPASTO_GREY_ALPHA: u32 = 2;
/// Red, green, blue.
pub const IMPASTO_RGB: u32 = 3;
/// Red, green, blue and alpha, not premultiplied.
pub const IMPASTO_RGBA: u32 = 4;

/// uint8_t, 0..255. The number of a sample is that of its bytes.
pub const IMPASTO_U8: u32 = 1;
/// uint16_t in the machine's byte order, 0..65535.
pub const IMPASTO_U16: u32 = 2;
/// float, 0..1; values outside are taken as the nearest inside.
pub const IMPASTO_F32: u32 = 4;

/// Values are encoded as sRGB is.
pub const IMPASTO_SRGB: u32 = 0;
/// Values are proportional to light, with sRGB's primaries.
pub const IMPASTO_LINEAR: u32 = 1;

/// ImpastoJob.on_cancel: the output stays untouched.
pub const IMPASTO_DISCARD: u32 = 0;
/// ImpastoJob.on_cancel: the best picture so far is written, if there is one.
pub const IMPASTO_KEEP_BEST: u32 = 1;

/// ImpastoProgress.phase: pictures are resized, the style is read, graphs are loaded.
pub const IMPASTO_PREPARING: u32 = 0;
/// ImpastoProgress.phase: the picture is being painted.
pub const IMPASTO_OPTIMISING: u32 = 1;
