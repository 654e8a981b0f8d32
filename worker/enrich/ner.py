"""The learnt names: a BIO tagger over hashed word features and a small convolution, as a spaCy component.

Owns the component `tocsin_bio`, its network and the features of a word. Does not own training (`training/entities.py`), nor what
is found by rule (`gazetteer`).

What the network makes of a word apart from its neighbours (hash embeddings and their mixing) is
computed once per distinct word and kept, so that a text costs one gather and a few small convolutions (`ner_pass`), which
give scores of tags to be made names of (`ner_decode`). These run where names may be. A gate tells where (`ner_gate`): a number
for each of five places in which a word may stand to another is kept with the word, and names are looked for at and beside the
words around which the five add up to more than nothing, and acronyms.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, Self, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt
from spacy import strings as spacy_strings
from spacy.attrs import ORTH
from spacy.language import Language
from spacy.tokens import Doc, Span
from thinc.api import (
    HashEmbed,
    Linear,
    Maxout,
    Model,
    NumpyOps,
    chain,
    clone,
    concatenate,
    expand_window,
    residual,
)

from worker.enrich.ner_decode import IMPOSSIBLE, Floats, Tags, decode, decode_all, runs
from worker.enrich.ner_gate import REACH, Gate
from worker.enrich.ner_pass import NamesPass

Ids: TypeAlias = npt.NDArray[np.uint64]
Words: TypeAlias = tuple[Ids, Tags]
_Kind = TypeVar("_Kind", bound=np.generic)

# spaCy's hash of a string (64-bit), without its type.
_hash: Callable[[str], int] = getattr(spacy_strings, "hash_string")  # noqa: B009

LABELS: Final = ("PERSON", "ORG", "GPE", "LOC", "NORP", "FAC")
# Rows of the hash tables, one table per feature in the order of `word_features`.
ROWS: Final = (12000, 4000, 4000, 1000, 6000)
WIDTH: Final = 96
DEPTH: Final = 4
_PIECES: Final = 3
# Distinct words whose embedding is kept; 60,000 * 96 floats are 23 MB.
_KEPT_WORDS: Final = 60_000
# The words of some documents come on top before room is made.
_KEPT_ROWS: Final = _KEPT_WORDS + 8192
_LINE_END: Final = 2
_LONGEST_WORD: Final = 64
_DOCS_AT_ONCE: Final = 32
# More than the words around can speak against.
_ADMITTED: Final = 1e4


def word_features(word: str) -> list[int]:
    """Return the hashed features of a word (64-bit each): form, start, end, shape, longer end; digits are alike."""
    word = re.sub(r"\d", "0", word[:_LONGEST_WORD])
    lower = word.lower()
    features = (lower, lower[:3], lower[-3:], shape(word), lower[-5:])
    return [_hash(f"{column}{feature}") for column, feature in enumerate(features)]


def shape(word: str) -> str:
    """Return the word's outline, runs cut at three: "NATO-led" is "XXX-xxx"."""
    if word.isalpha() and (rest := word[1:]).islower():  # as most are
        return "X" + "xxx"[: len(rest)] if word[0].isupper() else "xxx"[: len(word)]
    outline = "".join("X" if c.isupper() else "x" if c.isalpha() else "d" if c.isdigit() else c for c in word)
    return re.sub(r"(.)\1{3,}", r"\1\1\1", outline)


def build_network(*, dropout: float = 0.0) -> Model[Words, Floats]:
    """Return the untrained network: words (features per distinct word, index per token) to tag scores per token."""
    tables: list[Model[Any, Any]] = [
        HashEmbed(WIDTH, rows, column=column, seed=column, dropout=None) for column, rows in enumerate(ROWS)
    ]
    mix: Model[Any, Any] = Maxout(WIDTH, WIDTH * len(tables), nP=_PIECES, normalize=True, dropout=dropout)
    embed: Model[Any, Any] = chain(concatenate(*tables), mix)
    layer: Model[Any, Any] = chain(
        expand_window(1), Maxout(WIDTH, WIDTH * 3, nP=_PIECES, normalize=True, dropout=dropout)
    )
    encode = clone(residual(layer), DEPTH)
    output = Linear(2 * len(LABELS) + 1, WIDTH)
    network: Model[Words, Floats] = Model(
        "bio_tagger",
        _forward,
        init=_initialize,
        layers=[embed, encode, output],
        refs={"embed": embed, "encode": encode, "output": output},
    )
    return network


def _initialize(network: Model[Words, Floats], X: Words | None = None, Y: Floats | None = None) -> None:  # noqa: ARG001, N803 (thinc's names)
    sample = np.zeros((2, len(ROWS)), dtype=np.uint64)
    embed, encode, output = network.layers
    embed.initialize(X=sample)
    encode.initialize(X=np.zeros((2, WIDTH), dtype=np.float32))
    output.initialize(X=np.zeros((2, WIDTH), dtype=np.float32))


def _forward(
    network: Model[Words, Floats],
    words: Words,
    is_train: bool,
) -> tuple[Floats, Callable[[Floats], Words]]:
    features, index = words
    embed, encode, output = network.layers
    vectors, embed_back = embed(features, is_train)
    inside = (index >= 0)[:, None]
    hidden, encode_back = encode(vectors[index] * inside, is_train)
    scores, output_back = output(hidden, is_train)

    def backward(gradient: Floats) -> Words:
        by_token = encode_back(output_back(gradient)) * inside
        by_word = np.zeros_like(vectors)
        network.ops.scatter_add(cast("Any", by_word), cast("Any", index), cast("Any", by_token))
        embed_back(by_word)
        return words

    return scores, backward


class KnownWords:
    """The embedding of each word met so far, by the word's hash; row 0 stands for no word.

    `vectors` has shape (rows, width); `blanks` tells per row whether the word is white space, in which no name
    starts, or ends a line, over which none goes on; `hints` are the gate's. All have their full size from the start (a page of
    memory counts once it is written to) and are written over after `forget`, so that memory neither leaps nor swings.
    """

    def __init__(self, network: Model[Words, Floats], gate: Gate) -> None:
        self._embed, self._gate = network.get_ref("embed"), gate
        self._row_of = {0: 0}
        self.generation = 0
        self._allocate()

    def _allocate(self) -> None:
        self.vectors: Floats = np.zeros((_KEPT_ROWS, WIDTH), dtype=np.float32)
        self.blanks = np.zeros(_KEPT_ROWS, dtype=np.int8)
        self.hints: Floats = np.zeros((_KEPT_ROWS, 2 * REACH + 1), dtype=np.float32)

    def forget(self) -> None:
        """Start afresh; the arrays stay, unless monstrous texts had made them larger."""
        self.generation += 1  # first: should a turn end in between, nobody goes on with rows that others will get
        self._row_of = {0: 0}
        if len(self.blanks) > _KEPT_ROWS:
            self._allocate()

    def make_room(self) -> None:
        """Forget all words where there are too many; rows of an earlier `generation` mean nothing any more."""
        if len(self) > _KEPT_WORDS:
            self.forget()

    def __len__(self) -> int:
        return len(self._row_of)

    def rows_of(self, words: Sequence[str]) -> Tags:
        """Return the row of each word, making those not met before."""
        hashes = list(map(_hash, words))
        return self.rows(hashes, dict(zip(hashes, words, strict=True)).__getitem__)

    def rows(self, hashes: Sequence[int], word_of: Callable[[int], str]) -> Tags:
        """Do as `rows_of` for words by their hashes."""
        if missing := [key for key in dict.fromkeys(hashes) if key not in self._row_of]:
            self._add(missing, list(map(word_of, missing)))
        return np.array([self._row_of[key] for key in hashes], dtype=np.int64)

    def _add(self, hashes: list[int], words: list[str]) -> None:
        first, end = len(self), len(self) + len(words)
        while end > len(self.vectors):
            self.blanks = np.concatenate((self.blanks, np.zeros_like(self.blanks)))
            self.hints = np.concatenate((self.hints, np.zeros_like(self.hints)))
            # the last one, by whose length the others are judged, too, where a turn ended in between
            self.vectors = np.concatenate((self.vectors, np.zeros_like(self.vectors)))
        self.vectors[first:end] = self._embed.predict(
            np.array([word_features(word) for word in words], dtype=np.uint64)
        )
        self.hints[first:end] = self._gate.hints(self.vectors[first:end])
        self.hints[first:end, REACH] += [_ADMITTED * _has_capital_inside(word) for word in words]
        self.blanks[first:end] = [_blank(word) for word in words]
        self._row_of.update(zip(hashes, range(first, end), strict=True))


class BioTagger:
    """Sets `doc.ents` to the names the network finds; rule components come after it."""

    labels = LABELS

    def __init__(self, name: str) -> None:
        self.name = name
        network = build_network()
        network.initialize()
        self.use(network)

    def use(self, network: Model[Words, Floats], gate: Gate | None = None) -> None:
        """Take a network of `build_network`'s shape, and the gate that was fitted to it; without one it reads every word."""
        self.network, self.gate = network, gate or Gate.open(WIDTH)
        self.words = KnownWords(network, self.gate)
        self._pass: NamesPass | None = None  # made once it is asked for: until then the network may be taught

    def __call__(self, doc: Doc) -> Doc:
        """Set the names of one document."""
        self._annotate([doc])
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = _DOCS_AT_ONCE) -> Iterator[Doc]:
        """Set the names of documents, some at a time: their words share one pass over the embedding."""
        documents = iter(stream)
        while docs := list(islice(documents, min(batch_size, _DOCS_AT_ONCE))):
            self._annotate(docs)
            yield from docs

    def scores(self, docs: Sequence[Doc]) -> list[Floats]:
        """Return the tag scores per document, shape (tokens, tags), logarithmic up to a constant per token.

        Where the gate looks for no name, O is certain.
        """
        hashes, bounds = _side_by_side([doc.to_array(ORTH) for doc in docs])
        distinct, inverse = np.unique(hashes, return_inverse=True)
        scores = self._tag_scores(self.words.rows(distinct.tolist(), docs[0].vocab.strings.__getitem__)[inverse])
        return [scores[start:end] for start, end in bounds]

    def names(self, texts: Sequence[Tags]) -> list[list[tuple[int, int, str]]]:
        """Return the names as (first token, end, label) per text, given by its words' rows in `words`; one may end in white space."""
        index, bounds = _side_by_side(texts)
        found: list[list[tuple[int, int, str]]] = [[] for _ in texts]
        starts = [start for start, _ in bounds]
        for start, end, label in runs(decode_all(self._tag_scores(index), bounds)):
            number = bisect_right(starts, start) - 1
            found[number].append((start - starts[number], end - starts[number], LABELS[label]))
        return found

    def _annotate(self, docs: Sequence[Doc]) -> None:
        self.words.make_room()
        for doc, scores in zip(docs, self.scores(docs), strict=True):
            doc.ents = [_trimmed(doc, *run) for run in runs(decode(scores))] if len(doc) else []

    def _tag_scores(self, index: Tags) -> Floats:
        if self._pass is None:
            parts = self.network.get_ref("encode"), self.network.get_ref("output")
            self._pass = NamesPass(*parts, cast("NumpyOps", self.network.ops))
        needed = self.gate.admitted(self.words.hints[index], index > 0)
        scores = self._pass.scores(self.words.vectors, index, needed)
        blanks = self.words.blanks[index]
        scores[blanks > 0, 1::2] += IMPOSSIBLE
        scores[blanks == _LINE_END, 2::2] += IMPOSSIBLE
        return scores

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:  # noqa: ARG002 (spaCy's signature)
        """Write the weights, half precision, as `weights.npz` in the folder `path`, and the gate beside it as `gate.npz`."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {name: array.astype(np.float16) for name, array in _parameters(self.network)}
        np.savez(folder / "weights.npz", **arrays)
        self.gate.write(folder)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Self:  # noqa: ARG002 (spaCy's signature)
        """Read what `to_disk` wrote; missing weights are an OSError, a network of another shape a KeyError, a gate of another a ValueError."""
        with np.load(Path(path) / "weights.npz", allow_pickle=False) as stored:
            arrays = dict(stored)
        network = build_network()
        network.initialize()
        for node_index, node in enumerate(network.walk()):
            for name in node.param_names:
                if node.has_param(name):
                    node.set_param(name, arrays[f"{node_index}.{name}"].astype(np.float32))
        self.use(network, Gate.read(Path(path), WIDTH))
        return self


def _side_by_side(texts: Sequence[npt.NDArray[_Kind]]) -> tuple[npt.NDArray[_Kind], list[tuple[int, int]]]:
    """Return the texts end to end with zeros between them, which no layer reaches across, and each text's bounds."""
    gap = np.zeros(DEPTH, dtype=texts[0].dtype)
    parts = [gap]
    bounds, at = [], DEPTH
    for text in texts:
        parts += [text, gap]
        bounds.append((at, at + len(text)))
        at += len(text) + DEPTH
    return np.concatenate(parts), bounds


def _parameters(network: Model[Words, Floats]) -> Iterator[tuple[str, Floats]]:
    for node_index, node in enumerate(network.walk()):
        for name in node.param_names:
            if node.has_param(name):
                yield f"{node_index}.{name}", cast("Floats", node.get_param(name))


def _blank(word: str) -> int:
    if not word.isspace():
        return 0
    return _LINE_END if any(end in word for end in "\n\r\x0b\x0c\x85\u2028\u2029") else 1


def _has_capital_inside(word: str) -> bool:
    """Whether it is written as acronyms are, or as "DeLay": the gate admits those wherever they stand."""
    return any(map(str.isupper, word[1:]))


def _trimmed(doc: Doc, start: int, end: int, label: int) -> Span:
    while doc[end - 1].is_space:
        end -= 1
    return Span(doc, start, end, label=LABELS[label])


@Language.factory("tocsin_bio", assigns=["doc.ents", "token.ent_iob", "token.ent_type"])
def make_tagger(nlp: Language, name: str) -> BioTagger:  # noqa: ARG001 (spaCy passes it)
    """Return an untrained tagger; `from_disk` fills it."""
    return BioTagger(name)
