"""Tests the archive and the wheel for Windows under Wine, as `cargo xtask test-windows` makes them.

    python3 run.py ARCHIVE WHEEL WORK [NAME...]

WORK holds linux.png, what the command for Linux paints of the same pictures. With names, only the tests whose names have one of
these words are run. It has to be root, in a mount namespace of its own.
"""

import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import png
import wine

CHECKOUT = Path(__file__).resolve().parents[2]
SAMPLE = CHECKOUT / "assets" / "sample"
HERE = Path(__file__).resolve().parent

# What every Windows 10 has; the last five are Microsoft's runtime for ONNX Runtime alone.
SYSTEM = {
    "advapi32.dll", "bcrypt.dll", "bcryptprimitives.dll", "crypt32.dll", "kernel32.dll", "msvcrt.dll", "ntdll.dll", "ole32.dll",
    "oleaut32.dll", "pdh.dll", "powrprof.dll", "psapi.dll", "secur32.dll", "shell32.dll", "user32.dll", "userenv.dll",
    "ws2_32.dll", "iphlpapi.dll", "netapi32.dll",
}


class Place:
    """The archive, unpacked where its path has a space and an umlaut, with two pictures beside it."""

    def __init__(self, archive, wheel, work):
        self.wheel, self.linux = wheel, work / "linux.png"
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


def test_everything_that_users_need_is_in_the_archive(place):
    for wanted in (
        "README-WINDOWS.txt", "bin/impasto.exe", "bin/impasto.dll", "bin/onnxruntime.dll", "bin/onnxruntime_providers_webgpu.dll",
        "lib/impasto.def", "lib/libimpasto.dll.a", "include/impasto.h", "share/impasto/styles/mosaic.jpg", "doc/LICENSE-MIT",
        "doc/LICENSE-APACHE", "doc/onnxruntime-LICENSE", "doc/mingw-w64-copyright", "doc/gcc-copyright", "doc/THIRD-PARTY.md",
    ):
        assert (place.home / wanted).stat().st_size > 0, wanted
    header = set(re.findall(r"\b(impasto_[a-z_]+)\(", (place.home / "include/impasto.h").read_text(encoding="utf-8")))
    listed = set((place.home / "lib/impasto.def").read_text().split("EXPORTS")[1].split())
    assert listed and listed <= header, listed - header
    others = (place.home / "doc/THIRD-PARTY.md").read_text(encoding="utf-8")
    assert "| windows-sys |" in others and "| ort |" in others


def test_programs_need_nothing_but_windows_itself(place):
    for name in "impasto.exe", "impasto.dll":
        told = subprocess.run(
            ["x86_64-w64-mingw32-objdump", "-p", place.home / "bin" / name], check=True, capture_output=True, text=True
        ).stdout
        needed = {line.split()[-1].lower() for line in told.splitlines() if "DLL Name:" in line}
        foreign = {dll for dll in needed - SYSTEM if not dll.startswith("api-ms-win-")}
        assert needed and not foreign, f"{name} needs {foreign}"
        assert ".debug" not in told


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


def test_names_with_spaces_umlauts_and_slashes_of_both_kinds(place):
    folder = place.folder("Öl & Farbe (é)")
    pictures = ("../Foto ä.png", "..\\Bild ß.jpg")
    said = place.paint("Bild 東京.png", "--report", "Bericht ü.json", "--plot", ".\\Verlauf ü.svg", pictures=pictures, folder=folder)
    painted(said, folder / "Bild 東京.png")
    assert names(folder) == ["Bericht ü.json", "Bild 東京.png", "Verlauf ü.svg"]
    said = place.impasto("--resume", "Bericht ü.json", "-o", "weiter.png", "--iterations", "2", "--quiet", folder=folder)
    painted(said, folder / "weiter.png")


def test_paths_of_more_than_260_characters(place):
    folder = place.folder("tief")
    deep = folder.joinpath(*["Ordner mit einem langen Namen " + str(n) for n in range(10)])
    os.makedirs(deep)
    photo = deep / "ein Foto mit einem langen Namen.png"
    shutil.copy(place.photo, photo)
    out, report = deep / "ein Ergebnis.png", deep / "ein Bericht.json"
    assert len(wine.path(out)) > 330
    pictures = (wine.path(photo), wine.path(place.style))
    for _ in "new", "over it":
        painted(place.paint(wine.path(out), "--report", wine.path(report), pictures=pictures), out)
        assert names(deep) == ["ein Bericht.json", "ein Ergebnis.png", photo.name]
    said = place.impasto("--resume", wine.path(report), "-o", wine.path(deep / "b.png"), "--iterations", "2", "--quiet")
    painted(said, deep / "b.png")


def test_no_file_that_is_read_is_written_over_however_it_is_spelt(place):
    folder = place.folder("gleich")
    shutil.copy(place.photo, folder / "Foto.png")
    os.link(folder / "Foto.png", folder / "zweiter Name.png")
    before = (folder / "Foto.png").read_bytes()
    pictures = ("Foto.png", wine.path(place.style))
    for out in "foto.PNG", ".\\Foto.png", "..\\gleich\\Foto.png", "zweiter Name.png":
        refused(place.paint(out, pictures=pictures, folder=folder), 2, "is one of the files that are read")
    for out in "Foto.png.", "Foto.png ", "Foto.png...":
        said = place.paint(out, "--format", "png", pictures=pictures, folder=folder)
        assert said.code in (2, 6), said
    refused(place.paint("neu.png", "--plot", "NEU.png", pictures=pictures, folder=folder), 2, "two outputs")
    assert (folder / "Foto.png").read_bytes() == before
    assert names(folder) == ["Foto.png", "zweiter Name.png"]


def test_names_of_devices_are_refused_and_nul_takes_anything(place):
    folder = place.folder("geräte")
    for name in "con.png", "AUX.png", "com1.png", "lpt9.tar.png", "nul.png":
        refused(place.paint(name, folder=folder), 6, name, "device in Windows")
    refused(place.paint("bild.png:strom.png", folder=folder), 6, "colon")
    said = place.paint("NUL", "--format", "png", folder=folder)
    assert said.code == 0, said
    assert names(folder) == []


def test_a_file_that_is_replaced_stays_hidden_and_a_protected_one_is_refused(place):
    folder = place.folder("ersetzt")
    out = folder / "out.png"
    out.write_bytes(b"old")
    assert wine.run("attrib.exe", "+H", wine.path(out)).code == 0
    painted(place.paint(wine.path(out)), out)
    told = wine.run("attrib.exe", wine.path(out)).out.split()
    assert "H" in told[0], told
    os.chmod(out, 0o444)
    before = out.read_bytes()
    refused(place.paint(wine.path(out)), 6, "write-protected")
    assert out.read_bytes() == before and names(folder) == ["out.png"]


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


def test_a_full_disk_is_an_error_and_leaves_nothing(place):
    disk = Path("/tmp/disk")
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], check=True)
    wine.drive("f", disk)
    for there in None, b"what was there":
        if there:
            (disk / "out.png").write_bytes(there)
        said = place.paint("F:\\out.png", "--size", "128")
        refused(said, 6, "F:\\out.png", "is kept in C:\\")
        assert png.read(wine.place(said.error.split("is kept in ")[1].strip()))[0] == 128
        assert names(disk) == (["out.png"] if there else [])
        assert not there or (disk / "out.png").read_bytes() == there


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


def test_the_example_in_c_is_linked_with_the_import_library(place):
    program = place.compile(CHECKOUT / "ffi/examples/stylise.c", "stylise.exe", f"-L{place.home}/lib", "-limpasto")
    folder = place.folder("c")
    pixels = bytes((x * (3 + c) + y * y * (2 - c) + x * y) % 256 for y in range(48) for x in range(64) for c in range(3))
    (folder / "content.ppm").write_bytes(b"P6\n64 48\n255\n" + pixels)
    (folder / "style.ppm").write_bytes(b"P6\n48 64\n255\n" + pixels[::-1])
    arguments = ["content.ppm", "style.ppm", "out.ppm", '{"size": 64, "iterations": 4}', '{"device": "cpu"}']
    # Windows finds the DLL by PATH; the DLL finds ONNX Runtime beside itself, and not beside the program.
    said = wine.run(program, *arguments, folder=folder, WINEPATH=wine.path(place.home / "bin"))
    assert said.code == 0 and "cancelled; once more" in said.out, said
    result = (folder / "out.ppm").read_bytes()
    assert result.startswith(b"P6\n64 48\n255\n") and len(result) == 13 + len(pixels) and result[13:] != pixels


def test_a_host_that_closes_the_library_lives_on(place):
    program = place.compile(HERE / "host.c", "host.exe", "-municode")
    said = wine.run(program, wine.path(place.home / "bin" / "impasto.dll"))
    assert said.code == 0 and said.out.split() == ["painted", "1", "painted", "2"], said


def test_where_onnx_runtime_is_missing_the_message_says_where_it_was_looked_for(place):
    alone = place.folder("allein")
    shutil.copy(place.program, alone)
    said = wine.run(alone / "impasto.exe", "devices")
    refused(said, 5, "onnxruntime.dll", "allein", "IMPASTO_ONNXRUNTIME")
    said = wine.run(alone / "impasto.exe", "devices", IMPASTO_ONNXRUNTIME=wine.path(place.home / "bin"))
    assert said.code == 0 and "cpu" in said.out, said
    # Cut off, it would end the program.
    whole = (place.home / "bin" / "onnxruntime.dll").read_bytes()
    (alone / "onnxruntime.dll").write_bytes(whole[: len(whole) // 2])
    refused(wine.run(alone / "impasto.exe", "devices"), 5, "cut off")


def test_the_wheel_has_what_pip_needs_and_finds_onnx_runtime_in_an_environment(place):
    assert re.fullmatch(r"impasto-[0-9.]+-py3-none-win_amd64\.whl", place.wheel.name)
    environment = place.folder("Umgebung ü")
    packages, scripts = environment / "Lib" / "site-packages", environment / "Scripts"
    scripts.mkdir(parents=True)
    with zipfile.ZipFile(place.wheel) as file:
        assert file.testzip() is None
        file.extractall(packages)
        listed = set(file.namelist())
    (about,) = packages.glob("impasto-*.dist-info")
    told = (about / "METADATA").read_text(encoding="utf-8")
    assert "\nRequires-Dist: onnxruntime" in told and "\nLicense-File: gcc-copyright\n" in told
    assert "Tag: py3-none-win_amd64" in (about / "WHEEL").read_text()
    record = {line.split(",")[0] for line in (about / "RECORD").read_text(encoding="utf-8").splitlines()}
    assert record == listed
    # As pip puts the command and ONNX Runtime's wheel.
    (script,) = packages.glob("impasto-*.data/scripts/impasto.exe")
    shutil.copy(script, scripts)
    capi = packages / "onnxruntime" / "capi"
    capi.mkdir(parents=True)
    shutil.copy(place.home / "bin" / "onnxruntime.dll", capi)
    out = place.folder("rad") / "out.png"
    said = wine.run(scripts / "impasto.exe", "devices")
    assert said.code == 0 and "site-packages\\onnxruntime\\capi" in said.out, said
    said = wine.run(
        scripts / "impasto.exe", wine.path(place.photo), wine.path(place.style), "-o", wine.path(out), "--size", "64",
        "--iterations", "2", "--device", "cpu", "--quiet",
    )
    painted(said, out)
    # The package's library, opened by a host as Python does it.
    program = place.room / "host.exe"
    if not program.exists():
        place.compile(HERE / "host.c", "host.exe", "-municode")
    said = wine.run(program, wine.path(packages / "impasto" / "impasto.dll"))
    assert said.code == 0, said


def tests(words):
    """The tests whose names have one of the words; without words all."""
    every = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    return [(name, test) for name, test in every if not words or any(word in name for word in words)]


def timed(name, action):
    """Whether an action succeeds; prints how long it took."""
    begin, verdict = time.monotonic(), "ok"
    try:
        action()
    except (AssertionError, OSError, ValueError, subprocess.SubprocessError) as problem:
        verdict = "FAILED"
        print(f"{type(problem).__name__}: {problem}")
    print(f"  {time.monotonic() - begin:5.1f} s  {verdict}  {name[5:].replace('_', ' ')}", flush=True)
    return verdict == "ok"


def main():
    archive, wheel, work = (Path(a).resolve() for a in sys.argv[1:4])
    words = sys.argv[4:]
    begin = time.monotonic()
    with wine.Wine():
        print(f"  {time.monotonic() - begin:5.1f} s  Wine starts", flush=True)
        place = Place(archive, wheel, work)
        failed = [name for name, test in tests(words) if not timed(name, lambda test=test: test(place))]
    if failed:
        sys.exit(f"{len(failed)} failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
