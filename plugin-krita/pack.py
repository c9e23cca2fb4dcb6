# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs a folder into the archive that Krita's importer takes: the description and the module's folder at the top, with an
entry for each folder. The same files give the same bytes.

    python3 pack.py FOLDER ARCHIVE
"""

import os
import stat
import sys
import zipfile


def entries(folder):
    """The paths of all folders and files below a folder, sorted, those of folders with a slash at the end."""
    found = []
    for place, folders, files in os.walk(folder):
        inside = os.path.relpath(place, folder).replace(os.sep, "/")
        before = "" if inside == "." else inside + "/"
        found += [before + name + "/" for name in folders if name != "__pycache__"]
        found += [before + name for name in files if "__pycache__" not in before]
    return sorted(found)


def pack(folder, archive):
    """Writes the archive, whole or not at all."""
    partial = archive + ".partial"
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name in entries(folder):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            if name.endswith("/"):
                info.external_attr = (stat.S_IFDIR | 0o755) << 16 | 0x10
                file.writestr(info, b"")
                continue
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            with open(os.path.join(folder, name), "rb") as source:
                file.writestr(info, source.read())
    os.replace(partial, archive)


if __name__ == "__main__":
    pack(sys.argv[1], sys.argv[2])
