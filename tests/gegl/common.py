"""What the tests of GEGL's operation share: a user with the operation installed, the command's processes, pictures."""

import os
import shutil
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKOUT = os.path.dirname(os.path.dirname(HERE))
SAMPLES = os.path.join(CHECKOUT, "assets", "sample")
WHIRLS = os.path.join(SAMPLES, "whirls.jpg")

# Notes each start of the command, which then runs in the same process.
WRAPPER = """#!/bin/sh
echo "$$ $*" >> "{starts}"
exec "{program}" "$@"
"""


class User:
    """A home with the operation and the command, as `cargo xtask install-gegl` leaves them."""

    def __init__(self, installed):
        self.home = tempfile.mkdtemp(prefix="Zoë Ölmaler’s home-")
        self.base = os.path.join(self.home, ".local", "share", "gegl-0.4")
        shutil.copytree(installed, self.base, symlinks=True)
        self.program = os.path.join(self.base, "impasto", "impasto")
        self.starts = os.path.join(self.home, "starts")
        self.wrapper = os.path.join(self.home, "impasto")
        with open(self.wrapper, "w") as file:
            file.write(WRAPPER.format(starts=self.starts, program=self.program))
        os.chmod(self.wrapper, 0o755)
        self.cache = os.path.join(self.home, ".cache", "impasto", "gegl")

    def environment(self, **more):
        """With the command that is counted. What is None is left out."""
        all = {"HOME": self.home, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "IMPASTO_COMMAND": self.wrapper, **more}
        return {name: value for name, value in all.items() if value is not None}

    def painted(self):
        """How many pictures the command has begun."""
        try:
            with open(self.starts) as file:
                return sum("--progress" in line for line in file)
        except FileNotFoundError:
            return 0

    def processes(self):
        """The process numbers of the command."""
        return processes(self.program)

    def kept(self):
        try:
            return sorted(os.listdir(os.path.join(self.cache, "kept")))
        except FileNotFoundError:
            return []

    def jobs(self):
        try:
            return os.listdir(os.path.join(self.cache, "jobs"))
        except FileNotFoundError:
            return []


def processes(program):
    found = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and os.readlink(f"/proc/{entry}/exe") == program:
                found.append(int(entry))
        except OSError:
            pass
    return found


def until(what, condition, seconds=30):
    end = time.time() + seconds
    while time.time() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s for {what}")


def differing(one, other):
    """The largest difference of two picture files, from 0 to 1."""
    done = subprocess.run(["compare", "-metric", "PAE", one, other, "null:"], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return float(done.stderr.split("(")[1].rstrip(")\n "))
