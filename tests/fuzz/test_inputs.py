"""Whatever bytes come in from outside, a value or a named error comes out, and soon: never a crash, never a hang."""

from datetime import UTC, datetime
from functools import cache

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from tests.fakes import ARMS, HARMLESS, analyse, article, rss
from tests.fuzz.bent import bent, bent_tree, fuzzed, soon
from worker import trial
from worker.dedupe import identify
from worker.errors import ConfigError, InputError
from worker.match import Matcher
from worker.model import Document, Feed, FeedState, Fetched, PollFailed
from worker.parse import parse
from worker.plaintext import html_to_text, one_line
from worker.watchlist import condition_schema, event_schema, list_schema, load_configuration, schema
from worker.watchlist.list_formats import ListFileError, read_list
from worker.watchlist.list_schema import ColumnsSection

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FEED = Feed("feed_f", "https://f.example/", "f")

SEEDS = (
    rss(ARMS, HARMLESS).encode(),
    (
        b"<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>1</id><title>t</title><updated>2026-03-01T00:00:00Z</updated>"
        b"<content type='html'>&lt;p&gt;x&lt;/p&gt;</content></entry></feed>"
    ),
    b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "title": "t", "content_html": "<p>x</p>"}]}',
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><item><title>t</title></item></rdf:RDF>',
)
SECTIONS = [
    yaml.safe_load(section.example)
    for module in (condition_schema, event_schema, list_schema, schema)
    for section in vars(module).values()
    if isinstance(getattr(section, "example", None), str)
]
"""The examples of the reference: every kind of condition, list and topic."""
YAML_SEEDS = (
    b"watches:\n  - {id: a, title: A, match: {phrase: battle tanks}}\n",
    b"feeds:\n  - {url: 'https://f.example/', name: f, interval: 15m}\n",
    b"lists:\n  x: {ids: [KP], aliases: ['North Korea*'], phrases: []}\n",
    *(yaml.safe_dump(tree).encode() for tree in SECTIONS),
)
LIST_SEEDS = (
    ("text", b"Khan, Abdul Qadeer # a person\nKorea Mining Corp\n"),
    ("csv", b'id,name,aliases,weak_aliases,type\n1,Some Trading Co,Some Co;STC,,entity\n2,"Doe, John",,JD,person\n'),
    ("opensanctions", b"id,schema,name,aliases,program_ids\nQ1,Person,John Doe,J. Doe;Johnny,X\n"),
    ("ofac_sdn", b'1,"DOE, John",individual,"SDGT",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,"a.k.a. \'JD\'."\n'),
    (
        "un",
        b"<CONSOLIDATED_LIST><INDIVIDUALS><INDIVIDUAL><DATAID>1</DATAID><FIRST_NAME>John</FIRST_NAME>"
        b"<SECOND_NAME>Doe</SECOND_NAME><INDIVIDUAL_ALIAS><QUALITY>Low</QUALITY><ALIAS_NAME>JD; Johnny</ALIAS_NAME>"
        b"</INDIVIDUAL_ALIAS></INDIVIDUAL></INDIVIDUALS></CONSOLIDATED_LIST>",
    ),
    (
        "eu",
        b'<export><sanctionEntity euReferenceNumber="EU.1"><regulation programme="PRK"/><subjectType code="person"/>'
        b'<nameAlias firstName="John" lastName="Doe" wholeName="John Doe" strong="true"/></sanctionEntity></export>',
    ),
    (
        "ofac_sdn_advanced",
        b'<Sanctions><NamePartType ID="1">Last Name</NamePartType><PartyType ID="1">Individual</PartyType>'
        b'<PartySubType ID="4" PartyTypeID="1"/><DistinctParty><Profile ID="9" PartySubTypeID="4"><Identity>'
        b'<Alias Primary="true"><DocumentedName><DocumentedNamePart><NamePartValue NamePartGroupID="7">DOE'
        b"</NamePartValue></DocumentedNamePart></DocumentedName></Alias><NamePartGroups><MasterNamePartGroup>"
        b'<NamePartGroup ID="7" NamePartTypeID="1"/></MasterNamePartGroup></NamePartGroups></Identity></Profile>'
        b'</DistinctParty><SanctionsEntry ProfileID="9"><SanctionsMeasure><Comment>SDGT</Comment></SanctionsMeasure>'
        b"</SanctionsEntry></Sanctions>",
    ),
)
READ = article(
    "North Korea shipped artillery shells to Russia, Washington says",
    "The tanker IMO 9123456 left Nampo on 3 March. Iran denies supplying drones.",
)


@cache
def enricher():
    from worker.enrich.enricher import load

    return load()


@pytest.fixture(scope="module")
def understood():
    """The analysis of one article, by the shipped models, which are loaded by then."""
    return enricher().enrich([READ])[0]


@fuzzed
@given(bent(SEEDS) | st.binary(max_size=400), st.sampled_from(["", "application/xml", "text/html", "application/json"]))
@example(b"", "")
def test_feed_documents(body, content_type):
    with soon("feed_documents", body):
        document = parse(Fetched(body, FEED.url, content_type))
        assert isinstance(document, Document | PollFailed)
        if isinstance(document, Document):
            for draft in identify(FEED, FeedState(), document, NOW):
                told = draft.article
                assert told.text.startswith(told.title + "\n")
                assert all(0 <= zone.start <= zone.end <= len(told.text) for zone in told.zones)


@fuzzed
@given(text=st.text(max_size=600) | bent((*SEEDS, READ.text.encode())).map(lambda raw: raw.decode("utf-8", "replace")))
def test_articles(text, understood):
    del understood  # the models are loaded
    with soon("articles", text):
        plain = html_to_text(text)
        assert "\x00" not in plain
        assert "\n" not in one_line(text)
        told = trial.read_article(b"A title\n" + plain.encode("utf-8", "replace"), "text/plain", "-", NOW)
        for topic in analyse(told).topics:
            assert all(told.text[span.start : span.end] for span in topic.evidence)
        [made] = enricher().enrich([told])
        assert all(told.text[entity.start : entity.end] == entity.text for entity in made.entities)


@fuzzed
@given(bent(SEEDS) | st.binary(max_size=300), st.sampled_from(["", "text/html", "application/json", "text/plain"]))
def test_what_try_reads(raw, content_type):
    with soon("what_try_reads", raw):
        try:
            trial.read_article(raw, content_type, "-", NOW)
        except InputError as error:
            assert str(error)


@fuzzed
@given(raw=bent(YAML_SEEDS) | st.binary(max_size=200))
def test_configurations(raw, configured):
    with soon("configurations", raw):
        configured(raw)


@fuzzed
@given(tree=bent_tree(SECTIONS))
def test_conditions(tree, configured, understood):
    """What is accepted can be matched too."""
    with soon("conditions", tree):
        try:
            raw = yaml.safe_dump(tree).encode()
        except UnicodeEncodeError:
            return
        accepted = configured(raw)
        if accepted:
            Matcher(accepted.watches).sift(READ, understood)


@pytest.fixture
def configured(tmp_path):
    """Loads bytes as a configuration; None where problems are told."""

    def load(raw: bytes):
        (tmp_path / "config.yaml").write_bytes(raw)
        try:
            made = load_configuration(tmp_path, {})
        except ConfigError as error:
            assert error.problems
            assert all(problem.message for problem in error.problems)
            return None
        assert made.hash
        return made

    return load


@fuzzed
@given(data=st.data(), encoding=st.sampled_from(["utf-8", "utf-16", "cp1252", "latin-1"]))
def test_list_files(data, encoding):
    form, seed = data.draw(st.sampled_from(LIST_SEEDS))
    raw = data.draw(bent([seed]) | st.binary(max_size=200))
    beside = data.draw(st.none() | bent([b"1,2,aka,JD,-0-\n"])) if form == "ofac_sdn" else None
    with soon("list_files", (form, raw, beside)):
        try:
            found = read_list("x", form, raw, encoding=encoding, columns=ColumnsSection(), beside=beside)
            assert all(name.text for name in found)
        except ListFileError as error:
            assert error.message
