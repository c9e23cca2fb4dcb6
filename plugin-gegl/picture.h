/* Pictures as files that Impasto's command reads and writes, and as keys.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gegl.h>

/* Long work looks at `stop` and ends early when it is not 0; what it gives then is of no use. */

/* Writes a buffer as a PAM file in sRGB, of 8 bits if `eight_bits` is set and of 16 else. The alpha is kept. */
gboolean picture_write (GeglBuffer *buffer, gboolean eight_bits, const gchar *path, const gint *stop, GError **error);

/* Writes a mask of this size that is white everywhere. */
gboolean picture_write_white (gint width, gint height, const gchar *path, GError **error);

/* A new buffer from a TIFF file of the command, of the size that is given; a picture of another size is scaled. */
GeglBuffer *picture_read (const gchar *path, gint width, gint height, const gint *stop, GError **error);

/* 128 bits that follow from the pixels, as hexadecimal digits. The pixels are read as they are stored. */
gchar *picture_digest (GeglBuffer *buffer, const GeglRectangle *extent);
