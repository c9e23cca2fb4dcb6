"""What is in the archive and in the wheel: the C library, ONNX Runtime, licences."""

import re
import shutil
import subprocess
import zipfile

import wine
from place import CHECKOUT, HERE, painted, refused

# What every Windows 10 has.
SYSTEM = {
    "advapi32.dll", "bcrypt.dll", "bcryptprimitives.dll", "crypt32.dll", "kernel32.dll", "msvcrt.dll", "ntdll.dll", "ole32.dll",
    "oleaut32.dll", "pdh.dll", "powrprof.dll", "psapi.dll", "secur32.dll", "shell32.dll", "user32.dll", "userenv.dll",
    "ws2_32.dll", "iphlpapi.dll", "netapi32.dll",
}


def test_everything_that_users_need_is_in_the_archive(place):
    for wanted in (
        "README-WINDOWS.txt", "bin/impasto.exe", "bin/impasto.dll", "bin/onnxruntime.dll",
        "lib/impasto.def", "lib/libimpasto.dll.a", "include/impasto.h", "share/impasto/styles/mosaic.jpg", "doc/LICENSE-MIT",
        "doc/LICENSE-APACHE", "doc/onnxruntime-LICENSE", "doc/mingw-w64-copyright", "doc/gcc-copyright", "doc/THIRD-PARTY.md",
    ):
        assert (place.home / wanted).stat().st_size > 0, wanted
    # What may not be given along without its licence.
    assert not list((place.home / "bin").glob("dx*.dll"))
    header = (place.home / "include/impasto.h").read_text(encoding="utf-8")
    declared = set(re.findall(r"^\w[\w *]*\b(impasto_[a-z_]+)\(", header, re.MULTILINE))
    listed = set((place.home / "lib/impasto.def").read_text().split("EXPORTS")[1].split())
    assert listed and listed == declared, listed ^ declared
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
