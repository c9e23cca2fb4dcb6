/* A picture that is painted by Impasto's command, in a process of its own.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gegl.h>

#include "paint.h"

typedef struct _Job Job;

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

/* Joins the job that paints this, or starts it. Takes what is in the request. A job that has failed is tried again. One
 * that nobody waits for begins after some tenths of a second. `news` is called with `watcher` until the job is left. */
Job *job_join (Request *request, JobNews news, gpointer watcher);

/* Joins a job once more, which has to be left once more. */
Job *job_stay (Job *job, JobNews news, gpointer watcher);

/* Leaves a job. It is ended, with its process and thread, when nobody is left in it. */
void job_leave (Job *job, gpointer watcher);

/* How it stands. `picture` is the newest picture, or NULL where there is none yet. `problem` says why, for JOB_FAILED. Both
 * are the caller's. */
JobState job_look (Job *job, GeglBuffer **picture, gchar **problem);

/* The same when the job has ended. */
JobState job_wait (Job *job, JobProgress progress, gpointer data, GeglBuffer **picture, gchar **problem);
