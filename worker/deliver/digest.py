"""Several alerts in one message: which stand in it in full, and its native JSON (`digest.schema.json`)."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from worker.deliver.card import Card
from worker.deliver.payload import moment, shorten
from worker.model import Severity

TYPE = "news.alert.digest.v1"
SCHEMA_VERSION = 1
Kind = Literal["group", "digest", "repeat"]
_SIZE_LIMIT_BYTES = 16_000
"""Leaves room for what an endpoint's format puts around it: a webhook's body should be under 20 kB."""
_MOST_NAMED, _MOST_COUNTED = 60, 10
_TITLE, _TEXT, _LINK = 200, 200, 1_000


@dataclass(frozen=True, slots=True)
class DigestCard:
    """What any format of a message on several alerts is made of. `cards` are shown, `total` counts all."""

    id: str
    group: str
    kind: Kind
    title: str
    severity: Severity
    cards: tuple[Card, ...]
    total: int
    by_watch: tuple[tuple[str, int], ...]
    labels: tuple[tuple[str, str], ...]
    at: datetime
    payload: Mapping[str, Any]

    @property
    def others(self) -> int:
        """How many alerts are only counted."""
        return self.total - len(self.cards)


def compose(  # noqa: PLR0913 - what a message is made of
    id_: str,
    group: str,
    kind: Kind,
    cards: Sequence[Card],
    *,
    top: int,
    labels: tuple[tuple[str, str], ...],
    now: datetime,
) -> DigestCard:
    """The message: the `top` gravest alerts in full as far as they have room, the others by id and number."""
    ordered = sorted(cards, key=_weight, reverse=True)
    shown, described = _fitting(ordered[:top])
    rest = ordered[len(shown) :]
    by_watch = Counter(_watch(card) for card in cards).most_common()
    by_severity = Counter(card.severity.value for card in cards)
    data = {
        "notification_id": id_,
        "kind": kind,
        "group": {"key": group, "labels": dict(labels)},
        "total": len(cards),
        "first_raised": moment(min(card.at for card in cards)),
        "last_raised": moment(max(card.at for card in cards)),
        "by_severity": {level.value: by_severity[level.value] for level in reversed(Severity) if by_severity[level]},
        "by_watch": [{"title": shorten(title), "alerts": number} for title, number in by_watch[:_MOST_COUNTED]],
        "alerts": described,
        "others": [card.id for card in rest[:_MOST_NAMED]],
        "truncated": {
            "alerts": len(rest),
            "others": max(len(rest) - _MOST_NAMED, 0),
            "by_watch": max(len(by_watch) - _MOST_COUNTED, 0),
        },
    }
    return DigestCard(
        id=id_,
        group=group,
        kind=kind,
        title=_title(kind, len(cards), by_watch),
        severity=ordered[0].severity,
        cards=shown,
        total=len(cards),
        by_watch=tuple(by_watch),
        labels=labels,
        at=now,
        payload={"type": TYPE, "timestamp": moment(now), "schema_version": SCHEMA_VERSION, "data": data},
    )


def _weight(card: Card) -> tuple[int, int, datetime, str]:
    independent = card.payload["data"].get("independent_sources", 1)
    return (card.severity.rank, independent, card.at, card.id)


def _fitting(cards: Sequence[Card]) -> tuple[tuple[Card, ...], list[dict[str, Any]]]:
    """The first cards that fit into the message together, and as it describes them; at least one."""
    described: list[dict[str, Any]] = []
    left = _SIZE_LIMIT_BYTES
    for card in cards:
        one = _describe(card)
        left -= len(json.dumps(one, ensure_ascii=False).encode())
        if left < 0 and described:
            break
        described.append(one)
    return tuple(cards[: len(described)]), described


def _describe(card: Card) -> dict[str, Any]:
    """An alert in short; the fields are those of its own message."""
    data = card.payload["data"]
    article, story = data["article"], data["story"]
    return {
        "alert_id": card.id,
        "watch": {"id": data["watch"]["id"], "title": shorten(data["watch"]["title"], _TITLE)},
        "severity": card.severity.value,
        "raised": moment(card.at),
        "story": {"id": story["id"], "fact_revision": story["fact_revision"], "follows": story.get("follows")},
        "independent_sources": data.get("independent_sources", 1),
        "article": {
            "id": article["id"],
            "title": shorten(article["title"], _TITLE),
            "link": article["link"] if len(article["link"]) <= _LINK else "",
            "source": shorten(article["source"], _TITLE),
            "published": article["published"],
        },
        "evidence": shorten(card.text.partition("\n")[0], _TEXT),
    }


def _watch(card: Card) -> str:
    return str(card.payload["data"]["watch"]["title"])


def _title(kind: Kind, total: int, by_watch: Sequence[tuple[str, int]]) -> str:
    said = f"{total} alert{'s' if total > 1 else ''}"
    about = by_watch[0][0] if len(by_watch) == 1 else f"{len(by_watch)} watches"
    lead = {"group": "", "digest": "Digest: ", "repeat": "Not acknowledged: "}[kind]
    return f"{lead}{said}: {about}" if kind == "group" else f"{lead}{said} of {about}"
