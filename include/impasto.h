/*
 * libimpasto: repaints a picture in the style of another (neural style transfer after Gatys, Ecker and
 * Bethge, CVPR 2016). Impasto's authors, MIT OR Apache-2.0.
 *
 * In short:
 *
 *     ImpastoEngine *engine = NULL;
 *     if (impasto_engine_new(NULL, &engine) != IMPASTO_OK) {
 *         puts(impasto_last_error());
 *     }
 *     ImpastoStyle style = {0};
 *     style.struct_size = sizeof style;
 *     style.picture = …;                     // pointer, stride, width, height, layout, sample
 *     style.weight = 1;
 *     ImpastoJob job = {0};
 *     job.struct_size = sizeof job;
 *     job.content = …;
 *     job.output = …;                        // may be the content itself
 *     job.styles = &style;
 *     job.style_count = 1;
 *     job.params = "{\"preset\": \"draft\"}";
 *     int32_t status = impasto_stylise(engine, &job, NULL);
 *     impasto_engine_free(engine);
 *
 * ffi/examples has whole programs in C, C++ and Python.
 *
 * Rules, which hold for every function:
 *
 * Status. Functions that can fail return IMPASTO_OK or another status; impasto_last_error then says what is
 *   wrong and what to do.
 * Structs. Set a struct to zero first, then its struct_size to its sizeof, then what you need. Newer versions
 *   of this header may have more fields at the end of ImpastoJob, ImpastoStyle and ImpastoProgress, for which
 *   zero stands for what was before; ImpastoPicture never grows. A library therefore takes a struct of an older
 *   header, whose missing fields count as zero, and one of a newer header (at most 4096 bytes), whose further
 *   fields it does not look at: a comment says since which version a field counts, and impasto_version names the
 *   library's. All styles of a job have the same struct_size. Any other struct_size is IMPASTO_INVALID_ARGUMENT.
 * Ownership. The caller owns what it passes in, and nothing of it is kept after the call returns. Texts that
 *   are given out (char **) are the caller's, to be freed with impasto_string_free; engines with
 *   impasto_engine_free. A const char * that is returned stays the library's.
 * Threads. All functions may be called from any thread at any time, also several at once and with the same
 *   engine. An engine is only freed when no other call uses it. The last error belongs to the thread.
 * Callbacks. The progress callback runs on the thread that called impasto_stylise, the log callback on any.
 *   Both may call functions of this library, a further job too. They must return: no exception and no longjmp
 *   may leave them.
 * The host. The library prints nothing, sets no signal handler and no environment variable, does not exit or
 *   abort, and does not throw. It may be closed and opened again; its code stays in the process.
 * ONNX Runtime is opened when it is first needed: the file or folder that the environment variable
 *   IMPASTO_ONNXRUNTIME names; beside this library, and in lib beside it; the wheel onnxruntime of the Python
 *   that it was installed into; the folder of cargo xtask setup; the system's. It does not disturb another
 *   ONNX Runtime in the process.
 */


#ifndef IMPASTO_H
#define IMPASTO_H

#include <stddef.h>
#include <stdint.h>

/**
 * The number of the ABI that this header describes. It changes when a program that was compiled with an
 * older header could break, and not when structs get more fields at their end; impasto_abi returns the
 * library's.
 */
#define IMPASTO_ABI 2

/**
 * All is well.
 */
#define IMPASTO_OK 0

/**
 * A pointer is NULL, a struct or a text is malformed, or buffers overlap.
 */
#define IMPASTO_INVALID_ARGUMENT 1

/**
 * A parameter or an option is unknown or out of its range.
 */
#define IMPASTO_PARAMETERS 2

/**
 * A picture is too small or too large, or its format is unknown.
 */
#define IMPASTO_PICTURE 3

/**
 * The model is missing, damaged, or does not have what was asked for.
 */
#define IMPASTO_MODEL 4

/**
 * ONNX Runtime is missing or failed, or the device cannot be used.
 */
#define IMPASTO_RUNTIME 5

/**
 * The job would need more memory than it may use.
 */
#define IMPASTO_MEMORY 6

/**
 * The callback cancelled the job; the output is untouched.
 */
#define IMPASTO_CANCELLED 7

/**
 * The callback cancelled the job; the output holds the best picture so far.
 */
#define IMPASTO_CANCELLED_WITH_PICTURE 8

/**
 * A fault in this library; please report it. The process and the library can go on.
 */
#define IMPASTO_INTERNAL 9

/**
 * Something failed.
 */
#define IMPASTO_LOG_ERROR 1

/**
 * Something is not as it should be.
 */
#define IMPASTO_LOG_WARNING 2

/**
 * What is going on.
 */
#define IMPASTO_LOG_INFO 3

/**
 * What helps to find a fault.
 */
#define IMPASTO_LOG_DEBUG 4

/**
 * One channel. The number of a layout is that of its channels.
 */
#define IMPASTO_GREY 1

/**
 * Grey and alpha, not premultiplied.
 */
#define IMPASTO_GREY_ALPHA 2

/**
 * Red, green, blue.
 */
#define IMPASTO_RGB 3

/**
 * Red, green, blue and alpha, not premultiplied.
 */
#define IMPASTO_RGBA 4

/**
 * uint8_t, 0..255. The number of a sample is that of its bytes.
 */
#define IMPASTO_U8 1

/**
 * uint16_t in the machine's byte order, 0..65535.
 */
#define IMPASTO_U16 2

/**
 * float, 0..1; values outside are taken as the nearest inside.
 */
#define IMPASTO_F32 4

/**
 * Values are encoded as sRGB is.
 */
#define IMPASTO_SRGB 0

/**
 * Values are proportional to light, with sRGB's primaries.
 */
#define IMPASTO_LINEAR 1

/**
 * ImpastoJob.on_cancel: the output stays untouched.
 */
#define IMPASTO_DISCARD 0

/**
 * ImpastoJob.on_cancel: the best picture so far is written, if there is one.
 */
#define IMPASTO_KEEP_BEST 1

/**
 * ImpastoProgress.phase: pictures are resized, the style is read, graphs are loaded.
 */
#define IMPASTO_PREPARING 0

/**
 * ImpastoProgress.phase: the picture is being painted.
 */
#define IMPASTO_OPTIMISING 1

/**
 * An engine: a model on a device, ready for jobs. Made by impasto_engine_new, freed by
 * impasto_engine_free.
 */
typedef struct ImpastoEngine ImpastoEngine;

/**
 * A picture in the caller's memory: rows of interleaved samples, top row first. Nothing needs to be
 * aligned. Colours are those of sRGB; a host converts from other profiles before and back after. This
 * struct never grows, because it lies inside others.
 */
typedef struct ImpastoPicture {
  /**
   * The first byte of the first row.
   */
  void *data;
  /**
   * Bytes from the start of a row to the start of the next; at least a row's bytes.
   */
  ptrdiff_t stride;
  /**
   * Width in pixels.
   */
  uint32_t width;
  /**
   * Height in pixels.
   */
  uint32_t height;
  /**
   * IMPASTO_GREY, IMPASTO_GREY_ALPHA, IMPASTO_RGB or IMPASTO_RGBA.
   */
  uint32_t layout;
  /**
   * IMPASTO_U8, IMPASTO_U16 or IMPASTO_F32.
   */
  uint32_t sample;
  /**
   * IMPASTO_SRGB or IMPASTO_LINEAR.
   */
  uint32_t encoding;
  /**
   * 0.
   */
  uint32_t reserved;
} ImpastoPicture;

/**
 * A style picture of a job. Set all of it to zero first, then struct_size and what you need.
 */
typedef struct ImpastoStyle {
  /**
   * sizeof(ImpastoStyle), the same in all elements of an array. The struct may end after any field from
   * weight on.
   */
  size_t struct_size;
  /**
   * The picture. Where it is transparent its style is not taken. It is not looked at where there is a name.
   */
  struct ImpastoPicture picture;
  /**
   * How much it counts among the job's styles, 0..1e9; at least one must be above 0.
   */
  double weight;
  /**
   * Multiplies the size of its strokes, 0.1..4; 0 stands for 1.
   */
  double scale;
  /**
   * Where it is painted, in the content's size: the first channel counts. NULL for what the other styles'
   * regions leave, or everywhere if none has one.
   */
  const struct ImpastoPicture *region;
  /**
   * The name of one of the library's own style pictures, which is taken in place of picture; NULL for picture.
   */
  const char *name;
} ImpastoStyle;

/**
 * How far a job is.
 */
typedef struct ImpastoProgress {
  /**
   * sizeof(ImpastoProgress) in the library. A newer library may have more fields at the end. Before you
   * read a field that an older library does not have, compare this with the end of that field.
   */
  size_t struct_size;
  /**
   * IMPASTO_PREPARING or IMPASTO_OPTIMISING.
   */
  uint32_t phase;
  /**
   * Evaluations of loss and gradient so far.
   */
  uint32_t evaluations;
  /**
   * Evaluations that will be done at most.
   */
  uint32_t planned;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * The lowest loss so far; NaN before the first evaluation.
   */
  double loss;
  /**
   * Seconds since the optimisation began.
   */
  double seconds;
  /**
   * Estimated seconds until all planned evaluations are done; NaN before the first.
   */
  double seconds_left;
  /**
   * The best picture so far, IMPASTO_RGB, IMPASTO_U8, sRGB, in the size that is worked on, when the
   * parameter "preview_every" says that it is due; else NULL. It lives until the callback returns.
   */
  const struct ImpastoPicture *preview;
  /**
   * The size that is being worked on, counted from 1, of levels sizes; 0 before the first evaluation.
   */
  uint32_t level;
  /**
   * How many sizes there are, each about twice the one before.
   */
  uint32_t levels;
  /**
   * The width of that size in pixels.
   */
  uint32_t width;
  /**
   * Its height.
   */
  uint32_t height;
  /**
   * Where what is painted, and the preview, lies in the content: the left edge as a share of its width, 0..1. It is
   * a part of the content where there is a mask or transparent pixels. 0 before the first evaluation.
   */
  double left;
  /**
   * The top edge as a share of its height.
   */
  double top;
  /**
   * The right edge as a share of its width.
   */
  double right;
  /**
   * The bottom edge as a share of its height.
   */
  double bottom;
} ImpastoProgress;

/**
 * Takes the progress of a job; returns 0 to go on, anything else to cancel. It is called on the thread that
 * called impasto_stylise: after each evaluation, and about ten times a second while one is under way, so
 * that a host can keep its window alive in it and cancel at any moment. It may call functions of this
 * library. NULL for no callback.
 */
typedef int32_t (*ImpastoProgressCallback)(const struct ImpastoProgress *progress, void *user_data);

/**
 * What impasto_stylise is to do. Set all of it to zero first, then struct_size and what you need.
 */
typedef struct ImpastoJob {
  /**
   * sizeof(ImpastoJob). The struct may end after any field from style_count on.
   */
  size_t struct_size;
  /**
   * The picture to repaint; only read. Fully transparent pixels are not painted.
   */
  struct ImpastoPicture content;
  /**
   * Receives the result. It may be the very same memory as the content (same data, stride, size and
   * format); any other overlap with an input is refused. Where its size is not that of the plan, the
   * result is resized; in the content's size it gets the content's detail that was too fine for it.
   */
  struct ImpastoPicture output;
  /**
   * The style pictures; only read. NULL for none.
   */
  const struct ImpastoStyle *styles;
  /**
   * How many there are, 1..64; may be 0 where the parameter "style" names one of the library's own.
   */
  size_t style_count;
  /**
   * How much of the result each pixel takes, in the content's size: the first channel counts, 0 keeps the
   * pixel as it is. NULL for all.
   */
  const struct ImpastoPicture *mask;
  /**
   * Where to start, for the parameter "init": "picture"; NULL otherwise.
   */
  const struct ImpastoPicture *init;
  /**
   * The parameters as JSON (impasto_params_schema describes them), or NULL for the defaults.
   */
  const char *params;
  /**
   * Takes the progress and cancels; may be NULL.
   */
  ImpastoProgressCallback progress;
  /**
   * Passed on to the callback.
   */
  void *user_data;
  /**
   * IMPASTO_DISCARD or IMPASTO_KEEP_BEST.
   */
  uint32_t on_cancel;
  /**
   * 0.
   */
  uint32_t reserved;
} ImpastoJob;

/**
 * Takes a message: its level (IMPASTO_LOG_…), the text, which lives until the callback returns, and the
 * user_data of impasto_set_log. NULL for no callback.
 */
typedef void (*ImpastoLogCallback)(uint32_t level, const char *text, void *user_data);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The library's ABI number; compare it with IMPASTO_ABI.
 */
uint32_t impasto_abi(void);

/**
 * The library's version, for example "0.1.0". It lives as long as the library.
 */
const char *impasto_version(void);

/**
 * What the last call on this thread that failed says, in English, for people; "" if none has failed. It
 * lives until the next call of a function of this library on the same thread.
 */
const char *impasto_last_error(void);

/**
 * Lists the devices: a JSON array of {"device": "cpu", "works": true, "problem": null, "name": null}; the name is
 * that of a graphics card. Cards are tried with a small computation, so the first call can take seconds.
 *
 * @param json  receives the text, to be freed with impasto_string_free; unchanged on failure
 * @return IMPASTO_OK, IMPASTO_INVALID_ARGUMENT, IMPASTO_RUNTIME
 *
 * The caller's part:
 * json must be null or point to memory for a pointer.
 */
int32_t impasto_devices(char **json);

/**
 * Lists the models that can be named: a JSON array of {"name": "compact", "path": null, "default": true};
 * path is null for those inside the library.
 *
 * @param json  receives the text, to be freed with impasto_string_free; unchanged on failure
 * @return IMPASTO_OK, IMPASTO_INVALID_ARGUMENT
 *
 * The caller's part:
 * json must be null or point to memory for a pointer.
 */
int32_t impasto_models(char **json);

/**
 * The JSON Schema (draft 2020-12) of the parameters of a job: for each its description, type, range and
 * default, and under "presets" what each preset stands for. A host can build its dialog from it.
 *
 * @param json  receives the text, to be freed with impasto_string_free; unchanged on failure
 * @return IMPASTO_OK, IMPASTO_INVALID_ARGUMENT
 *
 * The caller's part:
 * json must be null or point to memory for a pointer.
 */
int32_t impasto_params_schema(char **json);

/**
 * Makes an engine. It reads the model and tries the device, which takes from a moment to seconds; make it
 * once and use it for many jobs.
 *
 * @param options  JSON, or NULL for the defaults: {"model": "compact" or a file, "device": "auto", "cpu",
 *                 "cuda", "cuda:N" or "webgpu" (any graphics card), "threads": 0 for one per core, "memory":
 *                 the most bytes that a job may need, or null for most of what is free}
 * @param engine   receives the engine, to be freed with impasto_engine_free; unchanged on failure
 * @return IMPASTO_OK, IMPASTO_INVALID_ARGUMENT, IMPASTO_PARAMETERS, IMPASTO_MODEL, IMPASTO_RUNTIME
 *
 * The caller's part:
 * options must be null or a string that ends in NUL; engine null or memory for a pointer.
 */
int32_t impasto_engine_new(const char *options, struct ImpastoEngine **engine);

/**
 * Frees an engine. No job may be running on it. NULL is ignored.
 *
 * The caller's part:
 * engine must be null or come from impasto_engine_new and not be freed already.
 */
void impasto_engine_free(struct ImpastoEngine *engine);

/**
 * What the engine is: JSON {"model": name, "device": the one that was chosen, "threads": N, "provenance": …,
 * "licence": …, "onnxruntime": the library's file}.
 *
 * @param json  receives the text, to be freed with impasto_string_free; unchanged on failure
 * @return IMPASTO_OK, IMPASTO_INVALID_ARGUMENT
 *
 * The caller's part:
 * engine must be null or a living engine; json null or memory for a pointer.
 */
int32_t impasto_engine_info(const struct ImpastoEngine *engine,
                            char **json);

/**
 * Checks a job without running it, in a moment and without looking at pixels, and tells what it would do:
 * JSON {"size": [height, width] of the picture that is worked on, "memory": bytes it is expected to need,
 * "tile": the side of the tiles that it is worked on in, or null for the whole picture at once, "levels": the
 * sizes that it is painted in, the smallest first, each {"size": [height, width], "evaluations": at most,
 * "cost": how long one of them takes, as the number of pixels of a picture that takes as long when it is worked
 * on at once}, "settings": the parameters with nothing left out}. An output of that size gets the result as it
 * is; one of another size gets it resized. A host that knows how long an evaluation takes per pixel, from the
 * seconds of a small job's progress, can tell from "levels" how long a large one will take.
 *
 * @param engine  the engine
 * @param job     the job
 * @param json    receives the text, to be freed with impasto_string_free; unchanged on failure. May be NULL
 * @return IMPASTO_OK or what impasto_stylise would return for this job before it begins
 *
 * The caller's part:
 * As impasto_stylise.
 */
int32_t impasto_plan(const struct ImpastoEngine *engine,
                     const struct ImpastoJob *job,
                     char **json);

/**
 * Runs a job and returns when it has ended. Several threads may do so at the same time, with one engine or
 * several.
 *
 * The output's pixels are written only when the status is IMPASTO_OK or IMPASTO_CANCELLED_WITH_PICTURE, and
 * then all of them at the end; otherwise they are as before. Pixels that the mask leaves out or that are
 * transparent stay, byte by byte, if the output has the content's size and format.
 *
 * @param engine  the engine
 * @param job     pictures, parameters and callback; only read
 * @param report  receives JSON with the settings, the loss of each evaluation and timings, to be freed with
 *                impasto_string_free; unchanged unless the output is written. May be NULL
 * @return IMPASTO_OK, IMPASTO_CANCELLED, IMPASTO_CANCELLED_WITH_PICTURE, or what went wrong
 *
 * The caller's part:
 * engine must be null or a living engine. job must be null or point to a job whose pointers are null or
 * valid for what they describe, and that nobody changes during the call.
 */
int32_t impasto_stylise(const struct ImpastoEngine *engine, const struct ImpastoJob *job, char **report);

/**
 * Frees a text that a function of this library has given. NULL is ignored.
 *
 * The caller's part:
 * text must be null or come from this library and not be freed already.
 */
void impasto_string_free(char *text);

/**
 * Sends what the library and ONNX Runtime have to say to a callback; nothing is ever printed. It may be
 * called on any thread, also on several at once, until it is replaced; NULL turns it off. A call that has
 * begun may end after this function returns, so user_data is only freed when no job runs. The setting holds
 * for the whole process.
 *
 * @param callback   takes level, text and user_data
 * @param level      the least important level that is sent: IMPASTO_LOG_ERROR to IMPASTO_LOG_DEBUG
 * @param user_data  passed on; it must be usable from any thread
 */
void impasto_set_log(ImpastoLogCallback callback, uint32_t level, void *user_data);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* IMPASTO_H */
