"""A topic of the configuration is scored beside the built-in ones, and fires watches."""

import pytest

from tests.fakes import article
from worker.enrich.enricher import load
from worker.errors import ConfigError
from worker.match import Matcher
from worker.model import LanguageModel, Match
from worker.watchlist import load_configuration

YAML = """
topics:
  dual-use-goods:
    description: civilian goods that end up in weapons
    phrases: {"dual-use": 3, "machine tool*": 1}
watches:
  - {id: goods, title: Goods, match: {topic: dual-use-goods}}
"""


@pytest.fixture
def configuration(tmp_path):
    (tmp_path / "a.yaml").write_text(YAML, "utf-8")
    return load_configuration(tmp_path, {})


@pytest.mark.parametrize(
    ("title", "fires"),
    [
        ("Customs officers seized dual-use parts on Monday", True),
        ("Customs officers seized machine tools on Monday", False),
        ("The choir sang on Monday", False),
    ],
)
def test_an_own_topic_fires_by_its_weights(configuration, title, fires):
    enricher = load(configuration.nlp, configuration.topics)
    art = article(title, "The goods were found in the harbour of the town.")
    [analysis] = enricher.enrich([art])
    [verdict] = Matcher(configuration.watches).evaluate(art, analysis)
    assert isinstance(verdict, Match) is fires
    assert analysis.model.startswith(load(LanguageModel()).model + "+"), "analyses with other topics are told apart"


@pytest.mark.parametrize("phrase", ["'~3 arms'", "'ab*'", "'a ~4'", "''"])
def test_a_phrase_that_cannot_be_compiled_is_told(tmp_path, phrase):
    (tmp_path / "a.yaml").write_text(f"topics:\n  mine: {{description: d, phrases: {{{phrase}: 1}}}}\n", "utf-8")
    with pytest.raises(ConfigError, match=r"a\.yaml:2:"):
        load_configuration(tmp_path, {})
