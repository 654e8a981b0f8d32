"""Where the real texts are that the benches read."""

import os
from pathlib import Path


def shared() -> Path:
    """The folder of real texts."""
    return Path(os.environ.get("TOCSIN_SHARED") or Path(__file__).parents[2] / "shared") / "data"
