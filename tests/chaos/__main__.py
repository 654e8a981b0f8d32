"""`make chaos`: run the scenarios one after another; figures to docs/reliability.json and into docs/reliability.md.

python -m tests.chaos [--redis-7.0 DIRECTORY] [--articles N] [NAME...]
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.fixture import make
from tests.chaos.rig import BreakableServer, open_rig, servers_of
from tests.chaos.scenarios import ALLOWED, RELEASES, SCENARIOS, SERVERS

DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- chaos -->\n", "<!-- end of chaos -->"
_MOST_S = 300


def run(name: str, articles: int | None, server_path: str) -> dict[str, object]:
    """One scenario's figures."""
    scenario, usual, feeds = SCENARIOS[name]
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as directory,
        open_rig(
            Path(directory),
            make(articles or usual, feeds),
            server_path=server_path,
            release=RELEASES.get(name, ""),
            servers=SERVERS.get(name, BreakableServer),
        ) as rig,
    ):
        scenario(rig)
        judgement = rig.finish(_MOST_S)
        figures = {"scenario": name, "what": scenario.__doc__, "server": _server(rig), **rig.figures}
        faults = set(rig.broken) | {kind for kind, number in judgement.faults.items() if number} - ALLOWED.get(
            name, set()
        )
        figures |= {"seconds": round(time.monotonic() - started), "passed": not faults}
        if faults:
            print(rig.broken, judgement.faults, judgement.lost[:5], rig.deployment.logs()[-4_000:], file=sys.stderr)
    return figures


def _server(rig) -> str:
    info = rig.client.info("server")
    return f"{info.get('server_name', 'redis')} {info.get('valkey_version') or info['redis_version']}"


def write(figures: list[dict[str, object]]) -> None:
    """Merge into what earlier runs wrote, scenario by scenario."""
    path = DOCS / "reliability.json"
    kept = {row["scenario"]: row for row in json.loads(path.read_text("utf-8"))} if path.exists() else {}
    kept |= {str(row["scenario"]): row for row in figures}
    rows = [kept[name] for name in SCENARIOS if name in kept]
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8")
    text = (DOCS / "reliability.md").read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    (DOCS / "reliability.md").write_text(before + BEGIN + "\n".join(_table(rows)) + "\n" + END + after, "utf-8")


def _table(rows: list[dict[str, object]]) -> list[str]:
    lines = [
        "| scenario | server | articles / feeds | alerts | lost | second ids | changed bytes | repeats | stale refused | s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    return lines + [
        f"| {row['scenario']}: {row['what']} | {row['server']} | {row['articles']:,} / {row['feeds']} | {row['alerts']} | "
        f"{row['lost']} | {row['second_ids']} | {row['changed_bytes']} | {row['repeats']} | {row['stale refused']} | "
        f"{row['seconds']} |"
        for row in rows
    ]


def main() -> None:
    """Run what is asked for; exit 1 where something was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SCENARIOS))
    parser.add_argument("--redis-7.0", dest="redis", default="", help="directory with a redis-server 7.0")
    parser.add_argument("--articles", type=int, help="instead of each scenario's own number")
    arguments = parser.parse_args()
    names = arguments.names or [name for name in SCENARIOS if arguments.redis or "7.0" not in name]
    if any("7.0" in name for name in names):
        try:
            with servers_of(arguments.redis):
                pass
        except ValueError as error:
            parser.error(f"--redis-7.0: {error}")
    figures = []
    for name in names:
        figures.append(run(name, arguments.articles, arguments.redis if "7.0" in name else ""))
        print(json.dumps(figures[-1], ensure_ascii=False), flush=True)
        write(figures)
    sys.exit(not all(row["passed"] for row in figures))


if __name__ == "__main__":
    main()
