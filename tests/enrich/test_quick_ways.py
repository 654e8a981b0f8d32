"""Each quick way over many words, sentences or texts gives the very result of the plain way over one."""

import re
from functools import cache
from itertools import count

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from spacy.language import Language

from tests.fakes import article
from worker.enrich import pipeline, runs
from worker.enrich.amounts import numeric_dates
from worker.enrich.countries import country_forms, country_id, country_term, possible_ids
from worker.enrich.cues import NOT_SOUGHT, RunCues
from worker.enrich.cuts import KnownRuns
from worker.enrich.enricher import _has_long_run, load
from worker.enrich.events import transfer
from worker.enrich.events.draft import Draft, Part
from worker.enrich.events.extract import _cues, _may_tell, _telling, event_cues, may_tell
from worker.enrich.events.tokens import _TOKEN
from worker.enrich.events.units import Unit
from worker.enrich.find import Find
from worker.enrich.gazetteer import find_all, longest, rule_cues
from worker.enrich.ner import LABELS, shape
from worker.enrich.ner_decode import decode, decode_all
from worker.enrich.ner_gate import REACH, Gate
from worker.enrich.ner_pass import NamesPass
from worker.enrich.phrase_topics import PatternIndex, compile_pattern
from worker.enrich.runs import RunTable
from worker.enrich.sentences import _STOP, _word_before, split_sentences
from worker.enrich.topic_features import FeatureExtractor
from worker.enrich.topic_words import SentenceWords
from worker.enrich.topics import _sums, mix_inputs
from worker.enrich.word_shapes import shape_buckets, shapes_of
from worker.enrich.word_table import Postings
from worker.errors import TurnOver

PIECES = st.one_of(
    st.sampled_from(
        (
            *("Iran", "violated", "sanctions", "ſanctions", "İran", "sanctions-busting", "arms", "embargo", "’s", "'s"),
            *("smuggling", "oil", "Ship-to-ship", "transfers", "x" * 70, "x" * 70 + "-sanctions", "ΑΣ", "\u212aremlin"),
            *(
                "...",
                "?!",
                "”",
                " ",
                "\n",
                "\u2028",
                "-",
                "—",
                "1999",
                "2024-05-06",
                "$2010",
                "2010.5",
                "👩‍👩‍👧",
                "\x00",
                "مجلس",
            ),
        )
    ),
    st.text(max_size=6),
)
TEXTS = st.lists(PIECES, max_size=60).flatmap(
    lambda parts: st.sampled_from(["", " ", ". "]).map(lambda by: by.join(parts))
)
WORDS = st.lists(st.one_of(st.text(min_size=1, max_size=40), st.text("abc-é", min_size=1)), max_size=20)


@cache
def extractor() -> FeatureExtractor:
    return FeatureExtractor.default()


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_phrases_sought_by_their_words_are_those_of_reading_each_sentence(texts: list[str]) -> None:
    articles = [(text, sentences) for text in texts if (sentences := split_sentences(text))]
    if not articles:
        return
    found = extractor().extract_all(articles).sentences.phrases
    index: PatternIndex = extractor().table.index
    places = [(text, start, end) for text, sentences in articles for start, end in sentences]
    for row, (text, start, end) in zip(found, places, strict=True):
        ends = [
            extractor().table.index.ends(token[:64])
            for token in re.findall(r"\w+(?:[-.'’]\w+)*", text[start:end].lower())
        ]
        opened, closed = ({n for end_ in ends for n in end_[side]} for side in (0, 1))
        read = index.find(text, start, end) if opened & closed else set()
        assert set(np.flatnonzero(row).tolist()) == read


@given(
    st.sampled_from(["arms|weapon* ~2 sale*", "ship-to-ship", "maß* sale", "us|u.s ban"]),
    st.text("armsweponßbuΣſK -.", max_size=24),
)
def test_the_words_a_pattern_opens_and_closes_with_are_those_its_expressions_match(source: str, text: str) -> None:
    pattern = compile_pattern(source)
    index = PatternIndex([pattern])
    for word in re.findall(r"\w+", text):
        heads = [{one[:2] for one in place.words | place.stems} for place in (pattern.first, pattern.last)]
        expected = [
            [0] if word.lower()[:2] in some and place.regex.match(word) else []
            for some, place in zip(heads, (pattern.first, pattern.last), strict=True)
        ]
        assert [list(numbers) for numbers in index.ends(word)] == expected


@given(WORDS)
def test_shapes_of_many_words_are_those_of_each(words: list[str]) -> None:
    buckets, owners = shapes_of(words)
    assert [buckets[owners == number].tolist() for number in range(len(words))] == list(map(shape_buckets, words))


@given(st.lists(st.integers(1, 80), min_size=1, max_size=20), st.integers(0, 2**32 - 1))
def test_runs_are_summed_to_the_last_bit_as_each_by_itself(lengths: list[int], seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=sum(lengths)).astype(np.float32) ** 2
    starts = np.cumsum(lengths) - lengths
    assert _sums(values, starts).tolist() == [run.sum() for run in np.split(values, starts[1:])]


@settings(deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_names_of_a_batch_are_those_of_each_document(lengths: list[int], seed: int) -> None:
    gap, drawn = 4, np.random.default_rng(seed)
    ends = np.cumsum([length + gap for length in lengths]).tolist()
    bounds = [(end - length, end) for end, length in zip(ends, lengths, strict=True)]
    scores = drawn.normal(size=(ends[-1] + gap, 2 * len(LABELS) + 1)).astype(np.float32) * 4
    together = decode_all(scores.copy(), bounds)
    for start, end in bounds:
        assert together[start:end].tolist() == (decode(scores[start:end]).tolist() if end > start else [])
    inside = np.zeros(len(scores), bool)
    for start, end in bounds:
        inside[start:end] = True
    assert not together[~inside].any()


PLAIN_STOP = re.compile(
    r"(?<![.!?…。！？؟])[.!?…。！？؟]++[\"'”’»)\]]*+(?=\s)|[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]++"
)
PLAIN_NUMERIC = re.compile(r"(?<![\w.,$€£-])(?:19|20)\d\d(?:-[01]\d-[0-3]\d(?!\w)|(?![\w%-]|[.,]\d))")


PLAIN_TOKEN = re.compile(
    r"(?:[A-Za-z]\.){2,}|\d[\d.,]*\d|\w+?(?=n['’]t\b)|n['’]t\b|['’´`]s\b|\w+(?:[-–]\w+)*|[^\w\s]", re.IGNORECASE
)


@settings(max_examples=500)
@given(st.one_of(TEXTS, st.text("anNtTsS1.,'’´-– _İſé", max_size=30)))
@example("don't can’t DON'T n't isn'tx well-don't 1n't U.S.A.n't")
def test_tokens_are_those_of_seeking_a_negation_at_the_end_of_every_word(text: str) -> None:
    assert _TOKEN.findall(text) == PLAIN_TOKEN.findall(text)


@pytest.mark.parametrize("word", sorted(transfer.telling_words() - transfer._telling_without_goods()))
def test_words_that_are_passed_over_without_goods_say_too_little_without_them(word: str) -> None:
    around = [Unit("party", "peru", 0, 4, "GPE", "PE"), Unit("party", "chad", 8, 12, "GPE", "TD")]
    units = [around[0], Unit("word", word, 5, 7), around[1]]
    parts = (Part("supplier", 0, 4, 0), Part("recipient", 8, 12, 2))
    draft = transfer._by_request(units, 1) if word in transfer.ASKING else Draft("transfer", 1, parts)
    assert draft is None or not transfer._says_enough(units, draft)


@given(st.one_of(TEXTS, st.text('.!?…"”) \n\r\u2028a', max_size=40)))
def test_stops_skipped_to_are_those_looked_for_at_every_letter(text: str) -> None:
    assert [stop.span() for stop in _STOP.finditer(text)] == [stop.span() for stop in PLAIN_STOP.finditer(text)]


@given(st.one_of(TEXTS, st.text("1209-05,.$ a", max_size=40)))
def test_years_skipped_to_are_those_looked_for_at_every_letter(text: str) -> None:
    expected = [Find(year.start(), year.end(), "DATE") for year in PLAIN_NUMERIC.finditer(text)]
    assert list(numeric_dates(text)) == expected


@given(st.text('aB.-("‘ \n\u2028', max_size=60))
def test_the_word_before_a_stop_is_the_one_sought_further_back(text: str) -> None:
    found = re.search(r"[^\s(\[“\"‘']{1,24}$", text[-32:])
    assert _word_before(text, len(text)) == (found.group() if found else "")


@given(
    st.lists(st.sampled_from([" ", "\n", "\u3000", "a", "b" * 50, "c" * 99, "d" * 100, "e" * 101]), max_size=12).map(
        "".join
    )
)
def test_runs_leapt_to_are_as_long_as_those_looked_at_one_by_one(text: str) -> None:
    assert _has_long_run(text) == any(len(run) > 100 for run in text.split())


TELLING = st.lists(
    st.sampled_from(
        (
            "sanctions",
            "İarms",
            "arms",
            "farms",
            "aid",
            "said",
            "_aid",
            "aid's",
            "exported",
            "sold",
            "oil",
            "Supplied",
            "it",
        )
    )
    | st.sampled_from((" ", " ", ". ", "-", "İ", "ſ", "\n", "to")),
    max_size=14,
).map("".join)


@given(TELLING)
def test_sentences_with_whole_cues_are_those_that_may_tell_with_any(text: str) -> None:
    plain = [text[start:end] for start, end in split_sentences(text)]
    with_any = [one for one in plain if any(True for _ in _cues().iter(one.lower()))]
    assert may_tell(text, split_sentences(text), ()) == any(_may_tell(one, has_goods=False) for one in with_any)


CUES = st.lists(
    st.sampled_from([sought.words for some in (rule_cues(), event_cues(), country_forms()) for sought in some])
    | st.sampled_from(("Iran", "IRAN’s", "United", "States", "u.s.a", "Côte", "d’Ivoire", "SANCTIONS", "T-72s", "14"))
    | st.sampled_from(
        ("ship", "Leopard", "20", "March", "$5", "May", "no", "Aidan", "İ", "ß", "Σ", "ǰ", "\u0345", "’s")
    )
    | st.sampled_from((" ", " ", " ", "\n", "  ", "\u2028", "\u3000", ". ", "-", ",", "x" * 130)),
    max_size=12,
).map("".join)


@settings(max_examples=500)
@given(st.lists(st.one_of(CUES, TEXTS), max_size=4))
@example(
    ["in the United\nStates and \n South  Korea of Congo", "the 12 Leopard 2s, leopard 4", "xsouth korea", " Korea"]
)
def test_cues_sought_in_runs_are_those_sought_in_texts(texts: list[str]) -> None:
    for text, cues in zip(texts, run_cues().find(texts), strict=True):
        sentences = split_sentences(text)
        assert find_all(text, cues.rules) == find_all(text)
        assert possible_ids(text, cues.countries) == possible_ids(text)
        assert list(_telling(text, sentences, (), cues.events)) == list(_telling(text, sentences, (), None))


@cache
def run_cues() -> RunCues:
    return RunCues(RunTable())


def test_a_text_whose_runs_are_not_kept_is_searched_for_cues_itself() -> None:
    long, short = "Iran " * 10_000, "Iran"
    assert [cues is NOT_SOUGHT for cues in run_cues().find([long, short, long])] == [True, False, True]


@given(st.one_of(st.text(max_size=8), st.text("aBǅßİ一ªʰ1-’", max_size=8)))
@example("Iran")
def test_the_shape_of_a_plain_word_is_that_of_its_letters(word: str) -> None:
    outline = ["X" if c.isupper() else "x" if c.isalpha() else "d" if c.isdigit() else c for c in word]
    assert shape(word) == "".join(c for i, c in enumerate(outline) if outline[max(0, i - 3) : i] != [c] * 3)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=15))
def test_the_longest_finds_are_the_same_apart_and_together(places: list[tuple[int, int]]) -> None:
    finds = [Find(start, start + length, "DATE") for start, length in places]
    kept: list[Find] = []
    for find in sorted(finds, key=lambda one: (one.start - one.end, one.start)):
        if all(find.end <= other.start or other.end <= find.start for other in kept):
            kept.append(find)
    assert longest(finds) == sorted(kept, key=lambda one: one.start)


@pytest.mark.parametrize(
    "surface", ["Iran", "the Kremlin", "United" + " " * 300 + "States", "Iran" + "x" * 300, "us", ""]
)
def test_a_remembered_country_is_the_one_that_is_looked_up(surface: str) -> None:
    term = country_term(surface)
    assert country_id(surface) == country_id(surface) == (term.id if term else None)


@pytest.mark.parametrize("backend", ["numpy", "blis"])
@pytest.mark.parametrize("words", [1, 2, 767, 768, 2_500])
def test_words_have_the_scores_that_the_network_itself_gives_them(backend: pipeline.Backend, words: int) -> None:
    tagger = pipeline.load(None, backend).get_pipe("tocsin_bio")
    parts = tagger.network.get_ref("encode"), tagger.network.get_ref("output")
    chance = np.random.default_rng(words)
    vectors = chance.normal(size=(200, 96)).astype(np.float32)
    vectors[0] = 0
    index = np.where(chance.random(words) < 0.1, 0, chance.integers(0, 200, words))
    expected = parts[1].predict(parts[0].predict(vectors[index]))
    names = NamesPass(*parts, tagger.network.ops)
    np.testing.assert_allclose(names.scores(vectors, index, np.ones(words, bool)), expected, atol=1e-4)
    for share in (0.5, 0.1, 0.01, 0):
        needed = chance.random(words) < share
        scores = names.scores(vectors, index, needed)
        np.testing.assert_allclose(scores[needed], expected[needed], atol=1e-4)
        assert (scores[~needed, 0] - scores[~needed, 1:].max(axis=1, initial=-np.inf) > 1_000).all()


@given(st.lists(st.booleans(), max_size=30), st.integers(0, 2**32 - 1))
def test_the_gate_admits_the_words_at_and_beside_those_whose_neighbours_speak_for_a_name(
    are_words: list[bool], seed: int
) -> None:
    gate = Gate(np.zeros((96, 2 * REACH + 1), np.float32), -1.0)
    hints = np.random.default_rng(seed).normal(size=(len(are_words), 2 * REACH + 1)).astype(np.float32)
    is_word = np.array(are_words, bool)
    hints[~is_word] = 0
    speaks = [
        here and sum(hints[i + d, REACH + d] for d in range(-REACH, REACH + 1) if 0 <= i + d < len(hints)) > 1
        for i, here in enumerate(are_words)
    ]
    expected = [here and any(speaks[max(0, i - 1) : i + 2]) for i, here in enumerate(are_words)]
    assert gate.admitted(hints, is_word).tolist() == expected


RUNS = st.one_of(
    st.sampled_from(
        (
            *(
                "it's",
                "“It’s",
                "don't",
                "Mr.",
                "U.S.",
                "10a.m.",
                "(a.m.)",
                "Jan.-Feb.",
                "Co.",
                "$5bn",
                "3km/h",
                "Kim's,",
            ),
            *(":)", "word:)", ")", "(", ":", "(:", "x:-(", "8", "D", "'", "''", "s", "and/or", "C++", "--", "...", "-"),
            *("  ", "\n", "\n\n", " \n", "\t", "\xa0", "\u2028", "\u3000", "\x1c", "\u200b", "\x00"),
            *(
                "“Well-known,”",
                "(R-Ariz.)",
                "(D-Ill.),",
                "$10,000.",
                "£3.5;",
                "0;)",
                "x:),",
                "US's.",
                "A.",
                "X-ray’s?”,",
                "Inc.)",
            ),
            *("https://a.example/x?y=1", "x" * 200, "1999-2001", "İran", "👩‍👩‍👧", "北京", "مجلس"),
        )
    ),
    st.text(max_size=5),
    st.text("Aabinstx.,'’$ ", max_size=6),
)
RUNNING = st.lists(RUNS, max_size=30).flatmap(lambda parts: st.sampled_from(["", " "]).map(lambda by: by.join(parts)))


@cache
def known_runs() -> tuple[Language, KnownRuns]:
    nlp = pipeline.load(None, "numpy")
    return nlp, KnownRuns(nlp.tokenizer, nlp.get_pipe("tocsin_bio").words)


@settings(max_examples=300, deadline=None)
@given(st.lists(RUNNING, max_size=4), st.sampled_from(["words", "runs", ""]))
def test_a_text_is_cut_where_the_tokeniser_cuts_it_whatever_was_cut_before(parts: list[str], forgotten: str) -> None:
    nlp, known = known_runs()
    words = nlp.get_pipe("tocsin_bio").words
    if forgotten == "words":
        words.forget()
    elif forgotten == "runs":
        known._table.keep(len(known._table) // 2)
    for text, cut in zip(parts, known.cut(parts), strict=True):
        doc = nlp.make_doc(text)
        assert list(zip(cut.starts, cut.ends, strict=True)) == [(one.idx, one.idx + len(one)) for one in doc]
        assert cut.rows.tolist() == words.rows_of([one.text for one in doc]).tolist()


def test_of_too_many_runs_those_stay_that_are_met_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "_KEPT_RUNS", 20)
    nlp = pipeline.load(None, "numpy")
    known = KnownRuns(nlp.tokenizer, nlp.get_pipe("tocsin_bio").words)
    learnt: list[str] = []
    learn = known._learn
    monkeypatch.setattr(known._tokens, "_make", lambda runs: (learnt.extend(runs), learn(runs))[1])
    for number in range(60):
        text = f"First once{number}, then they're late{number}: met."
        [cut] = known.cut([text])
        assert cut.ends.tolist() == [one.idx + len(one) for one in nlp.make_doc(text)]
        assert len(known) - 1 <= len(known._table) <= 26
    assert [learnt.count(run) for run in ("First", "then", "they're", "met.")] == [1] * 4
    assert len(learnt) == 60 * 2 + 4


SENTENCES = st.sampled_from((RUNNING, TEXTS)).flatmap(lambda some: some)


@cache
def sentence_words() -> SentenceWords:
    return SentenceWords(extractor().table)


@settings(max_examples=300, deadline=None)
@given(st.lists(SENTENCES, min_size=1, max_size=4), st.sampled_from(["words", "runs", ""]), st.integers(1, 9))
def test_words_sought_by_their_runs_are_those_of_each_sentence(texts: list[str], forgotten: str, torn: int) -> None:
    words = sentence_words()
    if forgotten == "words":
        words._table.reset()
    elif forgotten == "runs":
        words._runs.keep(len(words._runs) // 2)
    articles = [(text, split_sentences(text)) for text in texts]
    articles += [(text, [(at, at + torn) for at in range(0, len(text), torn)]) for text in texts]
    articles = [(text, sentences) for text, sentences in articles if sentences]
    if not articles:
        return
    tokens = words.read(articles)
    sentences = [(start, text[start:end].lower()) for text, places in articles for start, end in places]
    expected = [
        (words._table.rows[word.group()[:64]], number, start + word.start(), start + word.end())
        for number, (start, lower) in enumerate(sentences)
        for word in re.finditer(r"\w+(?:[-.'’]\w+)*", lower)
    ]
    columns = tokens.rows, tokens.owners, tokens.starts, tokens.ends
    assert list(zip(*map(np.ndarray.tolist, columns), strict=True)) == expected


@given(RUNNING)
def test_the_runs_of_a_text_are_its_signs_and_its_spaces_but_for_the_blank_behind_a_sign(text: str) -> None:
    table = RunTable()
    [found] = table.read([text])
    parted = list(re.finditer(r"\S+|(?<!\S)\s+|(?<=\S)(?! )\s+|(?<=\S )\s+", text))
    assert list(zip(found.starts, found.ends, strict=True)) == [run.span() for run in parted]
    assert [table.run(number) for number in found.numbers] == [
        run.group() if len(run.group()) < 128 else "" for run in parted
    ]


def test_a_text_read_for_topics_and_for_names_is_parted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    table, parted = RunTable(), []
    part = runs._part
    monkeypatch.setattr(
        runs, "_part", lambda joined, texts, firsts: (parted.extend(texts), part(joined, texts, firsts))[1]
    )
    nlp = pipeline.load(None, "numpy")
    words, known = (
        SentenceWords(extractor().table, table),
        KnownRuns(nlp.tokenizer, nlp.get_pipe("tocsin_bio").words, table),
    )
    texts = [f"Iran shipped {number} arms." for number in range(100)]
    for start in range(0, 100, 20):
        some = texts[start : start + 20]
        words.read([(text, [(0, len(text))]) for text in some])
        known.cut(some)
    assert parted == texts
    assert len(table._last) <= 80, "what is kept of texts is bounded"
    table.read(["word " * 10_000])
    assert "word " * 10_000 not in table._last


def test_an_article_is_parted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    enricher, parted = load(), []
    part = runs._part
    monkeypatch.setattr(
        runs, "_part", lambda joined, texts, firsts: (parted.extend(texts), part(joined, texts, firsts))[1]
    )
    enricher.enrich([article("Iran ships arms", f"{number} tanks went to Norway.") for number in range(3)])
    assert len(parted) == 3


def test_a_turn_that_ends_while_runs_are_dropped_leaves_none_under_another_ones_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = RunTable()
    words = SentenceWords(extractor().table, table)
    article = [("Iran shipped arms; Norway bought none of them.", [(0, 46)])]
    before = words.read(article)

    def end(*_: object, **__: object) -> None:
        raise TurnOver

    def drop() -> None:
        table.keep(3)
        words.read([("Others.", [(0, 7)])])

    for ended, name in ((runs.np, "argsort"), (Postings, "keep")):
        with monkeypatch.context() as ending:
            ending.setattr(ended, name, end)
            with pytest.raises(TurnOver):
                drop()
        after = words.read(article)
        assert (after.rows.tolist(), after.ends.tolist()) == (before.rows.tolist(), before.ends.tolist())


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.integers(0, 2**32 - 1))
def test_the_strongest_sentences_of_many_articles_are_those_of_each(counts: list[int], seed: int) -> None:
    drawn, starts = np.random.default_rng(seed), np.cumsum(counts) - counts
    heads = drawn.normal(size=(len(counts), 3)).astype(np.float32)
    by_sentence = drawn.integers(-2, 3, (sum(counts), 3)).astype(np.float32)  # with many a draw
    found = mix_inputs(heads, by_sentence, starts)
    for inputs, head, sentences in zip(found, heads, np.split(by_sentence, starts[1:]), strict=True):
        top = np.sort(sentences, axis=0)
        assert inputs.T.tolist() == [head.tolist(), *map(list, (top[-1], top[-2:][0], sentences[0])), [1.0] * 3]


def test_what_is_not_kept_gives_its_memory_back() -> None:
    postings = Postings()
    postings.extend(np.full(50_000, 10), np.tile(np.arange(10), 50_000))
    postings.keep(np.arange(0, 50_000, 1_000))
    assert postings._numbers.nbytes + postings._ends.nbytes < 50_000
    places, numbers = postings.of(np.array([0, 49]))
    assert (places.tolist(), numbers.tolist()) == ([0] * 10 + [1] * 10, [*range(10)] * 2)
    postings.keep(np.arange(0))
    postings.extend(np.array([1]), np.array([7]))
    assert postings.of(np.array([0]))[1].tolist() == [7]


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_turn_that_ends_while_room_is_made_for_words_spoils_none(left: int, monkeypatch: pytest.MonkeyPatch) -> None:
    words = pipeline.load(None, "numpy").get_pipe("tocsin_bio").words
    many = [f"word{number}q" for number in range(len(words.blanks))]
    zeros_like, calls = np.zeros_like, count()

    def end(array: np.ndarray) -> np.ndarray:
        if next(calls) == left:
            raise TurnOver
        return zeros_like(array)

    with monkeypatch.context() as ending:
        ending.setattr(np, "zeros_like", end)
        with pytest.raises(TurnOver):
            words.rows_of(many)
    assert len(words.rows_of(many)) == len(many)


def test_an_emoticon_beside_others_is_cut_as_the_tokeniser_cuts_it() -> None:
    nlp, known = known_runs()
    for text in ("word:) )", "word:)", ") word:)", "x:-( ( (", "8 ) word:)"):
        [cut] = known.cut([text])
        assert cut.ends.tolist() == [one.idx + len(one) for one in nlp.make_doc(text)], text


def test_a_turn_that_ends_while_runs_are_learnt_leaves_no_run_under_another_ones_tokens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nlp, known = known_runs()
    with monkeypatch.context() as ending:
        extend = Postings.extend

        def end(self: Postings, counts: np.ndarray, numbers: np.ndarray) -> None:
            extend(self, counts, numbers)
            raise TurnOver

        ending.setattr(Postings, "extend", end)
        with pytest.raises(TurnOver):
            known.cut(["Interrupted, unheard-of runs."])
    text = "Others, after the unheard-of runs."
    assert known.cut([text])[0].ends.tolist() == [one.idx + len(one) for one in nlp.make_doc(text)]
