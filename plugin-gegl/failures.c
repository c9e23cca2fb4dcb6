/* What could not be painted a moment ago.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "failures.h"

/* Microseconds that a failure counts. */
#define RECENT (10 * G_USEC_PER_SEC)

typedef struct
{
  gchar  *problem;
  gint64  time;
} Failure;

static GMutex      lock;
static GHashTable *failures;

static void
failure_free (gpointer failure)
{
  g_free (((Failure *) failure)->problem);
  g_free (failure);
}

static gboolean
is_old (gpointer key, gpointer failure, gpointer now)
{
  return *(gint64 *) now - ((Failure *) failure)->time > RECENT;
}

/* With the lock. */
static void
forget_the_old (void)
{
  gint64 now = g_get_monotonic_time ();

  if (! failures)
    failures = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, failure_free);
  g_hash_table_foreach_remove (failures, is_old, &now);
}

void
failure_note (const gchar *key, const gchar *problem)
{
  Failure *failure = g_new (Failure, 1);

  failure->problem = g_strdup (problem);
  failure->time = g_get_monotonic_time ();
  g_mutex_lock (&lock);
  forget_the_old ();
  g_hash_table_replace (failures, g_strdup (key), failure);
  g_mutex_unlock (&lock);
}

gchar *
failure_recent (const gchar *key)
{
  Failure *failure;
  gchar   *problem;

  g_mutex_lock (&lock);
  forget_the_old ();
  failure = g_hash_table_lookup (failures, key);
  problem = failure ? g_strdup (failure->problem) : NULL;
  g_mutex_unlock (&lock);
  return problem;
}
