/* A process of the command.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

/* Runs in the new process, before the program: only what is safe there. */
static void
end_with_the_parent (gpointer parent)
{
  sigset_t none;

  /* A host may block or ignore signals that the command expects. */
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  signal (SIGPIPE, SIG_DFL);
#ifdef __linux__
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (getppid () != GPOINTER_TO_INT (parent))
    _exit (1);
#endif
}

gboolean
process_start (Process *process, gchar **arguments, const gchar *messages, GError **error)
{
  int       to = g_open (messages, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), pipe[2];
  gboolean  good;

  if (to < 0)
    {
      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", messages, g_strerror (errno));
      return FALSE;
    }
  if (! g_unix_open_pipe (pipe, O_CLOEXEC, error))
    {
      close (to);
      return FALSE;
    }
  good = g_spawn_async_with_fds (NULL, arguments, NULL, G_SPAWN_DO_NOT_REAP_CHILD, end_with_the_parent,
                                 GINT_TO_POINTER (getpid ()), &process->pid, -1, pipe[1], to, error);
  close (to);
  close (pipe[1]);
  process->output = pipe[0];
  process->gone = FALSE;
  g_mutex_init (&process->lock);
  if (! good)
    {
      close (pipe[0]);
      g_mutex_clear (&process->lock);
    }
  return good;
}

void
process_kill (Process *process)
{
  g_mutex_lock (&process->lock);
  if (! process->gone)
    kill (process->pid, SIGKILL);
  g_mutex_unlock (&process->lock);
}

/* The command's last message; else where the options were wrong, the first line that says so; else the last line. */
static const gchar *
message_of (gchar **lines)
{
  const gchar *last = NULL, *wrong_options = NULL, *message = NULL;

  for (; *lines; lines++)
    {
      gchar *line = g_strstrip (*lines);

      if (g_str_has_prefix (line, "impasto: "))
        message = line + strlen ("impasto: ");
      if (g_str_has_prefix (line, "error: ") && ! wrong_options)
        wrong_options = line + strlen ("error: ");
      if (*line)
        last = line;
    }
  return message ? message : wrong_options ? wrong_options : last;
}

static gchar *
told_by_the_command (const gchar *messages)
{
  gchar       *text = NULL, **lines, *told = NULL;
  const gchar *message;

  if (! g_file_get_contents (messages, &text, NULL, NULL))
    return NULL;
  lines = g_strsplit (text, "\n", -1);
  message = message_of (lines);
  if (message)
    told = g_utf8_make_valid (message, -1);
  g_strfreev (lines);
  g_free (text);
  return told;
}

gchar *
process_end (Process *process, const gchar *messages)
{
  int       status = 0, waited;
  pid_t     gone;
  siginfo_t info;
  gchar    *told;

  close (process->output);
  /* Until it is reaped nobody else has its number, and it can be killed. */
  do
    waited = waitid (P_PID, process->pid, &info, WEXITED | WNOWAIT);
  while (waited < 0 && errno == EINTR);
  g_mutex_lock (&process->lock);
  process->gone = TRUE;
  do
    gone = waitpid (process->pid, &status, 0);
  while (gone < 0 && errno == EINTR);
  g_mutex_unlock (&process->lock);
  g_spawn_close_pid (process->pid);
  if (gone < 0)
    return g_strdup ("the process of Impasto's command was lost: this program ends processes that are not its own");
  if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
    return NULL;
  if (WIFSIGNALED (status))
    return g_strdup_printf ("Impasto's command was ended by signal %d (%s) before the picture was painted", WTERMSIG (status),
                            g_strsignal (WTERMSIG (status)));
  told = told_by_the_command (messages);
  return told ? told : g_strdup_printf ("Impasto's command has failed with exit code %d", WEXITSTATUS (status));
}
