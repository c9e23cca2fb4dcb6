"""What the command does besides."""

import shutil

import png
import wine
from place import CHECKOUT, HERE, SAMPLE, names, painted, refused


def test_the_command_answers(place):
    said = place.impasto("--version")
    assert said.code == 0 and said.out.startswith("impasto "), said
    said = place.impasto("model", "list")
    assert said.code == 0 and "compact" in said.out, said
    said = place.impasto("styles")
    assert said.code == 0 and "mosaic" in said.out, said
    refused(place.impasto("photo.png"), 2, "--output")


def test_a_picture_is_the_same_as_on_linux(place):
    out = place.folder("same") / "out.png"
    options = ["--size", "96", "--iterations", "5", "--device", "cpu", "--threads", "2", "--quiet"]
    pictures = [wine.path(SAMPLE / "cat.png"), wine.path(SAMPLE / "whirls.jpg")]
    said = place.impasto(*pictures, "-o", wine.path(out), *options)
    here, there = painted(said, out, 96), png.read(place.linux)
    assert here[:2] == there[:2]
    worst = max(abs(a - b) for a, b in zip(here[2], there[2]))
    print(f"    largest difference to Linux: {worst} of 255")
    assert worst <= 1


def test_each_device_that_is_there_paints(place):
    said = place.impasto("devices")
    assert said.code == 0 and "onnxruntime.dll" in said.out, said
    assert str(place.home / "bin").split("/")[-2] in said.out, said
    lines = [line for line in said.out.splitlines() if line and not line.startswith("ONNX")]
    working = [line.split()[0] for line in lines if " works" in line]
    print("    " + "; ".join(lines))
    assert "cpu" in working, said
    folder = place.folder("devices")
    for device in [*working, "auto"]:
        out = folder / (device.replace(":", "-") + ".png")
        painted(place.paint(wine.path(out), "--device", device), out)
    for line in lines:
        if " works" not in line:
            refused(place.paint(wine.path(folder / "not.png"), "--device", line.split()[0]), 5)


def test_the_plug_in_for_graphics_cards_is_found_beside_onnx_runtime(place):
    said = place.impasto("devices")
    assert "webgpu   cannot be used: there is no WebGPU provider" in said.out, said
    said = place.impasto("devices", IMPASTO_ONNXRUNTIME=wine.path(place.webgpu))
    (line,) = [line for line in said.out.splitlines() if line.startswith("webgpu")]
    # It is opened; Wine has no card for it.
    assert " works" in line or "sees no graphics card" in line, said


def test_standard_input_and_output_are_bytes(place):
    said = place.paint("-", "--format", "png")
    assert said.code == 0 and said.raw[:8] == b"\x89PNG\r\n\x1a\n", said
    out = place.folder("pipe") / "out.png"
    out.write_bytes(said.raw)
    painted(said, out)


def test_many_pictures_in_one_command(place):
    folder = place.folder("viele")
    for name in "eins ä.png", "zwei.png":
        shutil.copy(place.photo, folder / name)
    out = place.folder("viele fertig")
    said = place.paint("..\\viele fertig\\", pictures=("..\\viele", wine.path(place.style)), folder=folder)
    for name in "eins ä.png", "zwei.png":
        painted(said, out / name)


def _interrupted(place, times, name):
    """Interrupts a long job; the result's path, and what was said."""
    program = place.room / "interrupt.exe"
    if not program.exists():
        place.compile(HERE / "interrupt.c", "interrupt.exe", "-municode")
    out = place.folder(name) / "out.png"
    options = "--size 96 --iterations 100000 --device cpu --threads 2 --progress json"
    paths = [f'"{wine.path(p)}"' for p in (place.program, place.photo, place.style, out)]
    command = f"{paths[0]} {paths[1]} {paths[2]} -o {paths[3]} {options}"
    # Its own exit code says nothing, as it changes its console.
    return out, wine.run(program, times, '"progress"', command, timeout=60)


def test_ctrl_c_writes_the_best_picture(place):
    out, said = _interrupted(place, 1, "unterbrochen")
    assert "exit code 130" in said.out and "finishing with the best picture" in said.error, said
    assert png.read(out)[0] == 96
    assert names(out.parent) == ["out.png"]


def test_ctrl_c_twice_leaves_no_part_of_a_file(place):
    out, said = _interrupted(place, 2, "zweimal")
    assert "exit code 130" in said.out, said
    assert set(names(out.parent)) <= {"out.png"}, f"{names(out.parent)} are left: {said}"
    if out.exists():
        png.read(out)


def test_models_are_kept_by_names_that_windows_allows(place):
    folder = place.folder("modelle")
    narrow = CHECKOUT / "tests/fixtures/narrow.safetensors"
    for name in "con", "nul", "lpt1":
        refused(place.impasto("model", "import", wine.path(narrow), "--name", name), 2, name, "device in Windows")
    said = place.impasto("model", "import", wine.path(narrow), "--name", "narrow")
    assert said.code == 0, said
    assert "narrow" in place.impasto("model", "list").out
    out = folder / "out.png"
    painted(place.paint(wine.path(out), "--model", "narrow"), out)
    assert place.impasto("model", "remove", "narrow").code == 0
