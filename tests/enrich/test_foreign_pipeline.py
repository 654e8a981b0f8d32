"""Any installed spaCy pipeline for English takes the shipped one's place by its name, whatever it is made of."""

import itertools
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import spacy
from spacy.language import Language

from worker.enrich import enricher, pipeline
from worker.errors import ModelError
from worker.model import Article, LanguageModel, Pending
from worker.zones import split_zones

TEXT = (
    "Iran sold 155mm howitzers and two F-16 fighter jets to Russia's army, the White House's spokesman Kim Roe said.\n"
    "The sale of the howitzers breaks United Nations sanctions, the European Union said on Monday in The Hague."
)
PATTERNS = [
    ("QUANTITY", "155mm"),
    ("CARDINAL", "two"),
    ("PRODUCT", "F-16"),
    ("GPE", "Russia's"),
    ("FAC", "the White House's"),
    ("PER", "Kim Roe"),
    ("EVENT", "sale"),
    ("ORG", "the European Union"),
    ("GPE", "The Hague"),
]
OWN_COMPONENT = """
from spacy.language import Language
@Language.factory("en_other_own")
def own(nlp, name, attrs: dict, silent: bool):
    return lambda doc: doc
"""
_numbers = itertools.count()

Install = Callable[..., str]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a pipeline where Python finds packages, laid out as `spacy package` does; its name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(nlp: Language, code: str = "", factory: tuple[str, str] = ("", ""), **changed: object) -> str:
        name = f"en_other_{next(_numbers)}"
        package = tmp_path / name
        inner = package / f"en_{nlp.meta['name']}-{nlp.meta['version']}"
        package.mkdir()
        nlp.to_disk(inner)
        config = (inner / "config.cfg").read_text()
        (inner / "config.cfg").write_text(config.replace(f'factory = "{factory[0]}"', f'factory = "{factory[1]}"'))
        meta = json.loads((inner / "meta.json").read_text()) | changed
        for folder in (package, inner):
            (folder / "meta.json").write_text(json.dumps(meta))
        (package / "__init__.py").write_text(code)
        return name

    return put


@pytest.fixture(autouse=True)
def forget_packages() -> Iterator[None]:
    yield
    for name in [name for name in sys.modules if name.startswith("en_other")]:
        del sys.modules[name]


def article_of(text: str) -> Article:
    title, _, body = text.partition("\n")
    return Article("art_1", "feed_1", "Wire", title, text, split_zones(title, body))


def with_ruler() -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": label, "pattern": words} for label, words in PATTERNS])  # type: ignore[attr-defined]
    return nlp


def with_networks() -> Language:
    """The shape of spaCy's own: a tagger, a parser and names over one layer of vectors; none has learnt anything."""
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec")
    for component, labels in (
        ("tagger", ["NN"]),
        ("parser", ["nsubj"]),
        ("senter", []),
        ("ner", ["PERSON", "PRODUCT"]),
    ):
        pipe = nlp.add_pipe(component)
        for label in labels:
            pipe.add_label(label)  # type: ignore[attr-defined]
    nlp.initialize()
    return nlp


def test_its_names_come_under_our_labels_without_articles_and_numbers_and_beside_what_our_rules_find(install: Install):
    reader = enricher.load(LanguageModel(install(with_ruler())))
    [analysis] = reader.enrich([article_of(TEXT)])
    found = [(one.text, one.label, one.id) for one in analysis.entities]
    assert found == [
        ("Iran", "GPE", "IR"),
        ("howitzers", "WEAPON", None),
        ("F-16", "WEAPON", None),
        ("fighter jets", "WEAPON", None),
        ("Russia", "GPE", "RU"),
        ("White House", "FAC", "US"),
        ("Kim Roe", "PERSON", None),
        ("sale", "EVENT", None),
        ("howitzers", "WEAPON", None),
        ("European Union", "ORG", "EU"),
        ("Monday", "DATE", None),
        ("The Hague", "GPE", "NL"),
    ]
    assert all(TEXT[one.start : one.end] == one.text for one in analysis.entities)


def test_topics_and_events_are_read_with_its_names_too(install: Install):
    reader = enricher.load(LanguageModel(install(with_ruler())))
    [analysis] = reader.enrich([article_of(TEXT)])
    assert analysis.topics[0].topic == "arms-transfer"
    supplied = next(event for event in analysis.events if event.type == "transfer")
    assert [(one.role, one.id) for one in supplied.fillers if one.id] == [
        ("supplier", "IR"),
        ("recipient", "RU"),
        ("claimant", "US"),
    ]
    assert analysis.model.startswith("en_")


def test_a_glance_leaves_everything_to_its_names(install: Install):
    reader = enricher.load(LanguageModel(install(with_ruler())))
    [seen] = reader.glance([article_of(TEXT)])
    assert seen.pending == Pending()
    assert reader.complete([article_of(TEXT)], [seen]) == reader.enrich([article_of(TEXT)])


def test_what_only_costs_time_is_not_loaded(install: Install):
    nlp = pipeline.load(install(with_networks()))
    assert nlp.pipe_names == ["tok2vec", "ner", "tocsin_names", "tocsin_gazetteer"]
    assert len(list(nlp.pipe(["Iran sold howitzers."]))) == 1


def test_where_another_component_may_read_it_nothing_is_left_out(install: Install):
    made = with_networks()
    made.add_pipe("entity_ruler", last=True)
    nlp = pipeline.load(install(made))
    assert nlp.pipe_names == [
        "tok2vec",
        "tagger",
        "parser",
        "senter",
        "ner",
        "entity_ruler",
        "tocsin_names",
        "tocsin_gazetteer",
    ]


def test_the_components_that_a_package_registers_are_there(install: Install):
    made = with_ruler()
    made.add_pipe("doc_cleaner", name="en_other_own")
    name = install(made, OWN_COMPONENT, factory=("doc_cleaner", "en_other_own"))
    assert "en_other_own" in pipeline.load(name).pipe_names


def test_an_unknown_id_of_an_entity_linker_is_none(install: Install):
    nlp = pipeline.load(install(with_ruler()))
    doc = nlp.make_doc("Roe met Doe")
    doc.ents = [doc.char_span(0, 3, "PERSON", kb_id="NIL"), doc.char_span(8, 11, "PERSON", kb_id="Q42")]  # type: ignore[assignment]
    told = nlp.get_pipe("tocsin_names")(doc)
    assert [ent.kb_id_ for ent in told.ents] == ["", "Q42"]


FAULTS = {
    "another version": ({"spacy_version": ">=3.6.0,<3.7.0"}, "was made for spaCy >=3.6.0,<3.7.0, installed is"),
    "another language": ({"lang": "de"}, "topics and events are read in 'en' only"),
    "a lacking package": (
        {"requirements": ["spacy-curated-nothing>=0.2"]},
        '-m pip install "spacy-curated-nothing>=0.2"',
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_pipeline_that_does_not_fit_is_told_with_what_to_do(install: Install, fault: str):
    changed, told = FAULTS[fault]
    name = install(with_ruler(), **changed)
    with pytest.raises(ModelError) as raised:
        pipeline.load(name)
    assert name in str(raised.value)
    assert told in str(raised.value)


def test_a_package_that_fails_as_it_is_imported_is_one_message(install: Install):
    name = install(with_ruler(), "raise OSError('no meta.json')")
    with pytest.raises(ModelError, match=f"{name} cannot be loaded: no meta.json"):
        pipeline.load(name)


def test_a_missing_pipeline_is_told_with_the_command_that_installs_it():
    with pytest.raises(ModelError, match=r"-m spacy download en_core_web_none`"):
        pipeline.load("en_core_web_none")


def test_a_name_that_is_no_pipeline_is_told_apart_from_one_that_is_not_there():
    with pytest.raises(ModelError, match="holds no spaCy pipeline"):
        pipeline.load("json")
    with pytest.raises(ModelError, match="no pipeline in the folder"):
        pipeline.load("models/nothing-here")
