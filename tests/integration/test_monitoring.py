"""What deploy/ brings for Prometheus and Grafana, against a real Prometheus that has scraped a real run."""

import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import yaml

from tests.conftest import absent
from tests.desk import CONFIGURATION, Desk, judged, serving
from tests.integration.world import eventually
from tests.ports import free_port
from worker.ports import ConfigurationState
from worker.runtime.metrics import HELP

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


def test_every_rule_has_its_test():
    rules = yaml.safe_load((PROMETHEUS / "rules.yml").read_text("utf-8"))
    tests = yaml.safe_load((PROMETHEUS / "rules_test.yml").read_text("utf-8"))["tests"]
    fired = {c["alertname"] for test in tests for c in test.get("alert_rule_test", ()) if c.get("exp_alerts")}
    reckoned = {c["expr"] for test in tests for c in test.get("promql_expr_test", ())}
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        assert rule.get("alert") in fired or rule.get("record") in reckoned, rule


def queries() -> list[tuple[str, str]]:
    found = []
    for board in BOARDS:
        for panel in json.loads(board.read_text("utf-8"))["panels"]:
            found += [(f"{board.stem}: {panel['title']}", target["expr"]) for target in panel["targets"]]
    return found


def test_every_counter_is_shown_by_a_panel_or_judged_by_a_rule():
    text = (PROMETHEUS / "rules.yml").read_text("utf-8") + "\n".join(query for _, query in queries())
    named = {re.sub(r"_(bucket|count|sum)$", "", name) for name in re.findall(r"\btocsin_\w+", text)}
    assert set(HELP) - named == set()


@pytest.mark.parametrize("board", BOARDS, ids=lambda path: path.stem)
def test_no_panel_covers_another(board):
    panels = json.loads(board.read_text("utf-8"))["panels"]
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert len({panel["id"] for panel in panels}) == len(panels)


class Prometheus:
    """A real one that scrapes `target` once a second with our rules."""

    def __init__(self, binary: str, directory: Path, target: str) -> None:
        made = (PROMETHEUS / "prometheus.yml").read_text("utf-8").replace("web:8787", target).replace("15s", "1s")
        (directory / "prometheus.yml").write_text(made, "utf-8")
        shutil.copy(PROMETHEUS / "rules.yml", directory)
        self._at = f"http://127.0.0.1:{free_port()}"
        self._process = subprocess.Popen(
            [binary, f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/tsdb",
             "--enable-feature=exemplar-storage", f"--web.listen-address={self._at.removeprefix('http://')}",
             "--log.level=error"],
        )  # fmt: skip

    def ask(self, query: str) -> list:
        """The rows that answer an instant query."""
        found = self.get("query", query=query)
        return found["result"] if found else []

    def get(self, what: str, **parameters: str):
        try:
            with urllib.request.urlopen(
                f"{self._at}/api/v1/{what}?" + urllib.parse.urlencode(parameters), timeout=10
            ) as answer:
                return json.load(answer)["data"]
        except urllib.error.URLError:
            return None

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)


@pytest.fixture
def ask(redis_store, tmp_path):
    """Instant queries against a Prometheus that scrapes the web process of a desk at work."""
    binary = tool("prometheus")
    desk = Desk(redis_store)
    desk.publish_demo(6)
    judged(desk)
    redis_store.report_configuration("enrich", ConfigurationState(is_ok=True, hash=CONFIGURATION.hash))
    with serving(redis_store) as base:
        prometheus = Prometheus(binary, tmp_path, urllib.parse.urlsplit(base).netloc)
        try:
            eventually(lambda: prometheus.ask("tocsin_build_info"), 30, "the first scrape")
            desk.publish_demo(6, start=6)
            yield prometheus.ask
        finally:
            prometheus.stop()


def test_every_metric_that_rules_and_panels_name_exists(ask):
    text = (PROMETHEUS / "rules.yml").read_text("utf-8") + "\n".join(query for _, query in queries())
    named = set(re.findall(r"\btocsin_\w+", text))
    assert len(named) > 20
    assert [name for name in sorted(named) if not ask(name)] == []
