/* Jobs: one for each key, shared by all operations that want the same picture.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "job.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kept.h"
#include "picture.h"
#include "process.h"

/* Microseconds that nothing may change before a job begins, while nobody waits for it: a slider is still being moved. */
#define SETTLED (400 * 1000)

/* The command gives a draft after so many evaluations. */
#define DRAFT_EVERY 12

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
  gboolean         left;
};

/* All jobs that somebody is in, by key. The lock guards them and what is in them, except the request, which stays as it is. */
static GMutex      lock;
static GHashTable *jobs;

void
request_clear (Request *request)
{
  g_clear_pointer (&request->key, g_free);
  g_clear_pointer (&request->command, g_free);
  g_clear_pointer (&request->options, g_strfreev);
  g_clear_object (&request->input);
}

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
show (Job *job, GeglBuffer *picture)
{
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

/* A file of a job. */
static gchar *
file_of (const gchar *folder, const gchar *name)
{
  return g_build_filename (folder, name, NULL);
}

/* The command's arguments; its files are those of this folder. */
static gchar **
arguments (const Job *job, const gchar *folder)
{
  const gchar  *options[] = { "--progress", "json", "--quiet", "--save-every", G_STRINGIFY (DRAFT_EVERY), NULL };
  GStrvBuilder *builder = g_strv_builder_new ();
  gchar        *content = file_of (folder, "content.pam"), *mask = file_of (folder, "mask.pbm");
  gchar        *out = file_of (folder, "out.tiff"), **all;

  g_strv_builder_add_many (builder, job->request.command, content, NULL);
  g_strv_builder_addv (builder, (const gchar **) job->request.options);
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
progress (Job *job, const gchar *folder, const gchar *line)
{
  const GeglRectangle *extent = gegl_buffer_get_extent (job->request.input);
  gint64               evaluations = field (line, "\"evaluations\":"), planned = field (line, "\"planned\":");
  gchar               *name, *path;
  GeglBuffer          *draft;

  if (! strstr (line, "\"event\":\"progress\"") || planned <= 0)
    return;
  g_mutex_lock (&lock);
  job->fraction = CLAMP ((gdouble) evaluations / planned, 0, 1);
  g_mutex_unlock (&lock);
  /* A draft is written after its line of progress. */
  evaluations = (evaluations - 1) / DRAFT_EVERY * DRAFT_EVERY;
  name = g_strdup_printf ("out-%04" G_GINT64_FORMAT ".tiff", evaluations);
  path = file_of (folder, name);
  if (evaluations > 0 && g_file_test (path, G_FILE_TEST_EXISTS))
    {
      draft = picture_read (path, extent->width, extent->height, NULL);
      unlink (path);
      if (draft)
        show (job, draft);
    }
  g_free (path);
  g_free (name);
}

/* Reads lines until the command has closed its output. */
static void
follow (Job *job, const gchar *folder, int output)
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
          progress (job, folder, line->str);
          g_string_truncate (line, 0);
        }
    }
  g_string_free (line, TRUE);
}

/* Runs the command to its end. NULL, or what went wrong. */
static gchar *
run (Job *job, const gchar *folder)
{
  gchar    *messages = file_of (folder, "messages"), **all = arguments (job, folder), *problem = NULL;
  GError   *error = NULL;
  Process   process;

  if (process_start (&process, all, messages, &error))
    {
      g_mutex_lock (&lock);
      job->process = &process;
      if (job->left)
        process_kill (&process);
      g_mutex_unlock (&lock);
      follow (job, folder, process.output);
      problem = process_end (&process, messages);
      g_mutex_lock (&lock);
      job->process = NULL;
      g_mutex_unlock (&lock);
      g_mutex_clear (&process.lock);
    }
  else
    problem = g_strdup_printf ("%s cannot be started: %s", job->request.command, error->message);
  g_clear_error (&error);
  g_strfreev (all);
  g_free (messages);
  return problem;
}

/* Takes the picture of this file, or says what is wrong with it. */
static gchar *
take (Job *job, const gchar *file)
{
  const GeglRectangle *extent = gegl_buffer_get_extent (job->request.input);
  GError              *error = NULL;
  GeglBuffer          *picture = picture_read (file, extent->width, extent->height, &error);
  gchar               *problem;

  if (picture)
    {
      show (job, picture);
      return NULL;
    }
  problem = g_strdup (error->message);
  g_error_free (error);
  return problem;
}

/* Paints in a folder of its own. NULL, or what went wrong. */
static gchar *
paint (Job *job)
{
  const GeglRectangle *extent = gegl_buffer_get_extent (job->request.input);
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
  if (picture_write (job->request.input, job->request.eight_bits, content, &error)
      && picture_write_white (extent->width, extent->height, mask, &error))
    problem = run (job, folder);
  else
    problem = g_strdup (error->message);
  if (! problem)
    problem = take (job, out);
  if (! problem)
    kept_store (job->request.key, out);
  work_folder_remove (folder, in_use);
  g_clear_error (&error);
  g_free (content);
  g_free (mask);
  g_free (out);
  return problem;
}

static gpointer
job_thread (gpointer data)
{
  Job   *job = data;
  gchar *kept = kept_find (job->request.key), *problem;

  /* One that is damaged is painted again, and replaced. */
  problem = kept ? take (job, kept) : NULL;
  if (kept && ! problem)
    end (job, JOB_DONE, NULL);
  else if (settled (job))
    {
      g_free (problem);
      problem = paint (job);
      end (job, problem ? JOB_FAILED : JOB_DONE, problem);
    }
  else
    g_free (problem);
  g_free (kept);
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
  /* One for each watcher and one for the thread. */
  if (job->watches->len)
    g_atomic_ref_count_inc (&job->references);
  g_array_append_val (job->watches, watch);
  g_mutex_unlock (&lock);
  return job;
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
    {
      if (g_hash_table_lookup (jobs, job->request.key) == job)
        g_hash_table_remove (jobs, job->request.key);
      job->left = TRUE;
      if (job->process)
        process_kill (job->process);
      g_cond_broadcast (&job->changed);
    }
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
