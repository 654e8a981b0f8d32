"""Hosts whose clocks differ by an hour work together."""

import shutil

import pytest

from tests.chaos.fixture import make
from tests.chaos.rig import open_rig, shifted

pytestmark = pytest.mark.integration


@pytest.mark.skipif(shutil.which("cc") is None, reason="shifted clocks need a C compiler")
def test_workers_whose_clocks_are_hours_apart_answer_each_others_doorbells(tmp_path):
    with open_rig(tmp_path, make(40, 2), "2s") as rig:
        for name, seconds in (("poller", 3_600), ("enricher", -3_600), ("beat", 1_800), ("deliverer", 0)):
            place = tmp_path / f"clock-{name}"
            place.mkdir()
            rig.deployment.kill(name)
            usual = rig.deployment.environ
            rig.deployment.environ = usual | shifted(place, seconds)
            rig.deployment.start(name)
            rig.deployment.environ = usual
        judgement = rig.finish(60)
    assert judgement.is_clean, (judgement, rig.deployment.logs())
    assert not [name for name in rig.figures if name.startswith("ended")], "nobody is ended by its watchdog"
