"""The spine over fakes: what goes in at the feed comes out at the endpoint, once."""

from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import (
    ARMS,
    HARMLESS,
    PhraseEnricher,
    endpoint,
    feed,
    watch,
)
from tests.spine import FEED, Spine
from worker.model import Pending, PhraseCondition, PollFailed, PollFailure
from worker.runtime.metrics import ARTICLE_OUTCOMES
from worker.triage import longest_wait


def test_the_log_names_an_alert_and_its_watch_and_quotes_no_article():
    spine = Spine()
    spine.serve(ARMS)
    spine.run()
    [facts] = [facts for event, facts in spine.observer.events if event == "alert"]
    assert facts == {"alert": next(iter(spine.store.alerts)), "watch": "arms-transfer", "severity": "high"}
    assert ARMS["title"] not in str(spine.observer.events)


def test_a_feed_entry_becomes_one_webhook():
    spine = Spine()
    spine.serve(ARMS, HARMLESS)
    spine.run()
    spine.run(hours=1)
    assert len(spine.received) == 1
    assert spine.store.counted['tocsin_articles_total{outcome="new"}'] == 2
    assert spine.store.counted['tocsin_articles_total{outcome="known"}'] == 0, "the same bytes are not read again"


def test_every_endpoint_gets_its_own_delivery():
    spine = Spine(endpoints=(endpoint("desk"), endpoint("archive")))
    spine.serve(ARMS)
    spine.run()
    assert sorted(name for name, _ in spine.sender.sent) == ["archive", "desk"]
    assert len(set(spine.received)) == 2


def test_a_shadow_watch_is_stored_and_sends_nothing():
    spine = Spine(watches=(watch(is_shadow=True),))
    spine.serve(ARMS)
    spine.run()
    assert (len(spine.store.alerts), spine.received) == (1, [])


def test_a_failing_receiver_gets_the_same_id_and_bytes_until_it_takes_them():
    spine = Spine(desk=[500, 404, 0])
    spine.serve(ARMS)
    for _ in range(5):
        spine.run(hours=1)
    bodies = {delivery for _, delivery in spine.sender.sent}
    assert (len(spine.sender.sent), len(bodies)) == (4, 1)


def test_a_receiver_that_never_answers_leaves_a_dead_letter():
    spine = Spine(desk=[500] * 99)
    spine.serve(ARMS)
    spine.run()
    for _ in range(20):
        spine.run(hours=30)
    assert len(spine.store.dead["desk"]) == 1
    assert len(spine.received) == 11


def test_one_bad_feed_does_not_hold_up_another():
    bad = feed("bad")
    spine = Spine(feeds=(bad, FEED))
    spine.serve(ARMS)
    spine.run()
    assert len(spine.received) == 1
    assert ("poll_failed", PollFailure.UNREACHABLE.value) in [(e, f.get("reason")) for e, f in spine.observer.events]
    assert spine.store.counted['tocsin_polls_total{outcome="unreachable"}'] == 1


def test_a_feed_that_recovers_is_read_again():
    spine = Spine()
    spine.fetcher.documents[FEED.url] = PollFailed(PollFailure.TIMEOUT, "slow")
    spine.run()
    spine.serve(ARMS)
    spine.run(hours=1)
    assert len(spine.received) == 1


def test_validators_are_sent_back_and_dropped_after_a_restart():
    spine = Spine()
    spine.serve(HARMLESS, etag='"v1"')
    spine.run()
    spine.run(hours=1)
    spine.store.run_id = "second"
    spine.run(hours=1)
    assert [asked.etag for asked in spine.fetcher.asked] == ["", '"v1"', ""]


def test_the_enricher_is_rung_for_while_other_feeds_are_still_asked():
    spine, slow = Spine(feeds=(FEED, feed("slow"))), Future()
    fetch = spine.fetcher.fetch
    spine.fetcher.fetch = lambda request: slow if "slow" in request.feed.url else fetch(request)

    def look():
        waits = not slow.done()
        slow.set_result(PollFailed(PollFailure.TIMEOUT, "took too long"))
        return waits

    def hurry():
        spine.clock.advance(seconds=1)  # lest an unrung bell be waited for
        return spine.clock.at

    spine.bell.look, spine.clock.now = look, hurry
    spine.serve(ARMS)
    spine.pipeline.poll_due()
    assert spine.bell.rung == [("enrich", True)]


def test_a_poll_that_brings_nothing_rings_for_nobody():
    spine = Spine()
    spine.serve(ARMS)
    spine.pipeline.poll_due()
    spine.bell.rung.clear()
    spine.clock.advance(hours=1)
    spine.pipeline.poll_due()
    assert spine.bell.rung == []


def bring(spine, *items) -> None:
    """Poll, with the articles queued in this order."""
    spine.serve(*items)
    spine.pipeline.poll_due()
    by_title = {item.record.title: id_ for id_, item in spine.store.articles.items()}
    for number, item in enumerate(items):
        spine.store.due["articles"][by_title[item["title"]]] = spine.clock.now() - timedelta(seconds=9 - number)
    spine.bell.rung.clear()


def told(spine) -> list[tuple[str, object]]:
    """What the deliverer was rung for with."""
    return [rang for rang in spine.bell.rung if rang[0] == "deliver"]


def unread(spine) -> int:
    return sum(item.analysis is None for item in spine.store.articles.values())


def test_another_enricher_is_rung_for_before_a_full_batch_is_looked_at_and_for_no_smaller_one():
    spine = Spine(at_once=2)
    spine.bell.look = lambda: unread(spine)
    bring(spine, *(HARMLESS | {"guid": f"f{n}", "title": f"A fete number {n}", "link": ""} for n in range(3)))
    spine.pipeline.enrich_due()
    assert spine.bell.rung == [("enrich", 3)]


def test_more_articles_are_taken_after_a_full_batch_and_fewer_again_after_another():
    spine, asked = Spine(at_once=2, most_at_once=4), []
    claim = spine.store.claim_articles
    spine.store.claim_articles = lambda limit, lease: (asked.append(limit), claim(limit, lease))[1]
    bring(spine, *(HARMLESS | {"guid": f"f{n}", "title": f"A fete number {n}", "link": ""} for n in range(9)))
    spine.pipeline.enrich_due()
    assert asked == [2, 4, 4, 2]
    assert unread(spine) == 0


def test_the_deliverer_is_rung_for_while_other_articles_are_still_read():
    spine = Spine(at_once=1)
    spine.bell.look = lambda: unread(spine)
    bring(spine, ARMS, HARMLESS)
    spine.pipeline.enrich_due()
    assert told(spine) == [("deliver", 1)]


class Glancing(PhraseEnricher):
    """Leaves names to be looked for."""

    def glance(self, articles):
        return [replace(found, pending=Pending()) for found in self.enrich(articles)]

    def complete(self, articles, glances):
        return self.enrich(articles)


def test_what_fires_is_told_before_what_may_wait_though_it_came_in_a_later_batch():
    spine = Spine(at_once=1, enricher=Glancing(), entities="when_relevant")
    spine.bell.look = lambda: (unread(spine), len(spine.store.alerts))
    bring(spine, HARMLESS, ARMS)
    spine.pipeline.enrich_due()
    assert told(spine) == [("deliver", (1, 1))], "an alert, and the other article still waits"
    assert unread(spine) == 0


def test_where_everything_is_read_what_fires_is_told_before_the_rest_is_read():
    spine = Spine(at_once=1, enricher=Glancing())
    spine.bell.look = lambda: (unread(spine), len(spine.store.alerts))
    bring(spine, HARMLESS, ARMS)
    spine.pipeline.enrich_due()
    assert told(spine) == [("deliver", (1, 1))]
    assert all(item.analysis.pending is None for item in spine.store.articles.values())


def test_what_waited_long_enough_takes_turns_with_what_is_new():
    """One batch of each by turns: neither the old nor the new waits until all of the other is done."""
    read, spine = [], Spine(at_once=1, enricher=Glancing())
    glance, complete, tick = spine.pipeline.enricher.glance, spine.pipeline.enricher.complete, timedelta(seconds=2)

    def noting(kind, work):
        def noted(articles, *rest):
            read.append(kind)
            spine.clock.at += tick
            return work(articles, *rest)

        return noted

    spine.pipeline.enricher.glance = noting("glance", glance)
    spine.pipeline.enricher.complete = lambda articles, glances: (
        noting("whole", complete)(articles, glances) if articles else []
    )
    quiet = [HARMLESS | {"guid": f"f{n}", "title": f"A fete number {n}", "link": ""} for n in range(8)]
    bring(spine, *quiet)
    wait = longest_wait("always", spine.pipeline.limits.lease)
    spine.pipeline.enrich_due()
    first = read.index("whole")
    assert first == -(-wait // tick), "what is new goes first for so long"
    assert read[first : first + 3] == ["whole", "glance", "whole"]
    assert len(read) == 16


def test_what_comes_alone_is_read_straight_away():
    spine = Spine(enricher=Glancing())
    spine.pipeline.enricher.glance = None
    bring(spine, HARMLESS, ARMS)
    spine.pipeline.enrich_due()
    assert unread(spine) == 0


class Fragile(PhraseEnricher):
    """Cannot bear one article."""

    def enrich(self, articles):
        if any("choir" in article.title for article in articles):
            raise RuntimeError("cannot bear it")
        return super().enrich(articles)


def test_an_article_the_model_cannot_bear_is_quarantined_and_costs_no_other():
    spine = Spine(enricher=Fragile())
    spine.serve(HARMLESS, ARMS)
    for _ in range(8):
        spine.run(hours=1)
    assert len(spine.received) == 1
    [held] = spine.store.quarantined()
    assert held.subject == HARMLESS["title"]
    assert "RuntimeError in test_pipeline.py" in held.reason
    assert "cannot bear it" not in held.reason, "an error's words may quote the article"


class FragileLater(Fragile):
    """Can glance at it, and cannot bear to look for its names."""

    def glance(self, articles):
        return [replace(found, pending=Pending()) for found in PhraseEnricher.enrich(self, articles)]

    def complete(self, articles, glances):
        return self.enrich(articles)


def test_an_article_whose_names_the_model_cannot_bear_costs_no_other_that_waits_with_it():
    others = [HARMLESS | {"guid": f"o{n}", "title": f"Flowers {n}", "link": f"https://x.example/{n}"} for n in range(3)]
    spine = Spine(at_once=4, enricher=FragileLater())
    bring(spine, HARMLESS, *others)
    for _ in range(8):
        spine.pipeline.enrich_due()
        spine.clock.advance(hours=1)
    assert unread(spine) == 1
    [held] = spine.store.quarantined()
    assert held.subject == HARMLESS["title"]


def test_odd_entries_are_counted_and_still_read():
    spine = Spine()
    spine.serve(ARMS | {"pubDate": "Sun, 01 Mar 2099 11:00:00 GMT"}, {"title": "No guid, no link"})
    spine.run()
    assert len(spine.received) == 1
    assert spine.store.counted['tocsin_entries_odd_total{reason="odd_date"}'] == 1
    assert spine.store.counted['tocsin_entries_odd_total{reason="nameless"}'] == 1


@given(st.lists(st.sampled_from(["poll", "enrich", "deliver", "die", "edit", "fail"]), max_size=40))
def test_no_order_of_work_and_death_loses_an_alert_or_makes_a_second(steps):
    """A worker may claim and die at any point; what counts is that at last one alert arrives, under one id."""
    spine = Spine()
    text = ARMS["description"]
    spine.serve(ARMS)
    spine.pipeline.poll_due()
    for step in steps:
        spine.clock.advance(minutes=20)
        match step:
            case "die":
                spine.store.claim_feeds(9, timedelta(minutes=3))
                spine.store.claim_articles(9, timedelta(minutes=3))
                spine.store.claim_deliveries("desk", 9, timedelta(minutes=3))
            case "edit":
                text += " More."
                spine.serve(ARMS | {"description": text})
            case "fail":
                spine.sender.statuses["desk"] = [500]
            case _:
                getattr(spine.pipeline, f"{step}_due")()
    if steps.count("die") > 4:
        return  # work that dies five times is poison, and set aside
    for _ in range(3):
        spine.run(hours=25)
    assert len(set(spine.received)) == 1
    assert len({delivery.body for _, delivery in spine.sender.sent}) == 1


def test_what_is_known_is_counted_and_not_read_again():
    spine = Spine()
    spine.serve(ARMS)
    spine.run()
    spine.serve(HARMLESS, ARMS)
    spine.run(hours=1)
    assert spine.store.counted['tocsin_articles_total{outcome="new"}'] == 2
    assert spine.store.counted['tocsin_articles_total{outcome="known"}'] == 1
    assert len(spine.store.feeds[FEED.id].record.marks) == 2


def test_a_feed_that_is_rekeyed_alerts_nobody_and_is_reported():
    """Short entries under new guids and addresses: nothing but the title says that they are the old ones."""
    spine = Spine(watches=(watch(condition=PhraseCondition(("tanks",))),))
    old = [
        {"guid": f"{n}", "link": f"https://a.example/{n}", "title": f"Tanks {n}", "description": ""} for n in range(6)
    ]
    new = [
        {"guid": f"x{n}", "link": f"https://b.example/{n}", "title": f"Tanks {n}", "description": ""} for n in range(6)
    ]
    spine.serve(*old)
    spine.run()
    spine.serve(*new)
    spine.run(hours=1)
    assert len(spine.received) == 6
    assert spine.store.counted['tocsin_feed_events_total{event="feed_rekeyed"}'] == 1
    assert "feed_rekeyed" in [event for event, _ in spine.observer.events]
    spine.serve(*new, {"guid": "x9", "link": "https://b.example/9", "title": "Tanks 9", "description": ""})
    spine.run(hours=1)
    assert len(spine.received) == 7


def test_after_a_restart_of_the_store_known_entries_are_read_again():
    spine = Spine()
    spine.serve(ARMS)
    spine.run()
    spine.store.run_id = "second"
    spine.run(hours=1)
    assert spine.store.counted['tocsin_articles_total{outcome="known"}'] == 1
    assert spine.fetcher.asked[-1].is_whole


def test_the_same_bytes_under_a_new_etag_are_not_read_and_the_etag_is_kept():
    spine = Spine()
    spine.serve(HARMLESS, etag='"v1"')
    spine.run()
    spine.serve(HARMLESS, etag='"v2"')
    spine.run(hours=1)
    spine.run(hours=1)
    assert [asked.etag for asked in spine.fetcher.asked] == ["", '"v1"', '"v2"']
    assert spine.store.counted['tocsin_polls_total{outcome="not_modified"}'] == 2


def test_other_bytes_under_the_same_etag_are_read():
    spine = Spine()
    spine.serve(HARMLESS, etag='"v1"')
    spine.run()
    spine.serve(ARMS, HARMLESS, etag='"v1"')
    spine.run(hours=1)
    assert len(spine.received) == 1


def test_a_feed_whose_guids_change_with_every_poll_alerts_once():
    spine = Spine()
    others = [HARMLESS | {"title": f"Choir {n}", "link": "", "description": "Short."} for n in range(6)]
    for turn in range(5):
        spine.serve(ARMS | {"guid": f"arms-{turn}"}, *(o | {"guid": f"{turn}-{o['title']}"} for o in others))
        spine.run(hours=1)
    assert len(spine.received) == 1
    assert spine.store.counted['tocsin_articles_total{outcome="new"}'] == 7


def test_an_empty_document_does_not_make_a_feed_forget():
    spine = Spine()
    spine.serve(ARMS)
    spine.run()
    spine.serve()
    spine.run(hours=1)
    spine.serve(ARMS)
    spine.run(hours=1)
    assert len(spine.received) == 1


WORDS = ("tanks", "choir", "howitzers", "harvest", "sanctions", "budget", "storm", "border")
ENTRY = st.tuples(st.sampled_from("abcdef"), st.sampled_from(WORDS))


@settings(max_examples=25)
@given(st.lists(st.lists(ENTRY, max_size=8), min_size=1, max_size=6))
def test_every_entry_that_a_poll_brought_is_counted_once_by_what_became_of_it(documents):
    spine, served = Spine(), 0
    for entries in documents:
        items = [
            {
                "guid": name,
                "title": f"Report {name} on {word}",
                "description": f"{' '.join([word, name] * 7)} said the ministry on Monday",
            }
            for name, word in entries
        ]
        before = spine.fetcher.documents.get(FEED.url)
        spine.serve(*items)
        if before is None or before.body != spine.fetcher.documents[FEED.url].body:
            served += len(items)  # the same bytes again are not a document
        spine.run(hours=1)
    counted = {n: v for n, v in spine.store.counted.items() if n.startswith("tocsin_articles_total{")}
    assert sum(counted.values()) == served
    assert {n.split('"')[1] for n in counted} <= set(ARTICLE_OUTCOMES)
