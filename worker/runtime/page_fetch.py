"""One web page or feed by its address, under the same limits as polls.

Whoever types an address on the command line may mean their own host; whoever types it into a web page may not.
"""

from collections.abc import Sequence

from worker import fulltext
from worker.errors import InputError
from worker.model import Article, Feed, Fetched
from worker.poll import PollRequest
from worker.runtime.fetcher import HttpFetcher
from worker.runtime.http import HttpLoop


def fetch_page(url: str, *, allow_private: bool = True) -> tuple[bytes, str]:
    """The page's bytes and content type. Raises InputError with the reason where there is no page."""
    fetched = fetch_feed(Feed(id="page", url=url, name=url, allow_private=allow_private))
    return fetched.body, fetched.content_type


def read_pages(feed: Feed, articles: Sequence[Article], contact: str = "") -> list[Article]:
    """The articles with the text of their pages, or with why not; each page is asked for once, at the usual pace."""
    from worker.runtime.extractor import ProcessExtractor

    loop, extractor = HttpLoop(), ProcessExtractor()
    try:
        fetcher = HttpFetcher(loop, contact)
        asked = [
            fetcher.fetch(PollRequest(fulltext.page_feed(feed, article.link), url=article.link, is_page=True))
            for article in articles
        ]
        return [
            fulltext.read(article, future.result(), extractor.extract)
            for article, future in zip(articles, asked, strict=True)
        ]
    finally:
        extractor.close()
        loop.close()


def fetch_feed(feed: Feed, contact: str = "") -> Fetched:
    """What the feed's address answers. Raises InputError with the reason where it answers nothing."""
    loop = HttpLoop()
    try:
        outcome = HttpFetcher(loop, contact).fetch(PollRequest(feed)).result()
    finally:
        loop.close()
    if isinstance(outcome, Fetched):
        return outcome
    raise InputError(getattr(outcome, "message", f"{feed.url} answered nothing"))
