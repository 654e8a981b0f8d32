"""Every operation of the API in one table: its address, the least role that may call it, what goes in and out."""

from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel

from worker.api import answers, questions
from worker.api.alert import Alert, AlertEvent, AlertPage
from worker.api.questions import Nothing
from worker.api.token import Role

ROOT = "/api/v1"
JSON, STREAM, ATOM = "application/json", "text/event-stream", "application/atom+xml"
LARGEST_BODY_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one address. Without a role it is open to all; without an answer it gives another media type.

    `can_miss` says that what the address names may not be there; `can_clash` that the step may not apply.
    """

    id: str
    method: Literal["GET", "PUT", "POST", "DELETE"]
    path: str
    role: Role | None
    summary: str
    answer: type[BaseModel] | None
    query: type[BaseModel] = Nothing
    body: type[BaseModel] | None = None
    status: int = 200
    media: str = JSON
    can_miss: bool = False
    can_clash: bool = False
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        names = tuple(part[1:].partition("}")[0] for part in self.path.split("/") if part.startswith("{"))
        object.__setattr__(self, "names", names)

    @property
    def is_write(self) -> bool:
        """Whether it changes something, and takes an Idempotency-Key."""
        return self.method != "GET"


_READER, _ANALYST, _OPERATOR = Role.READER, Role.ANALYST, Role.OPERATOR
OPERATIONS: tuple[Operation, ...] = (
    Operation("list_alerts", "GET", f"{ROOT}/alerts", _READER, "The newest alerts first",
              AlertPage, questions.AlertList),
    Operation("get_alert", "GET", f"{ROOT}/alerts/{{alert}}", _READER, "One alert", Alert, can_miss=True),
    Operation("acknowledge_alert", "PUT", f"{ROOT}/alerts/{{alert}}/acknowledgement", _ANALYST,
              "Acknowledge an alert", answers.Marked, can_miss=True),
    Operation("reopen_alert", "DELETE", f"{ROOT}/alerts/{{alert}}/acknowledgement", _ANALYST,
              "Take acknowledgement and verdict back", answers.Marked, can_miss=True),
    Operation("judge_alert", "PUT", f"{ROOT}/alerts/{{alert}}/verdict", _ANALYST,
              "Judge an alert true or false, which acknowledges it too", answers.Marked, body=questions.VerdictBody,
              can_miss=True),
    Operation("explain_alert", "GET", f"{ROOT}/alerts/{{alert}}/why", _READER,
              "Why an alert was raised, and what became of it", answers.Why, questions.WhyWish, can_miss=True),
    Operation("list_verdicts", "GET", f"{ROOT}/verdicts", _READER, "The alerts that were judged",
              answers.VerdictPage, questions.Between),
    Operation("stream_alerts", "GET", f"{ROOT}/events", _READER,
              "Alerts as they are raised and marked, as server-sent events; goes on after Last-Event-ID", AlertEvent,
              questions.AlertStream, media=STREAM),
    Operation("list_stories", "GET", f"{ROOT}/stories", _READER, "Stories, those that began last first",
              answers.StoryPage, questions.StoryList),
    Operation("get_story", "GET", f"{ROOT}/stories/{{story}}", _READER, "One story", answers.Story, can_miss=True),
    Operation("list_articles", "GET", f"{ROOT}/articles", _READER, "Articles, those seen last first",
              answers.ArticlePage, questions.ArticleList),
    Operation("get_article", "GET", f"{ROOT}/articles/{{article}}", _READER, "One article with its text",
              answers.Article, can_miss=True),
    Operation("explain_article", "GET", f"{ROOT}/articles/{{article}}/why", _READER,
              "Why an article raised an alert, or did not", answers.Why, questions.WhyWish, can_miss=True),
    Operation("list_feeds", "GET", f"{ROOT}/feeds", _READER, "Every feed with its health", answers.FeedPage),
    Operation("get_feed", "GET", f"{ROOT}/feeds/{{feed}}", _READER, "One feed", answers.Feed, can_miss=True),
    Operation("pause_feed", "POST", f"{ROOT}/feeds/{{feed}}/pause", _OPERATOR,
              "Ask a feed no more until it is resumed", answers.Steered, can_miss=True),
    Operation("resume_feed", "POST", f"{ROOT}/feeds/{{feed}}/resume", _OPERATOR,
              "Ask a paused or quarantined feed again, at once", answers.Steered, can_miss=True),
    Operation("poll_feed", "POST", f"{ROOT}/feeds/{{feed}}/poll", _OPERATOR,
              "Ask a feed now; a paused one refuses", answers.Steered, can_miss=True, can_clash=True),
    Operation("list_watches", "GET", f"{ROOT}/watches", _READER, "Every watch with its alerts and its precision",
              answers.WatchPage),
    Operation("get_watch", "GET", f"{ROOT}/watches/{{watch}}", _READER, "One watch", answers.Watch, can_miss=True),
    Operation("list_silences", "GET", f"{ROOT}/silences", _READER, "The silences that hold or will",
              answers.SilenceList, questions.SilenceWish),
    Operation("get_silence", "GET", f"{ROOT}/silences/{{silence}}", _READER, "One silence", answers.Silence,
              can_miss=True),
    Operation("add_silence", "POST", f"{ROOT}/silences", _ANALYST, "Keep alerts back for a while", answers.Silence,
              body=questions.SilenceBody, status=201),
    Operation("end_silence", "DELETE", f"{ROOT}/silences/{{silence}}", _ANALYST, "End a silence now", answers.Silence,
              can_miss=True),
    Operation("read_audit", "GET", f"{ROOT}/audit", _ANALYST, "A slice of the audit record, the oldest line first",
              answers.AuditSlice, questions.AuditWish),
    Operation("get_health", "GET", f"{ROOT}/health", _READER, "Whether work can be done", answers.Health),
    Operation("get_document", "GET", f"{ROOT}/openapi.json", None, "This document", None),
    Operation("subscribe_watch", "GET", "/feeds/watch/{watch}.atom", Role.SUBSCRIBER,
              "The newest alerts of a watch as an Atom feed", None, questions.Subscription, media=ATOM, can_miss=True),
)  # fmt: skip


def by_path() -> dict[str, dict[str, Operation]]:
    """The operations of each address by method."""
    found: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        found.setdefault(operation.path, {})[operation.method] = operation
    return found
