"""What a finding means for a person: the first thing that is missing, and the conditions that count."""

from collections.abc import Iterator

from worker.model import Finding

_UNKNOWN = {"age": "the article has no date", "score": "a condition is unknown"}


def find_missing(finding: Finding) -> str:
    """What would have to become true first for `finding` to be true; "" where it is true."""
    if finding.truth == "true":
        return ""
    match finding.kind:
        case "none":
            culprit = next((child for child in finding.children if child.truth != "false"), finding)
            return f"not {culprit.asks}"
        case "all":
            return next((find_missing(child) for child in finding.children if child.truth != "true"), finding.asks)
        case "any":
            return " or ".join(find_missing(child) for child in finding.children) or finding.asks
        case "score":
            return next(
                (find_missing(child) for child in finding.children if child.truth != "true"), _short_of(finding)
            )
    got = f" (scored {finding.score:.2f})" if finding.score is not None else ""
    why = _UNKNOWN.get(finding.kind, "no model for this language")
    return finding.asks + got + (f" (unknown: {why})" if finding.truth == "unknown" else "")


def leaves(finding: Finding) -> Iterator[Finding]:
    """The positive conditions under `finding`, in order; what stands under `none` is left out."""
    if finding.kind == "none":
        return
    if not finding.children:
        yield finding
    for child in finding.children:
        yield from leaves(child)


def _short_of(finding: Finding) -> str:
    absent = next((leaf.asks for leaf in leaves(finding) if leaf.truth != "true"), "")
    return f"{finding.asks} (reached {finding.score or 0:g}" + (f", {absent} would add to it)" if absent else ")")
