"""`tocsin quarantine`: look at work that was set aside, and give it another chance."""

from typing import Annotated

import typer

from worker.commands.shared import Habit, Json, print_json, print_rows
from worker.errors import InputError

app = typer.Typer(
    no_args_is_help=True,
    help="Look at work that was set aside after five attempts that never ended, and release it.\n\n"
    "An article or feed comes here when whoever works on it dies or fails each time. Nothing here is lost: "
    "mend the cause, then release.",
)


@app.command(name="list")
def quarantine_list(_config: Habit = None, as_json: Json = False) -> None:
    """Everything that was set aside, the oldest first, with the reason."""
    from worker.runtime.process import open_store

    rows = [
        {
            "stage": held.stage,
            "id": held.id,
            "since": held.at.isoformat(timespec="seconds"),
            "subject": held.subject,
            "reason": held.reason,
        }
        for held in open_store().quarantined()
    ]
    print_rows(rows, "quarantine", as_json, ("stage", "since", "subject", "reason", "id"))


@app.command(name="release")
def quarantine_release(
    stage: Annotated[str, typer.Argument(help="poll, enrich or deliver.")],
    ids: Annotated[list[str] | None, typer.Argument(help="Which; none releases all of the stage.")] = None,
    _config: Habit = None,
    as_json: Json = False,
) -> None:
    """Make work due again, with five attempts before it."""
    from worker.ports import STAGES
    from worker.runtime.process import open_store

    if stage not in STAGES:
        msg = f"there is no stage {stage}; there are {', '.join(STAGES)}"
        raise InputError(msg)
    released = open_store().release(stage, ids or [])
    missing = sorted(set(ids or []) - set(released))
    if missing:
        msg = f"not in quarantine: {', '.join(missing)}; `tocsin quarantine list` names what is"
        raise InputError(msg)
    if as_json:
        print_json({"released": released})
    else:
        typer.echo(f"released {len(released)}")
