"""Pages lose nothing and double nothing, whatever arrives between them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.api.questions import Between
from worker.runtime.redis_client import connect
from worker.runtime.rest import paging

pytestmark = pytest.mark.integration
KEY = "{tocsin}:paged"
Moments = st.lists(st.integers(0, 5), max_size=40)


def pages(client, query, wanted=lambda _: True, arrivals=()):
    """All rows, page by page; before each page some arrive."""
    arriving = iter(arrivals)
    found = []
    while True:
        rows, cursor = paging.page(client, "paged", query, lambda ids: [(id_, id_) for id_ in ids if wanted(id_)])
        found += rows
        if cursor is None:
            return found
        if (late := next(arriving, None)) is not None:
            client.zadd(KEY, late, nx=True)
        query = query.model_copy(update={"cursor": cursor})


@given(Moments, st.integers(1, 7), st.lists(st.dictionaries(st.text("abc", min_size=3, max_size=4), st.integers(0, 9))))
def test_every_entry_that_was_there_is_shown_once_and_in_order(server, moments, limit, arrivals):
    with connect(server.url) as client:
        client.delete(KEY)
        there = {f"a{number}": at for number, at in enumerate(moments)}
        if there:
            client.zadd(KEY, there)
        late = [{f"late-{id_}": at for id_, at in one.items()} for one in arrivals if one]
        found = pages(client, Between(limit=limit), arrivals=late)
    assert len(found) == len(set(found))
    old = [id_ for id_ in found if id_ in there]
    assert old == sorted(there, key=lambda id_: (there[id_], id_), reverse=True)


def test_many_entries_of_one_moment_are_paged_as_well(redis_store):
    redis_store.client.zadd(KEY, {f"a{number:04}": 7 for number in range(1_000)})
    assert len(set(pages(redis_store.client, Between(limit=199)))) == 1_000


def test_a_filter_that_wants_little_goes_on_past_what_one_page_may_look_at(redis_store, monkeypatch):
    monkeypatch.setattr(paging, "_MOST_READ", 250)
    redis_store.client.zadd(KEY, {f"a{number:04}": number for number in range(1_000)})
    found = pages(redis_store.client, Between(limit=50), wanted=lambda id_: id_.endswith("00"))
    assert found == [f"a{number:04}" for number in range(900, -1, -100)]


def test_since_is_within_and_until_is_not(redis_store):
    at = [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3)]
    redis_store.client.zadd(KEY, {f"d{moment.day}": moment.timestamp() * 1000 for moment in at})
    assert pages(redis_store.client, Between(since=at[1])) == ["d3", "d2"]
    assert pages(redis_store.client, Between(until=at[1])) == ["d1"]
    assert pages(redis_store.client, Between(since=at[0], until=at[2], limit=1)) == ["d2", "d1"]
