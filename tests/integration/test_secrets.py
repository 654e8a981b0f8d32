"""Planted secrets appear nowhere but where they must: not in logs, metrics, pages, the API, the audit record, traces, webhooks,
the stored state or what any command prints."""

import base64
import json
import re
import subprocess
import sys
import traceback
import urllib.error
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qs

import pytest
import redis
from typer.testing import CliRunner

from tests.fakes import ARMS, SECRET, rss
from tests.integration.world import eventually, tocsin
from tests.ports import free_port
from worker.api.operations import OPERATIONS
from worker.cli import app
from worker.runtime import process

pytestmark = pytest.mark.integration
WATCH = "watches:\n  - {id: tanks, title: Tanks, match: {phrase: battle tanks}}\n"
PLANTED = {
    "TEST_PASSWORD": "planted-password",
    "TEST_HEADER": "planted-header",
    "TEST_PROXY": "http://me:planted-proxy-password@127.0.0.1:9",
    "TEST_PAGER": "planted-pager-key",
    "TEST_MISP": "planted-misp-key",
    "TEST_MAIL": "json://me:planted-mail-password@127.0.0.1:9/planted-mail-path?to=planted-mail-query",
}
QUERY, HOOK = "planted-feed-key", "planted-hook-token"
FEEDS = """
  - {{url: '{missing}', name: keyed, auth: {{user: me, password: {{env: TEST_PASSWORD}}}}, allow_private: true, interval: 1s}}
  - {{url: '{headed}', name: headed, headers: {{X-Api-Key: {{env: TEST_HEADER}}}}, allow_private: true, interval: 1s}}
  - {{url: 'http://proxied.example/rss', name: proxied, proxy: {{env: TEST_PROXY}}, interval: 1s}}
"""
ENDPOINTS = """
  pager: {url: {env: TEST_HOOK}, secret: {env: TEST_PAGER}, format: pagerduty, allow_private: true}
  misp: {url: {env: TEST_HOOK}, secret: {env: TEST_MISP}, format: misp, allow_private: true}
  mail: {url: {env: TEST_MAIL}, format: apprise, allow_private: true}
"""
PAGES = ("/", "/trends", "/feeds", "/watches", "/endpoints", "/quarantine", "/silences", "/playground", "/metrics", "/readyz",
         "/version", "/api/alerts", "/api/feeds", "/api/watches", "/api/endpoints")  # fmt: skip
COMMANDS = (
    ("alerts", "list"), ("alerts", "export"), ("feeds", "list"), ("feeds", "show", "keyed"), ("feeds", "hubs"), ("feeds", "export"),
    ("endpoints", "list"), ("endpoints", "test", "desk"), ("endpoints", "test", "pager"), ("endpoints", "test", "misp"),
    ("endpoints", "test", "mail"), ("tokens", "list"), ("silences", "list"), ("lists", "status"), ("quarantine", "list"),
    ("audit", "export"), ("audit", "verify"), ("doctor",), ("check",), ("test",), ("backtest",), ("feeds", "preview", "keyed"),
)  # fmt: skip


def get(url: str, token: str = "", method: str = "GET", body: dict | None = None) -> str:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers | {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode() + str(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode() + str(error.headers)


@contextmanager
def started(deployment, name: str, *command: str):
    with (deployment.directory / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", *command], env=deployment.environ, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)


def test_planted_secrets_appear_nowhere(world, deployment):
    port = free_port()
    deployment.environ |= PLANTED | {
        "TEST_HOOK": world.url(f"/hook?token={HOOK}"),
        "TOCSIN_LOG_LEVEL": "debug",
        "TOCSIN_WEB_PORT": str(port),
        "TOCSIN_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "TOCSIN_TRACES": "yes",
        "OTEL_EXPORTER_OTLP_ENDPOINT": world.url("/traces"),
    }
    entry = ARMS | {"pubDate": format_datetime(datetime.now(UTC))}
    atom = '<link xmlns="http://www.w3.org/2005/Atom" rel="{}" href="{}"/>'
    links = atom.format("hub", world.url("/hub")) + atom.format("self", world.url("/feed"))
    advertised = rss(entry).replace("<item>", links + "<item>", 1)
    deployment.configure([world.serve("/feed", advertised)], WATCH)
    with (deployment.config / "feeds.yaml").open("a", encoding="utf-8") as feeds:
        feeds.write(FEEDS.format(missing=world.url(f"/missing?key={QUERY}"), headed=world.url("/headed")))
    with (deployment.config / "endpoints.yaml").open("a", encoding="utf-8") as endpoints:
        endpoints.write(ENDPOINTS)
    world.hook_status = lambda: 500
    deployment.start("poller", "reader", "enricher", "deliverer", "beat")
    made = json.loads(tocsin("tokens", "add", "asker", "--role", "operator", "--json", env=deployment.environ).stdout)
    page = f"http://127.0.0.1:{port}"
    shown: dict[str, str] = {}
    with started(deployment, "web", "worker.cli", "web"):
        eventually(lambda: hubbed(world) and attempted(deployment), 120, f"hub and attempts\n{deployment.logs()}")
        eventually(lambda: is_up(page), 120, "the page")
        alerts = json.loads(get(page + "/api/v1/alerts", made["token"]).rpartition("}")[0] + "}")["alerts"]
        alert = alerts[0]["alert_id"]
        article = deployment.client.hget("{tocsin}:alert:" + alert, "article")
        shown |= {path: get(page + path) for path in (*PAGES, f"/alerts/{alert}")}
        shown |= {path: get(page + path, made["token"]) for path in PAGES}
        shown |= dict(called(page, made["token"], alert, article, deployment.client))
    deployment.stop()
    for command in (*COMMANDS, ("alerts", "show", alert), ("why", alert), ("replay", alert), ("why", article)):
        for arguments in (command, (*command, "--json")):
            shown["tocsin " + " ".join(arguments)] = run(deployment.environ, *arguments)
    shown |= {log.name: log.read_text("utf-8", "replace") for log in deployment.directory.glob("*.log")}
    shown |= {
        f"webhook {hook.id} {number}": sent(hook) for number, hook in enumerate(world.arrived) if not is_hub(hook)
    }

    assert "500" in shown["deliverer.log"], "the failure was not logged, so its silence proves nothing"
    assert "tocsin.alert" in "".join(shown.values()), "no trace was sent"
    hub = next(parse_qs(hook.body.decode()) for hook in world.arrived if is_hub(hook))
    callback = hub["hub.callback"][0].rpartition("/")[2]
    planted = {SECRET, SECRET.removeprefix("whsec_"), QUERY, HOOK, made["token"], hub["hub.secret"][0], callback}
    planted |= set(re.findall(r"planted-[a-z-]+", " ".join(PLANTED.values())))
    planted |= {base64.b64encode(f"me:{PLANTED['TEST_PASSWORD']}".encode()).decode()}
    assert {path for path, _ in world.asked} >= {"/headed", f"/missing?key={QUERY}"}
    assert QUERY in shown.pop("tocsin feeds export"), "an OPML file is for another reader, which needs whole addresses"
    found = [f"{secret} in {place}" for place, text in shown.items() for secret in planted if secret in text]
    kept = dump(deployment.environ["TOCSIN_REDIS_URL"])
    found += [f"{secret} in the state" for secret in planted - {hub["hub.secret"][0], callback} if secret in kept]
    assert not found, "\n".join(found)


def run(environ: dict[str, str], *arguments: str) -> str:
    """What a command prints, its error's words and trace included; in this process, since fifty starts take minutes."""
    process.open_store.cache_clear()
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environ.items():
            patched.setenv(name, value)
        result = CliRunner().invoke(app, arguments)
    process.open_store().client.close()
    process.open_store.cache_clear()
    trace = "".join(traceback.format_exception(*result.exc_info)) if result.exc_info else ""
    return result.output + trace


def called(page: str, token: str, alert: str, article: str, client):
    """Every operation of the API, by an operator; a stream ends once what was missed is told."""
    story = client.hget("{tocsin}:article:" + article, "story") or "none"
    feed = json.loads(get(page + "/api/v1/feeds", token).rpartition("}")[0] + "}")["feeds"][0]["id"]
    names = {"alert": alert, "article": article, "story": story, "feed": feed, "watch": "tanks", "silence": "sil_none"}
    bodies = {
        "judge_alert": {"verdict": "true", "reason": "so it is"},
        "add_silence": {"matchers": [{"label": "watch", "operator": "=", "value": "none"}], "seconds": 60, "comment": "x"},
    }  # fmt: skip
    for operation in OPERATIONS:
        path = operation.path.format(**{name: names[name] for name in operation.names})
        path += "?seconds=0" if operation.id == "stream_alerts" else ""
        yield f"{operation.method} {path}", get(page + path, token, operation.method, bodies.get(operation.id))
        yield f"{operation.method} {path} without a token", get(page + path, "", operation.method, {})


def dump(url: str) -> str:
    """All that is stored, as text; what is not is replaced."""
    client = redis.Redis.from_url(url, decode_responses=True, encoding_errors="replace")
    readers = {
        "string": lambda key: [client.get(key)],
        "hash": lambda key: [f"{name}={value}" for name, value in client.hgetall(key).items()],
        "list": lambda key: client.lrange(key, 0, -1),
        "set": lambda key: list(client.smembers(key)),
        "zset": lambda key: client.zrange(key, 0, -1),
        "stream": lambda key: [str(row) for row in client.xrange(key)],
    }
    return "\n".join(f"{key}: {readers[client.type(key)](key)}" for key in client.scan_iter())


def hubbed(world) -> bool:
    return any(is_hub(hook) for hook in world.arrived)


def is_hub(hook) -> bool:
    return b"hub.callback" in hook.body


def sent(hook) -> str:
    return hook.body.decode("utf-8", "replace")


def attempted(deployment) -> bool:
    metrics = deployment.client.hgetall("{tocsin}:metrics")
    endpoints = set(re.findall(r'attempts_total\{endpoint="(\w+)"', " ".join(metrics)))
    return endpoints == {"desk", "pager", "misp", "mail"} and 'tocsin_polls_total{outcome="http_status"}' in metrics


def is_up(page: str) -> bool:
    try:
        return bool(get(page + "/healthz"))
    except OSError:
        return False


def test_passwords_of_redis_and_its_sentinels_appear_in_no_log_while_it_is_away(deployment):
    planted = ("planted-redis-password", "planted-sentinel-password")
    for url in (
        "sentinel://:{}@127.0.0.1:1,127.0.0.1:2/0?master=desk&sentinel_password={}".format(*planted),
        f"redis://me:{planted[0]}@127.0.0.1:1/0",
    ):
        deployment.environ |= {"TOCSIN_REDIS_URL": url, "TOCSIN_LOG_LEVEL": "debug"}
        deployment.configure([deployment.world.url("/feed")], WATCH)
        deployment.start("deliverer", "beat")
        logs = [deployment.directory / f"{name}.log" for name in ("deliverer", "beat")]
        eventually(
            lambda logs=logs: all(" connect" in log.read_text().lower() for log in logs),
            60,
            f"complaints\n{deployment.logs()}",
        )
        deployment.stop()
        deployment.processes.clear()
        said = [log.read_text("utf-8", "replace") for log in logs]
        ended = tocsin("up", env=deployment.environ)
        assert ended.returncode == 69, ended
        said += [
            ended.stdout,
            ended.stderr,
            *(run(deployment.environ, *command) for command in (("doctor",), ("alerts", "list"))),
        ]
        assert not [secret for secret in planted if secret in "".join(said)], "".join(said)


def test_an_address_with_a_password_is_refused_without_saying_it(deployment):
    deployment.configure(["http://me:planted-userinfo@127.0.0.1/rss"], WATCH)
    ended = tocsin("check", env=deployment.environ)
    assert ended.returncode == 78
    assert "planted-userinfo" not in ended.stdout + ended.stderr
