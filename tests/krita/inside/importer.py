"""Krita's own importer."""

import os
import sys

from krita import Krita

sys.path.insert(0, os.path.join(sys.prefix, "share", "krita", "pykrita"))

from .common import OUT, Tests  # noqa: E402
from plugin_importer.plugin_importer import PluginImporter  # noqa: E402


def the_importer_takes_the_archive():
    resources = Krita.instance().getAppDataLocation()
    plug_ins = PluginImporter(os.environ["IMPASTO_ARCHIVE"], resources, lambda plug_in: True).import_all()
    assert [plug_in["name"] for plug_in in plug_ins] == ["impasto"], plug_ins
    module = os.path.join(resources, "pykrita", "impasto")
    for file in ["__init__.py", "Manual.html", "IMPASTO-PLUG-IN", "licences/plug-in-GPL-3.0", "styles/mosaic.jpg"]:
        assert os.path.getsize(os.path.join(module, file)) > 0, file
    assert any(name.startswith("libonnxruntime.so") for name in os.listdir(os.path.join(module, "lib")))


tests = Tests()
tests.run(the_importer_takes_the_archive)
tests.end()
