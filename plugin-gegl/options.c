/* The operation's properties as options of Impasto's command. A property has the option's name.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"

#include <glib/gstdio.h>
#include <string.h>

/* These change how a picture is painted, and not the picture. */
static const gchar *const WITHOUT_EFFECT[] = { "max-memory", NULL };

/* These say together what the style is. */
static const gchar *const STYLE[] = { "style", "style-file", "style-path", NULL };

static gchar *
text_of (GParamSpec *property, const GValue *value)
{
  gchar number[G_ASCII_DTOSTR_BUF_SIZE];

  /* GIMP keeps numbers in files with 24 bits. So many digits are the same before and after. */
  if (G_VALUE_HOLDS_DOUBLE (value))
    return g_strdup (g_ascii_formatd (number, sizeof number, "%.6g", g_value_get_double (value)));
  if (G_VALUE_HOLDS_ENUM (value))
    return g_strdup (g_enum_get_value (G_PARAM_SPEC_ENUM (property)->enum_class, g_value_get_enum (value))->value_nick);
  if (G_VALUE_HOLDS_STRING (value))
    return g_value_dup_string (value);
  if (! strcmp (property->name, "max-memory"))
    return g_strdup_printf ("%dM", g_value_get_int (value));
  return g_strdup_printf ("%d", g_value_get_int (value));
}

/* A file's name with its size and time; another text if it is no file. */
static gchar *
identity_of_file (const gchar *path)
{
  GStatBuf file;

  if (g_stat (path, &file))
    return g_strdup (path);
  return g_strdup_printf ("%s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, path, (gint64) file.st_size, (gint64) file.st_mtime);
}

/* The style picture's file, or NULL where a style inside the program is taken. */
static gchar *
style_file (GObject *operation)
{
  gchar *file = NULL, *path = NULL, *style = NULL;

  g_object_get (operation, "style-file", &file, "style-path", &path, NULL);
  if (file && *file)
    style = g_canonicalize_filename (file, NULL);
  else if (path && *path)
    style = g_canonicalize_filename (path, NULL);
  g_free (file);
  g_free (path);
  return style;
}

gchar **
options_of (GObject *operation, gchar **identity)
{
  guint         count, i;
  GParamSpec  **properties = g_object_class_list_properties (G_OBJECT_GET_CLASS (operation), &count);
  GStrvBuilder *options = g_strv_builder_new ();
  GString      *text = g_string_new (NULL);
  gchar        *style = style_file (operation), **all;

  for (i = 0; i < count; i++)
    {
      GParamSpec *property = properties[i];
      GValue      value = G_VALUE_INIT;
      gchar      *option, *said;
      gboolean    is_style = g_strv_contains (STYLE, property->name);

      if (property->owner_type != G_OBJECT_TYPE (operation) || G_IS_PARAM_SPEC_OBJECT (property))
        continue;
      g_value_init (&value, property->value_type);
      g_object_get_property (operation, property->name, &value);
      said = text_of (property, &value);
      option = g_strconcat ("--", property->name, NULL);
      if (is_style ? ! style && ! strcmp (property->name, "style") : said && *said && ! g_param_value_defaults (property, &value))
        {
          g_strv_builder_add_many (options, option, said, NULL);
          if (! g_strv_contains (WITHOUT_EFFECT, property->name))
            {
              gchar *known = G_VALUE_HOLDS_STRING (&value) ? identity_of_file (said) : g_strdup (said);

              g_string_append_printf (text, "%s %s\n", option, known);
              g_free (known);
            }
        }
      g_free (option);
      g_free (said);
      g_value_unset (&value);
    }
  if (style)
    {
      gchar *known = identity_of_file (style);

      g_strv_builder_add (options, style);
      g_string_append_printf (text, "%s\n", known);
      g_free (known);
    }
  g_free (style);
  g_free (properties);
  all = g_strv_builder_end (options);
  g_strv_builder_unref (options);
  *identity = g_string_free (text, FALSE);
  return all;
}
