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
    # The refined draft looks the same in every language.
    until("the draft", lambda: takes(dialog) if "LANGUAGE" in os.environ else settled(dialog), 240)
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


def extents(node):
    return node.get_component_iface().get_extents(Atspi.CoordType.SCREEN)


def the_pictures_grow_with_the_window():
    image, display = shown()
    dialog = open_dialog()
    pictures = [until(name, lambda: find(dialog, "image", name)) for name in ["Before", "After (draft)"]]
    number = subprocess.run(["xdotool", "search", "--name", TITLE], capture_output=True, text=True).stdout.split()[-1]
    until("the draft", lambda: settled(dialog), 240)
    small = [(extents(picture).width, extents(picture).height) for picture in pictures]
    assert small == [(256, 192)] * 2, small
    subprocess.run(["xdotool", "windowmove", number, "0", "0", "windowsize", number, "1366", "740"], check=True)
    until("a larger picture", lambda: all(extents(picture).width > 400 for picture in pictures))
    # It is painted anew for them.
    until("a finer draft", lambda: not settled(dialog), 5)
    until("the draft", lambda: settled(dialog), 240)
    screenshot("large")
    for picture in pictures:
        assert abs(extents(picture).width * 0.75 - extents(picture).height) < 2, (extents(picture).width, extents(picture).height)
    # What is said of them stays beside them.
    said = next(n for n in descendants(dialog) if (n.get_name() or "").startswith(WORDS["takes"]))
    assert 0 <= extents(said).y - extents(pictures[0]).y - extents(pictures[0]).height < 20, (extents(said).y)
    press(button(dialog, "Cancel"))
    until("the end of the dialog", lambda: not processes())
    display.delete()


def can_be_pressed(dialog):
    """Whether Paint can be pressed."""
    return button(dialog, "Paint").get_state_set().contains(Atspi.StateType.SENSITIVE)


def says(dialog, text):
    return any(n.get_role_name() == "label" and text in (n.get_name() or "") for n in descendants(dialog))


def paint_waits_for_a_style():
    image, display = shown()
    dialog = open_dialog()
    assert can_be_pressed(dialog)
    for label, without, words, instead in [
        ("Style from", "A file", "There is no style picture", "One that comes with the filter"),
        ("Style from", "An open layer", "There is no style picture", "One that comes with the filter"),
        ("Second style from", "A file", "The second style has no file", "No second style"),
    ]:
        if label.startswith("Second"):
            press(find(dialog, name="Second style"))
        choose(dialog, label, without)
        until("Paint to be grey", lambda: not can_be_pressed(dialog), 2)
        until("the reason", lambda: says(dialog, words), 2)
        screenshot("no-style")
        choose(dialog, label, instead)
        until("Paint", lambda: can_be_pressed(dialog), 2)
        until("the end of the reason", lambda: not says(dialog, words), 2)
    press(button(dialog, "Cancel"))
    until("the end of the dialog", lambda: not processes())
    display.delete()


def a_second_style_is_chosen_by_its_picture():
    image, display = shown()
    dialog = open_dialog()
    press(find(dialog, name="Second style"))
    choose(dialog, "Second style from", "One that comes with the filter")
    is_in = lambda node, state: node.get_state_set().contains(state)
    both = [n for n in descendants(dialog) if n.get_role_name() == "radio button" and n.get_name() == "Mosaic"]
    assert len(both) == 2
    until("the second choice", lambda: is_in(both[1], Atspi.StateType.VISIBLE))
    press(both[1])
    until("the choice", lambda: is_in(both[1], Atspi.StateType.CHECKED))
    assert_named(dialog)
    until("the draft", lambda: takes(dialog), 240)
    screenshot("second-style")
    press(button(dialog, "Cancel"))
    until("the end of the dialog", lambda: not processes())
    left = left_settings()
    assert (left["blend-from"], left["blend-name"]) == ("built-in", "mosaic"), left
    # The other tests go on without.
    leave_settings({**left, "blend-from": "none"})
    display.delete()


def left_settings():
    """What the dialog was left with."""
    with open(LEFT) as file:
        return json.load(file)


def leave_settings(settings):
    with open(LEFT, "w") as file:
        file.write(settings if isinstance(settings, str) else json.dumps(settings))


def the_dialog_opens_with_what_it_was_left_with():
    image, display = shown()
    fields = ["Iterations", "Working size", "Memory limit in GiB"]

    def opened():
        dialog = open_dialog()
        pencil = until("the style", lambda: find(dialog, "radio button", "Pencil"))
        return dialog, pencil, [field(dialog, name) for name in fields]

    dialog, pencil, values = opened()
    before = [value.get_current_value() for value in values]
    press(pencil)
    values[0].set_current_value(33)
    press(button(dialog, "Cancel"))
    until("the end of the dialog", lambda: not processes())
    dialog, pencil, values = opened()
    assert pencil.get_state_set().contains(Atspi.StateType.CHECKED) and values[0].get_current_value() == 33
    # A job that fails for want of memory.
    values[1].set_current_value(4096)
    values[2].set_current_value(0.2)
    press(button(dialog, "Paint"))
    until("the end of the dialog", lambda: not window(TITLE))
    until("the end of the filter", lambda: not processes())
    assert len(image.get_layers()) == 1
    dialog, pencil, values = opened()
    assert [value.get_current_value() for value in values] == [33, 4096, 0.2]
    for value, old in zip(values, before):
        value.set_current_value(old)
    press(button(dialog, "Cancel"))
    until("the end of the dialog", lambda: not processes())
    good = left_settings()
    # A layer is taken again where it is still the same one, and not where another has its number.
    layer = layer_of(image)
    for name, there in [(layer.get_name(), True), ("another", False)]:
        leave_settings({**good, "style-from": "layer", "style-layer": {"id": layer.get_id(), "name": name}})
        dialog = open_dialog()
        until("the answer", lambda: can_be_pressed(dialog) == there and says(dialog, "There is no style picture") != there, 5)
        press(button(dialog, "Cancel"))
        until("the end of the dialog", lambda: not processes())
    for damaged in ["", "[", "3", json.dumps({name: [None] for name in good}), json.dumps({**good, "strength": 1e99, "preset": "x"})]:
        leave_settings(damaged)
        dialog = open_dialog()
        until("Paint", lambda: can_be_pressed(dialog))
        press(button(dialog, "Cancel"))
        until("the end of the dialog", lambda: not processes())
    leave_settings(good)
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
    choose(dialog, "Quality", preset)
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


def labelled(dialog, role, name):
    """What has this label."""
    for node in descendants(dialog):
        if node.get_role_name() == role and any(
                r.get_target(0).get_name() == name for r in node.get_relation_set()
                if r.get_relation_type() == Atspi.RelationType.LABELLED_BY):
            return node
    raise AssertionError(f"there is no {role} for {name}")


def choose(dialog, name, choice):
    """Chooses from a list."""
    box = until(name, lambda: labelled(dialog, "combo box", name))
    items = [n.get_name() for n in descendants(box) if n.get_role_name() == "menu item"]
    assert box.get_selection_iface().select_child(items.index(choice)), (items, choice)


def field(dialog, name):
    """The value of an advanced field, which is found by its label."""
    if not any((n.get_name() or "").startswith(name) and n.get_state_set().contains(Atspi.StateType.SHOWING)
               for n in descendants(dialog)):
        press(find(dialog, name="Advanced"))
        time.sleep(0.5)
    return labelled(dialog, "spin button", name).get_value_iface()


def iterations(dialog):
    return field(dialog, "Iterations")


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
    time.sleep(2)
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
    tests.run(the_dialog_opens_with_what_it_was_left_with)
    tests.run(paint_waits_for_a_style)
    tests.run(the_pictures_grow_with_the_window)
    tests.run(a_style_is_chosen_by_its_picture)
    tests.run(a_second_style_is_chosen_by_its_picture)
    tests.run(the_picture_is_seen_on_the_canvas_while_it_is_painted)
    tests.run(recent_styles_are_offered_again)
tests.end()
