"""All benches one after the other, each for a bounded time, with a progress bar; the figures go to docs/performance.json.

python -m bench                    about forty minutes
python -m bench --quick            some minutes: the same benches, smaller
python -m bench --only burst       one of them; the others' figures stay as they were
python -m bench --tables           measure nothing, write the tables of the pages anew

After each bench the figures are written, and the tables of docs/performance.md and docs/scaling.md made of them.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.progress import Progress

from bench import tables
from worker import __version__

ROOT = Path(__file__).parents[1]
BENCHES: dict[str, tuple[str, str]] = {
    "enrichment": ("enrichment", "enrichment --articles 30 --rounds 2 --warm 120"),
    "end_to_end": ("end_to_end --articles 400 --feeds 12 --rounds 2", "end_to_end --articles 60 --feeds 6 --rounds 1"),
    "burst": (
        "end_to_end --articles 5000 --feeds 100 --rounds 3 --sides plain,always,when_relevant,pipe,full,tagger,enrichment",
        "end_to_end --articles 200 --feeds 10 --rounds 1 --sides plain,when_relevant",
    ),
    "idle": ("idle --articles 40", "idle --articles 8"),
    "unchanged": ("unchanged --feeds 2000 --rounds 3", "unchanged --feeds 300 --rounds 1"),
    "matching": ("matching", "matching --articles 20 --most-terms 10000"),
    "delivery": ("delivery", "delivery --deliveries 300 --rounds 1"),
    "stories": ("stories speed 10000 100000", "stories speed 2000"),
    "processes": ("processes --articles 200", "processes --articles 30"),
    "sizing": ("sizing --articles 300", "sizing --articles 50"),
    "growth": ("growth --articles 500", "growth --articles 50"),
    "two_hosts": ("two_hosts --articles 1000 --rounds 2", "two_hosts --articles 60 --rounds 1"),
    "polling": ("polling", ""),
    "week": ("week --minutes 8", "week --minutes 1"),
}
"""By name: what is run, and what is run where it shall be quick (nothing: left out)."""
LONGEST_S = 900


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--tables", action="store_true")
    parser.add_argument("--only", nargs="*", choices=BENCHES, default=list(BENCHES))
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "performance.json")
    options = parser.parse_args()
    is_published = all((options.out.parent / page).exists() for page in tables.PAGES)
    report = json.loads(options.out.read_text("utf-8")) if options.out.exists() else {}
    wanted = [] if options.tables else [name for name in options.only if BENCHES[name][options.quick]]
    with Progress() as progress:
        bar = progress.add_task("benches", total=len(wanted))
        for name in wanted:
            progress.update(bar, description=name)
            report[name] = run(BENCHES[name][options.quick].split()) | {"measured": about(is_quick=options.quick)}
            options.out.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
            if is_published:
                tables.write(options.out.parent, report)
            progress.advance(bar)
    if options.tables:
        tables.write(options.out.parent, report)
    failed = [name for name in wanted if "failed" in report[name]]
    print(json.dumps({name: report[name] for name in wanted}, indent=1))
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


def run(command: list[str]) -> dict[str, Any]:
    """The JSON a bench printed, or why there is none. What it started ends with it."""
    started = time.time()
    environ = dict(os.environ) | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", f"bench.{command[0]}", *command[1:]],
            cwd=ROOT, env=environ, stdout=out, stderr=errors, start_new_session=True,
        )  # fmt: skip
        try:
            process.wait(LONGEST_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # it stops its own processes
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            return {"failed": f"not done within {LONGEST_S} s"}
        out.seek(0)
        errors.seek(0)
        if process.returncode:
            return {"failed": errors.read()[-500:]}
        printed = out.read()
    return {"result": read_json(printed), "took_s": round(time.time() - started)}


def read_json(printed: str) -> dict[str, Any]:
    """The object in what was printed; several are the rows of one."""
    decoder, rows, at = json.JSONDecoder(), [], printed.find("{")
    while at >= 0:
        row, end = decoder.raw_decode(printed, at)
        rows.append(row)
        at = printed.find("{", end)
    return rows[0] if len(rows) == 1 else {"rows": rows}


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
