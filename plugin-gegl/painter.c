/* One operation, its job, and the host's screen.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "painter.h"

#include "command.h"
#include "host.h"
#include "job.h"
#include "options.h"
#include "picture.h"

/* Milliseconds between two looks whether somebody still wants the picture. */
#define LOOK 500

/* Another number when the same inputs give another picture. */
#define VERSION_OF_KEYS 1

typedef struct
{
  gatomicrefcount  references;
  GWeakRef         operation;
  /* One call at a time; it guards the job and the problem. */
  GMutex           lock;
  Job             *job;
  gchar           *problem;
  /* The following are read and written atomically. */
  gint             dirty;  /* inputs or parameters have changed */
  gint             own;    /* it is the painter that says that pixels have changed */
  gint             drafted;/* the screen shows what is not painted */
  gint             clears; /* the caches are about to be cleared */
  gint             looks;  /* somebody looks whether the picture is wanted */
} Painter;

static Painter *
painter_ref (Painter *painter)
{
  g_atomic_ref_count_inc (&painter->references);
  return painter;
}

static void
painter_unref (gpointer data)
{
  Painter *painter = data;

  if (! g_atomic_ref_count_dec (&painter->references))
    return;
  g_weak_ref_clear (&painter->operation);
  g_mutex_clear (&painter->lock);
  g_free (painter->problem);
  g_free (painter);
}

static void
invalidated (GeglNode *node, const GeglRectangle *changed, GeglOperation *operation)
{
  Painter *painter = g_object_get_data (G_OBJECT (operation), "impasto-painter");

  if (painter && ! g_atomic_int_get (&painter->own))
    g_atomic_int_set (&painter->dirty, TRUE);
}

void
painter_prepare (gpointer *data, GeglOperation *operation)
{
  Painter *painter;

  if (*data)
    return;
  *data = painter = g_new0 (Painter, 1);
  g_atomic_ref_count_init (&painter->references);
  g_weak_ref_init (&painter->operation, operation);
  g_mutex_init (&painter->lock);
  painter->dirty = TRUE;
  g_object_set_data (G_OBJECT (operation), "impasto-painter", painter);
  g_signal_connect_object (operation->node, "invalidated", G_CALLBACK (invalidated), operation, 0);
}

void
painter_free (gpointer data)
{
  Painter *painter = data;

  if (! painter)
    return;
  if (painter->job)
    job_leave (painter->job, painter);
  painter->job = NULL;
  painter_unref (painter);
}

/* Says that the operation's pixels have changed: nothing after it keeps a draft. In the main thread. A new reference to the
 * operation, or NULL where it is gone. */
static GeglOperation *
clear_caches (Painter *painter)
{
  GeglOperation *operation = g_weak_ref_get (&painter->operation);

  if (! operation)
    return NULL;
  g_atomic_int_inc (&painter->own);
  gegl_operation_invalidate (operation, NULL, FALSE);
  g_atomic_int_add (&painter->own, -1);
  return operation;
}

static gboolean
clear (gpointer data)
{
  Painter       *painter = data;
  GeglOperation *operation;

  g_atomic_int_set (&painter->clears, FALSE);
  operation = clear_caches (painter);
  g_clear_object (&operation);
  return G_SOURCE_REMOVE;
}

static gboolean
redraw (gpointer data)
{
  GeglOperation *operation = clear_caches (data);

  if (operation)
    host_redraw (operation->node);
  g_clear_object (&operation);
  return G_SOURCE_REMOVE;
}

/* Ends the job of a filter that was removed or switched off. It is started again when its picture is asked for. */
static gboolean
look (gpointer data)
{
  Painter       *painter = data;
  GeglOperation *operation = g_weak_ref_get (&painter->operation);
  gboolean       goes_on = operation && g_atomic_int_get (&painter->drafted);
  Job           *job = NULL;

  if (goes_on && ! host_uses (operation->node))
    {
      g_mutex_lock (&painter->lock);
      job = painter->job;
      painter->job = NULL;
      g_atomic_int_set (&painter->dirty, TRUE);
      g_mutex_unlock (&painter->lock);
      goes_on = FALSE;
    }
  if (job)
    job_leave (job, painter);
  g_clear_object (&operation);
  if (goes_on)
    return G_SOURCE_CONTINUE;
  g_atomic_int_set (&painter->looks, FALSE);
  return G_SOURCE_REMOVE;
}

/* In the job's thread, with its lock. */
static void
news (gpointer data)
{
  Painter *painter = data;

  if (g_atomic_int_get (&painter->drafted))
    g_idle_add_full (G_PRIORITY_DEFAULT, redraw, painter_ref (painter), painter_unref);
}

/* The command gets 8 bits where the buffer has them in sRGB, which it works in. */
static gboolean
has_eight_bits (const Babl *format)
{
  return babl_format_get_type (format, 0) == babl_type ("u8") && babl_format_get_space (format) == babl_space ("sRGB")
         && ! (babl_get_model_flags (babl_format_get_model (format)) & BABL_MODEL_FLAG_LINEAR);
}

/* What is to be painted now. FALSE, and why, where nothing can be. */
static gboolean
make_request (Request *request, GeglOperation *operation, GeglBuffer *input, const GeglRectangle *extent, gchar **problem)
{
  const Babl  *format = gegl_buffer_get_format (input);
  gchar       *version, *identity, *pixels, *text;
  GeglRectangle origin = { 0, 0, extent->width, extent->height };

  if (gegl_rectangle_is_empty (extent) || gegl_rectangle_is_infinite_plane (extent))
    {
      *problem = g_strdup ("there is no picture of a finite size; put gegl:crop before the operation");
      return FALSE;
    }
  if (! command_find (&request->command, &version, problem))
    return FALSE;
  request->options = options_of (G_OBJECT (operation), &identity);
  request->eight_bits = has_eight_bits (format);
  pixels = picture_digest (input, extent);
  text = g_strdup_printf ("%d\n%s\n%s %s %d×%d %s\n%s", VERSION_OF_KEYS, version, babl_format_get_encoding (format),
                          babl_get_name (babl_format_get_space (format)), extent->width, extent->height, pixels, identity);
  request->key = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
  request->input = gegl_buffer_new (&origin, format);
  gegl_buffer_copy (input, extent, GEGL_ABYSS_NONE, request->input, &origin);
  g_free (text);
  g_free (pixels);
  g_free (identity);
  g_free (version);
  return TRUE;
}

/* Joins the job that the inputs and parameters want now. */
static void
choose_the_job (Painter *painter, GeglOperation *operation, GeglBuffer *input, const GeglRectangle *extent)
{
  Request  request = { 0 };
  Job     *before = painter->job;

  g_clear_pointer (&painter->problem, g_free);
  painter->job = NULL;
  if (make_request (&request, operation, input, extent, &painter->problem))
    painter->job = job_join (&request, news, painter);
  request_clear (&request);
  /* Last: if it is the same job, it goes on. */
  if (before)
    job_leave (before, painter);
}

static gboolean
tell_now (gpointer problem)
{
  host_tell (problem);
  return G_SOURCE_REMOVE;
}

/* Takes the problem. While the screen is drawn, nothing else may appear on it. */
static void
tell (gchar *problem, gboolean now)
{
  if (! now)
    {
      g_idle_add_full (G_PRIORITY_DEFAULT, tell_now, problem, g_free);
      return;
    }
  host_tell (problem);
  g_free (problem);
}

static void
progress (gdouble fraction, gpointer operation)
{
  gegl_operation_progress (operation, fraction, "");
}

GeglBuffer *
painter_picture (gpointer data, GeglOperation *operation, GeglBuffer *input, const GeglRectangle *extent)
{
  Painter    *painter = data;
  gboolean    keeps = host_keeps ();
  GeglBuffer *picture = NULL;
  gchar      *problem = NULL;
  JobState    state = JOB_FAILED;
  Job        *job;

  g_mutex_lock (&painter->lock);
  if (g_atomic_int_compare_and_exchange (&painter->dirty, TRUE, FALSE))
    choose_the_job (painter, operation, input, extent);
  if (! keeps)
    g_atomic_int_set (&painter->drafted, TRUE);
  job = painter->job ? job_stay (painter->job, news, painter) : NULL;
  if (! job)
    problem = g_strdup (painter->problem);
  g_mutex_unlock (&painter->lock);

  /* Without the lock: where progress is shown, the screen may be drawn. */
  if (job && keeps)
    state = job_wait (job, progress, operation, &picture, &problem);
  else if (job)
    state = job_look (job, &picture, &problem);
  if (job)
    job_leave (job, painter);
  if (problem)
    {
      tell (problem, keeps);
      g_clear_object (&picture);
    }
  if (state == JOB_DONE)
    g_atomic_int_set (&painter->drafted, FALSE);
  else if (state == JOB_RUNS)
    {
      if (g_atomic_int_compare_and_exchange (&painter->clears, FALSE, TRUE))
        g_idle_add_full (G_PRIORITY_HIGH, clear, painter_ref (painter), painter_unref);
      if (g_atomic_int_compare_and_exchange (&painter->looks, FALSE, TRUE))
        g_timeout_add_full (G_PRIORITY_DEFAULT, LOOK, look, painter_ref (painter), painter_unref);
    }
  return picture;
}
