"""`tocsin audit`: take the audit record out, check it, and drop what was taken out."""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from worker.commands.shared import Habit, Json, print_json, since_moment
from worker.errors import InputError
from worker.plural import counted

if TYPE_CHECKING:
    from worker.audit import Anchor, Check, Line
    from worker.runtime.audit_store import AuditStore

app = typer.Typer(
    no_args_is_help=True,
    help="The record of every decision: export it, verify it, prune it. docs/audit.md says what it proves.",
)
Files = Annotated[list[Path] | None, typer.Argument(help="Files of `export`, in their order.", show_default=False)]
_TELL_EVERY = 10_000
_WITNESS = re.compile(r"(\d+):([0-9a-f]{64})")
Item = TypeVar("Item")


@app.command()
def export(
    since: Annotated[
        str | None, typer.Option(help="From then on: 90m, 12h, 30d, or 2026-03-01[T12:00].", show_default=False)
    ] = None,
    until: Annotated[str | None, typer.Option(help="Up to then.", show_default=False)] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Into this file, whole or not at all.", show_default=False)
    ] = None,
    _config: Habit = None,
    as_json: Json = False,
) -> None:
    """Write the record as JSON Lines, oldest first: to standard output, or with --output to a file that is then verified.

    The first line says where the file begins, the last where it ends; between them each line carries the hash of the one
    before. Files of `--since` and `--until` that meet can be verified together.
    """
    from worker.audit import check_file, write_file

    record = _open()
    first, last = (_moment(text) if text else None for text in (since, until))
    start, lines = _range(record, first, last)
    if output is None:
        if as_json:
            msg = "--json describes a file: give --output as well (the lines of the record are JSON anyway)"
            raise InputError(msg)
        for raw in write_file(lines, start):
            sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()
        return
    _refuse_existing(output)
    draft = output.with_name(output.name + ".draft")
    with draft.open("wb") as file:
        for raw in write_file(_told(lines, "written"), start):
            file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    with draft.open("rb") as file:
        check = check_file(file)
    _finish(check, str(output), as_json=as_json, verb="written")
    draft.rename(output)


@app.command()
def verify(
    files: Files = None,
    with_store: Annotated[
        bool,
        typer.Option(
            "--with-store", help="Then the server's record, which must go on from the last file or agree with it."
        ),
    ] = False,
    witness: Annotated[
        list[str] | None,
        typer.Option(
            help="A seal that was kept elsewhere, as LINE:SHA256 (the log has one a minute).", show_default=False
        ),
    ] = None,
    _config: Habit = None,
    as_json: Json = False,
) -> None:
    """Check that no line was changed, removed, added or moved, and say which was. Exit code 1 where one is.

    Without FILES the server's record is checked. Whoever can write to the server can write it anew from a line on; that
    shows against a file or a seal that was kept elsewhere: --with-store, --witness.
    """  # fmt: skip
    from worker.audit import joined

    witnesses = [_witness(text) for text in witness or ()]
    checks = [_check_file(file) for file in files or ()]
    check = checks[0] if checks else None
    for following in checks[1:]:
        assert check is not None
        check = joined(check, following)
    if check is None:
        check = _check_store(None)
    elif with_store:
        check = _check_store(check)
    _compare_witnesses(check, witnesses)
    _finish(check, ", ".join(map(str, files or ())) or "the server's record", as_json=as_json, verb="verified")


@app.command()
def prune(
    before: Annotated[str, typer.Option(help="Lines older than this: 90d, or 2026-01-01.", show_default=False)],
    archive: Annotated[
        list[Path], typer.Option(help="The file that holds them; several in their order.", show_default=False)
    ],
    _config: Habit = None,
    as_json: Json = False,
) -> None:
    """Drop old lines that stand in verified files, and keep an anchor on which the rest still verifies.

    Nothing is dropped unless the files are whole, begin where the record begins and agree with it. The cut is made at
    the last seal before that time.
    """
    from worker.audit import Anchor, joined
    from worker.runtime.audit_store import PRUNE_REFUSED

    record, moment = _open(), _moment(before)
    checks = [_check_file(file) for file in archive]
    check = checks[0]
    for following in checks[1:]:
        check = joined(check, following)
    _refuse_faults(check, ", ".join(map(str, archive)))  # also where nothing is old enough: it may be all there is
    extent = record.extent()
    edge = record.before(moment) if extent else None
    if extent is None or edge is None:
        _say_pruned(0, 0, as_json)
        return
    if (check.start.seq, check.start.link) != (
        extent.anchor.seq,
        extent.anchor.link,
    ) and check.start.seq >= extent.anchor.seq:
        msg = f"the files begin after line {check.start.seq}, the record begins after line {extent.anchor.seq}"
        raise InputError(msg + ": export it from its beginning")
    cuts = [seq for seq in check.seal_ends if extent.anchor.seq < seq <= min(edge.seq, check.end.seq)]
    if not cuts:
        _say_pruned(0, extent.anchor.seq, as_json)
        return
    cut = max(cuts)
    links = _links(archive, cut)
    dropped = record.prune(Anchor(cut, links.get(cut, ""), check.seal_ends[cut]))
    if dropped == PRUNE_REFUSED:
        msg = f"the server's line {cut} is not the one in the files; `tocsin audit verify FILE --with-store` says more"
        raise InputError(msg)
    _say_pruned(dropped, cut, as_json)


def _open() -> "AuditStore":
    from worker.runtime.audit_store import AuditStore
    from worker.runtime.process import open_store

    return AuditStore(open_store())


def _range(record: "AuditStore", since: datetime | None, until: datetime | None) -> tuple["Anchor", Iterator["Line"]]:
    """Where the export begins, and its lines as far as the record went when it began."""
    extent = record.extent()
    if extent is None:
        msg = "there is no audit record yet; it begins with the first poll"
        raise InputError(msg)
    end = record.before(until) if until else extent.end
    start = (record.before(since) if since else None) or extent.anchor
    count = max((end.seq if end else 0) - start.seq, 0)
    lines = record.read(since, after=start.seq)
    return start, (line for line, _ in zip(lines, range(count), strict=False))


def _check_file(path: Path) -> "Check":
    from worker.audit import Fault, check_file

    try:
        with path.open("rb") as file:
            check = check_file(_told(file, "verified"))
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise InputError(msg) from error
    check.faults = [Fault(fault.line, f"{fault.message} [{path}]") for fault in check.faults]
    return check


def _links(paths: Iterable[Path], seq: int) -> dict[int, str]:
    from worker.audit import check_file

    found: dict[int, str] = {}
    for path in paths:
        with path.open("rb") as file:
            found |= check_file(file, watched=frozenset({seq})).links
    return found


def _check_store(before: "Check | None") -> "Check":
    """The server's record; behind files, that it has their last line, or goes on from it."""
    from worker.audit import Fault, joined

    wanted = frozenset({before.end.seq}) if before else frozenset()
    check = _open().check(watched=wanted)
    if check is None:
        if before is None:
            msg = "there is no audit record yet; it begins with the first poll"
            raise InputError(msg)
        before.faults.append(Fault(0, "the server has no record at all, though the files have one"))
        return before
    if before is None:
        return check
    if check.start.seq >= before.end.seq:
        return joined(before, check)
    stated = check.links.get(before.end.seq)
    if stated != before.end.link:
        what = "has another line" if stated else f"ends with line {check.end.seq} and has no line"
        message = f"the server {what} {before.end.seq}: its newest lines were lost after the files were made, or it was rewritten"
        check.faults.append(Fault(0, message))
    check.faults = [*before.faults, *check.faults]
    check.seal_ends = before.seal_ends | check.seal_ends
    return check


def _compare_witnesses(check: "Check", witnesses: Iterable[tuple[int, str]]) -> None:
    from worker.audit import Fault

    for seq, sha256 in witnesses:
        found = check.seal_ends.get(seq)
        if found is None:
            check.faults.append(Fault(0, f"no seal ends with line {seq}, though one was kept elsewhere"))
        elif found != sha256:
            check.faults.append(Fault(0, f"the seal that ends with line {seq} is not the one that was kept elsewhere"))


def _witness(text: str) -> tuple[int, str]:
    if not (parsed := _WITNESS.fullmatch(text)):
        msg = f"{text} is no seal: give LINE:SHA256, such as 41200:9f86d0…"
        raise InputError(msg)
    return int(parsed[1]), parsed[2]


def _refuse_faults(check: "Check", what: str) -> None:
    if check.faults:
        raise InputError(f"{what}: " + "; ".join(map(str, check.faults[:3])))


def _refuse_existing(output: Path) -> None:
    if output.exists():
        msg = f"{output} is already there; an archive is not overwritten"
        raise InputError(msg)


def _finish(check: "Check", what: str, *, as_json: bool, verb: str) -> None:
    """Say what the check came to; exit code 1 on a fault."""
    if as_json:
        print_json(
            {
                "ok": not check.faults,
                "lines": check.lines,
                "first": check.start.seq + 1,
                "last": check.end.seq,
                "link": check.end.link,
                "seals": check.seals,
                "sealed_to": check.sealed_to,
                "epochs": check.epochs,
                "faults": [{"line": fault.line, "message": fault.message} for fault in check.faults],
            }
        )
    elif check.faults:
        for fault in check.faults:
            typer.echo(f"{what}: {fault}", err=True)
    else:
        typer.echo(_summary(check, what, verb))
    if check.faults:
        raise typer.Exit(1)


def _summary(check: "Check", what: str, verb: str) -> str:
    if not check.lines:
        return f"{what}: nothing in that time"
    span = " to ".join(
        datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds") for ms in (check.first_ms, check.last_ms)
    )
    sealed = (
        f"{counted(check.seals, 'seal')} up to line {check.sealed_to}" if check.seals else "no whole seal among them"
    )
    return f"{what}: {check.lines:,} lines {verb}, {check.start.seq + 1} to {check.end.seq}, {span}; {sealed}"


def _say_pruned(dropped: int, cut: int, as_json: bool) -> None:
    if as_json:
        print_json({"dropped": dropped, "anchor": cut})
    else:
        typer.echo(f"{dropped:,} lines dropped; the record begins after line {cut}" if dropped else "nothing to drop")


def _moment(text: str) -> datetime:
    """A duration ago, or a date with or without a time (UTC where it says nothing)."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return since_moment(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _told(items: Iterable[Item], verb: str) -> Iterator[Item]:
    """The items, with a word on standard error now and then where a person is watching."""
    is_watched = sys.stderr.isatty()
    with ExitStack() as stack:
        if is_watched:
            stack.callback(lambda: typer.echo(file=sys.stderr))
        for number, item in enumerate(items, 1):
            if is_watched and number % _TELL_EVERY == 0:
                sys.stderr.write(f"\r{number:,} lines {verb}")
                sys.stderr.flush()
            yield item
