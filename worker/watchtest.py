"""The tests that stand in watches: each article goes through enricher and matcher, and is compared with what is expected."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from worker import match, zones
from worker.model import Analysis, Article, Configuration, Evidence, Finding, Match, Verdict, WatchTest
from worker.ports import Enricher

_TOGETHER = 32
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TestOutcome:
    """What became of one test; `failures` are (expected, got) and empty where it passed."""

    __test__ = False

    watch: str
    title: str
    place: str
    failures: tuple[tuple[str, str], ...] = ()


def count_tests(configuration: Configuration, only: str | None = None) -> int:
    """How many tests there are, of one watch or of all."""
    return sum(len(watch.tests) for watch in configuration.watches if only in (None, watch.id))


def run_tests(configuration: Configuration, enricher: Enricher, only: str | None = None) -> Iterator[TestOutcome]:
    """The outcome of each test of each watch, in order; `only` names one watch."""
    tests = [(watch, test) for watch in configuration.watches if only in (None, watch.id) for test in watch.tests]
    matchers: dict[str, match.Matcher] = {}
    for start in range(0, len(tests), _TOGETHER):
        some = tests[start : start + _TOGETHER]
        articles = [_article(test) for _, test in some]
        for (watch, test), article, analysis in zip(some, articles, enricher.enrich(articles), strict=True):
            matcher = matchers.setdefault(watch.id, match.Matcher((watch,)))
            [verdict] = matcher.evaluate(article, analysis)
            yield TestOutcome(
                watch.id, test.title or test.text[:60], test.place, tuple(_compare(test, analysis, verdict))
            )


def to_junit(outcomes: Iterable[TestOutcome]) -> str:
    """The outcomes as JUnit XML, as CI systems read it: a suite for each watch."""
    root = Element("testsuites", name="tocsin test")
    suites: dict[str, list[TestOutcome]] = {}
    for outcome in outcomes:
        suites.setdefault(outcome.watch, []).append(outcome)
    for watch, cases in suites.items():
        failed = str(sum(bool(case.failures) for case in cases))
        suite = SubElement(root, "testsuite", name=watch, tests=str(len(cases)), failures=failed, errors="0")
        for case in cases:
            file, _, line = case.place.rpartition(":")
            row = SubElement(suite, "testcase", classname=watch, name=_printable(case.title), file=file, line=line)
            if case.failures:
                SubElement(row, "failure", message=_printable(f"expected {case.failures[0][0]}")).text = _printable(
                    "\n".join(f"- expected {expected}\n+ got      {got}" for expected, got in case.failures)
                )
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _article(test: WatchTest) -> Article:
    return Article(
        id="art_test",
        feed_id="feed_test",
        source=test.source,
        title=test.title,
        text=f"{test.title}\n{test.text}",
        zones=zones.split_zones(test.title, test.text),
        tags=test.tags,
        published=_EPOCH,
        first_seen=_EPOCH,
    )


def _compare(test: WatchTest, analysis: Analysis, verdict: Verdict) -> Iterator[tuple[str, str]]:
    """Each difference as (expected, got)."""
    fires = isinstance(verdict, Match)
    if test.fires is not None and fires != test.fires:
        if isinstance(verdict, Match):
            shown = ", ".join(f"“{evidence.text}”" for evidence in list(_evidence(verdict.finding))[:3])
            yield "silence", "an alert" + (f" because of {shown}" if shown else "")
        else:
            yield "an alert", f"silence: would fire if there were {verdict.missing}"
    if test.severity is not None and test.severity != verdict.watch.severity:
        yield f"severity {test.severity}", f"severity {verdict.watch.severity}"
    found = {name for entity in analysis.entities for name in (entity.text, entity.id) if name}
    yield from _absent("the entity", test.entities, found)
    yield from _absent("the topic", test.topics, {topic.topic for topic in analysis.topics if topic.is_reported})
    shown_by_zone = [(evidence.zone, evidence.text.casefold()) for evidence in _evidence(verdict.finding)]
    for zone, words in test.evidence:
        if not any(zone == other and words.casefold() in text for other, text in shown_by_zone):
            texts = ", ".join(f"“{text}” ({other})" for other, text in shown_by_zone[:5])
            yield f"“{words}” as evidence in the {zone}", texts or "no evidence"


def _absent(what: str, wanted: Sequence[str], found: set[str]) -> Iterator[tuple[str, str]]:
    for name in wanted:
        if name not in found:
            yield f"{what} {name}", ", ".join(sorted(found)[:12]) or "none"


def _evidence(finding: Finding) -> Iterator[Evidence]:
    if finding.truth == "true" and finding.kind != "none":
        yield from finding.evidence
        for child in finding.children:
            yield from _evidence(child)


def _printable(text: str) -> str:
    """`text` without what XML cannot hold."""
    return "".join(char for char in text if char in "\n\t" or char.isprintable())
