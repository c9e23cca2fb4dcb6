"""Tests the archives and the wheel for Windows under Wine, as `cargo xtask test-windows` makes them.

    python3 run.py ARCHIVE WHEEL FILTER WORK [NAME...]

FILTER is the archive of the filter for GIMP.

WORK holds linux.png, what the command for Linux paints of the same pictures, and the folder webgpu: ONNX Runtime with the plug-in
for graphics cards. With names, only the tests whose names have one of
these words are run. It has to be root, in a mount namespace of its own.
"""

import subprocess
import sys
import time
from pathlib import Path

import archives
import command
import files
import gimp
import wine
from place import Place


def tests(words):
    """The tests whose names have one of the words; without words all."""
    modules = (vars(module).items() for module in (archives, command, files, gimp))
    every = [(name, test) for members in modules for name, test in members if name.startswith("test_")]
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
    archive, wheel, gimps_filter, work = (Path(a).resolve() for a in sys.argv[1:5])
    words = sys.argv[5:]
    begin = time.monotonic()
    with wine.Wine():
        print(f"  {time.monotonic() - begin:5.1f} s  Wine starts", flush=True)
        place = Place(archive, wheel, gimps_filter, work)
        failed = [name for name, test in tests(words) if not timed(name, lambda test=test: test(place))]
    if failed:
        sys.exit(f"{len(failed)} failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
