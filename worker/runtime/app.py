"""The Celery application. Its messages are doorbells: they carry nothing, and losing one costs a tick of beat.

celery -A worker.runtime.app worker -Q poll     poller
celery -A worker.runtime.app worker -Q read     reader of pages
celery -A worker.runtime.app worker -Q enrich   enricher
celery -A worker.runtime.app worker -Q deliver  deliverer
celery -A worker.runtime.app beat               any number of them
"""

import re
import signal
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from celery import Celery
from celery.signals import (
    beat_init,
    celeryd_init,
    setup_logging,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutting_down,
)

from worker.errors import ConfigError
from worker.ports import STAGES
from worker.runtime import log
from worker.runtime.garbage import settle
from worker.runtime.sentinel import celery_settings, is_sentinel, parse_address
from worker.runtime.settings import load_settings
from worker.runtime.transport import teach_celery

LOADING_S = 120.0
"""A pool process that replaces another may take so long to load the model and the lists. Celery would kill it after 4 s, and
the next one, for ever, on a busy machine or with a larger model."""

QUEUES = {
    "poll": "poll",
    "subscribe": "poll",
    "read": "read",
    "enrich": "enrich",
    "deliver": "deliver",
    "screen": "enrich",
}
"""Which workers answer each doorbell: an enricher also screens, since it has the language model; a poller also subscribes to hubs."""
SEAL_EVERY_S = 60.0
"""What the audit record says is under SHA-256 after this long."""

DRAIN = timedelta(seconds=15)
"""A stopping deliverer waits this long for answers; less than the grace of whoever stops it."""

settings = load_settings()


def broker(redis_url: str) -> tuple[str, dict[str, Any]]:
    """Celery's spelling of a Redis address, where `unix://` is `redis+socket://`, and the options that go with it."""
    if is_sentinel(redis_url):
        return celery_settings(parse_address(redis_url))
    return re.sub("^unix://", "redis+socket://", redis_url), {}


teach_celery()
_broker_url, _broker_options = broker(settings.redis_url or "redis://127.0.0.1:6379/0")
app = Celery("tocsin", include=["worker.runtime.tasks"])
app.conf.update(
    broker_url=_broker_url,
    accept_content=["json"],
    task_ignore_result=True,
    task_acks_late=False,
    task_soft_time_limit=60,
    task_time_limit=75,
    task_default_queue="poll",
    task_routes={f"tocsin.{task}": {"queue": queue} for task, queue in QUEUES.items()}
    | {"tocsin.seal": {"queue": "poll"}},
    worker_prefetch_multiplier=1,
    worker_max_memory_per_child=900_000,
    worker_proc_alive_timeout=LOADING_S,
    worker_soft_shutdown_timeout=20,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_channel_error_retry=True,
    broker_transport_options={
        "socket_timeout": 30,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 25,
        "global_keyprefix": "{tocsin}:q:",
    }
    | _broker_options,
    beat_scheduler="worker.runtime.beat:SteadyScheduler",
    beat_schedule={
        task: {
            "task": f"tocsin.{task}",
            "schedule": settings.tick.total_seconds(),
        }
        for task in QUEUES
    }
    | {"seal": {"task": "tocsin.seal", "schedule": SEAL_EVERY_S}},
    beat_max_loop_interval=settings.tick.total_seconds(),
)


@setup_logging.connect
def _set_up_logging(**_: object) -> None:
    log.configure(settings.log_level)


@celeryd_init.connect
def _check_configuration(options: Mapping[str, object], **_: object) -> None:
    """A worker whose configuration is wrong, or fails the tests in it, starts only where there is a last good one."""
    from worker.runtime.first_start import refuse_wrong_start

    wanted = options.get("queues") or ()
    queues = wanted.split(",") if isinstance(wanted, str) else list(wanted)  # type: ignore[call-overload]
    try:
        refuse_wrong_start(settings, [stage for stage in STAGES if stage in queues])
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201 - logging is not set up yet
        sys.exit(error.exit_code)


@worker_process_init.connect
def _warm_up(**_: object) -> None:
    """Load the model before the first doorbell, in the child, since no thread may exist before a fork."""
    from celery import current_app

    from worker.runtime.process import open_pipeline

    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the main process answers it
    queues = set(current_app.amqp.queues.consume_from)
    for stage in STAGES:
        if stage in queues:
            open_pipeline(stage)
    settle()


@worker_ready.connect
@beat_init.connect
def _reload_on_hangup(**_: object) -> None:
    """SIGHUP asks all processes to read the configuration anew; Celery would start a worker again, and beat would end."""
    from worker.runtime.hangup import ReloadAsker
    from worker.runtime.process import open_store

    asker = ReloadAsker(lambda: open_store().ask_reload())
    signal.signal(signal.SIGHUP, lambda _number, _frame: asker.ask())


@worker_ready.connect
def _stand_watch(**_: object) -> None:
    """Watch, in the parent, that the stages of this worker get on."""
    from celery import current_app

    from worker.ports import STAGES
    from worker.runtime.first_start import load_running
    from worker.runtime.process import DEFAULT_REDIS_URL
    from worker.runtime.redis_client import connect
    from worker.runtime.redis_store import RedisStore
    from worker.runtime.vigil import EndpointNames, Watchdog
    from worker.watchlist import load_configuration

    if not settings.watchdog:
        return
    stages = [stage for stage in STAGES if stage in current_app.amqp.queues.consume_from]
    running = load_running(settings, stages[0] if stages else "poll")
    endpoints = EndpointNames(settings.config, running, load_configuration)
    # A connection of its own: one that is shared with the worker would be deaf together with it.
    store = RedisStore(connect(settings.redis_url or DEFAULT_REDIS_URL))
    watchdog = Watchdog(store, stages, endpoints, settings.watchdog)
    watchdog.start()
    worker_shutting_down.connect(lambda **_: watchdog.call_off(), weak=False)


@worker_process_shutdown.connect
def _hand_in(**_: object) -> None:
    """Wait for receivers that still answer, so that their answers need no second attempt; send what was traced."""
    from celery import current_app

    from worker.runtime.process import open_pipeline, open_tracer

    if "deliver" in set(current_app.amqp.queues.consume_from):
        open_pipeline("deliver").dispatcher.drain(DRAIN)
    if close := getattr(open_tracer(), "close", None):
        close()
