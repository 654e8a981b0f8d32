"""What one article adds to the trends: names that are counted once, in the hour in which it was read."""

from worker.model import Analysis, Article

ARTICLES, ALERTS = "articles", "alerts"
TOPIC, COUNTRY, FEED, WATCH, SEVERITY, PAGE = "topic:", "country:", "feed:", "watch:", "severity:", "page:"
"""Prefixes of the counted names; the store adds those of watches, severities and `alerts` for each new alert, and
`page:FEED:OUTCOME` for each page that was looked at."""
COUNTRY_LABELS = ("GPE", "NORP", "LOC")


def counted(article: Article, analysis: Analysis) -> tuple[str, ...]:
    """`articles`, the feed, each reported topic and each country that is named: every one once, however often named."""
    names = {ARTICLES, FEED + article.feed_id}
    names |= {TOPIC + topic.topic for topic in analysis.topics if topic.is_reported}
    names |= {COUNTRY + entity.id for entity in analysis.entities if entity.id and is_country(entity.label, entity.id)}
    return tuple(sorted(names))


def is_country(label: str, id_: str) -> bool:
    """Whether an entity's id is an ISO 3166-1 alpha-2 code, and not that of a list of somebody's own."""
    return label in COUNTRY_LABELS and len(id_) == 2 and id_.isalpha() and id_.isupper()  # noqa: PLR2004
