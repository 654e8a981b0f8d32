"""Whether an article is read on its page, and which text is analysed: the page's or the feed's. Decides; fetches nothing.

The feed's text is what remains in every doubt: a wall, a list of stories, another story, nothing new, no answer.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlsplit

from worker import zones
from worker.dedupe import canonical_address
from worker.model import (
    Article,
    Draft,
    Feed,
    Fetched,
    Page,
    PageDecision,
    PageOutcome,
    PollFailed,
    PollFailure,
    PollOutcome,
    Postponed,
)
from worker.plaintext import tidy

SUMMARY_WORDS = 120
"""An entry with fewer words is taken for a summary; news articles have 300 to 800."""
PATIENCE = timedelta(seconds=60)
"""An article waits this long for its page and is then analysed with the text of the feed; its alert comes that late."""
RETRY_AFTER = timedelta(seconds=10)
MOST_TRIES = 2
MOST_CLAIMS = 2
"""A page that was claimed this often in vain, most likely, ended whoever read it."""
FREE_WORDS = 250
"""A page that gives so many words is no stub, whatever it says of subscriptions."""
LEAST_WORDS = 40
MOST_ARTICLES = 5
_HEADLINE_SHARE, _LEAST_LINES = 0.6, 6
_COMMON_SHARE = 0.3
_CONSENT_RATE = 0.03
_CONTINUED = re.compile(
    r"(?:\.\.\.|…|\[\s*(?:…|\.\.\.|&hellip;)\s*\]|(?:read more|continue reading|weiterlesen|lire la suite|leer más)\W*)\s*$",
    re.IGNORECASE,
)
_LONGEST_SIGN = 40
_PAYWALL = re.compile(
    r"(?:subscribe|sign in|log in|register)(?: now)? to (?:continue|keep|read)|to continue reading|already a subscriber"
    r"|for subscribers only|subscriber[- ]only|exclusive to subscribers|article is reserved for"
    r"|nur für abonnenten|für abonnentinnen|exklusiv für abonn|abonnieren und weiterlesen|weiterlesen mit"
    r"|réservé aux abonnés|il vous reste [\d,.]+ ?% de cet article"
    r"|(?:exclusivo|solo) para suscriptores|exclusivo para assinantes|riservat[oi] agli abbonati"
    r"|alleen voor abonnees|tylko dla (?:subskrybentów|prenumeratorów)|только для подписчиков|лише для передплатників",
    re.IGNORECASE,
)
_CONSENT = re.compile(
    r"\b(?:cookies?|consent|privacy (?:policy|settings)|your privacy|partners?|legitimate interest|personali[sz]ed ads?"
    r"|datenschutz\w*|einwilligung|zustimmen|akzeptieren|confidentialité|consentement|accepter|consentimiento|privacidad"
    r"|aceptar|consenso|accetta\w*)\b",
    re.IGNORECASE,
)
_CONSENT_PLACE = re.compile(
    r"^https?://(?:consent|privacy|cmp)\.|/(?:consent|cookie-?wall|privacy-?gate)\b", re.IGNORECASE
)
_SPACELESS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")
_PASSING = frozenset({PollFailure.UNREACHABLE, PollFailure.TIMEOUT, PollFailure.THROTTLED, PollFailure.DNS})
_SERVER_ERROR = 500
_PORTS = {"http": 80, "https": 443}
_OUTCOMES = {
    PollFailure.CDN_CHALLENGE: PageOutcome.CHALLENGE,
    PollFailure.ROBOTS: PageOutcome.ROBOTS,
    PollFailure.TOO_LARGE: PageOutcome.HOSTILE,
    PollFailure.BAD_ENCODING: PageOutcome.HOSTILE,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a page is, with the reason for a person."""

    outcome: PageOutcome
    reason: str


# --- before ------------------------------------------------------------------------------------------------


def marked(feed: Feed, draft: Draft) -> Draft:
    """The draft with a page to be read, where the feed's setting and the entry's text ask for one.

    What is said of the text until then is what holds if the page never comes.
    """
    if draft.remembered_as or not (why := wants_page(feed, draft.article)):
        return draft
    waited = f"{why}; its page was not read within {PATIENCE.total_seconds():.0f} s"
    return replace(draft, wants_page=True, article=replace(draft.article, text_reason=waited))


def wants_page(feed: Feed, article: Article) -> str:
    """Why the article's page is to be read, or ""."""
    if feed.fulltext == "never" or not canonical_address(article.link):
        return ""
    if feed.access.proxy and _place(article.link)[0] != _place(feed.url)[0]:
        return ""  # what lies behind the proxy is not ours to look at, so an article's link may not choose it
    if feed.fulltext == "always":
        return "the feed asks for pages"
    body = article.text[len(article.title) + 1 :]
    if _breaks_off(body):
        return "the feed's text breaks off"
    words = count_words(body)
    return f"the feed gives {words} words" if words < SUMMARY_WORDS else ""


def _breaks_off(body: str) -> bool:
    """Whether tidy text ends in a sign that it goes on elsewhere; what stands before its last words is not looked at."""
    end = len(body)
    while end and not body[end - 1].isalnum():
        end -= 1
    return _CONTINUED.search(body, max(end - _LONGEST_SIGN, 0)) is not None


def page_feed(feed: Feed, link: str) -> Feed:
    """The feed under whose rights its article's page is fetched: private addresses only at the feed's own host and port."""
    place = _place(link)
    is_own = bool(place[0]) and place == _place(feed.url)
    return feed if is_own else replace(feed, allow_private=False)


def _place(url: str) -> tuple[str, int]:
    """Host and port of an http address; ("", 0) for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme.lower(), 0)
    except ValueError:
        return "", 0
    return ((parts.hostname or "").lower(), port) if parts.scheme.lower() in _PORTS else ("", 0)


# --- after -------------------------------------------------------------------------------------------------


def judge_failure(article: Article, failed: PollFailed | Postponed, *, tries: int, age: timedelta) -> PageDecision:
    """Ask again where the failure may pass and there is time, else keep the feed's text. `tries` includes this one."""
    if isinstance(failed, Postponed):
        wait, message, may_pass = failed.wait, "its server has enough of our requests for now", True
        outcome = PageOutcome.UNREACHABLE
    else:
        may_pass = tries < MOST_TRIES and (failed.reason in _PASSING or failed.status >= _SERVER_ERROR)
        wait, message = max(failed.retry_after or RETRY_AFTER, RETRY_AFTER), failed.message
        outcome = _OUTCOMES.get(failed.reason, PageOutcome.UNREACHABLE)
    if may_pass and age + wait < PATIENCE:
        return PageDecision(PageOutcome.RETRIED, article, wait)
    return keep_feed(article, Verdict(outcome, message))


def read(article: Article, outcome: PollOutcome, extract: Callable[[Fetched], Page | str | None]) -> Article:
    """The article with the text that one look at its page gives, for whoever asks once and waits."""
    if not isinstance(outcome, Fetched):
        return judge_failure(article, as_failure(outcome), tries=MOST_TRIES, age=PATIENCE).article
    page = extract(outcome)
    if isinstance(page, str):
        return keep_feed(article, Verdict(PageOutcome.HOSTILE, page)).article
    return judge(article, outcome, page).article


def as_failure(outcome: PollOutcome) -> PollFailed | Postponed:
    """An outcome that brought no document; "not modified" cannot be, since nothing was named to compare with."""
    if isinstance(outcome, PollFailed | Postponed):
        return outcome
    return PollFailed(PollFailure.HTTP_STATUS, "the page's server answered what was not asked")


def judge(article: Article, fetched: Fetched, page: Page | None) -> PageDecision:
    """The article with its page's text, or with the feed's and why the page was not taken."""
    if page is None:
        kind = fetched.content_type.partition(";")[0].strip() or "something"
        return keep_feed(article, Verdict(PageOutcome.NO_PAGE, f"its link leads to {kind}, not to a web page"))
    page = replace(page, text=_without_title(tidy(page.text), article.title))
    verdict = judge_page(article, page)
    if verdict.outcome is not PageOutcome.READ:
        return keep_feed(article, verdict)
    body = page.text
    read = replace(
        article,
        text=f"{article.title}\n{body}",
        zones=zones.split_zones(article.title, body),
        text_from="page",
        text_reason=verdict.reason,
    )
    return PageDecision(PageOutcome.READ, read)


def keep_feed(article: Article, verdict: Verdict) -> PageDecision:
    """The article with the feed's own text, and why."""
    return PageDecision(verdict.outcome, replace(article, text_from="feed", text_reason=verdict.reason))


def judge_page(article: Article, page: Page) -> Verdict:
    """What the page is, in the order in which one thing hides another: riddle, wall, list, stub, other story."""
    words, given = count_words(page.text), count_words(article.text[len(article.title) + 1 :])
    common = _common_share(article, page.text)
    if hidden := _obstacle(page, words, common):
        return hidden
    if words < LEAST_WORDS or words <= given:
        return Verdict(PageOutcome.TOO_LITTLE, f"the page gives {words} words, the feed {given}")
    if common < _COMMON_SHARE:
        return Verdict(PageOutcome.UNRELATED, f"the page shares {common:.0%} of the words of headline and summary")
    return Verdict(PageOutcome.READ, f"the feed gives {given} words, the page {words}")


def _obstacle(page: Page, words: int, common: float) -> Verdict | None:
    if page.challenger:
        return Verdict(PageOutcome.CHALLENGE, f"the page is a riddle of {page.challenger} for browsers")
    if wall := _consent(page, common):
        return Verdict(PageOutcome.COOKIE_WALL, wall)
    if words < FREE_WORDS and (wall := _paywall(page)):
        return Verdict(PageOutcome.PAYWALL, f"{wall}, and gives {words} words")
    listed = _index(page, common)
    return Verdict(PageOutcome.INDEX_PAGE, listed) if listed else None


def _consent(page: Page, common: float) -> str:
    if _CONSENT_PLACE.search(page.url):
        return "its link leads to a page that asks for consent"
    seen = page.text or page.visible
    asked = len(_CONSENT.findall(seen))
    is_wall = asked >= 4 and asked >= _CONSENT_RATE * count_words(seen) and common < _COMMON_SHARE  # noqa: PLR2004
    return f"the page speaks {asked} times of cookies and consent, and not of the story" if is_wall else ""


def _paywall(page: Page) -> str:
    if page.is_free is False:
        return "the page says of itself that it is not free to read"
    found = _PAYWALL.search(page.visible)
    return f"the page is for subscribers (“{found[0].strip()[:60]}”)" if found else ""


def _index(page: Page, common: float) -> str:
    if page.articles > MOST_ARTICLES and page.kind != "article":
        return f"the page lists {page.articles} stories"
    lines = [line for line in page.text.splitlines() if line.strip()]
    headlines = sum(zones.is_headline(line) for line in lines)
    if len(lines) >= _LEAST_LINES and headlines >= _HEADLINE_SHARE * len(lines) and page.kind != "article":
        return f"the page is a list: {headlines} of its {len(lines)} lines are headlines"
    if not canonical_address(page.url) and common < 1:
        return "its link leads to the site's front page"
    return ""


def _common_share(article: Article, text: str) -> float:
    """The share of the distinct words of headline and summary that the page's text has; 1.0 where there are too few."""
    asked = _terms(article.text[:2_000])
    if len(asked) < 3:  # noqa: PLR2004
        return 1.0
    return len(asked & _terms(text)) / len(asked)


def _terms(text: str) -> set[str]:
    """Words that mean something; pairs of characters where a language writes without spaces."""
    if _SPACELESS.search(text):
        signs = re.sub(r"\W", "", text)
        return {signs[i : i + 2] for i in range(len(signs) - 1)}
    return zones.telling_words(text)


def count_words(text: str) -> int:
    """Words; where a language writes without spaces, two characters count as one."""
    if not _SPACELESS.search(text):
        return len(text.split())
    spaceless = len(_SPACELESS.findall(text))
    return len(_SPACELESS.sub(" ", text).split()) + spaceless // 2


def _without_title(text: str, title: str) -> str:
    first, _, rest = text.partition("\n")
    return rest.lstrip() if first.strip().casefold() == title.casefold() and rest.strip() else text
