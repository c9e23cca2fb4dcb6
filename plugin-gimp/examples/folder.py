#!/usr/bin/env python3
"""Paints all pictures of a folder in one style: folder.py PICTURES STYLE INTO. IMPASTO_QUALITY may say draft,
standard or best. Starts GIMP without windows and speaks Python-Fu to it."""

import os
import subprocess
import sys

# What GIMP runs.
INSIDE = """
import os
from gi.repository import Gimp, Gio

procedure = Gimp.get_pdb().lookup_procedure("plug-in-impasto")
pictures, style, into = (os.environ["FOLDER_" + name] for name in ("PICTURES", "STYLE", "INTO"))
for name in sorted(os.listdir(pictures)):
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(os.path.join(pictures, name)))
    if image is None:
        print(name, "is no picture that GIMP can open")
        continue
    config = procedure.create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    config.set_property("image", image)
    config.set_core_object_array("drawables", image.get_selected_drawables())
    config.set_property("style-file", Gio.File.new_for_path(style))
    config.set_property("preset", os.environ.get("IMPASTO_QUALITY", "standard"))
    result = procedure.run(config)
    if result.index(0) == Gimp.PDBStatusType.SUCCESS:
        image.flatten()
        Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(os.path.join(into, name)), None)
        print(name)
    else:
        print(name, Gimp.get_pdb().get_last_error())
    image.delete()
"""

if len(sys.argv) != 4:
    sys.exit(__doc__)
names = dict(zip(("FOLDER_PICTURES", "FOLDER_STYLE", "FOLDER_INTO"), map(os.path.abspath, sys.argv[1:])))
command = ["gimp-console", "-idf", "--batch-interpreter=python-fu-eval", "-b", INSIDE, "--quit"]
sys.exit(subprocess.run(command, env={**os.environ, **names}).returncode)
