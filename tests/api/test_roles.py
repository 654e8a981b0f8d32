"""Who may do what: every operation with every token, with none, and with those that ended."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.api.asking import ask
from tests.api.conftest import WATCH, make_token
from worker.api.operations import OPERATIONS
from worker.api.token import Role
from worker.runtime.metrics import API_OUTCOMES
from worker.runtime.rest.handlers import HANDLERS
from worker.runtime.token_store import RedisTokens

pytestmark = pytest.mark.integration
MAY = {
    Role.SUBSCRIBER: {"subscribe_watch"},
    Role.READER: {
        "list_alerts", "get_alert", "list_verdicts", "stream_alerts", "list_stories", "get_story", "list_articles",
        "get_article", "explain_alert", "explain_article", "list_feeds", "get_feed", "list_watches", "get_watch", "get_health", "subscribe_watch",
        "list_silences", "get_silence",
    },
}  # fmt: skip
MAY[Role.ANALYST] = MAY[Role.READER] | {
    "acknowledge_alert", "reopen_alert", "judge_alert", "add_silence", "end_silence", "read_audit",
}  # fmt: skip
MAY[Role.OPERATOR] = MAY[Role.ANALYST] | {"pause_feed", "resume_feed", "poll_feed"}
"""Written out by hand, so that a slip in the table of operations is seen."""
OPEN = {"get_document"}
NAMES = {
    "alert": "alrt_none",
    "story": "art_none",
    "article": "art_none",
    "feed": "feed_broken-times",
    "watch": WATCH,
    "silence": "sil_none",
}
MATCHER = {"label": "watch", "operator": "=", "value": WATCH}
BODIES = {
    "judge_alert": {"verdict": "true"},
    "add_silence": {"matchers": [MATCHER], "seconds": 60, "comment": "maintenance"},
}


def call(base, operation, token=""):
    path = operation.path.format(**NAMES)
    path += "?seconds=0" if operation.id == "stream_alerts" else ""
    return ask(base, path, operation.method, token, BODIES.get(operation.id))


def ids(operation):
    return operation.id


def test_every_operation_is_done_by_somebody_and_nothing_else_is():
    assert set(HANDLERS) | {"stream_alerts"} == {operation.id for operation in OPERATIONS}
    assert MAY[Role.OPERATOR] | OPEN == {operation.id for operation in OPERATIONS}


@pytest.mark.parametrize("operation", OPERATIONS, ids=ids)
def test_each_role_may_do_what_is_its_own_and_nothing_more(served, operation):
    for role, token in served.tokens.items():
        status = call(served.base, operation, token).status
        if operation.id in MAY[role] | OPEN:
            assert status in (200, 201, 404, 409), (role, operation.id)
        else:
            assert status == 403, (role, operation.id)


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.id not in OPEN], ids=ids)
def test_no_unknown_altered_expired_or_revoked_token_opens_anything(served, operation):
    _, expired = make_token(served.store, Role.OPERATOR, lives=timedelta(seconds=-1))
    id_, revoked = make_token(served.store, Role.OPERATOR)
    assert RedisTokens(served.store.client).revoke(id_, datetime.now(UTC))
    genuine = served.tokens[Role.OPERATOR]
    altered = genuine[:-1] + ("b" if genuine[-1] != "b" else "a")
    unknown = "tocsin_aaaaaaaa_" + genuine[-52:]
    for token in ("", "x", altered, unknown, expired, revoked, genuine + " ", genuine.upper()):
        answer = call(served.base, operation, token)
        if token.strip() == genuine:
            continue
        assert answer.status == 401, token
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("operation", OPERATIONS, ids=ids)
def test_while_there_is_no_token_this_machine_may_what_an_analyst_may_and_others_nothing(open_api, operation):
    with open_api() as base:
        may = MAY[Role.ANALYST] | OPEN
        assert (call(base, operation).status in (200, 201, 404)) == (operation.id in may)
        path = operation.path.format(**NAMES) + ("?seconds=0" if operation.id == "stream_alerts" else "")
        for strange in (
            {"Host": "evil.example"},  # a name that was rebound to 127.0.0.1
            {"X-Forwarded-For": "192.0.2.1"},
            {"Forwarded": "for=192.0.2.1"},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
        ):
            answer = ask(base, path, operation.method, body=BODIES.get(operation.id), **strange)
            assert answer.status == (200 if operation.id in OPEN else 401), strange


def test_the_last_tokens_end_does_not_open_the_door(open_api, redis_store):
    with open_api() as base:
        assert ask(base, "/api/v1/alerts").status == 200
        id_, _ = make_token(redis_store, Role.READER)
        assert ask(base, "/api/v1/alerts").status == 401
        RedisTokens(redis_store.client).revoke(id_, datetime.now(UTC))
        assert ask(base, "/api/v1/alerts").status == 401


def test_a_typed_address_is_answered_and_a_link_from_another_site_is_not(open_api):
    with open_api() as base:
        assert ask(base, "/api/v1/alerts", Sec_Fetch_Site="none").status == 200
        assert ask(base, "/api/v1/alerts/alrt_x/acknowledgement", "PUT", Sec_Fetch_Site="none").status == 401
        assert ask(base, "/api/v1/alerts", Sec_Fetch_Site="same-site").status == 401


def test_only_a_subscribers_token_may_stand_in_an_address_and_reads_its_own_watch(served):
    path = f"/feeds/watch/{WATCH}.atom?token="
    assert ask(served.base, path + served.tokens[Role.SUBSCRIBER]).status == 200
    assert ask(served.base, path + served.tokens[Role.OPERATOR]).status == 403
    assert ask(served.base, path).status == 401
    others = ask(served.base, "/feeds/watch/sanctions-violation.atom?token=" + served.tokens[Role.SUBSCRIBER])
    assert others.status == 403
    assert ask(served.base, "/api/v1/alerts?token=" + served.tokens[Role.READER]).status == 401


def test_a_rotated_token_opens_until_the_overlap_ends(served):
    kept = RedisTokens(served.store.client)
    id_, old = make_token(served.store, Role.READER)
    found, _ = kept.find(id_)
    now = datetime.now(UTC)
    from worker.api import token as tokens

    new, text = tokens.create("reader", Role.READER, now=now, random=lambda n: bytes(range(n)))
    assert kept.rotate(id_, new, now + timedelta(seconds=30))
    assert ask(served.base, "/api/v1/feeds", token=old).status == 200
    assert ask(served.base, "/api/v1/feeds", token=text).status == 200
    served.store.client.hset("{tocsin}:token:" + id_, "expires_at", round(now.timestamp() * 1000))
    assert ask(served.base, "/api/v1/feeds", token=old).status == 401
    assert ask(served.base, "/api/v1/feeds", token=text).status == 200
    assert not kept.rotate(id_, new, now), "one that ended is not rotated"
    assert found.state(now) == "live"


def test_the_last_use_of_a_token_is_noted(served):
    id_, text = make_token(served.store, Role.READER)
    kept = RedisTokens(served.store.client)
    assert kept.find(id_)[0].used_at is None
    ask(served.base, "/api/v1/feeds", token=text)
    assert kept.find(id_)[0].used_at is not None


def test_who_asks_too_often_is_told_when_to_come_back_and_others_are_not_held_up(open_api, redis_store):
    _, busy = make_token(redis_store, Role.READER)
    _, calm = make_token(redis_store, Role.READER)
    with open_api(per_minute=50) as base:
        answers = [ask(base, "/api/v1/feeds", token=busy) for _ in range(15)]
        assert [answer.status for answer in answers[:10]] == [200] * 10
        refused = [answer for answer in answers if answer.status == 429]
        assert refused
        assert 1 <= int(refused[0].headers["retry-after"]) <= 2
        assert refused[0].json["status"] == 429
        assert ask(base, "/api/v1/feeds", token=calm).status == 200


def test_a_wrong_secret_under_a_known_id_spends_nothing_of_that_token(open_api, redis_store):
    _, text = make_token(redis_store, Role.READER)
    wrong = text[:-4] + ("aaaa" if not text.endswith("aaaa") else "bbbb")
    with open_api(per_minute=50) as base:
        statuses = {ask(base, "/api/v1/feeds", token=wrong).status for _ in range(15)}
        assert statuses == {401, 429}
        assert ask(base, "/api/v1/feeds", token=text).status == 200


def test_what_is_kept_of_a_token_is_not_the_token(redis_store):
    id_, text = make_token(redis_store, Role.OPERATOR)
    kept = str(redis_store.client.hgetall("{tocsin}:token:" + id_))
    assert text.rpartition("_")[2] not in kept
    assert "digest" not in repr(RedisTokens(redis_store.client).find(id_)[0])


def test_requests_are_counted_by_what_came_of_them(served):
    token = served.tokens[Role.READER]
    for path, method, given in (
        ("feeds", "GET", token), ("feeds", "GET", ""), ("alerts?limit=0", "GET", token),
        ("feeds/feed_demo-wire/pause", "POST", token),
    ):  # fmt: skip
        ask(served.base, f"/api/v1/{path}", method, given)
    counted = served.store.client.hgetall("{tocsin}:metrics")
    found = {name.partition('"')[2].rstrip('"}'): amount for name, amount in counted.items() if "api_requests" in name}
    assert found == {"done": "1", "unknown": "1", "refused": "1", "forbidden": "1"}
    assert set(found) <= set(API_OUTCOMES)
