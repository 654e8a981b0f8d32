"""The demonstration: feeds that publish invented articles, and a receiver that checks signatures and prints alerts.

Both live in one small server on loopback. Articles appear one after another and never twice: the position in the
stream is kept in the data directory, so a second start goes on where the first one stopped.
"""

import json
import os
import secrets
import shutil
import sys
import time
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from rich.console import Console
from rich.markup import escape as literal
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

PUBLISH_EVERY_S = 15
_AT_ONCE = 3
_SHOWN = 20
_FEEDS = {"rss.xml": "Demo Wire", "atom.xml": "Demo Herald", "feed.json": "Demo Bulletin"}


def prepare(data: Path, port: int) -> Mapping[str, str]:
    """Write the demonstration's configuration under `data`; the environment variables it needs."""
    config = data / "config"
    (config / "watchlists").mkdir(parents=True, exist_ok=True)
    with as_file(files("worker") / "example" / "watchlists") as examples:
        for example in examples.glob("*.yaml"):
            shutil.copyfile(example, config / "watchlists" / example.name)
    feeds = "".join(
        f"  - {{url: 'http://127.0.0.1:{port}/{path}', name: {name}, tags: [demo], interval: 5s, allow_private: true}}\n"
        for path, name in _FEEDS.items()
    )
    (data / "hook").write_text(f"http://127.0.0.1:{port}/hook", "utf-8")
    (config / "feeds.yaml").write_text("feeds:\n" + feeds, "utf-8")
    (config / "endpoints.yaml").write_text(
        "endpoints:\n  terminal:\n    url: {file: ../hook}\n    secret: {file: ../secret}\n    allow_private: true\n",
        "utf-8",
    )
    return {
        "TOCSIN_CONFIG": str(config),
        "TOCSIN_DEMO_HOOK": f"http://127.0.0.1:{port}/hook",
        "TOCSIN_DEMO_SECRET": _secret(data / "secret"),
        "TOCSIN_DEMO_POSITION": str(data / "position"),
        "TOCSIN_DEMO_PORT": str(port),
    }


def new_secret() -> str:
    """A Standard Webhooks secret of 32 random bytes."""
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


def compose(position: int) -> dict[str, str]:
    """The `position`-th article of the endless stream: title and HTML."""
    script = json.loads((files("worker") / "demo" / "articles.json").read_text("utf-8"))
    edition, index = divmod(position, len(script["articles"]))
    article = script["articles"][index]
    slots = {name: values[(edition + index) % len(values)] for name, values in script["slots"].items()}
    paragraphs = "".join(f"<p>{paragraph.format(**slots)}</p>" for paragraph in article["paragraphs"])
    return {"title": article["title"].format(**slots), "html": paragraphs, "guid": f"demo-{position}"}


def create_demo(secret: str, position_file: Path, console: Console) -> Starlette:
    """The ASGI application with the three feeds and the receiver."""
    start = int(position_file.read_text("utf-8")) if position_file.exists() else 0
    started = time.time()

    def published() -> list[dict[str, Any]]:
        newest = start + _AT_ONCE + int((time.time() - started) / PUBLISH_EVERY_S)
        position_file.write_text(str(newest), "utf-8")
        positions = range(max(newest - _SHOWN, 0), newest)
        return [
            compose(p) | {"at": datetime.fromtimestamp(max(started + (p - start - _AT_ONCE) * PUBLISH_EVERY_S, 0), UTC)}
            for p in reversed(positions)
        ]

    def feed(request: Request) -> Response:
        path = request.url.path.lstrip("/")
        own = [a for i, a in enumerate(published()) if int(a["guid"].split("-")[1]) % 3 == list(_FEEDS).index(path)]
        return _render(path, own)

    async def receive(request: Request) -> Response:
        body = await request.body()
        try:
            alert = Webhook(secret).verify(body, dict(request.headers))
        except WebhookVerificationError as error:
            console.print(f"[red]a webhook with a bad signature was refused: {literal(str(error))}[/]")
            return PlainTextResponse("bad signature\n", 401)
        _print_alert(console, alert["data"])
        return PlainTextResponse("thank you\n")

    routes = [Route(f"/{path}", feed) for path in _FEEDS]
    return Starlette(routes=[*routes, Route("/hook", receive, methods=["POST"])])


def serve() -> None:
    """Run the demonstration's server; the environment is that of `prepare`."""
    import uvicorn

    environ = os.environ
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    app = create_demo(environ["TOCSIN_DEMO_SECRET"], Path(environ["TOCSIN_DEMO_POSITION"]), console)
    host = environ.get("TOCSIN_DEMO_HOST") or "127.0.0.1"
    uvicorn.run(app, host=host, port=int(environ["TOCSIN_DEMO_PORT"]), log_level="warning")


def _secret(file: Path) -> str:
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(new_secret(), "utf-8")
    return file.read_text("utf-8").strip()


def _render(path: str, articles: list[dict[str, Any]]) -> Response:
    base = "https://demo.invalid/"
    if path == "feed.json":
        items = [
            {"id": a["guid"], "url": base + a["guid"], "title": a["title"], "content_html": a["html"],
             "date_published": a["at"].isoformat()} for a in articles
        ]  # fmt: skip
        return JSONResponse({"version": "https://jsonfeed.org/version/1.1", "title": _FEEDS[path], "items": items})
    if path == "atom.xml":
        entries = "".join(
            f"<entry><id>{a['guid']}</id><title>{escape(a['title'])}</title><link href='{base}{a['guid']}'/>"
            f"<updated>{a['at'].isoformat()}</updated><content type='html'>{escape(a['html'])}</content></entry>"
            for a in articles
        )
        text = f"<feed xmlns='http://www.w3.org/2005/Atom'><title>{_FEEDS[path]}</title><id>{base}</id>{entries}</feed>"
        return Response(text, media_type="application/atom+xml")
    items_xml = "".join(
        f"<item><guid isPermaLink='false'>{a['guid']}</guid><title>{escape(a['title'])}</title>"
        f"<link>{base}{a['guid']}</link><pubDate>{format_datetime(a['at'])}</pubDate>"
        f"<description>{escape(a['html'])}</description></item>"
        for a in articles
    )
    text = f"<rss version='2.0'><channel><title>{_FEEDS[path]}</title><link>{base}</link>{items_xml}</channel></rss>"
    return Response(text, media_type="application/rss+xml")


def _print_alert(console: Console, alert: Mapping[str, Any]) -> None:
    console.print()
    console.print(f"[bold red]ALERT[/] [bold]{literal(alert['article']['title'])}[/]")
    console.print(
        f"  {alert['severity']} · {literal(alert['watch']['title'])} · {literal(alert['article']['source'])} · "
        f"signature verified · {alert['alert_id']}"
    )
    for evidence in alert["evidence"][:2]:
        console.print(f"  because: “{literal(evidence['text'])}”", style="dim")
    names = dict.fromkeys(e["text"] + (f" ({e['id']})" if e["id"] else "") for e in alert["entities"])
    if names:
        console.print(f"  names:   {literal(', '.join(list(names)[:8]))}", style="dim")


if __name__ == "__main__":
    serve()
