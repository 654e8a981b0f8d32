"""Loading the language model: the pipeline that ships, or any installed spaCy pipeline by its name.

Owns the choice of the matrix backend and the errors a wrong model gives. Does not own the components.
"""

import json
import sys
import time
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from textwrap import shorten
from typing import Any, Final, Literal, TypeAlias

import spacy
from packaging.requirements import InvalidRequirement, Requirement
from spacy.about import __version__ as spacy_version
from spacy.language import Language
from spacy.util import is_compatible_version, load_config
from thinc.api import NumpyOps, set_current_ops

from worker.enrich import foreign, gazetteer, ner
from worker.errors import ModelError

Backend: TypeAlias = Literal["auto", "blis", "numpy"]

SHIPPED: Final = Path(__file__).parent / "en_tocsin_news"
LANGUAGE: Final = "en"
"""Topics and events are read in this language only, so a pipeline for another would be told nonsense beside its names."""
# What a foreign pipeline brings beyond names is not used and would cost most of its time …
_UNUSED: Final = ("parser", "tagger", "morphologizer", "lemmatizer", "attribute_ruler", "senter")
# … unless another component than these may need it: an entity linker reads sentences, a ruler may read lemmas.
_ALONE: Final = frozenset(
    ("tok2vec", "transformer", "curated_transformer", "ner", "beam_ner", "tocsin_bio", "tocsin_gazetteer", *_UNUSED)
)
# Longest text in characters that a pipeline accepts; the tagger's memory does not grow with a text's length.
_MAX_LENGTH: Final = 10_000_000
_LONGEST_MESSAGE: Final = 300
_PRODUCT: Final = (512, 288, 288)
_TRIALS: Final = 5


def load(name: str | None = None, backend: Backend = "auto") -> Language:
    """Return the pipeline `name` (a package or a folder; None: the one that ships), the gazetteer attached.

    `backend` computes matrix products for the whole process: "auto" takes the faster of the two, measured for some
    milliseconds. Raises ModelError when the pipeline is not installed or was made for another spaCy.
    """
    set_current_ops(matrix_ops(backend))
    return load_anew(name)


def load_anew(name: str | None = None) -> Language:
    """As `load`, under the backend that was chosen: the same pipeline with an empty vocabulary (0.3 s for ours)."""
    path = find(name)
    try:
        nlp = _load(path, name)
    except Exception as error:
        # a pipeline brings code and settings of its own; whatever is wrong with them, the message says it
        raise ModelError(f"{name or path} cannot be loaded: {_told(error)}") from error
    if "tocsin_gazetteer" not in nlp.pipe_names:
        nlp.add_pipe("tocsin_names", last=True)
        nlp.add_pipe("tocsin_gazetteer", last=True)
    nlp.max_length = _MAX_LENGTH
    return nlp


def find(name: str | None) -> Path:
    """Return the folder of the pipeline, loading and running nothing; ModelError where it is missing or does not fit."""
    path = SHIPPED if name is None else _installed(name)
    _check(path, name or "the shipped pipeline")
    return path


def _load(path: Path, name: str | None) -> Language:
    if name is not None and not (Path(name) / "meta.json").is_file():
        import_module(name)  # what the package registers with spaCy
    factories = {section.get("factory") for section in _config(path).get("components", {}).values()}
    return spacy.load(path, exclude=_UNUSED if factories <= _ALONE else ())


def _config(path: Path) -> dict[str, Any]:
    return dict(load_config(path / "config.cfg")) if (path / "config.cfg").is_file() else {}


def _told(error: Exception) -> str:
    """A library's message in one line: spaCy's lists every component there is."""
    return shorten(str(error), _LONGEST_MESSAGE, placeholder=" …") or type(error).__name__


def matrix_ops(backend: Backend) -> NumpyOps:
    """Return the backend's operations; outputs differ by rounding only (about 1e-5)."""
    if backend != "auto":
        return NumpyOps(use_blis=backend == "blis")
    return min((NumpyOps(use_blis=True), NumpyOps(use_blis=False)), key=_product_time_s)


def _product_time_s(ops: NumpyOps) -> float:
    rows, inner, columns = _PRODUCT
    left, right = ops.alloc2f(rows, inner), ops.alloc2f(columns, inner)
    times = []
    for _ in range(_TRIALS):
        start = time.perf_counter()
        ops.gemm(left, right, trans2=True)
        times.append(time.perf_counter() - start)
    return min(times)


def _installed(name: str) -> Path:
    """The folder with the pipeline's settings, of a folder or of an installed package; nothing of it is run yet."""
    if (Path(name) / "meta.json").is_file():
        return Path(name)
    spec = find_spec(name) if name.isidentifier() else None
    folders = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    for folder in folders:
        found = [folder, *sorted(inner for inner in folder.iterdir() if inner.is_dir())]
        # the package's own meta.json stands beside the folder that holds the pipeline
        for inner in reversed(found):
            if (inner / "meta.json").is_file() and (inner / "config.cfg").is_file():
                return inner
    raise ModelError(_missing(name, is_installed=bool(folders)))


def _missing(name: str, *, is_installed: bool) -> str:
    otherwise = "or leave nlp.model out for the pipeline that ships"
    if is_installed:
        return f"the package {name!r} holds no spaCy pipeline (a folder with meta.json and config.cfg); name another, {otherwise}"
    if not name.isidentifier():
        return f"there is no pipeline in the folder {name!r} (no meta.json there); name a folder or an installed package, {otherwise}"
    return (
        f"the pipeline {name!r} is not installed; install it into this Python with "
        f"`{sys.executable} -m spacy download {name}`, or from its wheel with `{sys.executable} -m pip install FILE.whl`, {otherwise}"
    )


def _meta(folder: Path) -> dict[str, Any]:
    meta: dict[str, Any] = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    return meta


def _check(path: Path, name: str) -> None:
    if not (path / "meta.json").is_file():
        raise ModelError(f"{name}: {path} holds no pipeline (no meta.json); build it with `make train`")
    try:
        meta = _meta(path)
    except (OSError, ValueError) as error:
        raise ModelError(f"{name}: {path / 'meta.json'} cannot be read: {error}") from error
    wanted = str(meta.get("spacy_version") or "")
    if wanted and is_compatible_version(spacy_version, wanted) is False:
        raise ModelError(
            f"{name} {meta.get('version', '')} was made for spaCy {wanted}, installed is {spacy_version}; get the version "
            f"that fits, for spaCy's own pipelines with `{sys.executable} -m spacy download {meta.get('lang')}_{meta.get('name')}`",
        )
    if meta.get("lang") != LANGUAGE:
        raise ModelError(
            f"{name} reads the language {meta.get('lang')!r}; topics and events are read in {LANGUAGE!r} only, so name a "
            "pipeline for that, or leave nlp.model out for the pipeline that ships",
        )
    if lacking := [one for one in meta.get("requirements", ()) if not _is_met(one)]:
        told = " ".join(f'"{one}"' for one in lacking)
        raise ModelError(
            f"{name} needs what is not installed; install it with `{sys.executable} -m pip install {told}`"
        )


def _is_met(requirement: str) -> bool:
    try:
        wanted = Requirement(requirement)
        if wanted.marker and not wanted.marker.evaluate():
            return True
        return wanted.specifier.contains(version(wanted.name), prereleases=True)
    except InvalidRequirement:
        return True
    except PackageNotFoundError:
        return False


# Importing the modules registers the components `tocsin_bio`, `tocsin_gazetteer` and `tocsin_names` with spaCy.
COMPONENTS: Final = (ner.make_tagger, gazetteer.make_gazetteer, foreign.adopt_names)
