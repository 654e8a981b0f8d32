"""The page that an entry links to, and what became of reading it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from worker.model.article import Article


class PageOutcome(StrEnum):
    """What a look at an article's page came to; also the `outcome` label of `tocsin_pages_total`."""

    READ = "read"
    PAYWALL = "paywall"
    COOKIE_WALL = "cookie_wall"
    CHALLENGE = "cdn_challenge"
    INDEX_PAGE = "index_page"
    NO_PAGE = "no_page"
    TOO_LITTLE = "too_little"
    UNRELATED = "unrelated"
    ROBOTS = "robots"
    HOSTILE = "hostile"
    UNREACHABLE = "unreachable"
    RETRIED = "retried"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Page:
    """What a page's markup gave. `text` is its main text, a line a paragraph; `visible` all that a reader would see.

    `is_free` is what the page says of itself for search engines (schema.org, Open Graph); None where it says nothing.
    `articles` counts the `<article>` elements that stand beside one another.
    """

    url: str
    title: str = ""
    text: str = ""
    visible: str = ""
    kind: str = ""
    is_free: bool | None = None
    articles: int = 0
    challenger: str = ""


@dataclass(frozen=True, slots=True)
class PageDecision:
    """The article as it shall be analysed, or the wait until its page is asked for again."""

    outcome: PageOutcome
    article: Article
    wait: timedelta | None = None
