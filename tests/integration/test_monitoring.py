"""What deploy/ brings for Prometheus and Grafana, against a real Prometheus that has scraped a real run."""

import json
import re
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import yaml

from tests.conftest import absent
from tests.desk import Desk, judged, serving
from tests.integration.world import eventually

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
BOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))


def tool(name: str) -> str:
    found = shutil.which(name)
    if not found:
        absent(f"{name} is not installed; `make browser` installs it on Debian")
    return found


@pytest.mark.parametrize(
    "arguments",
    [("check", "config", "prometheus.yml"), ("check", "rules", "rules.yml"), ("test", "rules", "rules_test.yml")],
    ids=" ".join,
)
def test_promtool_accepts(arguments):
    ended = subprocess.run(
        [tool("promtool"), *arguments], cwd=PROMETHEUS, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_alert_has_its_runbook():
    headings = set(re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbooks.md").read_text("utf-8"), re.MULTILINE))
    rules = yaml.safe_load((PROMETHEUS / "rules.yml").read_text("utf-8"))
    alerts = {rule["alert"]: rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule}
    assert set(alerts) == headings
    for name, rule in alerts.items():
        assert rule["annotations"]["runbook"] == f"docs/runbooks.md#{name.lower()}"


def queries() -> list[tuple[str, str]]:
    found = []
    for board in BOARDS:
        for panel in json.loads(board.read_text("utf-8"))["panels"]:
            found += [(f"{board.stem}: {panel['title']}", target["expr"]) for target in panel["targets"]]
    return found


@pytest.fixture
def ask(redis_store, tmp_path):
    """Instant queries against a Prometheus that scrapes the web process of a desk at work once a second."""
    binary = tool("prometheus")
    desk = Desk(redis_store)
    desk.publish_demo(6)
    judged(desk)
    with serving(redis_store) as base:
        made = (PROMETHEUS / "prometheus.yml").read_text("utf-8")
        made = made.replace("web:8787", urllib.parse.urlsplit(base).netloc).replace("15s", "1s")
        (tmp_path / "prometheus.yml").write_text(made, "utf-8")
        shutil.copy(PROMETHEUS / "rules.yml", tmp_path)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            at = f"127.0.0.1:{probe.getsockname()[1]}"
        process = subprocess.Popen(
            [binary, f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
             f"--web.listen-address={at}", "--log.level=error"],
        )  # fmt: skip

        def asked(query: str) -> list:
            url = f"http://{at}/api/v1/query?" + urllib.parse.urlencode({"query": query})
            try:
                with urllib.request.urlopen(url, timeout=10) as answer:
                    return json.load(answer)["data"]["result"]
            except urllib.error.URLError:
                return []

        try:
            eventually(lambda: asked("tocsin_build_info"), 30, "the first scrape")
            desk.publish_demo(6, start=6)
            yield asked
        finally:
            process.terminate()
            process.wait(20)


def test_no_panel_is_empty(ask):
    assert len(BOARDS) == 4
    made = [(title, query.replace("$__rate_interval", "1m")) for title, query in queries()]
    empty: list[tuple[str, str]] = []

    def all_answer() -> bool:
        empty[:] = [(title, query) for title, query in made if not ask(query)]
        return not empty

    try:
        eventually(all_answer, 40, "an answer to every panel's query")
    except AssertionError:
        pytest.fail(f"no answer for {empty}")


def test_every_metric_that_rules_and_panels_name_exists(ask):
    text = (PROMETHEUS / "rules.yml").read_text("utf-8") + "\n".join(query for _, query in queries())
    named = set(re.findall(r"\btocsin_\w+", text))
    assert len(named) > 20
    assert [name for name in sorted(named) if not ask(name)] == []
