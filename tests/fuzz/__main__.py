"""`python -m tests.fuzz [--inputs 12500]`: every target in a process of its own; inputs, and the slowest of each.

Ends with 1 where an input was too slow, or something other than a value or a named error came out.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz import test_inputs, test_requests

TARGETS = [
    f"{Path(module.__file__).relative_to(Path.cwd())}::{name}"
    for module in (test_requests, test_inputs)
    for name in vars(module)
    if name.startswith("test_")
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all, print a line for each, and the output of those that failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=12_500, help="for each target")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, help="how many targets")
    parser.add_argument("--only", default="", help="targets whose names contain this")
    asked = parser.parse_args(arguments)
    wanted = [target for target in TARGETS if asked.only in target]
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(asked.at_once) as pool:
        passed = list(pool.map(lambda target: _run(target, asked.inputs, Path(directory)), wanted))
    print(f"{len(wanted)} targets, {sum(passed)} passed")
    return 0 if all(passed) else 1


def _run(target: str, inputs: int, directory: Path) -> bool:
    name = target.rpartition("::test_")[2]
    started = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", target],
        env=os.environ | {"TOCSIN_FUZZ": str(inputs), "TOCSIN_FUZZ_REPORT": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    file = directory / f"{name}.json"
    seen = json.loads(file.read_text("utf-8")) if file.exists() else {"inputs": 0, "slowest_s": 0.0, "slowest": ""}
    print(
        f"{name:22} {'passed' if ran.returncode == 0 else 'FAILED'} {seen['inputs']:7,} inputs in {seconds:5.0f} s, "
        f"{seen['inputs'] / seconds:5.0f} a second; the slowest {seen['slowest_s'] * 1000:5.0f} ms: {seen['slowest']:.60}",
        flush=True,
    )
    if ran.returncode:
        print(ran.stdout[-6_000:], ran.stderr[-2_000:], sep="\n", flush=True)
    return ran.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
