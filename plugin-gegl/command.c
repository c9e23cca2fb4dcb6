/* Finds Impasto's command.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "command.h"

#include <dlfcn.h>
#include <glib/gstdio.h>

#ifdef G_OS_WIN32
#define PROGRAM "impasto.exe"
#else
#define PROGRAM "impasto"
#endif

static gboolean
is_program (const gchar *path)
{
  return g_file_test (path, G_FILE_TEST_IS_EXECUTABLE) && ! g_file_test (path, G_FILE_TEST_IS_DIR);
}

/* `…/gegl-0.4/impasto/impasto`, where the operation is `…/gegl-0.4/plug-ins/impasto/….so`. The command does not lie below
 * `plug-ins`, as GEGL opens every library there. */
static gchar *
installed_with_the_operation (void)
{
  Dl_info  own;
  gchar   *folder, *path;

  if (! dladdr ((gpointer) command_find, &own) || ! own.dli_fname)
    return NULL;
  folder = g_path_get_dirname (own.dli_fname);
  path = g_build_filename (folder, "..", "..", "impasto", PROGRAM, NULL);
  g_free (folder);
  return path;
}

static gchar *
find (gchar **problem)
{
  const gchar *named = g_getenv ("IMPASTO_COMMAND");
  gchar       *path;

  if (named && *named)
    {
      if (is_program (named))
        return g_strdup (named);
      *problem = g_strdup_printf ("IMPASTO_COMMAND names %s, which is not a program; correct the variable or remove it",
                                  named);
      return NULL;
    }
  path = installed_with_the_operation ();
  if (path && is_program (path))
    return path;
  g_free (path);
  path = g_find_program_in_path (PROGRAM);
  if (! path)
    *problem = g_strdup ("Impasto's command was not found; install the operation again (cargo xtask install-gegl), or set "
                         "the variable IMPASTO_COMMAND to the path of the command");
  return path;
}

static gchar *
ask_for_version (const gchar *path, gchar **problem)
{
  const gchar *arguments[] = { path, "--version", NULL };
  gchar       *said = NULL;
  GError      *error = NULL;
  gint         status = 0;

  if (! g_spawn_sync (NULL, (gchar **) arguments, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &said, NULL, &status, &error)
      || ! g_spawn_check_wait_status (status, &error))
    {
      *problem = g_strdup_printf ("%s cannot be run: %s; install it again", path, error->message);
      g_error_free (error);
      g_free (said);
      return NULL;
    }
  return g_strstrip (said);
}

gboolean
command_find (gchar **path, gchar **version, gchar **problem)
{
  static GMutex  lock;
  static gchar  *known_file, *known_version;
  GStatBuf       file;
  gchar         *identity;

  *path = find (problem);
  if (! *path)
    return FALSE;
  if (g_stat (*path, &file))
    file.st_size = file.st_mtime = 0;
  identity = g_strdup_printf ("%s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, *path, (gint64) file.st_size,
                              (gint64) file.st_mtime);
  g_mutex_lock (&lock);
  if (g_strcmp0 (identity, known_file))
    {
      g_free (known_file);
      g_free (known_version);
      known_version = ask_for_version (*path, problem);
      known_file = known_version ? g_strdup (identity) : NULL;
    }
  *version = g_strdup (known_version);
  g_mutex_unlock (&lock);
  g_free (identity);
  if (! *version)
    g_clear_pointer (path, g_free);
  return *version != NULL;
}
