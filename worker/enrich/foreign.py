"""The names that another spaCy pipeline finds, as ours are: same labels, no article before them, no numbers among them.

Owns the component `tocsin_names`, which stands between such a pipeline's own components and the gazetteer.
"""

from typing import Final

from spacy.language import Language
from spacy.tokens import Doc, Span

NUMBERS: Final = frozenset(("CARDINAL", "ORDINAL", "QUANTITY", "PERCENT", "TIME", "LANGUAGE"))
"""Labels of OntoNotes (and "English" as a language) that name nothing a desk watches; "155mm" would hide the howitzer."""
_LABELS: Final = {"PER": "PERSON", "LOCATION": "LOC", "ORGANIZATION": "ORG", "FACILITY": "FAC"}
"""Other corpora's words for labels of ours; labels in neither list stay as they are."""
_UNKNOWN: Final = "NIL"
"""What spaCy's entity linker calls a name that it knows no id of."""
_POSSESSIVE: Final = frozenset(("'s", "’s", "'", "’"))


@Language.component("tocsin_names", requires=["doc.ents"], assigns=["doc.ents"], retokenizes=False)
def adopt_names(doc: Doc) -> Doc:
    """Rewrite the entities of a document: "the White House's" is "White House", PER is PERSON, "155mm" is none."""
    doc.ents = [name for entity in doc.ents if entity.label_ not in NUMBERS and (name := _adopt(doc, entity))]
    return doc


def _adopt(doc: Doc, entity: Span) -> Span | None:
    start, end = entity.start, entity.end
    while start < end and (doc[end - 1].is_space or doc[end - 1].text in _POSSESSIVE):
        end -= 1
    while start < end and (doc[start].is_space or _is_article(doc, start, end)):
        start += 1
    if start == end:
        return None
    label = _LABELS.get(entity.label_, entity.label_)
    kb_id = "" if entity.kb_id_ == _UNKNOWN else entity.kb_id_
    return Span(doc, start, end, label=label, kb_id=kb_id, span_id=entity.ent_id_)


def _is_article(doc: Doc, start: int, end: int) -> bool:
    """Whether a name goes on without its first word; "The Hague" and "The Gambia" do not."""
    word = doc[start].text
    return end - start > 1 and (word == "the" or (word.lower() == "the" and end - start > 2))  # noqa: PLR2004 - words
