/* The folder in the user's cache with painted pictures, and with the files of jobs that run.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/* The file of the picture that was painted for this key, or NULL where none is kept. It becomes the newest. */
gchar *kept_find (const gchar *key);

/* Moves a picture's file among those that are kept, whole. The oldest are removed, so that all together take at most
 * `IMPASTO_KEPT_MIB` mebibytes (1024 if that variable is not set). A picture that cannot be kept is no error: the file is
 * then where it was. */
void kept_store (const gchar *key, const gchar *file);

/* A new folder for a job's files, which nobody else uses. NULL and an error where it cannot be made. */
gchar *work_folder_new (int *lock, GError **error);

/* Removes such a folder with what is in it. */
void work_folder_remove (gchar *folder, int lock);
