# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive for Krita's importer."""

import os
import sys
import tempfile
import unittest
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

import pack  # noqa: E402


class Archive(unittest.TestCase):
    def made(self, folder, name):
        """A folder with a module in it, packed."""
        module = os.path.join(folder, name, "module")
        os.makedirs(os.path.join(module, "__pycache__"))
        for path, text in [("module.desktop", "d"), ("module/__init__.py", "i"), ("module/__pycache__/i.pyc", "c")]:
            with open(os.path.join(folder, name, path), "w") as file:
                file.write(text)
        archive = os.path.join(folder, name + ".zip")
        pack.pack(os.path.join(folder, name), archive)
        return archive

    def test_folders_have_entries_of_their_own_and_caches_are_left_out(self):
        with tempfile.TemporaryDirectory() as folder:
            with zipfile.ZipFile(self.made(folder, "one")) as archive:
                self.assertEqual(archive.namelist(), ["module.desktop", "module/", "module/__init__.py"])

    def test_the_same_files_give_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            archives = [self.made(folder, name) for name in ("one", "two")]
            os.utime(os.path.join(folder, "two", "module.desktop"), (0, 10**9))
            with open(archives[0], "rb") as one, open(archives[1], "rb") as two:
                self.assertEqual(one.read(), two.read())


if __name__ == "__main__":
    unittest.main()
