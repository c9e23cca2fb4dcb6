/* The operation impasto:style-transfer.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef GETTEXT_PACKAGE
#define GETTEXT_PACKAGE "impasto-gegl"
#include <glib/gi18n-lib.h>
#endif

#include "parameters.h"

#ifdef GEGL_PROPERTIES

property_string (style_path, _("Style picture (for scripts)"), "")
  description (_("The path of the picture whose style is taken, for programs that cannot set the property above"))
  ui_meta ("visible", "0")

property_string (model, _("Model"), "compact")
  description (_("The network: a name from `impasto model list`, or the path of a .safetensors or .onnx file"))

property_string (device, _("Device"), "auto")
  description (_("What to compute on: auto, cpu, cuda, cuda:N or webgpu (any graphics card)"))

property_int (max_memory, _("Memory limit"), 0)
  description (_("The most memory that the painting may need, in megabytes; 0: most of what is free"))
  value_range (0, G_MAXINT)
  ui_range (0, 65536)

/* Last: GIMP 3.0's scripts see no property of this kind, and none behind it. */
property_file_path (style_file, _("Style picture"), "")
  description (_("The picture whose style is taken, in place of the style that is chosen above"))

#else

#define GEGL_OP_FILTER
#define GEGL_OP_NAME style_transfer
#define GEGL_OP_C_SOURCE style-transfer.c

#include <gegl-op.h>
#include <gegl-plugin.h>

#include "painter.h"

static void
prepare (GeglOperation *operation)
{
  const Babl *space = gegl_operation_get_source_space (operation, "input");
  const Babl *source = gegl_operation_get_source_format (operation, "input");
  gboolean    alpha = ! source || babl_format_has_alpha (source);
  const Babl *kind = source ? babl_format_get_type (source, 0) : NULL;
  const gchar *names[3][2] = { { "R'G'B' float", "R'G'B'A float" }, { "R'G'B' u16", "R'G'B'A u16" }, { "R'G'B' u8", "R'G'B'A u8" } };
  gint         depth = kind == babl_type ("u8") ? 2 : kind == babl_type ("u16") ? 1 : 0;

  /* Grey pictures become coloured, and linear ones need more bits. */
  if (depth && babl_get_model_flags (babl_format_get_model (source)) & BABL_MODEL_FLAG_LINEAR)
    depth = 0;
  gegl_operation_set_format (operation, "output", babl_format_with_space (names[depth][alpha], space));
  if (source)
    gegl_operation_set_format (operation, "input", source);
  painter_prepare (&GEGL_PROPERTIES (operation)->user_data, operation);
}

static GeglRectangle
whole (GeglOperation *operation)
{
  GeglRectangle *extent = gegl_operation_source_get_bounding_box (operation, "input");

  return extent ? *extent : *GEGL_RECTANGLE (0, 0, 0, 0);
}

static GeglRectangle
get_required_for_output (GeglOperation *operation, const gchar *pad, const GeglRectangle *wanted)
{
  return whole (operation);
}

static GeglRectangle
get_invalidated_by_change (GeglOperation *operation, const gchar *pad, const GeglRectangle *changed)
{
  return whole (operation);
}

static gboolean
process (GeglOperation *operation, GeglBuffer *input, GeglBuffer *output, const GeglRectangle *wanted, gint level)
{
  GeglRectangle  extent = whole (operation);
  GeglBuffer    *picture = input ? painter_picture (GEGL_PROPERTIES (operation)->user_data, operation, input, &extent) : NULL;
  GeglRectangle  from = { wanted->x - extent.x, wanted->y - extent.y, wanted->width, wanted->height };

  if (picture)
    gegl_buffer_copy (picture, &from, GEGL_ABYSS_NONE, output, wanted);
  else if (input)
    gegl_buffer_copy (input, wanted, GEGL_ABYSS_NONE, output, wanted);
  g_clear_object (&picture);
  return input != NULL;
}

static void
finalize (GObject *object)
{
  painter_free (GEGL_PROPERTIES (object)->user_data);
  GEGL_PROPERTIES (object)->user_data = NULL;
  G_OBJECT_CLASS (gegl_op_parent_class)->finalize (object);
}

static void
gegl_op_class_init (GeglOpClass *klass)
{
  GeglOperationClass       *operation_class = GEGL_OPERATION_CLASS (klass);
  GeglOperationFilterClass *filter_class = GEGL_OPERATION_FILTER_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = finalize;
  operation_class->prepare = prepare;
  operation_class->get_required_for_output = get_required_for_output;
  operation_class->get_invalidated_by_change = get_invalidated_by_change;
  operation_class->threaded = FALSE;
  operation_class->opencl_support = FALSE;
  /* A draft must not stay anywhere. The painted picture is kept by the painter. */
  operation_class->cache_policy = GEGL_CACHE_POLICY_NEVER;
  filter_class->process = process;

  gegl_operation_class_set_keys (operation_class,
                                 "name", "impasto:style-transfer",
                                 "title", _("Neural Style Transfer"),
                                 "categories", "artistic",
                                 "description", _("Repaint the picture in the style of a painting"),
                                 "gimp:menu-path", "<Image>/Filters/Artistic",
                                 "gimp:menu-label", _("Neural Style Transfer (layer effect)..."),
                                 NULL);
}

#endif
