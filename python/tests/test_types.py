"""The package's types: they are in order, and a program that uses it wrongly is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "impasto"

PROGRAM = """
from pathlib import Path

import impasto
import numpy as np
from numpy.typing import NDArray
from PIL import Image

array: NDArray[np.uint16] = np.zeros((9, 9, 3), np.uint16)
painted: NDArray[np.uint16] = impasto.stylise(array, "mosaic", preset="draft", size=64, threads=2)
image: Image.Image = impasto.stylise(Path("photo.jpg"), [impasto.Style("painting.jpg", weight=2), array], mask=array)
with impasto.Engine(device="cpu") as engine:
    other, report = engine.stylise_with_report(image, array, cancel=impasto.CancelToken(), progress=print)
    other.save("out.png")
"""

WRONG = [
    'impasto.stylise(array, "mosaic", sise=64)',
    'impasto.stylise(array, "mosaic", size="large")',
    'impasto.stylise(array, "mosaic").save("out.png")',
    'engine.stylise(array, "mosaic", device="cpu")',
]


def mypy(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(folder / "cache"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_types_are_strict(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    done = mypy(tmp_path, str(PACKAGE))
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    done = mypy(tmp_path, "program.py")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    lines = len(PROGRAM.splitlines())
    (tmp_path / "program.py").write_text(PROGRAM + "\n".join(WRONG) + "\n")
    done = mypy(tmp_path, "program.py")
    for i in range(lines + 1, lines + 1 + len(WRONG)):
        assert f"program.py:{i}: error" in done.stdout, done.stdout
