/* Jobs: one for each key, shared by all operations that want the same picture.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "job.h"

#include <string.h>

#include "failures.h"
#include "paint.h"

/* Microseconds that nothing may change before a job begins, while nobody waits for it: a slider is still being moved. */
#define SETTLED (400 * 1000)

/* Microseconds that a thread may need to end when its job was left. */
#define ENDS (2 * G_USEC_PER_SEC)

/* Microseconds between two looks at the progress. */
#define PAUSE (100 * 1000)

typedef struct
{
  JobNews  news;
  gpointer watcher;
} Watch;

struct _Job
{
  gatomicrefcount  references;
  Request          request;
  GCond            changed;
  GArray          *watches;
  GeglBuffer      *picture;
  gchar           *problem;
  Process         *process;
  JobState         state;
  gdouble          fraction;
  gint             waiting;
  gint             left;     /* also read without the lock */
  gboolean         finished; /* the thread holds nothing any more */
};

/* All jobs that somebody is in, by key. The lock guards them and what is in them, except the request, which stays as it is. */
static GMutex      lock;
static GHashTable *jobs;

static void
job_unref (Job *job)
{
  if (! g_atomic_ref_count_dec (&job->references))
    return;
  request_clear (&job->request);
  g_clear_object (&job->picture);
  g_free (job->problem);
  g_array_unref (job->watches);
  g_cond_clear (&job->changed);
  g_free (job);
}

/* With the lock. */
static void
tell (Job *job)
{
  guint i;

  g_cond_broadcast (&job->changed);
  for (i = 0; i < job->watches->len; i++)
    {
      Watch *watch = &g_array_index (job->watches, Watch, i);

      watch->news (watch->watcher);
    }
}

static void
show (GeglBuffer *picture, gpointer data)
{
  Job        *job = data;
  GeglBuffer *before;

  g_mutex_lock (&lock);
  before = job->picture;
  job->picture = picture;
  tell (job);
  g_mutex_unlock (&lock);
  g_clear_object (&before);
}

static void
end (Job *job, JobState state, gchar *problem)
{
  g_mutex_lock (&lock);
  job->state = state;
  job->problem = problem;
  tell (job);
  g_mutex_unlock (&lock);
}

/* Waits until nothing has changed for a while or somebody needs the picture. FALSE if everybody has left. */
static gboolean
settled (Job *job)
{
  gint64   end = g_get_monotonic_time () + SETTLED;
  gboolean good;

  g_mutex_lock (&lock);
  while (! job->left && ! job->waiting && g_cond_wait_until (&job->changed, &lock, end))
    ;
  good = ! job->left;
  g_mutex_unlock (&lock);
  return good;
}

static void
fraction_is (gdouble fraction, gpointer data)
{
  Job *job = data;

  g_mutex_lock (&lock);
  job->fraction = fraction;
  g_mutex_unlock (&lock);
}

static void
process_is (Process *process, gpointer data)
{
  Job *job = data;

  g_mutex_lock (&lock);
  job->process = process;
  if (process && job->left)
    process_kill (process);
  g_mutex_unlock (&lock);
}

static gpointer
job_thread (gpointer data)
{
  Job         *job = data;
  PaintEvents  events = { show, fraction_is, process_is, job, &job->left };

  gchar       *problem;

  if (paint_kept (&job->request, &events))
    end (job, JOB_DONE, NULL);
  else if ((problem = failure_recent (job->request.key)))
    end (job, JOB_FAILED, problem);
  else if (settled (job))
    {
      problem = paint (&job->request, &events);
      if (problem && ! g_atomic_int_get (&job->left))
        failure_note (job->request.key, problem);
      end (job, problem ? JOB_FAILED : JOB_DONE, problem);
    }
  g_mutex_lock (&lock);
  job->finished = TRUE;
  g_cond_broadcast (&job->changed);
  g_mutex_unlock (&lock);
  job_unref (job);
  return NULL;
}

static Job *
job_new (Request *request)
{
  Job *job = g_new0 (Job, 1);

  g_atomic_ref_count_init (&job->references);
  g_cond_init (&job->changed);
  job->watches = g_array_new (FALSE, FALSE, sizeof (Watch));
  job->request = *request;
  memset (request, 0, sizeof *request);
  return job;
}

Job *
job_join (Request *request, JobNews news, gpointer watcher)
{
  Watch  watch = { news, watcher };
  Job   *job;

  g_mutex_lock (&lock);
  if (! jobs)
    jobs = g_hash_table_new (g_str_hash, g_str_equal);
  job = g_hash_table_lookup (jobs, request->key);
  if (job && job->state == JOB_FAILED)
    {
      g_hash_table_remove (jobs, request->key);
      job = NULL;
    }
  if (job)
    request_clear (request);
  else
    {
      job = job_new (request);
      g_hash_table_insert (jobs, job->request.key, job);
      g_atomic_ref_count_inc (&job->references);
      g_thread_unref (g_thread_new ("impasto", job_thread, job));
    }
  /* One reference for each watch, and one for the thread. */
  if (job->watches->len)
    g_atomic_ref_count_inc (&job->references);
  g_array_append_val (job->watches, watch);
  g_mutex_unlock (&lock);
  return job;
}

Job *
job_stay (Job *job, JobNews news, gpointer watcher)
{
  Watch watch = { news, watcher };

  g_mutex_lock (&lock);
  g_atomic_ref_count_inc (&job->references);
  g_array_append_val (job->watches, watch);
  g_mutex_unlock (&lock);
  return job;
}

/* With the lock. A host may end next, and with it what the thread uses. */
static void
abandon (Job *job)
{
  gint64 end = g_get_monotonic_time () + ENDS;

  if (g_hash_table_lookup (jobs, job->request.key) == job)
    g_hash_table_remove (jobs, job->request.key);
  g_atomic_int_set (&job->left, TRUE);
  if (job->process)
    process_kill (job->process);
  g_cond_broadcast (&job->changed);
  while (! job->finished && g_cond_wait_until (&job->changed, &lock, end))
    ;
}

void
job_leave (Job *job, gpointer watcher)
{
  guint i;

  g_mutex_lock (&lock);
  for (i = 0; i < job->watches->len; i++)
    if (g_array_index (job->watches, Watch, i).watcher == watcher)
      {
        g_array_remove_index_fast (job->watches, i);
        break;
      }
  if (! job->watches->len)
    abandon (job);
  g_mutex_unlock (&lock);
  job_unref (job);
}

/* With the lock. */
static JobState
look (Job *job, GeglBuffer **picture, gchar **problem)
{
  *picture = job->picture ? g_object_ref (job->picture) : NULL;
  *problem = g_strdup (job->problem);
  return job->state;
}

JobState
job_look (Job *job, GeglBuffer **picture, gchar **problem)
{
  JobState state;

  g_mutex_lock (&lock);
  state = look (job, picture, problem);
  g_mutex_unlock (&lock);
  return state;
}

JobState
job_wait (Job *job, JobProgress progress, gpointer data, GeglBuffer **picture, gchar **problem)
{
  JobState state;

  g_mutex_lock (&lock);
  job->waiting++;
  g_cond_broadcast (&job->changed);
  while (job->state == JOB_RUNS)
    {
      gdouble fraction = job->fraction;

      if (g_cond_wait_until (&job->changed, &lock, g_get_monotonic_time () + PAUSE))
        continue;
      g_mutex_unlock (&lock);
      progress (fraction, data);
      g_mutex_lock (&lock);
    }
  job->waiting--;
  state = look (job, picture, problem);
  g_mutex_unlock (&lock);
  return state;
}
