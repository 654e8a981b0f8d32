"""What a watchlist may name that other files define or the model knows: feeds by name and tag, countries by id."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from worker.watchlist import yaml
from worker.watchlist.nearest import is_known, nearest


@dataclass(frozen=True, slots=True)
class Feeds:
    """The names and tags of the feeds of all files, well-formed or not; empty where only a watchlist is read."""

    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @classmethod
    def of(cls, trees: Iterable[yaml.Tree]) -> "Feeds":
        """Those that the files define."""
        sections = (tree.value.get("feeds") for tree in trees)
        feeds = [feed for found in sections if isinstance(found, list) for feed in found if isinstance(feed, dict)]
        tags = (tag for feed in feeds for tag in _texts(feed.get("tags")))
        return cls(tuple(name for feed in feeds for name in _texts(feed.get("name"))), tuple(dict.fromkeys(tags)))

    def check(self, tree: yaml.Tree, path: yaml.Path, names: Sequence[str], tags: Sequence[str]) -> None:
        """Report names and tags that no feed has; `path` is where `name` and `tags` stand."""
        if not self.names:
            return
        for i, name in enumerate(names):
            is_known(tree, (*path, "name", i), name, self.names, "feed")
        for i, tag in enumerate(tags):
            if tag not in self.tags:
                tree.report((*path, "tags", i), f"no feed has the tag `{tag}`", nearest(tag, self.tags))


def check_countries(tree: yaml.Tree, path: yaml.Path, ids: Sequence[str]) -> None:
    """Report ids that are no country's: nothing would ever bear them."""
    from worker.enrich.countries import country_id, country_ids  # reads all names of all countries

    for i, id_ in enumerate(ids):
        if id_ in country_ids():
            continue
        meant = id_.upper() if id_.upper() in country_ids() else country_id(id_)
        hint = f"did you mean `{meant}`?" if meant else "two capital letters, such as KP; what else is named: `aliases`"
        tree.report((*path, i), f"`{id_}` is no country of ISO 3166-1", hint)


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
