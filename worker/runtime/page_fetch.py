"""One web page by its address, under the same limits as feeds.

Whoever types an address on the command line may mean their own host; whoever types it into a web page may not.
"""

from worker.errors import InputError
from worker.model import Feed, Fetched
from worker.poll import PollRequest
from worker.runtime.fetcher import HttpFetcher
from worker.runtime.http import HttpLoop


def fetch_page(url: str, *, allow_private: bool = True) -> tuple[bytes, str]:
    """The page's bytes and content type. Raises InputError with the reason where there is no page."""
    feed = Feed(id="page", url=url, name=url, allow_private=allow_private)
    loop = HttpLoop()
    outcome = HttpFetcher(loop).fetch(PollRequest(feed)).result()
    loop.close()
    if isinstance(outcome, Fetched):
        return outcome.body, outcome.content_type
    raise InputError(getattr(outcome, "message", f"{url} answered nothing"))
