"""What all measurements have in common: the machine that they ran on, and the JSON file that they leave."""
import json
import os
import platform
import subprocess
import time
from pathlib import Path


def machine():
    """What the figures depend on."""
    described = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count(),
                 "system": f"{platform.system()} {platform.release()}", "python": platform.python_version()}
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        described["processor"] = next(l.split(":", 1)[1].strip() for l in lines if l.startswith("model name"))
        kilobytes = next(l for l in Path("/proc/meminfo").read_text().splitlines() if l.startswith("MemTotal"))
        described["memory"] = f"{int(kilobytes.split()[1]) / 2**20:.0f} GiB"
    except (OSError, StopIteration):
        pass
    program = os.environ["IMPASTO"]
    described["impasto"] = subprocess.run([program, "--version"], capture_output=True, text=True).stdout.strip()
    described["devices"] = subprocess.run([program, "devices"], capture_output=True, text=True).stdout.splitlines()
    for package in ("torch", "onnxruntime"):
        try:
            described[package] = __import__(package).__version__
        except ImportError:
            pass
    return described


def save(path, name, runs):
    """Writes the results of the measurement `name`, if there is a path."""
    if path:
        results = {"measurement": name, "date": time.strftime("%Y-%m-%d"), "machine": machine(), "runs": runs}
        Path(path).write_text(json.dumps(results, indent=1) + "\n")


def run(command):
    """Runs a job to its end: the seconds by the clock, the peak resident memory in bytes, and its report."""
    report = f"{command[command.index('-o') + 1]}.json"
    begun = time.time()
    process = subprocess.Popen([os.environ["IMPASTO"], *map(str, command), "--report", report, "--quiet"])
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.time() - begun
    assert status == 0, "the job failed"
    return seconds, usage.ru_maxrss * 1024, json.loads(Path(report).read_text())


def per_evaluation(report):
    """Seconds per evaluation at the full size."""
    level = report["levels"][-1]
    return level["seconds"] / level["evaluations"]


def score(picture, content, style, model, size, *more):
    """The objective of a picture and its terms, {term: loss}, `loss` first."""
    command = [os.environ["IMPASTO"], "score", picture, "--content", content, "--style", style, "--model", model, "--size", size, *more]
    text = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout
    return {term: float(value) for term, value in (line.split() for line in text.splitlines())}


def pair(text):
    """The files of CONTENT:STYLE, and a name for both."""
    content, style = text.split(":")
    return content, style, f"{Path(content).stem}-{Path(style).stem}"
