# SPDX-License-Identifier: GPL-3.0-or-later
"""libimpasto through ctypes: what it paints, how it is cancelled, and how it fails."""

import os
import unittest
from unittest import mock

from plug_in import OPTIONS, QUICK, abi, library, picture, pixels

LIBRARY = library.Library()
ENGINE = LIBRARY.engine(OPTIONS)


def painted(content, style=None, mask=None, params=None, go_on=lambda _: True):
    return ENGINE.stylise(library.Pictures(content, style, mask), {**QUICK, **(params or {})}, go_on)


class Painting(unittest.TestCase):
    def test_every_format_of_krita_is_painted_and_alpha_stays(self):
        for layout in (abi.GREY_ALPHA, abi.RGBA):
            for sample in (abi.U8, abi.U16, abi.F32):
                content = picture(layout=layout, sample=sample)
                result = painted(content, picture(40, 40))
                self.assertNotEqual(result.data, content.data)
                row = layout * sample
                alpha = [bytes(p.data)[i::row] for p in (content, result) for i in range(row - sample, row)]
                self.assertEqual(alpha[:sample], alpha[sample:])

    def test_a_style_of_the_librarys_is_named(self):
        results = {bytes(painted(picture(), params={"style": name}).data) for name in ("mosaic", "batik", "mosaic")}
        self.assertEqual(len(results), 2)

    def test_what_the_mask_leaves_out_stays(self):
        content = picture()
        cover = bytes(255 if i % 48 < 24 else 0 for i in range(48 * 36))
        result = painted(content, picture(40, 40), pixels.mask(48, 36, cover))
        for y in range(36):
            left, right = slice(y * 192, y * 192 + 96), slice(y * 192 + 96, y * 192 + 192)
            self.assertEqual(result.data[right], content.data[right])
            self.assertNotEqual(result.data[left], content.data[left])

    def test_pictures_on_the_way_are_given(self):
        sizes = []

        def go_on(progress):
            if progress.preview is not None:
                sizes.append((progress.preview.width, progress.preview.height, len(progress.preview.data)))
            return True

        painted(picture(), picture(40, 40), params={"preview_every": 1}, go_on=go_on)
        self.assertTrue(sizes)
        self.assertTrue(all(size == 3 * width * height for width, height, size in sizes))

    def test_the_share_of_the_work_counts_pixels_and_not_evaluations(self):
        seen = {}

        def go_on(progress):
            if progress.evaluations:
                seen[progress.evaluations] = progress.share
            return True

        params = {"size": 128, "iterations": 4, "levels": 2}
        small, large = ENGINE.plan(library.Pictures(picture(128, 96), picture(40, 40)), params)["levels"]
        painted(picture(128, 96), picture(40, 40), params=params, go_on=go_on)
        self.assertEqual(sorted(seen.values()), [seen[number] for number in sorted(seen)])
        self.assertAlmostEqual(seen[max(seen)], 1.0)
        work = [level["evaluations"] * level["cost"] for level in (small, large)]
        self.assertAlmostEqual(seen[small["evaluations"]], work[0] / sum(work), delta=0.01)

    def test_a_plan_tells_the_sizes_without_painting(self):
        plan = ENGINE.plan(library.Pictures(pixels.Pixels(2000, 1000, abi.GREY, abi.U8)), {"style": "mosaic", "size": 512})
        self.assertEqual(plan["levels"][-1]["size"], [256, 512])


class Failing(unittest.TestCase):
    def test_a_cancelled_job_raises(self):
        with self.assertRaises(library.Cancelled):
            painted(picture(), picture(40, 40), go_on=lambda progress: progress.evaluations < 2)

    def test_what_a_callback_raises_comes_out(self):
        def go_on(_):
            raise KeyError("mine")

        with self.assertRaisesRegex(KeyError, "mine"):
            painted(picture(), picture(40, 40), go_on=go_on)

    def test_too_little_memory_is_told(self):
        engine = LIBRARY.engine({**OPTIONS, "memory": 1 << 20})
        with self.assertRaisesRegex(library.Failure, "memory"):
            engine.stylise(library.Pictures(picture(), picture(40, 40)), {"size": 2048}, lambda _: True)
        with self.assertRaisesRegex(library.Failure, "memory"):
            engine.plan(library.Pictures(picture(), picture(40, 40)), {"size": 2048})

    def test_a_wrong_parameter_is_named(self):
        with self.assertRaisesRegex(library.Failure, "strength"):
            painted(picture(), picture(40, 40), params={"strength": 300})

    def test_a_model_that_is_not_there_is_named(self):
        with self.assertRaisesRegex(library.Failure, "nothing"):
            LIBRARY.engine({**OPTIONS, "model": "nothing"})

    def test_a_library_that_is_not_there_is_told(self):
        with mock.patch.object(library, "_places", lambda: ["/nowhere/libimpasto.so.0"]):
            with self.assertRaisesRegex(library.Failure, "Install the plug-in again.*nowhere"):
                library.Library()

    def test_another_library_is_refused(self):
        ssl = __import__("_ctypes").__file__
        with mock.patch.object(library, "_places", lambda: [ssl]):
            with self.assertRaisesRegex(library.Failure, "is not the library that this plug-in needs"):
                library.Library()

    def test_the_named_library_comes_first(self):
        with mock.patch.dict(os.environ, {"IMPASTO_LIBRARY": "/mine.so"}):
            self.assertEqual(library._places()[0], "/mine.so")


if __name__ == "__main__":
    unittest.main()
