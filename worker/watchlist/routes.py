"""The routing tree: sections become routes, each with what it inherits."""

from collections import Counter
from dataclasses import replace

from worker import matchers
from worker.model import Route
from worker.watchlist import yaml
from worker.watchlist.nearest import is_known
from worker.watchlist.schema import RouteSection
from worker.watchlist.timings import Intervals, read_timing


def read_route(  # noqa: PLR0913, PLR0917 - where it stands and what it may name
    tree: yaml.Tree, path: yaml.Path, section: RouteSection, above: Route, known: tuple[str, ...], intervals: Intervals
) -> Route:
    """The route at `path`; names that are not there are reported where they stand."""
    for i, name in enumerate(section.endpoint or ()):
        place = (*path, "endpoint")
        is_known(tree, (*place, i) if (*place, i) in tree.values else place, name, known, "endpoint")
    read = tuple(map(matchers.parse, section.matchers))
    route = Route(
        endpoints=tuple(dict.fromkeys(section.endpoint)) if section.endpoint else above.endpoints,
        matchers=read,
        is_continued=section.is_continued,
        timing=read_timing(tree, path, section, above.timing, intervals),
        key=f"{above.key}/{','.join(map(matchers.write, read))}" if len(path) > 1 else "root",
    )
    return _with_routes(route, tree, path, section, known, intervals)


def _with_routes(  # noqa: PLR0913, PLR0917 - as above
    route: Route, tree: yaml.Tree, path: yaml.Path, section: RouteSection, known: tuple[str, ...], intervals: Intervals
) -> Route:
    """The route with its children; those with the same matchers are told apart by number."""
    children = [
        read_route(tree, (*path, "routes", i), child, route, known, intervals) for i, child in enumerate(section.routes)
    ]
    seen: Counter[str] = Counter()
    for i, child in enumerate(children):
        seen[child.key] += 1
        if seen[child.key] > 1:
            children[i] = _renamed(child, f"{child.key}#{seen[child.key]}")
    return replace(route, routes=tuple(children))


def _renamed(route: Route, key: str) -> Route:
    children = tuple(_renamed(child, key + child.key.removeprefix(route.key)) for child in route.routes)
    return replace(route, key=key, routes=children)
