"""A real server for whoever asks for it, and the way to the shared texts."""

import logging
import os
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from worker.errors import StoreUnavailable
from worker.runtime.redis_client import connect
from worker.runtime.redis_store import RedisStore
from worker.runtime.valkey import EmbeddedServer

settings.register_profile("tocsin", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tocsin")


def absent(reason: str) -> None:
    """Skip on a laptop, fail in CI."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def _logging_as_it_was():
    """A command that sets up logging, run in this process, sets it up for no later test."""
    root = logging.getLogger()
    before, ours = (root.handlers[:], root.level), structlog.get_config()
    yield
    root.handlers[:], root.level = before
    structlog.configure(**ours)
    logging.captureWarnings(capture=False)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real texts, which are not part of the project."""
    folder = Path(os.environ.get("TOCSIN_SHARED") or Path(__file__).parents[2] / "shared") / "data"
    if not folder.is_dir():
        absent(f"the shared texts are not at {folder}; set TOCSIN_SHARED")
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A real Valkey or Redis on a private socket."""
    embedded = EmbeddedServer(tmp_path_factory.mktemp("valkey"))
    try:
        embedded.start()
    except StoreUnavailable as error:
        absent(str(error))
    yield embedded
    embedded.stop()


@pytest.fixture
def redis_store(server) -> RedisStore:
    """An empty store over the real server."""
    client = connect(server.url)
    client.flushall()
    yield RedisStore(client)
    client.close()
