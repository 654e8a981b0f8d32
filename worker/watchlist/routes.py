"""The routing tree: sections become routes, each with the endpoints it inherits."""

from worker import matchers
from worker.model import Route
from worker.watchlist import yaml
from worker.watchlist.nearest import is_known
from worker.watchlist.schema import RouteSection


def read_route(
    tree: yaml.Tree, path: yaml.Path, section: RouteSection, inherited: tuple[str, ...], known: tuple[str, ...]
) -> Route:
    """The route at `path`; endpoints that are not there are reported where they stand."""
    for i, name in enumerate(section.endpoint or ()):
        place = (*path, "endpoint")
        is_known(tree, (*place, i) if (*place, i) in tree.values else place, name, known, "endpoint")
    endpoints = tuple(dict.fromkeys(section.endpoint)) if section.endpoint else inherited
    return Route(
        endpoints=endpoints,
        matchers=tuple(map(matchers.parse, section.matchers)),
        is_continued=section.is_continued,
        routes=tuple(
            read_route(tree, (*path, "routes", i), child, endpoints, known) for i, child in enumerate(section.routes)
        ),
    )
