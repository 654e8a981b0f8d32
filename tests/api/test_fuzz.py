"""The API against its own document: requests made from it, right and wrong, must be answered as it says.

`make api-fuzz` tries 1,000 cases for each operation; here it is TOCSIN_API_FUZZ, 25 where nothing is said, and what
schemathesis makes of each parameter's limits besides.
"""

import os
from itertools import count

import pytest
import schemathesis
from hypothesis import settings
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation

from tests.api.conftest import CONFIGURED, WATCH, make_token
from tests.desk import Desk, judged, serving
from worker.api.openapi import document
from worker.api.token import Role
from worker.client import Client
from worker.runtime.redis_client import connect
from worker.runtime.redis_store import RedisStore

pytestmark = pytest.mark.integration
CASES = int(os.environ.get("TOCSIN_API_FUZZ") or 25)
NO_SCHEMA_CAN_SAY = {"positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "422"]}}
"""Which texts are patterns of RE2, and that a silence ends in the future."""
CONFIG = {
    "cache": {"enabled": False},
    "operations": [{"include-operation-id": "add_silence", "checks": NO_SCHEMA_CAN_SAY}],
}
SCHEMA = schemathesis.openapi.from_dict(document(), config=SchemathesisConfig.from_dict(CONFIG))
_numbers = count()


@pytest.fixture(scope="module")
def api(server):
    """A served store with news in it; its address, an operator's token, and ids that are there."""
    client = connect(server.url)
    client.flushall()
    store = RedisStore(client)
    desk = Desk(store)
    desk.publish_demo(12)
    judged(desk)
    _, token = make_token(store, Role.OPERATOR)
    [alert, *_] = client.zrange("{tocsin}:alerts", 0, 0)
    [article, *_] = client.zrange("{tocsin}:articles", 0, 0)
    with serving(store, configuration_=CONFIGURED, requests_per_minute=1_000_000) as base:
        silence = Client(base, token).add_silence([("watch", "=", WATCH)], seconds=86_400, comment="a test").id
        ids = {"alert": alert, "article": article, "story": article, "watch": WATCH, "feed": "feed_demo-wire"}
        ids["silence"] = silence
        yield base, token, ids
    client.close()


@SCHEMA.parametrize()
@settings(max_examples=CASES)
def test_what_the_document_says_is_what_is_answered(case, api):
    base, token, ids = api
    number = next(_numbers)
    is_valid = case.meta is None or case.meta.generation.mode.is_positive
    if is_valid and number % 2:  # else nearly everything would be asked of what is not there
        case.path_parameters.update({name: ids[name] for name in case.path_parameters})
    if is_valid and "Idempotency-Key" in (case.headers or {}):  # one key for two requests is refused, and rightly
        case.headers["Idempotency-Key"] = f"{case.headers['Idempotency-Key'][:100]}{number}"
    if case.path == "/api/v1/events" and (is_valid or "seconds" not in case.query):  # else it would go on for ever
        case.query["seconds"] = 0
    # where leaving the token out is what is wrong with a request, it is left out
    part = case.meta.components.get(ParameterLocation.HEADER) if case.meta else None
    is_bare = (
        not is_valid and part is not None and part.mode.is_negative and "Authorization" not in (case.headers or {})
    )
    headers = {} if is_bare else {"Authorization": f"Bearer {token}"}
    case.call_and_validate(base_url=base, headers=headers, timeout=10)
