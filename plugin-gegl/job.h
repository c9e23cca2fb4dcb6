/* A picture that is painted by Impasto's command, in a process of its own.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gegl.h>

typedef struct _Job Job;

/* What is to be painted. */
typedef struct
{
  gchar       *key;        /* from everything that the result depends on */
  gchar       *command;    /* the program */
  gchar      **options;    /* its options, and the style picture where there is one */
  GeglBuffer  *input;      /* nobody changes it */
  gboolean     eight_bits; /* whether the command gets and gives 8 bits, else 16 */
} Request;

/* What a job has come to. */
typedef enum
{
  JOB_RUNS,
  JOB_DONE,
  JOB_FAILED
} JobState;

/* Called in the job's thread when a picture or an end is there. */
typedef void (*JobNews) (gpointer watcher);

/* Called in the thread that waits, some times a second; `fraction` is from 0 to 1. */
typedef void (*JobProgress) (gdouble fraction, gpointer data);

void request_clear (Request *request);

/* Joins the job that paints this, or starts it. A job that has just failed is tried again. Takes what is in the request. The job begins after some
 * tenths of a second in which it is not left again. `news` is called with `watcher` until the job is left. */
Job *job_join (Request *request, JobNews news, gpointer watcher);

/* Leaves a job. It is ended, with its process, when nobody is left in it. */
void job_leave (Job *job, gpointer watcher);

/* How it stands. `picture` is the newest picture, or NULL where there is none yet; the caller unrefs it. `problem` is set for JOB_FAILED. */
JobState job_look (Job *job, GeglBuffer **picture, gchar **problem);

/* The same when the job has ended. */
JobState job_wait (Job *job, JobProgress progress, gpointer data, GeglBuffer **picture, gchar **problem);
