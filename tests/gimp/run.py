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


# What stands under titles that are closed at first. There are more of these than letters; where two that are seen have
# the same one, GTK goes from one to the other.
FOLDED = ("blend-", "style-loss", "colour-strength", "start", "smoothness", "style-fit", "border", "pooling", "tap-weights")


class Gimp:
    """A user's GIMP, with the filter installed in an empty home."""

    def __init__(self, plug_in, out, gimprc=""):
        self.home = tempfile.mkdtemp(prefix="Zoë Ölmaler’s home-")
        self.out = out
        version = subprocess.check_output(["gimp-console", "--version"], text=True).split()[-1]
        self.folder = os.path.join(self.home, ".config", "GIMP", ".".join(version.split(".")[:2]))
        self.program = os.path.join(self.folder, "plug-ins", "impasto", "impasto")
        shutil.copytree(plug_in, os.path.dirname(self.program), symlinks=True)
        with open(os.path.join(self.folder, "gimprc"), "w") as file:
            file.write(gimprc)

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
        with open(path, "w") as file:
            status = subprocess.run(command, env=environment, stdout=file, stderr=subprocess.STDOUT, timeout=1500)
        with open(path, errors="replace") as file:
            said = [line.rstrip() for line in file if line.strip() and not any(word in line for word in NOISE)]
        return status.returncode, said


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


def languages(plug_in, out):
    """Every catalogue in the folder gives every text of its .po in that language."""
    failed, locale, po = 0, os.path.join(plug_in, "locale"), os.path.join(CHECKOUT, "plugin-gimp", "po")
    wanted = sorted(name[:-3] for name in os.listdir(po) if name.endswith(".po"))
    assert wanted and sorted(os.listdir(locale)) == wanted, (os.listdir(locale), wanted)
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
                 and not ("duplicate" in line and any(name in line for name in FOLDED))]
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


def query(plug_in, out):
    """How long the filter's process lives when GIMP asks it to describe itself at a first start. Only told: a
    time is no test."""
    times = []
    for _ in range(5):
        gimp = Gimp(plug_in, out)
        seen, done = {}, threading.Event()

        def watch(program=gimp.program, seen=seen, done=done):
            while not done.is_set():
                for entry in os.listdir("/proc"):
                    if entry.isdigit():
                        try:
                            if os.readlink(f"/proc/{entry}/exe") == program:
                                seen.setdefault(entry, [time.time(), 0])[1] = time.time()
                        except OSError:
                            pass

        watcher = threading.Thread(target=watch)
        watcher.start()
        gimp.console("plug-in-script-fu-eval", "(gimp-version)", "query")
        done.set()
        watcher.join()
        times += [(last - first) * 1000 for first, last in seen.values()]
    times.sort()
    print(f"query: {', '.join(f'{t:.0f}' for t in times)} ms (median {times[len(times) // 2]:.0f} ms)")
    return 0


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
              "dialog": dialog, "query": query, "times": times}
    failed = 0
    # How well the dialog foretells the time is measured only where that is asked for.
    for name in wanted or [name for name in suites if name != "times"]:
        start = time.time()
        failed += suites[name](plug_in, out)
        print(f"{name} took {time.time() - start:.0f} s", flush=True)
    sys.exit(1 if failed else 0)


main()
