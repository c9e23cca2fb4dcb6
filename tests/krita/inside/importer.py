"""Krita's own importer: Tools ▸ Scripts ▸ Import Python Plugin from File…, with a person's answers."""

import os
from unittest import mock

from PyQt5.QtWidgets import QFileDialog, QMessageBox

from .common import KRITA, Tests


def the_importer_takes_the_archive_and_switches_it_on():
    yield
    asked = []

    def question(_parent, title, text, *_):
        asked.append((title, text))
        return QMessageBox.Yes

    chosen = (os.environ["IMPASTO_ARCHIVE"], "")
    with mock.patch.object(QFileDialog, "getOpenFileName", lambda *_: chosen):
        with mock.patch.object(QMessageBox, "question", question):
            KRITA.action("plugin_importer_file").trigger()
    assert len(asked) == 1 and "Neural Style Transfer" in asked[0][1], asked
    assert KRITA.readSetting("python", "enable_impasto", "") == "true"
    module = os.path.join(KRITA.getAppDataLocation(), "pykrita", "impasto")
    for file in ["__init__.py", "Manual.html", "IMPASTO-PLUG-IN", "licences/plug-in-GPL-3.0", "thumbnails/mosaic.jpg"]:
        assert os.path.getsize(os.path.join(module, file)) > 0, file
    assert any(name.startswith("libonnxruntime.so") for name in os.listdir(os.path.join(module, "lib")))


TESTS = Tests([(the_importer_takes_the_archive_and_switches_it_on, ())])
