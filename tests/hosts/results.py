"""What the runs of all hosts' tests share: how the results that a script has written down inside a host are counted."""

import json
import os


def counted(folder, name, host, said, status=0, last=40):
    """Prints the results of a suite, of which each is a line of `name`.jsonl in the folder; the number of what is bad. `host` is the
    program that ran it, `said` what it has said, by line, of which the `last` are shown, and `status` how it ended."""
    path, results = os.path.join(folder, name + ".jsonl"), []
    if os.path.exists(path):
        with open(path) as file:
            results = [json.loads(line) for line in file]
    bad = [r for r in results if r.get("problem")]
    for result in bad:
        print(f"FAILED {result['test']}\n{result['problem']}")
    tests = [r for r in results if "test" in r]
    print(f"{name}: {len(tests) - len(bad)} passed, {len(bad)} failed")
    failed = len(bad)
    problem = None
    if not results or not results[-1].get("end"):
        problem = f"{host} ended before the tests did, with status {status}"
    elif status != 0:
        problem = f"{host} did not end well: status {status}"
    if problem:
        failed += 1
        print(f"{name}: {problem}")
    if failed:
        print("It said:", *said[-last:], sep="\n    ")
    return failed
