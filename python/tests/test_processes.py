"""What can only be seen from outside: Ctrl-C, forks, silence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from typing import Any

import pytest

MOST = 300
"""Seconds after which a process is taken for stuck."""

# A job whose style is its content has nothing to do, and ends early.
SET_UP = """
import impasto, numpy as np, os, signal, sys, threading
noise, other = (np.random.default_rng(seed).integers(0, 255, (48, 64, 3), np.uint8) for seed in (1, 2))
options = dict(size=64, levels=1, device="cpu", threads=1)
"""


def run(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", SET_UP + textwrap.dedent(code)], capture_output=True, text=True, timeout=MOST, check=False
    )


def test_nothing_is_printed() -> None:
    done = run("""
        impasto.stylise(noise, noise, iterations=3, **options)
        impasto.devices()
        try:
            impasto.stylise(noise, noise, size=1)
        except impasto.ParametersError:
            pass
    """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("callback", ["None", "lambda progress: None"])
def test_ctrl_c_stops_a_job(callback: str) -> None:
    code = f"""
        def tell(progress):
            if progress.evaluations == 3:
                print("running", flush=True)
        # One that runs tells when it is time; another one is told nothing at all.
        tell = tell if {callback == "None"} else {callback}
        if tell is not None and {callback != "None"}:
            threading.Timer(2, lambda: print("running", flush=True)).start()
        try:
            impasto.stylise(noise, other, iterations=100000, progress=tell, **options)
        except KeyboardInterrupt:
            print("stopped", signal.getsignal(signal.SIGINT) is signal.default_int_handler)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", SET_UP + textwrap.dedent(code)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=MOST)
    finally:
        process.kill()
    assert (out, err, process.returncode) == ("stopped True\n", "", 0)


def test_a_handler_of_the_callers_runs_at_once_and_the_job_goes_on() -> None:
    done = run("""
        seen = []
        signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
        def tell(progress):
            if progress.evaluations == 2:
                os.kill(os.getpid(), signal.SIGINT)
            if progress.evaluations == 5:
                assert seen == [signal.SIGINT], seen
        print(impasto.stylise(noise, noise, iterations=6, progress=tell, **options).shape, seen == [signal.SIGINT])
    """)
    assert (done.stdout, done.stderr) == ("(48, 64, 3) True\n", "")


def test_ctrl_c_stops_a_job_inside_a_job() -> None:
    done = run("""
        reached = []
        def inner(progress):
            if progress.evaluations == 2:
                os.kill(os.getpid(), signal.SIGINT)
        def outer(progress):
            if progress.evaluations == 2:
                try:
                    impasto.stylise(noise, other, iterations=100000, progress=inner, **options)
                except KeyboardInterrupt:
                    reached.append("inner")
                    raise
        try:
            impasto.stylise(noise, other, iterations=100000, progress=outer, **options)
        except KeyboardInterrupt:
            print(reached, signal.getsignal(signal.SIGINT) is signal.default_int_handler)
    """)
    assert (done.stdout, done.stderr) == ("['inner'] True\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_fork_after_use_is_refused_and_one_before_works() -> None:
    done = run("""
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks with threads
        def child(expected):
            pid = os.fork()
            if pid == 0:
                try:
                    shape = impasto.stylise(noise, noise, iterations=2, **options).shape
                    code = 0 if expected == "works" and shape == (48, 64, 3) else 1
                except impasto.OnnxRuntimeError as problem:
                    code = 0 if expected == "refused" and "spawn" in str(problem) else 2
                finally:
                    os._exit(code)
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        impasto.schema()
        print(child("works"))
        impasto.stylise(noise, noise, iterations=2, **options)
        print(child("refused"))
        print(impasto.stylise(noise, noise, iterations=2, **options).shape)
    """)
    assert (done.stdout, done.stderr) == ("0\n0\n(48, 64, 3)\n", "")


def test_python_ends_while_a_thread_has_an_engine() -> None:
    done = run("""
        engine = impasto.Engine(device="cpu", threads=1)
        thread = threading.Thread(target=lambda: engine.stylise(noise, noise, size=64, levels=1, iterations=20))
        thread.start()
        impasto.set_log(lambda level, text: None, "debug")
    """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
