"""Metric series are Prometheus's own notation, and every one that can be counted is exported."""

import re
from datetime import timedelta
from importlib.resources import files

from tests.fakes import configuration, endpoint, watch
from worker import series
from worker.runtime.metrics import HELP, zero_series
from worker.series import observation


def test_labels_are_sorted_and_escaped():
    assert series.series("x", b='q"\\', a="1\n2") == 'x{a="1 2",b="q\\"\\\\"}'


def test_an_observation_touches_one_bucket_the_sum_and_the_count():
    rows = dict(observation(series.STAGE_SECONDS, timedelta(seconds=0.3), stage="enrich"))
    assert rows == {
        'tocsin_stage_duration_seconds_bucket{le="0.5",stage="enrich"}': 1,
        'tocsin_stage_duration_seconds_sum{stage="enrich"}': 0.3,
        'tocsin_stage_duration_seconds_count{stage="enrich"}': 1,
    }
    assert 'tocsin_stage_duration_seconds_bucket{le="+Inf",stage="x"}' in dict(
        observation(series.STAGE_SECONDS, 1e9, stage="x")
    )


def test_every_series_that_a_script_counts_is_in_the_catalogue():
    zero = {name.partition("{")[0] for name in zero_series(configuration((), (watch(),), (endpoint(),)))}
    for script in (files("worker.runtime") / "lua").iterdir():
        for name in re.findall(r"tocsin_\w+", script.read_text("utf-8")):
            assert name in HELP, f"{name} in {script.name}"
            assert name in zero, f"{name} in {script.name}"
