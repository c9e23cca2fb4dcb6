/* Impasto's command: where it lies and which version it is.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/* The path of the command, and its version as it prints it. Both are new strings. FALSE where there is none that runs;
 * `problem` then says what to do. The version is asked for once for each file that is found. */
gboolean command_find (gchar **path, gchar **version, gchar **problem);
