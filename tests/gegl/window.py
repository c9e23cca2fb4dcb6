"""The operation in GIMP with its windows: drafts while it paints, the dialog, cancel, flatten, and GIMP at work meanwhile."""

import os
import subprocess
import sys
import time

os.environ["IMPASTO_SUITE"] = "gegl"
sys.path[:0] = [os.path.join(os.environ["IMPASTO_CHECKOUT"], "tests", name) for name in ["gimp", "gegl"]]
from inside import *  # noqa: E402,F403
from windows import *  # noqa: E402,F403

TITLE = "Neural Style Transfer"
SOON = {"size": 240, "iterations": 30, "style": "mosaic"}
LONG = {"size": 320, "iterations": 20000}


def filtered(layer, **parameters):
    new = Gimp.DrawableFilter.new(layer, "impasto:style-transfer", "painted")
    for name, value in parameters.items():
        new.get_config().set_property(name, value)
    new.update()
    layer.append_filter(new)
    Gimp.displays_flush()
    return new


def screen():
    """A picture of the screen, when nothing moves there any more."""
    paths = [os.path.join(OUT, f"gegl-screen-{name}.png") for name in ["before", "now"]]
    subprocess.run(["import", "-window", "root", paths[0]], check=True)
    until("a quiet screen", lambda: differing(paths) == 0 or os.replace(paths[1], paths[0]))
    return paths


def differing(paths):
    """How many pixels of the screen are not as they were."""
    time.sleep(0.5)
    subprocess.run(["import", "-window", "root", paths[1]], check=True)
    line = ["compare", "-metric", "AE", "-fuzz", "4%", *paths, "null:"]
    return float(subprocess.run(line, capture_output=True, text=True).stderr.split()[0])


def changed(paths):
    """How much of the image on the screen is not as it was, from 0 to 1."""
    return differing(paths) / (320 * 240)


def ended(image, display):
    display.delete()
    until("the end of the command", lambda: not processes(), 10)


def the_screen_shows_drafts_and_the_result_and_gimp_works_on():
    image, display = shown()
    layer = layer_of(image)
    before, seen = pixels(layer), screen()
    slowest = 0
    filtered(layer, **SOON)
    until("the command", processes, 60)
    until("a draft", lambda: processes() and changed(seen) > 0.5, 120)
    screenshot("draft")
    while processes():
        start = time.time()
        # GIMP answers from its main loop.
        image.get_precision()
        slowest = max(slowest, time.time() - start)
        time.sleep(0.02)
    assert slowest < 3, f"GIMP has not answered for {slowest:.1f} s"
    time.sleep(2)
    screenshot("painted")
    assert changed(seen) > 0.5 and pixels(layer) == before
    ended(image, display)


def flattening_in_the_middle_waits_for_the_result():
    image, display = shown()
    filtered(layer_of(image), **{**SOON, "seed": 1, "style": "pencil"})
    until("the command", processes, 60)
    time.sleep(1)
    copy = image.duplicate()
    image.flatten()
    flat = rows(layer_of(image), "R'G'B' u8")
    assert not processes(), "it did not wait"
    layer_of(copy).merge_filters()
    assert flat == rows(layer_of(copy), "R'G'B' u8"), "a draft was taken"
    copy.delete()
    ended(image, display)


def removing_the_filter_ends_the_command():
    image, display = shown()
    layer = layer_of(image)
    before, seen = pixels(layer), screen()
    existing = filtered(layer, **LONG)
    until("the command", processes, 60)
    until("a draft", lambda: changed(seen) > 0.5, 120)
    existing.delete()
    Gimp.displays_flush()
    until("the end of the command", lambda: not processes(), 20)
    until("the picture as before", lambda: changed(seen) < 0.1, 20)
    assert pixels(layer) == before and not layer.get_filters()
    ended(image, display)


def the_dialog_opens_and_cancel_leaves_all_as_before():
    image, display = shown()
    layer = layer_of(image)
    before, seen = pixels(layer), screen()
    menu("Filters", "Artistic", TITLE + " (")
    dialog = until("the dialog", lambda: window(TITLE))
    until("the command", processes, 60)
    until("a draft", lambda: changed(seen) > 2, 240)
    screenshot("dialog")
    press(button(dialog, "Cancel"))
    until("the end of the command", lambda: not processes(), 20)
    until("the picture as before", lambda: changed(seen) < 0.1, 20)
    assert pixels(layer) == before and not layer.get_filters()
    ended(image, display)


tests = Tests("gegl-window")
tests.run(the_screen_shows_drafts_and_the_result_and_gimp_works_on)
tests.run(flattening_in_the_middle_waits_for_the_result)
tests.run(removing_the_filter_ends_the_command)
tests.run(the_dialog_opens_and_cancel_leaves_all_as_before)
tests.end()
