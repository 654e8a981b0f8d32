"""The deployment files, as far as can be judged without an engine: names, commands, variables, addresses."""

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
import yaml
from celery.bin.beat import beat
from celery.bin.worker import worker
from starlette.routing import Route
from typer.main import get_command

from tests.integration.world import eventually
from tests.ports import free_port
from worker.cli import app as cli
from worker.deliver import sample
from worker.onward import deliveries
from worker.runtime.sender import request_headers
from worker.runtime.settings import load_settings
from worker.watchlist import load_configuration

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
EXAMPLE = {"TOCSIN_DESK_URL", "TOCSIN_DESK_SECRET"}
COMPOSE = {"TOCSIN_CONFIG_DIR"}
"""Read by compose itself."""


class Reading(dict):
    """An environment that remembers what it was asked for."""

    def get(self, key, default=None):
        self[key] = default
        return default


def settings() -> set[str]:
    reading = Reading()
    load_settings(reading)
    return set(reading)


def manifests() -> list[dict]:
    files = [path for path in KUBERNETES.glob("*.yaml") if path.name != "kustomization.yaml"]
    return [document for path in files for document in yaml.safe_load_all(path.read_text("utf-8"))]


def compose() -> dict:
    return yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]


def containers() -> list[tuple[str, dict]]:
    pods = [m for m in manifests() if m["kind"] == "Deployment"]
    return [(pod["metadata"]["name"], c) for pod in pods for c in pod["spec"]["template"]["spec"]["containers"]]


def commands() -> list[tuple[str, list[str]]]:
    found = [(f"compose {name}", s["command"]) for name, s in compose().items() if s["image"] == "tocsin:latest"]
    found += [(f"kubernetes {name}", container["command"]) for name, container in containers()]
    for unit in (DEPLOY / "systemd").glob("*.service"):
        [line] = re.findall(r"^ExecStart=(.+)$", unit.read_text("utf-8"), re.MULTILINE)
        for queue in ("poll", "read", "enrich", "deliver") if "@" in unit.name else ("",):
            words = shlex.split(line.replace("%i", queue))
            found.append((f"{unit.name} {queue}", [Path(words[0]).name, *words[1:]]))
    for line in (ROOT / "Procfile").read_text("utf-8").splitlines():
        name, _, command = line.partition(": ")
        words = shlex.split(re.sub(r"\$\{\w+:-(\w+)\}", r"\1", command))
        found.append((f"Procfile {name}", [word for word in words if not word.startswith("TOCSIN_")]))
    return found


@pytest.mark.parametrize(("where", "command"), commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_command_parses(where, command):
    if command[0] == "python":
        assert importlib.util.find_spec(command[2])
        return
    if command[0] == "tocsin":
        [name] = command[1:]
        assert name in get_command(cli).commands
        return
    assert command[:4] == ["celery", "-q", "-A", "worker.runtime.app"]
    kind, arguments = {"worker": worker, "beat": beat}[command[4]], command[5:]
    values, rest, _ = kind.make_parser(click.Context(kind)).parse_args(list(arguments))
    assert rest == []
    if kind is worker:
        assert values["queues"] in ("poll", "read", "enrich", "deliver")


def test_every_way_runs_the_six_processes():
    names = {where.partition(" ")[0]: set() for where, _ in commands()}
    for where, command in commands():
        place = "systemd" if ".service" in where else where.partition(" ")[0]
        queue = command[command.index("-Q") + 1] if "-Q" in command else command[-1]
        if queue == "worker.runtime.demo":
            continue  # the demonstration's own
        names.setdefault(place, set()).add(queue)
    for place in ("compose", "kubernetes", "Procfile", "systemd"):
        assert names[place] == {"poll", "read", "enrich", "deliver", "beat", "web"}, place


def test_every_variable_named_exists_and_every_setting_is_named():
    known = settings()
    assert "TOCSIN_REDIS_URL" in known
    places = [p for p in DEPLOY.rglob("*") if p.is_file() and p.suffix != ".json"]
    for path in (*places, ROOT / "compose.yaml", ROOT / "Dockerfile", ROOT / "Procfile"):
        named = set(re.findall(r"\bTOCSIN_[A-Z_]+\b", path.read_text("utf-8")))
        assert named <= known | EXAMPLE | COMPOSE | demonstration(), path
    text = (DEPLOY / "tocsin.env.example").read_text("utf-8")
    assert known <= set(re.findall(r"TOCSIN_[A-Z_]+", text))
    documented = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    assert [name for name in sorted(known) if name not in documented] == []


def demonstration() -> set[str]:
    """What the demonstration reads of the environment."""
    return set(re.findall(r"TOCSIN_DEMO_[A-Z]+", (ROOT / "worker" / "runtime" / "demo.py").read_text("utf-8")))


def test_the_demonstration_in_containers_serves_and_receives_what_its_configuration_names(tmp_path):
    lines = (DEPLOY / "demo" / "demo.env").read_text("utf-8").splitlines()
    said = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    assert set(said) == demonstration()
    loaded = load_configuration(DEPLOY / "demo", said)
    assert len(loaded.watches) == 3
    at = f"127.0.0.1:{free_port()}"
    position = {"TOCSIN_DEMO_POSITION": str(tmp_path / "position")}
    environ = dict(os.environ) | said | position | {"TOCSIN_DEMO_HOST": "127.0.0.1", "TOCSIN_DEMO_PORT": at[10:]}
    served = subprocess.Popen(
        [sys.executable, *compose()["demo"]["command"][1:]], env=environ, stdout=subprocess.DEVNULL
    )

    def answer(url: str, body: str | None = None, **headers: str) -> int:
        url = url.replace("demo:8786", at)
        request = urllib.request.Request(url, body.encode() if body else None, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as found:
                return found.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    try:
        eventually(lambda: answer(loaded.feeds[0].url), 30, "the demonstration's answer")
        assert [answer(feed.url) for feed in loaded.feeds] == [200, 200, 200]
        now = datetime.now(UTC)
        [delivery] = deliveries(sample.make("alrt_1", now), list(loaded.endpoints))
        headers = request_headers(delivery, loaded.endpoints[0], now)
        assert answer(said["TOCSIN_DEMO_HOOK"], delivery.body, **headers) == 200
        assert answer(said["TOCSIN_DEMO_HOOK"], "{}", **headers) == 401
    finally:
        served.terminate()
        served.wait(10)
    assert compose()["demo"]["profiles"] == ["demo"]


def test_images_have_the_tag_of_a_version():
    images = {service["image"] for service in compose().values()} - {"tocsin:latest"}
    images |= set(re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE))
    for image in images:
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*", image), image


def test_manifests_keep_to_the_schemas_of_kubernetes():
    validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    for manifest in manifests():
        if not manifest["apiVersion"].startswith("keda.sh/"):
            validate.validate(manifest, "1.37", strict=True)


def test_compose_keeps_to_its_schema():
    package = pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed")
    import jsonschema

    schema = Path(package.__file__).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    made = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    jsonschema.validate(made, json.loads(schema.read_text("utf-8")))


def test_scaling_says_only_what_keda_knows():
    """By the custom resource definition of ScaledObject (keda.sh/v1alpha1) and the reference of its prometheus trigger."""
    [scaled] = [manifest for manifest in manifests() if manifest["kind"] == "ScaledObject"]
    spec = scaled["spec"]
    assert set(spec) <= {
        "scaleTargetRef", "pollingInterval", "cooldownPeriod", "initialCooldownPeriod", "idleReplicaCount",
        "minReplicaCount", "maxReplicaCount", "fallback", "advanced", "triggers",
    }  # fmt: skip
    assert spec["minReplicaCount"] < spec["maxReplicaCount"]
    [trigger] = spec["triggers"]
    assert trigger["type"] == "prometheus"
    assert set(trigger["metadata"]) >= {"serverAddress", "query", "threshold"}
    assert all(isinstance(value, str) for value in trigger["metadata"].values())
    assert "tocsin_due_oldest_seconds" in trigger["metadata"]["query"]


def test_defaults_in_the_example_environment_are_the_real_ones():
    text = (DEPLOY / "tocsin.env.example").read_text("utf-8")
    said = dict(
        re.findall(
            r"^# (TOCSIN_(?:WEB_HOST|WEB_PORT|WEB_EDITS|LEASE|TICK|WATCHDOG|LOG_LEVEL|CONTACT|TRACES))=(.*)$",
            text,
            re.MULTILINE,
        )
    )
    assert len(said) == 9
    assert load_settings(said) == load_settings({})


def test_kustomize_finds_what_it_names():
    made = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text("utf-8"))
    for name in (*made["resources"], *(f for g in made["configMapGenerator"] for f in g["files"])):
        assert (KUBERNETES / name).is_file(), name
    assert {container["image"] for _, container in containers()} == {made["images"][0]["name"]}
    assert made["namespace"] == next(m for m in manifests() if m["kind"] == "Namespace")["metadata"]["name"]


def test_the_configuration_for_kubernetes_is_valid():
    environ = {"TOCSIN_DESK_URL": "https://desk.example/hook", "TOCSIN_DESK_SECRET": "whsec_" + "c2VjcmV0" * 5}
    assert load_configuration(KUBERNETES / "config", environ).feeds


def test_selectors_select():
    labels = [
        m["spec"]["template"]["metadata"]["labels"] for m in manifests() if m["kind"] == "Deployment"
    ]  # fmt: skip
    deployments = {m["metadata"]["name"] for m in manifests() if m["kind"] == "Deployment"}
    for manifest in manifests():
        spec = manifest.get("spec", {})
        if manifest["kind"] == "Service":
            assert spec["selector"] in labels
        elif manifest["kind"] in ("PodDisruptionBudget", "Deployment"):
            assert spec["selector"]["matchLabels"] in labels
        elif manifest["kind"] == "ScaledObject":
            assert spec["scaleTargetRef"]["name"] in deployments


def test_containers_may_nothing_they_need_not():
    for name, container in containers():
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"], name
        assert not context["allowPrivilegeEscalation"], name
        assert context["capabilities"] == {"drop": ["ALL"]}, name
    for name, service in compose().items():
        if service["image"] == "tocsin:latest":
            assert service["read_only"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
    text = (ROOT / "Dockerfile").read_text("utf-8")
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    assert text.index("USER ") < text.index("CMD [")


def test_probes_ask_addresses_that_exist(redis_store):
    from tests.desk import CONFIGURATION
    from worker.runtime.web import create_web

    served = {route.path for route in create_web(redis_store, lambda: CONFIGURATION).routes if isinstance(route, Route)}
    probes = [
        container[kind]["httpGet"]["path"]
        for _, container in containers() for kind in ("startupProbe", "livenessProbe", "readinessProbe") if kind in container
    ]  # fmt: skip
    assert len(probes) == 3
    assert {*probes, "/metrics"} <= served


def test_compose_mounts_what_is_there():
    for name, service in compose().items():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if source.startswith("./deploy"):
                assert (ROOT / source).is_dir(), (name, source)
    assert "--maxmemory-policy" in compose()["valkey"]["command"]
    assert re.search(r"noeviction", " ".join(compose()["valkey"]["command"]))


def test_the_image_is_given_what_the_build_reads():
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    for name in " ".join(copied).split():
        assert name in allowed
        assert (ROOT / name).exists()


def run(*command: str) -> subprocess.CompletedProcess:
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_kustomize_renders():
    ended = run("kubectl", "kustomize", str(KUBERNETES))
    assert ended.returncode == 0, ended.stderr
    kinds = [document["kind"] for document in yaml.safe_load_all(ended.stdout)]
    assert sorted(set(kinds)) == ["ConfigMap", "Deployment", "Namespace", "PodDisruptionBudget", "Service"]
    assert kinds.count("Deployment") == 6


def test_systemd_accepts_the_units(tmp_path):
    for unit in (DEPLOY / "systemd").iterdir():
        text = re.sub(r"/opt/tocsin/bin/\w+", "/bin/true", unit.read_text("utf-8"))
        (tmp_path / unit.name).write_text(text, "utf-8")
    ended = run("systemd-analyze", "verify", *map(str, tmp_path.iterdir()))
    assert "tocsin" not in ended.stderr, ended.stderr
