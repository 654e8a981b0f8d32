"""An invented alert, by which an endpoint is tried without waiting for news."""

from datetime import datetime

from worker.deliver import digest
from worker.deliver.card import Card, alert_card
from worker.model import Alert, Analysis, Article, Entity, Evidence, Finding, Severity, Span, TopicScore, Zone

_TITLE = "Test: Norland ships tanks to Sudmark"
_BODY = "This is an invented article. Norland has delivered forty tanks to Sudmark, the ministry said."
_SENTENCE = "Norland has delivered forty tanks to Sudmark, the ministry said."


def make(alert_id: str, now: datetime) -> Alert:
    """An alert of the watch `test`."""
    text = f"{_TITLE}\n{_BODY}"
    start = text.index(_SENTENCE)
    span = Span(start, start + len(_SENTENCE), _SENTENCE)
    zones = (Zone("title", 0, len(_TITLE)), Zone("lead", len(_TITLE) + 1, len(text)))
    article = Article("art_test", "feed_test", "Test", _TITLE, text, zones, "https://example.com/test", first_seen=now)
    entities = (Entity("Norland", "GPE", start, start + 7),)
    analysis = Analysis(entities, (TopicScore("arms-transfer", 0.97, (span,)),), (), "en", "test")
    evidence = (Evidence(span.start, span.end, span.text, "lead"),)
    return Alert(
        id=alert_id,
        watch_id="test",
        watch_title="A test of this endpoint",
        severity=Severity.INFO,
        labels=(("test", "true"),),
        story="art_test",
        fact_revision=0,
        article=article,
        analysis=analysis,
        finding=Finding("topic", "topic arms-transfer", "true", evidence, 0.97),
        raised_at=now,
        config_hash="test",
    )


def cards(now: datetime) -> tuple[Card, digest.DigestCard]:
    """The card of an invented alert, and that of a digest with two."""
    one, other = (alert_card(make("alrt_" + letter * 32, now)) for letter in "ab")
    together = digest.compose(
        "ntf_" + "a" * 32, "grp_test", "digest", [one, other], top=10, labels=(("test", "true"),), now=now
    )
    return one, together
