"""What is tested: the archive, unpacked, and what its programs must do."""

import shutil
import subprocess
import zipfile
from pathlib import Path

import png
import wine

CHECKOUT = Path(__file__).resolve().parents[2]
SAMPLE = CHECKOUT / "assets" / "sample"
HERE = Path(__file__).resolve().parent


class Place:
    """The archive, unpacked where its path has a space and an umlaut, with two pictures beside it."""

    def __init__(self, archive, wheel, gimps_filter, work):
        self.wheel, self.filter = wheel, gimps_filter
        self.linux, self.webgpu = work / "linux.png", work / "webgpu"
        self.room = work / "Käthes Bilder"
        self.room.mkdir()
        with zipfile.ZipFile(archive) as file:
            assert file.testzip() is None
            file.extractall(self.room)
        (self.home,) = self.room.iterdir()
        self.program = self.home / "bin" / "impasto.exe"
        self.photo, self.style = self.room / "Foto ä.png", self.room / "Bild ß.jpg"
        shutil.copy(SAMPLE / "cat.png", self.photo)
        shutil.copy(SAMPLE / "whirls.jpg", self.style)

    def folder(self, name):
        folder = self.room / name
        folder.mkdir()
        return folder

    def impasto(self, *arguments, **options):
        return wine.run(self.program, *arguments, **options)

    def paint(self, out, *options, pictures=None, **others):
        """A picture of 64 pixels, soon; `out` and the pictures are names for Windows."""
        pictures = pictures or (wine.path(self.photo), wine.path(self.style))
        usual = ["--size", "64", "--iterations", "3", "--device", "cpu", "--threads", "2", "--quiet"]
        return self.impasto(*pictures, "-o", out, *usual, *options, **others)

    def compile(self, source, name, *options):
        """Compiles a C program against the archive's header and import library."""
        program = self.room / name
        warnings = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror"]
        compiler = ["x86_64-w64-mingw32-gcc", *warnings, f"-I{self.home}/include"]
        subprocess.run([*compiler, source, *options, "-o", program], check=True)
        return program


def painted(said, path, width=64):
    """The picture, which the command must have painted."""
    assert said.code == 0, said
    result = png.read(path)
    assert result[0] == width, result[:2]
    return result


def refused(said, code, *words):
    """The command must have ended with this code and these words."""
    assert said.code == code and all(word in said.error for word in words), f"{code} and {words} were expected: {said}"


def names(folder):
    return sorted(path.name for path in folder.iterdir())
