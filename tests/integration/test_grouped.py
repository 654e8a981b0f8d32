"""Groups over the real processes: killing who tells them loses no alert and tells none twice."""

import json

import pytest

from tests.chaos.fixture import WATCHES, make
from tests.integration.world import eventually, tocsin

pytestmark = pytest.mark.integration

ROUTE = "route: {endpoint: desk, group_by: [watch], group_wait: 2s, group_interval: 3s}\n"


def told(hook) -> list[str]:
    """The alerts that a message tells of."""
    data = json.loads(hook.body)["data"]
    return [alert["alert_id"] for alert in data["alerts"]] + data["others"] if "alerts" in data else [data["alert_id"]]


def test_sigkill_of_the_deliverer_while_alerts_wait_in_groups(world, deployment):
    fixture = make(150, 1)
    deployment.configure([world.serve("/feed", fixture.document(0))], WATCHES)
    (deployment.config / "route.yaml").write_text(ROUTE, "utf-8")
    deployment.start()
    expected = len(fixture.expected())

    def heard() -> set[str]:
        return {alert for hook in list(world.received) for alert in told(hook)}

    for share in (0, 3, 2):
        wanted = expected // share if share else 1
        eventually(lambda wanted=wanted: len(heard()) >= wanted, 90, f"{wanted} alerts\n{deployment.logs()}")
        deployment.kill("deliverer")
        deployment.start("deliverer")
    eventually(lambda: len(heard()) == expected, 90, f"{expected} alerts\n{deployment.logs()}")
    messages = {hook.id: hook for hook in world.arrived}
    assert all(hook.is_genuine for hook in world.arrived)
    assert all(hook.body == messages[hook.id].body for hook in world.arrived), "the same bytes for an id"
    alerts = [alert for hook in messages.values() for alert in told(hook)]
    assert len(alerts) == len(set(alerts)) == expected, "each alert in one message"
    assert len(messages) < expected / 2, "and together with others"
    shown = tocsin("alerts", "show", alerts[0], env=deployment.environ)
    assert json.loads(shown.stdout)["held"] == []
    [delivery] = json.loads(shown.stdout)["alert"]["deliveries"]
    assert delivery["state"] == "delivered"
