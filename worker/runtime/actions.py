"""What a person may do on the page: one method for each form, called only after `access.refusal` has let it through."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast, get_args
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from worker import silence
from worker.errors import InputError
from worker.model import Configuration
from worker.ports import STAGES, Mark
from worker.runtime.pages import Pages
from worker.runtime.playground import LONGEST_TEXT, Playground
from worker.runtime.redis_store import RedisStore
from worker.runtime.silence_store import RedisSilences
from worker.runtime.test_results import keep_results
from worker.watchlist.add_test import Insertion, NewTest, place_test, refuse_unusable, render_test, write_test
from worker.watchlist.schema import parse_duration

Form = Mapping[str, str]
_EXPECTED = ("same", "fires", "silent")


class Actions:
    """Every change and every use of the language model that the page offers.

    With `may_edit` tests are added to the files under `config` where these can be written.
    """

    def __init__(
        self,
        store: RedisStore,
        configuration: Callable[[], Configuration],
        pages: Pages,
        config: Path,
        *,
        may_edit: bool,
    ) -> None:
        self._store, self._newest, self._pages = store, configuration, pages
        self._config, self._may_edit = config, may_edit
        self._silences = RedisSilences(store.client)
        self.playground = Playground(config)

    # --- alerts --------------------------------------------------------------------------------------------

    def mark(self, request: Request, form: Form) -> Response:
        alert_id, mark = request.path_params["alert"], form.get("mark", "")
        if mark not in get_args(Mark):
            msg = f"mark must be one of {', '.join(get_args(Mark))}"
            raise InputError(msg)
        if not self._store.mark_alert(alert_id, cast("Mark", mark)):
            return self._pages.problem(request, 404, "There is no such alert.")
        return RedirectResponse(f"/alerts/{alert_id}", 303)

    # --- the playground ------------------------------------------------------------------------------------

    async def try_(self, request: Request, form: Form) -> Response:
        question = {key: form[key].strip() for key in ("url", "text") if form.get(key, "").strip()}
        if not question or len(question.get("text", "")) > LONGEST_TEXT:
            msg = f"give a text of up to {LONGEST_TEXT:,} characters, or an address"
            raise InputError(msg)
        if "url" in question and not question["url"].startswith(("http://", "https://")):
            msg = "an address begins with http:// or https://"
            raise InputError(msg)
        shown = await self.playground.ask(question)
        return await run_in_threadpool(self._pages.tried, request, question, shown)

    def keep_test(self, request: Request, form: Form) -> Response:
        """Show an article as a test of a watch, hand it out as a file, or add it to the watch's own file."""
        watch, test, is_same = self._read_test(form)
        if form.get("do") == "download":
            headers = {"content-disposition": f'attachment; filename="test-{watch}.yaml"'}
            return PlainTextResponse("tests:\n" + render_test(test, 2), headers=headers, media_type="application/yaml")
        values: dict[str, Any] = {
            "is_same": is_same,
            "watch": watch,
            "form": dict(form),
            "reason": "",
            "is_added": False,
        }
        try:
            made = place_test(self._config, watch, test)
        except InputError as error:  # it can still be copied
            if form.get("do") == "add":
                raise
            values |= {"snippet": "tests:\n" + render_test(test, 2), "reason": str(error), "file": "", "line": 0}
            return self._pages.kept(request, values)
        values |= {"snippet": made.snippet, "line": made.line, "file": str(made.file.relative_to(self._config))}
        values["reason"] = self._refusal_to_edit(made)
        if form.get("do") == "add":
            if values["reason"]:
                raise InputError(values["reason"])
            write_test(made)
            values["is_added"] = True
        return self._pages.kept(request, values)

    def _read_test(self, form: Form) -> tuple[str, NewTest, bool]:
        """The watch, the test, and whether it holds as the watch is now."""
        watch, expected = form.get("watch", ""), form.get("expect", "")
        if watch not in {known.id for known in self._newest().watches}:
            msg = "choose one of the watches"
            raise InputError(msg)
        if expected not in _EXPECTED:
            msg = f"expect must be one of {', '.join(_EXPECTED)}"
            raise InputError(msg)
        fires_now = watch in form.get("fires_now", "").split(",")
        fires = fires_now if expected == "same" else expected == "fires"
        title, text = (form.get(name, "").replace("\r\n", "\n") for name in ("title", "text"))
        test = NewTest(title, text, fires)
        refuse_unusable(test)
        return watch, test, fires == fires_now

    def _refusal_to_edit(self, made: Insertion) -> str:
        if not self._may_edit:
            return "This process may not edit files (TOCSIN_WEB_EDITS)."
        file = made.file.resolve()
        if not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
            return f"{made.file.name} cannot be written by this process."
        return ""

    async def run_tests(self, request: Request, form: Form) -> Response:
        del request, form
        ran = await self.playground.run_tests()
        await run_in_threadpool(keep_results, self._store, ran["hash"], ran["watches"])
        number = sum(watch["number"] for watch in ran["watches"].values())
        return _done("/watches", "tests_run", number)

    # --- endpoints and work set aside ----------------------------------------------------------------------

    def resume(self, request: Request, form: Form) -> Response:
        del form
        was_shut = self._store.resume_endpoint(self._endpoint(request))
        return _done("/endpoints", "resumed" if was_shut else "was_open")

    def replay(self, request: Request, form: Form) -> Response:
        """Queue one alert's delivery again, or all of the endpoint's dead letters."""
        name = self._endpoint(request)
        queued = self._store.replay(alert=form.get("alert") or None, endpoints=[name], since=None)
        return _done("/endpoints", "replayed", len(queued))

    def release(self, request: Request, form: Form) -> Response:
        del request
        stage, id_ = form.get("stage", ""), form.get("id", "")
        if stage not in STAGES:
            msg = f"stage must be one of {', '.join(STAGES)}"
            raise InputError(msg)
        released = self._store.release(stage, [id_] if id_ else ())
        return _done("/quarantine", "released", len(released))

    # --- silences ------------------------------------------------------------------------------------------

    def silence(self, request: Request, form: Form) -> Response:
        """Silence what matches from now on, for a while."""
        del request
        now = datetime.now(UTC)
        texts = [line for line in form.get("matchers", "").splitlines() if line.strip()]
        try:
            lasts = cast("timedelta", parse_duration(form.get("for", "")))
            made = silence.make(
                texts,
                starts_at=now,
                ends_at=now + lasts,
                author=form.get("author", ""),
                comment=form.get("comment", ""),
                now=now,
            )
        except ValueError as error:
            raise InputError(str(error)) from None
        self._silences.add_silence(made)
        return _done("/silences", "silenced")

    def end_silence(self, request: Request, form: Form) -> Response:
        del form
        is_ended = self._silences.end_silence(request.path_params["silence"])
        return _done("/silences", "ended" if is_ended else "was_ended")

    def _endpoint(self, request: Request) -> str:
        name = str(request.path_params["endpoint"])
        if name not in {endpoint.name for endpoint in self._newest().endpoints}:
            msg = "there is no such endpoint"
            raise InputError(msg)
        return name


def _done(path: str, what: str, number: int = 0) -> Response:
    """Back to a page, which says in words of its own what was done."""
    return RedirectResponse(f"{path}?{urlencode({'did': what, 'number': number})}", 303)
