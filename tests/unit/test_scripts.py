"""The scripts ask for nothing that the oldest supported server, Redis 6.2, has not."""

import re
from importlib.resources import files

import pytest

_SINCE_7 = re.compile(
    r"'P?EXPIRE(?:AT)?',.*'(?:NX|XX|GT|LT)'|'P?EXPIRETIME'|'[LZ]MPOP'|'SINTERCARD'|'SET',.*'NX'.*'GET'|'[SE]\w+_RO'"
)
_SCRIPTS = sorted((files("worker.runtime") / "lua").iterdir(), key=lambda file: file.name)


@pytest.mark.parametrize("script", _SCRIPTS, ids=lambda file: file.name)
def test_no_script_needs_a_newer_server_than_the_documentation_asks_for(script):
    assert _SINCE_7.findall(script.read_text("utf-8")) == []
