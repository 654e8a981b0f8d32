"""The tables of docs/performance.md and docs/scaling.md, made of docs/performance.json. Each stands between two marks and is replaced whole."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Report = dict[str, Any]


def write(docs: Path, report: Report) -> None:
    """Put the tables of what was measured into the pages of a folder. Raises ValueError where a mark is missing."""
    for name, tables in PAGES.items():
        _write(docs / name, tables, report)


def _write(page: Path, tables: dict[str, Callable[[Report], Iterator[str]]], report: Report) -> None:
    text = page.read_text("utf-8")
    for name, make in tables.items():
        begin, end = f"<!-- bench: {name} -->\n", f"<!-- end of bench: {name} -->"
        before, found, rest = text.partition(begin)
        _, ends, after = rest.partition(end)
        if not found or not ends:
            msg = f"{page}: the marks “{begin.strip()}” and “{end}” are missing"
            raise ValueError(msg)
        text = before + begin + "\n".join(_lines(report.get(name), make)) + "\n" + end + after
    page.write_text(text, "utf-8")


def _lines(row: Report | None, make: Callable[[Report], Iterator[str]]) -> Iterator[str]:
    if row is None:
        yield "Not measured yet."
    elif "failed" in row:
        yield f"The last run failed: {row['failed'].strip().splitlines()[-1]}"
    else:
        yield from make(row["result"])
        told = row["measured"]
        size = ", the quick form" if told["quick"] else ""
        yield ""
        yield (
            f"{told['at'][:10]}, {told['cores']} cores, load {told['load']} at the end, Python {told['python']}, "
            f"spaCy {told['spacy']}{size}."
        )


def _table(*head: str) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)


def _spread(value: dict[str, float], digits: int = 2) -> str:
    """The median, and between which two the rounds lay."""
    middle, least, most = (f"{round(value[name], digits or None):,}" for name in ("median", "least", "most"))
    return middle if least == most else f"{middle} ({least}–{most})"


def _each(row: Report, side: str, read: Callable[[Report], float]) -> str:
    values = sorted(read(one) for one in row["rounds"][side])
    found = {"median": values[len(values) // 2], "least": values[0], "most": values[-1]}
    return _spread(found)


SIDES = {
    "plain": "**plain**: the given design, spaCy's default model",
    "plain_own": "plain_own: the same design, the model that ships here",
    "always": "**Tocsin, `entities: always`**",
    "when_relevant": "**Tocsin, `entities: when_relevant`**",
    "pipe": "bare `nlp.pipe` of the pipeline that ships, told to use all cores",
    "full": "bare tagger, every word, a process a core",
    "tagger": "bare tagger, a process a core",
    "enrichment": "bare enrichment, a process a core",
}


def _end_to_end(row: Report) -> Iterator[str]:
    yield f"{row['articles']:,} articles of {row['words_each']} words in {row['feeds']} feeds, a tenth of them fire."
    yield ""
    yield from _table(
        "side", "articles/s", "CPU ms/article", "told, missed, wrong", "fetch → webhook p50 / p95", "offer → webhook"
    )
    for side, rounds in row["rounds"].items():
        told = " / ".join(
            str(sum(one[k] for one in rounds)) for k in ("told", "missed", "told_wrongly") if k in rounds[0]
        )
        waits = [
            f"{last[span]['p50']:.1f} / {last[span]['p95']:.1f} s" if (last := rounds[-1]).get(span) else ""
            for span in ("fetch_to_webhook_s", "offer_to_webhook_s")
        ]
        speed = _each(row, side, lambda one: one["articles_per_s"])
        cost = _each(row, side, lambda one: one["cpu_ms_per_article"])
        yield f"| {SIDES[side]} | {speed} | {cost} | {told} | {' | '.join(waits)} |"
    yield ""
    yield from _table("ratio", "work by CPU", "articles/s", "fetch → webhook p50 / p95", "offer → webhook p50 / p95")
    for name, ratio in row["ratios"].items():
        waits = [
            f"{ratio[f'{span}_p50']:.3f} / {ratio[f'{span}_p95']:.3f}" if f"{span}_p50" in ratio else ""
            for span in ("fetch_to_webhook", "offer_to_webhook")
        ]
        said = f"`{name.replace('_to_', '` to `')}`"
        yield f"| {said} | {_spread(ratio['per_cpu'])} | {_spread(ratio['per_wall'])} | {' | '.join(waits)} |"


def _enrichment(row: Report) -> Iterator[str]:
    bare = {"bare": "bare", "full": "bare, every word"}
    ours = {"whole": "whole", "judged": "whole, events judged", "glance": "glance"}
    yield from _table("one core", "words/s", "ms/article")
    for name, said in (bare | ours).items():
        yield f"| {said} | {_spread(row['words_per_s'][name], 0)} | {_spread(row['ms_per_article'][name])} |"
    for other, beside in bare.items():
        for name, said in ours.items():
            yield f"| {said} to {beside} | {_spread(row[f'{name}_to_{other}'])} | |"


def _idle(row: Report) -> Iterator[str]:
    yield from _table(f"{row['articles']} articles, one at a time", "p50", "p95", "p99")
    for name, said in (("fetch_to_webhook_s", "from the poll that finds it"), ("offer_to_webhook_s", "from the feed")):
        yield f"| {said} | " + " | ".join(f"{row[name][cut]:.2f} s" for cut in ("p50", "p95", "p99")) + " |"


def _unchanged(row: Report) -> Iterator[str]:
    yield from _table(f"{row['feeds']:,} feeds, nine of ten answer 304", "feeds/s", "CPU ms/feed")
    sides = {
        "ours": "the poller", "bare": "a bare aiohttp loop",
        "ours_quiet": "the poller, over those alone that answer 304", "bare_quiet": "the loop, over those",
    }  # fmt: skip
    for side, said in sides.items():
        if side in row["feeds_per_s"]:
            yield f"| {said} | {_spread(row['feeds_per_s'][side], 0)} | {_spread(row['cpu_ms_per_feed'][side], 3)} |"
    for key, said in (("ours_to_bare", "the poller to the loop"), ("quiet_to_bare", "the same over 304s alone")):
        if "wall" in row.get(key, {}):
            yield f"| {said} | {_spread(row[key]['wall'])} | {_spread(row[key]['cpu'])} |"


def _matching(row: Report) -> Iterator[str]:
    yield from _table("watches, 20,000 terms in all", "ms/article")
    yield from (f"| {int(n):,} | {_spread(ms)} |" for n, ms in row["watches_ms"].items())
    yield f"| 10,000 to 10 | {_spread(row['10000_watches_to_10'])} |"
    yield ""
    yield from _table("terms in one watch", "ms/article", "bare Aho-Corasick")
    for number, found in row["terms"].items():
        yield f"| {int(number):,} | {_spread(found['ours_ms'])} | {_spread(found['bare_ms'], 3)} |"


def _delivery(row: Report) -> Iterator[str]:
    yield from _table("", "deliveries/s")
    yield f"| the sender (signing, address checks, size limits) | {_spread(row['sender_per_s'], 0)} |"
    yield f"| a bare aiohttp loop over the same bytes | {_spread(row['bare_per_s'], 0)} |"
    yield f"| the sender to the loop | {_spread(row['sender_to_bare'])} |"


def _processes(row: Report) -> Iterator[str]:
    yield from _table(
        f"after {row['articles']} articles", "PSS of the worker and its pool", "RSS of its largest process"
    )
    for name, found in row["processes"].items():
        yield f"| {name} | {found['pss_mb']} MiB | {found['largest_rss_mb']} MiB |"
    fork = row["fork"]
    yield f"| two enrichers that load for themselves | {fork['alone']['all']} MiB | |"
    yield f"| two that are forked of a parent which had loaded | {fork['shared']['all']} MiB, the parent's share in it | |"


def _sizing(row: Report) -> Iterator[str]:
    yield from _table(f"articles of {row['words_each']} words, every stage in one process", "")
    yield f"| CPU per article | {row['cpu_ms_per_article']} ms |"
    yield f"| Redis per article, its share of alerts included | {row['redis_bytes_per_article']:,} bytes |"
    yield f"| Redis per alert record | {row['redis_bytes_per_alert_record']:,} bytes |"
    yield f"| Redis per feed with 50 entries | {row['redis_bytes_per_feed_state_of_50_entries']:,} bytes |"
    yield f"| Redis per feed in the schedule | {row['redis_bytes_per_scheduled_feed']:,} bytes |"


def _polling(row: Report) -> Iterator[str]:
    yield from _table("known feeds", "ms to lend 100 that are due")
    yield from (f"| {int(number):,} | {ms} |" for number, ms in row["claim_100_due_ms"].items())


def _week(row: Report) -> Iterator[str]:
    late = row["published_to_webhook_s"]
    yield (
        f"{row['entries']:,} entries of a recorded week in {row['feeds']} feeds, {row['speed_up']:,} times as fast as they "
        f"came: {row['received']} alerts, published → webhook p50 {late['p50']} s, p95 {late['p95']} s (polls every second "
        "of our time)."
    )
    yield ""
    yield from _table("watch", "alerts")
    yield from (f"| {name} | {number} |" for name, number in row["alerts"].items())


def _growth(row: Report) -> Iterator[str]:
    article, poll, check = row["costs"]["article"], row["costs"]["poll"], row["check"]
    yield from _table("", "measured")
    yield (
        f"| an article of {row['words_each']} words, poll to webhook | {article['worker_ms']:.1f} ms of a worker, "
        f"{article['store_ms']:.1f} ms of the store, {article['store_bytes'] / 1000:.1f} kB in the store |"
    )
    yield (
        f"| a poll that brings nothing | {poll['worker_ms']:.2f} ms of a worker, {poll['store_ms']:.2f} ms of the store "
        "(fetching over a network comes on top) |"
    )
    off = check["off"]
    yield f"| check: a run foretold from four others | {off['median']:.0%} off on the median, {off['most']:.0%} at most |"
    yield ""
    yield "The day, with these costs:"
    yield ""
    yield from _table("need", "figure")
    yield f"| cores for the articles, the peak {row['peak_to_mean']} times the mean | {row['article_cores']} |"
    yield f"| cores for polls, fetching apart | {row['poll_cores']} |"
    busy = row["store_busy_cores"]
    yield f"| the store's one thread | {busy['mean']:.0%} busy on average, {busy['peak']:.0%} at the peak |"
    yield (
        f"| the store's memory | **{row['store_gb_for_1_day']:.0f} GB a day; "
        f"{row['store_gb_for_30_days'] / 1000:.1f} TB in the 30 days that articles are kept** |"
    )
    yield f"| articles a day that fill the store's thread at this rhythm | {row['articles_a_day_one_store_bears']:,.0f} |"


def _two_hosts(row: Report) -> Iterator[str]:
    yield from _table(f"{row['articles']} articles", "articles/s", "CPU ms of the hosts", "CPU ms of the store")
    for name in ("1 hosts", "2 hosts"):
        if found := row.get(name):
            parts = (_spread(found[part]) for part in ("articles_per_s", "host_cpu_ms", "store_cpu_ms"))
            yield f"| {name.replace('1 hosts', 'one host').replace('2', 'two')} | {' | '.join(parts)} |"
    if "gain" in row:
        yield ""
        yield f"Two do {_spread(row['gain'])} × the work of one; beside the store {_spread(row['gain_beside_store'])} ×."


PAGES: dict[str, dict[str, Callable[[Report], Iterator[str]]]] = {
    "performance.md": {
        "enrichment": _enrichment,
        "end_to_end": _end_to_end,
        "burst": _end_to_end,
        "idle": _idle,
        "unchanged": _unchanged,
        "polling": _polling,
        "matching": _matching,
        "delivery": _delivery,
        "processes": _processes,
        "sizing": _sizing,
        "week": _week,
    },
    "scaling.md": {"growth": _growth, "two_hosts": _two_hosts},
}
