"""One's own format: a Jinja2 template, of which only what is bounded and harmless is understood.

`{{ … }}`, `{% for %}`, `{% if %}` and a list of filters; no calls, macros, assignments or includes. So a template reads
nothing but the message, takes at most `MOST_TURNS` turns in its loops, and ends its output at `SIZE_LIMIT` characters.

Where the content type is JSON, each `{{ … }}` writes a JSON value with its quotation marks, so that nothing an article
says can end a string early; HTML is escaped, and plain text is written as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment, Template, nodes

SIZE_LIMIT, SOURCE_LIMIT = 64_000, 20_000
MOST_TURNS = 10_000
_MOST_DIGITS = 15
_TOO_DEEP = "is nested too deeply; at most some twenty loops and conditions stand within each other"
JSON, TEXT, HTML = "application/json", "text/plain; charset=utf-8", "text/html; charset=utf-8"
CONTENT_TYPES: Mapping[str, str] = {"json": JSON, "text": TEXT, "html": HTML}
_FILTERS = frozenset(
    "abs capitalize count d default e escape first float groupby int join last length list lower map max min reject "
    "rejectattr replace reverse round select selectattr sort string striptags sum title tojson trim truncate unique upper "
    "urlencode wordcount".split()
)
_NODES = frozenset(
    "Template Output TemplateData For If Name Const TemplateData Getattr Getitem Slice Filter Test Compare Operand And Or "
    "Not Concat Add Sub CondExpr List Tuple Dict Pair Keyword Neg".split()
)


class TemplateError(ValueError):
    """The template is wrong, or what it makes is; the message says where and how to mend it."""


def check(source: str, content_type: str, samples: Iterable[Mapping[str, Any]]) -> None:
    """Try a template with sample messages. Raises TemplateError."""
    for values in samples:
        render(source, content_type, values)


def render(source: str, content_type: str, values: Mapping[str, Any]) -> str:
    """What the template makes of a message. Raises TemplateError."""
    import jinja2

    turns = _Turns()
    pieces: list[str] = []
    left = SIZE_LIMIT
    try:
        for piece in _compile(source, content_type).generate(**values, _turns=turns):
            pieces.append(str(piece))
            left -= len(piece)
            _refuse_long(left < 0)
    except jinja2.UndefinedError as error:
        msg = f"asks for what is not there: {error.message}"
        raise TemplateError(msg) from None
    except TemplateError:
        raise
    except (RecursionError, MemoryError):
        raise TemplateError(_TOO_DEEP) from None
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        msg = f"cannot be filled in: {error}"
        raise TemplateError(msg) from None
    text = "".join(pieces)
    if content_type == JSON:
        _check_json(text)
    return text


def _refuse_long(is_long: bool) -> None:
    if is_long:
        msg = f"makes more than {SIZE_LIMIT} characters"
        raise TemplateError(msg)


def _check_json(text: str) -> None:
    try:
        json.loads(text)
    except ValueError as error:
        msg = f"makes no JSON ({error}); every {{{{ … }}}} brings its own quotation marks, so write none around it"
        raise TemplateError(msg) from None


class _Turns:
    """Counts the turns of all loops of one rendering."""

    def __init__(self) -> None:
        self.left = MOST_TURNS

    def through(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.left -= 1
            if self.left < 0:
                msg = f"takes more than {MOST_TURNS} turns in its loops"
                raise TemplateError(msg)
            yield item


@lru_cache(maxsize=100)
def _compile(source: str, content_type: str) -> Template:
    import jinja2

    if len(source) > SOURCE_LIMIT:
        msg = f"is longer than {SOURCE_LIMIT} characters"
        raise TemplateError(msg)
    environment = _environment(content_type)
    try:
        tree = environment.parse(source)
        _refuse_unbounded(tree)
        _bound_sums(tree)
        return jinja2.Template.from_code(environment, environment.compile(tree), {})
    except jinja2.TemplateSyntaxError as error:
        msg = f"line {error.lineno}: {error.message}"
        raise TemplateError(msg) from None
    except (SyntaxError, RecursionError, MemoryError):  # what Python says of the code that Jinja makes
        raise TemplateError(_TOO_DEEP) from None


def _refuse_unbounded(tree: nodes.Template) -> None:
    from jinja2 import nodes

    for node in tree.find_all(nodes.Node):
        kind = type(node).__name__
        if kind not in _NODES:
            msg = f"line {node.lineno}: {kind} is not understood here; there are {{{{ … }}}}, for, if and filters"
            raise TemplateError(msg)
        if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
            msg = f"line {node.lineno}: there is no filter {node.name}; there are {', '.join(sorted(_FILTERS))}"
            raise TemplateError(msg)
        if isinstance(node, nodes.For) and node.recursive:
            msg = f"line {node.lineno}: a loop cannot be recursive"
            raise TemplateError(msg)
    for loop in list(tree.find_all(nodes.For)):
        loop.iter = nodes.Filter(loop.iter, "through_turns", [], [], None, None, lineno=loop.lineno)


def _bound_sums(tree: nodes.Template) -> None:
    """Let `~` and `+` look at the length before they make anything: nested loops would double it at each level."""
    from jinja2 import nodes
    from jinja2.visitor import NodeTransformer

    class Bounded(NodeTransformer):
        def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - Jinja's name
            self.generic_visit(node)
            parts = nodes.List(node.nodes, lineno=node.lineno)
            return nodes.Filter(parts, "concatenated", [], [], None, None, lineno=node.lineno)

        def visit_Add(self, node: nodes.Add) -> nodes.Node:  # noqa: N802 - Jinja's name
            self.generic_visit(node)
            return nodes.Filter(node.left, "plus", [node.right], [], None, None, lineno=node.lineno)

    Bounded().visit(tree)


class _Json(str):
    """A piece of JSON, which is not written as JSON again."""

    __slots__ = ()


def _to_json(value: Any) -> _Json:
    text = json.dumps(value, ensure_ascii=False)
    _refuse_long(len(text) > SIZE_LIMIT)  # each turn through it doubles backslashes
    return _Json(text)


def _join(items: Iterable[Any], between: str = "") -> str:
    parts = [str(item) for item in items]
    _refuse_long(sum(map(len, parts)) + len(between) * len(parts) > SIZE_LIMIT)
    return between.join(parts)


def _concatenated(parts: Iterable[Any], *, is_html: bool) -> Any:
    """What `~` makes. In HTML, text beside markup is escaped."""
    from jinja2.runtime import markup_join, str_join

    written = [part if hasattr(part, "__html__") else str(part) for part in parts]
    _refuse_long(sum(map(len, written)) > SIZE_LIMIT)
    return (markup_join if is_html else str_join)(written)


def _plus(left: Any, right: Any) -> Any:
    if hasattr(left, "__len__") and hasattr(right, "__len__"):
        _refuse_long(len(left) + len(right) > SIZE_LIMIT)
    return left + right


def _round(value: float, precision: int = 0, method: str = "common") -> Any:
    from jinja2.filters import do_round

    if abs(precision) > _MOST_DIGITS:
        msg = f"rounds to more than {_MOST_DIGITS} digits"
        raise TemplateError(msg)
    return do_round(value, precision, method)  # type: ignore[arg-type]  # it says itself which methods there are


def _replace(text: str, old: str, new: str) -> str:
    _refuse_long(len(text) + text.count(old) * len(new) > SIZE_LIMIT)
    return text.replace(old, new)


def _environment(content_type: str) -> Environment:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def as_json(value: Any) -> Any:
        return value if isinstance(value, jinja2.Undefined | _Json) else _to_json(value)

    @jinja2.pass_context
    def through_turns(context: Any, items: Iterable[Any]) -> Iterator[Any]:
        turns: _Turns = context["_turns"]
        return turns.through(items)

    made = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined,
        autoescape=content_type == HTML,
        finalize=as_json if content_type == JSON else None,
    )
    made.filters = {name: rule for name, rule in made.filters.items() if name in _FILTERS}
    made.filters |= {"tojson": _to_json, "join": _join, "replace": _replace, "through_turns": through_turns}
    made.filters |= {
        "concatenated": partial(_concatenated, is_html=content_type == HTML), "plus": _plus, "round": _round,
    }  # fmt: skip
    made.globals = {}
    return made
