"""Every kind of document, selections, layers and masks, from a script and without a dialog."""

import json
import os

import impasto
from impasto import library, pixels
from impasto.colours import space_of
from PyQt5.QtCore import QByteArray

from .common import (CHECKOUT, KRITA, OPTIONS, QUICK, REFERENCE, SAMPLES, WHIRLS, Tests, add_mask, data, edit, layer_of,
                     names, photograph, select, show)


def stylise(document, **arguments):
    return impasto.stylise(document=document, **{"style": "mosaic", "params": QUICK, "options": OPTIONS, **arguments})


def refuses(document, *words, **arguments):
    """The plug-in refuses, in these words, and nothing has changed."""
    before = [(node.name(), data(node)) for node in document.topLevelNodes()]
    try:
        stylise(document, **arguments)
    except library.Failure as problem:
        for word in words:
            assert word in str(problem), (word, problem)
    else:
        raise AssertionError("it was painted")
    assert [(node.name(), data(node)) for node in document.topLevelNodes()] == before


def every_kind_of_document_is_painted_and_undone_in_one_step(model, depth, profile):
    document = yield from photograph(model, depth, profile)
    layer = layer_of(document)
    before, space = data(layer), space_of(layer)
    new = stylise(document, node=layer)
    assert names(document) == [layer.name(), f"{layer.name()}, painted"], names(document)
    assert data(layer) == before and data(new) != before
    assert space_of(new) == space
    painted = data(new)
    yield from edit("edit_undo")
    assert names(document) == [layer.name()], names(document)
    assert data(layer_of(document)) == before
    yield from edit("edit_redo")
    assert data(document.topLevelNodes()[1]) == painted


def the_picture_is_that_of_the_library():
    document = yield from photograph()
    layer = layer_of(document)
    content = pixels.from_krita(72, 54, 4, 1, data(layer))
    engine = library.Library().engine(OPTIONS)
    wanted = engine.stylise(library.Pictures(content), {**QUICK, "style": "mosaic"}, lambda _: True)
    assert data(stylise(document)) == bytes(wanted.swapped())


def the_picture_is_the_commands():
    with open(os.path.join(CHECKOUT, "tests", "hosts", "job.json")) as file:
        job = json.load(file)
    document, wanted = (KRITA.openDocument(os.path.join(REFERENCE, name)) for name in ("content.png", "wanted.png"))
    wanted.waitForDone()
    yield from show(document)
    new = impasto.stylise(document=document, style=job.pop("style"), params=job, options=OPTIONS)
    size = (0, 0, document.width(), document.height())
    pairs = list(zip(data(new, *size), data(layer_of(wanted), *size), strict=True))
    assert all(a == b for a, b in pairs), f"up to {max(abs(a - b) for a, b in pairs)} of 255 apart"
    wanted.close()


def the_same_colours_are_the_same_picture_in_another_profile():
    seen = []
    for model, depth, profile in [("RGBA", "U16", "sRGB-elle-V2-srgbtrc.icc"), ("RGBA", "F32", "sRGB-elle-V2-g10.icc"),
                                  ("RGBA", "U16", "ClayRGB-elle-V4-srgbtrc.icc"), ("LABA", "U16", "Lab identity built-in")]:
        document = yield from photograph(model, depth, profile)
        new = stylise(document)
        copy = document.clone()
        copy.setColorSpace("RGBA", "U8", "sRGB-elle-V2-srgbtrc.icc")
        copy.waitForDone()
        seen.append(data(copy.topLevelNodes()[1]))
        assert new.colorProfile() == document.colorProfile()
        copy.setModified(False)
        copy.close()
    for other in seen[1:]:
        mean = sum(abs(a - b) for a, b in zip(seen[0], other)) / len(other)
        assert mean < 2.0, mean


def only_the_selection_is_painted(depth):
    document = yield from photograph(depth=depth)
    layer = layer_of(document)
    before = data(layer)
    select(document, 10, 5, 30, 20)
    new = stylise(document)
    size = len(before) // (72 * 54)
    sample = size // 4
    for y in range(54):
        for x in range(72):
            at = (y * 72 + x) * size
            alpha = data_of(new)[at + 3 * sample:at + size]
            inside = 10 <= x < 40 and 5 <= y < 25
            assert (alpha == before[at + 3 * sample:at + size]) == inside, (x, y, alpha)
            assert inside or not any(alpha), (x, y)


_READ = {}


def data_of(node):
    """The pixels, read once."""
    key = node.uniqueId().toString()
    if key not in _READ:
        _READ[key] = data(node)
    return _READ[key]


def a_soft_selection_gives_a_soft_alpha():
    document = yield from photograph()
    select(document, 0, 0, 36, 54, 100)
    alpha = data(stylise(document))[3::4]
    assert set(alpha) == {0, 100}, set(alpha)


def a_selection_beside_the_layer_is_refused():
    document = yield from photograph()
    layer_of(document).setPixelData(QByteArray(bytes(4 * 36 * 54)), 36, 0, 36, 54)
    select(document, 50, 0, 10, 10)
    refuses(document, "does not touch")


def transparent_pixels_stay_transparent():
    document = yield from photograph()
    layer = layer_of(document)
    layer.setPixelData(QByteArray(bytes(4 * 20 * 54)), 30, 0, 20, 54)
    before = data(layer)
    new = stylise(document)
    assert data(new)[3::4] == before[3::4]


def a_layer_with_a_mask_gives_a_layer_with_that_mask():
    document = yield from photograph()
    layer = layer_of(document)
    mask = add_mask(document, layer, 0, 0, 20, 54)
    before = data(mask)
    assert before == (b"\xff" * 20 + b"\0" * 52) * 54
    new = stylise(document, node=layer)
    assert [child.type() for child in new.childNodes()] == ["transparencymask"]
    assert data(new.childNodes()[0]) == before
    refuses(document, "is a mask", node=mask)


def a_layer_or_a_mask_is_the_region():
    document = yield from photograph()
    layer = layer_of(document)
    region = document.createNode("region", "paintlayer")
    document.rootNode().addChildNode(region, layer)
    white = (b"\xff\xff\xff\xff" * 24 + b"\0\0\0\xff" * 24 + b"\xff\xff\xff\0" * 24) * 54
    region.setPixelData(QByteArray(white), 0, 0, 72, 54)
    new = stylise(document, node=layer, region=region)
    alpha = data(new)[3::4]
    assert alpha == (b"\xff" * 24 + b"\0" * 48) * 54
    region.setPixelData(QByteArray(b"\0\0\0\xff" * 72 * 54), 0, 0, 72, 54)
    refuses(document, "“region” is black", node=layer, region=region)
    mask = add_mask(document, region, 0, 0, 72, 20, 128)
    new = stylise(document, node=layer, region=mask)
    assert data(new)[3::4] == b"\x80" * 72 * 20 + b"\0" * 72 * 34
    transform = document.createNode("transform", "transformmask")
    region.addChildNode(transform, None)
    refuses(document, "“transform” does not say where", node=layer, region=transform)


def a_layer_that_reaches_beyond_the_canvas_is_painted_on_it():
    document = yield from photograph()
    layer = layer_of(document)
    layer.setPixelData(QByteArray(b"\x20\x40\x60\xff" * 30 * 80), 60, -10, 30, 80)
    new = stylise(document)
    assert data(new) != data(layer) and data(new)[3::4] == data(layer)[3::4]
    assert not any(data(new, 75, 0, 10, 10)), "what is beyond the canvas is painted"


def a_group_is_painted_as_it_is_seen():
    document = yield from photograph()
    layer = layer_of(document)
    group = document.createNode("group", "grouplayer")
    document.rootNode().addChildNode(group, layer)
    group.addChildNode(layer.duplicate(), None)
    layer.setVisible(False)
    document.refreshProjection()
    document.waitForDone()
    wanted = data(stylise(document, node=layer))
    new = stylise(document, node=group)
    assert new.type() == "paintlayer" and data(new) == wanted


def opacity_and_blending_mode_are_the_layers():
    document = yield from photograph()
    layer = layer_of(document)
    layer.setOpacity(100)
    layer.setBlendingMode("multiply")
    layer.setLocked(True)
    new = stylise(document)
    assert (new.opacity(), new.blendingMode(), new.locked()) == (100, "multiply", False)


def styles_come_from_files_and_layers():
    document = yield from photograph()
    layer = layer_of(document)
    of_file = data(stylise(document, node=layer, style_file=WHIRLS))
    other = KRITA.openDocument(WHIRLS)
    other.waitForDone()
    whirls = layer_of(other)
    copy = document.createNode("whirls", "paintlayer")
    width, height = other.width(), other.height()
    pixel = other.pixelData(0, 0, width, height)
    copy.setPixelData(pixel, 0, 0, width, height)
    document.resizeImage(0, 0, max(72, width), max(54, height))
    document.rootNode().addChildNode(copy, None)
    document.waitForDone()
    of_layer = data(stylise(document, node=layer, style_node=copy))
    assert of_file == of_layer and whirls.type() == "paintlayer"
    refuses(document, "/nowhere.png", "is not there", node=layer, style_file="/nowhere.png")
    bad = os.path.join(os.path.dirname(os.path.dirname(SAMPLES)), "LICENSE-MIT")
    refuses(document, "LICENSE-MIT", "cannot be opened", node=layer, style_file=bad)
    assert len(KRITA.documents()) == 2, "a document is left open"


def an_empty_layer_is_refused():
    document = yield from photograph()
    empty = document.createNode("empty", "paintlayer")
    document.rootNode().addChildNode(empty, None)
    refuses(document, "“empty” is empty", node=empty)


def too_little_memory_is_refused():
    document = yield from photograph()
    refuses(document, "memory", params={"size": 4096}, options={**OPTIONS, "memory": 1 << 20})


def cancelling_leaves_the_document():
    document = yield from photograph()
    try:
        stylise(document, go_on=lambda progress: progress.evaluations < 2)
    except library.Cancelled:
        pass
    else:
        raise AssertionError("it was not cancelled")
    assert len(document.topLevelNodes()) == 1


def no_document_is_a_failure():
    yield
    try:
        impasto.stylise()
    except library.Failure as problem:
        assert "No picture" in str(problem)
    else:
        raise AssertionError("something was painted")


GREY, RGB = "Gray-D50-elle-V2-srgbtrc.icc", "sRGB-elle-V2-srgbtrc.icc"
KINDS = [
    ("RGBA", "U8", RGB), ("RGBA", "U16", RGB), ("RGBA", "F16", "sRGB-elle-V2-g10.icc"),
    ("RGBA", "F32", "sRGB-elle-V2-g10.icc"), ("RGBA", "U8", "ClayRGB-elle-V4-srgbtrc.icc"),
    ("GRAYA", "U8", GREY), ("GRAYA", "U16", GREY), ("GRAYA", "F16", "Gray-D50-elle-V2-g10.icc"),
    ("GRAYA", "F32", "Gray-D50-elle-V2-g10.icc"), ("CMYKA", "U8", "Chemical proof"),
    ("LABA", "U16", "Lab identity built-in"),
]
TESTS = Tests([(every_kind_of_document_is_painted_and_undone_in_one_step, kind) for kind in KINDS] + [
    (only_the_selection_is_painted, (depth,)) for depth in ("U8", "U16", "F32")] + [(test, ()) for test in [
    the_picture_is_that_of_the_library, the_picture_is_the_commands, the_same_colours_are_the_same_picture_in_another_profile,
    a_soft_selection_gives_a_soft_alpha, a_selection_beside_the_layer_is_refused,
    transparent_pixels_stay_transparent, a_layer_with_a_mask_gives_a_layer_with_that_mask,
    a_layer_or_a_mask_is_the_region, a_layer_that_reaches_beyond_the_canvas_is_painted_on_it,
    a_group_is_painted_as_it_is_seen, opacity_and_blending_mode_are_the_layers,
    styles_come_from_files_and_layers, an_empty_layer_is_refused, too_little_memory_is_refused,
    cancelling_leaves_the_document, no_document_is_a_failure,
]])
