"""The filter in gimp-console: every kind of image, selections, layers, errors, and a filter that is killed."""

import json
import os
import signal
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.environ["IMPASTO_CHECKOUT"], "tests", "gimp"))
from inside import *  # noqa: E402,F403

P = Gimp.Precision
PRECISIONS = [
    getattr(P, name)
    for name in [f"{sample}_{trc}" for sample in ["U8", "U16", "U32", "HALF", "FLOAT", "DOUBLE"]
                 for trc in ["LINEAR", "NON_LINEAR", "PERCEPTUAL"]]
]


def select_left_half(image):
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, image.get_width() // 2, image.get_height())


def every_kind_of_image(base, alpha, precision):
    image = photograph_of(base, precision)
    layer = layer_of(image)
    if alpha:
        layer.add_alpha()
    select_left_half(image)
    before = rows(layer)
    succeeds(image, output="in-place")
    after = rows(layer)
    half = image.get_width() // 2
    assert [r[half:] for r in after] == [r[half:] for r in before], "pixels outside of the selection have changed"
    changed = sum(a != b for ra, rb in zip(after, before) for a, b in zip(ra[:half], rb[:half]))
    # In eight linear bits dark greys have coarse steps, and some stay as they are.
    assert changed > 0.8 * half * len(after), f"only {changed} of {half * len(after)} pixels have changed"
    succeeds(image)
    above = image.get_layers()[0]
    assert (above.has_alpha(), above.get_image().get_precision()) == (layer.has_alpha(), precision)
    assert rows(layer) == after, "the layer below has changed"
    image.delete()


def without_a_selection_the_result_is_a_new_layer_above():
    image = photograph()
    layer = layer_of(image)
    layer.set_opacity(80)
    before = pixels(layer)
    succeeds(image)
    above, below = image.get_layers()
    assert below.get_id() == layer.get_id() and pixels(below) == before
    assert above.get_name() == layer.get_name() + ", painted"
    assert above.get_mask() is None and above.get_opacity() == 80
    assert pixels(above) != before
    image.delete()


def a_soft_selection_mixes():
    results = {}
    for output in ["new-layer", "in-place"]:
        image = photograph()
        image.select_ellipse(Gimp.ChannelOps.REPLACE, 20, 14, 30, 26)
        Gimp.Selection.feather(image, 10)
        selected = rows(image.get_selection(), "Y u8")
        before = rows(layer_of(image), "R'G'B' u8")
        succeeds(image, output=output)
        results[output] = image
    above = results["new-layer"].get_layers()[0]
    painted, mask = rows(above, "R'G'B' u8"), rows(above.get_mask(), "Y u8")
    mixed = rows(layer_of(results["in-place"]), "R'G'B' u8")
    assert max(abs(m[0] - s[0]) for mr, sr in zip(mask, selected) for m, s in zip(mr, sr)) <= 1
    soft = 0
    for y, row in enumerate(selected):
        for x, (value,) in enumerate(row):
            if value == 0:
                assert mixed[y][x] == before[y][x] and painted[y][x] == before[y][x]
            elif value == 255:
                assert all(abs(a - b) <= 1 for a, b in zip(mixed[y][x], painted[y][x]))
            else:
                soft += 1
                for m, b, p in zip(mixed[y][x], before[y][x], painted[y][x]):
                    assert min(b, p) - 1 <= m <= max(b, p) + 1
    assert soft > 100, "the selection is not soft"
    # What is seen is the same, either way.
    for image in results.values():
        image.flatten()
    seen = [rows(layer_of(image), "R'G'B' u8") for image in results.values()]
    worst = differences(*seen)
    assert worst <= 2, worst
    for image in results.values():
        image.delete()


def a_layer_with_offset_and_alpha():
    image = photograph(96, 64)
    layer = layer_of(image)
    layer.add_alpha()
    layer.resize(60, 48, -20, -8)
    layer.set_offsets(20, 8)
    data = bytearray(pixels(layer, "R'G'B'A u8"))
    for y in range(48):
        for x in range(60):
            data[(y * 60 + x) * 4 + 3] = 0 if x < 20 else 128 if x < 30 else 255
    write(layer, "R'G'B'A u8", bytes(data))
    before = rows(layer)
    assert before[5][5][3] == 0 and any(before[5][5][:3]), "there is colour where it is transparent"
    # The selection reaches over the layer's edge.
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 60, 64)
    succeeds(image)
    above = image.get_layers()[0]
    assert above.get_offsets()[1:] == layer.get_offsets()[1:] == (20, 8)
    painted, mask = rows(above), rows(above.get_mask(), "Y u8")
    for y in range(48):
        for x in range(60):
            assert painted[y][x][3] == before[y][x][3], "alpha has changed"
            assert (mask[y][x][0] == 255) == (x < 40), "the mask is not where the selection is"
            if x < 20:
                assert painted[y][x] == before[y][x], "a transparent pixel has changed"
    assert sum(painted[y][x] != before[y][x] for y in range(48) for x in range(20, 40)) > 800
    succeeds(image, drawables=[layer], output="in-place")
    after = rows(layer)
    for y in range(48):
        for x in range(60):
            same = after[y][x] == before[y][x]
            assert same or 20 <= x < 40
    image.delete()


def a_layer_mask_is_kept():
    image = photograph()
    layer = layer_of(image)
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    layer.add_mask(mask)
    width, height = layer.get_width(), layer.get_height()
    write(mask, "Y u8", bytes(255 if y < height // 2 else 64 for y in range(height) for _ in range(width)))
    layer.set_edit_mask(False)
    select_left_half(image)
    succeeds(image, drawables=[layer])
    new = rows(image.get_layers()[0].get_mask(), "Y u8")
    for y in range(height):
        for x in range(width):
            wanted = (255 if y < height // 2 else 64) if x < width // 2 else 0
            assert abs(new[y][x][0] - wanted) <= 1, (x, y, new[y][x], wanted)
    image.delete()


def a_layer_in_a_group_and_the_group_itself():
    image = photograph()
    layer = layer_of(image)
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    image.reorder_item(layer, group, 0)
    succeeds(image, drawables=[layer])
    assert [child.get_name() for child in group.get_children()] == [layer.get_name() + ", painted", layer.get_name()]
    fails(image, "group", drawables=[group], output="in-place")
    succeeds(image, drawables=[group])
    assert image.get_layers()[0].get_name() == "group, painted"
    image.delete()


def a_channel_is_painted_in_place():
    image = photograph()
    channel = Gimp.Channel.new_from_component(image, Gimp.ChannelType.RED, "red")
    image.insert_channel(channel, None, 0)
    before = pixels(channel)
    succeeds(image, drawables=[channel])
    assert pixels(channel) != before and len(image.get_layers()) == 1
    image.delete()


def a_style_from_file_layer_and_image_is_the_same():
    style = load(WHIRLS)
    extra = Gimp.Layer.new(style, "unseen", 8, 8, Gimp.ImageType.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
    style.insert_layer(extra, None, 0)
    bottom = style.get_layers()[1]
    photograph().delete()
    before = Gimp.get_images()
    results = []
    given = {"style_file": file(WHIRLS)}
    for arguments in [
        given,
        {"style_layer": bottom},
        {"style_image": style},
        {**given, "style_layer": extra, "style_from": "file"},
        {**given, "style_layer": bottom, "style_from": "layer"},
        {**given, "style_image": style, "style_from": "image"},
    ]:
        image = photograph()
        succeeds(image, **arguments)
        results.append(pixels(image.get_layers()[0]))
        image.delete()
    assert all(result == results[0] for result in results)
    assert len(Gimp.get_images()) == len(before), "an image was left open"
    assert len(style.get_layers()) == 2, "the style image has changed"
    style.delete()


def the_colour_profile_is_honoured():
    seen = []
    for profile in [None, Gimp.ColorProfile.new_rgb_adobe()]:
        image = photograph()
        image.convert_precision(P.FLOAT_NON_LINEAR)
        if profile:
            assert image.convert_color_profile(profile, Gimp.ColorRenderingIntent.RELATIVE_COLORIMETRIC, True)
        succeeds(image)
        above = image.get_layers()[0]
        seen.append([struct.unpack("f", pixels(above, "Y' float")[i * 4 :][:4])[0] for i in range(72 * 54)])
        image.delete()
    worst = max(abs(a - b) for a, b in zip(*seen))
    # In another profile the same colours are the same picture; a few out of sRGB's range are not.
    mean = sum(abs(a - b) for a, b in zip(*seen)) / len(seen[0])
    assert mean < 0.01, (mean, worst)


def the_style_pictures_of_the_filter_are_painted_by_name():
    folder = os.path.join(os.environ["IMPASTO_CHECKOUT"], "assets", "styles")
    with open(os.path.join(folder, "styles.json"), encoding="utf-8") as descriptions:
        known = [style["id"] for style in json.load(descriptions)]
    argument = PDB.lookup_procedure("plug-in-impasto").find_argument("style-name")
    assert list(Gimp.param_spec_choice_get_choice(argument).list_nicks()) == known
    results = []
    for arguments in [
        {"style_from": "built-in", "style_name": "mosaic"},
        {"style_file": file(os.path.join(folder, "mosaic.jpg"))},
        {"style_from": "built-in"},
    ]:
        image = photograph()
        succeeds(image, **arguments)
        results.append(rows(image.get_layers()[0], "R'G'B' u8"))
        image.delete()
    # libimpasto decodes its own pictures by itself, and not quite as GIMP does.
    assert differences(results[0], results[1]) <= 3, differences(results[0], results[1])
    assert differences(results[0], results[2]) > 30


def a_second_style_has_its_share_wherever_the_styles_come_from():
    as_file = lambda name: file(os.path.join(CHECKOUT, "assets", "styles", name + ".jpg"))
    firsts = [{"style_from": "built-in", "style_name": "ink-wash"}, {"style_file": as_file("ink-wash")}]
    seconds = [{"blend_from": "built-in", "blend_name": "night-lights"}, {"blend_file": as_file("night-lights")}]
    results = {}
    for share in [25.0, 100.0]:
        for first in firsts:
            for second in seconds:
                image = photograph()
                succeeds(image, blend_share=share, **first, **second)
                results.setdefault(share, []).append(rows(image.get_layers()[0], "R'G'B' u8"))
                image.delete()
    # libimpasto decodes its own pictures by itself, and not quite as GIMP does.
    for share, pictures in results.items():
        apart = [differences(pictures[0], other) for other in pictures[1:]]
        assert max(apart) <= 8, (share, apart)
    assert differences(results[25.0][0], results[100.0][0]) > 30
    # A file that stays when no second style is wanted any more.
    image = photograph()
    succeeds(image, **firsts[0], **seconds[1], blend_from="none")
    alone = rows(image.get_layers()[0], "R'G'B' u8")
    image.delete()
    image = photograph()
    succeeds(image, **firsts[0])
    assert rows(image.get_layers()[0], "R'G'B' u8") == alone
    image.delete()


def grey_stays_grey_and_settings_have_effects():
    pictures = set()
    for arguments in [
        {}, {"strength": 20.0}, {"stroke_size": 0.5}, {"colours": "content"}, {"colours": "matched"}, {"size": 48},
        {"iterations": 9}, {"colours": "histogram"}, {"colours": "content", "colour_strength": 30.0},
        {"style_loss": "moments"}, {"start": "recoloured"}, {"start": "noise"}, {"smoothness": 1000.0},
        {"style_fit": "crop"}, {"border": "replicate"}, {"pooling": "average"}, {"tap_weights": "style/relu1_1=9"},
        {"blend_file": file(DUSK)}, {"blend_file": file(DUSK), "blend_share": 90.0},
        {"blend_file": file(DUSK), "blend_size": 0.4},
    ]:
        image = photograph()
        succeeds(image, **arguments)
        pictures.add(pixels(image.get_layers()[0]))
        image.delete()
    assert len(pictures) == 20, "a setting does nothing"


def a_second_style_is_painted_in_its_region():
    results = {}
    for half in ["left", "right", "both"]:
        image = photograph()
        layer = layer_of(image)
        # The layer lies elsewhere than the image; the region is a channel of the image.
        layer.set_offsets(5, 3)
        light, dark = (os.path.join(CHECKOUT, "assets", "styles", f"{name}.jpg") for name in ("watercolour", "night-lights"))
        arguments = {"blend_file": file(dark), "style_file": file(light), "iterations": 40}
        if half != "both":
            image.select_rectangle(Gimp.ChannelOps.REPLACE, 0 if half == "left" else 41, 0, 41, 80)
            arguments["blend_region"] = Gimp.Selection.save(image)
            Gimp.Selection.none(image)
        succeeds(image, drawables=[layer], **arguments)
        painted = next(l for l in image.get_layers() if l.get_name().endswith(", painted"))
        values = rows(painted, "R'G'B' u8")
        results[half] = [sum(sum(pixel) for row in values for pixel in row[part]) for part in
                         [slice(0, 32), slice(40, 72)]]
        image.delete()
    # The two styles differ in brightness, and each half has the brightness of its own.
    left, right = results["left"], results["right"]
    assert abs(left[0] - right[0]) > 0.03 * right[0] and abs(left[1] - right[1]) > 0.03 * right[1], results
    assert (left[0] - right[0]) * (left[1] - right[1]) < 0, results


def a_layer_is_where_it_starts():
    image = photograph()
    layer = layer_of(image)
    succeeds(image, iterations=9)
    painted = image.get_layers()[0]
    # A single evaluation is that of the start.
    succeeds(image, drawables=[layer], start="layer", start_layer=painted, iterations=1, size=72)
    again = next(l for l in image.get_layers() if l not in (layer, painted))
    assert differences(rows(again, "R'G'B' u8"), rows(painted, "R'G'B' u8")) <= 2
    image.remove_layer(again)
    # Beyond the layer's borders the picture is the start.
    painted.resize(30, 54, -42, 0)
    succeeds(image, drawables=[layer], start="layer", start_layer=painted, iterations=1, size=72)
    again = next(l for l in image.get_layers() if l not in (layer, painted))
    wanted = [below[:42] + above for below, above in
              zip(rows(layer, "R'G'B' u8"), rows(painted, "R'G'B' u8"))]
    assert differences(rows(again, "R'G'B' u8"), wanted) <= 2
    image.remove_layer(again)
    fails(image, "no layer to start from", drawables=[layer], start="layer")
    image.delete()


def filtered(layer, operation="gegl:invert-linear", **settings):
    """Puts a non-destructive filter on a layer."""
    effect = Gimp.DrawableFilter.new(layer, operation, "seen")
    effect.set_blend_mode(Gimp.LayerMode.REPLACE)
    for name, value in settings.items():
        effect.get_config().set_property(name.replace("_", "-"), value)
    effect.update()
    layer.append_filter(effect)


def filters_on_the_layer_are_painted_as_they_are_seen(output):
    image = photograph()
    layer = layer_of(image)
    before = rows(layer, "R'G'B' u8")
    filtered(layer)
    seen = rows(Gimp.Layer.new_from_visible(image, image, "seen"), "R'G'B' u8")
    assert differences(seen, before) > 50, "the filter does nothing"
    layer.set_offsets(4, 3)
    layers, images = len(image.get_layers()), len(Gimp.get_images())
    # A single evaluation returns its start: what is seen.
    succeeds(image, drawables=[layer], iterations=1, size=72, output=output)
    if output == "in-place":
        assert len(image.get_layers()) == layers and not layer.get_filters()
        assert differences(rows(layer, "R'G'B' u8"), seen) <= 2
    else:
        above = image.get_layers()[0]
        assert above.get_offsets()[1:] == (4, 3) and not above.get_filters()
        assert differences(rows(above, "R'G'B' u8"), seen) <= 2
        assert len(layer.get_filters()) == 1 and rows(layer, "R'G'B' u8") == before, "the layer below has changed"
    assert len(Gimp.get_images()) == images, "an image was left open"
    image.delete()


def a_filter_that_enlarges_the_layer_keeps_it_in_its_place(output):
    image = photograph()
    layer = layer_of(image)
    layer.add_alpha()
    layer.resize(40, 30, -20, -10)
    layer.set_offsets(20, 10)
    filtered(layer, "gegl:dropshadow", x=6.0, y=4.0)
    seen = rows(Gimp.Layer.new_from_visible(image, image, "seen"), "R'G'B'A u8")
    succeeds(image, drawables=[layer], iterations=1, size=40, output=output)
    result = layer if output == "in-place" else image.get_layers()[0]
    assert (result.get_width(), result.get_height(), result.get_offsets()[1:]) == (40, 30, (20, 10))
    wanted = [row[20:60] for row in seen[10:40]]
    assert differences(rows(result, "R'G'B'A u8"), wanted) <= 2
    image.delete()


def a_style_layer_is_taken_as_it_is_seen():
    style = load(WHIRLS)
    plain = layer_of(style)
    results = []
    for change in [lambda: None, lambda: filtered(plain), plain.merge_filters]:
        change()
        image = photograph()
        succeeds(image, style_layer=plain)
        results.append(pixels(image.get_layers()[0]))
        image.delete()
    assert results[0] != results[1] == results[2]
    style.delete()


def odd_layers_are_painted(output):
    image = photograph()
    layer = layer_of(image)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 10, 40, 30)
    Gimp.edit_copy([layer])
    floating = Gimp.edit_paste(layer, False)[0]
    before = pixels(floating)
    succeeds(image, drawables=[floating], output="in-place")
    assert pixels(floating) != before
    Gimp.floating_sel_anchor(floating)
    Gimp.Selection.none(image)
    layer.set_lock_alpha(True)
    succeeds(image, drawables=[layer], output=output)
    # The layer reaches out of the image on all sides, and the selection out of both.
    layer.resize(200, 150, 60, 50)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, -10, -10, 400, 400)
    succeeds(image, drawables=[layer], output=output)
    assert (layer.get_width(), layer.get_height(), layer.get_offsets()[1:]) == (200, 150, (-60, -50))
    image.delete()


def a_text_layer_is_painted(output):
    image = photograph()
    text = Gimp.TextLayer.new(image, "Impasto", Gimp.context_get_font(), 18, Gimp.Unit.pixel())
    image.insert_layer(text, None, 0)
    text.set_offsets(3, 4)
    text.set_color(Gegl.Color.new("orange"))
    before = rows(text)
    assert 0 < sum(pixel[3] > 0 for row in before for pixel in row) < len(before) * len(before[0])
    succeeds(image, drawables=[text], output=output)
    if output == "in-place":
        painted = text
    else:
        painted = image.get_layers()[0]
        assert painted.get_name() == text.get_name() + ", painted" and not painted.is_text_layer()
        assert rows(text) == before and text.is_text_layer() and text.get_text() == "Impasto"
    after = rows(painted)
    assert painted.get_offsets()[1:] == (3, 4) and (len(after), len(after[0])) == (len(before), len(before[0]))
    pairs = [(a, b) for ra, rb in zip(after, before) for a, b in zip(ra, rb)]
    assert all(a[3] == b[3] for a, b in pairs), "alpha has changed"
    assert all(a == b for a, b in pairs if b[3] == 0), "a transparent pixel has changed"
    letters = [a != b for a, b in pairs if b[3] > 128]
    assert letters and sum(letters) > 0.8 * len(letters), (sum(letters), len(letters))
    image.delete()


def shown_on_the_canvas_the_result_is_the_same(output):
    results = []
    for on_canvas in [False, True]:
        image = photograph()
        layer = layer_of(image)
        layer.add_alpha()
        layer.resize(90, 70, 9, 8)
        group = Gimp.GroupLayer.new(image, "group")
        image.insert_layer(group, None, 0)
        image.reorder_item(layer, group, 0)
        image.select_ellipse(Gimp.ChannelOps.REPLACE, 20, 14, 30, 26)
        Gimp.Selection.feather(image, 10)
        image.clean_all()
        succeeds(image, drawables=[layer], output=output, on_canvas=on_canvas)
        layers = group.get_children()
        assert len(layers) == (1 if output == "in-place" else 2), [l.get_name() for l in layers]
        assert image.is_dirty() and len(image.get_layers()) == 1
        results.append([(l.get_name(), pixels(l), l.get_mask() and pixels(l.get_mask())) for l in layers])
        results[-1].append([l.get_name() for l in image.get_selected_layers()])
        image.delete()
    assert results[0] == results[1]


def shown_on_the_canvas_an_error_leaves_the_image():
    for dirty in [False, True]:
        image = photograph()
        if not dirty:
            image.clean_all()
        selected = image.get_selected_layers()
        for word, arguments in [
            ("LICENSE-MIT", {"style_file": file(os.path.join(CHECKOUT, "LICENSE-MIT"))}),
            ("MiB of memory", {"size": 4096, "memory": 0.2}),
            ("style/relu9_1", {"tap_weights": "style/relu9_1=2"}),
        ]:
            fails(image, word, on_canvas=True, **arguments)
            assert image.is_dirty() == dirty and image.get_selected_layers() == selected
        image.delete()
    # A channel has no layer above it, and is painted as ever.
    image = photograph()
    channel = Gimp.Channel.new_from_component(image, Gimp.ChannelType.RED, "red")
    image.insert_channel(channel, None, 0)
    before = pixels(channel)
    succeeds(image, drawables=[channel], on_canvas=True)
    assert pixels(channel) != before and len(image.get_layers()) == 1
    image.delete()


def scripts_do_not_change_the_recent_styles():
    assert not os.path.exists(RECENT_STYLES), "a script has changed the list of recent styles"


def differences(a, b):
    return max(abs(p - q) for ra, rb in zip(a, b) for pa, pb in zip(ra, rb) for p, q in zip(pa, pb))


def the_same_arguments_give_the_same_picture():
    pictures = set()
    for _ in range(2):
        image = photograph()
        succeeds(image, seed=7)
        pictures.add(pixels(image.get_layers()[0]))
        image.delete()
    assert len(pictures) == 1


def the_picture_is_the_commands():
    with open(os.path.join(CHECKOUT, "tests", "hosts", "job.json")) as job:
        arguments = json.load(job)
    image, wanted = (load(os.path.join(REFERENCE, name)) for name in ["content.png", "wanted.png"])
    succeeds(image, style_from="built-in", style_name=arguments.pop("style"), style_file=None, **arguments)
    assert pixels(image.get_layers()[0], "R'G'B' u8") == pixels(layer_of(wanted), "R'G'B' u8")
    image.delete()
    wanted.delete()


def bad_arguments_give_errors():
    image = photograph()
    fails(image, "no style picture", style_file=None)
    fails(image, "LICENSE-MIT", "cannot be opened", style_file=file(os.path.join(CHECKOUT, "LICENSE-MIT")))
    # GIMP itself refuses a file that is not there.
    fails(image, style_file=file("/nowhere.png"))
    fails(image, "one layer", "0", drawables=[])
    second = layer_of(image).copy()
    image.insert_layer(second, None, 0)
    fails(image, "one layer", "2", drawables=image.get_layers())
    fails(image, "there is no model 'nothing'", model="nothing")
    fails(image, "/nowhere.onnx", model="/nowhere.onnx")
    fails(image, "relu1_1", tap_weights="relu1_1")
    fails(image, "style/relu9_1", tap_weights="style/relu9_1=2")
    fails(image, "LICENSE-MIT", "cannot be opened", blend_file=file(os.path.join(CHECKOUT, "LICENSE-MIT")))
    fails(image, "MiB of memory", "size", size=4096, memory=0.2, drawables=[second])
    fails(image, "Two style pictures", style_layer=second, style_image=image, drawables=[second])
    second.set_lock_content(True)
    fails(image, "locked", drawables=[second], output="in-place")
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 5, 5)
    second.set_lock_content(False)
    second.set_offsets(30, 30)
    fails(image, "does not touch", drawables=[second])
    image.delete()


def a_graphics_card_that_is_not_there_is_an_error():
    image = photograph()
    fails(image, "cuda", "cpu", device="cuda")
    image.delete()


def an_indexed_image_is_refused():
    image = photograph()
    image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 16, False, True, "")
    status, error = stylise(image)
    assert status != SUCCESS and error, (status, error)
    image.delete()


def a_filter_that_is_killed_leaves_all_as_it_was(output, *on_canvas):
    image = photograph(480, 360)
    layer = layer_of(image)
    image.clean_all()
    before, killed = pixels(layer), []

    def kill():
        for _ in range(200):
            time.sleep(0.05)
            # With a layer on the canvas there are two, of which the later one paints. That is the one that Cancel ends.
            if len(processes()) > len(on_canvas):
                time.sleep(1.0 + 3.0 * len(on_canvas))
                # Now, as one of a job before may have been on its way out.
                killed.append(processes()[-1])
                os.kill(killed[0], signal.SIGKILL)
                return

    killer = threading.Thread(target=kill)
    killer.start()
    status, _ = stylise(image, iterations=5000, size=320, output=output, on_canvas=bool(on_canvas))
    killer.join()
    assert killed, "the filter was never seen"
    assert status != SUCCESS
    assert pixels(layer) == before and len(image.get_layers()) == 1 and not image.is_dirty()
    # GIMP goes on, and so does the filter.
    succeeds(image)
    assert len(image.get_layers()) == 2
    image.delete()


tests = Tests("headless")
for precision in PRECISIONS:
    for base in ["colour", "grey"]:
        for alpha in [False, True]:
            tests.run(every_kind_of_image, base, alpha, precision)
tests.run(without_a_selection_the_result_is_a_new_layer_above)
tests.run(a_soft_selection_mixes)
tests.run(a_layer_with_offset_and_alpha)
tests.run(a_layer_mask_is_kept)
tests.run(a_layer_in_a_group_and_the_group_itself)
tests.run(a_channel_is_painted_in_place)
tests.run(a_style_from_file_layer_and_image_is_the_same)
tests.run(the_style_pictures_of_the_filter_are_painted_by_name)
tests.run(a_second_style_has_its_share_wherever_the_styles_come_from)
tests.run(the_colour_profile_is_honoured)
tests.run(grey_stays_grey_and_settings_have_effects)
tests.run(a_second_style_is_painted_in_its_region)
tests.run(a_layer_is_where_it_starts)
for output in ["new-layer", "in-place"]:
    tests.run(filters_on_the_layer_are_painted_as_they_are_seen, output)
    tests.run(a_filter_that_enlarges_the_layer_keeps_it_in_its_place, output)
    tests.run(odd_layers_are_painted, output)
    tests.run(a_text_layer_is_painted, output)
tests.run(a_style_layer_is_taken_as_it_is_seen)
tests.run(the_same_arguments_give_the_same_picture)
tests.run(the_picture_is_the_commands)
tests.run(bad_arguments_give_errors)
tests.run(a_graphics_card_that_is_not_there_is_an_error)
tests.run(an_indexed_image_is_refused)
for output in ["new-layer", "in-place"]:
    tests.run(a_filter_that_is_killed_leaves_all_as_it_was, output)
    tests.run(a_filter_that_is_killed_leaves_all_as_it_was, output, "on-canvas")
    tests.run(shown_on_the_canvas_the_result_is_the_same, output)
tests.run(shown_on_the_canvas_an_error_leaves_the_image)
tests.run(scripts_do_not_change_the_recent_styles)
tests.end()
