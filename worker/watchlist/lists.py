"""The `lists` and `sources` sections resolved: what includes what, and the files that lists name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from worker.model import ListEntry, NameList, SourceFilter
from worker.watchlist import yaml
from worker.watchlist.known import Feeds, check_countries
from worker.watchlist.list_formats import ListFileError, read_list
from worker.watchlist.list_schema import ListSection, SourceGroupSection
from worker.watchlist.nearest import is_known, nearest

_LARGEST_BYTES = 400_000_000
_BY_ENDING = {".txt": "text", ".csv": "csv"}


@dataclass(frozen=True, slots=True)
class ReadList:
    """What a list comes to, with all that it includes."""

    ids: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    names: tuple[NameList, ...] = ()
    entries: tuple[ListEntry, ...] = ()
    """The ids and terms as entries of the list they stand in."""

    def __add__(self, other: "ReadList") -> "ReadList":
        return ReadList(
            tuple(dict.fromkeys(self.ids + other.ids)),
            tuple(dict.fromkeys(self.terms + other.terms)),
            tuple(dict.fromkeys(self.names + other.names)),
            tuple(dict.fromkeys(self.entries + other.entries)),
        )


@dataclass(slots=True)
class Lists:
    """The lists of all files, each read once. `files` collects the paths of the files they name."""

    locate: Callable[[str], Path]
    sections: Mapping[str, tuple[yaml.Tree, ListSection]]
    names: Sequence[str]
    has_own_model: bool = False
    """Whether a model of the user's own may give ids that are no countries'."""
    files: list[Path] = field(default_factory=list)
    _read: dict[str, ReadList] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Read every list, also those that no watch uses, so that each mistake is told."""
        for name in self.sections:
            self.get(name)

    def check_ids(self, tree: yaml.Tree, path: yaml.Path, ids: Sequence[str]) -> None:
        """Report ids that the model never gives."""
        if not self.has_own_model:
            check_countries(tree, path, ids)

    def get(self, name: str) -> ReadList:
        """The list `name`; what is wrong with it is reported where it stands, once."""
        if name not in self._read and name in self.sections:
            self._open.append(name)
            self._read[name] = self._resolve(name, *self.sections[name])
            self._open.pop()
        return self._read.get(name, ReadList())

    def _resolve(self, name: str, tree: yaml.Tree, section: ListSection) -> ReadList:
        names = self._names(name, tree, section) if section.file else ()
        ids = () if section.file else tuple(section.ids)
        self.check_ids(tree, ("lists", name, "ids"), ids)
        terms = (*section.aliases, *section.phrases)
        read = ReadList(ids, terms, names, tuple(ListEntry(name, text, text) for text in (*ids, *terms)))
        for i, other in enumerate(section.include):
            path = ("lists", name, "include", i)
            if other in self._open:
                circle = " → ".join((*self._open[self._open.index(other) :], other))
                tree.report(path, f"makes a circle: {circle}", "a list cannot contain itself")
            elif is_known(tree, path, other, self.names, "list"):
                read += self.get(other)
        return read

    def _names(self, name: str, tree: yaml.Tree, section: ListSection) -> tuple[NameList, ...]:
        file = self.locate(str(section.file))
        form = section.format or _BY_ENDING.get(file.suffix.lower())
        if form is None:
            tree.report(("lists", name), "`format` is missing", "a .txt or .csv file needs none", of_key=True)
            return ()
        try:
            raw, beside = self._bytes(file), None
            alt = file.with_name("alt.csv")
            if form == "ofac_sdn" and alt.is_file():
                beside = self._bytes(alt)
            listed = read_list(name, form, raw, encoding=section.encoding, columns=section.columns, beside=beside)
        except OSError as error:
            message = f"the file {section.file} cannot be read: {error.strerror}"
            tree.report(("lists", name, "file"), message, self._place_of(tree, str(section.file)))
            return ()
        except ListFileError as error:
            place = f"{section.file}:{error.line}" if error.line else str(section.file)
            tree.report(("lists", name, "file"), f"the file {place} {error.message}")
            return ()
        kept = self._pick(name, tree, section, {named.entry.id: named.entry for named in listed})
        return (
            NameList(name, tuple(named for named in listed if named.entry.id in kept), section.min_tokens,
                     section.weak_aliases),
        )  # fmt: skip

    def _pick(
        self, name: str, tree: yaml.Tree, section: ListSection, entries: Mapping[str, ListEntry]
    ) -> Mapping[str, ListEntry]:
        """The entries that `ids` and `programmes` leave."""
        for i, id_ in enumerate(section.ids):
            if id_ not in entries:
                tree.report(("lists", name, "ids", i), f"the file {section.file} has no entry `{id_}`")
        under = {part.strip() for entry in entries.values() for part in _programmes(entry)}
        for i, programme in enumerate(section.programmes):
            if programme not in under:
                message = f"nothing in {section.file} is listed under `{programme}`"
                tree.report(("lists", name, "programmes", i), message, nearest(programme, under))
        return {
            id_: entry
            for id_, entry in entries.items()
            if (not section.ids or id_ in section.ids)
            and (not section.programmes or set(section.programmes) & set(_programmes(entry)))
        }

    def _place_of(self, tree: yaml.Tree, file: str) -> str:
        """Where the file is instead, if it is beside the YAML that names it."""
        beside = Path(tree.file).parent / file
        is_there = beside != Path(file) and self.locate(str(beside)).is_file()
        return f"paths begin at the configuration's directory: write {beside}" if is_there else ""

    def _bytes(self, file: Path) -> bytes:
        self.files.append(file)
        if file.stat().st_size > _LARGEST_BYTES:
            msg = f"is larger than {_LARGEST_BYTES:,} bytes"
            raise ListFileError(msg)
        return file.read_bytes()


def _programmes(entry: ListEntry) -> list[str]:
    """`SDGT] [IRGC` in sdn.csv, `A; B` elsewhere."""
    return [part.strip(" []") for part in entry.programme.replace("] [", ";").split(";")]


@dataclass(slots=True)
class Sources:
    """The sets of sources of all files."""

    sections: Mapping[str, tuple[yaml.Tree, SourceGroupSection]]
    names: Sequence[str]
    feeds: Feeds = field(default_factory=Feeds)
    _open: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Resolve every set, also those that no watch uses."""
        for name, (tree, section) in self.sections.items():
            self.feeds.check(tree, ("sources", name), section.name, section.tags)
            self.get(name)

    def get(self, name: str) -> SourceFilter:
        """The set `name`; of one that is not there, nothing."""
        if name not in self.sections:
            return SourceFilter(name=name)
        tree, section = self.sections[name]
        self._open.append(name)
        inner = {key: tuple(self._inner(tree, name, key, getattr(section, key))) for key in ("include", "exclude")}
        self._open.pop()
        return SourceFilter(tuple(section.tags), tuple(section.name), tuple(section.languages), name=name, **inner)

    def _inner(self, tree: yaml.Tree, name: str, key: str, others: Sequence[str]) -> list[SourceFilter]:
        found = []
        for i, other in enumerate(others):
            path = ("sources", name, key, i)
            if other in self._open:
                circle = " → ".join((*self._open[self._open.index(other) :], other))
                tree.report(path, f"makes a circle: {circle}", "a set of sources cannot contain itself")
            elif is_known(tree, path, other, self.names, "set of sources"):
                found.append(self.get(other))
        return found
