/* Pictures as files and as keys.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "picture.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

/* Rows are converted in bands of about this many bytes. */
#define BAND (4 << 20)

static gint
rows_of_a_band (gsize bytes_of_a_row)
{
  return MAX (1, BAND / MAX (bytes_of_a_row, 1));
}

static gboolean
failed (const gchar *path, GError **error)
{
  gint number = errno;

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (number), "%s: %s", path, g_strerror (number));
  return FALSE;
}

/* Writes the head and then what `rows` gives, and reports a full disk. */
static gboolean
write_rows (const gchar *path, const gchar *head, gint height, gsize stride, void (*rows) (gpointer, gint, gint, guchar *),
            gpointer data, const gint *stop, GError **error)
{
  FILE     *file = g_fopen (path, "wb");
  gint      band = rows_of_a_band (stride), y;
  guchar   *bytes;
  gboolean  good;

  if (! file)
    return failed (path, error);
  bytes = g_malloc (band * stride);
  good = fputs (head, file) >= 0;
  for (y = 0; good && y < height && ! (stop && g_atomic_int_get (stop)); y += band)
    {
      gint count = MIN (band, height - y);

      rows (data, y, count, bytes);
      good = fwrite (bytes, stride, count, file) == (gsize) count;
    }
  g_free (bytes);
  if (fclose (file))
    good = FALSE;
  return good || failed (path, error);
}

typedef struct
{
  GeglBuffer          *buffer;
  const GeglRectangle *extent;
  const Babl          *format;
  gboolean             eight_bits;
} Source;

static void
pixel_rows (gpointer data, gint y, gint count, guchar *bytes)
{
  Source        *source = data;
  GeglRectangle  band = { source->extent->x, source->extent->y + y, source->extent->width, count };

  gegl_buffer_get (source->buffer, &band, 1.0, source->format, bytes, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  if (! source->eight_bits)
    {
      /* The file has the high byte first. */
      guint16 *samples = (guint16 *) bytes;
      gsize    n = (gsize) band.width * count * 4, i;

      for (i = 0; i < n; i++)
        samples[i] = GUINT16_TO_BE (samples[i]);
    }
}

gboolean
picture_write (GeglBuffer *buffer, gboolean eight_bits, const gchar *path, const gint *stop, GError **error)
{
  const GeglRectangle *extent = gegl_buffer_get_extent (buffer);
  gboolean             alpha = babl_format_has_alpha (gegl_buffer_get_format (buffer));
  gint                 channels = alpha ? 4 : 3;
  const gchar         *names[2][2] = { { "R'G'B' u16", "R'G'B' u8" }, { "R'G'B'A u16", "R'G'B'A u8" } };
  Source               source = { buffer, extent, babl_format (names[alpha][eight_bits]), eight_bits };
  gchar               *head;
  gboolean             good;

  head = g_strdup_printf ("P7\nWIDTH %d\nHEIGHT %d\nDEPTH %d\nMAXVAL %d\nTUPLTYPE %s\nENDHDR\n", extent->width,
                          extent->height, channels, eight_bits ? 255 : 65535, alpha ? "RGB_ALPHA" : "RGB");
  good = write_rows (path, head, extent->height, (gsize) extent->width * channels * (eight_bits ? 1 : 2), pixel_rows, &source,
                     stop, error);
  g_free (head);
  return good;
}

static void
white_rows (gpointer data, gint y, gint count, guchar *bytes)
{
  /* In a PBM file a bit that is 0 is white. */
  memset (bytes, 0, *(gsize *) data * count);
}

gboolean
picture_write_white (gint width, gint height, const gchar *path, GError **error)
{
  gsize     stride = (width + 7) / 8;
  gchar    *head = g_strdup_printf ("P4\n%d %d\n", width, height);
  gboolean  good = write_rows (path, head, height, stride, white_rows, &stride, NULL, error);

  g_free (head);
  return good;
}

/* What a TIFF file of the command says of itself. It has one strip of samples that are not compressed. */
typedef struct
{
  guint width, height, bits, channels, offset, bytes;
} Tiff;

static guint
number (const guchar *at, gint bytes)
{
  guint value = at[0] | at[1] << 8;

  return bytes == 2 ? value : value | at[2] << 16 | (guint) at[3] << 24;
}

static gboolean
parse (const guchar *data, gsize length, Tiff *tiff)
{
  gsize at, entries, i;

  memset (tiff, 0, sizeof *tiff);
  if (length < 8 || memcmp (data, "II*\0", 4))
    return FALSE;
  at = number (data + 4, 4);
  if (at > length - 2)
    return FALSE;
  entries = number (data + at, 2);
  if (entries * 12 > length - at - 2)
    return FALSE;
  for (i = 0; i < entries; i++)
    {
      const guchar *entry = data + at + 2 + 12 * i;
      guint         kind = number (entry + 2, 2), count = number (entry + 4, 4);
      guint         value = number (entry + 8, kind == 3 ? 2 : 4);

      switch (number (entry, 2))
        {
        case 256: tiff->width = value; break;
        case 257: tiff->height = value; break;
        case 258: /* Three or four numbers do not fit into an entry. */
          if (count < 3 || number (entry + 8, 4) > length - 2)
            return FALSE;
          tiff->bits = number (data + number (entry + 8, 4), 2);
          break;
        case 259: if (value != 1) return FALSE; break;
        case 273: tiff->offset = value; break;
        case 277: tiff->channels = value; break;
        case 279: tiff->bytes = value; break;
        default: break;
        }
    }
  return tiff->width && tiff->height && tiff->width <= G_MAXINT16 * 16 && tiff->height <= G_MAXINT16 * 16
         && (tiff->bits == 8 || tiff->bits == 16) && (tiff->channels == 3 || tiff->channels == 4)
         && (guint64) tiff->width * tiff->height * tiff->channels * (tiff->bits / 8) == tiff->bytes
         && tiff->offset <= length && tiff->bytes <= length - tiff->offset;
}

static GeglBuffer *
samples_to_buffer (const guchar *samples, const Tiff *tiff, const gint *stop)
{
  const gchar   *names[2][2] = { { "R'G'B' u8", "R'G'B' u16" }, { "R'G'B'A u8", "R'G'B'A u16" } };
  const Babl    *format = babl_format (names[tiff->channels == 4][tiff->bits == 16]);
  GeglRectangle  extent = { 0, 0, tiff->width, tiff->height };
  GeglBuffer    *buffer = gegl_buffer_new (&extent, format);
  gsize          row = (gsize) tiff->width * tiff->channels;
  gint           band = rows_of_a_band (row * 2), y;
  guchar        *swapped = g_malloc (band * row * 2);

  for (y = 0; y < extent.height && ! g_atomic_int_get (stop); y += band)
    {
      GeglRectangle  part = { 0, y, extent.width, MIN (band, extent.height - y) };
      gsize          n = row * part.height, i;
      const guchar  *from = samples + row * y * (tiff->bits / 8);

      if (tiff->bits == 16)
        {
          /* The file has the low byte first, and rows that may begin anywhere. */
          for (i = 0; i < n; i++)
            ((guint16 *) swapped)[i] = from[2 * i] | from[2 * i + 1] << 8;
          from = swapped;
        }
      gegl_buffer_set (buffer, &part, 0, format, from, GEGL_AUTO_ROWSTRIDE);
    }
  g_free (swapped);
  return buffer;
}

/* Scales by reading, which needs no graph of GEGL's: drafts are all that is scaled. */
static GeglBuffer *
scaled (GeglBuffer *small, gint width, gint height, const gint *stop)
{
  const Babl          *format = gegl_buffer_get_format (small);
  const GeglRectangle *from = gegl_buffer_get_extent (small);
  GeglRectangle        extent = { 0, 0, width, height };
  GeglBuffer          *large = gegl_buffer_new (&extent, format);
  GeglSampler         *sampler = gegl_buffer_sampler_new (small, format, GEGL_SAMPLER_LINEAR);
  gint                 bytes = babl_format_get_bytes_per_pixel (format), x, y;
  guchar              *row = g_malloc ((gsize) width * bytes);

  for (y = 0; y < height && ! g_atomic_int_get (stop); y++)
    {
      GeglRectangle part = { 0, y, width, 1 };

      for (x = 0; x < width; x++)
        gegl_sampler_get (sampler, (x + 0.5) * from->width / width, (y + 0.5) * from->height / height, NULL,
                          row + (gsize) x * bytes, GEGL_ABYSS_CLAMP);
      gegl_buffer_set (large, &part, 0, format, row, GEGL_AUTO_ROWSTRIDE);
    }
  g_free (row);
  g_object_unref (sampler);
  return large;
}

GeglBuffer *
picture_read (const gchar *path, gint width, gint height, const gint *stop, GError **error)
{
  GMappedFile *file = g_mapped_file_new (path, FALSE, error);
  GeglBuffer  *buffer = NULL, *large;
  Tiff         tiff;

  if (! file)
    return NULL;
  if (parse ((const guchar *) g_mapped_file_get_contents (file), g_mapped_file_get_length (file), &tiff))
    buffer = samples_to_buffer ((const guchar *) g_mapped_file_get_contents (file) + tiff.offset, &tiff, stop);
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: is damaged", path);
  g_mapped_file_unref (file);
  if (! buffer || (tiff.width == (guint) width && tiff.height == (guint) height))
    return buffer;
  large = scaled (buffer, width, height, stop);
  g_object_unref (buffer);
  return large;
}

/* Two sums of products, each with its own odd factor; what follows mixes all bits. Not for secrets. */
static void
digest (guint64 state[2], const guchar *bytes, gsize length)
{
  guint64 word = 0;

  for (; length; bytes += MIN (length, 8), length -= MIN (length, 8))
    {
      word = 0;
      memcpy (&word, bytes, MIN (length, 8));
      state[0] = (state[0] ^ word) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15) + 1;
      state[0] ^= state[0] >> 32;
      state[1] = (state[1] + word) * G_GUINT64_CONSTANT (0xc2b2ae3d27d4eb4f) + 1;
      state[1] ^= state[1] >> 29;
    }
}

gchar *
picture_digest (GeglBuffer *buffer, const GeglRectangle *extent)
{
  const Babl *format = gegl_buffer_get_format (buffer);
  gsize       stride = (gsize) extent->width * babl_format_get_bytes_per_pixel (format);
  gint        band = rows_of_a_band (stride), y;
  guchar     *bytes = g_malloc (band * stride);
  guint64     state[2] = { extent->width, extent->height };

  for (y = 0; y < extent->height; y += band)
    {
      GeglRectangle part = { extent->x, extent->y + y, extent->width, MIN (band, extent->height - y) };

      gegl_buffer_get (buffer, &part, 1.0, format, bytes, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      digest (state, bytes, stride * part.height);
    }
  g_free (bytes);
  return g_strdup_printf ("%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x", state[0], state[1]);
}
