"""The entities of texts: by the pipeline that ships, past spaCy's document annotations, or by any other pipeline as it is.

Owns which way is taken. Both give the same entities (tested over real and hostile texts); the direct one costs less,
since names go from the tagger's arrays to offsets without an object for each token and span.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc

from worker.enrich.countries import possible_ids
from worker.enrich.cues import NOT_SOUGHT, TextCues
from worker.enrich.cuts import KnownRuns
from worker.enrich.events import may_tell
from worker.enrich.find import Find
from worker.enrich.gazetteer import Gazetteer, find_all, longest, with_rules
from worker.enrich.names import Name, Tokens
from worker.enrich.ner import LABELS, BioTagger
from worker.enrich.runs import RunTable
from worker.model import Entity, Pending

Glanced: TypeAlias = tuple[Entity, ...] | None
"""What `expect` found in a text; None where it was not asked."""
Read: TypeAlias = Callable[[Sequence[str], Sequence[Glanced], Sequence[TextCues]], list[tuple[Entity, ...]]]

_AT_ONCE = 32


def expect(
    nlp: Language, text: str, sentences: Sequence[tuple[int, int]], cues: TextCues = NOT_SOUGHT
) -> tuple[tuple[Entity, ...], Pending]:
    """Return what rules find in a text, and what may still come of `make_reader`'s entities: no tokens, no network."""
    found = longest(find_all(text, cues.rules))
    entities = tuple(Entity(text[f.start : f.end], f.label, f.start, f.end, f.id or None) for f in found)
    if not _is_ours(nlp):
        return entities, Pending()
    labels = {*LABELS, *(find.label for find in found)}
    has_events = may_tell(text, sentences, entities, cues.events)
    return entities, Pending(tuple(sorted(possible_ids(text, cues.countries))), tuple(sorted(labels)), has_events)


def make_reader(nlp: Language, runs: RunTable | None = None) -> Read:
    """Return what finds the entities of texts, in order, given what a glance found, and their cues; call it inside the pipeline's memory zone.

    `runs` may be another reader's of the same texts.
    """
    if _is_ours(nlp):
        return _Direct(nlp, nlp.pipeline[0][1], runs)  # type: ignore[arg-type]
    return lambda texts, *_: [_of(doc) for doc in nlp.pipe(texts)]


def _is_ours(nlp: Language) -> bool:
    parts = [nlp.tokenizer, *(component for _, component in nlp.pipeline)]
    return [type(part) for part in parts] == [Tokenizer, BioTagger, Gazetteer]


class _Direct:
    def __init__(self, nlp: Language, tagger: BioTagger, runs: RunTable | None) -> None:
        self._vocab, self._tagger = nlp.vocab, tagger
        self._runs = KnownRuns(nlp.tokenizer, tagger.words, runs)

    def __call__(
        self, texts: Sequence[str], glanced: Sequence[Glanced], cues: Sequence[TextCues]
    ) -> list[tuple[Entity, ...]]:
        found: list[tuple[Entity, ...]] = []
        for start in range(0, len(texts), _AT_ONCE):
            batch = slice(start, start + _AT_ONCE)
            cuts = self._runs.cut(texts[batch])
            names = self._tagger.names([cut.rows for cut in cuts])
            found += [
                _read(Tokens(text, cut.starts.tolist(), cut.ends.tolist(), self._vocab), learnt, ruled, sought)
                for text, cut, learnt, ruled, sought in zip(
                    texts[batch], cuts, names, glanced[batch], cues[batch], strict=True
                )
            ]
        return found


def _read(tokens: Tokens, learnt: list[tuple[int, int, str]], glanced: Glanced, cues: TextCues) -> tuple[Entity, ...]:
    trimmed = [Name(start, _without_space(tokens, end), label) for start, end, label in learnt]
    if glanced is None:
        return tuple(map(tokens.entity, with_rules(tokens, trimmed, longest(find_all(tokens.text, cues.rules)))))
    finds = [Find(one.start, one.end, one.label, one.id or "") for one in glanced]
    return tuple(map(tokens.entity, with_rules(tokens, trimmed, finds)))


def _without_space(tokens: Tokens, end: int) -> int:
    while tokens.text[tokens.ends[end - 1] - 1].isspace() and tokens.words(end - 1, end).isspace():
        end -= 1
    return end


def _of(doc: Doc) -> tuple[Entity, ...]:
    return tuple(
        Entity(ent.text, ent.label_, ent.start_char, ent.end_char, ent.kb_id_ or ent.ent_id_ or None)
        for ent in doc.ents
    )
