/* A process of the command.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

typedef struct
{
  GPid      pid;
  int       output; /* what it writes on standard output */
  GMutex    lock;
  gboolean  gone;   /* its number may be another's */
} Process;

/* Starts a program without input. What it writes on standard error goes into the file `messages`. On Linux it is killed
 * when the thread that has started it ends, and with it this program. */
gboolean process_start (Process *process, gchar **arguments, const gchar *messages, GError **error);

/* Kills it, from any thread that knows that `process_start` has ended and that the structure is still there. */
void process_kill (Process *process);

/* Waits until it is gone. NULL if it ended well, else what went wrong: what the file `messages` says, or the signal. */
gchar *process_end (Process *process, const gchar *messages);
