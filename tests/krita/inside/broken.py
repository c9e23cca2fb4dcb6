"""Bad styles and too little memory, in the dialog."""

import os

from .common import CHECKOUT, Tests, drafted, layer_of, names, open_dialog, photograph, screenshot, set_quick, until


def fails(dialog, *words):
    """Paint fails in these words, and the dialog is ready for the next try."""
    dialog.paint.click()
    yield from until(f"the message {words}", lambda: all(word in dialog.status.text() for word in words))
    assert dialog.paint.isEnabled() and not dialog.is_painting()


def a_bad_style_file_is_named():
    document = yield from photograph()
    before = names(document)
    dialog = yield from open_dialog()
    chooser = dialog.settings.style
    chooser.kind.setCurrentIndex(chooser.kind.findData("file"))
    for path, words in [("/nowhere.png", "is not there"), (os.path.join(CHECKOUT, "LICENSE-MIT"), "cannot be opened")]:
        chooser.path.setText(path)
        yield from fails(dialog, path, words)
    yield from screenshot("style")
    assert names(document) == before


def too_little_memory_is_told():
    document = yield from photograph()
    before = names(document)
    dialog = yield from drafted((yield from open_dialog()))
    set_quick(dialog)
    dialog.settings.controls["size"].set_value(4096)
    dialog.settings.memory.setValue(0.2)
    yield from fails(dialog, "memory")
    yield from screenshot("memory")
    assert names(document) == before


def a_layer_that_is_removed_meanwhile_is_told():
    document = yield from photograph()
    layer = layer_of(document)
    dialog = yield from open_dialog()
    document.rootNode().addChildNode(document.createNode("extra", "paintlayer"), None)
    set_quick(dialog, iterations=300)
    dialog.paint.click()
    # At once: on a busy machine the picture may be painted before Krita gets round to anything else.
    yield from until("the painting", dialog.is_painting)
    layer.remove()
    yield from until("the message", lambda: "not there any more" in dialog.status.text())
    assert names(document) == ["extra"] and not dialog.is_painting()


TESTS = Tests([(test, ()) for test in [
    a_bad_style_file_is_named, too_little_memory_is_told, a_layer_that_is_removed_meanwhile_is_told,
]])
