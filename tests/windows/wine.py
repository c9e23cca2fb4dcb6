"""Programs for Windows, run by Wine in this process' own Wine folder."""

import os
import subprocess

PREFIX = "/tmp/wine"

ENVIRONMENT = {
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "PATH": "/usr/bin:/bin",
    "WINEPREFIX": PREFIX,
    "WINEDEBUG": "-all",
    # Neither .NET nor a browser is asked for.
    "WINEDLLOVERRIDES": "mscoree,mshtml=",
}


def start():
    """Makes the Wine folder, and keeps Wine's server running for all programs."""
    subprocess.run(["wineboot", "--init"], env=ENVIRONMENT, check=True, capture_output=True, timeout=300)
    subprocess.run(["wineserver", "--wait"], env=ENVIRONMENT, check=True, timeout=300)
    subprocess.run(["wineserver", "--persistent=60"], env=ENVIRONMENT, check=True, timeout=60)


def stop():
    subprocess.run(["wineserver", "--kill"], env=ENVIRONMENT, check=False, timeout=60)


def drive(letter, folder):
    """Gives a folder a drive's letter."""
    os.symlink(folder, f"{PREFIX}/dosdevices/{letter}:")


def path(place):
    r"""The name that a path has in Windows, on the drive Z: that is Linux's root."""
    return "Z:" + str(place).replace("/", "\\")


class Said:
    """What a program has said and how it has ended."""

    def __init__(self, done):
        self.code = done.returncode
        self.raw = done.stdout
        self.out = done.stdout.decode(errors="replace")
        self.error = done.stderr.decode(errors="replace")

    def __str__(self):
        return f"exit code {self.code}\nstandard output: {self.out[-2000:]}\nstandard error: {self.error[-2000:]}"


def run(program, *arguments, folder=None, timeout=120, **variables):
    """Runs a program, which is a path of Linux, in a folder."""
    command = ["wine", str(program), *(str(a) for a in arguments)]
    environment = {**ENVIRONMENT, **variables}
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, timeout=timeout, check=False)
    return Said(done)
