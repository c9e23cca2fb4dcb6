"""What is in the archive of GIMP's filter for Windows. There is no GIMP for Windows here: the filter is not run."""

import re
import subprocess
import zipfile

import wine
from archives import SYSTEM
from place import HERE

# What the filter needs of GIMP 3 and of what GIMP brings, by the names that GIMP's own builds for Windows (MSYS2) give them.
GIMP = {
    "libgimp-3.0-0.dll", "libgimpbase-3.0-0.dll", "libgimpui-3.0-0.dll", "libgegl-0.4-0.dll", "libbabl-0.1-0.dll",
    "libgtk-3-0.dll", "libgdk-3-0.dll", "libgdk_pixbuf-2.0-0.dll", "libatk-1.0-0.dll", "libcairo-2.dll", "libgio-2.0-0.dll",
    "libglib-2.0-0.dll", "libgobject-2.0-0.dll",
}


def unpacked(place):
    """The plug-in's folder, where GIMP looks for it."""
    plug_ins = place.room / "GIMP ü" / "3.0" / "plug-ins"
    if not plug_ins.exists():
        plug_ins.mkdir(parents=True)
        with zipfile.ZipFile(place.filter) as file:
            assert file.testzip() is None
            file.extractall(plug_ins)
    assert [folder.name for folder in plug_ins.iterdir()] == ["impasto"]
    return plug_ins / "impasto"


def headers(program):
    tool = ["x86_64-w64-mingw32-objdump", "-p", program]
    return subprocess.run(tool, check=True, capture_output=True, text=True).stdout


def test_everything_that_the_filter_for_gimp_needs_is_in_its_archive(place):
    home = unpacked(place)
    for wanted in (
        "impasto.exe", "IMPASTO-FILTER", "README-WINDOWS.txt", "lib/impasto.dll", "lib/onnxruntime.dll", "thumbnails/mosaic.jpg",
        "locale/de/LC_MESSAGES/impasto-gimp.mo", "locale/fr/LC_MESSAGES/impasto-gimp.mo", "licences/plug-in-GPL-3.0",
        "licences/LICENSE-MIT", "licences/LICENSE-APACHE", "licences/onnxruntime-LICENSE", "licences/mingw-w64-copyright",
        "licences/gcc-copyright", "licences/THIRD-PARTY.md",
    ):
        assert (home / wanted).stat().st_size > 0, wanted
    others = (home / "licences/THIRD-PARTY.md").read_text(encoding="utf-8")
    assert "| gimp |" in others and "| windows-sys |" in others and "| ort |" in others


def test_the_filter_for_gimp_needs_nothing_but_gimp_and_windows(place):
    home = unpacked(place)
    told = headers(home / "impasto.exe")
    needed = {line.split()[-1].lower() for line in told.splitlines() if "DLL Name:" in line}
    others = {dll for dll in needed - SYSTEM if not dll.startswith("api-ms-win-")}
    assert others == GIMP, others ^ GIMP
    listed = set(re.findall(r"`(lib[\w.-]+\.dll)`", (home / "README-WINDOWS.txt").read_text(encoding="utf-8")))
    assert listed == GIMP, listed ^ GIMP
    # What these libraries have on Linux only would keep Windows from starting the filter.
    functions = re.findall(r"^\s+(?:[0-9a-f]+\s+)?(?:<none>|[0-9a-f]+)\s+[0-9a-f]+\s+(\w+)$", told, re.MULTILINE)
    assert "gimp_main" in functions and "g_object_unref" in functions, functions[:20]
    wrong = [name for name in functions if re.match("g_unix_|g_desktop_app_info_|gdk_x11_|gdk_wayland_", name)]
    assert not wrong, wrong
    assert "(Windows GUI)" in told, "it would open a console window"
    assert ".debug" not in told


def test_the_filter_for_gimp_is_loaded_until_gimps_libraries_are_missing(place):
    said = wine.run(unpacked(place) / "impasto.exe", WINEDEBUG="err+module")
    missing = {name.lower() for name in re.findall(r"Library (\S+\.dll) \(which is needed by", said.error)}
    # The end of a program that lacks a DLL: STATUS_DLL_NOT_FOUND, 0xC0000135, of which Wine's exit code is the last byte.
    assert said.code == 0x35 and "c0000135" in said.error, said
    assert missing == GIMP, missing ^ GIMP


def test_the_library_of_the_filter_for_gimp_paints(place):
    program = place.room / "host.exe"
    if not program.exists():
        place.compile(HERE / "host.c", "host.exe", "-municode")
    said = wine.run(program, wine.path(unpacked(place) / "lib" / "impasto.dll"))
    assert said.code == 0 and said.out.split() == ["painted", "1", "painted", "2"], said
