"""Saves a document with the filter, and lets it be painted for long; whoever runs this kills GIMP then."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["IMPASTO_CHECKOUT"], "tests", "gimp"))
from inside import *  # noqa: E402,F403

image = photograph()
new = Gimp.DrawableFilter.new(layer_of(image), "impasto:style-transfer", "painted")
for name, value in {"size": 72, "iterations": 50000}.items():
    new.get_config().set_property(name, value)
new.update()
layer_of(image).append_filter(new)
Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, file(os.environ["IMPASTO_DOCUMENT"]), None)
image.flatten()
