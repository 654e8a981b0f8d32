"""`tocsin lists`: what lists hold, and stored articles that name their parties."""

from typing import Annotated, Any

import typer

from worker.commands.shared import Config, Json, config_directory, print_json, print_rows, progress_bar
from worker.errors import InputError

app = typer.Typer(
    no_args_is_help=True,
    help="Look at lists of parties, and find those on them in articles that are stored already.\n\n"
    "When a list grows, a running Tocsin screens the stored articles by itself (docs/watchlists.md, Lists that change).",
)
_COLUMNS = ("watch", "list", "party", "stories", "articles", "newest", "title")


@app.command(name="show")
def lists_show(config: Config = None, as_json: Json = False) -> None:
    """The lists whose parties watches look for, with how many names and entries each holds."""
    from worker.screening import rolls
    from worker.watchlist import load_configuration

    configuration = load_configuration(config_directory(config), is_sending=False)
    rows = []
    for name, roll in rolls(configuration.watches).items():
        entries = {listed.entry for file in roll.files for listed in file.names}
        names = sum(len(file.names) for file in roll.files)
        weak = sum(listed.is_weak for file in roll.files for listed in file.names)
        rows.append({"list": name, "parties": len(entries) + len(roll.entries), "names": names + len(roll.entries),
                     "weak": weak})  # fmt: skip
    print_rows(rows, "lists", as_json, ("list", "parties", "names", "weak"))


@app.command(name="status")
def lists_status(config: Config = None, as_json: Json = False) -> None:
    """How far the screening of stored articles is, or how the last one ended."""
    del config
    from worker.runtime.process import open_store
    from worker.runtime.screening_store import RedisScreeningStore

    progress = RedisScreeningStore(open_store()).progress()
    if as_json:
        print_json(_describe(progress))
    elif progress.started_at is None:
        typer.echo("no list has grown since Tocsin runs over this store")
    elif progress.phase:
        typer.echo(f"screening since {progress.started_at:%Y-%m-%d %H:%M} UTC, {_share(progress):.0%}: "
                   f"{progress.found} mentions found, {progress.raised} alerts raised")  # fmt: skip
    else:
        ended = f"{progress.finished_at:%Y-%m-%d %H:%M} UTC" if progress.finished_at else "?"
        typer.echo(
            f"the last screening ended {ended}: {progress.found} mentions found, {progress.raised} alerts raised"
        )


@app.command(name="screen")
def lists_screen(
    list_: Annotated[str | None, typer.Option("--list", "-l", help="Only this list.", show_default=False)] = None,
    party: Annotated[
        str | None, typer.Option(help="Only parties whose name contains this.", show_default=False)
    ] = None,
    alert: Annotated[bool, typer.Option("--alert", help="Raise alerts too, as when the parties were new.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Find the parties of lists in all stored articles (30 days), newly listed or not.

    Shows what a screening would tell. With --alert it tells it: an alert for each party and story (the newest 20 of a
    party), unless there is one already. Ctrl-C is safe; a running Tocsin finishes what was begun with --alert.
    """
    from worker.runtime import log
    from worker.runtime.process import make_hand_screener
    from worker.runtime.screening_store import RedisScreeningStore

    log.configure("warning")
    directory = config_directory(config)
    screener = make_hand_screener(directory)
    chosen = _choose(screener, list_, party)
    store = screener.store
    assert isinstance(store, RedisScreeningStore)
    if not alert:
        rows, articles = _look(screener, chosen)
        if as_json:
            print_json({"articles": articles, "found": rows})
        elif rows:
            print_rows(rows, "found", as_json=False, columns=_COLUMNS)
        else:
            typer.echo(f"no watch fires because of these parties in {articles} stored articles")
        return
    before = store.progress()
    if before.phase or not store.begin(before.digest, screener.digest, screener.marks, chosen):
        msg = "a screening runs already; `tocsin lists status` says how far it is"
        raise InputError(msg)
    _follow(screener)
    if as_json:
        print_json(_describe(store.progress()))
    else:
        lists_status(as_json=False)


def _choose(screener: Any, list_: str | None, party: str | None) -> dict[str, frozenset[int]]:
    """The marks of the lists and parties that were asked for."""
    from worker.screening import pick
    from worker.watchlist.nearest import nearest

    if not screener.lists:
        msg = "no watch looks for the parties of a list: write entity: {list: NAME}"
        raise InputError(msg)
    if list_ is not None and list_ not in screener.lists:
        msg = f"no watch looks for the parties of a list {list_}; {nearest(list_, screener.lists)}"
        raise InputError(msg)
    chosen = {
        name: found for name, roll in screener.lists.items() if list_ in (None, name) and (found := pick(roll, party))
    }
    if not chosen:
        msg = f"no party on {list_ or 'any list'} has “{party}” in its name"
        raise InputError(msg)
    return chosen


def _look(screener: Any, chosen: Any) -> tuple[list[dict[str, Any]], int]:
    from worker.deliver.payload import moment
    from worker.runtime.archive import count_articles, stored_whole
    from worker.runtime.process import open_store
    from worker.screening import Additions, plan

    additions, found, titles, articles = Additions(screener.lists, chosen), [], {}, 0
    with progress_bar("screened", count_articles(open_store())) as advance:
        for stored in stored_whole(open_store()):
            articles += 1
            advance(1)
            for one in screener.mentions(stored, additions, is_new_only=False):
                found.append(one)
                titles[one.article] = stored.article
    parties: dict[tuple[str, str, str], dict[str, Any]] = {}
    for notice in plan(found, most=len(found) or 1):
        newest, article = notice.newest, titles[notice.newest.article]
        key = (newest.watch, newest.list, newest.name)
        row = parties.setdefault(key, {
            "watch": newest.watch, "list": newest.list, "party": newest.name, "stories": notice.stories, "articles": 0,
            "newest": moment(article.first_seen), "title": article.title, "article_id": article.id,
        })  # fmt: skip
        row["articles"] += notice.articles
    return list(parties.values()), articles


def _follow(screener: Any) -> None:
    """Do the steps ourselves; where a worker has the screening, wait for it."""
    import time

    with progress_bar("screened", screener.store.progress().total or 1) as advance:
        shown = 0
        while (progress := screener.store.progress()).phase:
            before = (progress.looked, progress.raised)
            screener.step()
            after = screener.store.progress()
            advance(after.looked - shown)
            shown = after.looked
            if before == (after.looked, after.raised):
                time.sleep(0.2)


def _share(progress: Any) -> float:
    return 1.0 if progress.phase == "raise" else min(progress.looked / max(progress.total, 1), 1.0)


def _describe(progress: Any) -> dict[str, Any]:
    moments = {key: at.isoformat(timespec="seconds") if (at := getattr(progress, key)) else None
               for key in ("started_at", "finished_at")}  # fmt: skip
    return {"phase": progress.phase or "idle", "share": round(_share(progress), 3) if progress.phase else None,
            "found": progress.found, "raised": progress.raised, **moments}  # fmt: skip
