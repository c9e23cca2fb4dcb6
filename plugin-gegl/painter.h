/* What one operation shows: the painted picture, a draft, or nothing yet.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gegl.h>
#include <gegl-plugin.h>

/* Makes the painter of an operation that has a node, once. */
void painter_prepare (gpointer *painter, GeglOperation *operation);

/* The picture to show in place of the input, whose extent is given; it begins at (0, 0). NULL: the input itself. Waits
 * for the painted picture where the host keeps what it gets. */
GeglBuffer *painter_picture (gpointer painter, GeglOperation *operation, GeglBuffer *input, const GeglRectangle *extent);

/* Ends the operation's job, unless another operation wants the same picture. */
void painter_free (gpointer painter);
