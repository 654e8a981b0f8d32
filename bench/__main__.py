"""All benches one after the other, each for a bounded time, with a progress bar; the figures go to docs/performance.json.

python -m bench            about forty minutes
python -m bench --quick    some minutes: the same benches, smaller
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.progress import Progress

from worker import __version__

ROOT = Path(__file__).parents[1]
BENCHES: dict[str, tuple[list[str], list[str]]] = {
    "enrichment": (["bench.enrichment"], ["bench.enrichment", "--articles", "150", "--rounds", "3"]),
    "end_to_end": (
        ["bench.end_to_end", "--articles", "400", "--rounds", "3"],
        ["bench.end_to_end", "--articles", "120", "--feeds", "6", "--rounds", "1"],
    ),
    "burst": (
        ["bench.end_to_end", "--articles", "5000", "--feeds", "100", "--rounds", "1", "--sides", "plain,always,when_relevant"],
        ["bench.end_to_end", "--articles", "300", "--feeds", "20", "--rounds", "1", "--sides", "plain,when_relevant"],
    ),
    "matching": (["bench.matching"], ["bench.matching", "--articles", "40", "--most-terms", "50000"]),
    "delivery": (["bench.delivery"], ["bench.delivery", "--deliveries", "500", "--rounds", "2"]),
    "polling": (["bench.polling"], []),
    "stories": (["bench.stories", "speed", "100000"], ["bench.stories", "speed", "10000"]),
    "sizing": (["bench.sizing"], ["bench.sizing", "--articles", "100"]),
    "week": (["bench.week", "--minutes", "10"], []),
    "growth": (["bench.growth"], ["bench.growth"]),
}  # fmt: skip
LONGEST_S = 1_500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="*", choices=BENCHES, default=list(BENCHES))
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "performance.json")
    options = parser.parse_args()
    report = json.loads(options.out.read_text("utf-8")) if options.out.exists() else {}
    with Progress() as progress:
        bar = progress.add_task("benches", total=len(options.only))
        for name in options.only:
            progress.update(bar, description=name)
            command = BENCHES[name][options.quick]
            if command:
                report[name] = run(command) | {"measured": about(is_quick=options.quick)}
                options.out.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
            progress.advance(bar)
    print(json.dumps(report, indent=1))


def run(command: list[str]) -> dict[str, object]:
    """The JSON a bench printed, or why there is none."""
    started = time.time()
    environ = dict(os.environ) | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", *command],
            cwd=ROOT, env=environ, capture_output=True, text=True, timeout=LONGEST_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"failed": f"not done within {LONGEST_S} s"}
    if done.returncode:
        return {"failed": done.stderr[-500:]}
    return {"result": json.loads(done.stdout[done.stdout.index("{") :]), "took_s": round(time.time() - started)}


def about(*, is_quick: bool) -> dict[str, object]:
    """What a figure was measured with."""
    names = ("spacy", "numpy", "thinc", "celery", "redis", "aiohttp", "pyahocorasick", "feedparser")
    return {
        "tocsin": __version__,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": is_quick,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        **{name: version(name) for name in names},
    }


if __name__ == "__main__":
    main()
