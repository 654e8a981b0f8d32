"""The learnt judgement of modality: what the encoder reads, how it is weighed against the rules, and when it is not there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.enrich.events import by_rules, extract
from worker.enrich.events.encoder import Encoder, Pieces
from worker.enrich.events.extract import MOST_JUDGED
from worker.enrich.events.learnt import (
    AT_ONCE,
    CLASSES,
    Judgement,
    LearntJudge,
    ModalityModelError,
    Question,
    cut,
    packaged,
    weigh,
)
from worker.enrich.sentences import split_sentences
from worker.model import Entity

WORDS = "[CLS] [SEP] [UNK] transfer * iran sold drone ##s to rus ##sia a".split()
WIDTH, HEADS, PLACES = 8, 2, 80


def stored(classes=CLASSES, *, layers=2, seed=0):
    """The arrays of a small encoder with weights drawn by chance."""
    draw = np.random.default_rng(seed)

    def linear(name, outputs, inputs):
        return {
            f"{name}.q": draw.integers(-127, 128, (outputs, inputs)).astype(np.int8),
            f"{name}.scale": np.full(outputs, 0.01, np.float32),
            f"{name}.bias": draw.normal(size=outputs).astype(np.float32),
        }

    def norm(name):
        return {f"{name}.gain": np.ones(WIDTH, np.float32), f"{name}.bias": np.zeros(WIDTH, np.float32)}

    arrays = {
        "heads": np.array(HEADS),
        "layers": np.array(layers),
        "pieces": np.frombuffer("\n".join(WORDS).encode(), np.uint8),
        "classes": np.frombuffer("\n".join(classes).encode(), np.uint8),
        "words.q": draw.integers(-127, 128, (len(WORDS), WIDTH)).astype(np.int8),
        "words.scale": np.full(len(WORDS), 0.01, np.float32),
        "places": draw.normal(size=(PLACES, WIDTH)).astype(np.float16),
        **norm("first"),
        **linear("hidden", WIDTH, 2 * WIDTH),
        **linear("last", len(classes), WIDTH),
    }
    for i in range(layers):
        for name in ("query", "key", "value", "out"):
            arrays |= linear(f"{i}.{name}", WIDTH, WIDTH)
        arrays |= linear(f"{i}.widen", 4 * WIDTH, WIDTH) | linear(f"{i}.narrow", WIDTH, 4 * WIDTH)
        arrays |= norm(f"{i}.after_attention") | norm(f"{i}.after_all")
    return arrays


@pytest.fixture
def encoder():
    return Encoder.of(stored())


def score(encoder, read):
    return encoder.score([read])[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Iran sold drones", ["iran", "sold", "drone", "##s"]),
        ("ÍRAN", ["iran"]),
        ("Russia", ["rus", "##sia"]),
        ("a*a", ["a", "*", "a"]),
        ("Peru", ["[UNK]"]),
        ("drones?", ["drone", "##s", "[UNK]"]),
        ("a" * 100, ["[UNK]"]),
        ("", []),
    ],
)
def test_a_word_is_cut_into_the_longest_pieces_from_the_left(encoder, text, expected):
    assert [WORDS[number] for number in encoder.pieces.cut(text)] == expected


@given(st.text(max_size=200))
def test_any_text_is_cut_into_pieces_of_the_vocabulary(text):
    assert all(0 <= number < len(WORDS) for number in Pieces.of(WORDS).cut(text))


def test_what_is_read_is_the_type_and_the_sentence_with_its_trigger_marked(encoder):
    numbers, first, stop = cut(encoder.pieces, "transfer", "Iran sold drones", 5, 9)
    read = [WORDS[number] for number in numbers]
    assert read == "[CLS] transfer [SEP] iran * sold * drone ##s [SEP]".split()
    assert read[first:stop] == ["sold"]


def test_of_a_long_sentence_the_words_near_its_trigger_are_read(encoder):
    sentence = "iran " * 300 + "sold" + " drone" * 300
    numbers, first, stop = cut(encoder.pieces, "transfer", sentence, 1500, 1504)
    assert WORDS[numbers[first]] == "sold"
    assert stop - first == 1
    assert len(numbers) < PLACES


def test_scores_are_probabilities_and_the_same_each_time(encoder):
    read = cut(encoder.pieces, "transfer", "Iran sold drones to Russia", 5, 9)
    scores = score(encoder, read)
    assert scores.shape == (len(CLASSES),)
    assert scores.sum() == pytest.approx(1, abs=1e-5)
    assert np.array_equal(scores, score(encoder, read))


LINES = [
    "Iran sold drones",
    "a * a sold",
    "Iran sold drones to Russia " * 9,
    "sold",
    "Russia sold a drone to Iran. Peru",
]


@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=12))
def test_texts_that_are_scored_in_one_pass_do_not_bear_on_one_another(lines):
    encoder = Encoder.of(stored())
    read = [cut(encoder.pieces, "transfer", line, line.index("sold"), line.index("sold") + 4) for line in lines]
    alone = [score(encoder, one) for one in read]
    assert np.allclose(encoder.score(read), alone, atol=1e-5)


@pytest.mark.parametrize("events", [1, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE])
def test_the_judge_gives_each_question_its_own_answer_in_order(encoder, events):
    judge = LearntJudge(encoder)
    asked = [Question("transfer", LINES[i % 2], LINES[i % 2].index("sold"), 9, "asserted") for i in range(events)]
    alone = [judge([question])[0] for question in asked]
    assert [one and one.modality for one in judge(asked)] == [one and one.modality for one in alone]
    assert len(judge(asked)) == events


def test_another_trigger_in_the_same_sentence_is_another_question(encoder):
    first = score(encoder, cut(encoder.pieces, "transfer", "Iran sold drones", 5, 9))
    second = score(encoder, cut(encoder.pieces, "transfer", "Iran sold drones", 10, 16))
    assert not np.allclose(first, second)


def test_one_layer_is_attention_and_a_hidden_layer_each_with_its_norm():
    """The same by loops, of a single layer."""
    arrays = stored(layers=1)
    encoder = Encoder.of(arrays)
    numbers, first, stop = cut(encoder.pieces, "transfer", "Iran sold drones", 5, 9)

    def linear(name, x):
        return x @ (arrays[f"{name}.q"] * arrays[f"{name}.scale"][:, None]).T + arrays[f"{name}.bias"]

    def norm(x):
        return (x - x.mean()) / np.sqrt(x.var() + 1e-12)

    def gelu(x):
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))

    x = np.array([norm(arrays["words.q"][n] * 0.01 + arrays["places"][i]) for i, n in enumerate(numbers)])
    query, key, value = (linear(f"0.{name}", x) for name in ("query", "key", "value"))
    states, size = [], WIDTH // HEADS
    for i in range(len(numbers)):
        seen = []
        for head in range(HEADS):
            part = slice(head * size, (head + 1) * size)
            shares = np.exp([query[i, part] @ key[j, part] / size**0.5 for j in range(len(numbers))])
            seen.append(sum(share * value[j, part] for j, share in enumerate(shares / shares.sum())))
        attended = norm(x[i] + linear("0.out", np.concatenate(seen)))
        states.append(norm(attended + linear("0.narrow", gelu(linear("0.widen", attended)))))
    both = np.concatenate((states[0], np.mean(states[first:stop], axis=0)))
    scores = np.exp(linear("last", gelu(linear("hidden", both))))
    assert score(encoder, (numbers, first, stop)) == pytest.approx(scores / scores.sum(), abs=1e-4)


def shares(**likely):
    rest = (1 - sum(likely.values())) / (len(CLASSES) - len(likely))
    return np.array([likely.get(name, rest) for name in CLASSES], np.float32)


@pytest.mark.parametrize(
    ("read", "rules", "expected"),
    [
        (shares(asserted=0.99), "asserted", "asserted"),
        (shares(asserted=0.8, alleged=0.144), "alleged", "asserted"),
        (shares(asserted=0.8, alleged=0.176), "alleged", "alleged"),
        (shares(denied=0.9, negated=0.001), "negated", "negated"),
        (shares(denied=0.9, negated=0.001), "asserted", "denied"),
        (shares(negated=0.9, denied=0.001), "denied", "negated"),
        (shares(asserted=0.5, alleged=0.4), "alleged", "alleged"),
        (shares(none=0.85, planned=0.1), "planned", "planned"),
    ],
)
def test_the_rules_are_overruled_only_by_what_is_five_times_likelier(read, rules, expected):
    judgement = weigh(read, rules)
    assert judgement.modality == expected
    assert (judgement.probability is None) == (expected == rules)


def test_the_probability_that_is_told_is_of_the_roots():
    read = np.array([0.81, 0.0016, 0.0016, 0.0016, 0.0016, 0.0016, 0.0016, 0.1804], np.float32)
    assert weigh(read, "alleged") == Judgement("asserted", pytest.approx(0.9 / (0.9 + 6 * 0.04)))


def test_what_is_almost_surely_no_event_is_none():
    assert weigh(shares(none=0.95), "asserted") is None


TEXT = "Iran sold drones to Russia."
NAMES = (Entity("Iran", "GPE", 0, 4, id="IR"), Entity("drones", "WEAPON", 10, 16), Entity("Russia", "GPE", 20, 26))


def test_the_judge_is_given_the_sentence_with_the_place_of_the_trigger_and_has_the_last_word():
    asked = []

    def judge(questions):
        asked.extend(questions)
        return [Judgement("denied", 0.75)] * len(questions)

    text = f"It rained. {TEXT}"
    moved = tuple(Entity(e.text, e.label, e.start + 11, e.end + 11, id=e.id) for e in NAMES)
    (event,) = extract(text, split_sentences(text), moved, judge)
    (question,) = asked
    told = question.sentence[question.start : question.stop]
    assert (question.type, told, question.by_rules) == ("transfer", "sold", "asserted")
    assert (event.modality, event.learnt) == ("denied", 0.75)
    assert text[event.trigger.start : event.trigger.end] == "sold"


def test_without_a_judge_the_rules_words_decide():
    (event,) = extract(TEXT, split_sentences(TEXT), NAMES)
    assert (event.modality, event.learnt) == ("asserted", None)


def test_what_the_judge_takes_for_no_event_is_not_told():
    assert extract(TEXT, split_sentences(TEXT), NAMES, lambda asked: [None] * len(asked)) == ()


def test_an_article_of_nothing_but_sales_is_judged_by_the_rules_from_some_point_on():
    lines = MOST_JUDGED + 20
    text = "\n".join([TEXT] * lines)
    names = tuple(
        Entity(e.text, e.label, e.start + i * (len(TEXT) + 1), e.end + i * (len(TEXT) + 1), id=e.id)
        for i in range(lines)
        for e in NAMES
    )
    events = extract(text, split_sentences(text), names, lambda asked: [Judgement("denied", 0.9)] * len(asked))
    assert [event.modality for event in events] == ["denied"] * MOST_JUDGED + ["asserted"] * 20


def test_what_is_dropped_counts_among_what_is_judged():
    text = "\n".join([TEXT] * (MOST_JUDGED + 20))
    names = tuple(
        Entity(e.text, e.label, e.start + i * (len(TEXT) + 1), e.end + i * (len(TEXT) + 1), id=e.id)
        for i in range(MOST_JUDGED + 20)
        for e in NAMES
    )
    assert len(extract(text, split_sentences(text), names, lambda asked: [None] * len(asked))) == 20


def test_where_the_weights_were_left_out_the_rules_judge(tmp_path):
    assert packaged(tmp_path / "none") is by_rules


@pytest.mark.parametrize("content", [b"no archive", b"", b"PK\x03\x04 cut short"])
def test_weights_that_cannot_be_read_are_named_with_the_reason(tmp_path, content):
    (tmp_path / "weights.npz").write_bytes(content)
    with pytest.raises(ModalityModelError, match="cannot be used"):
        LearntJudge.load(tmp_path)


@pytest.mark.parametrize("name", ["words.q", "0.query.q", "last.bias", "pieces", "heads"])
def test_weights_that_lack_a_part_are_named_with_it(tmp_path, name):
    arrays = stored()
    del arrays[name]
    np.savez(tmp_path / "weights.npz", **arrays)
    with pytest.raises(ModalityModelError, match=name):
        LearntJudge.load(tmp_path)


def test_weights_of_other_modalities_are_refused(tmp_path):
    np.savez(tmp_path / "weights.npz", **stored(("yes", "no")))
    with pytest.raises(ModalityModelError, match="not those of this version"):
        LearntJudge.load(tmp_path)


def test_weights_whose_sizes_do_not_fit_together_are_refused(tmp_path):
    arrays = stored() | {"last.bias": np.zeros(3, np.float32)}
    np.savez(tmp_path / "weights.npz", **arrays)
    with pytest.raises(ModalityModelError, match="cannot be used"):
        LearntJudge.load(tmp_path)
