"""The filter's dialog in GIMP with its windows, worked on as a screen reader does."""

import json
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["IMPASTO_CHECKOUT"], "tests", "gimp"))
from inside import *  # noqa: E402,F403
from windows import *  # noqa: E402,F403

SUITE = os.environ["IMPASTO_SUITE"]
# What GIMP and the filter call what is looked for here.
WORDS = {
    "en": {"title": "Neural Style Transfer", "menu": ["Filters", "Artistic", "Neural Style"], "cancel": "Cancel",
           "takes": "Painting will take about", "Advanced": "Advanced", "Second style": "Second style", "Method": "Method"},
    "de": {"title": "Neuronale Stilübertragung", "menu": ["Filter", "Künstlerisch", "Neuronale"], "cancel": "Abbrechen",
           "takes": "Das Malen dauert etwa", "Advanced": "Erweitert", "Second style": "Zweiter Stil", "Method": "Verfahren"},
    "fr": {"title": "Transfert de style neuronal", "menu": ["Filtres", "Artisti", "Transfert de style"], "cancel": "Annuler",
           "takes": "Le travail prendra environ", "Advanced": "Avancé", "Second style": "Second style", "Method": "Méthode"},
}[os.environ.get("LANGUAGE") or "en"]
TITLE = WORDS["title"]


def open_dialog():
    menu(*WORDS["menu"])
    return until("the dialog", lambda: window(TITLE))


def settled(dialog):
    """The draft is there: the line under the pictures says nothing, and the one below it how long painting will take."""
    return takes(dialog) and not any("…" in (n.get_name() or "") for n in descendants(dialog) if n.get_role_name() == "label")


def the_dialog_opens_from_the_menu_and_shows_a_draft():
    image, display = shown()
    dialog = open_dialog()
    time.sleep(1)
    screenshot("opened")
    until("the draft", lambda: settled(dialog), 240)
    time.sleep(0.5)
    screenshot("draft")
    assert_named(dialog)
    assert takes(dialog), "nothing says how long painting will take"
    # Everything is reached in a small window too.
    number = subprocess.run(["xdotool", "search", "--name", TITLE], capture_output=True, text=True).stdout.split()[-1]
    subprocess.run(["xdotool", "windowsize", number, "480", "360"], check=True)
    time.sleep(1)
    screenshot("small")
    subprocess.run(["xdotool", "windowsize", number, "900", "640"], check=True)
    for name in ["Advanced", "Second style", "Method"]:
        expander = find(dialog, name=WORDS[name])
        press(expander)
        time.sleep(1)
        screenshot(name.split()[0].lower())
        assert_named(dialog)
        press(expander)
    press(button(dialog, WORDS["cancel"]))
    until("the end of the dialog", lambda: not processes())
    assert len(image.get_layers()) == 1
    display.delete()


def takes(dialog):
    """What the dialog says of the time that painting takes."""
    return next((n.get_name() for n in descendants(dialog)
                 if n.get_role_name() == "label" and (n.get_name() or "").startswith(WORDS["takes"])), None)


def recent(dialog):
    """The buttons of the recent styles, the latest first, by their names."""
    label = next((n for n in descendants(dialog) if n.get_role_name() == "label" and n.get_name() == "Recent styles"), None)
    if label is None:
        return {}
    buttons = (n for n in descendants(label.get_parent()) if n.get_role_name() in ("push button", "button"))
    return {button.get_name(): button for button in buttons}


def recent_styles_are_offered_again():
    image, display = shown()
    there, gone = (os.path.join(os.environ["HOME"], name) for name in ["Ölbild & mehr.jpg", "gone.jpg"])
    shutil.copy(DUSK, there)
    uris = [file(path).get_uri() for path in (gone, there)]
    for damaged in ["", "[", '[{"what": 1}]']:
        with open(RECENT_STYLES, "w") as written:
            written.write(damaged)
        dialog = open_dialog()
        assert not recent(dialog), list(recent(dialog))
        press(button(dialog, "Cancel"))
        until("the end of the dialog", lambda: not processes())
    with open(RECENT_STYLES, "w") as written:
        json.dump([{"file": uris[0]}, {"style": "mosaic"}, {"style": "unknown"}, {"file": uris[1]}], written)
    dialog = open_dialog()
    assert list(recent(dialog)) == ["Mosaic", "Ölbild & mehr.jpg"], list(recent(dialog))
    assert_named(dialog)
    # The keyboard reaches them.
    assert all(node.get_state_set().contains(Atspi.StateType.FOCUSABLE) for node in recent(dialog).values())
    press(recent(dialog)["Mosaic"])
    until("the style", lambda: find(dialog, "radio button", "Mosaic").get_state_set().contains(Atspi.StateType.CHECKED))
    press(recent(dialog)["Ölbild & mehr.jpg"])
    until("the file", lambda: not find(dialog, "radio button", "Mosaic").get_state_set().contains(Atspi.StateType.SHOWING))
    screenshot("recent-without-thumbnail")
    iterations(dialog).set_current_value(8)
    press(button(dialog, "Paint"))
    until("the painted layer", lambda: len(image.get_layers()) == 2, 60)
    until("the end of the filter", lambda: not processes())
    with open(RECENT_STYLES) as written:
        kept = json.load(written)
    assert [entry.get("file") for entry in kept[:1]] == uris[1:] and len(kept[0]["thumbnail"]) > 500, kept
    dialog = open_dialog()
    assert list(recent(dialog)) == ["Ölbild & mehr.jpg", "Mosaic"], list(recent(dialog))
    until("the draft", lambda: settled(dialog), 240)
    screenshot("recent")
    press(button(dialog, "Cancel"))
    until("the end of the dialog", lambda: not processes())
    display.delete()


def the_picture_is_seen_on_the_canvas_while_it_is_painted():
    image, display = shown()
    layer = layer_of(image)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 40, 30, 200, 180)
    image.clean_all()
    before = pixels(layer)
    for ending in ["cancelled", "painted"]:
        dialog = open_dialog()
        box = find(dialog, "check box", "Show the picture while it is painted")
        if not box.get_state_set().contains(Atspi.StateType.CHECKED):
            press(box)
        iterations(dialog).set_current_value(90000 if ending == "cancelled" else 40)
        press(button(dialog, "Paint"))
        until("the end of the dialog", lambda: not window(TITLE))
        if ending == "painted":
            until("the end of the filter", lambda: not processes(), 120)
            break
        canvas = until("the layer on the canvas", lambda: len(image.get_layers()) == 2 and layer_of(image))
        opaque = lambda: {pixel[3] for pixel in rows(canvas, "R'G'B'A u8")[100][45:230]} == {255}
        until("a picture on it", opaque)
        first = pixels(canvas)
        until("the next picture", lambda: pixels(canvas) != first)
        assert pixels(layer) == before and canvas.get_mask()
        screenshot("on-canvas")
        press(cancel_button())
        until("the end of the processes", lambda: not processes(), 10)
        assert [l.get_id() for l in image.get_layers()] == [layer.get_id()], "the layer is still there"
        assert pixels(layer) == before and not image.is_dirty() and image.get_selected_layers() == [layer]
    above = layer_of(image)
    assert len(image.get_layers()) == 2 and above.get_name().endswith(", painted") and above.get_mask()
    menu("Edit", "Undo")
    until("the undo", lambda: len(image.get_layers()) == 1)
    assert pixels(layer) == before and not image.is_dirty()
    # The next dialog begins with it; the other tests go on without.
    dialog = open_dialog()
    box = find(dialog, "check box", "Show the picture while it is painted")
    assert box.get_state_set().contains(Atspi.StateType.CHECKED)
    press(box)
    iterations(dialog).set_current_value(8)
    press(button(dialog, "Paint"))
    until("the painted layer", lambda: len(image.get_layers()) == 2, 60)
    until("the end of the filter", lambda: not processes())
    display.delete()


def the_time_is_foretold(preset):
    """Tells the dialog's words and the seconds that painting took, for a picture of one megapixel."""
    image = load(os.path.join(SAMPLES, "coffee.png"))
    image.scale(1155, 866)
    display = Gimp.Display.new(image)
    Gimp.displays_flush()
    until("the window", main_window)
    dialog = open_dialog()
    quality = next(n for n in descendants(dialog) if n.get_role_name() == "combo box" and any(
        r.get_target(0).get_name() == "Quality" for r in n.get_relation_set()
        if r.get_relation_type() == Atspi.RelationType.LABELLED_BY))
    press(next(n for n in descendants(quality) if n.get_name() == preset))
    time.sleep(2)
    until("the draft", lambda: settled(dialog), 600)
    said, start = takes(dialog), time.time()
    press(button(dialog, "Paint"))
    until("the painted layer", lambda: len(image.get_layers()) == 2, 1200)
    print(f"time: {preset}: {said!r}, it took {time.time() - start:.1f} s", flush=True)
    until("the end of the filter", lambda: not processes())
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


def cancel_button():
    """That of GIMP's progress bar."""
    return until("the button to cancel", lambda: next(
        (n for n in descendants(main_window())
         if (n.get_name() or "") == "Cancel" and n.get_role_name() in ("push button", "button")
         and n.get_state_set().contains(Atspi.StateType.SHOWING)), None))


def cancel_ends_the_run_and_leaves_the_image():
    image, display = shown()
    before, dirty = pixels(layer_of(image)), image.is_dirty()
    dialog = open_dialog()
    assert iterations(dialog).get_current_value() == 8, "the last values have not come back"
    iterations(dialog).set_current_value(90000)
    press(button(dialog, "Paint"))
    until("the end of the dialog", lambda: not window(TITLE))
    cancel = cancel_button()
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
if SUITE == "times":
    for preset in ["Draft", "Standard", "Best"]:
        tests.run(the_time_is_foretold, preset)
else:
    tests.run(the_dialog_opens_from_the_menu_and_shows_a_draft)
if SUITE == "dialog":
    tests.run(the_dialog_paints_and_undo_restores)
    tests.run(cancel_ends_the_run_and_leaves_the_image)
    tests.run(a_style_is_chosen_by_its_picture)
    tests.run(the_picture_is_seen_on_the_canvas_while_it_is_painted)
    tests.run(recent_styles_are_offered_again)
tests.end()
