"""The filter's dialog in GIMP with its windows, worked on as a screen reader does."""

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["IMPASTO_CHECKOUT"], "tests", "gimp"))
from inside import *  # noqa: E402,F403
from windows import *  # noqa: E402,F403

SUITE = os.environ["IMPASTO_SUITE"]
GERMAN = os.environ["LANG"].startswith("de")
TITLE = "Neuronale Stilübertragung" if GERMAN else "Neural Style Transfer"


def open_dialog():
    menu(*(["Filter", "Künstlerisch", "Neuronale"] if GERMAN else ["Filters", "Artistic", "Neural Style"]))
    return until("the dialog", lambda: window(TITLE))


def settled(dialog):
    """The draft is there: the line under the pictures says nothing."""
    return not any("…" in (n.get_name() or "") for n in descendants(dialog) if n.get_role_name() == "label")


def the_dialog_opens_from_the_menu_and_shows_a_draft():
    image, display = shown()
    dialog = open_dialog()
    time.sleep(1)
    screenshot("opened")
    until("the draft", lambda: settled(dialog), 240)
    time.sleep(0.5)
    screenshot("draft")
    assert_named(dialog)
    # Everything is reached in a small window too.
    number = subprocess.run(["xdotool", "search", "--name", TITLE], capture_output=True, text=True).stdout.split()[-1]
    subprocess.run(["xdotool", "windowsize", number, "480", "360"], check=True)
    time.sleep(1)
    screenshot("small")
    subprocess.run(["xdotool", "windowsize", number, "900", "640"], check=True)
    for name, german in [("Advanced", "Erweitert"), ("Second style", "Zweiter Stil"), ("Method", "Verfahren")]:
        expander = find(dialog, name=german if GERMAN else name)
        press(expander)
        time.sleep(1)
        screenshot(name.split()[0].lower())
        assert_named(dialog)
        press(expander)
    press(button(dialog, "Cancel", "Abbrechen"))
    until("the end of the dialog", lambda: not processes())
    assert len(image.get_layers()) == 1
    display.delete()


def a_style_is_chosen_by_its_picture():
    image, display = shown()
    dialog = open_dialog()
    until("the draft", lambda: settled(dialog), 240)
    button_of = lambda name: until(name, lambda: find(dialog, "radio button", name))
    chosen = lambda name: button_of(name).get_state_set().contains(Atspi.StateType.CHECKED)
    press(button_of("Mosaic"))
    until("the choice", lambda: chosen("Mosaic"))
    time.sleep(1)
    until("the draft", lambda: settled(dialog), 240)
    screenshot("mosaic")
    iterations(dialog).set_current_value(8)
    press(button(dialog, "Paint"))
    until("the painted layer", lambda: len(image.get_layers()) == 2, 60)
    until("the end of the filter", lambda: not processes())
    # The next dialog begins with it.
    dialog = open_dialog()
    assert chosen("Mosaic")
    press(button(dialog, "Cancel"))
    until("the end of the dialog", lambda: not processes())
    display.delete()


def assert_named(dialog):
    """Whatever can be worked on has a name for a screen reader, or a label that belongs to it."""
    roles = {"spin button", "combo box", "push button", "button", "check box", "slider", "text", "entry", "toggle button",
             "radio button"}
    nameless = []
    for node in descendants(dialog):
        if node.get_role_name() not in roles or not node.get_state_set().contains(Atspi.StateType.SHOWING):
            continue
        labels = [r for r in node.get_relation_set() if r.get_relation_type() == Atspi.RelationType.LABELLED_BY]
        parent = node.get_parent()
        inner = parent is not None and parent.get_role_name() == "combo box"
        if not (node.get_name() or labels or node.get_description() or inner):
            nameless.append((node.get_role_name(), [c.get_name() for c in children(node)],
                             parent.get_role_name(), [c.get_name() for c in children(parent)]))
    assert not nameless, nameless


def iterations(dialog):
    """The value of the field for the iterations, which is found by its label."""
    name = "Iterations"
    if not any((n.get_name() or "").startswith(name) and n.get_state_set().contains(Atspi.StateType.SHOWING)
               for n in descendants(dialog)):
        press(find(dialog, name="Advanced"))
        time.sleep(0.5)
    for node in descendants(dialog):
        if node.get_role_name() != "spin button":
            continue
        for relation in node.get_relation_set():
            if relation.get_relation_type() == Atspi.RelationType.LABELLED_BY:
                if relation.get_target(0).get_name().startswith(name):
                    return node.get_value_iface()
    raise AssertionError("there is no field for the iterations")


def the_dialog_paints_and_undo_restores():
    image, display = shown()
    before = pixels(layer_of(image))
    dialog = open_dialog()
    iterations(dialog).set_current_value(8)
    press(button(dialog, "Paint"))
    until("the painted layer", lambda: len(image.get_layers()) == 2, 60)
    until("the end of the filter", lambda: not processes())
    time.sleep(0.5)
    screenshot("painted")
    above = layer_of(image)
    assert above.get_name().endswith(", painted") and pixels(above) != before
    menu("Edit", "Undo")
    until("the undo", lambda: len(image.get_layers()) == 1)
    assert pixels(layer_of(image)) == before
    # In place, through the procedure, and back.
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 100, 60, 120, 120)
    Gimp.Selection.feather(image, 20)
    succeeds(image, output="in-place")
    Gimp.displays_flush()
    assert pixels(layer_of(image)) != before
    menu("Edit", "Undo")
    until("the undo", lambda: pixels(layer_of(image)) == before)
    display.delete()


def cancel_ends_the_run_and_leaves_the_image():
    image, display = shown()
    before, dirty = pixels(layer_of(image)), image.is_dirty()
    dialog = open_dialog()
    assert iterations(dialog).get_current_value() == 8, "the last values have not come back"
    iterations(dialog).set_current_value(90000)
    press(button(dialog, "Paint"))
    until("the end of the dialog", lambda: not window(TITLE))
    cancel = until("the button to cancel", lambda: next(
        (n for n in descendants(main_window())
         if (n.get_name() or "") == "Cancel" and n.get_role_name() in ("push button", "button")
         and n.get_state_set().contains(Atspi.StateType.SHOWING)), None))
    time.sleep(3)
    screenshot("progress")
    assert processes(), "the filter runs"
    start = time.time()
    press(cancel)
    until("the end of the process", lambda: not processes(), 10)
    took = time.time() - start
    assert took < 1.0, f"cancelling took {took:.1f} s"
    assert len(image.get_layers()) == 1 and pixels(layer_of(image)) == before and image.is_dirty() == dirty
    # And it can be run again.
    succeeds(image)
    display.delete()


class DialogTests(Tests):
    """Leaves no dialog open for the next test."""

    def run(self, test, *arguments):
        super().run(test, *arguments)
        for process in processes():
            os.kill(process, 9)
        time.sleep(0.5)


tests = DialogTests(SUITE)
tests.run(the_dialog_opens_from_the_menu_and_shows_a_draft)
if SUITE == "dialog":
    tests.run(the_dialog_paints_and_undo_restores)
    tests.run(cancel_ends_the_run_and_leaves_the_image)
    tests.run(a_style_is_chosen_by_its_picture)
tests.end()
