/* The operation's properties as options of Impasto's command.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gegl.h>

/* What follows the picture in the command's line: the style picture or the style's name, and what differs from the
 * defaults. `identity` is the same text as long as the painted picture is the same, of files also their size and time. */
gchar **options_of (GObject *operation, gchar **identity);
