#!/usr/bin/env python3
"""Tests GEGL's operation in `gegl` and in a real GIMP 3: `cargo xtask test-gegl` calls this with the folder of the
operation and the command, and a folder for what is left to look at. Further arguments name the suites to run; without
any, all run. IMPASTO_TESTS is a part of the names of the tests to run."""

import os
import signal
import subprocess
import sys
import time

import shell
from common import CHECKOUT, HERE, User, until

sys.path.insert(0, os.path.join(CHECKOUT, "tests", "hosts"))
from results import counted  # noqa: E402

GIMP_RC = "(theme-color-scheme light)\n(check-updates no)\n(last-known-release \"3.0.4\")\n(show-welcome-dialog no)\n"


class Gimp(User):
    """A user's GIMP, in which GEGL has the operation."""

    def __init__(self, installed, out):
        super().__init__(installed)
        self.out = out
        version = subprocess.check_output(["gimp-console", "--version"], text=True).split()[-1]
        folder = os.path.join(self.home, ".config", "GIMP", ".".join(version.split(".")[:2]))
        os.makedirs(folder)
        with open(os.path.join(folder, "gimprc"), "w") as file:
            file.write(GIMP_RC)

    def environment(self, **more):
        return super().environment(
            IMPASTO_CHECKOUT=CHECKOUT, IMPASTO_OUT=self.out, IMPASTO_PLUG_IN=self.program, IMPASTO_STARTS=self.starts,
            IMPASTO_TESTS=os.environ.get("IMPASTO_TESTS"), GTK_A11Y="atspi", NO_AT_BRIDGE="0",
            # GIMP then paints every stroke as it paints straight lines: at once, when the mouse moves.
            GIMP_NO_PAINT_THREAD="1", **more,
        )

    def command(self, script, windows=False):
        batch = f"exec(open({os.path.join(HERE, script)!r}).read())"
        screen = ["dbus-run-session", "--", "xvfb-run", "-a", "-s", "-screen 0 1820x900x24"] if windows else []
        program = ["gimp", "-dfs"] if windows else ["gimp-console", "-idf"]
        return [*screen, *program, "--batch-interpreter=python-fu-eval", "-b", batch, "--quit"]

    def run(self, script, log, windows=False):
        """Runs a script in GIMP; what GIMP has said."""
        path = os.path.join(self.out, log + ".log")
        with open(path, "w") as file:
            subprocess.run(self.command(script, windows), env=self.environment(), stdout=file, stderr=subprocess.STDOUT,
                           timeout=600)
        with open(path, errors="replace") as file:
            return [line.rstrip() for line in file if line.strip()]


def in_gimp(installed, out, name, windows=False):
    gimp = Gimp(installed, out)
    said = gimp.run(f"{name}.py", f"gegl-{name}", windows)
    failed = counted(out, f"gegl-{name}", "GIMP", said)
    if gimp.processes():
        print(f"{name}: FAILED: GIMP has ended, and the command still runs")
        failed += 1
    if any("GEGL-impasto" in line and "CRITICAL" in line for line in said):
        print(f"{name}: FAILED: GIMP complains:", *said[-40:], sep="\n    ")
        failed += 1
    return failed


def killed(installed, out):
    """GIMP is killed while the operation paints: the file is as it was, and no process is left."""
    gimp = Gimp(installed, out)
    document = os.path.join(gimp.home, "document.xcf")
    with open(os.path.join(out, "gegl-killed.log"), "w") as log:
        running = subprocess.Popen(gimp.command("killed.py"), env=gimp.environment(IMPASTO_DOCUMENT=document), stdout=log,
                                   stderr=subprocess.STDOUT, start_new_session=True)
    program = until("the command", gimp.processes, 120)
    time.sleep(1)
    with open(document, "rb") as file:
        before = file.read()
    [console] = [p for p in (os.path.join("/proc", e) for e in os.listdir("/proc") if e.isdigit())
                 if is_gimp(p, os.getpgid(running.pid))]
    os.kill(int(os.path.basename(console)), signal.SIGKILL)
    until("the end of the command", lambda: not gimp.processes(), 5)
    running.wait(30)
    with open(document, "rb") as file:
        good = file.read() == before and before[:8] == b"gimp xcf" and program and gimp.kept() == []
    print(f"killed: {'1 passed, 0 failed' if good else 'FAILED'}")
    return 0 if good else 1


def is_gimp(process, group):
    """Whether it is GIMP itself, and not one of its plug-ins."""
    try:
        name = os.path.basename(os.readlink(os.path.join(process, "exe")))
        return name.startswith("gimp-console") and os.getpgid(int(os.path.basename(process))) == group
    except OSError:
        return False


def main():
    installed, target, *wanted = sys.argv[1:]
    out = os.path.join(target, "artefacts")
    os.makedirs(out, exist_ok=True)
    suites = {
        "shell": lambda: shell.run(installed, os.environ.get("IMPASTO_TESTS", "")),
        "headless": lambda: in_gimp(installed, out, "headless"),
        "killed": lambda: killed(installed, out),
        "window": lambda: in_gimp(installed, out, "window", windows=True),
    }
    failed = 0
    for name in wanted or suites:
        start = time.time()
        failed += suites[name]()
        print(f"{name} took {time.time() - start:.0f} s", flush=True)
    sys.exit(1 if failed else 0)


main()
