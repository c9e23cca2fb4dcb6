/* What could not be painted a moment ago.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/* Notes why the picture of this key could not be painted. */
void failure_note (const gchar *key, const gchar *problem);

/* Why it could not be painted some seconds ago; a new string. NULL if it has not been tried, or may be tried again: an
 * export of GIMP's asks for the same picture several times, and should fail once. */
gchar *failure_recent (const gchar *key);
