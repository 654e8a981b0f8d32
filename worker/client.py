"""A client of Tocsin's API: typed, of one module, with nothing but the standard library and the API's own models.

    with Client("http://127.0.0.1:8787", token) as tocsin:
        for alert in tocsin.alerts(watch="arms-transfer", severity="high"):
            tocsin.judge(alert.alert_id, "true")
        for event in tocsin.follow(last_event_id=kept):
            handle(event.alert)
            kept = event.id

Every write takes an Idempotency-Key of its own, and is repeated under it where the connection broke or the server asked
to wait, so that it is done once.
"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException, HTTPResponse
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ValidationError

from worker.api import answers
from worker.api.alert import Alert, AlertPage
from worker.api.operations import ROOT

_Answer = TypeVar("_Answer", bound=BaseModel)
_TRIES = 4


class ApiError(Exception):
    """The server answered with an error; `problem` is what it said (RFC 9457).

    `retry_after_s` is None where asking again would change nothing.
    """

    def __init__(self, problem: answers.Problem, retry_after_s: float | None = None) -> None:
        super().__init__(f"{problem.status} {problem.title}: {problem.detail}")
        self.problem, self.retry_after_s = problem, retry_after_s


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would take the token along to another server."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """An alert of the live stream; `id` goes on after it."""

    id: str
    alert: Alert


class Client:
    """Speaks to the Tocsin at `address`. Reads and writes are tried four times where nobody answers, or on a 429."""

    def __init__(self, address: str, token: str = "", timeout_s: float = 30) -> None:
        self._address, self._token, self._timeout_s = address.rstrip("/"), token, timeout_s

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is kept open between calls."""

    def alerts(self, **wanted: str | int | datetime) -> Iterator[Alert]:
        """All alerts that pass the filters, the newest first, page by page."""
        return self._all(AlertPage, "/alerts", "alerts", wanted)

    def alert(self, alert_id: str) -> Alert:
        """One alert."""
        return self._read(Alert, f"/alerts/{_part(alert_id)}")

    def acknowledge(self, alert_id: str) -> answers.Marked:
        """Acknowledge an alert."""
        return self._write(answers.Marked, "PUT", f"/alerts/{_part(alert_id)}/acknowledgement")

    def reopen(self, alert_id: str) -> answers.Marked:
        """Take acknowledgement and verdict back."""
        return self._write(answers.Marked, "DELETE", f"/alerts/{_part(alert_id)}/acknowledgement")

    def judge(self, alert_id: str, verdict: Literal["true", "false"], reason: str = "") -> answers.Marked:
        """Judge an alert."""
        told = {"verdict": verdict, "reason": reason}
        return self._write(answers.Marked, "PUT", f"/alerts/{_part(alert_id)}/verdict", told)

    def verdicts(self, **wanted: str | int | datetime) -> Iterator[answers.Verdict]:
        """The alerts that were judged."""
        return self._all(answers.VerdictPage, "/verdicts", "verdicts", wanted)

    def stories(self, **wanted: str | int | datetime) -> Iterator[answers.Story]:
        """Stories, those that began last first."""
        return self._all(answers.StoryPage, "/stories", "stories", wanted)

    def story(self, story_id: str) -> answers.Story:
        """One story."""
        return self._read(answers.Story, f"/stories/{_part(story_id)}")

    def articles(self, **wanted: str | int | datetime) -> Iterator[answers.ArticleSummary]:
        """Articles, those seen last first."""
        return self._all(answers.ArticlePage, "/articles", "articles", wanted)

    def article(self, article_id: str) -> answers.Article:
        """One article with its text."""
        return self._read(answers.Article, f"/articles/{_part(article_id)}")

    def feeds(self) -> list[answers.Feed]:
        """Every configured feed."""
        return self._read(answers.FeedPage, "/feeds").feeds

    def feed(self, feed_id: str) -> answers.Feed:
        """One feed."""
        return self._read(answers.Feed, f"/feeds/{_part(feed_id)}")

    def steer(self, feed_id: str, action: Literal["pause", "resume", "poll"]) -> answers.Steered:
        """Pause or resume a feed, or ask it now."""
        return self._write(answers.Steered, "POST", f"/feeds/{_part(feed_id)}/{action}")

    def watches(self) -> list[answers.Watch]:
        """Every watch with its alerts and its precision."""
        return self._read(answers.WatchPage, "/watches").watches

    def watch(self, watch_id: str) -> answers.Watch:
        """One watch."""
        return self._read(answers.Watch, f"/watches/{_part(watch_id)}")

    def silences(self, *, all_: bool = False) -> list[answers.Silence]:
        """The silences that hold or will; with `all_` those that have ended too."""
        return self._read(answers.SilenceList, "/silences" + _query({"all": all_})).silences

    def add_silence(
        self, matchers: Sequence[tuple[str, str, str]], *, seconds: int, comment: str, starts_at: datetime | None = None
    ) -> answers.Silence:
        """Keep alerts back whose labels meet all matchers, each (label, operator, value)."""
        told: dict[str, Any] = {"seconds": seconds, "comment": comment}
        told["matchers"] = [dict(zip(("label", "operator", "value"), one, strict=True)) for one in matchers]
        told |= {"starts_at": starts_at.isoformat()} if starts_at else {}
        return self._write(answers.Silence, "POST", "/silences", told)

    def end_silence(self, silence_id: str) -> answers.Silence:
        """End a silence now."""
        return self._write(answers.Silence, "DELETE", f"/silences/{_part(silence_id)}")

    def audit(self, after: int = 0, since: datetime | None = None) -> Iterator[answers.AuditLine]:
        """The lines of the audit record behind one, or from a moment on, up to where it ends now."""
        wanted: dict[str, str | int | datetime] = {"limit": 1_000}
        if since:
            wanted["since"] = since
        while True:
            found = self._read(answers.AuditSlice, "/audit" + _query({**wanted, "after": after}))
            yield from found.lines
            if found.next_after is None:
                return
            after = found.next_after

    def why(self, id_: str, watch: str = "") -> answers.Why:
        """What became of an article or an alert, and why; with `watch` only what that one said."""
        kind = "alerts" if id_.startswith("alrt_") else "articles"
        return self._read(answers.Why, f"/{kind}/{_part(id_)}/why" + _query({"watch": watch} if watch else {}))

    def health(self) -> answers.Health:
        """Whether work can be done."""
        return self._read(answers.Health, "/health")

    def follow(self, last_event_id: str = "", **wanted: str | int) -> Iterator[AlertEvent]:
        """Alerts as they are raised, after that of `last_event_id`; goes on where a connection broke off.

        Ends by itself only with `seconds`.
        """
        while True:
            headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
            try:
                with self._open("GET", "/events" + _query(wanted), None, headers) as stream:
                    for event in read_events(stream):
                        last_event_id = event.get("id", last_event_id)
                        if event.get("event") == "alert":
                            yield AlertEvent(last_event_id, Alert.model_validate_json(event["data"]))
                if "seconds" in wanted:
                    return
                wait_s = 1.0
            except ApiError as error:
                if error.retry_after_s is None:
                    raise
                wait_s = error.retry_after_s
            except (OSError, HTTPException):
                wait_s = 1.0
            time.sleep(wait_s)

    def _all(
        self, model: type[BaseModel], path: str, name: str, wanted: Mapping[str, str | int | datetime]
    ) -> Iterator[Any]:
        cursor = ""
        while True:
            page = self._read(model, path + _query({**wanted, **({"cursor": cursor} if cursor else {})}))
            yield from getattr(page, name)
            cursor = getattr(page, "next_cursor") or ""  # noqa: B009 - of whichever page
            if not cursor:
                return

    def _read(self, model: type[_Answer], path: str) -> _Answer:
        return model.model_validate_json(self._ask("GET", path, None, {}))

    def _write(self, model: type[_Answer], method: str, path: str, body: object = None) -> _Answer:
        raw = json.dumps(body).encode() if body is not None else None
        return model.model_validate_json(self._ask(method, path, raw, {"Idempotency-Key": uuid.uuid4().hex}))

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> bytes:
        for tried in range(1, _TRIES + 1):
            try:
                with self._open(method, path, body, headers) as answer:
                    return answer.read()
            except ApiError as error:
                if error.retry_after_s is None or tried == _TRIES:
                    raise
                wait_s = error.retry_after_s
            except (OSError, HTTPException):
                if tried == _TRIES:
                    raise
                wait_s = 0.25 * 2**tried
            time.sleep(wait_s)
        raise AssertionError

    def _open(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> HTTPResponse:
        given = dict(headers) | ({"Authorization": f"Bearer {self._token}"} if self._token else {})
        given |= {"Content-Type": "application/json"} if body is not None else {}
        request = urllib.request.Request(self._address + ROOT + path, body, given, method=method)  # noqa: S310
        try:
            answer: HTTPResponse = _OPENER.open(request, timeout=self._timeout_s)
        except urllib.error.HTTPError as error:
            with error:
                wait = error.headers.get("Retry-After", "")
                raise ApiError(_problem(error), float(wait) if wait.isdecimal() else None) from None
        return answer


def read_events(stream: Iterator[bytes] | HTTPResponse) -> Iterator[dict[str, str]]:
    """The events of a stream as their fields (WHATWG HTML, server-sent events); data of many lines is joined."""
    event: dict[str, str] = {}
    for raw in stream:
        line = raw.decode().rstrip("\r\n")
        name, _, value = line.partition(":")
        if not line and event:
            yield event
            event = {}
        elif name:
            value = value.removeprefix(" ")
            event[name] = f"{event[name]}\n{value}" if name == "data" and "data" in event else value


def _problem(error: urllib.error.HTTPError) -> answers.Problem:
    try:
        return answers.Problem.model_validate_json(error.read(65_536))
    except ValidationError:
        return answers.Problem(type="about:blank", title=error.reason, status=error.code, detail="")


def _query(wanted: Mapping[str, str | int | datetime]) -> str:
    told = {
        name: value.isoformat()
        if isinstance(value, datetime)
        else str(value).lower()
        if isinstance(value, bool)
        else value
        for name, value in wanted.items()
    }
    return "?" + urllib.parse.urlencode(told) if told else ""


def _part(name: str) -> str:
    return urllib.parse.quote(name, safe="")
