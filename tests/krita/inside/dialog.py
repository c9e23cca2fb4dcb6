"""The dialog, worked on as a person does."""

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QImage
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QLabel, QLineEdit, QListWidget, QSlider

from .common import (QUICK, WHIRLS, Tests, add_mask, data, drafted, edit, go_on, layer_of, menu, message, names, open_dialog,
                     painting_threads, photograph, screenshot, select, set_quick, until, window)


def click(button):
    QTest.mouseClick(button, Qt.LeftButton)


def after(dialog):
    """The picture after, as it is shown."""
    return dialog.preview._labels[1].pixmap().toImage()


def thumbnail(dialog):
    """The picture of the style that is chosen, as it is shown."""
    shown = [label for label in dialog.settings.style.findChildren(QLabel) if label.isVisible()]
    pixmap = shown[0].pixmap()
    return QImage() if pixmap is None else pixmap.toImage()


def the_dialog_shows_a_draft_and_follows_the_settings():
    yield from photograph(width=320, height=240)
    dialog = yield from drafted((yield from open_dialog()))
    yield from screenshot("draft")
    assert "Painting will take about" in dialog.takes.text(), dialog.takes.text()
    first = after(dialog)
    dialog.settings.style.included.setCurrentRow(8)
    yield from until("the next draft to begin", lambda: dialog._changed is None and dialog.status.text())
    yield from drafted(dialog)
    yield from screenshot("mosaic")
    assert after(dialog) != first


def everything_has_a_name_for_a_screen_reader():
    yield from photograph()
    dialog = yield from open_dialog()
    dialog.settings.more.click()
    yield from go_on(0.3)
    yield from screenshot("more")
    nameless = []
    for kind in (QAbstractSpinBox, QComboBox, QLineEdit, QListWidget, QSlider, QAbstractButton):
        for widget in dialog.findChildren(kind):
            inner = isinstance(widget.parent(), (QAbstractSpinBox, QComboBox)) or not widget.isVisible()
            text = widget.text() if isinstance(widget, QAbstractButton) else ""
            if not (inner or widget.accessibleName() or text):
                nameless.append(widget)
    assert not nameless, nameless


def paint_makes_a_layer_above_and_one_undo_takes_it_away():
    document = yield from photograph(width=320, height=240)
    layer = layer_of(document)
    before = data(layer, width=320, height=240)
    dialog = yield from open_dialog()
    set_quick(dialog)
    click(dialog.paint)
    yield from until("the new layer", lambda: len(document.topLevelNodes()) == 2)
    yield from until("the end of the dialog", lambda: window() is None)
    yield from screenshot("painted")
    assert names(document)[1].endswith(", painted") and document.activeNode().name() == names(document)[1]
    assert not painting_threads()
    yield from edit("edit_undo")
    assert len(document.topLevelNodes()) == 1 and data(layer_of(document), width=320, height=240) == before


def the_settings_come_back():
    document = yield from photograph()
    dialog = yield from open_dialog()
    set_quick(dialog)
    dialog.settings.controls["strength"].set_value(70)
    dialog.settings.style.included.setCurrentRow(4)
    click(dialog.paint)
    yield from until("the new layer", lambda: len(document.topLevelNodes()) == 2)
    yield from until("the end of the dialog", lambda: window() is None)
    dialog = yield from open_dialog()
    assert dialog.settings.params() == {**QUICK, "preset": "standard", "strength": 70.0}, dialog.settings.params()
    assert dialog.settings.style.included.currentRow() == 4
    click(dialog.defaults)
    assert dialog.settings.params() == {"preset": "standard"}, dialog.settings.params()


def krita_works_on_while_it_is_painted_and_cancel_leaves_the_picture():
    document = yield from photograph(width=320, height=240)
    before = data(layer_of(document), width=320, height=240)
    dialog = yield from open_dialog()
    set_quick(dialog, iterations=90000)
    click(dialog.paint)
    yield from until("the first evaluations", lambda: dialog.bar.value() > 0)
    yield from screenshot("progress")
    assert "left" in dialog.status.text() and dialog.bar.isVisible()
    # Another layer is made meanwhile.
    document.rootNode().addChildNode(document.createNode("meanwhile", "paintlayer"), None)
    click(dialog.cancel)
    assert "as it was" in dialog.status.text() and dialog.paint.isEnabled()
    assert names(document) == [layer_of(document).name(), "meanwhile"]
    assert data(layer_of(document), width=320, height=240) == before
    # And it can be painted again.
    set_quick(dialog)
    click(dialog.paint)
    yield from until("the new layer", lambda: len(document.topLevelNodes()) == 3)
    assert names(document)[1].endswith(", painted"), names(document)


def the_selection_is_the_region_and_the_draft_shows_it():
    document = yield from photograph(width=320, height=240)
    select(document, 200, 100, 100, 50)
    dialog = yield from drafted((yield from open_dialog()))
    yield from screenshot("selection")
    assert (after(dialog).width(), after(dialog).height()) == (256, 128)
    set_quick(dialog)
    click(dialog.paint)

    def painted():
        # The selection itself is among the nodes.
        return [node for node in document.topLevelNodes() if node.name().endswith(", painted")]

    new = (yield from until("the new layer", painted))[0]
    alpha = data(new, width=320, height=240)[3::4]
    row = b"\0" * 200 + b"\xff" * 100 + b"\0" * 20
    assert alpha == bytes(320 * 100) + row * 50 + bytes(320 * 90)


def styles_come_from_a_file_and_a_layer():
    document = yield from photograph(width=320, height=240)
    dialog = yield from open_dialog()
    chooser = dialog.settings.style
    chooser.kind.setCurrentIndex(chooser.kind.findData("file"))
    yield from until("the message", lambda: "Choose a style file" in dialog.status.text())
    assert not dialog.paint.isEnabled() and "Choose a style file" in dialog.paint.toolTip()
    chooser.path.setText(WHIRLS)
    assert dialog.paint.isEnabled() and not dialog.paint.toolTip()
    chooser.path.editingFinished.emit()
    yield from until("the next draft to begin", lambda: dialog._changed is None and "draft" in dialog.status.text())
    yield from drafted(dialog)
    yield from screenshot("file")
    of_file = thumbnail(dialog)
    chooser.path.setText("/nowhere.png")
    chooser.path.editingFinished.emit()
    yield from until("the message", lambda: "is not there" in dialog.status.text())
    assert thumbnail(dialog).isNull()
    chooser.kind.setCurrentIndex(chooser.kind.findData("layer"))
    assert chooser.layers.count() == len(document.topLevelNodes())
    yield from until("the next draft to begin", lambda: dialog._changed is None and "draft" in dialog.status.text())
    yield from drafted(dialog)
    yield from screenshot("layer")
    # The photograph has another shape than the style file.
    assert not of_file.isNull() and not thumbnail(dialog).isNull() and thumbnail(dialog).size() != of_file.size()


def a_mask_is_told_in_one_clear_message():
    document = yield from photograph()
    mask = add_mask(document, layer_of(document), 0, 0, 20, 54)
    document.setActiveNode(mask)
    yield from until("the active mask", lambda: document.activeNode().name() == "mask")
    menu()
    yield from until("the message", message)
    assert "is a mask" in message(), message()


TESTS = Tests([(test, ()) for test in [
    the_dialog_shows_a_draft_and_follows_the_settings, everything_has_a_name_for_a_screen_reader,
    paint_makes_a_layer_above_and_one_undo_takes_it_away, the_settings_come_back,
    krita_works_on_while_it_is_painted_and_cancel_leaves_the_picture,
    the_selection_is_the_region_and_the_draft_shows_it, styles_come_from_a_file_and_a_layer,
    a_mask_is_told_in_one_clear_message,
]])
