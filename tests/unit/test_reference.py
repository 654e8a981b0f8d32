"""The page and the schema are those of the models, and every example does what it says."""

import json
import re

import jsonschema
import pytest

from tests.fakes import PhraseEnricher
from worker.enrich.enricher import load
from worker.watchlist import load_configuration, reference, yaml

EXAMPLES = list(reference.examples())


def test_the_page_is_up_to_date():
    assert reference.PAGE_FILE.read_text("utf-8") == reference.page(), "run python -m worker.watchlist.reference"


def test_the_schema_is_up_to_date():
    assert reference.SCHEMA_FILE.read_text("utf-8") == reference.json_schema(), (
        "run python -m worker.watchlist.reference"
    )


def test_every_yaml_on_the_page_is_a_tested_example():
    blocks = re.findall(r"```yaml\n(.*?)```", reference.page(), re.DOTALL)
    assert blocks
    assert {block.strip() for block in blocks} == {example.strip() for _, example in EXAMPLES}


@pytest.mark.parametrize(("section", "example"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_an_example_loads_and_its_tests_pass(tmp_path, section, example):
    from worker.watchtest import run_tests

    (tmp_path / "a.yaml").write_text(example, "utf-8")
    reader = load() if "event:" in example else PhraseEnricher()  # who did what is read from names
    outcomes = list(run_tests(load_configuration(tmp_path, {}), reader))
    assert all(not outcome.failures for outcome in outcomes), outcomes


@pytest.mark.parametrize(("section", "example"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_an_example_passes_the_editors_schema(section, example):
    value = yaml.read("a.yaml", example.encode()).value
    jsonschema.validate(_typed(value), json.loads(reference.json_schema()))


@pytest.mark.parametrize(
    "text", ["watches: [{id: a}]", "watches: [{id: A B, title: t, match: {topic: x}}]", "wotches: []",
             "watches: [{id: a, title: t, match: {topik: x}}]"]
)  # fmt: skip
def test_the_editors_schema_refuses_mistakes(text):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(_typed(yaml.read("a.yaml", text.encode()).value), json.loads(reference.json_schema()))


def _typed(value):
    """Scalars as an editor's YAML reader takes them."""
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    if value in ("true", "false"):
        return value == "true"
    return float(value) if re.fullmatch(r"\d+(\.\d+)?", value) else value
