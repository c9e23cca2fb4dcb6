#!/usr/bin/env python3
"""Tests the plug-in in a real Krita 5: `cargo xtask test-krita` calls this with the plug-in's archive and a folder for
what is left to look at. Further arguments name the suites to run; without any, all run. Each suite has a Krita and a home
of its own, on a screen that nobody sees, and is ended when it takes too long."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKOUT = os.path.dirname(os.path.dirname(HERE))

sys.path.insert(0, os.path.join(CHECKOUT, "tests", "hosts"))
from results import counted  # noqa: E402

# The longest that a Krita may live, in seconds.
MOST = 600

TESTS = """[Desktop Entry]
Type=Service
ServiceTypes=Krita/PythonPlugin
X-KDE-Library=impasto_tests
X-Python-2-Compatible=false
Name=Tests of Impasto
"""


class Krita:
    """A user's Krita in an empty home."""

    def __init__(self, archive, out, installed=True, theme="Krita dark"):
        self.home, self.out = tempfile.mkdtemp(prefix="krita-"), out
        self.plug_ins = os.path.join(self.home, ".local", "share", "krita", "pykrita")
        self.module = os.path.join(self.plug_ins, "impasto")
        os.makedirs(self.plug_ins)
        if installed:
            with zipfile.ZipFile(archive) as file:
                file.extractall(self.plug_ins)
        with open(os.path.join(self.plug_ins, "impasto_tests.desktop"), "w") as file:
            file.write(TESTS)
        shutil.copytree(os.path.join(HERE, "inside"), os.path.join(self.plug_ins, "impasto_tests"),
                        ignore=shutil.ignore_patterns("__pycache__"))
        os.makedirs(os.path.join(self.home, ".config"))
        with open(os.path.join(self.home, ".config", "kritarc"), "w") as file:
            file.write(f"[theme]\nTheme={theme}\n\n[python]\nenable_impasto_tests=true\n")
            if installed:
                file.write("enable_impasto=true\n")

    def run(self, suite, name=None, screen="1366x768", **more):
        """Runs a suite; the number of what failed."""
        name = name or suite
        runtime = os.path.join(self.home, "run")
        os.makedirs(runtime, mode=0o700, exist_ok=True)
        environment = {
            "HOME": self.home, "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "XDG_RUNTIME_DIR": runtime,
            # Where Krita dies, its log says in which line of Python.
            "PYTHONFAULTHANDLER": "1",
            "IMPASTO_CHECKOUT": CHECKOUT, "IMPASTO_OUT": self.out,
            "IMPASTO_REFERENCE": os.path.join(os.path.dirname(self.out), "reference"),
            "IMPASTO_SUITE": suite, "IMPASTO_NAME": name, **more,
            **{key: value for key, value in os.environ.items() if key == "IMPASTO_TESTS"},
        }
        command = ["dbus-run-session", "--", "xvfb-run", "-a", "-s", f"-screen 0 {screen}x24", "sh", "-c",
                   "openbox & exec krita --nosplash"]
        log = os.path.join(self.out, name + ".log")
        with open(log, "w") as file:
            process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=file,
                                       stderr=subprocess.STDOUT, start_new_session=True)
            try:
                status = process.wait(MOST)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                status = process.wait()
        return counted(self.out, name, "Krita", said(log), status, last=30)


def said(log):
    """What Krita has said, by line, without a warning that it gives by the hundred."""
    with open(log, errors="replace") as file:
        return [line for line in file.read().splitlines() if "KisSynchronizedConnection" not in line]


def importer(archive, out):
    """Krita's own importer takes the archive, and a Krita that is started anew has the menu entry."""
    krita = Krita(archive, out, installed=False)
    failed = krita.run("importer", IMPASTO_ARCHIVE=archive)
    return failed + krita.run("imported")


def painting(archive, out):
    return Krita(archive, out).run("painting")


def dialog(archive, out):
    failed = Krita(archive, out).run("dialog", "dialog-dark")
    failed += Krita(archive, out, theme="Krita bright").run("look", "look-light")
    large = Krita(archive, out).run("look", "look-scale-2", screen="2732x1536", QT_SCALE_FACTOR="2")
    return failed + large


def broken(archive, out):
    """Without its library, without ONNX Runtime, with bad styles and too little memory, the plug-in says so."""
    failed = 0
    for missing, words in [("libimpasto", "Install the plug-in again"), ("libonnxruntime", "ONNX Runtime")]:
        krita = Krita(archive, out)
        folder = os.path.join(krita.module, "lib")
        for file in os.listdir(folder):
            if file.startswith(missing):
                os.remove(os.path.join(folder, file))
        failed += krita.run("missing", f"missing-{missing}", IMPASTO_WORDS=words)
    return failed + Krita(archive, out).run("broken")


def leaving(archive, out):
    """Krita, or the document, is closed while it is painted."""
    return sum(Krita(archive, out).run(suite) for suite in ("leaving", "quitting"))


def main():
    archive, target, *wanted = sys.argv[1:]
    out = os.path.join(target, "artefacts")
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    suites = {"importer": importer, "painting": painting, "dialog": dialog, "broken": broken, "leaving": leaving}
    failed = 0
    for name in wanted or suites:
        start = time.time()
        failed += suites[name](archive, out)
        print(f"{name} took {time.time() - start:.0f} s", flush=True)
    sys.exit(1 if failed else 0)


main()
