"""Who does what each operation promises."""

import json
from collections.abc import Callable
from functools import cache

from pydantic import BaseModel

from worker.api.openapi import document
from worker.runtime.rest import alerts, articles, audit, configured, explained, silences
from worker.runtime.rest.call import Call, Desk

Handler = Callable[[Desk, Call], BaseModel | str]


@cache
def _document() -> str:
    return json.dumps(document(), ensure_ascii=False)


HANDLERS: dict[str, Handler] = {
    "list_alerts": alerts.list_,
    "get_alert": alerts.get,
    "acknowledge_alert": alerts.acknowledge,
    "reopen_alert": alerts.reopen,
    "judge_alert": alerts.judge,
    "explain_alert": explained.alert,
    "list_verdicts": alerts.verdicts,
    "list_stories": articles.list_stories,
    "get_story": articles.get_story,
    "list_articles": articles.list_,
    "get_article": articles.get,
    "explain_article": explained.article,
    "list_feeds": configured.list_feeds,
    "get_feed": configured.get_feed,
    "pause_feed": configured.pause_feed,
    "resume_feed": configured.resume_feed,
    "poll_feed": configured.poll_feed,
    "list_watches": configured.list_watches,
    "get_watch": configured.get_watch,
    "list_silences": silences.list_,
    "get_silence": silences.get,
    "add_silence": silences.add,
    "end_silence": silences.end,
    "read_audit": audit.read,
    "get_health": configured.health,
    "get_document": lambda _desk, _call: _document(),
    "subscribe_watch": alerts.subscribe,
}
