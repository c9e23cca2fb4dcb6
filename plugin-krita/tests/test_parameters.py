# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the dialog follow the library's schema."""

import re
import unittest

from plug_in import library, parameters

SCHEMA = library.Library().schema()


def row(name):
    return next(p for p in parameters.rows(SCHEMA) if p.name == name)


class Rows(unittest.TestCase):
    def test_every_parameter_has_a_row_but_those_that_the_plug_in_sets(self):
        names = {p.name for p in parameters.rows(SCHEMA)}
        self.assertEqual(set(SCHEMA["properties"]) - names, {"version", "style", "preview_every"})

    def test_a_new_parameter_shows_up_with_its_range_default_and_text(self):
        entry = {"type": ["number", "null"], "minimum": 2, "maximum": 7, "default": 3, "description": "Text.\nMore."}
        schema = {"properties": {**SCHEMA["properties"], "brush_wear": entry}}
        new = parameters.rows(schema)[-1]
        self.assertEqual((new.name, new.title, new.kind, new.low, new.high, new.default, new.help),
                         ("brush_wear", "Brush wear", parameters.NUMBER, 2, 7, 3, "Text. More."))

    def test_the_first_rows_are_those_that_are_seen_at_once(self):
        names = [p.name for p in parameters.rows(SCHEMA)]
        self.assertEqual(tuple(names[:len(parameters.MAIN)]), parameters.MAIN)

    def test_what_is_seen_at_once_has_no_words_of_the_method(self):
        words = re.compile(r"\b(taps?|relu\w*|gram|covariances?|losse?s?|evaluations?|parameters?|section)\b", re.IGNORECASE)
        for name in parameters.MAIN:
            texts = [row(name).title, row(name).help] + [part for choice in row(name).choices for part in choice[1:]]
            self.assertEqual([text for text in texts if words.search(text)], [], name)

    def test_choices_have_titles_and_texts_and_a_default_among_them(self):
        for parameter in parameters.rows(SCHEMA):
            if parameter.kind == parameters.CHOICE:
                self.assertIn(parameter.default, [value for value, _, _ in parameter.choices], parameter.name)
                self.assertTrue(all(title and text for _, title, text in parameter.choices), parameter.name)

    def test_a_start_from_a_picture_is_not_offered(self):
        self.assertEqual([value for value, _, _ in row("init").choices], ["content", "recoloured", "noise"])

    def test_styles_have_ids_titles_and_texts(self):
        styles = parameters.styles(SCHEMA)
        self.assertIn("mosaic", [name for name, _, _ in styles])
        self.assertTrue(all(title and text for _, title, text in styles))


class Given(unittest.TestCase):
    def test_a_default_is_left_to_the_library_but_the_preset_is_told(self):
        self.assertIsNone(row("strength").given(90.0))
        self.assertEqual(row("strength").given(60.0), 60.0)
        self.assertEqual(row("preset").given("standard"), "standard")

    def test_a_number_that_the_preset_has_is_told_only_if_it_is_set(self):
        self.assertIsNone(row("size").given(None))
        # The same as the default of the standard preset, but perhaps not of the chosen one.
        self.assertEqual(row("size").given(1024), 1024)

    def test_lists_are_read(self):
        self.assertEqual(row("style_taps").given(" relu1_1 ,relu2_1"), ["relu1_1", "relu2_1"])
        self.assertIsNone(row("style_taps").given(" "))
        self.assertEqual(row("tap_weights").given("style/relu1_1=2, content/relu4_2 = 0.5"),
                         {"style/relu1_1": 2.0, "content/relu4_2": 0.5})

    def test_a_weight_that_is_none_is_an_error_that_names_it(self):
        with self.assertRaisesRegex(ValueError, "“relu1_1”.*style/relu1_1=2"):
            row("tap_weights").given("relu1_1")

    def test_the_values_of_a_dialog_become_parameters(self):
        rows = parameters.rows(SCHEMA)
        values = {p.name: p.default for p in rows if p.kind in (parameters.CHOICE, parameters.NUMBER)}
        self.assertEqual(parameters.chosen(rows, values), {"preset": "standard"})


if __name__ == "__main__":
    unittest.main()
