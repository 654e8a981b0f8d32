"""The command as a user meets it: what it prints, and with which code it ends."""

import json
from contextlib import contextmanager
from datetime import timedelta

import pytest
import typer

from tests.fakes import ARMS, SECRET, rss
from tests.integration.world import tocsin
from worker.cli import app
from worker.runtime.demo import prepare
from worker.runtime.doctor import _endpoints, _lease
from worker.runtime.valkey import EmbeddedServer
from worker.watchlist import load_configuration

pytestmark = pytest.mark.integration


def commands(command, *name):
    """Every command under its name, sub-commands included."""
    if not hasattr(command, "commands"):
        return {" ".join(name): command}
    return {key: one for word, inner in command.commands.items() for key, one in commands(inner, *name, word).items()}


READS = {
    name: command
    for name, command in commands(typer.main.get_command(app)).items()
    if name not in {"schema", "init", "secret", "parse", "diff"}
}


def test_init_writes_what_check_accepts(tmp_path):
    assert tocsin("init", str(tmp_path)).returncode == 0
    environ = {"TOCSIN_DESK_URL": "https://desk.example/hook", "TOCSIN_DESK_SECRET": SECRET, "PATH": "/usr/bin:/bin"}
    checked = tocsin("check", "-c", str(tmp_path), "--json", env=environ)
    assert checked.returncode == 0, checked.stderr
    said = json.loads(checked.stdout)
    assert (said["ok"], said["endpoints"]) == (True, 1)
    assert said["feeds"] >= 5
    (tmp_path / "feeds.yaml").write_text("# mine", "utf-8")
    tocsin("init", str(tmp_path))
    assert (tmp_path / "feeds.yaml").read_text("utf-8") == "# mine", "init overwrote a file"


def test_a_wrong_configuration_stops_every_start_with_78(tmp_path):
    (tmp_path / "feeds.yaml").write_text("feeds:\n  - {url: 'ftp://x', nam: A}\n", "utf-8")
    for command in (["check"], ["up"], ["web"]):
        ended = tocsin(*command, "-c", str(tmp_path))
        assert ended.returncode == 78, command
        assert "feeds.yaml:2:" in ended.stderr
        assert "did you mean `name`?" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_who_sends_nothing_needs_no_address_of_an_endpoint(tmp_path, shared):
    """The variables are set where `up` runs, not in the next terminal."""
    environ = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    tocsin("init", str(tmp_path / "desk"))
    given = ("-c", str(tmp_path / "desk"))
    for command in (["try", str(shared / "seed" / "article.txt")], ["test"]):
        assert tocsin(*command, *given, env=environ).returncode == 0, command
    refused = tocsin("check", *given, env=environ)
    assert refused.returncode == 78
    assert "the environment variable TOCSIN_DESK_URL is not set" in refused.stderr


def test_a_feed_is_previewed_without_a_configuration_under_the_example_watchlist(tmp_path, world):
    url = world.serve("/feed", rss(ARMS))
    environ = {"TOCSIN_CONFIG": "", "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    ended = tocsin("feeds", "preview", url, "--allow-private", "--no-pages", "--json", env=environ)
    assert ended.returncode == 0, ended.stderr
    [entry] = json.loads(ended.stdout)["entries"]
    assert entry["title"] == ARMS["title"]


def test_an_address_that_is_taken_for_a_file_is_told_apart():
    assert "an address begins with https://" in tocsin("try", "http//wire.example/a").stderr
    assert "an address begins" not in tocsin("try", "nothing.txt").stderr


def test_check_tells_of_a_pipeline_that_is_not_there(tmp_path):
    (tmp_path / "nlp.yaml").write_text("nlp: {model: en_core_web_none}\n", "utf-8")
    ended = tocsin("check", "-c", str(tmp_path))
    assert ended.returncode == 78
    assert "nlp.model: the pipeline 'en_core_web_none' is not installed" in ended.stderr
    said = json.loads(tocsin("check", "-c", str(tmp_path), "--json").stdout)
    assert "-m spacy download en_core_web_none" in said["problems"][0]["message"]


def test_try_shows_why_and_what_is_missing(shared):
    ended = tocsin("try", str(shared / "seed" / "article.txt"), "--json")
    said = json.loads(ended.stdout)
    assert {"arms-transfer", "sanctions-violation"} <= {match["watch"]["id"] for match in said["matches"]}
    assert set(said) >= {"article", "entities", "topics", "matches", "misses"}
    text = said["article"]["text"]
    for topic in said["topics"]:
        for evidence in topic["evidence"]:
            assert text[evidence["start"] : evidence["end"]] == evidence["text"]
    for entity in said["entities"]:
        assert text[entity["start"] : entity["end"]] == entity["text"]
    assert {"KP", "RU", "UA", "US"} <= {entity["id"] for entity in said["entities"]}


def test_try_explains_a_near_miss():
    article = {
        "title": "Toy gun fair",
        "text": "Germany delivered howitzers and artillery shells to Greece. A toy gun fair opens.",
    }
    said = json.loads(tocsin("try", "-", "--json", input=json.dumps(article)).stdout)
    [miss] = [miss for miss in said["misses"] if miss["watch"]["id"] == "arms-transfer"]
    assert miss["is_near"]
    assert miss["missing"].startswith("not the phrase")


@pytest.mark.parametrize(
    "given",
    ["<html><body><article><p>Norland delivered tanks.</p></article></body></html>", "Tanks\nNorland delivered tanks."],
)
def test_try_reads_html_and_text(given):
    said = json.loads(tocsin("try", "-", "--json", input=given).stdout)
    assert "Norland delivered tanks." in said["article"]["text"]


@pytest.mark.parametrize("source", ["/nowhere/at.all", "http://127.0.0.1:9/x"])
def test_what_cannot_be_read_is_one_message_and_64(source):
    ended = tocsin("try", source)
    assert ended.returncode == 64
    assert ended.stderr.startswith("tocsin: ")
    assert len(ended.stderr.splitlines()) == 1


def test_analyze_keeps_order_and_goes_on_after_a_bad_line():
    lines = [
        json.dumps({"id": "a", "title": "Norland ships tanks", "text": "Germany delivered howitzers to Greece."}),
        "{broken",
        json.dumps({"id": "b", "title": "", "text": ""}),
        json.dumps({"id": "c", "title": 5, "text": ""}),
        json.dumps({"id": "d", "title": "One  two", "text": "  France   is\tmentioned. \u202e"}),
    ]
    rows = [json.loads(line) for line in tocsin("analyze", "--batch", "2", input="\n".join(lines)).stdout.splitlines()]
    assert [row.get("id") for row in rows] == ["a", None, "b", "c", "d"]
    assert rows[1]["line"] == 2
    assert "error" in rows[3]
    assert rows[0]["topics"][0]["topic"] == "arms-transfer"
    for row, line in ((rows[0], lines[0]), (rows[4], lines[4])):
        text = json.loads(line)["title"] + "\n" + json.loads(line)["text"]
        assert row["entities"]
        assert all(text[e["start"] : e["end"]] == e["text"] for e in row["entities"])


def test_all_topics_gives_every_score():
    row = {"id": 1, "title": "", "text": "Germany may deliver something to Greece."}
    every = json.loads(tocsin("analyze", "--all-topics", input=json.dumps(row)).stdout)
    assert all({"topic", "score"} <= set(topic) for topic in every["topics"])


def test_parse_prints_entries(tmp_path):
    (tmp_path / "feed.xml").write_text(rss(ARMS), "utf-8")
    said = json.loads(tocsin("parse", str(tmp_path / "feed.xml")).stdout)
    assert said["entries"][0]["title"] == ARMS["title"]
    assert said["entries"][0]["published"] == "2026-03-01T11:00:00+00:00"
    (tmp_path / "page.html").write_text("<html><body>Log in</body></html>", "utf-8")
    assert tocsin("parse", str(tmp_path / "page.html")).returncode == 64


def test_doctor_names_each_thing_and_what_to_do(redis_store, server, tmp_path):
    tocsin("init", str(tmp_path))
    environ = {
        "TOCSIN_REDIS_URL": server.url,
        "PATH": "/usr/bin:/bin",
        "TOCSIN_DESK_URL": "https://127.0.0.1:9/",
        "TOCSIN_DESK_SECRET": SECRET,
    }
    ended = tocsin("doctor", "-c", str(tmp_path), "--json", env=environ)
    status = {check["name"]: check["status"] for check in json.loads(ended.stdout)["checks"]}
    assert status["redis"] == status["eviction"] == status["persistence"] == status["model"] == "ok"
    assert status["endpoint desk"] == "failure"
    redis_store.client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        ended = tocsin("doctor", "-c", str(tmp_path), env=environ)
        assert ended.returncode == 1
        assert "must be noeviction" in ended.stdout
    finally:
        redis_store.client.config_set("maxmemory-policy", "noeviction")


@pytest.mark.parametrize(("seconds", "warnings"), [(5, 1), (64, 1), (65, 0), (90, 0)])
def test_doctor_warns_of_a_lease_that_a_slow_feed_outlasts(seconds, warnings):
    told = list(_lease(timedelta(seconds=seconds)))
    assert len(told) == warnings
    assert all(f"TOCSIN_LEASE is {seconds} s" in one["message"] and "65s or more" in one["message"] for one in told)


@pytest.mark.parametrize(
    ("options", "status", "told"),
    [("", "failure", "`allow_private: true`"), (", allow_private: true", "warning", "cannot be reached")],
)
def test_doctor_refuses_the_private_addresses_that_the_sender_refuses(tmp_path, options, status, told):
    desk = f"  desk: {{url: {{env: URL}}, secret: {{env: SECRET}}{options}}}\n"
    (tmp_path / "config.yaml").write_text("endpoints:\n" + desk, "utf-8")
    [finding] = _endpoints(load_configuration(tmp_path, {"URL": "https://localhost:9/", "SECRET": SECRET}))
    assert (finding["name"], finding["status"]) == ("endpoint desk", status)
    assert told in finding["message"]


def test_check_says_how_many_tests_it_did_not_run(tmp_path):
    watch = "  - {id: a, title: A, match: {phrase: tanks}, tests: [{title: Tanks roll, expect: {fires: true}}]}\n"
    (tmp_path / "config.yaml").write_text("watches:\n" + watch, "utf-8")
    assert tocsin("check", "-c", str(tmp_path)).stdout.endswith("\n1 test in watches not run: tocsin test\n")
    assert json.loads(tocsin("check", "-c", str(tmp_path), "--json").stdout)["tests_not_run"] == 1


def test_without_a_configuration_that_of_the_running_demonstration_is_named_and_can_be_read(tmp_path):
    environ = {"TOCSIN_DATA": str(tmp_path), "TOCSIN_CONFIG": str(tmp_path / "none"), "PATH": "/usr/bin:/bin"}
    config = tmp_path / "demo" / "config"
    prepare(tmp_path / "demo", 8786)
    assert "demonstration" not in tocsin("check", env=environ).stderr, "it does not run"
    with running(tmp_path / "demo"):
        ended = tocsin("check", env=environ)
        assert ended.returncode == 78
        assert ended.stderr.endswith(f"has a configuration of its own: -c {config}\n")
        checks = json.loads(tocsin("doctor", "--json", env=environ).stdout)["checks"]
        assert [check["message"].endswith(f"-c {config}") for check in checks if check["name"] == "configuration"] == [
            True
        ]
        assert tocsin("feeds", "list", "-c", str(config), env=environ).returncode == 0


@contextmanager
def running(data):
    server = EmbeddedServer(data)
    server.start()
    try:
        yield
    finally:
        server.stop()


def test_quarantine_is_listed_and_released(redis_store, server):
    environ = {"TOCSIN_REDIS_URL": server.url, "PATH": "/usr/bin:/bin"}
    redis_store.client.hset("{tocsin}:feed:feed_1", mapping={"claims": 5, "quarantined_for": "claimed 5 times: why"})
    redis_store.client.zadd("{tocsin}:quarantine:poll", {"feed_1": 1_700_000_000_000})
    [row] = json.loads(tocsin("quarantine", "list", "--json", env=environ).stdout)["quarantine"]
    assert (row["stage"], row["id"], row["reason"]) == ("poll", "feed_1", "claimed 5 times: why")
    assert row["since"] == "2023-11-14T22:13:20+00:00"
    doctor = json.loads(tocsin("doctor", "--json", env=environ | {"TOCSIN_CONFIG": "/nonexistent"}).stdout)
    [check] = [check for check in doctor["checks"] if check["name"] == "quarantine"]
    assert check["message"].startswith("set aside: 1 of poll")
    assert tocsin("quarantine", "release", "polls", env=environ).returncode == 64
    assert "not in quarantine: feed_9" in tocsin("quarantine", "release", "poll", "feed_9", env=environ).stderr
    assert tocsin("quarantine", "release", "poll", env=environ).stdout == "released 1\n"
    assert redis_store.client.zscore("{tocsin}:feeds:due", "feed_1") > 1_700_000_000_000
    assert not redis_store.client.hexists("{tocsin}:feed:feed_1", "claims")


def test_reading_commands_say_when_redis_is_away():
    ended = tocsin("alerts", "list", env={"TOCSIN_REDIS_URL": "redis://127.0.0.1:9/0", "PATH": "/usr/bin:/bin"})
    assert ended.returncode == 69
    assert "cannot be reached" in ended.stderr


def test_reading_commands_say_when_nothing_runs_here(tmp_path):
    ended = tocsin("alerts", "list", env={"TOCSIN_DATA": str(tmp_path), "PATH": "/usr/bin:/bin"})
    assert ended.returncode == 69
    assert ended.stderr == "tocsin: nothing runs here; start `tocsin up`, or set TOCSIN_REDIS_URL\n"


@pytest.mark.parametrize("name", sorted(READS))
def test_every_command_over_a_configuration_or_a_store_takes_it_with_c(name):
    options = {option for parameter in READS[name].params for option in parameter.opts}
    assert {"-c", "--config"} <= options
