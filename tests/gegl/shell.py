"""The operation in the command `gegl`."""

import os
import signal
import subprocess
import time

from common import CHECKOUT, SAMPLES, WHIRLS, User, differing, until

QUICK = {"size": "64", "iterations": "4"}
# Paints for minutes, if nobody ends it.
LONG = {"size": "300", "iterations": "5000"}


def picture(user, name, *arguments):
    """The sample photograph, small and without a profile, changed by ImageMagick."""
    path = os.path.join(user.home, name)
    subprocess.run(["convert", os.path.join(SAMPLES, "cat.png"), "-strip", "-resize", "120x80!", *arguments, path], check=True)
    return path


def command_line(source, to, options, strict=False):
    operation = ["impasto:style-transfer", *(f"{name}={value}" for name, value in options.items())]
    if strict:
        return ["gegl", "--g-fatal-warnings", source, "--", *operation, "gegl:png-save", f"path={to}"]
    return ["gegl", source, "-o", to, "--", *operation]


def gegl(user, source, options=QUICK, to="out.png", strict=False, **environment):
    """Runs the operation. Returns the result's path, what was said about it, and the exit code."""
    to = os.path.join(user.home, to)
    if os.path.exists(to):
        os.remove(to)
    done = subprocess.run(command_line(source, to, options, strict), env=user.environment(**environment), capture_output=True,
                          text=True, timeout=300)
    said = [line for line in done.stderr.splitlines() if "Neural style transfer" in line]
    return to, said, done.returncode


def started(user, source, options=LONG):
    """A `gegl` whose command is painting."""
    line = command_line(source, os.path.join(user.home, "never.png"), options)
    running = subprocess.Popen(line, env=user.environment(), stderr=subprocess.PIPE, text=True)
    until("the command", user.processes)
    time.sleep(0.5)
    return running


KINDS = {
    "rgb8.png": ["-depth", "8"],
    "rgb16.png": ["-modulate", "101", "-depth", "16", "-define", "png:bit-depth=16"],
    "alpha.png": ["-alpha", "set", "-region", "60x40+0+0", "-channel", "A", "-evaluate", "set", "50%", "+region"],
    "grey.png": ["-colorspace", "Gray"],
}


def the_picture_is_the_commands(user):
    mask = picture(user, "mask.png", "-fill", "white", "-colorize", "100")
    for name, change in KINDS.items():
        source = picture(user, name, *change)
        for style in ["mosaic", WHIRLS] if name == "rgb8.png" else ["mosaic"]:
            named = "style-path" if os.path.isabs(style) else "style"
            painted, said, _ = gegl(user, source, {**QUICK, named: style, "strength": "70"})
            assert not said, said
            wanted = os.path.join(user.home, "wanted.png")
            what = [style] if os.path.isabs(style) else ["--style", style]
            subprocess.run([user.program, source, *what, "--size", "64", "--iterations", "4", "--strength", "70", "--mask",
                            mask, "-o", wanted, "-q"], env=user.environment(), check=True)
            assert differing(painted, wanted) <= 0.5 / 255, (name, style, differing(painted, wanted))
            assert differing(painted, source) > 0.1, (name, style)


def lists_are_texts(user):
    source, mask = picture(user, "lists.png"), picture(user, "mask.png", "-fill", "white", "-colorize", "100")
    lists = {"style-taps": "relu1_1,relu2_1", "content-taps": "relu3_2", "tap-weights": "style/relu1_1=9,content/relu3_2=0.5"}
    wanted = os.path.join(user.home, "wanted.png")
    options = [word for name, value in lists.items() for word in (f"--{name}", value)]
    subprocess.run([user.program, source, "--style", "mosaic", "--size", "64", "--iterations", "4", *options, "--mask", mask, "-o",
                    wanted, "-q"], env=user.environment(), check=True)
    painted, said, _ = gegl(user, source, {**QUICK, "style": "mosaic", **lists})
    assert not said and differing(painted, wanted) <= 0.5 / 255, (said, differing(painted, wanted))
    # Each of them counts.
    pictures = [painted]
    for name in lists:
        without = {key: value for key, value in lists.items() if key != name}
        if name == "content-taps":
            without["tap-weights"] = "style/relu1_1=9"
        path, said, _ = gegl(user, source, {**QUICK, "style": "mosaic", **without}, f"without-{name}.png")
        assert not said, said
        assert all(differing(path, other) > 0 for other in pictures), name
        pictures.append(path)


def the_command_lies_beside_the_operation(user):
    source = picture(user, "beside.png")
    painted, said, _ = gegl(user, source, IMPASTO_COMMAND=None)
    assert not said and differing(painted, source) > 0.1, said
    assert not user.painted()


def a_result_is_painted_once(user):
    source = picture(user, "once.png")
    first, _, _ = gegl(user, source, to="first.png")
    assert user.painted() == 1
    second, _, _ = gegl(user, source, to="second.png")
    assert user.painted() == 1 and differing(first, second) == 0
    gegl(user, source, {**QUICK, "strength": "80"})
    assert user.painted() == 2
    # How much memory it may take is nothing that a picture shows.
    gegl(user, source, {**QUICK, "max-memory": "4000"})
    assert user.painted() == 2
    # A style picture under the same name may be another one.
    style = picture(user, "style.png", "-negate")
    options = {**QUICK, "style-file": style}
    one, _, _ = gegl(user, source, options, "one.png")
    gegl(user, source, options)
    assert user.painted() == 3
    picture(user, "style.png", "-rotate", "180", "-negate", "-modulate", "100,200")
    os.utime(style, (1, 1))
    other, _, _ = gegl(user, source, options, "other.png")
    assert user.painted() == 4 and differing(one, other) > 0.05
    # As may the photograph.
    picture(user, "once.png", "-negate")
    gegl(user, source)
    assert user.painted() == 5 and len(user.kept()) == 5
    assert not user.jobs(), "files of jobs are left"


def the_oldest_results_go(user):
    source = picture(user, "oldest.png", "-resize", "451x300!")
    ages = {}
    for i, strength in enumerate([60, 70, 80, 60]):
        before = set(user.kept())
        # One takes 0.4 MB.
        gegl(user, source, {**QUICK, "strength": str(strength)}, IMPASTO_KEPT_MIB="1")
        for name in set(user.kept()) - before:
            ages[name] = i
        time.sleep(0.01)
    # The first had to go for the third, and was painted again.
    assert user.painted() == 4 and sorted(ages[name] for name in user.kept()) == [2, 3], ages
    gegl(user, source, IMPASTO_KEPT_MIB="0")
    assert user.kept() == []


def a_damaged_result_is_painted_again(user):
    source = picture(user, "damaged.png")
    first, _, _ = gegl(user, source, to="first.png")
    [name] = user.kept()
    path = os.path.join(user.cache, "kept", name)
    with open(path, "rb") as file:
        whole = file.read()
    for bytes in [b"", whole[:100], whole[:-10], b"II*\0" + b"\xff" * 2000, whole[:4] + b"\xff\xff\xff\x7f" + whole[8:]]:
        before = user.painted()
        with open(path, "wb") as file:
            file.write(bytes)
        again, said, _ = gegl(user, source)
        assert not said and user.painted() == before + 1 and differing(first, again) == 0, bytes[:8]
    assert open(path, "rb").read() == whole


def failures(user):
    """What fails, with words of its message."""
    text = os.path.join(user.home, "text.jpg")
    with open(text, "w") as file:
        file.write("This is no picture.")
    return {
        "command": ({}, {"IMPASTO_COMMAND": "/nowhere/impasto"}, ["IMPASTO_COMMAND", "/nowhere/impasto"]),
        "runtime": ({}, {"IMPASTO_ONNXRUNTIME": "/nowhere"}, ["ONNX Runtime", "/nowhere"]),
        "memory": ({"max-memory": "1"}, {}, ["memory", "MiB"]),
        "style": ({"style-path": text}, {}, ["text.jpg"]),
        "no style": ({"style-file": "/nowhere/style.jpg"}, {}, ["/nowhere/style.jpg"]),
        "size": ({"size": "3"}, {}, ["size", "16"]),
        "device": ({"device": "abacus"}, {}, ["abacus", "--device"]),
        "model": ({"model": "nobody"}, {}, ["nobody"]),
        "list": ({"style-taps": "relu1_1,relu9_9"}, {}, ["relu9_9"]),
        "empty": ({"content-taps": "relu4_2,"}, {}, ["--content-taps", "name"]),
        "numbers": ({"tap-weights": "style/relu1_1"}, {}, ["style/relu1_1", "TERM=WEIGHT"]),
        "term": ({"tap-weights": "style/relu9_1=2"}, {}, ["style/relu9_1"]),
    }


def what_fails_is_said_and_the_picture_stays(user):
    source = picture(user, "fails.png")
    for name, (options, environment, words) in failures(user).items():
        to, said, status = gegl(user, source, {**QUICK, **options}, **environment)
        assert len(said) == 1 and all(word in said[0] for word in words), (name, said)
        assert status == 0 and differing(to, source) == 0, name
        # So a script notices.
        to, said, status = gegl(user, source, {**QUICK, **options}, strict=True, **environment)
        assert status != 0 and not os.path.exists(to), (name, status)
    assert user.kept() == [] and not user.jobs()


def without_any_command(user):
    os.remove(user.program)
    source = picture(user, "none.png")
    to, said, _ = gegl(user, source, IMPASTO_COMMAND=None)
    assert len(said) == 1 and "install-gegl" in said[0], said
    assert differing(to, source) == 0
    # One on the path is taken.
    to, said, _ = gegl(user, source, IMPASTO_COMMAND=None, PATH=f"{user.home}:/usr/bin:/bin")
    assert len(said) == 1 and "cannot be run" in said[0], said


def pictures_of_no_use(user):
    small = picture(user, "small.png", "-resize", "8x8!")
    to, said, _ = gegl(user, small)
    assert len(said) == 1 and "16" in said[0], said
    assert differing(to, small) == 0
    to = os.path.join(user.home, "endless.png")
    line = ["gegl", "-o", to, "--", "gegl:checkerboard", "impasto:style-transfer", "gegl:crop", "width=64", "height=64"]
    done = subprocess.run(line, env=user.environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "finite" in done.stderr, done.stderr


def the_command_is_killed_in_the_middle(user):
    source = picture(user, "killed.png")
    running = started(user, source)
    os.kill(user.processes()[0], signal.SIGKILL)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 0 and "signal 9" in said, said
    assert differing(os.path.join(user.home, "never.png"), source) == 0
    assert user.kept() == [] and not user.jobs()
    gegl(user, source)
    assert len(user.kept()) == 1


def gegl_ends_in_the_middle(user, how):
    source = picture(user, "ends.png")
    running = started(user, source)
    assert len(user.jobs()) == 1
    running.send_signal(how)
    running.communicate(timeout=30)
    until("the end of the command", lambda: not user.processes(), 5)
    assert not os.path.exists(os.path.join(user.home, "never.png"))
    # The next job removes what the dead one has left.
    [left] = user.jobs()
    os.utime(os.path.join(user.cache, "jobs", left), (1, 1))
    to, said, _ = gegl(user, source)
    assert not said and differing(to, source) > 0.1
    assert not user.jobs() and len(user.kept()) == 1


def the_folder_of_a_job_that_runs_is_left_alone(user):
    source = picture(user, "two.png")
    running = started(user, source)
    [folder] = user.jobs()
    os.utime(os.path.join(user.cache, "jobs", folder), (1, 1))
    gegl(user, source)
    assert user.jobs() == [folder] and running.poll() is None
    running.kill()
    running.communicate()


def the_cache_cannot_be_written(user):
    os.makedirs(os.path.dirname(user.cache))
    with open(user.cache, "w") as file:
        file.write("A file of somebody else's.")
    source = picture(user, "blocked.png")
    to, said, _ = gegl(user, source)
    assert len(said) == 1 and "impasto/gegl/jobs cannot be written" in said[0], said
    assert differing(to, source) == 0
    assert open(user.cache).read() == "A file of somebody else's."


def examples_of_the_documentation(user):
    """The lines of docs/gegl.md that call `gegl`, as they stand there, with a command that paints less."""
    with open(user.wrapper, "w") as file:
        file.write(f'#!/bin/sh\ncase "$*" in *--progress*) set -- "$@" --size 64 --iterations 4;; esac\nexec "{user.program}" "$@"\n')
    with open(os.path.join(CHECKOUT, "docs", "gegl.md")) as file:
        lines = [line.strip() for line in file if line.startswith("    gegl ")]
    assert len(lines) >= 3, lines
    picture(user, "photo.jpg", "-resize", "64x48!")
    subprocess.run(["convert", WHIRLS, "-resize", "96x64!", os.path.join(user.home, "painting.jpg")], check=True)
    for line in lines:
        out = os.path.join(user.home, "out.png")
        if os.path.exists(out):
            os.remove(out)
        done = subprocess.run(line, shell=True, cwd=user.home, env=user.environment(), capture_output=True, text=True)
        assert done.returncode == 0 and "Neural style" not in done.stderr, (line, done.stderr)
        if "out.png" in line:
            assert differing(out, os.path.join(user.home, "photo.jpg")) > 0.1, line


TESTS = [
    (the_picture_is_the_commands,),
    (lists_are_texts,),
    (the_command_lies_beside_the_operation,),
    (a_result_is_painted_once,),
    (the_oldest_results_go,),
    (a_damaged_result_is_painted_again,),
    (what_fails_is_said_and_the_picture_stays,),
    (without_any_command,),
    (pictures_of_no_use,),
    (the_command_is_killed_in_the_middle,),
    (gegl_ends_in_the_middle, signal.SIGINT),
    (gegl_ends_in_the_middle, signal.SIGTERM),
    (gegl_ends_in_the_middle, signal.SIGKILL),
    (the_folder_of_a_job_that_runs_is_left_alone,),
    (the_cache_cannot_be_written,),
    (examples_of_the_documentation,),
]


def run(installed, wanted):
    """Runs the tests, each with a user of its own; the number of those that have failed."""
    import traceback

    failed = passed = 0
    for test, *arguments in TESTS:
        name = " ".join([test.__name__.replace("_", " "), *(getattr(a, "name", str(a)) for a in arguments)])
        if wanted not in name:
            continue
        try:
            test(User(installed), *arguments)
            passed += 1
        except Exception:
            failed += 1
            print(f"FAILED {name}\n{traceback.format_exc()}", flush=True)
    print(f"gegl: {passed} passed, {failed} failed")
    return failed
