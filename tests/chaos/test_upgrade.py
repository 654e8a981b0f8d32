"""A new release goes on from what the one before left half done: nothing lost, nothing told under a second id."""

import shutil

import pytest

from tests.chaos.fixture import make
from tests.chaos.rig import open_rig
from tests.chaos.scenarios import ALLOWED, c10_upgrade

pytestmark = pytest.mark.integration


@pytest.mark.skipif(shutil.which("cc") is None, reason="the clock of the recorded state needs a C compiler")
def test_an_upgrade_amid_the_work_loses_nothing_and_repeats_nothing(tmp_path):
    with open_rig(tmp_path, make(150, 3), release="0.1") as rig:
        c10_upgrade(rig)
        judgement = rig.finish(60)
    faults = {kind: number for kind, number in judgement.faults.items() if number and kind not in ALLOWED["C10"]}
    assert not faults, (judgement, rig.figures, rig.deployment.logs())
    assert rig.figures["alerts in store"] == judgement.expected
