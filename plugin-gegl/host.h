/* The program that has loaded the operation: what it needs now, and how it shows a new picture.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gegl.h>

/* Whether the caller keeps what it gets, so that it has to wait for the painted picture. FALSE while a main loop redraws
 * the screen: a redraw must not wait, and comes again. */
gboolean host_keeps (void);

/* Whether somebody gets the node's pixels. GIMP keeps filters that were removed or switched off, without this. */
gboolean host_uses (GeglNode *node);

/* Makes GIMP draw the layer whose filter this node is. Does nothing in other programs. In the main thread. */
void host_redraw (GeglNode *node);

/* Tells the person, once for each text. */
void host_tell (const gchar *text);
