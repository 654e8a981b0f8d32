"""Files of listed parties, read into entries with their names.

    ofac_sdn           sdn.csv of OFAC (12 columns, no heading); alt.csv beside it is read too
    ofac_sdn_advanced  sdn_advanced.xml of OFAC
    opensanctions      targets.simple.csv
    un                 consolidated.xml of the United Nations Security Council
    eu                 the European Union's consolidated list, schema 1.1
    text               one name a line; # begins a comment
    csv                a first line that names the columns

Weak names: OFAC's low-quality aliases and those quoted in the remarks, the UN's of low quality, the EU's that are not
strong, and a CSV file's column of them.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lxml import etree

from worker.model import ListedName, ListEntry
from worker.watchlist.list_schema import ColumnsSection

_SDN_COLUMNS, _ALT_COLUMNS = 12, 5
_NOTHING = "-0-"
_REMARKED_ALIAS = re.compile(r"\b[afn]\.k\.a\. '([^']+)'")
_PROLOGUE_BYTES = 4_096


class ListFileError(Exception):
    """The file is not what its format says; `line` counts from 1, 0 for the file as a whole."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message, line)
        self.message, self.line = message, line


def read_list(  # noqa: PLR0913 - what a file needs to be read
    name: str, form: str, raw: bytes, *, encoding: str, columns: ColumnsSection, beside: bytes | None = None
) -> list[ListedName]:
    """The names of one file; `beside` is OFAC's alt.csv. Raises ListFileError."""
    if form in _XML:
        found = list(_XML[form](name, raw))
    else:
        text = _decode(raw, encoding)
        if form == "csv":
            found = list(_read_csv(name, text, columns))
        elif form == "ofac_sdn":
            found = list(_read_sdn(name, text, _decode(beside, encoding) if beside else ""))
        else:
            found = list(_TEXT[form](name, text))
    if not found:
        msg = "holds no name"
        raise ListFileError(msg)
    return found


def _decode(raw: bytes, encoding: str) -> str:
    if encoding == "utf-8" and raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        msg = "is UTF-16, not UTF-8; say `encoding: utf-16`"
        raise ListFileError(msg, 1)
    try:
        return raw.decode("utf-8-sig" if encoding == "utf-8" else encoding).replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        msg = f"is not {encoding}; say which `encoding` it has, such as cp1252"
        raise ListFileError(msg, raw[: error.start].count(b"\n") + 1) from error


# --- text --------------------------------------------------------------------------------------------------


def _read_text(name: str, text: str) -> Iterator[ListedName]:
    for number, line in enumerate(text.split("\n"), 1):
        words = line.partition("#")[0].strip()
        if words:
            yield ListedName(words, ListEntry(name, str(number), words), is_person="," in words)


def _read_csv(name: str, text: str, columns: ColumnsSection) -> Iterator[ListedName]:
    rows = _rows(text)
    _, heading = next(rows, (1, []))
    if columns.name not in heading:
        msg = f"has no column `{columns.name}`; its first line names {', '.join(heading[:12]) or 'none'}"
        raise ListFileError(msg, 1)
    for line, row in rows:
        cells = _cells(heading, row, line)
        entry = ListEntry(
            name, cells.get(columns.id) or str(line), cells[columns.name], cells.get(columns.programme, "")
        )
        is_person = cells.get(columns.type, "").casefold() == "person"
        weak = _split(cells.get(columns.weak_aliases, ""))
        yield from _names(entry, [entry.name, *_split(cells.get(columns.aliases, ""))], weak, is_person=is_person)


def _read_opensanctions(name: str, text: str) -> Iterator[ListedName]:
    rows = _rows(text)
    _, heading = next(rows, (1, []))
    if not {"id", "schema", "name", "aliases"} <= set(heading):
        msg = "is no targets.simple.csv: the first line should name id, schema, name, aliases"
        raise ListFileError(msg, 1)
    for line, row in rows:
        cells = _cells(heading, row, line)
        programme = cells.get("program_ids") or cells.get("sanctions") or cells.get("dataset", "")
        entry = ListEntry(name, cells["id"], cells["name"], programme)
        yield from _names(entry, [entry.name, *_split(cells["aliases"])], (), is_person=cells["schema"] == "Person")


def _read_sdn(name: str, text: str, alt: str) -> Iterator[ListedName]:
    aliases: dict[str, list[str]] = {}
    for line, row in _rows(alt):
        if len(row) != _ALT_COLUMNS:
            msg = f"alt.csv has {len(row)} columns where there should be {_ALT_COLUMNS}: is it cut off?"
            raise ListFileError(msg, line)
        aliases.setdefault(row[0].strip(), []).append(row[3].strip())
    for line, row in _rows(text):
        if len(row) != _SDN_COLUMNS:
            msg = f"has {len(row)} columns where sdn.csv has {_SDN_COLUMNS}: is it cut off?"
            raise ListFileError(msg, line)
        number, listed, kind, programme, remarks = (row[i].strip() for i in (0, 1, 2, 3, 11))
        entry = ListEntry(name, number, listed, "" if programme == _NOTHING else programme)
        is_person = kind == "individual"
        weak = _REMARKED_ALIAS.findall(remarks)
        yield from _names(entry, [listed, *aliases.pop(number, ())], weak, is_person=is_person)


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of their last line; the end-of-file sign that OFAC appends is passed over."""
    reader = csv.reader(io.StringIO(text.rstrip("\x1a\n")), strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        msg = f"is not CSV: {error}; is it cut off?"
        raise ListFileError(msg, reader.line_num) from error


def _cells(heading: Sequence[str], row: Sequence[str], line: int) -> Mapping[str, str]:
    if len(row) != len(heading):
        msg = f"has {len(row)} columns where its first line has {len(heading)}: is it cut off?"
        raise ListFileError(msg, line)
    return {column: cell.strip() for column, cell in zip(heading, row, strict=True)}


def _split(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()]


# --- XML ---------------------------------------------------------------------------------------------------


def _elements(raw: bytes, *tags: str) -> Iterator[Any]:
    """Elements of these local names as they end, each forgotten after use: the files are large."""
    if b"<!DOCTYPE" in raw[:_PROLOGUE_BYTES] or b"<!ENTITY" in raw[:_PROLOGUE_BYTES]:
        msg = "declares a document type, which no such list does"
        raise ListFileError(msg, 1)
    wanted = [f"{{*}}{tag}" for tag in tags]
    try:
        for _, element in etree.iterparse(
            io.BytesIO(raw), tag=wanted, resolve_entities=False, no_network=True, huge_tree=True
        ):
            yield element
            element.clear(keep_tail=True)
            while element.getprevious() is not None:
                del element.getparent()[0]
    except etree.XMLSyntaxError as error:
        msg = f"is not well-formed XML: {error.msg}; is it cut off?"
        raise ListFileError(msg, error.lineno or 0) from error


def _read_un(name: str, raw: bytes) -> Iterator[ListedName]:
    for party in _elements(raw, "INDIVIDUAL", "ENTITY"):
        is_person = party.tag.endswith("INDIVIDUAL")
        parts = [_text(party, f"{{*}}{order}_NAME") for order in ("FIRST", "SECOND", "THIRD", "FOURTH")]
        listed = " ".join(part for part in parts if part)
        entry = ListEntry(name, _text(party, "{*}REFERENCE_NUMBER") or _text(party, "{*}DATAID"), listed,
                          _text(party, "{*}UN_LIST_TYPE"))  # fmt: skip
        aliases = [
            (_text(alias, "{*}QUALITY"), spelling.strip())
            for alias in party.iterfind("{*}INDIVIDUAL_ALIAS" if is_person else "{*}ENTITY_ALIAS")
            for spelling in _text(alias, "{*}ALIAS_NAME").split(";")
        ]
        weak = [spelling for quality, spelling in aliases if quality == "Low"]
        strong = [spelling for quality, spelling in aliases if quality != "Low"]
        yield from _names(entry, [listed, *strong], weak, is_person=is_person)


def _read_eu(name: str, raw: bytes) -> Iterator[ListedName]:
    for party in _elements(raw, "sanctionEntity"):
        regulation = party.find("{*}regulation")
        kind = party.find("{*}subjectType")
        is_person = kind is not None and "P" in (kind.get("classificationCode"), (kind.get("code") or "")[:1].upper())
        spellings = [(_eu_name(alias, is_person=is_person), alias.get("strong") != "false")
                     for alias in party.iterfind("{*}nameAlias")]  # fmt: skip
        listed = next((spelling for spelling, is_strong in spellings if is_strong and spelling), "") or next(
            (spelling for spelling, _ in spellings if spelling), ""
        )
        entry = ListEntry(
            name,
            party.get("euReferenceNumber") or party.get("logicalId") or "",
            listed,
            (regulation.get("programme") or "") if regulation is not None else "",
        )
        strong = [spelling for spelling, is_strong in spellings if is_strong]
        weak = [spelling for spelling, is_strong in spellings if not is_strong]
        yield from _names(entry, strong, weak, is_person=is_person)


def _eu_name(alias: Any, *, is_person: bool) -> str:
    last, first, middle = (alias.get(key) or "" for key in ("lastName", "firstName", "middleName"))
    if is_person and last and first:
        return f"{last}, {first} {middle}".strip()
    return str(alias.get("wholeName") or f"{first} {middle} {last}").strip()


def _read_sdn_advanced(name: str, raw: bytes) -> Iterator[ListedName]:
    """Parties come before the entries that say under which programme; so the names wait for those."""
    types, parts, kinds, programmes = {}, {}, {}, {}
    parties: dict[str, tuple[bool, list[tuple[str, bool]]]] = {}
    for element in _elements(raw, "NamePartType", "PartySubType", "PartyType", "DistinctParty", "SanctionsEntry"):
        match etree.QName(element).localname:
            case "NamePartType":
                parts[element.get("ID")] = (element.text or "").strip()
            case "PartyType":
                kinds[element.get("ID")] = (element.text or "").strip()
            case "PartySubType":
                types[element.get("ID")] = element.get("PartyTypeID")
            case "DistinctParty":
                for profile in element.iterfind("{*}Profile"):
                    is_person = kinds.get(types.get(profile.get("PartySubTypeID"), "")) == "Individual"
                    parties[profile.get("ID")] = (is_person, list(_advanced_names(profile, parts, is_person=is_person)))
            case _:
                measures = element.iterfind("{*}SanctionsMeasure/{*}Comment")
                named = (comment.text.strip() for comment in measures if comment.text and comment.text.strip())
                programmes[element.get("ProfileID")] = "; ".join(dict.fromkeys(named))
    for number, (is_person, spellings) in parties.items():
        if spellings:
            entry = ListEntry(name, number, spellings[0][0], programmes.get(number, ""))
            strong = [spelling for spelling, is_weak in spellings if not is_weak]
            weak = [spelling for spelling, is_weak in spellings if is_weak]
            yield from _names(entry, strong, weak, is_person=is_person)


def _advanced_names(profile: Any, parts: Mapping[str, str], *, is_person: bool) -> Iterator[tuple[str, bool]]:
    """Each documented name with whether it is weak; the primary one first."""
    for identity in profile.iterfind("{*}Identity"):
        groups = {
            group.get("ID"): parts.get(group.get("NamePartTypeID"), "")
            for group in identity.iterfind("{*}NamePartGroups/{*}MasterNamePartGroup/{*}NamePartGroup")
        }
        aliases = sorted(identity.iterfind("{*}Alias"), key=lambda alias: alias.get("Primary") != "true")
        for alias in aliases:
            for documented in alias.iterfind("{*}DocumentedName"):
                values = [
                    (groups.get(value.get("NamePartGroupID"), ""), (value.text or "").strip())
                    for value in documented.iterfind("{*}DocumentedNamePart/{*}NamePartValue")
                ]
                last = " ".join(text for kind, text in values if kind == "Last Name")
                rest = " ".join(text for kind, text in values if kind != "Last Name")
                spelling = f"{last}, {rest}" if is_person and last and rest else " ".join(text for _, text in values)
                yield spelling, alias.get("LowQuality") == "true"


def _text(element: Any, path: str) -> str:
    return " ".join((element.findtext(path) or "").split())


def _names(entry: ListEntry, strong: Sequence[str], weak: Sequence[str], *, is_person: bool) -> Iterator[ListedName]:
    for spelling in dict.fromkeys(filter(None, strong)):
        yield ListedName(spelling, entry, is_person=is_person)
    for spelling in dict.fromkeys(filter(None, weak)):
        yield ListedName(spelling, entry, is_person=is_person, is_weak=True)


_TEXT: dict[str, Callable[[str, str], Iterator[ListedName]]] = {
    "text": _read_text,
    "opensanctions": _read_opensanctions,
}
_XML: dict[str, Callable[[str, bytes], Iterator[ListedName]]] = {
    "un": _read_un,
    "eu": _read_eu,
    "ofac_sdn_advanced": _read_sdn_advanced,
}
