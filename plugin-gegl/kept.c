/* Painted pictures in the user's cache, by key.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "kept.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>
#include <utime.h>

/* Folders of jobs are left by a program that was killed. They are removed after this many seconds. */
#define ABANDONED 10

#define LOCK "lock"

static gchar *
folder_of (const gchar *what)
{
  return g_build_filename (g_get_user_cache_dir (), "impasto", "gegl", what, NULL);
}

static gchar *
file_of (const gchar *key)
{
  gchar *folder = folder_of ("kept"), *name = g_strconcat (key, ".tiff", NULL);
  gchar *path = g_build_filename (folder, name, NULL);

  g_free (folder);
  g_free (name);
  return path;
}

gchar *
kept_find (const gchar *key)
{
  gchar *path = file_of (key);

  /* Only what is there has a time to set. */
  if (g_utime (path, NULL) == 0)
    return path;
  g_free (path);
  return NULL;
}

typedef struct
{
  gchar   *path;
  guint64  bytes;
  gint64   time;
} Kept;

static void
kept_free (gpointer data)
{
  g_free (((Kept *) data)->path);
  g_free (data);
}

static gint
newest_first (gconstpointer one, gconstpointer other)
{
  gint64 a = (*(Kept *const *) one)->time, b = (*(Kept *const *) other)->time;

  return a < b ? 1 : a > b ? -1 : 0;
}

static guint64
most_bytes (void)
{
  const gchar *given = g_getenv ("IMPASTO_KEPT_MIB");
  guint64      mebibytes;

  if (! given || ! g_ascii_string_to_unsigned (given, 10, 0, G_MAXUINT32, &mebibytes, NULL))
    mebibytes = 1024;
  return mebibytes << 20;
}

static void
remove_the_oldest (void)
{
  gchar       *folder = folder_of ("kept");
  GDir        *dir = g_dir_open (folder, 0, NULL);
  GPtrArray   *all = g_ptr_array_new_with_free_func (kept_free);
  guint64      sum = 0, most = most_bytes ();
  const gchar *name;
  guint        i;

  while (dir && (name = g_dir_read_name (dir)))
    {
      Kept     *kept = g_new0 (Kept, 1);
      GStatBuf  file;

      kept->path = g_build_filename (folder, name, NULL);
      g_ptr_array_add (all, kept);
      if (g_str_has_suffix (name, ".tiff") && g_stat (kept->path, &file) == 0)
        {
          kept->bytes = file.st_size;
          kept->time = file.st_mtim.tv_sec * G_GINT64_CONSTANT (1000000000) + file.st_mtim.tv_nsec;
        }
    }
  g_ptr_array_sort (all, newest_first);
  for (i = 0; i < all->len; i++)
    {
      Kept *kept = all->pdata[i];

      sum += kept->bytes;
      if (sum > most && kept->bytes)
        g_unlink (kept->path);
    }
  g_ptr_array_unref (all);
  g_clear_pointer (&dir, g_dir_close);
  g_free (folder);
}

void
kept_store (const gchar *key, const gchar *file)
{
  gchar *path = file_of (key), *folder = g_path_get_dirname (path);

  if (g_mkdir_with_parents (folder, 0700) == 0 && g_rename (file, path) == 0)
    remove_the_oldest ();
  g_free (folder);
  g_free (path);
}

static void
remove_files (const gchar *folder)
{
  GDir        *dir = g_dir_open (folder, 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir)))
    {
      gchar *path = g_build_filename (folder, name, NULL);

      g_unlink (path);
      g_free (path);
    }
  g_clear_pointer (&dir, g_dir_close);
  g_rmdir (folder);
}

/* The file by which a folder of a job is known to be in use. Closed when a program starts another, so that the lock ends
 * with this program. */
static int
lock_file (const gchar *folder, int flags)
{
  gchar *path = g_build_filename (folder, LOCK, NULL);
  int    file = g_open (path, O_RDWR | O_CLOEXEC | flags, 0600);

  g_free (path);
  if (file >= 0 && flock (file, LOCK_EX | LOCK_NB))
    {
      close (file);
      file = -1;
      errno = EWOULDBLOCK;
    }
  return file;
}

static void
remove_abandoned (const gchar *jobs)
{
  GDir        *dir = g_dir_open (jobs, 0, NULL);
  const gchar *name;
  gint64       now = g_get_real_time () / G_USEC_PER_SEC;

  while (dir && (name = g_dir_read_name (dir)))
    {
      gchar    *folder = g_build_filename (jobs, name, NULL);
      GStatBuf  there;

      if (g_lstat (folder, &there) == 0 && S_ISDIR (there.st_mode) && now - there.st_mtime > ABANDONED)
        {
          int lock = lock_file (folder, 0);

          if (lock >= 0 || errno == ENOENT)
            remove_files (folder);
          if (lock >= 0)
            close (lock);
        }
      g_free (folder);
    }
  g_clear_pointer (&dir, g_dir_close);
}

static gchar *
refused (gchar *folder, GError **error)
{
  gint number = errno;

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (number), "%s cannot be written: %s", folder, g_strerror (number));
  g_free (folder);
  return NULL;
}

gchar *
work_folder_new (int *lock, GError **error)
{
  gchar *jobs = folder_of ("jobs"), *folder;

  if (g_mkdir_with_parents (jobs, 0700))
    return refused (jobs, error);
  remove_abandoned (jobs);
  folder = g_build_filename (jobs, "XXXXXX", NULL);
  g_free (jobs);
  if (! g_mkdtemp_full (folder, 0700))
    return refused (folder, error);
  *lock = lock_file (folder, O_CREAT);
  if (*lock < 0)
    {
      int number = errno;

      g_rmdir (folder);
      errno = number;
      return refused (folder, error);
    }
  return folder;
}

void
work_folder_remove (gchar *folder, int lock)
{
  remove_files (folder);
  close (lock);
  g_free (folder);
}
