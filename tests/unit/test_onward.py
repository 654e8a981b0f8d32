"""Where a new alert goes: as ever where no route says otherwise, else held, capped or silenced."""

from dataclasses import replace
from datetime import timedelta

from tests.fakes import NOW, analysis, article, configuration, endpoint, watch
from worker import onward, silence
from worker.alert import raise_alerts
from worker.match import Matcher
from worker.model import Delivery, Digest, Held, Rate, Rated, Route, Silenced, Story, TimeInterval, Timing

WATCH = watch()
NIGHT = TimeInterval(times=((12 * 60, 13 * 60),))  # the fakes' now is noon


def alert_of(watch_=WATCH):
    art = article("Tanks", "Norland ships tanks.", first_seen=NOW)
    seen = analysis(art, {"arms-transfer": 0.9})
    verdicts = Matcher((watch_,)).evaluate(art, seen)
    (alert,), _ = raise_alerts(verdicts, art, seen, Story(art.id), config_hash="h", now=NOW)
    return alert


def under(*routes: Route, watch_=WATCH):
    made = configuration(watches=(watch_,), endpoints=(endpoint("desk"), endpoint("pager")))
    return replace(made, route=Route(("desk", "pager"), routes=routes, key="root")) if routes else made


def timed(timing: Timing, *endpoints: str, key="root/", is_continued=True) -> Route:
    return Route(endpoints or ("desk",), timing=timing, key=key, is_continued=is_continued)


def sent(config, silences=(), watch_=WATCH):
    return onward.send_on(config, alert_of(watch_), silences, NOW)


def test_without_a_word_on_when_an_alert_goes_to_every_endpoint_at_once():
    assert sent(under()) == onward.deliveries(alert_of(), [endpoint("desk"), endpoint("pager")])


def test_a_shadow_goes_nowhere():
    assert sent(under(), watch_=watch(is_shadow=True)) == ()


def test_an_endpoint_of_several_routes_is_told_at_once_only_once():
    steps = sent(under(timed(Timing()), timed(Timing(), key="root/#2")))
    assert [step.endpoint for step in steps] == ["desk"]


def test_a_silence_keeps_an_alert_back_from_all():
    one = silence.make(
        ['severity="high"'], starts_at=NOW, ends_at=NOW + timedelta(hours=1), author="ann", comment="x", now=NOW
    )
    assert sent(under(), [one]) == (Silenced(alert_of().id, one.id),)


def test_a_group_is_of_the_route_the_endpoint_and_the_labels():
    [held] = sent(under(timed(Timing(group_by=("watch", "desk")))))
    assert isinstance(held, Held)
    assert held.key.labels == (("watch", "arms-transfer"), ("desk", ""))
    assert held.look_at == NOW + timedelta(seconds=30)
    [other] = sent(under(timed(Timing(group_by=("watch",)))))
    assert other.group != held.group


def test_what_a_silent_route_holds_is_one_group_whatever_it_groups_by():
    [held] = sent(under(timed(Timing(group_by=("watch",), mute=(NIGHT,)))))
    assert (held.key.kind, held.key.labels, held.look_at) == ("quiet", (), NOW + timedelta(hours=1))


def test_a_rate_cap_is_for_what_is_told_one_by_one_and_leaves_digests_alone():
    capped = watch(rate=Rate(2, timedelta(hours=1)))
    digest = timed(Timing(group_by=(), digest=Digest("0 8 * * *")), "pager")
    steps = sent(under(timed(Timing(), key="root/a"), digest, watch_=capped), watch_=capped)
    [held] = [step for step in steps if isinstance(step, Held)]
    [rated] = [step for step in steps if isinstance(step, Rated)]
    assert held.key.kind == "digest"
    assert [type(step) for step in rated.within] == [Delivery]
    assert [(step.key.kind, step.look_at) for step in rated.beyond] == [("rate", NOW + timedelta(hours=1))]
    assert len(sent(under(digest, watch_=capped), watch_=capped)) == 1, "a digest alone is not capped"


def test_what_is_beyond_a_cap_waits_for_a_silent_route_as_well():
    capped = watch(rate=Rate(2, timedelta(minutes=10)))
    [rated] = sent(under(timed(Timing(mute=(NIGHT,))), watch_=capped), watch_=capped)
    assert [step.look_at for step in (*rated.within, *rated.beyond)] == [NOW + timedelta(hours=1)] * 2
