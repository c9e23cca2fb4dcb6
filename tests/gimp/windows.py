"""GIMP's windows, worked on as a screen reader does. Runs in GIMP's own Python, with IMPASTO_SUITE for the names of
screenshots."""

import os
import subprocess
import time

from inside import *  # noqa: F403

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi  # noqa: E402

SUITE = os.environ["IMPASTO_SUITE"]


def until(what, condition, seconds=30):
    """Waits; returns what the condition gives."""
    end = time.time() + seconds
    while time.time() < end:
        try:
            found = condition()
            if found:
                return found
        except gi.repository.GLib.Error:
            pass  # Widgets come and go.
        time.sleep(0.1)
    screenshot("failed")
    raise AssertionError(f"waited {seconds} s for {what}")


def screenshot(name):
    path = os.path.join(OUT, f"{SUITE}-{name}.png")
    subprocess.run(["import", "-window", "root", path], check=True)


def children(node):
    for i in range(node.get_child_count()):
        child = node.get_child_at_index(i)
        if child is not None:
            yield child


def descendants(node):
    for child in children(node):
        yield child
        yield from descendants(child)


def programs():
    return [program for program in children(Atspi.get_desktop(0)) if program]


def window(title):
    """The window whose title begins so."""
    for program in programs():
        for frame in children(program):
            if (frame.get_name() or "").startswith(title):
                return frame
    return None


def find(root, role=None, name=None):
    for node in descendants(root):
        if (role is None or node.get_role_name() == role) and (name is None or (node.get_name() or "") == name):
            return node
    return None


def press(node):
    action = node.get_action_iface()
    assert action and action.get_n_actions() > 0, f"{node.get_name()} cannot be pressed"
    action.do_action(0)


def main_window():
    for program in programs():
        for frame in children(program):
            if frame.get_role_name() == "frame" and find(frame, "menu bar"):
                return frame
    return None


def menu(*names):
    """Chooses from the menu bar."""
    item = until("the menu bar", lambda: find(main_window(), "menu bar"))
    for name in names:
        def named(parent=item):
            return next((c for c in children(parent) if (c.get_name() or "").startswith(name)), None)
        item = until(f"the menu {name}", named)
    press(item)


def shown():
    """An image in a window, and nothing else."""
    image = load(os.path.join(SAMPLES, "coffee.png"))
    image.scale(320, 240)
    display = Gimp.Display.new(image)
    Gimp.displays_flush()
    until("the window", main_window)
    number = subprocess.run(["xdotool", "search", "--name", "GIMP$"], capture_output=True, text=True).stdout.split()
    for window_number in number:
        subprocess.run(["xdotool", "windowsize", window_number, "1300", "860"], check=False)
    # Where it shows no tooltip.
    subprocess.run(["xdotool", "mousemove", "0", "0"], check=False)
    return image, display


def button(dialog, *names):
    return until(names[0], lambda: next(filter(None, (find(dialog, "push button", n) or find(dialog, "button", n)
                                                      for n in names)), None))
