/* Paints a picture with Impasto's command, or takes one that is kept.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gegl.h>

#include "process.h"

/* What is to be painted. */
typedef struct
{
  gchar       *key;        /* from everything that the result depends on */
  gchar       *command;    /* the program */
  gchar      **options;    /* its options, and the style picture where there is one */
  GeglBuffer  *input;      /* nobody changes it */
  gboolean     eight_bits; /* whether the command gets and gives 8 bits, else 16 */
} Request;

/* Frees what is in it. */
void request_clear (Request *request);

/* What is called on the way, in the same thread. */
typedef struct
{
  void       (*picture) (GeglBuffer *picture, gpointer data); /* a draft, or in the end the result; it is given away */
  void       (*fraction) (gdouble fraction, gpointer data);   /* how much is done, from 0 to 1 */
  void       (*process) (Process *process, gpointer data);    /* it runs, and may be killed; NULL: not any more */
  gpointer     data;
  const gint  *stop;                                          /* not 0: everything ends early */
} PaintEvents;

/* Gives the picture that is kept, if there is one. */
gboolean paint_kept (const Request *request, const PaintEvents *events);

/* Paints, and keeps the result. NULL, or what went wrong; a new string. */
gchar *paint (const Request *request, const PaintEvents *events);
