/* The parameters as properties. Made from the parameters' JSON Schema (`impasto schema`) by
 * `IMPASTO_WRITE_PARAMETERS=1 cargo xtask test --test harness parameters`; a test fails when it is stale.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifdef GEGL_PROPERTIES

enum_start (impasto_preset)
  enum_value (IMPASTO_PRESET_DRAFT, "draft", N_("Draft"))
  enum_value (IMPASTO_PRESET_STANDARD, "standard", N_("Standard"))
  enum_value (IMPASTO_PRESET_BEST, "best", N_("Best"))
  enum_value (IMPASTO_PRESET_GATYS, "gatys", N_("Gatys"))
enum_end (ImpastoPreset)

property_enum (preset, _("Preset"), ImpastoPreset, impasto_preset, IMPASTO_PRESET_STANDARD)
  description (_("A named set of defaults for the other parameters."))

enum_start (impasto_style)
  enum_value (IMPASTO_STYLE_IMPASTO_WHIRLS, "impasto-whirls", N_("Impasto whirls"))
  enum_value (IMPASTO_STYLE_DRY_BRUSH, "dry-brush", N_("Dry brush"))
  enum_value (IMPASTO_STYLE_WATERCOLOUR, "watercolour", N_("Watercolour"))
  enum_value (IMPASTO_STYLE_INK_WASH, "ink-wash", N_("Ink wash"))
  enum_value (IMPASTO_STYLE_PASTEL, "pastel", N_("Soft pastel"))
  enum_value (IMPASTO_STYLE_WOODCUT, "woodcut", N_("Colour woodcut"))
  enum_value (IMPASTO_STYLE_POINTILLISM, "pointillism", N_("Pointillism"))
  enum_value (IMPASTO_STYLE_STAINED_GLASS, "stained-glass", N_("Stained glass"))
  enum_value (IMPASTO_STYLE_MOSAIC, "mosaic", N_("Mosaic"))
  enum_value (IMPASTO_STYLE_PENCIL, "pencil", N_("Pencil"))
  enum_value (IMPASTO_STYLE_CUBIST_PLANES, "cubist-planes", N_("Cubist planes"))
  enum_value (IMPASTO_STYLE_NIGHT_LIGHTS, "night-lights", N_("Night lights"))
  enum_value (IMPASTO_STYLE_GOLD_LEAF, "gold-leaf", N_("Gold leaf"))
  enum_value (IMPASTO_STYLE_BATIK, "batik", N_("Batik"))
enum_end (ImpastoStyle)

property_enum (style, _("Style"), ImpastoStyle, impasto_style, IMPASTO_STYLE_IMPASTO_WHIRLS)
  description (_("One of the style pictures inside the program. A style picture below is taken in its place."))

property_int (size, _("Size"), 0)
  description (_("The longer side of the picture that is worked on, in pixels; with a selection, the longer side of what is selected. Left out, it is at most the picture's own, but at least 256. Unit: pixels. 0: as the preset says."))
  value_range (0, 32768)
  ui_range (0, 4096)

property_int (iterations, _("Iterations"), 0)
  description (_("The most evaluations of loss and gradient at the full size; smaller sizes get half as many again each. Unit: evaluations. 0: as the preset says."))
  value_range (0, 100000)
  ui_range (0, 500)

property_int (levels, _("Levels"), 0)
  description (_("How many sizes are worked on, each twice the one before; 1 for the full size alone. Left out, as many as leave the smallest at least 128 pixels, and 1 if `init` is a picture. 0: as the preset says."))
  value_range (0, 12)
  ui_range (0, 12)

property_double (strength, _("Strength"), 90)
  description (_("Style against content, from 0 (nearly the photograph) to 100 (nearly the painting alone). 90 is the balance of the paper; 13 less is a tenth of the style against the content. Unit: percent."))
  value_range (0, 100)
  ui_range (0, 100)

property_double (style_weight, _("Style weight"), 1)
  description (_("Multiplies the style losses; 1 is the reference weight (1000/N² per tap)."))
  value_range (0, 1000000000)
  ui_range (0, 10)

property_double (content_weight, _("Content weight"), 1)
  description (_("Multiplies the content losses; 1 is the reference weight for taps from relu4_1 on, and a tenth of it for earlier taps."))
  value_range (0, 1000000000)
  ui_range (0, 10)

property_double (tv_weight, _("Tv weight"), 0)
  description (_("How much smoothness counts (total variation): the weight of the mean squared difference of neighbouring pixels. 1e9 smooths a little, 1e10 clearly."))
  value_range (0, 1000000000000)
  ui_range (0, 10000000000)

property_double (style_scale, _("Style scale"), 1)
  description (_("Size of the strokes: the longer side of the style picture as a multiple of the content picture's."))
  value_range (0.1, 4)
  ui_range (0.1, 4)

property_int (style_size, _("Style size"), 0)
  description (_("The longer side of the style picture in pixels, instead of `style_scale`. Unit: pixels. 0: left out."))
  value_range (0, 32768)
  ui_range (0, 4096)

enum_start (impasto_style_fit)
  enum_value (IMPASTO_STYLE_FIT_WHOLE, "whole", N_("Whole"))
  enum_value (IMPASTO_STYLE_FIT_CROP, "crop", N_("Crop"))
enum_end (ImpastoStyleFit)

property_enum (style_fit, _("Style fit"), ImpastoStyleFit, impasto_style_fit, IMPASTO_STYLE_FIT_WHOLE)
  description (_("What is taken of a style picture of another shape."))

enum_start (impasto_colours)
  enum_value (IMPASTO_COLOURS_STYLE, "style", N_("Style"))
  enum_value (IMPASTO_COLOURS_MATCHED, "matched", N_("Matched"))
  enum_value (IMPASTO_COLOURS_HISTOGRAM, "histogram", N_("Histogram"))
  enum_value (IMPASTO_COLOURS_CONTENT, "content", N_("Content"))
enum_end (ImpastoColours)

property_enum (colours, _("Colours"), ImpastoColours, impasto_colours, IMPASTO_COLOURS_STYLE)
  description (_("Where the colours of the result come from."))

property_double (colour_strength, _("Colour strength"), 100)
  description (_("How much of the content picture's colours is taken, in percent, where they come from it. At 0, `matched` and `histogram` are as `style`, and `content` gives the content picture the mean and covariance of the style's colours. Unit: percent."))
  value_range (0, 100)
  ui_range (0, 100)

enum_start (impasto_init)
  enum_value (IMPASTO_INIT_CONTENT, "content", N_("Content"))
  enum_value (IMPASTO_INIT_RECOLOURED, "recoloured", N_("Recoloured"))
  enum_value (IMPASTO_INIT_NOISE, "noise", N_("Noise"))
enum_end (ImpastoInit)

property_enum (init, _("Init"), ImpastoInit, impasto_init, IMPASTO_INIT_CONTENT)
  description (_("Where the optimisation starts."))

property_int (seed, _("Seed"), 0)
  description (_("Seed of everything random."))
  value_range (0, 2147483647)
  ui_range (0, 1000)

property_string (style_taps, _("Style taps"), "")
  description (_("Layers whose textures are compared (taps of the style loss); left out, the reference taps that the model has. Names, with commas between. Empty: left out."))

property_string (content_taps, _("Content taps"), "")
  description (_("Layers whose activations are compared (taps of the content loss); left out, relu4_2, or the deepest tap like it that the model has. Names, with commas between. Empty: left out."))

property_string (tap_weights, _("Tap weights"), "")
  description (_("Multiplies single terms of the loss, by their names in the report: style/relu1_1=2, content/relu4_2=0. NAME=NUMBER, with commas between. Empty: left out."))

enum_start (impasto_style_loss)
  enum_value (IMPASTO_STYLE_LOSS_GRAM, "gram", N_("Gram"))
  enum_value (IMPASTO_STYLE_LOSS_MOMENTS, "moments", N_("Moments"))
enum_end (ImpastoStyleLoss)

property_enum (style_loss, _("Style loss"), ImpastoStyleLoss, impasto_style_loss, IMPASTO_STYLE_LOSS_GRAM)
  description (_("What is compared of the activations at style taps."))

enum_start (impasto_pooling)
  enum_value (IMPASTO_POOLING_MAX, "max", N_("Max"))
  enum_value (IMPASTO_POOLING_AVERAGE, "average", N_("Average"))
enum_end (ImpastoPooling)

property_enum (pooling, _("Pooling"), ImpastoPooling, impasto_pooling, IMPASTO_POOLING_MAX)
  description (_("How activations are pooled."))

enum_start (impasto_padding)
  enum_value (IMPASTO_PADDING_ZERO, "zero", N_("Zero"))
  enum_value (IMPASTO_PADDING_REPLICATE, "replicate", N_("Replicate"))
enum_end (ImpastoPadding)

property_enum (padding, _("Padding"), ImpastoPadding, impasto_padding, IMPASTO_PADDING_ZERO)
  description (_("What the network sees beyond the picture's borders."))

property_int (tile_size, _("Tile size"), 0)
  description (_("Work in tiles of at most this many pixels along a side, which takes less memory and more time. Loss and gradient are those of the whole picture, but for rounding. Left out, tiles are used where the memory asks for them. Unit: pixels. 0: left out."))
  value_range (0, 8192)
  ui_range (0, 2048)

#endif
