"""A listed party is found however its name is written, and never on the strength of a weak name alone."""

import pytest

from tests.fakes import analysis, article, watch
from worker.errors import ConfigError
from worker.match import Matcher
from worker.match.names import NameIndex
from worker.model import Entity, EntityCondition, ListedName, ListEntry, Match, NameList
from worker.watchlist import load_configuration
from worker.watchlist.list_formats import ListFileError, read_list
from worker.watchlist.list_schema import ColumnsSection

PEOPLE = ("MADURO MOROS, Nicolás", "HASSAN, Muhammad Ali", "PRIGOZHIN, Evgeny Viktorovich", "BIN LADEN, Usama")
FIRMS = ("ANGLO-CARIBBEAN CO., LTD.", "Sinaloa Cartel", "WAGNER")


def listed(*weak, weak_rule="corroborate", min_tokens=2):
    def entry(text):
        return ListEntry("l", text[:5], text, "PROG")

    names = [ListedName(text, entry(text), is_person=True) for text in PEOPLE]
    names += [ListedName(text, entry(text)) for text in FIRMS]
    names += [ListedName(text, entry(owner), is_weak=True) for text, owner in weak]
    return NameList("l", tuple(names), min_tokens, weak_rule)


def found(text, names=None):
    hits = NameIndex([names or listed()]).find(text)
    return {(text[slice(*hit.span)], round(hit.score, 2)) for hit in hits}


@pytest.mark.parametrize(
    ("text", "words", "score"),
    [
        ("President Nicolás Maduro Moros said", "Nicolás Maduro Moros", 1.0),
        ("President Nicolas Maduro Moros said", "Nicolas Maduro Moros", 1.0),
        ("MADURO MOROS, NICOLAS; born 1962", "MADURO MOROS, NICOLAS", 0.95),
        ("President Nicolás Maduro said", "Nicolás Maduro", 0.85),
        ("President N. Maduro Moros said", "N. Maduro Moros", 0.8),
        ("Mohammed Ali Hassan spoke", "Mohammed Ali Hassan", 0.97),
        ("Muhammad A. Hassan spoke", "Muhammad A. Hassan", 0.95),
        ("Yevgeny Prigozhin spoke", "Yevgeny Prigozhin", 0.82),
        ("Osama bin Laden spoke", "Osama bin Laden", 0.97),
        ("a ship of Anglo-Caribbean Co., Ltd. sank", "Anglo-Caribbean Co., Ltd", 1.0),
        ("a ship of Anglo-Caribbean sank", "Anglo-Caribbean", 0.9),
        ("the Sinaloa  Cartel again", "Sinaloa  Cartel", 1.0),
    ],
)
def test_a_name_is_found(text, words, score):
    assert (words, score) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "Nicolás said", "the Wagner group", "maduro moros, nicolás", "He praised Nicolás. Maduro Moros left.",
        "Nicolás\nMaduro Moros", "a sinaloa cartel", "Peter Hassan spoke", "Muhammad Ali spoke",
    ],
)  # fmt: skip
def test_what_is_not_the_name_is_not_found(text):
    assert found(text) == set()


def test_a_shortened_name_is_less_sure_where_many_share_the_surname():
    names = tuple(
        ListedName(f"GARCIA LOPEZ, {given} Maria", ListEntry("l", given, given), is_person=True)
        for given in ("Juan", "Pedro", "Luis", "Ana", "Eva", "Rosa")
    )
    assert found("Juan Garcia Lopez came", NameList("l", names)) == {("Juan Garcia Lopez", 0.75)}


@pytest.mark.parametrize(
    ("text", "rule", "fires"),
    [
        ("The Nico gang met", "corroborate", False),
        ("The Nico Boss met", "corroborate", False),
        ("The Nico Boss met", "match", True),
        ("Nicolás Maduro Moros, called the Nico Boss, spoke", "corroborate", True),
        ("Wagner met", "match", False),
    ],
)
def test_weak_names_only_corroborate(text, rule, fires):
    names = listed(("Nico", "MADURO MOROS, Nicolás"), ("Nico Boss", "MADURO MOROS, Nicolás"), weak_rule=rule)
    art = article(text)
    matcher = Matcher((watch(condition=EntityCondition(lists=(names,), name="of the list l")),))
    [verdict] = matcher.evaluate(art, analysis(art))
    assert isinstance(verdict, Match) is fires
    assert bool([v for v in matcher.screen(art, analysis(art)) if isinstance(v, Match)]) is fires
    if "called" in text:
        assert [evidence.text for evidence in verdict.finding.evidence] == ["Nicolás Maduro Moros", "Nico Boss"]
        assert {evidence.entry.programme for evidence in verdict.finding.evidence} == {"PROG"}


def test_single_words_count_where_the_list_allows_it():
    assert found("Wagner met", listed(min_tokens=1)) == {("Wagner", 1.0)}


def test_a_label_must_be_the_names_own():
    art = article("Sinaloa Cartel met in Sinaloa")
    seen = analysis(art)
    org = Entity("Sinaloa Cartel", "ORG", 0, 14)
    for labels, fires in ((("ORG",), True), (("PERSON",), False)):
        condition = EntityCondition(lists=(listed(),), labels=labels)
        [verdict] = Matcher((watch(condition=condition),)).evaluate(art, type(seen)((org,), (), (), "en", "fake"))
        assert isinstance(verdict, Match) is fires


# --- files -------------------------------------------------------------------------------------------------

ADVANCED = """<?xml version="1.0"?><Sanctions xmlns="urn:x"><ReferenceValueSets>
<NamePartTypeValues><NamePartType ID="1520">Last Name</NamePartType><NamePartType ID="1521">First Name</NamePartType>
</NamePartTypeValues><PartySubTypeValues><PartySubType ID="4" PartyTypeID="1">Unknown</PartySubType></PartySubTypeValues>
<PartyTypeValues><PartyType ID="1">Individual</PartyType></PartyTypeValues></ReferenceValueSets>
<DistinctParties><DistinctParty FixedRef="7"><Profile ID="7" PartySubTypeID="4"><Identity ID="1">
<Alias Primary="false" LowQuality="true"><DocumentedName><DocumentedNamePart><NamePartValue NamePartGroupID="2">Ali</NamePartValue>
</DocumentedNamePart></DocumentedName></Alias>
<Alias Primary="true" LowQuality="false"><DocumentedName><DocumentedNamePart><NamePartValue NamePartGroupID="1">DOE</NamePartValue>
</DocumentedNamePart><DocumentedNamePart><NamePartValue NamePartGroupID="2">John</NamePartValue></DocumentedNamePart></DocumentedName></Alias>
<NamePartGroups><MasterNamePartGroup><NamePartGroup ID="1" NamePartTypeID="1520"/></MasterNamePartGroup>
<MasterNamePartGroup><NamePartGroup ID="2" NamePartTypeID="1521"/></MasterNamePartGroup></NamePartGroups>
</Identity></Profile></DistinctParty></DistinctParties>
<SanctionsEntries><SanctionsEntry ID="7" ProfileID="7"><SanctionsMeasure ID="1"><Comment/></SanctionsMeasure>
<SanctionsMeasure ID="2"><Comment>SDGT</Comment></SanctionsMeasure></SanctionsEntry></SanctionsEntries></Sanctions>"""
EU = """<?xml version="1.0"?><export xmlns="http://eu.europa.ec/fpi/fsd/export"><sanctionEntity logicalId="13" euReferenceNumber="EU.1.2">
<regulation programme="IRQ"/><subjectType code="person" classificationCode="P"/>
<nameAlias firstName="John" middleName="M" lastName="Doe" wholeName="John M Doe" strong="true"/>
<nameAlias wholeName="Jonny" strong="false"/></sanctionEntity></export>"""
UN = """<?xml version="1.0"?><CONSOLIDATED_LIST><INDIVIDUALS><INDIVIDUAL><DATAID>1</DATAID><FIRST_NAME> JOHN</FIRST_NAME>
<SECOND_NAME>DOE </SECOND_NAME><UN_LIST_TYPE>DPRK</UN_LIST_TYPE><REFERENCE_NUMBER>KPi.1</REFERENCE_NUMBER>
<INDIVIDUAL_ALIAS><QUALITY>Low</QUALITY><ALIAS_NAME>Jonny</ALIAS_NAME></INDIVIDUAL_ALIAS></INDIVIDUAL></INDIVIDUALS></CONSOLIDATED_LIST>"""
SDN = '7,"DOE, John",individual,SDGT,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,"DOB 1960; a.k.a. \'JD\'."\r\n\x1a'
SIMPLE = "id,schema,name,aliases,dataset\nQ1,Person,John Doe,Jon Doe;J Doe,EU List\n"
CSV = "id;x\n".replace(";x", ",name,type,weak_aliases,programme") + "9,John Doe,Person,Jonny,P1\n"


def read(form, text, **kwargs):
    raw = text if isinstance(text, bytes) else text.encode()
    return read_list("l", form, raw, encoding="utf-8", columns=ColumnsSection(), **kwargs)


@pytest.mark.parametrize(
    ("form", "text", "id_", "name", "programme", "weak"),
    [
        ("ofac_sdn", SDN, "7", "DOE, John", "SDGT", ["JD"]),
        ("ofac_sdn_advanced", ADVANCED, "7", "DOE, John", "SDGT", ["Ali"]),
        ("opensanctions", SIMPLE, "Q1", "John Doe", "EU List", []),
        ("un", UN, "KPi.1", "JOHN DOE", "DPRK", ["Jonny"]),
        ("eu", EU, "EU.1.2", "Doe, John M", "IRQ", ["Jonny"]),
        ("csv", CSV, "9", "John Doe", "P1", ["Jonny"]),
        ("text", "# people\nDoe, John\n", "2", "Doe, John", "", []),
    ],
)
def test_a_file_gives_entries_with_names(form, text, id_, name, programme, weak):
    names = read(form, text)
    assert names[0] == ListedName(name, ListEntry("l", id_, name, programme), is_person=True)
    assert [one.text for one in names if one.is_weak] == weak


@pytest.mark.parametrize(
    ("form", "text", "message", "line"),
    [
        ("ofac_sdn", SDN[:40], "is it cut off?", 1),
        ("ofac_sdn", '7,"DOE, John,individual', "is it cut off?", 1),
        ("opensanctions", SIMPLE + "Q2,Person", "is it cut off?", 3),
        ("opensanctions", CSV, "is no targets.simple.csv", 1),
        ("un", UN[:-30], "is it cut off?", 3),
        ("un", "<a/>", "holds no name", 0),
        ("eu", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "declares a document type", 1),
        ("csv", "a,b\n1,2\n", "has no column `name`", 1),
        ("text", "Łódź Trading".encode("cp1250"), "is not utf-8", 1),
        ("text", "Acme".encode("utf-16"), "is UTF-16", 1),
        ("text", "", "holds no name", 0),
    ],
)
def test_a_bad_file_says_what_is_wrong_and_where(form, text, message, line):
    with pytest.raises(ListFileError) as caught:
        read(form, text)
    assert message in caught.value.message
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("folder", "form", "text", "words"),
    [
        ("ofac/2022-01-31/sdn.csv", "ofac_sdn", "Banco Nacional de Cuba and Yevgeny Prigozhin", {"Banco Nacional de Cuba", "Yevgeny Prigozhin"}),
        ("un/consolidated.xml", "un", "General Ri Won Ho", {"Ri Won Ho"}),
        ("opensanctions/targets.simple.csv", "opensanctions", "Jesus Gamallo Aller", {"Jesus Gamallo Aller"}),
    ],
)  # fmt: skip
def test_real_lists(shared, folder, form, text, words):
    alt = (shared / "lists" / folder).with_name("alt.csv")
    names = read(form, (shared / "lists" / folder).read_bytes(), beside=alt.read_bytes() if alt.exists() else None)
    assert {words for words, score in found(text, NameList("l", tuple(names))) if score >= 0.8} == words


def test_a_watch_takes_part_of_a_list_file(tmp_path):
    (tmp_path / "sdn.csv").write_text(SDN + SDN.replace("7,", "8,").replace("SDGT", "CUBA"), "utf-8")
    (tmp_path / "a.yaml").write_text(
        "lists:\n  a: {file: sdn.csv, format: ofac_sdn, programmes: [CUBA]}\n  b: {file: sdn.csv, format: ofac_sdn, ids: ['9']}\n",
        "utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        load_configuration(tmp_path, {})
    assert [str(p) for p in caught.value.problems] == ["a.yaml:3:46: the file sdn.csv has no entry `9`"]


@pytest.fixture(scope="module")
def sdn(shared, tmp_path_factory):
    """A watch over OFAC's list as it was published."""
    folder = tmp_path_factory.mktemp("sdn")
    file = shared / "lists" / "ofac" / "2022-01-31" / "sdn.csv"
    text = f"lists: {{sdn: {{file: '{file}', format: ofac_sdn}}}}\nwatches: [{{id: w, title: t, match: {{entity: {{list: sdn}}}}}}]\n"
    (folder / "a.yaml").write_text(text, "utf-8")
    return Matcher(load_configuration(folder, {}).watches)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Nicolás Maduro Moros", ["MADURO MOROS, Nicolas"]),
        ("Maduro Moros, Nicolas,", ["MADURO MOROS, Nicolas"]),
        ("President Nicolas Maduro", ["MADURO MOROS, Nicolas"]),
        ("Yevgeny Prigozhin", ["PRIGOZHIN, Yevgeniy Viktorovich"]),
        ("Evgeniy Viktorovich Prigozhin", ["PRIGOZHIN, Yevgeniy Viktorovich"]),
        ("Kim Jong-un", ["KIM, Jong Un"]),
        ("Qassem Suleimani", ["SOLEIMANI, Qasem"]),
        ("Victor Bout", ["BOUT, Viktor Anatolijevitch"]),
        ("Joaquín Guzmán Loera", ["GUZMAN LOERA, Joaquin"]),
        ("the Islamic Revolutionary Guard Corps", ["ISLAMIC REVOLUTIONARY GUARD CORPS"]),
        ("Deripaska", []),
        ("Peter Maduro", []),
    ],
)
def test_a_real_list_knows_its_parties_in_the_spellings_of_news(sdn, words, expected):
    one = article("Report", f"On Monday {words} was named by two ministers.")
    [verdict] = sdn.evaluate(one, analysis(one))
    assert [evidence.entry.name for evidence in verdict.finding.evidence] == expected
