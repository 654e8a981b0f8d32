"""Which endpoints an alert goes to: a tree of routes in Alertmanager's words. Decides; delivers nothing."""

from collections.abc import Mapping

from worker.matchers import all_match
from worker.model import Alert, Route

LABELS = frozenset({"watch", "kind", "severity", "source", "publisher", "story"})
"""What every alert has beside the labels of its watch."""


def labels_of(alert: Alert) -> dict[str, str]:
    """What matchers see: the watch's own labels, and those of the alert itself, which these cannot hide.

    `watch`, `kind`, `severity`, `source` (the feed), `publisher`, `story`.
    """
    newest = alert.sources[-1] if alert.sources else None
    return {
        **dict(alert.labels),
        "watch": alert.watch_id,
        "kind": "newly_listed" if alert.listing else "matched",
        "severity": alert.severity.value,
        "source": alert.article.source,
        "publisher": newest.publisher if newest else alert.article.source,
        "story": alert.story,
    }


def find_routes(route: Route, labels: Mapping[str, str]) -> tuple[Route, ...]:
    """The routes that take an alert with these labels, in the tree's order.

    An alert goes down the first child that matches, and further ones after a child that says `continue`; where no
    child matches it goes to the route itself. The root takes what nobody else takes.
    """
    taken: list[Route] = []
    for child in route.routes:
        if all_match(child.matchers, labels):
            taken += find_routes(child, labels)
            if not child.is_continued:
                break
    return tuple(taken) or (route,)
