"""Loading the language model: the pipeline that ships, or any installed spaCy pipeline by its name.

Owns the choice of the matrix backend and the errors a wrong model gives. Does not own the components.
"""

import json
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import spacy
from spacy.about import __version__ as spacy_version
from spacy.language import Language
from spacy.util import get_package_path, is_compatible_version
from thinc.api import NumpyOps, set_current_ops

from worker.enrich import gazetteer, ner
from worker.errors import ModelError

Backend: TypeAlias = Literal["auto", "blis", "numpy"]

SHIPPED: Final = Path(__file__).parent / "en_tocsin_news"
# What a foreign pipeline brings beyond names is not used and would cost most of its time.
_UNUSED: Final = ("parser", "tagger", "morphologizer", "lemmatizer", "attribute_ruler")
# Longest text in characters that a pipeline accepts; the tagger's memory does not grow with a text's length.
_MAX_LENGTH: Final = 10_000_000
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
    path = SHIPPED if name is None else _installed(name)
    _check_version(path, name or "the shipped pipeline")
    try:
        nlp = spacy.load(path, exclude=_UNUSED)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ModelError(f"{name or path} cannot be loaded: {error}") from error
    if "tocsin_gazetteer" not in nlp.pipe_names:
        nlp.add_pipe("tocsin_gazetteer", last=True)
    nlp.max_length = _MAX_LENGTH
    return nlp


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
    folder = Path(name)
    if (folder / "meta.json").is_file():
        return folder
    if name.isidentifier() and find_spec(name) is not None:
        package = get_package_path(name)
        if (package / "meta.json").is_file():
            meta = _meta(package)
            return package / f"{meta['lang']}_{meta['name']}-{meta['version']}"
    raise ModelError(
        f"the pipeline {name!r} is not installed; install it with `python -m spacy download {name}` "
        f"or `pip install {name}`, or leave nlp.model out for the pipeline that ships",
    )


def _meta(folder: Path) -> dict[str, Any]:
    meta: dict[str, Any] = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    return meta


def _check_version(path: Path, name: str) -> None:
    if not (path / "meta.json").is_file():
        raise ModelError(f"{name}: {path} holds no pipeline (no meta.json); build it with `make train`")
    wanted = str(_meta(path).get("spacy_version") or "")
    if wanted and is_compatible_version(spacy_version, wanted) is False:
        raise ModelError(
            f"{name} was made for spaCy {wanted}, installed is {spacy_version}; get the version that fits with "
            f"`python -m spacy download {name}` or `pip install --upgrade {name}`",
        )


# Importing the two modules registers the components `tocsin_bio` and `tocsin_gazetteer` with spaCy.
COMPONENTS: Final = (ner.make_tagger, gazetteer.make_gazetteer)
