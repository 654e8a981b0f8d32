"""The configuration is read strictly: each mistake is told with its place, what was expected and the nearest name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import ConfigError
from worker.model import EntityCondition, Group, NearCondition, PhraseCondition, SourceFilter, TopicCondition
from worker.watchlist import load_configuration

WATCH = "watches:\n  - id: w\n    title: t\n    match: "
FEED = "feeds:\n  - {url: 'https://wire.example/rss', name: Wire, tags: fast}\n"


@pytest.fixture
def load(tmp_path):
    def read(*texts: str, raw: bytes | None = None, **files: bytes):
        for number, text in enumerate(texts):
            (tmp_path / f"{number}.yaml").write_text(text, "utf-8")
        if raw is not None:
            (tmp_path / "raw.yaml").write_bytes(raw)
        for name, content in files.items():
            (tmp_path / name.replace("_", ".")).write_bytes(content)
        return load_configuration(tmp_path, {})

    return read


@pytest.fixture
def problems(load):
    def read(*texts, **kwargs):
        with pytest.raises(ConfigError) as caught:
            load(*texts, **kwargs)
        return [str(problem) for problem in caught.value.problems]

    return read


# ¦ stands where the mistake is told.
MISTAKES = [
    ("watches:\n  - {id: a, title: ¦[t], match: {phrase: tank}}", "`title` is a list; it should be a text", ""),
    ("watches: ¦{a: {title: t}}", "`watches` is a mapping; it should be a list", ""),
    ("watches:¦\n", "`watches` is empty; it should be a list", ""),
    ("watches:\n  - {id: a, title: t, match: ¦tank}", "`match` is “tank”; it should be a mapping", ""),
    (
        "watches:\n  - {id: a, title: t, match: {phrase: {terms: [abc], case: ¦maybe}}}",
        "it should be true or false",
        "",
    ),
    (
        "watches:\n  - {id: a, title: t, match: {near: {terms: [a, b], within: ¦soon}}}",
        "“soon”; it should be a whole",
        "",
    ),
    ("watches:\n  - {id: a, title: t, max_alerts_per_day: ¦0, match: {phrase: tank}}", "must be more than 0", ""),
    ("watches:\n  - {id: a, title: t, languages: ¦NO, match: {phrase: tank}}", "“NO” is not a language: two small", ""),
    ("watches:\n  - {¦<<: {id: a}, title: t}", "unknown key `<<`", "merge keys are not supported"),
    ("lists:\n  l: {aliases: ¦[" + "term, " * 6_000 + "]}", "takes at most 5,000; it has 6,000", ""),
    (WATCH + "{topic: ¦arms-transfr}", "no topic `arms-transfr`", "did you mean `arms-transfer`?"),
    (WATCH + "{¦topik: terrorism}", "unknown key `topik`", "did you mean `topic`?"),
    (WATCH + "{topic: {name: terrorism, min_score: ¦2}}", "is “2”; it can be at most 1", ""),
    (WATCH + "{phrase: ¦''}", "cannot be watched", ""),
    (WATCH + "{phrase: ¦'ab*'}", "cannot be watched", ""),
    (WATCH + "{phrase: [tank, ¦'*']}", "cannot be watched", ""),
    (WATCH + "{phrase: [tank, ¦{a: b}]}", "text", ""),
    (WATCH + "{phrase: ¦{terms: ['tank*'], lemma: true}}", "either lemma or *", ""),
    (WATCH + r"{regex: ¦'(a)\1'}", "RE2 refuses it", "back-references are not supported"),
    (WATCH + "{regex: ¦'(?=a)b'}", "RE2 refuses it", "look-around is not supported"),
    (WATCH + "{regex: ¦'a*'}", "always be true", ""),
    (WATCH + "{regex: ¦'((a{100}){100}){100}'}", "RE2 refuses it", ""),
    (WATCH + "{near: {terms: [a, b], within: ¦99}}", "is “99”; it can be at most 15", ""),
    (WATCH + "{near: {terms: ¦[a]}}", "needs at least 2", ""),
    (WATCH + "{entity: {list: ¦dprk}}", "no list `dprk`", "none is defined"),
    (WATCH + "{event: {type: transfer, recipient: ¦RU}}", "“RU” is no name of a list", "write `recipient: {id: RU}`"),
    (WATCH + "{event: {type: transfer, item: ¦WEAPON}}", "no name of a list", "write `item: {labels: WEAPON}`"),
    (WATCH + "{event: {type: transfer, recipient: ¦russia}}", "no list `russia`", "`recipient: {terms: russia}`"),
    (WATCH + "{event: {type: transfer, supplier: {¦ids: [KP]}}}", "unknown key `ids`", "did you mean `id`?"),
    (WATCH + "{entity: {id: [KP, ¦XX]}}", "`XX` is no country of ISO 3166-1", "two capital letters"),
    (WATCH + "{entity: {id: ¦kp}}", "`kp` is no country", "did you mean `KP`?"),
    (WATCH + "{event: {type: transfer, supplier: {id: ¦Iran}}}", "`Iran` is no country", "did you mean `IR`?"),
    ("lists:\n  a: {ids: [KP, ¦IRN]}", "`IRN` is no country", ""),
    (FEED + WATCH + "{source: {name: ¦Wiree}}", "there is no feed `Wiree`", "did you mean `Wire`?"),
    (FEED + "sources:\n  a: {name: [Wire, ¦Gone]}", "there is no feed `Gone`", ""),
    (FEED + "sources:\n  a: {tags: [¦fsat]}", "no feed has the tag `fsat`", "did you mean `fast`?"),
    (WATCH + "{entity: {labels: ¦GEP}}", "no label `GEP`", "did you mean `GPE`?"),
    (WATCH + "{entity: {id: KP, ¦within: sentence}}", "needs another condition", ""),
    (WATCH + "{age: ¦tomorrow}", "is not a duration", ""),
    (WATCH + "¦{}", "an empty condition", ""),
    (WATCH + "{all: ¦[]}", "`all` is empty; it needs at least 1", ""),
    (WATCH + "{source: ¦wires}", "no set of sources `wires`", ""),
    (WATCH + "¦{any: [{topic: terrorism}], weight: 3}", "beside one condition", ""),
    (WATCH + "{topic: terrorism}\n    score: {threshold: ¦3}", "can never be reached", ""),
    (WATCH + "{topic: terrorism}\n    severity: ¦hihg", "it can be info", "did you mean `high`?"),
    (WATCH + "{topic: terrorism}\n    enabled: ¦shadw", "it can be", "did you mean `shadow`?"),
    (WATCH + "{topic: terrorism}\n    ¦id: x", "repeats the key `id`", ""),
    (WATCH + "{topic: terrorism}\n  - {id: ¦w, title: t, match: {topic: terrorism}}", "already stands", ""),
    (WATCH + "{topic: terrorism}\n    tests: [¦{expect: {fires: true}}]", "either as title and text", ""),
    (WATCH + "{topic: terrorism}\n    tests: [{file: ¦a.txt, expect: {}}]", "cannot be read", ""),
    ("lists:\n  a: {include: [b]}\n  b: {include: [¦a]}", "makes a circle: a → b → a", ""),
    ("lists:\n  a: {include: [¦a]}", "makes a circle: a → a", ""),
    ("lists:\n  a: ¦{}", "an empty list", ""),
    ("lists:\n  a: {file: ¦gone.txt}", "cannot be read", ""),
    ("lists:\n  ¦a: {file: gone.dat}", "`format` is missing", ""),
    ("sources:\n  a: {exclude: [b]}\n  b: {include: [¦a]}", "makes a circle", ""),
    ("topics:\n  ¦terrorism: {description: x, phrases: {bomb: 1}}", "is a built-in topic", ""),
    ("watches:\n¦\t- id: w", "is not YAML", "never tabs"),
    ("watches: ¦&a []\nroute: *a", "sets the anchor", ""),
    ("watches: ¦!!python/object:os.system []", "uses the tag", ""),
    ("a: 1\n¦---\nb: 2", "second document", ""),
    ("watches: " + "[" * 20 + "¦" + "[" * 20_000, "nested more than 20 deep", ""),
]


@pytest.mark.parametrize(("text", "message", "hint"), MISTAKES)
def test_a_mistake_is_told_with_its_place(problems, text, message, hint):
    before = text.partition("¦")[0].split("\n")
    told = problems(text.replace("¦", ""))
    place = f"0.yaml:{len(before)}:{len(before[-1]) + 1}: "
    assert any(line.startswith(place) and message in line and hint in line for line in told), told


def test_names_are_checked_beside_mistakes_of_shape(problems):
    told = problems(
        FEED.replace("tags", "colour") + "endpoints:\n  desk: {url: 3}\n"
        "route:\n  endpoint: [desk, dsk]\n  routes:\n    - {endpoint: desk, mute_time_intervals: nihgt}\n"
        "time_intervals:\n  night: [{times: ['22:00-24:00']}]\n" + WATCH + "{all: [{entity: {id: ZZ}}, "
        "{entity: {list: axis}}, {source: {name: Wire}}, {source: {name: Wier}}]}\n    severity: hihg\n"
    )
    words = ("colour", "`url`", "`dsk`", "`nihgt`", "`ZZ`", "`axis`", "`Wier`", "hihg")
    assert [next((word for word in words if word in line), line) for line in told] == list(words)


def test_ids_are_free_where_the_model_is_ones_own(load):
    own = load("nlp: {model: en_desk}\n" + WATCH + "{entity: {id: Q423}}")
    assert own.watches[0].condition.ids == ("Q423",)


def test_events_are_judged_only_where_a_watch_asks_for_one_at_any_depth(load):
    assert not load(WATCH + "{topic: arms-transfer}").nlp.judges_events
    nested = load(
        "nlp: {entities: when_relevant}\n"
        + WATCH
        + "{any: [{topic: cyberattack}, {none: [{event: {type: transfer}}]}]}"
    )
    assert nested.nlp.judges_events
    assert nested.nlp.entities == "when_relevant"


def test_a_watchlist_alone_may_name_feeds_that_stand_elsewhere(load):
    assert load(WATCH + "{source: {name: Wire}}").watches


def test_a_list_file_beside_the_watchlist_that_names_it_is_told_by_its_path(tmp_path):
    (tmp_path / "watchlists").mkdir()
    (tmp_path / "watchlists" / "people.yaml").write_text("lists:\n  people: {file: people.csv}\n", "utf-8")
    (tmp_path / "watchlists" / "people.csv").write_text("name\nKim Roe\n", "utf-8")
    with pytest.raises(ConfigError, match=r"write watchlists/people\.csv"):
        load_configuration(tmp_path, {})


def test_a_misspelt_title_hides_none_of_the_unknown_names_beside_it(problems):
    told = problems(
        "watches:\n  - id: a\n    titel: A\n    severity: urgent\n"
        "    match: {all: [{topic: arms-transfers}, {entity: {list: irann}}]}\n"
        "feeds:\n  - {url: 'https://a.example/', nam: A, proxy: {env: NOT_SET}}\n",
    )
    assert told == [
        "0.yaml:2:5: `title` is missing",
        "0.yaml:3:5: unknown key `titel` (did you mean `title`?)",
        "0.yaml:4:15: `severity` is “urgent”; it can be info, low, medium, high or critical",
        "0.yaml:5:27: there is no topic `arms-transfers` (did you mean `arms-transfer`?)",
        "0.yaml:5:60: there is no list `irann` (none is defined)",
        "0.yaml:7:5: `name` is missing",
        "0.yaml:7:33: unknown key `nam` (did you mean `name`?)",
        "0.yaml:7:54: the environment variable NOT_SET is not set",
    ]


def test_a_misspelt_key_hides_nothing_of_what_stands_under_it(problems):
    told = problems(
        "watches:\n"
        "  - {id: a, title: A, mach: {al: [{topik: {name: arms, min_scor: 7}}, {entity: {id: ZZ, lables: 3}}]}}\n"
        "  - {id: b, title: B, macth: {regex: '('}, severty: hihg, tests: [{titel: T, expct: {fires: perhaps}}]}\n",
    )
    assert told == [
        "0.yaml:2:5: `match` is missing",
        "0.yaml:2:23: unknown key `mach` (did you mean `match`?)",
        "0.yaml:2:30: unknown key `al` (did you mean `all`?)",
        "0.yaml:2:36: unknown key `topik` (did you mean `topic`?)",
        "0.yaml:2:50: there is no topic `arms` (known: armed-conflict, arms-smuggling, arms-transfer, civil-unrest, "
        "cyberattack, financial-crime, organised-crime, sanctions-measure, sanctions-violation, terrorism, weapons-program)",
        "0.yaml:2:56: unknown key `min_scor` (did you mean `min_score`?)",
        "0.yaml:2:66: `min_score` is “7”; it can be at most 1.0",
        "0.yaml:2:85: `ZZ` is no country of ISO 3166-1 (two capital letters, such as KP; what else is named: `aliases`)",
        "0.yaml:2:89: unknown key `lables` (did you mean `labels`?)",
        "0.yaml:2:97: there is no label `3` (known: DATE, FAC, GPE, LOC, MONEY, NORP, ORG, PERSON, VESSEL, WEAPON)",
        "0.yaml:3:5: `match` is missing",
        "0.yaml:3:23: unknown key `macth` (did you mean `match`?)",
        "0.yaml:3:38: `regex`: RE2 refuses it: missing ): ( (see RE2's syntax)",
        "0.yaml:3:44: unknown key `severty` (did you mean `severity`?)",
        "0.yaml:3:53: `severity` is “hihg”; it can be info, low, medium, high or critical (did you mean `high`?)",
        "0.yaml:3:67: `expect` is missing",
        "0.yaml:3:68: unknown key `titel` (did you mean `title`?)",
        "0.yaml:3:78: unknown key `expct` (did you mean `expect`?)",
        "0.yaml:3:93: `fires` is “perhaps”; it should be true or false",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("macth: {topic: x}, match: {topic: terrorism}", ["unknown key `macth`"]),
        (
            "macth: {topic: terrorism}, mach: {topic: x}",
            ["`match` is missing", "unknown key `macth`", "unknown key `mach`"],
        ),
        ("mach: [terrorism]", ["`match` is missing", "unknown key `mach`"]),
        ("match: {topic: terrorism, note: [x]}", ["unknown key `note`"]),
        ("match: {topic: terrorism, lanquage: {de: x}}", ["unknown key `lanquage`"]),
    ],
    ids=["the other is there", "two for one", "another type", "not so like", "another type of a list"],
)
def test_a_key_of_which_it_is_not_sure_what_was_meant_is_told_alone(problems, text, told):
    found = problems("watches:\n  - {id: a, title: A, " + text + "}\n")
    assert [line.split(": ", 1)[1].split(" (")[0] for line in found] == told


def test_a_misspelt_section_is_known_to_what_names_it(problems):
    told = problems("feds:\n  - {url: 'https://a.example/', name: A}\n" + WATCH + "{source: {name: A}}")
    assert told == ["0.yaml:1:1: unknown key `feds` (did you mean `feeds`?)"]


def test_all_mistakes_are_told_at_once(problems):
    told = problems(
        "watches:\n"
        "  - id: a\n    title: t\n    severity: hihg\n    colour: red\n    sources: {include: [wirez]}\n"
        "    match: {all: [{topic: {name: arms-transfr, min_score: 7}}, {entity: {labels: GEP}}]}\n"
        "  - title: no id\n    match: {phrase: '*'}\n",
        "lists: {x: {fil: a}}\n",
    )
    places = [line.split(": ")[0] for line in told]
    assert places == ["0.yaml:4:15", "0.yaml:5:5", "0.yaml:6:25", "0.yaml:7:34", "0.yaml:7:59", "0.yaml:7:82",
                      "0.yaml:8:5", "0.yaml:9:21", "1.yaml:1:9", "1.yaml:1:13"]  # fmt: skip


@pytest.mark.parametrize("word", ["NO", "yes", "017", "1e3", "~", "null"])
def test_a_text_keeps_its_spelling(load, word):
    [watch] = load("nlp: {model: en_desk}\n" + WATCH + f"{{entity: {{id: {word}}}}}").watches
    assert watch.condition == EntityCondition(ids=(word,), name=word)


@pytest.mark.parametrize("change", [lambda raw: b"\xef\xbb\xbf" + raw, lambda raw: raw.replace(b"\n", b"\r\n")])
def test_marks_and_line_ends_of_other_systems_are_read(load, change):
    [watch] = load(raw=change((WATCH + "{topic: terrorism}\n").encode())).watches
    assert watch.condition == TopicCondition("terrorism")


def test_a_hundred_thousand_terms_are_refused_with_advice(problems):
    terms = ", ".join(f"term{number}" for number in range(100_000))
    told = problems(WATCH + f"{{phrase: [{terms}]}}")
    assert len(told) == 1
    assert "split it" in told[0]


def test_an_alias_bomb_costs_nothing(problems):
    rows = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert any("aliases are not supported" in line for line in problems("\n".join(rows)))


def test_shorthands_are_their_long_forms(load):
    [first, second] = load(
        "watches:\n"
        "  - {id: a, title: t, match: {topic: terrorism, phrase: bomb}}\n"
        "  - {id: b, title: t, match: {all: [{topic: {name: terrorism}}, {phrase: {terms: [bomb]}}]}}\n"
    ).watches
    assert (
        first.condition == second.condition == Group("all", (TopicCondition("terrorism"), PhraseCondition(("bomb",))))
    )


def test_lists_include_lists_over_files(load):
    [watch] = load(
        WATCH + "{all: [{entity: {list: axis}}, {near: {terms: [{list: arms}, x], within: 3}}]}",
        "lists:\n  axis: {include: [dprk], ids: [IR]}\n  arms: {phrases: ['missile*']}\n",
        "lists:\n  dprk: {ids: [KP], aliases: [DPRK]}\n",
    ).watches
    entity, near = watch.condition.children
    assert (entity.ids, entity.terms) == (("IR", "KP"), ("DPRK",))
    assert near == NearCondition((("missile*",), ("x",)), 3)


def test_sources_resolve_to_filters(load):
    [watch] = load(
        "sources:\n  wires: {tags: [wire]}\n  good: {include: [wires], languages: [en]}\n  blogs: {tags: [blog]}\n"
        "watches: [{id: w, title: t, sources: {include: [good], exclude: [blogs]}, match: {topic: terrorism}}]\n"
    ).watches
    wires, blogs = SourceFilter(("wire",), name="wires"), SourceFilter(("blog",), name="blogs")
    good = SourceFilter(languages=("en",), include=(wires,), name="good")
    assert watch.sources == SourceFilter(include=(good,), exclude=(blogs,))


def test_the_hash_changes_with_a_list_file(load, tmp_path):
    text = "lists:\n  a: {file: a.txt}\n" + WATCH + "{entity: {list: a}}"
    first = load(text, a_txt=b"Acme Trading")
    assert str(tmp_path / "a.txt") in first.files
    assert load(text, a_txt=b"Acme Shipping").hash != first.hash


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("config")
    (folder / "a.yaml").write_bytes(text.encode("utf-8", "replace"))
    try:
        load_configuration(folder, {})
    except ConfigError as error:
        assert error.problems
