"""Whether RE2 takes a regular expression, and what to do where it does not."""

_ADVICE = {
    "invalid perl operator": "look-around is not supported",
    "invalid escape sequence": "back-references are not supported; write a backslash as in 'a\\.b'",
    "pattern too large": "make it shorter or bound its repetitions",
    "bad repetition operator": "one repetition at a place",
}


def explain_refusal(pattern: str) -> tuple[str, str] | None:
    """What is wrong with a pattern and a hint, or None where it can be watched."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 8 << 20
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        hint = next(
            (advice for start, advice in _ADVICE.items() if reason.lower().startswith(start)), "see RE2's syntax"
        )
        return f"`regex`: RE2 refuses it: {reason}", hint
    if compiled.search("") is not None:
        return "`regex` also matches nothing at all, so it would always be true", "make one part of it obligatory"
    return None
