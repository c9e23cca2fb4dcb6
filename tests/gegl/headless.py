"""The operation as a non-destructive filter in gimp-console: scripts, files, precisions, failures."""

import os
import signal
import subprocess
import sys
import threading
import time

sys.path[:0] = [os.path.join(os.environ["IMPASTO_CHECKOUT"], "tests", name) for name in ["gimp", "gegl"]]
from inside import *  # noqa: E402,F403
from common import until  # noqa: E402

QUICK = {"size": 64, "iterations": 4, "style": "mosaic"}
LONG = {"size": 72, "iterations": 20000}
FOLDER = os.path.join(os.environ["HOME"], "pictures")
P = Gimp.Precision


def filtered(layer, **parameters):
    """A layer with the operation as a filter."""
    new = Gimp.DrawableFilter.new(layer, "impasto:style-transfer", "painted")
    change(new, **parameters)
    layer.append_filter(new)
    return new


def change(existing, **parameters):
    config = existing.get_config()
    for name, value in parameters.items():
        config.set_property(name.replace("_", "-"), value)
    existing.update()


def started():
    """How many pictures the command has begun."""
    try:
        with open(os.environ["IMPASTO_STARTS"]) as file:
            return sum("--progress" in line for line in file)
    except FileNotFoundError:
        return 0


def painting():
    """The process numbers of the command, without one that is only asked for its version."""
    def paints(number):
        with open(f"/proc/{number}/cmdline") as line:
            return "--progress" in line.read()

    return [number for number in processes() if paints(number)]


def saved(image, name):
    path = os.path.join(FOLDER, name)
    assert Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, file(path), None), name
    return path


def exported(image, name="out.png"):
    """The pixels of the image as a file that is exported."""
    image = load(saved(image, name))
    found = rows(layer_of(image), "R'G'B'A u8")
    image.delete()
    return found


def worst(one, other):
    return max(abs(a - b) for ra, rb in zip(one, other) for a, b in zip(b"".join(ra), b"".join(rb)))


def a_filter_is_kept_in_a_file_and_not_painted_again():
    image = photograph()
    layer = layer_of(image)
    before = pixels(layer)
    plain = exported(image)
    existing = filtered(layer, **QUICK, strength=70.1, style_scale=0.35)
    count = started()
    painted = exported(image)
    assert worst(painted, plain) > 30 and started() == count + 1
    assert pixels(layer) == before, "the layer's own pixels have changed"
    path = saved(image, "document.xcf")
    image.delete()
    image = load(path)
    [existing] = layer_of(image).get_filters()
    config = existing.get_config()
    found = {name: config.get_property(name) for name in ["size", "iterations", "style"]}
    assert existing.get_operation_name() == "impasto:style-transfer" and found == QUICK, found
    assert abs(config.get_property("strength") - 70.1) < 1e-4
    assert pixels(layer_of(image)) == before
    assert exported(image) == painted and started() == count + 1, "it was painted again"
    layer_of(image).merge_filters()
    assert rows(layer_of(image), "R'G'B'A u8") == painted and started() == count + 1
    image.delete()


def a_style_picture_is_named_by_a_script():
    image = photograph()
    existing = filtered(layer_of(image), **QUICK)
    with_mosaic = exported(image)
    change(existing, style_path=WHIRLS)
    with_whirls = exported(image)
    assert worst(with_mosaic, with_whirls) > 30
    path = saved(image, "style.xcf")
    image.delete()
    image = load(path)
    [existing] = layer_of(image).get_filters()
    assert existing.get_config().get_property("style-path") == WHIRLS
    image.delete()


def scripts_see_every_property_but_the_file():
    image = photograph()
    new = Gimp.DrawableFilter.new(layer_of(image), "impasto:style-transfer", "painted")
    seen = {p.name for p in new.get_config().list_properties()}
    with open(os.path.join(CHECKOUT, "plugin-gegl", "parameters.h")) as header:
        lines = [line for line in header if line.startswith("property_")]
    names = {line.split("(")[1].split(",")[0].replace("_", "-") for line in lines}
    assert len(names) > 15 and seen == names | {"style-path", "model", "device", "max-memory"}, seen ^ names
    image.delete()


def every_kind_of_image(base, alpha, precision):
    image = photograph_of(base, precision)
    layer = layer_of(image)
    if alpha:
        layer.add_alpha()
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 30, 20)
        layer.edit_clear()
        Gimp.Selection.none(image)
    before = rows(layer, "R'G'B'A u8")
    filtered(layer, **QUICK)
    layer.merge_filters()
    after = rows(layer, "R'G'B'A u8")
    assert layer.get_image().get_precision() == precision
    changed = sum(a != b for ra, rb in zip(after, before) for a, b in zip(ra, rb))
    # In eight linear bits dark greys have coarse steps, and some stay as they are.
    assert changed > 0.5 * len(after) * len(after[0]), f"only {changed} pixels have changed"
    assert [[p[3] for p in row] for row in after] == [[p[3] for p in row] for row in before], "alpha has changed"
    image.delete()


def only_the_selection_is_painted():
    image = photograph()
    layer = layer_of(image)
    before = rows(layer, "R'G'B'A u8")
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 10, 40, 30)
    filtered(layer, **QUICK)
    painted = exported(image)
    inside = outside = 0
    for y, row in enumerate(painted):
        for x, pixel in enumerate(row):
            if 10 <= x < 50 and 10 <= y < 40:
                inside += pixel != before[y][x]
            else:
                outside += pixel != before[y][x]
    assert outside == 0 and inside > 1000, (inside, outside)
    image.delete()


def what_fails_leaves_the_picture(name, parameters):
    image = photograph()
    plain = exported(image)
    existing = filtered(layer_of(image), **{**QUICK, **parameters})
    assert exported(image) == plain, name
    # It is tried again when something changes.
    change(existing, **QUICK, style_path="", device="cpu", max_memory=0)
    assert worst(exported(image), plain) > 30
    image.delete()


def the_command_is_killed_in_the_middle():
    image = photograph()
    plain = exported(image)
    existing = filtered(layer_of(image), **{**QUICK, **LONG})
    killer = threading.Thread(target=lambda: os.kill(until("the command", painting, 60)[0], signal.SIGKILL))
    killer.start()
    assert exported(image) == plain
    killer.join()
    change(existing, **QUICK)
    assert worst(exported(image), plain) > 30
    image.delete()


def a_copy_of_the_image_is_not_painted_again():
    image = photograph()
    filtered(layer_of(image), **QUICK, seed=5)
    painted, count = exported(image), started()
    copy = image.duplicate()
    assert exported(copy) == painted and started() == count
    # What is below the filter has changed.
    layer_of(copy).invert(False)
    assert worst(exported(copy), painted) > 30 and started() == count + 1
    for one in [image, copy]:
        one.delete()


def the_script_of_the_documentation():
    with open(os.path.join(CHECKOUT, "docs", "gegl.md")) as page:
        [script] = [part.split("```")[0] for part in page.read().split("```python\n")[1:]]
    image = photograph()
    plain = exported(image)
    exec(script, {"Gimp": Gimp, "layer": layer_of(image)})
    assert worst(exported(image), plain) > 30
    image.delete()


os.makedirs(FOLDER)
tests = Tests("gegl-headless")
tests.run(a_filter_is_kept_in_a_file_and_not_painted_again)
tests.run(a_style_picture_is_named_by_a_script)
tests.run(scripts_see_every_property_but_the_file)
for case in [("rgb", False, P.U8_NON_LINEAR), ("rgb", True, P.U8_NON_LINEAR), ("grey", True, P.U8_NON_LINEAR),
             ("rgb", True, P.U8_LINEAR), ("rgb", True, P.U16_NON_LINEAR), ("grey", False, P.HALF_LINEAR),
             ("rgb", True, P.FLOAT_LINEAR), ("rgb", False, P.DOUBLE_NON_LINEAR)]:
    tests.run(every_kind_of_image, *case)
tests.run(only_the_selection_is_painted)
for name, parameters in [("bad style", {"style_path": os.path.join(CHECKOUT, "README.md")}), ("no memory", {"max_memory": 1, "seed": 7}),
                         ("no device", {"device": "abacus"})]:
    tests.run(what_fails_leaves_the_picture, name, parameters)
tests.run(the_command_is_killed_in_the_middle)
tests.run(a_copy_of_the_image_is_not_painted_again)
tests.run(the_script_of_the_documentation)
tests.end()
