"""From an address that a person typed to the feed that is meant."""

from dataclasses import dataclass

from worker.discovery import find_feeds, usual_places
from worker.errors import InputError
from worker.model import Document, Feed, Fetched
from worker.parse import parse
from worker.plaintext import one_line
from worker.runtime.deadline import within_cpu_limit
from worker.runtime.page_fetch import fetch_feed


@dataclass(frozen=True, slots=True)
class Discovered:
    """A feed that was read: its address, its own title, how many entries it has now."""

    url: str
    title: str
    entries: int


def discover(address: str, *, allow_private: bool = False) -> tuple[Discovered, tuple[str, ...]]:
    """The feed at or behind `address`, and others that its page names.

    Raises InputError where there is none, with what was tried.
    """
    url = address if "://" in address else f"https://{address}"
    first = _fetch(url, allow_private=allow_private)
    if found := _read(first, url):
        return found, ()
    named = [feed.url for feed in find_feeds(first.body, first.url)]
    for candidate in (*named, *(() if named else usual_places(first.url))):
        if found := _try(candidate, allow_private=allow_private):
            return found, tuple(other for other in named if other != candidate)
    tried = (
        "none of those its page names can be read" if named else "its page names none, nor is one at the usual places"
    )
    msg = f"no feed was found at {url}: {tried}"
    raise InputError(msg)


def _try(url: str, *, allow_private: bool) -> Discovered | None:
    try:
        return _read(_fetch(url, allow_private=allow_private), url)
    except InputError:
        return None


def _fetch(url: str, *, allow_private: bool) -> Fetched:
    return fetch_feed(Feed(id="discovery", url=url, name=url, allow_private=allow_private))


def _read(fetched: Fetched, url: str) -> Discovered | None:
    """The feed if it is one, under the address that redirects lead to for good."""
    document = parse(fetched, limit=within_cpu_limit)
    if not isinstance(document, Document):
        return None
    return Discovered(fetched.moved_to or url, one_line(document.title)[:500] or url, len(document.entries))
