/* Paints a picture with Impasto's command, or takes one that is kept.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "paint.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kept.h"
#include "picture.h"

/* The command gives a draft after so many evaluations. */
#define DRAFT_EVERY 12

void
request_clear (Request *request)
{
  g_clear_pointer (&request->key, g_free);
  g_clear_pointer (&request->command, g_free);
  g_clear_pointer (&request->options, g_strfreev);
  g_clear_object (&request->input);
}

/* A file of a job. */
static gchar *
file_of (const gchar *folder, const gchar *name)
{
  return g_build_filename (folder, name, NULL);
}

/* The command's arguments; its files are those of this folder. */
static gchar **
arguments (const Request *request, const gchar *folder)
{
  const gchar  *options[] = { "--progress", "json", "--quiet", "--save-every", G_STRINGIFY (DRAFT_EVERY), NULL };
  GStrvBuilder *builder = g_strv_builder_new ();
  gchar        *content = file_of (folder, "content.pam"), *mask = file_of (folder, "mask.pbm");
  gchar        *out = file_of (folder, "out.tiff"), **all;

  g_strv_builder_add_many (builder, request->command, content, NULL);
  g_strv_builder_addv (builder, (const gchar **) request->options);
  /* With a mask the result has the size of the picture. This one leaves nothing out. */
  g_strv_builder_add_many (builder, "--mask", mask, "-o", out, NULL);
  g_strv_builder_addv (builder, options);
  all = g_strv_builder_end (builder);
  g_strv_builder_unref (builder);
  g_free (content);
  g_free (mask);
  g_free (out);
  return all;
}

static gint64
field (const gchar *line, const gchar *name)
{
  const gchar *at = strstr (line, name);

  return at ? g_ascii_strtoll (at + strlen (name), NULL, 10) : 0;
}

/* Takes a line of progress from the command, and the draft that belongs to it. */
static void
progress (const Request *request, const PaintEvents *events, const gchar *folder, const gchar *line)
{
  const GeglRectangle *extent = gegl_buffer_get_extent (request->input);
  gint64               evaluations = field (line, "\"evaluations\":"), planned = field (line, "\"planned\":");
  gchar               *name, *path;
  GeglBuffer          *draft;

  if (! strstr (line, "\"event\":\"progress\"") || planned <= 0)
    return;
  events->fraction (CLAMP ((gdouble) evaluations / planned, 0, 1), events->data);
  /* A draft is written after its line of progress. */
  evaluations = (evaluations - 1) / DRAFT_EVERY * DRAFT_EVERY;
  name = g_strdup_printf ("out-%04" G_GINT64_FORMAT ".tiff", evaluations);
  path = file_of (folder, name);
  if (evaluations > 0 && g_file_test (path, G_FILE_TEST_EXISTS))
    {
      draft = picture_read (path, extent->width, extent->height, events->stop, NULL);
      unlink (path);
      if (draft)
        events->picture (draft, events->data);
    }
  g_free (path);
  g_free (name);
}

/* Reads lines until the command has closed its output. */
static void
follow (const Request *request, const PaintEvents *events, const gchar *folder, int output)
{
  GString *line = g_string_new (NULL);
  gchar    bytes[4096];
  gssize   n, i;

  while ((n = read (output, bytes, sizeof bytes)) != 0)
    {
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        break;
      for (i = 0; i < n; i++)
        {
          if (bytes[i] != '\n')
            {
              g_string_append_c (line, bytes[i]);
              continue;
            }
          progress (request, events, folder, line->str);
          g_string_truncate (line, 0);
        }
    }
  g_string_free (line, TRUE);
}

/* Runs the command to its end. NULL, or what went wrong. */
static gchar *
run (const Request *request, const PaintEvents *events, const gchar *folder)
{
  gchar    *messages = file_of (folder, "messages"), **all = arguments (request, folder), *problem = NULL;
  GError   *error = NULL;
  Process   process;

  if (process_start (&process, all, messages, &error))
    {
      events->process (&process, events->data);
      follow (request, events, folder, process.output);
      problem = process_end (&process, messages);
      events->process (NULL, events->data);
      g_mutex_clear (&process.lock);
    }
  else
    problem = g_strdup_printf ("%s cannot be started: %s", request->command, error->message);
  g_clear_error (&error);
  g_strfreev (all);
  g_free (messages);
  return problem;
}

/* Takes the picture of this file, or says what is wrong with it. */
static gchar *
take (const Request *request, const PaintEvents *events, const gchar *file)
{
  const GeglRectangle *extent = gegl_buffer_get_extent (request->input);
  GError              *error = NULL;
  GeglBuffer          *picture = picture_read (file, extent->width, extent->height, events->stop, &error);
  gchar               *problem;

  if (picture)
    {
      events->picture (picture, events->data);
      return NULL;
    }
  problem = g_strdup (error->message);
  g_error_free (error);
  return problem;
}

gboolean
paint_kept (const Request *request, const PaintEvents *events)
{
  gchar *kept = kept_find (request->key), *problem;

  if (! kept)
    return FALSE;
  problem = take (request, events, kept);
  g_free (kept);
  if (! problem)
    return TRUE;
  /* It is damaged. It is painted again, and replaced. */
  g_free (problem);
  return FALSE;
}

gchar *
paint (const Request *request, const PaintEvents *events)
{
  const GeglRectangle *extent = gegl_buffer_get_extent (request->input);
  GError              *error = NULL;
  int                  in_use;
  gchar               *folder = work_folder_new (&in_use, &error), *content, *mask, *out, *problem;

  if (! folder)
    {
      problem = g_strdup (error->message);
      g_error_free (error);
      return problem;
    }
  content = file_of (folder, "content.pam");
  mask = file_of (folder, "mask.pbm");
  out = file_of (folder, "out.tiff");
  if (picture_write (request->input, request->eight_bits, content, events->stop, &error)
      && picture_write_white (extent->width, extent->height, mask, &error))
    problem = run (request, events, folder);
  else
    problem = g_strdup (error->message);
  if (! problem && ! g_atomic_int_get (events->stop))
    problem = take (request, events, out);
  if (! problem && ! g_atomic_int_get (events->stop))
    kept_store (request->key, out);
  work_folder_remove (folder, in_use);
  g_clear_error (&error);
  g_free (content);
  g_free (mask);
  g_free (out);
  return problem;
}
