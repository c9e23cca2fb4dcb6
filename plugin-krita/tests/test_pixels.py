# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels in Krita's order, alpha, and masks."""

import unittest
from array import array

from plug_in import abi, picture, pixels, progress


class Order(unittest.TestCase):
    def test_red_and_blue_change_places_in_8_and_16_bits(self):
        for sample, code in [(abi.U8, "B"), (abi.U16, "H")]:
            krita = array(code, [1, 2, 3, 4, 5, 6, 7, 8]).tobytes()
            read = pixels.from_krita(2, 1, abi.RGBA, sample, krita)
            self.assertEqual(array(code, bytes(read.data)).tolist(), [3, 2, 1, 4, 7, 6, 5, 8])
            self.assertEqual(bytes(read.swapped()), krita)

    def test_floats_and_greys_stay_in_their_order(self):
        for layout, sample in [(abi.RGBA, abi.F32), (abi.GREY_ALPHA, abi.U8), (abi.GREY_ALPHA, abi.U16)]:
            data = bytes(picture(3, 2, layout, sample).data)
            self.assertEqual(bytes(pixels.from_krita(3, 2, layout, sample, data).data), data)

    def test_bytes_that_do_not_fit_are_refused(self):
        with self.assertRaisesRegex(ValueError, "15 bytes for 2×2 pixels of 4 bytes"):
            pixels.Pixels(2, 2, abi.RGBA, abi.U8, bytes(15))


class Alpha(unittest.TestCase):
    def test_alpha_is_multiplied_by_the_cover_and_colours_stay(self):
        for layout, sample, code, most in [(abi.RGBA, abi.U8, "B", 255), (abi.GREY_ALPHA, abi.U16, "H", 65535),
                                           (abi.RGBA, abi.F32, "f", 1.0)]:
            faded = picture(4, 1, layout, sample)
            before = array(code, bytes(faded.data))
            pixels.fade(faded, bytes([0, 255, 51, 255]))
            after = array(code, bytes(faded.data))
            for channel in range(layout - 1):
                self.assertEqual(after[channel::layout], before[channel::layout])
            for is_, wanted in zip(after[layout - 1::layout], [0, most, most / 5, most]):
                self.assertAlmostEqual(is_, wanted, places=5)

    def test_a_mask_is_whole_wherever_something_is_covered(self):
        self.assertEqual(bytes(pixels.mask(4, 1, bytes([0, 1, 128, 255])).data), bytes([0, 255, 255, 255]))


class Words(unittest.TestCase):
    def test_the_progress_tells_size_evaluation_and_time(self):
        class At:
            evaluations, planned, level, levels, seconds_left = 12, 200, 2, 3, 75.4

        self.assertEqual(progress.text(At), "Size 2 of 3, evaluation 12 of 200, 1:15 left")
        At.levels, At.seconds_left = 1, None
        self.assertEqual(progress.text(At), "Evaluation 12 of 200")
        At.evaluations = 0
        self.assertEqual(progress.text(At), "Reading the style…")


if __name__ == "__main__":
    unittest.main()
