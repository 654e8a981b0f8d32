"""The playground's own process, which has the language model: answers a line of JSON for each line on standard input.

{"text": ...} and {"url": ...} are answered as `tocsin try --json` does, {"tests": ...} with a summary of the watches' tests,
always by the configuration as its files are at that moment.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from worker import trial
from worker.enrich.enricher import load
from worker.errors import TocsinError
from worker.match import Matcher
from worker.model import Configuration
from worker.ports import Enricher
from worker.runtime.reload import Fingerprint, fingerprint
from worker.runtime.settings import load_settings
from worker.runtime.test_results import summarise
from worker.watchlist import load_configuration
from worker.watchtest import run_tests


class _Reader:
    """The child's model and watches, as the files say now."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen: Fingerprint = ()
        self._configuration: Configuration | None = None

    def answer(self, question: dict[str, str]) -> dict[str, Any]:
        self._refresh()
        assert self._configuration is not None
        if "tests" in question:
            outcomes = run_tests(self._configuration, self._enricher)
            return {"hash": self._configuration.hash, "watches": summarise(outcomes)}
        raw, content_type, name = _read(question)
        article = trial.read_article(raw, content_type, name, datetime.now(UTC))
        [analysis] = self._enricher.enrich([article])
        return trial.describe(article, analysis, self._matcher.evaluate(article, analysis))

    def _refresh(self) -> None:
        """Load what changed since the last question; the model only where another one is asked for."""
        before = self._configuration
        if before is not None and self._seen == fingerprint(self._directory, before.files):
            return
        made = load_configuration(self._directory)
        if before is None or (before.nlp, before.topics) != (made.nlp, made.topics):
            self._enricher: Enricher = load(made.nlp, made.topics)
        self._configuration, self._matcher = made, Matcher(made.watches)
        self._seen = fingerprint(self._directory, made.files)


def main() -> None:
    """The child."""
    out, sys.stdout = sys.stdout, sys.stderr
    reader = _Reader(load_settings().config)
    for line in sys.stdin:
        try:
            said = reader.answer(json.loads(line))
        except TocsinError as error:
            said = {"error": str(error)}
        except Exception as error:  # noqa: BLE001 - one article that cannot be borne is said, and the next is welcome
            said = {"error": f"this article cannot be analysed ({type(error).__name__})"}
        out.write(json.dumps(said) + "\n")
        out.flush()


def _read(question: dict[str, str]) -> tuple[bytes, str, str]:
    if "url" in question:
        from worker.runtime.page_fetch import fetch_page

        return *fetch_page(question["url"], allow_private=False), question["url"]
    return question["text"].encode(), "", "the text"


if __name__ == "__main__":
    main()
