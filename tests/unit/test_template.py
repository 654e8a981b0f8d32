"""One's own template: what it may say, what it cannot do, and that an alert is told even where it fails."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOW, SECRET, endpoint
from worker.deliver import body, sample, template
from worker.deliver.template import HTML, JSON, TEXT, TemplateError, render
from worker.errors import ConfigError
from worker.model import Format
from worker.watchlist import load_configuration

NASTY = 'a "quoted" \\ <b>bold</b> \n {{ 7*7 }} {% raw %} </script>'
VALUES = {"title": NASTY, "alerts": [{"t": "x"}, {"t": "y"}], "digest": None, "n": 5}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('{"text": {{ title }}}', {"text": NASTY}),
        ('{"text": {{ "News: " ~ title | upper }}}', {"text": "News: " + NASTY.upper()}),
        ('{"n": {{ n }}, "none": {{ digest }}}', {"n": 5, "none": None}),
        ('{"all": {{ alerts | map(attribute="t") | list }}}', {"all": ["x", "y"]}),
        ('{"all": {{ alerts | tojson }}}', {"all": VALUES["alerts"]}),
        ("[{% for a in alerts %}{{ a.t }}{% if not loop.last %},{% endif %}{% endfor %}]", ["x", "y"]),
        ('{"text": {{ title | tojson | upper }}}', {"text": json.dumps(NASTY).upper()}),
        ('{"text": {{ title | e }}}', {"text": str(__import__("markupsafe").escape(NASTY))}),
    ],
)
def test_in_json_every_expression_is_a_value_of_its_own(source, said):
    assert json.loads(render(source, JSON, VALUES)) == said


@given(st.text(max_size=300))
def test_nothing_an_article_says_ends_a_json_string(title):
    said = json.loads(
        render('{"a": {{ title }}, "b": {{ title | trim }}, "c": {{ title | e }}}', JSON, {"title": title})
    )
    assert (said["a"], set(said)) == (title, {"a", "b", "c"})


def test_html_is_escaped_and_text_is_not():
    assert "<b>" not in render("<p>{{ title }}</p>", HTML, VALUES)
    assert render("<p>{{ n }}</p>", HTML, VALUES) == "<p>5</p>"
    assert render("{{ title }}", TEXT, VALUES) == NASTY


def _nested(doubled: str, levels: int = 12) -> str:
    """Loops of one turn, each of which doubles the text of the one around it."""
    loops = "".join(f"{{% for x in [{doubled}] %}}" for _ in range(levels))
    return "{% for x in [t] %}" + loops + "x" + "{% endfor %}" * (levels + 1)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ 1 + 2 }} {{ 2.345 | round(1) }} {{ [1] + [2] }}", "3 2.3 [1, 2]"),
        ("{{ 'a' ~ 1 ~ [n] }}", "a1[5]"),
        ("{{ 'a' + 'b' }}", "ab"),
    ],
)
def test_what_is_small_is_added_and_rounded_as_ever(source, said):
    assert render(source, TEXT, VALUES) == said


def test_what_is_put_together_in_html_is_escaped_once():
    assert render("{{ '<' ~ title | upper | e ~ '>' }}", HTML, {"title": "<b>"}) == "&lt;&lt;B&gt;&gt;"


def test_a_template_that_is_nested_too_deeply_is_a_mistake_in_its_place(tmp_path):
    text = "endpoints: {own: {url: {env: URL}, format: template, content: text, template: {file: own.j2}}}\n"
    with pytest.raises(ConfigError, match="nested too deeply"):
        load(tmp_path, text, **{"own.j2": "{% if id %}" * 120 + "{% endif %}" * 120})


@pytest.mark.parametrize(
    ("reason", "source", "told"),
    [
        ("a misspelt name", "{{ titel }}", "'titel' is undefined"),
        ("a missing field", "{{ alerts[0].zzz }}", "has no attribute 'zzz'"),
        ("quotation marks around", '{"a": "{{ title }}"}', "brings its own quotation marks"),
        ("a call", '{{ "a".ljust(1000000000) }}', "Call is not understood"),
        ("a multiplication", "{{ title * 1000000000 }}", "Mul is not understood"),
        ("a formatting", '{{ "%1000000000d" % 1 }}', "Mod is not understood"),
        ("an assignment", "{% set x = 1 %}", "Assign is not understood"),
        ("a macro", "{% macro a() %}{% endmacro %}", "Macro is not understood"),
        ("an include", '{% include "/etc/passwd" %}', "Include is not understood"),
        ("an import", '{% import "os" as os %}', "Import is not understood"),
        ("an unknown filter", "{{ title | center(9) }}", "there is no filter center"),
        ("an unknown filter by name", '{{ alerts | map("center") | list }}', "center"),
        ("the way out of the sandbox", '{{ title["__class__"]["__mro__"] }}', "unsafe"),
        ("and another", "{{ title | map(attribute='__class__') | list }}", ""),
        ("a syntax error with its line", "\n\n{% if %}", "line 3"),
        ("too many turns", "{% for a in t %}{% for b in t %}{% endfor %}{% endfor %}", "turns in its loops"),
        ("too long", "{% for a in t %}{{ t }}{% endfor %}", "more than 64000 characters"),
        ("growing by replacing", '{{ t | replace("x", t) | replace("x", t) }}', "more than 64000 characters"),
        ("growing by joining", "{{ t | join(t) | list | join(t) }}", "more than 64000 characters"),
        ("growing by concatenation", _nested("x ~ x"), "more than 64000 characters"),
        ("growing by addition", _nested("x + x"), "more than 64000 characters"),
        ("rounding without end", '{{ 1 | round(999999999, "ceil") }}', "more than 15 digits"),
        ("rounding by name", '{{ [1] | map("round", 999999999, "ceil") | list }}', "more than 15 digits"),
        ("loops within loops", "{% for x in t %}" * 30 + "{% endfor %}" * 30, "nested too deeply"),
        ("conditions within conditions", "{% if n %}" * 120 + "{% endif %}" * 120, "nested too deeply"),
        ("parentheses within parentheses", "{{ " + "(" * 3_000 + "n" + ")" * 3_000 + " }}", "nested too deeply"),
        ("signs without end", "{{ " + "-" * 15_000 + "n }}", "nested too deeply"),
        ("growing by quoting", "{{ t" + " | tojson" * 30 + " }}", "more than 64000 characters"),
    ],
)  # fmt: skip
def test_what_is_wrong_unbounded_or_harmful_is_refused_with_the_reason(reason, source, told):
    content = JSON if "quotation" in told else TEXT
    values = VALUES | {"t": "x" * 500 + '"'}
    try:
        made = render(source, content, values)
    except TemplateError as error:
        assert told in str(error), reason
    else:
        assert (told, "class" in made) == ("", False), reason


def load(tmp_path, text, **files):
    for name, content in files.items():
        (tmp_path / name).write_text(content, "utf-8")
    (tmp_path / "config.yaml").write_text(text, "utf-8")
    environ = {
        "URL": "https://x.example/hook", "SECRET": SECRET, "MAIL": "json://10.0.0.1", "PLAIN": "http://10.0.0.1/",
    }  # fmt: skip
    return load_configuration(tmp_path, environ)


OWN = """
endpoints:
  own:
    url: {env: URL}
    format: template
    template: |
      {"text": {{ severity ~ ": " ~ title }}, "of": {{ alert.watch.id }}}
"""


def test_a_template_makes_the_body_of_an_alert_and_of_a_digest(tmp_path):
    [own] = load(tmp_path, OWN).endpoints
    assert (own.secrets, own.content_type) == ((), "application/json")
    one, together = sample.cards(NOW)
    assert json.loads(body.render(one, own)[0])["text"].startswith("info: Test: Norland")
    assert json.loads(body.render(together, own)[0]) == {
        "text": "info: Digest: 2 alerts of A test of this endpoint",
        "of": "test",
    }


def test_a_template_may_stand_in_a_file_and_changes_the_configurations_hash(tmp_path):
    text = "endpoints:\n  own: {url: {env: URL}, format: template, content: text, template: {file: own.j2}}\n"
    first = load(tmp_path, text, **{"own.j2": "{{ title }}"})
    assert body.render(sample.cards(NOW)[0], first.endpoints[0]) == ("Test: Norland ships tanks to Sudmark", TEXT)
    assert load(tmp_path, text, **{"own.j2": "{{ id }}"}).hash != first.hash


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (OWN.replace("title }}", "titel }}"), "config.yaml:6"),
        (OWN.replace("{{ alert.watch.id }}", '"{{ id }}"'), "the template makes no JSON"),
        ("endpoints: {own: {url: {env: URL}, format: template}}", "go together"),
        ("endpoints: {own: {url: {env: URL}, format: slack, template: x}}", "go together"),
        ("endpoints: {own: {url: {env: URL}, format: template, template: {file: none.j2}}}", "none.j2 is missing"),
        ("endpoints: {own: {url: {env: MAIL}, format: apprise}}", "no guard watches"),
        ("endpoints: {own: {url: {env: PLAIN}, format: slack}}", "leads to an http address"),
        ("endpoints: {own: {url: {env: URL}, format: apprise}}", "not an address of Apprise"),
    ],
)
def test_a_mistake_is_told_when_the_configuration_is_read(tmp_path, text, told):
    with pytest.raises(ConfigError) as error:
        load(tmp_path, text + "\n")
    assert told in str(error.value)
    assert "10.0.0.1" not in str(error.value)


@pytest.mark.parametrize("content_type", [JSON, TEXT, HTML])
def test_an_alert_whose_template_fails_is_told_in_plain_words(content_type):
    failing = endpoint(format=Format.TEMPLATE, template="{{ alert.gone.away }}", content_type=content_type)
    for card in sample.cards(NOW):
        text, said = body.render(card, failing)
        assert said == content_type
        assert card.title.partition(":")[0] in text
        assert "not there" in text or "no attribute" in text
    assert template.JSON == JSON


def test_apprise_is_told_in_plain_text_that_rings_nobody():
    one, together = sample.cards(NOW)
    nasty = one.__class__(**{n: getattr(one, n) for n in one.__slots__} | {"title": "@everyone\r\nBcc: x <!channel>"})
    said = json.loads(body.render(nasty, endpoint(format=Format.APPRISE))[0])
    assert "\n" not in said["title"]
    assert "\r" not in said["title"]
    assert "@everyone" not in said["title"]
    assert "<!channel>" not in said["title"]
    assert set(said) == {"title", "body", "type"}
    told = json.loads(body.render(together, endpoint(format=Format.APPRISE))[0])
    assert told["body"].count("Norland ships tanks") == 2
