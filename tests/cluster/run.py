#!/usr/bin/env python3
"""Runs the examples for many machines (examples/cluster) on this one, with two workers each.

    python3 tests/cluster/run.py --program target/release/impasto --library target/release/libimpasto_ffi.so

Each example paints eight small pictures. A worker is killed in the middle, and the same command is run again; then
every picture must be there, whole, and painted once. GNU parallel must be installed; Ray goes into a virtual
environment in the user's cache folder. `slurm.sbatch` is run without Slurm, with the variables that Slurm sets, and
also with Slurm where one answers: `tests/cluster/one_node_slurm.sh python3 tests/cluster/run.py …` starts one.
"""
import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "cluster"
NAMES = [f"photo {i}" for i in range(8)]
WIDTH, HEIGHT = 128, 96
# So many that a picture takes a second or more.
ITERATIONS = 120
OPTIONS = ["--size", str(WIDTH), "--levels", "1", "--iterations", str(ITERATIONS), "--device", "cpu", "--format", "png"]
PARAMS = f'{{"size": {WIDTH}, "levels": 1, "iterations": {ITERATIONS}}}'
# Seconds that a command may take.
PATIENCE = 90


def enter_environment():
    """Goes on in a Python that has Ray and Pillow."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "impasto" / "cluster-venv"
    if Path(sys.prefix) == folder:
        return
    wanted = (EXAMPLES / "requirements.txt").read_text(encoding="utf-8") + sys.version
    stamp, python = folder / "installed.txt", folder / "bin" / "python3"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        venv.create(folder, with_pip=True, clear=True)
        install = [python, "-m", "pip", "install", "--quiet", "--requirement", EXAMPLES / "requirements.txt"]
        subprocess.run(install, check=True)
        stamp.write_text(wanted, encoding="utf-8")
    os.execv(python, [str(python), *sys.argv])


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def that(self, condition, text):
        self.passed += bool(condition)
        self.failed += not condition
        print(f"{'ok' if condition else 'FAILED'}: {text}", flush=True)


class Workplace:
    """A folder with pictures, a list of them, a style and a place for the results."""

    def __init__(self, folder):
        self.folder, self.out = folder, folder / "out"
        folder.mkdir()
        self.list, self.style = folder / "photos.txt", folder / "the style.png"
        photos = [folder / f"{name}.png" for name in NAMES]
        for i, path in enumerate([*photos, self.style]):
            draw(path, i)
        self.write_list(photos)

    def write_list(self, photos):
        self.list.write_text("".join(f"{path}\n" for path in photos), encoding="utf-8")

    def arguments(self):
        return [str(self.list), str(self.style), str(self.out)]

    def finished(self):
        """The results: name to (inode, time of the last change). A file under a temporary name is none."""
        if not self.out.exists():
            return {}
        files = [path for path in self.out.iterdir() if not path.name.startswith(".")]
        return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}

    def whole(self):
        """Whether each picture's result, and nothing else, is there and can be read to its last row."""
        from PIL import Image

        if sorted(self.finished()) != sorted(f"{name}.png" for name in NAMES):
            return False
        for name in NAMES:
            try:
                with Image.open(self.out / f"{name}.png") as image:
                    image.load()
                    if image.size != (WIDTH, HEIGHT):
                        return False
            except OSError:
                return False
        return True


def draw(path, seed):
    """A picture of coloured discs."""
    from PIL import Image, ImageDraw

    chance = random.Random(seed)
    image = Image.new("RGB", (WIDTH, HEIGHT), tuple(chance.randbytes(3)))
    pen = ImageDraw.Draw(image)
    for _ in range(60):
        x, y, r = chance.randrange(WIDTH), chance.randrange(HEIGHT), chance.randrange(3, 20)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=tuple(chance.randbytes(3)))
    image.save(path)


def descendants(pid):
    """The processes that a process has started, directly or not: process to its command line."""
    parents, commands = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                status = (folder / "stat").read_text(encoding="utf-8")
                commands[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue  # It has ended.
            # The second field is a name in brackets, in which anything may stand.
            parents[int(folder.name)] = int(status.rpartition(")")[2].split()[1])
    found, before = {pid}, 0
    while len(found) > before:
        before = len(found)
        found |= {child for child, parent in parents.items() if parent in found}
    return {child: commands[child] for child in found - {pid} if child in commands}


def until(condition, seconds=PATIENCE):
    """Waits until a condition holds and returns its value, or something false when the time is over."""
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return value


class Run:
    """A started command. What it prints goes to a file."""

    def __init__(self, place, command, **variables):
        self.log = open(place.folder / f"log-{len(list(place.folder.glob('log-*')))}.txt", "w+", encoding="utf-8")
        environment = {**os.environ, **{name: str(value) for name, value in variables.items()}}
        command = [str(part) for part in command]
        self.process = subprocess.Popen(
            command, stdout=self.log, stderr=subprocess.STDOUT, env=environment, cwd=place.folder
        )

    def workers(self, mark):
        """Processes whose command line begins with a mark, or has it as the interpreter's script."""
        return [
            pid
            for pid, command in sorted(descendants(self.process.pid).items())
            if command.startswith(mark) or command.partition(" ")[2].startswith(mark)
        ]

    def end(self):
        """Waits for the end; returns the exit code and what was printed."""
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            for pid in [*descendants(self.process.pid), self.process.pid]:
                kill(pid)
            code = self.process.wait()
        self.log.seek(0)
        with self.log:
            return code, self.log.read()


def kill(pid, by=signal.SIGKILL):
    try:
        os.kill(pid, by)
    except ProcessLookupError:
        pass


def kill_in_the_middle(place, runs, mark):
    """Kills the youngest worker when two or more pictures are there. Returns whether one was killed."""

    def workers():
        return [pid for run in runs for pid in run.workers(mark)]

    until(lambda: len(place.finished()) >= 2 or all(run.process.poll() is not None for run in runs))
    # Where each picture has a process of its own, the one that has just written its picture may still be there. Wait
    # for the next.
    before = workers()
    until(lambda: set(workers()) - set(before), 0.3)
    alive = workers()
    if alive:
        kill(max(alive))
    return bool(alive)


def paint_with_a_kill(check, name, place, start, mark, goes_on=False):
    """Starts an example, kills a worker, and starts the example again until the pictures must all be there.

    `start` starts its commands. Where it `goes_on` by itself, the first run must already end well.
    """
    runs = start()
    check.that(kill_in_the_middle(place, runs, mark), f"{name}: a worker was killed in the middle")
    ends = [run.end() for run in runs]
    before = place.finished()
    if goes_on:
        check.that(all(code == 0 for code, _ in ends), f"{name}: goes on with another worker")
    else:
        check.that(any(code != 0 for code, _ in ends), f"{name}: tells by its exit code that a worker was killed")
        some = 2 <= len(before) < len(NAMES)
        check.that(some, f"{name}: pictures are missing after the kill ({len(before)} are there)")
    # What a program leaves that is killed while it writes.
    (place.out / ".impasto-killed.partial").write_bytes(b"\x89PNG")

    again = [run.end() for run in start()]
    after = place.finished()
    check.that(all(code == 0 for code, _ in again), f"{name}: the second run ends well")
    check.that(place.whole(), f"{name}: every picture is there, and whole")
    check.that(before.items() <= after.items(), f"{name}: none was painted twice")
    for code, text in [*ends, *again]:
        if check.failed:
            print(f"--- exit code {code}\n{text}", flush=True)

    damaged = place.folder / "damaged.png"
    damaged.write_bytes((place.folder / f"{NAMES[0]}.png").read_bytes()[:200])
    place.write_list([*(place.folder / f"{name}.png" for name in NAMES), damaged])
    ends = [run.end() for run in start()]
    told = any(code != 0 and "damaged.png" in text for code, text in ends)
    check.that(told, f"{name}: a damaged picture is told")
    check.that(place.finished() == after, f"{name}: nothing is painted again beside it")

    place.write_list([place.folder / "damaged.png", place.folder / "other" / "damaged.jpg"])
    ends = [run.end() for run in start()]
    refused = all(code != 0 and "one name" in text for code, text in ends)
    check.that(refused, f"{name}: two pictures of one name are refused")


def array_variables(task):
    return {
        "SLURM_ARRAY_JOB_ID": 1, "SLURM_ARRAY_TASK_ID": task, "SLURM_ARRAY_TASK_COUNT": 2, "SLURM_ARRAY_TASK_MIN": 0,
        "SLURM_ARRAY_TASK_MAX": 1, "SLURM_ARRAY_TASK_STEP": 1, "SLURM_CPUS_PER_TASK": 1, "SLURM_MEM_PER_NODE": 4096,
    }


def check_slurm_script(check, place, program):
    command = ["bash", EXAMPLES / "slurm.sbatch", *place.arguments(), *OPTIONS]

    def start():
        return [Run(place, command, IMPASTO=program, **array_variables(task)) for task in (0, 1)]

    paint_with_a_kill(check, "slurm.sbatch", place, start, program)


def check_slurm_signal(check, place, program):
    """Slurm ends a task with SIGTERM to all of its processes."""
    command = ["bash", EXAMPLES / "slurm.sbatch", *place.arguments(), *OPTIONS]
    run = Run(place, command, IMPASTO=program, **array_variables(0))
    until(lambda: place.finished() or run.process.poll() is not None)
    # In the middle of the next picture.
    time.sleep(0.3)
    processes = [run.process.pid, *run.workers(program)]
    before = place.finished()
    for pid in processes:
        kill(pid, signal.SIGTERM)
    code, text = run.end()
    check.that(code == 130, f"slurm.sbatch: a task that is ended says so (exit code {code})")
    check.that(place.finished() == before, "slurm.sbatch: only finished pictures are left")
    if check.failed:
        print(text)
    run = Run(place, command, IMPASTO=program, **array_variables(0))
    code, text = run.end()
    check.that(code == 0 and len(place.finished()) == 4, "slurm.sbatch: the task ends well when it is started again")


def check_real_slurm(check, place, program):
    """The same with Slurm itself."""
    sbatch = ["sbatch", "--wait", "--array=0-1", "--cpus-per-task=1", "--mem=0", f"--output={place.folder}/task-%a.txt"]
    command = [*sbatch, EXAMPLES / "slurm.sbatch", *place.arguments(), *OPTIONS]
    run = Run(place, command, IMPASTO=program)
    until(lambda: len(place.finished()) >= 2 or run.process.poll() is not None)
    subprocess.run(["scancel", "--name=impasto"], check=True)
    code, _ = run.end()
    before = place.finished()
    check.that(code != 0 and len(before) < len(NAMES), "Slurm: a job that is cancelled leaves pictures out")
    code, _ = Run(place, command, IMPASTO=program).end()
    after = place.finished()
    check.that(code == 0, "Slurm: the second job ends well")
    check.that(place.whole(), "Slurm: every picture is there, and whole")
    check.that(before.items() <= after.items(), "Slurm: none was painted twice")
    if check.failed:
        for log in sorted(place.folder.glob("task-*.txt")):
            print(log.read_text(encoding="utf-8"))


def check_parallel(check, place, program):
    command = [EXAMPLES / "parallel.sh", *place.arguments(), *OPTIONS]

    def start():
        return [Run(place, command, IMPASTO=program, THREADS=max(1, (os.cpu_count() or 1) // 2))]

    paint_with_a_kill(check, "parallel.sh", place, start, program)


def check_cards(check, place):
    """A program that only writes down which card it sees stands in for impasto."""
    program, seen = place.folder / "program", place.folder / "seen.txt"
    program.write_text(f'#!/bin/sh\necho "$CUDA_VISIBLE_DEVICES $*" >>"{seen}"\nsleep 0.3\n', encoding="utf-8")
    program.chmod(0o755)
    code, text = Run(place, [EXAMPLES / "parallel.sh", *place.arguments()], IMPASTO=program, CARDS=2).end()
    calls = seen.read_text(encoding="utf-8").splitlines() if seen.exists() else []
    shared = len(calls) == len(NAMES) and {call.split(" --device cuda ")[0] for call in calls} == {"0", "1"}
    check.that(code == 0 and shared, "parallel.sh: two cards share the pictures")
    if not shared:
        print(text, calls)


def check_ray(check, place, library):
    command = [sys.executable, EXAMPLES / "ray_data.py", *place.arguments(), "--library", library, "--params", PARAMS]
    command += ["--actors", "2", "--threads", "1", "--memory", "1"]

    def start():
        return [Run(place, command, RAY_TMPDIR=place.folder)]

    paint_with_a_kill(check, "ray_data.py", place, start, "ray::MapWorker", goes_on=True)


def main():
    parser = argparse.ArgumentParser(description="Runs the examples for many machines on this one.")
    parser.add_argument("--program", type=Path, help="the command impasto")
    parser.add_argument("--library", type=Path, help="libimpasto, for Ray")
    parser.add_argument("--only", choices=["slurm", "parallel", "ray"], action="append", help="may be given again")
    args = parser.parse_args()
    wanted = args.only or ["slurm", "parallel", "ray"]
    if not args.program and {"slurm", "parallel"} & set(wanted):
        parser.error("--program is needed for slurm and parallel")
    if not args.library and "ray" in wanted:
        parser.error("--library is needed for ray")
    if "parallel" in wanted and not shutil.which("parallel"):
        parser.error("GNU parallel is not installed (apt-get install parallel)")
    enter_environment()

    check = Checks()
    # A short name: Ray's sockets lie below it, and a socket's path has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="ic-") as folder:
        folder = Path(folder)
        if "slurm" in wanted:
            program = str(args.program.resolve())
            check_slurm_script(check, Workplace(folder / "s"), program)
            check_slurm_signal(check, Workplace(folder / "t"), program)
            answers = shutil.which("sinfo") and subprocess.run(["sinfo"], capture_output=True).returncode == 0
            if answers:
                check_real_slurm(check, Workplace(folder / "u"), program)
        if "parallel" in wanted:
            check_parallel(check, Workplace(folder / "p"), str(args.program.resolve()))
            check_cards(check, Workplace(folder / "c"))
        if "ray" in wanted:
            check_ray(check, Workplace(folder / "r"), str(args.library.resolve()))
    print(f"{check.passed} passed, {check.failed} failed")
    sys.exit(1 if check.failed else 0)


if __name__ == "__main__":
    main()
