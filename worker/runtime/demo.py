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
from typing import IO, Any, cast
from xml.sax.saxutils import escape

from rich.console import Console
from rich.markup import escape as literal
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from worker.runtime.terminal import SteadyFile, print_alert

PUBLISH_EVERY_S = 15
_AT_ONCE = 3
_SHOWN = 20
_LAST = 10**9
_STYLE = "body{font:1.1rem/1.6 Georgia,serif;max-width:40rem;margin:2rem auto;padding:0 1rem}header{color:#767676}"
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
        own = [a for a in published() if _feed_of(int(a["guid"].removeprefix("demo-"))) == path]
        return _render(path, own, f"{request.base_url}articles/")

    def article(request: Request) -> Response:
        position = request.path_params["position"]
        if position > _LAST:
            return PlainTextResponse("there is no such article\n", 404)
        return HTMLResponse(_page(position))

    async def receive(request: Request) -> Response:
        body = await request.body()
        try:
            alert = Webhook(secret).verify(body, dict(request.headers))
        except WebhookVerificationError as error:
            console.print(f"[red]a webhook with a bad signature was refused: {literal(str(error))}[/]")
            return PlainTextResponse("bad signature\n", 401)
        print_alert(console, alert["data"], "signature verified")
        return PlainTextResponse("thank you\n")

    routes = [Route(f"/{path}", feed) for path in _FEEDS]
    routes.append(Route("/articles/demo-{position:int}", article))
    return Starlette(routes=[*routes, Route("/hook", receive, methods=["POST"])])


def serve() -> None:
    """Run the demonstration's server; the environment is that of `prepare`."""
    import uvicorn

    environ = os.environ
    console = Console(file=cast("IO[str]", SteadyFile(sys.stdout)), highlight=False, soft_wrap=True)
    app = create_demo(environ["TOCSIN_DEMO_SECRET"], Path(environ["TOCSIN_DEMO_POSITION"]), console)
    host = environ.get("TOCSIN_DEMO_HOST") or "127.0.0.1"
    uvicorn.run(app, host=host, port=int(environ["TOCSIN_DEMO_PORT"]), log_level="warning")


def _secret(file: Path) -> str:
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(new_secret(), "utf-8")
    return file.read_text("utf-8").strip()


def _feed_of(position: int) -> str:
    return list(_FEEDS)[position % len(_FEEDS)]


def _page(position: int) -> str:
    """An article for a browser, as its publisher would show it."""
    made = compose(position)
    title = escape(made["title"])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>'
        f"<body><header>{_FEEDS[_feed_of(position)]}: an invented article of Tocsin's demonstration</header>"
        f"<article><h1>{title}</h1>{made['html']}</article></body></html>"
    )


def _render(path: str, articles: list[dict[str, Any]], base: str) -> Response:
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


if __name__ == "__main__":
    serve()
