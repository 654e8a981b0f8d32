import pytest

from tests.integration.world import Deployment, open_world
from worker.runtime.redis_client import connect


@pytest.fixture
def world():
    with open_world() as opened:
        yield opened


@pytest.fixture
def deployment(tmp_path, server, world):
    client = connect(server.url)
    client.flushall()
    deployed = Deployment(tmp_path, server, world)
    deployed.client = client
    yield deployed
    deployed.stop()
    client.close()
