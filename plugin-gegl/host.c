/* What differs between programs with a screen, GIMP and those without.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "host.h"

#include <dlfcn.h>

/* Only messages with this domain reach GIMP's error console. */
#define DOMAIN "GEGL"

/* Whether the mouse or the pen is at work on GIMP's canvas. GIMP then draws at once, for each part of a stroke. GTK is
 * looked up, as a host without windows has none. */
static gboolean
is_on_the_canvas (void)
{
  gpointer (*current) (void) = dlsym (RTLD_DEFAULT, "gtk_get_current_event");
  gpointer (*widget_of) (gpointer) = dlsym (RTLD_DEFAULT, "gtk_get_event_widget");
  void     (*free_event) (gpointer) = dlsym (RTLD_DEFAULT, "gdk_event_free");
  GType      canvas = g_type_from_name ("GimpCanvas");
  gpointer   event = canvas && current && widget_of && free_event ? current () : NULL, widget;
  gboolean   found;

  if (! event)
    return FALSE;
  widget = widget_of (event);
  found = widget && g_type_is_a (G_OBJECT_TYPE (widget), canvas);
  free_event (event);
  return found;
}

gboolean
host_keeps (void)
{
  GSource *source = g_main_current_source ();

  /* Without a source there is no main loop. GTK and GIMP draw in idle sources and, while a stroke is painted, in timeouts. */
  if (! source)
    return TRUE;
  if (g_source_get_priority (source) >= G_PRIORITY_HIGH_IDLE || source->source_funcs == &g_timeout_funcs)
    return FALSE;
  /* Commands of people and of scripts: merge, flatten, export. Keys belong to the window, and not to the canvas. */
  return ! is_on_the_canvas ();
}

gboolean
host_uses (GeglNode *node)
{
  GeglNode *graph = gegl_node_get_parent (node);

  if (gegl_node_get_consumers (node, "output", NULL, NULL) == 0)
    return FALSE;
  /* In GIMP this is the filter, which has nodes of its own around the operation's. */
  return ! g_type_from_name ("GimpDrawable") || ! graph || ! gegl_node_has_pad (graph, "output")
         || gegl_node_get_consumers (graph, "output", NULL, NULL) > 0;
}

/* Whether the signal is there and has these arguments. */
static gboolean
has_signal (guint signal, guint count, GType kind)
{
  GSignalQuery query;
  guint        i;

  if (! signal)
    return FALSE;
  g_signal_query (signal, &query);
  for (i = 0; i < query.n_params; i++)
    if ((query.param_types[i] & ~G_SIGNAL_TYPE_STATIC_SCOPE) != kind)
      return FALSE;
  return query.n_params == count;
}

static gboolean
note_the_drawable (GSignalInvocationHint *hint, guint count, const GValue *values, gpointer found)
{
  g_set_object ((GObject **) found, g_value_get_object (&values[0]));
  return TRUE;
}

/* GIMP does not listen when a node says that its pixels have changed. It listens to the node's properties, and tells its
 * drawable then; so the drawable is found. */
static GObject *
drawable_of (GeglNode *node, guint filters_changed)
{
  GObject *drawable = NULL;
  gulong   hook = g_signal_add_emission_hook (filters_changed, 0, note_the_drawable, &drawable, NULL);

  g_object_notify (G_OBJECT (node), "name");
  g_signal_remove_emission_hook (filters_changed, hook);
  return drawable;
}

void
host_redraw (GeglNode *node)
{
  GType    drawable_type = g_type_from_name ("GimpDrawable"), image_type = g_type_from_name ("GimpImage");
  guint    changed = drawable_type ? g_signal_lookup ("filters-changed", drawable_type) : 0;
  guint    update = drawable_type ? g_signal_lookup ("update", drawable_type) : 0;
  guint    flush = image_type ? g_signal_lookup ("flush", image_type) : 0;
  GObject *drawable, *image = NULL;
  gint     width = 0, height = 0;

  if (! has_signal (changed, 0, G_TYPE_NONE) || ! has_signal (update, 4, G_TYPE_INT) || ! has_signal (flush, 1, G_TYPE_BOOLEAN))
    return;
  drawable = drawable_of (node, changed);
  if (! drawable)
    return;
  g_object_get (drawable, "width", &width, "height", &height, "image", &image, NULL);
  g_signal_emit (drawable, update, 0, 0, 0, width, height);
  if (image && g_type_is_a (G_OBJECT_TYPE (image), image_type))
    g_signal_emit (image, flush, 0, TRUE);
  g_clear_object (&image);
  g_object_unref (drawable);
}

void
host_tell (const gchar *text)
{
  static GMutex      lock;
  static GHashTable *told;
  gboolean           is_new;

  g_mutex_lock (&lock);
  if (! told)
    told = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  is_new = g_hash_table_add (told, g_strdup (text));
  g_mutex_unlock (&lock);
  if (! is_new)
    return;
  /* GIMP shows messages to people, and takes warnings for its own faults. */
  g_log (DOMAIN, g_type_from_name ("GimpDrawable") ? G_LOG_LEVEL_MESSAGE : G_LOG_LEVEL_WARNING,
         "Neural style transfer: %s. The picture is left as it is.", text);
}
