"""Programs for Windows, run by Wine in this process' own Wine folder."""

import os
import subprocess
import tempfile

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


class Wine:
    """Makes the Wine folder, and keeps Wine's own services running as long as the ``with`` lasts."""

    def __enter__(self):
        quiet = {"env": ENVIRONMENT, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(["wineboot", "--init"], check=True, timeout=300, **quiet)
        # No window is opened.
        driver = [r"HKCU\Software\Wine\Drivers", "/v", "Graphics", "/d", "null", "/f"]
        subprocess.run(["wine", "reg.exe", "add", *driver], check=True, timeout=300, **quiet)
        # A program that waits for input.
        self._keeper = subprocess.Popen(["wine", "cmd.exe"], stdin=subprocess.PIPE, **quiet)
        return self

    def __exit__(self, *_):
        self._keeper.communicate(b"exit\r\n", timeout=60)
        subprocess.run(["wineserver", "--kill"], env=ENVIRONMENT, check=False, timeout=60)


def drive(letter, folder):
    """Gives a folder a drive's letter."""
    os.symlink(folder, f"{PREFIX}/dosdevices/{letter}:")


def path(place):
    r"""The name that a path has in Windows, on the drive Z: that is Linux's root."""
    return "Z:" + str(place).replace("/", "\\")


def place(name):
    r"""Where a path on the drive C: lies."""
    assert name.startswith("C:\\"), name
    return f"{PREFIX}/drive_c/" + name[3:].replace("\\", "/")


class Said:
    """What a program has said and how it has ended."""

    def __init__(self, code, out, error):
        self.code, self.raw = code, out
        self.out, self.error = out.decode(errors="replace"), error.decode(errors="replace")

    def __str__(self):
        return f"exit code {self.code}\nstandard output: {self.out[-2000:]}\nstandard error: {self.error[-2000:]}"


def run(program, *arguments, folder=None, timeout=120, **variables):
    """Runs a program, which is a path of Linux, in a folder."""
    command = ["wine", str(program), *(str(a) for a in arguments)]
    # Files and not pipes, which Wine's own services could keep open.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
        environment = {**ENVIRONMENT, **variables}
        done = subprocess.run(command, env=environment, cwd=folder, stdout=out, stderr=error, timeout=timeout, check=False)
        out.seek(0)
        error.seek(0)
        return Said(done.returncode, out.read(), error.read())
