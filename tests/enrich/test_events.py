"""Events as the shipped pipeline reads them: who, to whom, what, who says so, how sure."""

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import watch
from worker.enrich.enricher import load
from worker.enrich.events import extract
from worker.enrich.sentences import split_sentences
from worker.match import Matcher
from worker.model import ROLES, Article, Entity, EventCondition, LanguageModel
from worker.zones import split_zones


@pytest.fixture(scope="module")
def reader():
    return load(LanguageModel(judges_events=True))


def read(reader, text):
    title, _, body = text.partition("\n")
    article = Article("a", "", "", title, f"{title}\n{body}", split_zones(title, body), declared_language="en")
    return reader.enrich([article])[0]


def told(event):
    """The event in one line: type, modality, and id or words of the main roles."""
    roles = {"transfer": "supplier recipient item", "sanction": "imposer target", "violation": "violator regime"}
    filled = [
        "+".join(filler.id or filler.name or filler.text for filler in event.of(role)) or "-"
        for role in roles[event.type].split()
    ]
    return f"{event.type} {event.modality}: {' | '.join(filled)}"


TRANSFERS = [
    ("Iran supplied drones to Russia.", "transfer asserted: IR | RU | drones"),
    ("Serbia is selling Ukraine artillery shells.", "transfer asserted: RS | UA | artillery shells"),
    ("Germany provided Ukraine with tanks.", "transfer asserted: DE | UA | tanks"),
    ("Missiles were delivered to Syria by Russia via Iraq.", "transfer asserted: RU | SY | Missiles"),
    ("Yemen was supplied with drones by Iran.", "transfer asserted: IR | YE | drones"),
    ("Rifles smuggled from Libya to Chad were found.", "transfer asserted: LY | TD | Rifles"),
    ("India bought missiles from Israel for $40 million.", "transfer asserted: IL | IN | missiles"),
    ("North Korea's arms sales to Russia worry Seoul.", "transfer asserted: KP | RU | arms"),
    ("Deliveries of North Korean weapons to Russia went on.", "transfer asserted: KP | RU | North Korean weapons"),
    ("Slovakia makes its first delivery of howitzers to Ukraine.", "transfer asserted: SK | UA | howitzers"),
    ("The US approves a Taiwan arms sale.", "transfer planned: US | TW | arms"),
    ("Iranian-supplied drones hit Kyiv.", "transfer asserted: IR | - | drones"),
    ("Iran shipped missiles to Russia, Syria and Yemen.", "transfer asserted: IR | RU+SY+YE | missiles"),
    ("China, which sold tanks to Pakistan, objects.", "transfer asserted: CN | PK | tanks"),
    ("Poland, a neighbour of Ukraine, sent tanks to Kyiv.", "transfer asserted: PL | UA | tanks"),
    ("China arms Myanmar's junta", "transfer asserted: CN | MM | -"),
    ("Iran armed the Houthis with missiles.", "transfer asserted: IR | Houthis | missiles"),
    ("Russia ships Iran more shells", "transfer asserted: RU | IR | more shells"),
    ("Missiles that Iran sent to Yemen were found.", "transfer asserted: IR | YE | Missiles"),
    ("The drones Iran sold to Russia hit Kyiv.", "transfer asserted: IR | RU | drones"),
    ("Egypt needs a supply of shells from Italy.", "transfer requested: IT | EG | shells"),
    ("Egypt has taken delivery of Italian frigates.", "transfer asserted: IT | EG | Italian frigates"),
    ("A freighter delivered rockets to Syria.", "transfer asserted: - | SY | rockets"),
    ("The US sanctions Chinese firms accused of reselling chips to Iran.", "transfer alleged: CN | IR | chips"),
]  # fmt: skip
HEADLINES = [
    ("Iran ships rockets to Sudan", "transfer asserted: IR | SD | rockets"),
    ("Iran secretly ships more drones to Sudan, Cairo says", "transfer alleged: IR | SD | more drones"),
    ("Serbian company ships mortars to Ukraine", "transfer asserted: RS | UA | mortars"),
    ("Turkey ships 30 truckloads of rifles to Libya", "transfer asserted: TR | LY | rifles"),
    ("Belarus has sent 400 crates of grenades to Syria.", "transfer asserted: BY | SY | grenades"),
    ("Iran supplied dozens of boxes of rockets to Syria.", "transfer asserted: IR | SY | rockets"),
    ("China sends a cargo of missiles to Pakistan", "transfer asserted: CN | PK | missiles"),
    ("An Iranian cargo plane brought missiles to Syria, Israel says.", "transfer alleged: IR | SY | missiles"),
    ("Turkish ship suspected of carrying rifles to Libya", "transfer alleged: TR | LY | rifles"),
    ("Iran's freighter unloaded rockets in Sudan.", "transfer asserted: IR | SD | rockets"),
    ("Rockets were carried to Syria by an Iranian ship.", "transfer asserted: IR | SY | Rockets"),
    ("Russian train carries Chinese drones to Belarus", "transfer asserted: CN | BY | Chinese drones"),
    ("Greek ship carried rifles from Serbia to Libya.", "transfer asserted: RS | LY | rifles"),
    ("Russian planes were delivered to Iran.", "transfer asserted: RU | IR | Russian planes"),
]  # fmt: skip
STANCES = [
    ("Iran will supply drones to Russia.", "transfer planned: IR | RU | drones"),
    ("Iran to send Russia more drones", "transfer planned: IR | RU | more drones"),
    ("Germany agreed on Friday to send tanks to Ukraine.", "transfer planned: DE | UA | tanks"),
    ("Ukraine asked Germany for tanks.", "transfer requested: DE | UA | tanks"),
    ("Poland calls on Germany to send tanks to Ukraine.", "transfer requested: DE | UA | tanks"),
    ("North Korea denies supplying missiles to Russia.", "transfer denied: KP | RU | missiles"),
    ("Israel did not sell missiles to Ukraine.", "transfer negated: IL | UA | missiles"),
    ("China might sell drones to Russia.", "transfer hypothetical: CN | RU | drones"),
    ("Iran allegedly supplied drones to Russia.", "transfer alleged: IR | RU | drones"),
    ("Iran may have supplied drones to Russia.", "transfer alleged: IR | RU | drones"),
    ("The United States says Iran supplied drones to Russia.", "transfer alleged: IR | RU | drones"),
    ("Iran supplied drones to Russia, according to Ukraine's army.", "transfer alleged: IR | RU | drones"),
    ("Germany says it sent tanks to Ukraine.", "transfer asserted: DE | UA | tanks"),
    ("Germany drops its refusal to send tanks to Ukraine.", "transfer planned: DE | UA | tanks"),
    ("Germany rejects pleas to send tanks to Ukraine.", "transfer negated: DE | UA | tanks"),
    ("Germany is under pressure not to send tanks to Ukraine.", "transfer requested: DE | UA | tanks"),
    ("Poland urges Germany to stop selling drones to Russia.", "transfer asserted: DE | RU | drones"),
    ("Poland persuaded Germany to send tanks to Ukraine.", "transfer requested: DE | UA | tanks"),
    ("Britain was the first country to send tanks to Ukraine.", "transfer asserted: country | UA | tanks"),
    ("Germany was slow to send tanks to Ukraine.", "transfer asserted: DE | UA | tanks"),
    ("Germany asked for permission to send tanks to Ukraine.", "transfer planned: DE | UA | tanks"),
    ("Germany failed to make a decision on sending tanks to Ukraine.", "transfer negated: DE | UA | tanks"),
    ("Germany has not ruled out sending tanks to Ukraine.", "transfer hypothetical: DE | UA | tanks"),
    ("Germany agreed to train soldiers and send tanks to Ukraine.", "transfer planned: DE | UA | tanks"),
    ("Arms shipments from Iran to Yemen have stopped.", "transfer negated: IR | YE | Arms"),
    ("Germany to discuss Iran's arms sales to Russia", "transfer asserted: IR | RU | arms"),
    ("A dealer allegedly tried to sell rifles to Chad.", "transfer alleged: dealer | TD | rifles"),
    ("Poland asked Germany about the tanks it is sending to Ukraine.", "transfer asserted: DE | UA | tanks"),
    ("Investigators have evidence that Iran supplied drones to Russia.", "transfer alleged: IR | RU | drones"),
]  # fmt: skip
MEASURES = [
    ("The EU imposed sanctions on Iran.", "sanction asserted: EU | IR"),
    ("Sanctions were imposed on Iran by the United States.", "sanction asserted: US | IR"),
    ("Iranian banks were hit with new US sanctions.", "sanction asserted: US | IR"),
    ("Myanmar faces new EU sanctions.", "sanction asserted: EU | MM"),
    ("Oil flows from sanctions-hit Iran.", "sanction asserted: - | IR"),
    ("The EU threatened to impose sanctions on Iran.", "sanction hypothetical: EU | IR"),
    ("The EU lifted its sanctions on Iran.", "sanction negated: EU | IR"),
    ("Russia says trade goes on despite sanctions on Iran.", "sanction asserted: - | IR"),
    ("China sanctions Lockheed Martin over Taiwan.", "sanction asserted: CN | Lockheed Martin"),
    ("The US-sanctioned general visited Paris.", "sanction asserted: US | general"),
    ("Canada plans new sanctions against Belarus.", "sanction planned: CA | BY"),
    ("Ukraine called for an embargo against Russia.", "sanction requested: - | RU"),
    ("North Korea violated UN sanctions.", "violation asserted: KP | UN"),
    ("A trader was charged with evading US sanctions.", "violation alleged: trader | US"),
    ("Syria helped Iran evade US-imposed sanctions.", "violation asserted: IR | US"),
    ("North Korea sent missiles to Russia in violation of UN sanctions.", "violation asserted: KP | UN"),
    ("Iran's arms sales to Russia breach UN sanctions.", "violation asserted: IR | UN"),
]  # fmt: skip
MENDED = [
    ("Iran is selling to Russia.", "transfer asserted: IR | RU | -"),
    ("Iran sells more to China.", "transfer asserted: IR | CN | -"),
    ("Barclays escaped US sanctions.", "violation asserted: Barclays | US"),
    ("India bought missiles not from Russia but from France.", "transfer asserted: FR | IN | missiles"),
    ("India bought missiles from France, not from Russia.", "transfer asserted: FR | IN | missiles"),
    ("Iran sold drones not to Syria but to Russia.", "transfer asserted: IR | RU | drones"),
    ("Hungary failed to block the delivery of tanks to Ukraine.", "transfer asserted: - | UA | tanks"),
    ("Hungary failed to stop the delivery of tanks to Ukraine.", "transfer asserted: - | UA | tanks"),
    ("Germany stopped the delivery of tanks to Egypt.", "transfer negated: DE | EG | tanks"),
    ("Congress blocked the sale of F-16s to Turkey.", "transfer negated: - | TR | F-16s"),
    ("The Senate approved the sale of F-16s to Turkey.", "transfer planned: - | TR | F-16s"),
    ("The US approved the sale of missiles to Japan.", "transfer planned: US | JP | missiles"),
    ("Had Iran sold missiles to Russia, Europe would have reacted.", "transfer hypothetical: IR | RU | missiles"),
    ("The US cancelled the delivery of F-16s to Turkey.", "transfer negated: US | TR | F-16s"),
    ("Germany scrapped the sale of tanks to Egypt.", "transfer negated: DE | EG | tanks"),
    ("Germany axed the sale of tanks to Egypt.", "transfer negated: DE | EG | tanks"),
    ("Germany called off a deal to sell tanks to Egypt.", "transfer negated: DE | EG | tanks"),
    ("The sale of tanks to Egypt was called off.", "transfer negated: - | EG | tanks"),
    ("Germany signed a deal to sell tanks to Egypt.", "transfer planned: DE | EG | tanks"),
    ("Germany has no plans to send tanks to Ukraine.", "transfer negated: DE | UA | tanks"),
    ("Germany has no intention of selling tanks to Egypt.", "transfer negated: DE | EG | tanks"),
    ("Germany has plans to send tanks to Ukraine.", "transfer planned: DE | UA | tanks"),
    ('"We have never sold drones to Russia," Iran\'s foreign ministry said.', "transfer denied: We | RU | drones"),
    ('"We sent no shells to Oman," said Peru\'s minister.', "transfer denied: We | OM | shells"),
    ('"Our country has not supplied weapons to Sudan," the Serbian foreign minister said.', "transfer denied: country | SD | weapons"),
    ('"Our army has supplied weapons to Sudan," the minister said.', "transfer asserted: army | SD | weapons"),
    ('"Their army has not supplied weapons to Sudan," the Serbian foreign minister said.', "transfer negated: army | SD | weapons"),
    ('"Our ally has not supplied weapons to Sudan," the Serbian foreign minister said.', "transfer negated: ally | SD | weapons"),
    ("Poland's air force received F-16s from the United States.", "transfer asserted: US | PL | F-16s"),
    ("Denmark did not hesitate to send F-16s to Ukraine.", "transfer asserted: DK | UA | F-16s"),
    ("Denmark hesitated to send F-16s to Ukraine.", "transfer negated: DK | UA | F-16s"),
]  # fmt: skip
NOTHING = [
    "France sold its stake in Renault to Japan's Nissan.",
    "Mr Smith sold his house to Mr Jones in Paris.",
    "BP sold its Russian business to Rosneft.",
    "The bank was sold to Russia by France.",
    "FIFA imposed sanctions on the Russian football federation.",
    "UEFA sanctioned the Spanish federation.",
    "The NCAA imposed sanctions on Michigan State University.",
    "WADA imposed sanctions on Russia.",
    "The International Olympic Committee imposed sanctions on Russia.",
    "Everton avoided sanctions.",
    "Barclays avoided sanctions.",
    "Russia used missiles against Ukraine.",
    "North Korea sent drones into South Korea.",
    "The company delivered a warning to investors.",
    "Oil prices rose after the sale of the bank.",
    "An arms trafficking ring was broken up.",
    "Russian ships shell Ukrainian port",
    "Russia ships shell Ukrainian port",
    "China ships fire missiles at Taiwan",
    "Cargo ships carry grain to Egypt",
    "Greek tankers carry oil to India",
    "Restaurant chain ships lobster shells to Japan",
    "Russian ships carry missiles",
    "Russian ship carries missiles to Russia",
    "Russian ship carried out missile strikes on Syria",
    "Russian planes carry bombs into Ukraine",
    "A man carried a rifle to Paris.",
    "Iran sent 20 pictures of missiles to Russia",
    "Police arms trafficker Viktor Petrov knew",
    "Armed police guarded the port.",
    "The tanks Russia needs are late.",
]


@pytest.mark.parametrize(("text", "expected"), [*TRANSFERS, *HEADLINES, *STANCES, *MEASURES, *MENDED])
def test_the_event_of_a_sentence_is_read_with_its_roles_and_modality(reader, text, expected):
    assert expected in [told(event) for event in read(reader, "Report\n" + text).events]


@pytest.mark.parametrize("text", [text for text, _ in HEADLINES])
def test_a_headline_tells_the_same_as_a_sentence_of_the_body(reader, text):
    in_title = [told(event) for event in read(reader, text + "\n").events]
    assert in_title == [told(event) for event in read(reader, "Report\n" + text).events] != []


def test_goods_in_containers_are_counted_by_them(reader):
    (event,) = read(reader, "Report\nIran delivered 3,000 containers of rockets to Sudan.").events
    assert [filler.text for filler in event.of("quantity")] == ["3,000 containers"]


@pytest.mark.parametrize("text", NOTHING)
def test_a_sentence_without_an_event_gives_none(reader, text):
    assert read(reader, "Report\n" + text).events == ()


@pytest.mark.parametrize(("text", "expected"), [*TRANSFERS, *HEADLINES, *STANCES, *MEASURES, *MENDED])
def test_a_glance_without_names_expects_every_event_that_is_read_later(reader, text, expected):
    article = Article("a", "", "", "Report", "Report\n" + text, split_zones("Report", text), declared_language="en")
    (glance,) = reader.glance([article])
    (whole,) = reader.complete([article], [glance])
    assert glance.pending.has_events or not whole.events
    watch_ = watch(condition=EventCondition(expected.split()[0]))
    assert Matcher((watch_,)).may_fire(article, glance)


def test_a_glance_expects_no_event_where_no_word_tells_of_one(reader):
    article = Article(
        "a",
        "",
        "",
        "Report",
        "Report\nThe mayor opened a school in Paris.",
        split_zones("Report", "x"),
        declared_language="en",
    )
    (glance,) = reader.glance([article])
    assert not glance.pending.has_events
    assert not Matcher((watch(condition=EventCondition("transfer")),)).may_fire(article, glance)


@pytest.mark.parametrize(
    ("text", "told_not"),
    [
        ("Russia sanctions wheat exports to Egypt.", "sanction"),
        ("China sanctions Lockheed Martin over Taiwan arms sales.", "transfer"),
    ],
)
def test_a_sentence_tells_no_event_of_a_kind_that_its_words_only_resemble(reader, text, told_not):
    assert told_not not in [event.type for event in read(reader, "Report\n" + text).events]


def test_the_claimant_is_who_says_it(reader):
    (event,) = read(reader, "Report\nPyongyang sent shells to Moscow, the United States says.").events
    assert [(filler.text, filler.id) for filler in event.of("claimant")] == [("United States", "US")]


def test_a_pronoun_carries_the_name_and_id_of_what_it_stands_for(reader):
    events = read(reader, "Report\nIran is isolated. It supplied drones to Russia.").events
    (supplier,) = events[0].of("supplier")
    assert (supplier.text, supplier.name, supplier.id) == ("It", "Iran", "IR")


def test_quantity_price_route_and_date_are_roles_of_their_own(reader):
    text = "Report\nIran sold 20 drones to Syria for $40 million via Iraq on March 3, 2021."
    (event,) = read(reader, text).events
    assert {role: event.of(role)[0].text for role in ("quantity", "price", "via", "date")} == {
        "quantity": "20",
        "price": "$40 million",
        "via": "Iraq",
        "date": "March 3, 2021",
    }


def test_analyses_whose_events_were_judged_are_told_apart_from_those_by_the_rules(reader):
    assert reader.model == load().model + "+modality"


def test_without_the_learnt_judgement_the_rules_read_a_plan_that_was_shelved():
    (event,) = read(load(), "Report\nGermany shelved plans to sell tanks to Egypt.").events
    assert told(event) == "transfer negated: DE | EG | tanks"


def test_the_learnt_judgement_reads_what_no_word_that_leads_the_event_tells(reader):
    text = "Report\nGermany gave the green light to sending tanks to Ukraine."
    (ruled,), (event,) = read(load(), text).events, read(reader, text).events
    assert (ruled.modality, ruled.learnt) == ("asserted", None)
    assert event.modality == "planned"
    assert 0.5 < event.learnt < 1


def test_the_yardstick_article_tells_the_delivery_its_claimant_and_the_violation(reader, shared):
    events = read(reader, (shared / "seed" / "article.txt").read_text("utf-8")).events
    lines = [told(event) for event in events]
    assert "transfer alleged: KP | RU | ballistic missile launchers+ballistic missiles" in lines
    assert "violation alleged: KP | UN" in lines
    delivery = next(event for event in events if event.trigger.text == "delivered")
    assert [filler.id for filler in delivery.of("claimant")] == ["US"]


def test_every_filler_points_at_its_words(reader, shared):
    text = (shared / "seed" / "article.txt").read_text("utf-8")
    title, _, body = text.partition("\n")
    for event in read(reader, text).events:
        for filler in event.fillers:
            assert f"{title}\n{body}"[filler.start : filler.end] == filler.text
            assert filler.role in ROLES[event.type]


WORDS = (
    "Iran Russia missiles sold supplied to by from sanctions violated of the its , . - : ( ) said it and will not "
    "if 's helping evade imposed on against delivery 20 $5 according who which that \" US EU banks asked for"
).split()


@given(st.lists(st.sampled_from(WORDS), max_size=40), st.integers(0, 2**32))
def test_no_row_of_words_breaks_the_reading(row, seed):
    text = " ".join(row)
    chance = random.Random(seed)
    entities, at = [], 0
    for word in row:
        start = text.index(word, at)
        at = start + len(word)
        if word in ("Iran", "Russia", "US", "EU", "missiles") and chance.random() < 0.8:
            entities.append(Entity(word, "WEAPON" if word == "missiles" else "GPE", start, at))
    for event in extract(text, split_sentences(text), entities):
        assert event.fillers
        assert all(text[filler.start : filler.end] == filler.text for filler in event.fillers)


@given(st.text(string.printable, max_size=200))
def test_any_text_is_read_without_entities(text):
    extract(text, split_sentences(text), ())


def test_a_sentence_that_is_too_long_is_not_read():
    text = "Iran sold missiles to Russia and Iran and " * 2_000
    assert extract(text, [(0, len(text))], ()) == ()


@pytest.mark.parametrize(
    ("text", "modality"),
    [
        ("A Peruvian man pleaded guilty to smuggling rifles from Libya to Chad.", "asserted"),
        ("Sending tanks to Ukraine would be a mistake, Peru said.", "hypothetical"),
        ("The minister warned of the risks of giving tanks to Ukraine.", "hypothetical"),
        ("Peru faces a choice over sending tanks to Ukraine.", "planned"),
        ("It is time to send tanks to Ukraine.", "requested"),
        ("Two men were charged with conspiracy to sell rifles to Chad.", "alleged"),
        ("Peru failed to reach agreement with its allies on sending tanks to Ukraine.", "negated"),
        ("Peru was said to have sold rifles to Chad.", "alleged"),
        ("A court will look into allegations that Peru sold rifles to Chad.", "alleged"),
        ("The US may be providing Chad with rifles.", "alleged"),
        ("At some point Peru may have to provide tanks to Ukraine.", "hypothetical"),
        ("Peru is accused of helping supply Chad with rifles, a charge that Peru denies.", "denied"),
        ("After a week Germany announced in June it would provide Ukraine with tanks.", "planned"),
        ("Germany is resisting growing pressure to send tanks to Ukraine.", "negated"),
        ("Trade suffers from the risk of possible sanctions on Chad.", "hypothetical"),
        ("Peru's president said Peru sold rifles to Chad, and nobody denies it.", "asserted"),
        ("Germany failed to make a decision on sending tanks to Ukraine.", "negated"),
    ],
)
def test_what_stands_around_an_event_decides_where_its_own_words_do_not(reader, text, modality):
    assert modality in {event.modality for event in read(reader, "Report\n" + text).events}


def test_a_comma_that_is_taken_for_a_date_is_passed_over() -> None:
    text = "Trafficking carriers acknowledge pistol defense|aid parliament Lorries, trafficking ACCUSES ) SHIPS"
    named = (("Trafficking", "NORP", 0), ("carriers", "LOC", 12), (",", "DATE", 70), (")", "ORG", 92))
    entities = [Entity(name, label, start, start + len(name)) for name, label, start in named]
    assert extract(text, split_sentences(text), entities) is not None
