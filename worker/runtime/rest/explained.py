"""Why an article raised an alert, or did not."""

from datetime import UTC, datetime

from worker.api.answers import Why
from worker.errors import InputError
from worker.runtime.case import find_case
from worker.runtime.rest.call import Call, Desk
from worker.runtime.rest.problem import missing
from worker.why import answer


def alert(desk: Desk, call: Call) -> Why:
    return _why(desk, call, "alert")


def article(desk: Desk, call: Call) -> Why:
    return _why(desk, call, "article")


def _why(desk: Desk, call: Call, what: str) -> Why:
    id_ = call.names[what]
    if id_.startswith("alrt_") != (what == "alert"):
        raise missing(what, id_)
    try:
        case = find_case(desk.store, desk.configuration, id_)
    except InputError:
        raise missing(what, id_) from None
    return Why.model_validate(answer(case, datetime.now(UTC), call.query.watch or None).to_json())
