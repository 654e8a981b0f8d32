"""`make audit`: asks pip-audit whether a pinned dependency has a known weakness, and says so where nobody could be asked.

pip-audit ends with 1 both where it finds something and where its source cannot be reached; only the first comes with a report.
Exit code 0: asked, nothing known. 1: something is known. 69: no source could be asked, so nothing was audited.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

SOURCES = ("osv", "pypi")
PINNED = ("requirements/run.txt", "requirements/dev.txt")
UNAVAILABLE = 69


def audit(files: Sequence[str], command: Sequence[str]) -> int:
    """Ask one source after the other until one answers; the exit code."""
    failures = []
    for source in SOURCES:
        arguments = [part for file in files for part in ("-r", file)]
        options = ("--strict", "--require-hashes", "--disable-pip", "--timeout", "15", "-f", "json", "-s", source)
        ended = subprocess.run([*command, *options, *arguments], capture_output=True, text=True, check=False)
        try:
            found = json.loads(ended.stdout)["dependencies"]
        except (ValueError, KeyError):
            failures.append(f"{source}: {(ended.stderr.strip().splitlines() or ['no answer'])[-1][:300]}")
            continue
        return _report(source, found)
    print(
        "nothing was audited, since no source of known weaknesses could be asked:",
        *failures,
        sep="\n  ",
        file=sys.stderr,
    )
    return UNAVAILABLE


def _report(source: str, dependencies: list[dict]) -> int:
    known = [one for one in dependencies if one.get("vulns")]
    for one in known:
        for weakness in one["vulns"]:
            mended = ", ".join(weakness.get("fix_versions") or ["no release yet"])
            print(f"{one['name']} {one['version']}: {weakness['id']}, mended in {mended}", file=sys.stderr)
    print(f"{len(dependencies)} dependencies audited by {source}: {len(known)} with a known weakness")
    return 1 if known else 0


if __name__ == "__main__":
    sys.exit(audit(PINNED, [str(Path(sys.executable).with_name("pip-audit"))]))
