"""What pip has installed: the package, the command, and ONNX Runtime where both find it."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any, Dict

import impasto
import numpy as np
from PIL import Image

SITE = Path(sysconfig.get_paths()["platlib"])


def command() -> str:
    found = shutil.which("impasto")
    assert found
    return found


def test_all_lies_in_the_environment(engine: Any) -> None:
    assert Path(impasto.__file__).parent == SITE / "impasto"
    assert Path(command()).parent == Path(sys.executable).parent
    assert shutil.which("cargo") is None
    assert impasto.__version__ == importlib.metadata.version("impasto")
    library = Path(engine.info["onnxruntime"])
    assert library.parent == (SITE / "onnxruntime" / "capi").resolve()
    told = subprocess.run([command(), "--version"], capture_output=True, text=True, check=True).stdout
    assert impasto.__version__ in told


def test_the_command_makes_the_same_picture(photo: Any, painting: Any, engine: Any, tmp_path: Path) -> None:
    content, style, out = (tmp_path / f"{name} ü.png" for name in ("content", "style", "out"))
    Image.fromarray(photo).save(content)
    Image.fromarray(painting).save(style)
    options = ["--size", "64", "--iterations", "6", "--strength", "60", "--device", "cpu", "--threads", "2", "--quiet"]
    subprocess.run([command(), content, style, "-o", out, *options], check=True)
    result = engine.stylise(photo, painting, size=64, iterations=6, strength=60)
    assert (np.asarray(Image.open(out)) == result).all()
    simple = impasto.stylise(content, style, size=64, iterations=6, strength=60, device="cpu", threads=2)
    assert (np.asarray(simple) == result).all()


def test_the_wheel_is_in_order() -> None:
    told = importlib.metadata.metadata("impasto")
    assert (told["Name"], told["License-Expression"]) == ("impasto", "MIT OR Apache-2.0")
    assert any(line.startswith("onnxruntime") for line in told.get_all("Requires-Dist") or [])
    assert "pip install impasto" in (told.get_payload() or "")
    names = [str(file) for file in importlib.metadata.files("impasto") or []]
    for wanted in "impasto/py.typed", "impasto/libimpasto.so", "licenses/LICENSE-MIT", "licenses/LICENSE-APACHE":
        assert any(name.endswith(wanted) for name in names), wanted
    wheel = Path(os.environ["IMPASTO_WHEEL"])
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert wheel.stat().st_size < 30_000_000


def test_where_onnx_runtime_is_missing_the_message_says_what_to_do(tmp_path: Path) -> None:
    place = tmp_path / "place ü"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(place)]
    subprocess.run([*install, os.environ["IMPASTO_WHEEL"]], check=True, capture_output=True)
    code = "import impasto\ntry: impasto.devices()\nexcept impasto.OnnxRuntimeError as e: print(e)"
    environment: Dict[str, str] = {**os.environ, "PYTHONPATH": str(place)}
    package = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout
    program = subprocess.run([place / "bin" / "impasto", "devices"], capture_output=True, text=True, check=False)
    assert program.returncode == 5
    for said in package, program.stderr:
        for part in "Looked in", "pip install onnxruntime", "IMPASTO_ONNXRUNTIME":
            assert part in said, said
    assert f"{place.resolve()}/onnxruntime/capi" in package
    # The same place, with the wheel's library in it, under the name that it has there.
    capi = place / "onnxruntime" / "capi"
    shutil.copytree(SITE / "onnxruntime" / "capi", capi, ignore=shutil.ignore_patterns("*.py", "*pybind*"))
    code = "import impasto; print(impasto.Engine(device='cpu').info['onnxruntime'])"
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).parent == capi.resolve()


def test_the_plug_in_for_graphics_cards_is_found_in_its_wheel(tmp_path: Path) -> None:
    told = importlib.metadata.metadata("impasto")
    assert told.get_all("Provides-Extra") == ["webgpu"]
    needed = [line.split(";")[0] for line in told.get_all("Requires-Dist") or [] if "extra" in line]
    place = tmp_path / "place"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(place)]
    subprocess.run([*install, "--no-deps", "--no-index", os.environ["IMPASTO_WHEEL"]], check=True, capture_output=True)
    shutil.copytree(SITE / "onnxruntime" / "capi", place / "onnxruntime" / "capi", ignore=shutil.ignore_patterns("*.py", "*pybind*"))
    environment: Dict[str, str] = {**os.environ, "PYTHONPATH": str(place)}
    code = "import impasto; print([d['problem'] for d in impasto.devices() if d['device'] == 'webgpu'])"

    def problem() -> str:
        return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout

    assert "pip install onnxruntime-ep-webgpu" in problem()
    subprocess.run([*install, "--no-deps", *[line for line in needed if "webgpu" in line]], check=True, capture_output=True)
    # Now the card or its driver may be missing, but not the provider.
    assert "no WebGPU provider" not in problem()


def test_on_windows_the_library_is_the_one_of_that_system(tmp_path: Path) -> None:
    # No Python for Windows runs here, so the system's name is all that is changed. `cargo xtask test-windows` opens the DLL.
    package = tmp_path / "impasto"
    shutil.copytree(SITE / "impasto", package)
    (package / "libimpasto.so").rename(package / "impasto.dll")
    code = "import ctypes, numpy, sys; sys.platform = 'win32'; import impasto; print(impasto.__version__)"
    environment: Dict[str, str] = {**os.environ, "PYTHONPATH": str(tmp_path)}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout
    assert told.strip() == impasto.__version__
    without = subprocess.run([sys.executable, "-c", "import impasto"], env=environment, capture_output=True, text=True, check=False)
    assert without.returncode != 0 and "libimpasto.so" in without.stderr
