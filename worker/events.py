"""An event as one readable line, and as a fact by which two reports of it are told to be the same."""

from collections.abc import Collection, Iterable, Iterator

from worker.model import Event, Filler, Role

_PARTIES: tuple[Role, ...] = ("supplier", "recipient", "imposer", "target", "violator", "regime", "counterparty")
_STANCES = {
    "asserted": "told",
    "alleged": "told",
    "planned": "ahead",
    "requested": "ahead",
    "hypothetical": "ahead",
    "denied": "denied",
    "negated": "denied",
}
"""Modalities that make the same fact: a delivery that was planned and now happened is a new one."""
_LONGEST = 60
_MOST = 4


def line(event: Event) -> str:
    """As in "North Korea → Russia: ballistic missiles · alleged by the United States"."""
    return _content(event) + _stance(event)


def extent(event: Event) -> tuple[int, int]:
    """The stretch of text from the first to the last word of the event, its claimant left out."""
    own = [filler for filler in event.fillers if filler.role != "claimant"]
    return min([event.trigger.start, *(f.start for f in own)]), max([event.trigger.end, *(f.end for f in own)])


def fact(event: Event) -> str:
    """What is told, without the words it is told in: its type, whether it happened, and who and what by id or label."""
    named = sorted({f"{filler.role}={_key(filler)}" for filler in event.fillers if filler.role in _PARTIES})
    items = sorted({f"item={filler.label or filler.text.casefold()}" for filler in event.of("item")})
    return "|".join((event.type, _STANCES[event.modality], *named, *items))


def is_new(told: str, before: Iterable[str]) -> bool:
    """Whether a fact says anything that none of the earlier ones does: fewer roles of a known one are nothing new."""
    parts = set(told.split("|"))
    return not any(parts <= set(one.split("|")) for one in before)


def name(filler: Filler) -> str:
    """How a filler is called: what it stands for, else its own words."""
    text = " ".join((filler.name or filler.text).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _content(event: Event) -> str:
    match event.type:
        case "transfer":
            items = _list(event.of("item")) or "goods not named"
            return f"{_who(event, 'supplier')} → {_who(event, 'recipient')}: {items}" + "".join(_details(event))
        case "sanction":
            measure = _list(event.of("measure")) or "sanctions"
            return f"{_who(event, 'imposer')} against {_who(event, 'target')}: {measure}"
        case "violation":
            regime = _list(event.of("regime"))
            broken = f"sanctions ({regime})" if regime else "sanctions"
            partner = _list(event.of("counterparty"))
            return f"{_who(event, 'violator')} breaks {broken}" + (f" with {partner}" if partner else "")


def _details(event: Event) -> Iterator[str]:
    if price := _list(event.of("price")):
        yield f" for {price}"
    if route := _list(event.of("via")):
        yield f" via {route}"


def _stance(event: Event) -> str:
    claimants = _list(event.of("claimant"), with_article=True)
    if event.modality == "asserted":
        return f" · says {claimants}" if claimants else ""
    joined = " by " if event.modality == "alleged" else ", says "
    return f" · {event.modality}" + (f"{joined}{claimants}" if claimants else "")


def _who(event: Event, role: Role) -> str:
    return _list(event.of(role)) or "?"


def _list(fillers: Collection[Filler], *, with_article: bool = False) -> str:
    names = list(dict.fromkeys(_with_article(name(one)) if with_article else name(one) for one in fillers))
    more = [f"{len(names) - _MOST} more"] if len(names) > _MOST else []
    shown = [*names[:_MOST], *more]
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))


def _with_article(text: str) -> str:
    is_plural = text.startswith("United ") or text.endswith((" Union", " Nations", " Kingdom"))
    return f"the {text}" if is_plural else text


def _key(filler: Filler) -> str:
    return filler.id or (filler.name or filler.text).casefold().replace("|", " ")
