"""What the scripts that GIMP runs share: tests that are counted, pixels, and the filter. Runs in GIMP's own
Python, python-fu-eval."""

import json
import os
import time
import traceback

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp, Gio  # noqa: E402

CHECKOUT = os.environ["IMPASTO_CHECKOUT"]
OUT = os.environ["IMPASTO_OUT"]
# Only some suites have one.
REFERENCE = os.environ.get("IMPASTO_REFERENCE", "")
PROGRAM = os.environ["IMPASTO_PLUG_IN"]
SAMPLES = os.path.join(CHECKOUT, "assets", "sample")
WHIRLS = os.path.join(SAMPLES, "whirls.jpg")
# The list of the styles that were painted with last, and the settings that the dialog was left with.
RECENT_STYLES, LEFT = (os.path.join(Gimp.directory(), "plug-in-settings", f"plug-in-impasto.{name}.json")
                       for name in ["styles", "dialog"])
DUSK = os.path.join(SAMPLES, "dusk.jpg")

PDB = Gimp.get_pdb()
SUCCESS = Gimp.PDBStatusType.SUCCESS


class Tests:
    """Runs functions, those whose names hold what IMPASTO_TESTS says, and writes down how each has ended, so that a GIMP that dies is noticed."""

    def __init__(self, name):
        self.path = os.path.join(OUT, name + ".jsonl")
        open(self.path, "w").close()

    def run(self, test, *arguments):
        name = " ".join([test.__name__.replace("_", " "), *map(str, arguments)])
        if os.environ.get("IMPASTO_TESTS", "") not in name:
            return
        start = time.time()
        try:
            test(*arguments)
            problem = None
        except Exception:
            problem = traceback.format_exc()
        with open(self.path, "a") as file:
            file.write(json.dumps({"test": name, "seconds": round(time.time() - start, 1), "problem": problem}) + "\n")

    def end(self):
        with open(self.path, "a") as file:
            file.write(json.dumps({"end": True}) + "\n")


def file(path):
    return Gio.File.new_for_path(path)


def load(path):
    return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file(path))


# The sample photograph by its size. A copy of an open image takes no process, as a file does.
photographs = {}


def photograph(width=72, height=54):
    """The sample photograph, small."""
    if (width, height) not in photographs:
        image = load(os.path.join(SAMPLES, "coffee.png"))
        image.scale(width, height)
        photographs[width, height] = image
    return photographs[width, height].duplicate()


def photograph_of(base, precision):
    """The same in grey or colour, with samples of this kind."""
    image = photograph()
    if base == "grey":
        image.convert_grayscale()
    if image.get_precision() != precision:
        image.convert_precision(precision)
    return image


def layer_of(image):
    return image.get_layers()[0]


def rectangle(drawable):
    return Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())


def pixels(drawable, encoding=None):
    """The bytes of a drawable, as they are or in an encoding."""
    return bytes(drawable.get_buffer().get(rectangle(drawable), 1.0, encoding, Gegl.AbyssPolicy.NONE))


def rows(drawable, encoding=None):
    """The bytes of each pixel, by row."""
    data = pixels(drawable, encoding)
    width, height = drawable.get_width(), drawable.get_height()
    size = len(data) // (width * height)
    return [[data[(y * width + x) * size :][:size] for x in range(width)] for y in range(height)]


def write(drawable, encoding, data):
    drawable.get_buffer().set(rectangle(drawable), encoding, data)
    drawable.get_buffer().flush()
    drawable.update(0, 0, drawable.get_width(), drawable.get_height())


# What says which style is painted.
STYLES = {"style_from", "style_name", "style_file", "style_layer", "style_image"}


def stylise(image, drawables=None, **arguments):
    """Runs the filter as a script does; returns the status and the error. Small and quick unless told, in a style of the filter's
    own unless one is named: GIMP starts a process for each file that it opens."""
    procedure = PDB.lookup_procedure("plug-in-impasto")
    config = procedure.create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    config.set_property("image", image)
    config.set_core_object_array("drawables", image.get_selected_drawables() if drawables is None else drawables)
    defaults = {"iterations": 4, "size": 64, "device": "cpu"}
    own = {} if STYLES & arguments.keys() else {"style_from": "built-in", "style_name": "mosaic"}
    for name, value in {**defaults, **own, **arguments}.items():
        if value is not None:
            config.set_property(name.replace("_", "-"), value)
    values = procedure.run(config)
    return values.index(0), PDB.get_last_error()


def succeeds(image, drawables=None, **arguments):
    status, error = stylise(image, drawables, **arguments)
    assert status == SUCCESS, f"{status}: {error}"


def fails(image, *words, drawables=None, **arguments):
    """The filter refuses, in these words, and nothing has changed."""
    before = [(layer.get_id(), pixels(layer)) for layer in image.get_layers()]
    status, error = stylise(image, drawables, **arguments)
    assert status in (Gimp.PDBStatusType.EXECUTION_ERROR, Gimp.PDBStatusType.CALLING_ERROR), status
    for word in words:
        assert word in error, (word, status, error)
    assert [(layer.get_id(), pixels(layer)) for layer in image.get_layers()] == before


def processes():
    """The process numbers of the filter, the latest last."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and os.readlink(f"/proc/{entry}/exe") == PROGRAM:
                with open(f"/proc/{entry}/stat") as file:
                    # Behind the name: the 20th field is the time of its start.
                    found.append((int(file.read().rpartition(")")[2].split()[19]), int(entry)))
        except OSError:
            pass
    return [number for _, number in sorted(found)]
