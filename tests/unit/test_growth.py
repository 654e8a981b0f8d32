"""The arithmetic of the growth simulation, by hand-made days."""

import numpy as np
import pytest

from bench.growth import fewest_cores, foretell, simulate, two_hosts


def test_a_stage_with_room_keeps_no_queue():
    found = simulate(np.full(100, 10.0), 0.1, 2, np.random.default_rng(1))
    assert found["p90_s"] == 0


def test_a_stage_that_takes_half_of_what_comes_falls_behind_by_half_of_the_time():
    found = simulate(np.full(1_000, 1_000.0), 0.02, 1, np.random.default_rng(1))
    assert found["most_s"] == pytest.approx(1_000 * 10, rel=0.02)


def test_twice_the_work_needs_about_twice_the_cores():
    once, _ = fewest_cores(np.full(500, 1_000.0), 0.1)
    twice, _ = fewest_cores(np.full(500, 2_000.0), 0.1)
    assert once in (10, 11)
    assert twice in (20, 21)


@pytest.mark.parametrize(("store_ms", "gain"), [(1.0, 2.0), (10.0, 2.0), (30.0, 4 / 3)])
def test_two_hosts_double_the_work_until_the_store_is_busy(store_ms, gain):
    assert two_hosts({"worker_ms": 10.0, "store_ms": store_ms})["gain"] == pytest.approx(gain, abs=0.01)


def test_a_run_is_foretold_by_the_cost_of_a_word_in_the_others():
    told = foretell([10.0, 20.0, 15.0], [100.0, 200.0, 100.0])
    assert told["predicted_worker_ms"] == [12.5, 25.0, 10.0]
    assert told["off"] == {"median": 0.25, "most": 0.333}
