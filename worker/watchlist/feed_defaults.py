"""What holds for every feed that does not say otherwise itself."""

from collections.abc import Iterable

from worker.watchlist import yaml
from worker.watchlist.schema import FeedDefaultsSection, FeedSection


def find(files: Iterable[tuple[yaml.Tree, FeedDefaultsSection | None]]) -> FeedDefaultsSection | None:
    """The one section over all files; a second one is reported where it stands."""
    given = [(tree, section) for tree, section in files if section]
    for tree, _ in given[1:]:
        tree.report(("feed_defaults",), "is a second feed_defaults section", "keep one over all files", of_key=True)
    return given[0][1] if given else None


def fill(feed: FeedSection, usual: FeedDefaultsSection | None) -> FeedSection:
    """The feed with what the defaults say and it does not."""
    unsaid = usual.model_fields_set - feed.model_fields_set if usual else set()
    return feed.model_copy(update={name: getattr(usual, name) for name in unsaid})
