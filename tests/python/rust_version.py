#!/usr/bin/env python3
"""Fails where a crate that Impasto depends on needs a newer Rust than Impasto's own `rust-version` says.

(That our own code needs no newer one is clippy's lint `incompatible_msrv`.)
"""
import json
import subprocess
import sys


def number(version):
    return tuple(int(part) for part in version.split("."))


command = ["cargo", "metadata", "--format-version", "1", "--locked"]
packages = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["packages"]
ours = min((p["rust_version"] for p in packages if p["source"] is None), key=number)
newer = [p for p in packages if p["rust_version"] and number(p["rust_version"])[:2] > number(ours)[:2]]
for package in newer:
    print(f"{package['name']} {package['version']} needs Rust {package['rust_version']}; Impasto says {ours}", file=sys.stderr)
sys.exit(1 if newer else 0)
