"""The configurations that were in force, each once, under the hash that decisions name.

    configuration:HASH  a hash of {form, sha256, lists}; 90 days after it was last in force
    name_list:SHA256    a list of names that one of them refers to
    configuration       which one is in force, under which model and version

Forms are a `snapshot`, compressed.
"""

import base64
import json
import zlib
from datetime import timedelta
from typing import Any

from worker import __version__, snapshot
from worker.errors import InputError
from worker.model import Configuration
from worker.runtime.redis_client import K, Scripts, milliseconds, translated
from worker.runtime.redis_store import RedisStore

KEEP = timedelta(days=90)


class ConfigurationStore:
    """Keeps configurations for replaying what was decided under them."""

    def __init__(self, store: RedisStore) -> None:
        self._client: Any = store.client
        self._run = Scripts(self._client, "keep_configuration").run

    def keep(self, configuration: Configuration, model: str) -> None:
        """Keep a configuration that is in force from now on. Raises TypeError where it cannot be written."""
        made = snapshot.write(configuration)
        lists = [[sha256, _pack(text)] for sha256, text in made.lists.items()]
        kept = (_pack(made.text), made.sha256, json.dumps(lists), milliseconds(KEEP))
        self._run("keep_configuration", configuration.hash, *kept, model, __version__)

    def is_kept(self, config_hash: str) -> bool:
        """Whether it is there; a server that came back empty has none."""
        with translated():
            return bool(self._client.exists(K + f"configuration:{config_hash}"))

    def in_force(self) -> Configuration | None:
        """What the enricher works under; None where it never ran. Raises InputError where it was changed."""
        with translated():
            config_hash = self._client.hget(K + "configuration", "config")
        return self.read(config_hash) if config_hash else None

    def read(self, config_hash: str) -> Configuration | None:
        """The configuration of a hash; None where none is kept. Raises InputError where it was changed."""
        with translated():
            form, sha256, names = self._client.hmget(K + f"configuration:{config_hash}", ["form", "sha256", "lists"])
            lists = {name: self._client.get(K + f"name_list:{name}") for name in (names or "").split()}
        if not form:
            return None
        if absent := [name for name, text in lists.items() if text is None]:
            msg = f"the name list {absent[0][:12]} of the configuration {config_hash} is not kept any more"
            raise InputError(msg)
        kept = snapshot.Snapshot(_unpack(form), {name: _unpack(text) for name, text in lists.items()})
        if kept.sha256 != sha256:
            msg = f"the kept configuration {config_hash} was changed: its hash does not fit"
            raise InputError(msg)
        return snapshot.read(kept)


def _pack(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode("utf-8", "surrogatepass"))).decode("ascii")


def _unpack(packed: str) -> str:
    return zlib.decompress(base64.b64decode(packed)).decode("utf-8", "surrogatepass")
