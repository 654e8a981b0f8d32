"""Plain requests, so that tests see exactly what is answered."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass


@dataclass
class Answer:
    status: int
    body: bytes
    headers: object

    @property
    def json(self):
        return json.loads(self.body)


def ask(base, path, method="GET", token="", body=None, **headers) -> Answer:
    """`body` is sent as JSON unless it is bytes."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    given |= {"Authorization": f"Bearer {token}"} if token else {}
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    if body is not None:
        given.setdefault("Content-Type", "application/json")
    request = urllib.request.Request(base + path, body, given, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return Answer(answer.status, answer.read(), answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read(), error.headers)
