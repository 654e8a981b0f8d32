"""What a start refuses: a configuration that is wrong, or that fails the tests in its watches, with nothing to fall back on.

The tests need the language model, which a parent of workers must not load: they run in a process of their own.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from worker.errors import ConfigError, Problem
from worker.model import Configuration
from worker.ports import Stage
from worker.runtime.last_good import LastGood
from worker.runtime.settings import Settings
from worker.watchlist import load_configuration

_LONGEST_TESTS_S = 300
_TESTS_FAIL = 1


def refuse_wrong_start(settings: Settings, stages: Sequence[Stage]) -> None:
    """Raises ConfigError where a worker of these stages has no configuration to run by."""
    try:
        configuration = load_configuration(settings.config)
        if "enrich" in stages:
            refuse_failing_tests(settings, configuration)
    except ConfigError as error:
        kept = [LastGood(settings.data, stage, settings.config).load() for stage in stages]
        if not kept or None in kept:
            raise
        told = str(error.problems[0])
        structlog.get_logger().warning(
            "configuration_reload_failed", reason=told, then="starting with the last good one"
        )


def refuse_failing_tests(
    settings: Settings, configuration: Configuration, environ: Mapping[str, str] | None = None
) -> None:
    """Run the tests in the watches, unless an enricher ran this very configuration. Raises ConfigError where one fails."""
    is_tested = LastGood(settings.data, "enrich", settings.config).hash == configuration.hash
    if is_tested or not any(watch.tests for watch in configuration.watches):
        return
    problems = _run_tests(settings.config, environ)
    if problems:
        raise ConfigError(problems)


def load_running(settings: Settings, stage: Stage) -> Configuration:
    """The configuration on disk, or where it is wrong the last good one of a stage. Raises ConfigError without one."""
    try:
        return load_configuration(settings.config)
    except ConfigError:
        kept = LastGood(settings.data, stage, settings.config).load()
        if kept is None:
            raise
        return kept


def _run_tests(directory: Path, environ: Mapping[str, str] | None) -> tuple[Problem, ...]:
    command = [sys.executable, "-m", "worker.cli", "test", "--json", "-c", str(directory)]
    ended = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, timeout=_LONGEST_TESTS_S, check=False, env=environ
    )
    if ended.returncode != _TESTS_FAIL:  # that the model is missing, say, is told by whoever needs it
        return ()
    try:
        tests = json.loads(ended.stdout)["tests"]
    except (ValueError, KeyError):
        return ()
    return tuple(_problem(test) for test in tests if test["failures"])


def _problem(test: Mapping[str, object]) -> Problem:
    failures = test["failures"]
    assert isinstance(failures, list)
    file, _, line = str(test["place"]).rpartition(":")
    expected, got = failures[0]["expected"], failures[0]["got"]
    message = f"the test “{test['title']}” of watch {test['watch']} fails: expected {expected}, got {got}"
    return Problem(file, int(line), 1, message, "`tocsin test` shows all; mend the watch or the test")
