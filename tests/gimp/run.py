#!/usr/bin/env python3
"""Tests GIMP's filter in a real GIMP 3: `cargo xtask test-gimp` calls this with the plug-in's folder and a
folder for what is left to look at. Further arguments name the suites to run; without any, all run."""

import gettext
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKOUT = os.path.dirname(os.path.dirname(HERE))

sys.path.insert(0, os.path.join(CHECKOUT, "tests", "hosts"))
from results import counted  # noqa: E402

# GIMP's own chatter, which says nothing about the filter.
NOISE = ("script_fu_add_resource_arg", "Welcome to GIMP", "gimp_wire_read", "stray image", "stale context",
         "list of contexts not empty", "Broken pipe", "G_IS_OBJECT", "batch command executed", "dconf", "GVFS",
         "colord", "AT-SPI", "gimp_finalize")


# What stands under titles that are closed at first. There are more of these than letters, so they have none: the title has one.
FOLDED = ("blend-", "style-loss", "colour-strength", "start", "smoothness", "style-fit", "border", "pooling", "tap-weights",
          "size", "iterations", "seed", "device", "memory")

# GIMP's own buttons beside Paint in a dialog of a filter, and in it; in English and with their letters. Paint takes the place of
# OK, but GIMP looks at the letter of OK too.
BUTTONS = ["_Help", "_Reset", "_Load Saved Settings", "_Save Settings", "_Cancel", "_OK", "_Browse..."]
# Stands in the menu, and not in the dialog.
MENU = "_Neural Style Transfer..."


class Gimp:
    """A user's GIMP, with the filter installed in an empty home."""

    # What the first GIMP has written down of its own plug-ins, which takes it seconds, and the line that says in which language.
    # The others begin with it. The filter is not in it, so that each GIMP asks it what it is.
    plug_ins, language = None, ""
    # How long the filter's process has lived each time, in milliseconds.
    asked = []

    def __init__(self, plug_in, out, gimprc=""):
        self.home = tempfile.mkdtemp(prefix="Zoë Ölmaler’s home-")
        self.out = out
        version = subprocess.check_output(["gimp-console", "--version"], text=True).split()[-1]
        self.folder = os.path.join(self.home, ".config", "GIMP", ".".join(version.split(".")[:2]))
        self.program = os.path.join(self.folder, "plug-ins", "impasto", "impasto")
        shutil.copytree(plug_in, os.path.dirname(self.program), symlinks=True)
        with open(os.path.join(self.folder, "gimprc"), "w") as file:
            file.write(Gimp.language + gimprc)
        if Gimp.plug_ins:
            with open(os.path.join(self.folder, "pluginrc"), "wb") as file:
                file.write(Gimp.plug_ins)

    def environment(self, **more):
        return {
            "HOME": self.home, "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "IMPASTO_CHECKOUT": CHECKOUT,
            "IMPASTO_OUT": self.out, "IMPASTO_REFERENCE": os.path.join(os.path.dirname(self.out), "reference"),
            "IMPASTO_PLUG_IN": self.program, "GTK_A11Y": "atspi", "NO_AT_BRIDGE": "0", **more,
            **{name: value for name, value in os.environ.items() if name == "IMPASTO_TESTS"},
        }

    def console(self, interpreter, batch, log, fonts=False, **environment):
        """Runs a batch command without a screen. Text layers need fonts, which take time."""
        command = ["gimp-console", "-id" if fonts else "-idf", f"--batch-interpreter={interpreter}", "-b", batch, "--quit"]
        return self.watch(command, log, self.environment(**environment))

    def screen(self, script, log, size="1400x900", **environment):
        """Runs a script with windows, on a screen of its own."""
        batch = f"exec(open({os.path.join(HERE, script)!r}).read())"
        command = ["dbus-run-session", "--", "xvfb-run", "-a", "-s", f"-screen 0 {size}x24", "gimp", "-dfs",
                   "--batch-interpreter=python-fu-eval", "-b", batch, "--quit"]
        return self.watch(command, log, self.environment(**environment))

    def watch(self, command, log, environment):
        path = os.path.join(self.out, log + ".log")
        ended = threading.Event()
        asked = threading.Thread(target=self.note_first_process, args=[ended])
        asked.start()
        with open(path, "w") as file:
            status = subprocess.run(command, env=environment, stdout=file, stderr=subprocess.STDOUT, timeout=1500)
        ended.set()
        asked.join()
        known = os.path.join(self.folder, "pluginrc")
        if not Gimp.plug_ins and os.path.exists(known):
            with open(known, "rb") as file:
                parts = re.split(rb"^(?=\()", file.read(), flags=re.MULTILINE)
            Gimp.plug_ins = b"".join(part for part in parts if b"/impasto/impasto" not in part.split(b"\n")[0])
            with open(os.path.join(self.folder, "gimprc"), encoding="utf-8") as file:
                Gimp.language = "".join(line for line in file if line.startswith("(prev-language "))
        with open(path, errors="replace") as file:
            said = [line.rstrip() for line in file if line.strip() and not any(word in line for word in NOISE)]
        return status.returncode, said


    def note_first_process(self, ended):
        """How long the filter's process lives when GIMP asks it to describe itself, which is the first that GIMP wants of it."""
        number = first = None
        while number is None and not ended.is_set():
            time.sleep(0.001)
            first = time.time()
            number = next((entry for entry in os.listdir("/proc") if entry.isdigit() and self.is_filter(entry)), None)
        while number and self.is_filter(number) and not ended.is_set():
            time.sleep(0.0005)
        if number:
            self.asked.append((time.time() - first) * 1000)

    def is_filter(self, number):
        try:
            return os.readlink(f"/proc/{number}/exe") == self.program
        except OSError:
            return False


def headless(plug_in, out):
    gimp = Gimp(plug_in, out)
    script = os.path.join(HERE, "headless.py")
    _, said = gimp.console("python-fu-eval", f"exec(open({script!r}).read())", "headless", fonts=True)
    return counted(out, "headless", "GIMP", said)


def in_language(language):
    """What makes GIMP speak a language, where this system has a locale that is not C: gettext then takes any language."""
    locales = [name for name in subprocess.check_output(["locale", "-a"], text=True).split() if name.endswith(".utf8")]
    locales = [name for name in locales if not name.startswith("C.")]
    if not locales:
        print(f"{language}: in English, as this system has no locale but C")
        return {}
    own = [name for name in locales if name.startswith(language)]
    return {"LANGUAGE": language, "LANG": (own or locales)[0]}


def letters_used_twice(catalogue, own):
    """The letters for the keyboard (behind `_`) that two labels of the dialog's window have in a language: the catalogues are
    those of the filter and of GIMP."""
    with open(os.path.join(CHECKOUT, "plugin-gimp", "po", "impasto-gimp.pot"), encoding="utf-8") as file:
        texts = re.findall(r'^msgid "(.*_[A-Za-z].*)"$', file.read(), re.MULTILINE)
    labels = [catalogue.gettext(text) for text in texts if text != MENU] + [own.gettext(text) for text in BUTTONS]
    letters = [re.findall(r"_(\w)", label.lower()) for label in labels]
    assert len(texts) > 10 and all(len(found) == 1 for found in letters), labels
    return sorted({label for label, found in zip(labels, letters) if letters.count(found) > 1})


def languages(plug_in, out):
    """Every catalogue in the folder gives every text of its .po in that language, and no letter for the keyboard is used twice."""
    failed, locale, po = 0, os.path.join(plug_in, "locale"), os.path.join(CHECKOUT, "plugin-gimp", "po")
    wanted = sorted(name[:-3] for name in os.listdir(po) if name.endswith(".po"))
    assert wanted and sorted(os.listdir(locale)) == wanted, (os.listdir(locale), wanted)
    for language in ["en", *wanted]:
        catalogue = gettext.translation("impasto-gimp", locale, [language], fallback=language == "en")
        twice = letters_used_twice(catalogue, gettext.translation("gimp30-libgimp", languages=[language], fallback=True))
        failed += bool(twice)
        print(f"languages: {language}: {len(twice)} labels with a letter of another", *twice)
    for language in wanted:
        with open(os.path.join(po, language + ".po"), encoding="utf-8") as file:
            texts = re.findall(r'^msgid "(.+)"\nmsgstr "(.+)"$', file.read(), re.MULTILINE)
        catalogue = gettext.translation("impasto-gimp", locale, [language])
        wrong = [text for text, to in texts if catalogue.gettext(text) != to]
        failed += bool(wrong) or len(texts) < 100
        print(f"languages: {language}: {len(texts)} texts, {len(wrong)} wrong", *wrong)
    return failed


def dialog(plug_in, out):
    failed = 0
    for name, gimprc, size, more in [
        ("dialog", "(theme-color-scheme light)\n", "1366x768", {}),
        ("dialog-dark", "(theme-color-scheme dark)\n", "1400x900", in_language("de")),
        ("dialog-french", "(theme-color-scheme light)\n", "1366x768", in_language("fr")),
        ("dialog-scale-2", "(theme-color-scheme light)\n", "2800x1800", {"GDK_SCALE": "2"}),
    ]:
        gimp = Gimp(plug_in, out, gimprc + "(check-updates no)\n(last-known-release \"3.0.4\")\n(show-welcome-dialog no)\n")
        _, said = gimp.screen("dialog.py", name, size, IMPASTO_SUITE=name, **more)
        failed += counted(out, name, "GIMP", said)
        wrong = [line for line in said if "plug-in-impasto" in line and ("mnemonic" in line or "CRITICAL" in line)
                 and not ("no mnemonic" in line and any(f"property {name}" in line for name in FOLDED))]
        if wrong:
            failed += 1
            print(f"{name}: FAILED: GIMP complains:", *wrong, sep="\n    ")
    return failed


def broken(plug_in, out):
    """Without its library, or without ONNX Runtime, the filter says so and what to do."""
    failed = 0
    for missing, words in [("libimpasto", "Install the filter again"), ("libonnxruntime", "ONNX Runtime")]:
        gimp = Gimp(plug_in, out)
        library = os.path.join(os.path.dirname(gimp.program), "lib")
        for name in os.listdir(library):
            if name.startswith(missing):
                os.remove(os.path.join(library, name))
        script = (
            "import os, sys; sys.path.insert(0, os.environ['IMPASTO_CHECKOUT'] + '/tests/gimp'); from inside import *; "
            f"tests = Tests('broken'); tests.run(fails, photograph(), {words!r}); tests.end()"
        )
        _, said = gimp.console("python-fu-eval", script, "broken")
        failed += counted(out, "broken", "GIMP", said)
    return failed


def examples(plug_in, out):
    """The examples of the documentation, as they stand there."""
    failed, folder = 0, os.path.join(CHECKOUT, "plugin-gimp", "examples")
    work = tempfile.mkdtemp(prefix="examples-")
    pictures = os.path.join(work, "pictures")
    os.mkdir(pictures)
    for name in ["cat.png", "coffee.png"]:
        shutil.copy(os.path.join(CHECKOUT, "assets", "sample", name), pictures)
    style = os.path.join(CHECKOUT, "assets", "sample", "whirls.jpg")
    for example in sorted(e.name for e in os.scandir(folder) if e.is_file()):
        gimp = Gimp(plug_in, out)
        made = os.path.join(work, example)
        os.mkdir(made)
        environment = gimp.environment(IMPASTO_QUALITY="draft")
        command = [os.path.join(folder, example), pictures, style, made]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
        found = sorted(os.listdir(made))
        good = done.returncode == 0 and found == ["cat.png", "coffee.png"]
        for name in found:
            with open(os.path.join(made, name), "rb") as one, open(os.path.join(pictures, name), "rb") as other:
                good = good and one.read() != other.read()
        print(f"example {example}: {'passed' if good else 'FAILED'}")
        if not good:
            failed += 1
            print(done.returncode, found, done.stdout, done.stderr)
    return failed


def webgpu(plug_in, out):
    """On a graphics card, for which Mesa's driver stands that computes on the processor."""
    drivers = sorted(glob.glob("/usr/share/vulkan/icd.d/lvp_icd*.json"))
    if not drivers:
        print("webgpu: left out, as Mesa's driver lavapipe is not here (Debian's package mesa-vulkan-drivers)")
        return 0
    failed, script = 0, os.path.join(HERE, "webgpu.py")
    allowed = {"ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER": "1"}
    for name, more in [("webgpu", allowed), ("webgpu-forbidden", {})]:
        gimp = Gimp(plug_in, out)
        _, said = gimp.console("python-fu-eval", f"exec(open({script!r}).read())", name, IMPASTO_SUITE=name,
                               VK_DRIVER_FILES=drivers[0], **more)
        failed += counted(out, name, "GIMP", said)
    return failed


def times(plug_in, out):
    """What the dialog says of the time that painting takes, and the time that it does take. Only told."""
    gimp = Gimp(plug_in, out, "(check-updates no)\n(last-known-release \"3.0.4\")\n(show-welcome-dialog no)\n")
    _, said = gimp.screen("dialog.py", "times", "1366x768", IMPASTO_SUITE="times")
    print(*[line for line in said if line.startswith("time:")], sep="\n")
    return counted(out, "times", "GIMP", said)


def main():
    plug_in, target, *wanted = sys.argv[1:]
    out = os.path.join(target, "artefacts")
    os.makedirs(out, exist_ok=True)
    suites = {"headless": headless, "broken": broken, "examples": examples, "languages": languages, "webgpu": webgpu,
              "dialog": dialog, "times": times}
    failed = 0
    # How well the dialog foretells the time is measured only where that is asked for.
    for name in wanted or [name for name in suites if name != "times"]:
        start = time.time()
        failed += suites[name](plug_in, out)
        print(f"{name} took {time.time() - start:.0f} s", flush=True)
    if Gimp.asked:
        # Only told: a time is no test.
        told = sorted(Gimp.asked)
        print(f"GIMP asked the filter what it is {len(told)} times; that took {', '.join(f'{t:.0f}' for t in told)} ms")
    sys.exit(1 if failed else 0)


main()
