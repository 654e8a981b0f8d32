"""When a process looks for garbage that refers to itself: among what it made since it stands, and seldom."""

import gc

MOST_YOUNG = 20_000
"""When so many more stand than before, they are looked through. A poll in flight is some sixty of them, an article that waits to
be told a hundred: Python's own 700 are a dozen, nearly all of which would be done with a moment later, and hardly a cycle."""


def settle() -> None:
    """The process stands: a hundred thousand objects of the model and the lists need never be walked again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(MOST_YOUNG, *gc.get_threshold()[1:])
