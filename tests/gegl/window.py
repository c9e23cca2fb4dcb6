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


def opened():
    """An image in a window that is large, so that things are where they are expected."""
    def is_large():
        found = subprocess.run(["xdotool", "search", "--name", "GIMP$"], capture_output=True, text=True).stdout.split()
        for number in found:
            subprocess.run(["xdotool", "windowsize", number, "1300", "860"], check=False)
        time.sleep(0.5)
        return main_window().get_component_iface().get_extents(Atspi.CoordType.SCREEN).width >= 1290

    image, display = shown()
    until("a large window", is_large)
    time.sleep(1)
    return image, display


# The canvas, without the panels beside it.
CANVAS = "870x860+195+0"


def screen():
    """A picture of the canvas on the screen, when nothing moves there any more."""
    seen = [os.path.join(OUT, f"gegl-screen-{name}.png") for name in ["before", "now"]]
    take(seen[0])
    until("a quiet screen", lambda: differing(seen) == 0 or os.replace(seen[1], seen[0]))
    return seen


def take(path):
    subprocess.run(["import", "-window", "root", "-crop", CANVAS, "+repage", path], check=True)


def differing(seen):
    """How many pixels are not as they were."""
    time.sleep(0.5)
    take(seen[1])
    line = ["compare", "-metric", "AE", "-fuzz", "4%", *seen, "null:"]
    return float(subprocess.run(line, capture_output=True, text=True).stderr.split()[0])


def changed(seen):
    """How much of the image on the screen is not as it was, from 0 to 1."""
    return differing(seen) / (320 * 240)


def ended(image, display):
    display.delete()
    until("the end of the command", lambda: not processes(), 10)


def the_screen_shows_drafts_and_the_result_and_gimp_works_on():
    image, display = opened()
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


def strokes_on_the_layer_do_not_wait():
    image, display = opened()
    layer = layer_of(image)
    before, seen = pixels(layer), screen()
    existing = filtered(layer, **{**LONG, "iterations": 400})
    until("a draft", lambda: processes() and changed(seen) > 0.5, 120)
    # With the ink tool, as this GIMP has no brushes.
    stroke = ["mousemove", "600", "400", "sleep", "0.3", "key", "k", "sleep", "1", "mousedown", "1"]
    for step in range(8):
        stroke += ["sleep", "0.1", "mousemove", str(605 + 10 * step), str(405 + 5 * step)]
    drawing = subprocess.Popen(["xdotool", *stroke, "mouseup", "1"])
    slowest, end = 0, time.time() + 7
    while time.time() < end:
        start = time.time()
        image.get_precision()
        slowest = max(slowest, time.time() - start)
        time.sleep(0.02)
    screenshot("stroke")
    assert drawing.wait(10) == 0 and pixels(layer) != before, "nothing was drawn"
    assert slowest < 3, f"GIMP has not answered for {slowest:.1f} s"
    until("the next picture", processes, 20)
    existing.delete()
    ended(image, display)


def flattening_in_the_middle_waits_for_the_result():
    image, display = opened()
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
    image, display = opened()
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


def open_dialog():
    menu("Filters", "Artistic", TITLE + " (")
    dialog = until("the dialog", lambda: window(TITLE))
    # Beside the image.
    number = subprocess.run(["xdotool", "search", "--name", TITLE], capture_output=True, text=True).stdout.split()[-1]
    subprocess.run(["xdotool", "windowmove", number, "1310", "0", "windowsize", number, "500", "890"], check=True)
    return dialog


def the_dialog_opens_and_cancel_leaves_all_as_before():
    image, display = opened()
    layer = layer_of(image)
    before, seen = pixels(layer), screen()
    dialog = open_dialog()
    until("the command", processes, 60)
    until("a draft", lambda: changed(seen) > 0.5, 240)
    screenshot("dialog")
    press(button(dialog, "Cancel"))
    until("the end of the command", lambda: not processes(), 20)
    until("the picture as before", lambda: changed(seen) < 0.05, 20)
    assert pixels(layer) == before and not layer.get_filters()
    ended(image, display)


def merging_in_the_middle_waits_for_the_result():
    image, display = opened()
    copy = image.duplicate()
    layer = layer_of(image)
    seen = screen()
    dialog = open_dialog()
    merge = until("the choice", lambda: find(dialog, "check box", "Merge filter"))
    press(merge)
    until("a draft", lambda: processes() and changed(seen) > 0.5, 240)
    press(button(dialog, "OK"))
    until("the end of the command", lambda: not processes(), 240)
    until("the end of the dialog", lambda: not window(TITLE))
    assert not layer.get_filters()
    # The result is kept, and so it is the same without being painted again.
    filtered(layer_of(copy))
    layer_of(copy).merge_filters()
    assert rows(layer, "R'G'B' u8") == rows(layer_of(copy), "R'G'B' u8"), "a draft was taken"
    copy.delete()
    ended(image, display)


tests = Tests("gegl-window")
tests.run(the_screen_shows_drafts_and_the_result_and_gimp_works_on)
tests.run(strokes_on_the_layer_do_not_wait)
tests.run(flattening_in_the_middle_waits_for_the_result)
tests.run(removing_the_filter_ends_the_command)
tests.run(the_dialog_opens_and_cancel_leaves_all_as_before)
tests.run(merging_in_the_middle_waits_for_the_result)
tests.end()
