"""The outline of a word as hashed character n-grams: alike words share them ("smuggler", "smuggling").

Owns the hashing, the same in training and at run time. Does not own the weights.
"""

import zlib
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

SHAPE_BITS: Final = 16
_LENGTHS: Final = (3, 4, 5)
_MAX_LETTERS: Final = 24
_BUCKETS: Final = (1 << SHAPE_BITS) - 1

Ints: TypeAlias = npt.NDArray[np.int64]
Hashes: TypeAlias = npt.NDArray[np.uint16]


def shape_buckets(word: str) -> list[int]:
    """Return the distinct hashed character n-grams of a word, its ends marked by a space: the low bits of their CRC-32."""
    padded = _padded(word)
    grams = {padded[i : i + n] for n in _LENGTHS for i in range(len(padded) - n + 1)}
    return sorted({_hash(gram.encode("utf-8", "surrogatepass")) for gram in grams})


def shapes_of(words: Sequence[str]) -> tuple[Ints, Ints]:
    """Return the `shape_buckets` of all words end to end, and beside each the number of its word."""
    plain = [number for number, word in enumerate(words) if word.isascii()]
    buckets, owners = _of_ascii([_padded(words[number]) for number in plain])
    keys = [np.array(plain, np.int64)[owners] << SHAPE_BITS | buckets]
    keys += [
        np.array(shape_buckets(word), np.int64) | number << SHAPE_BITS
        for number, word in enumerate(words)
        if not word.isascii()
    ]
    ordered = np.sort(np.concatenate(keys))
    distinct = ordered[np.diff(ordered, prepend=-1) > 0]
    return distinct & _BUCKETS, distinct >> SHAPE_BITS


def _padded(word: str) -> str:
    return f" {word[:_MAX_LETTERS]} "


def _hash(raw: bytes) -> int:
    return zlib.crc32(raw) & _BUCKETS


def _of_ascii(padded: Sequence[str]) -> tuple[Ints, Ints]:
    """Hash the n-grams of padded words, all at once, and number their words.

    A CRC is affine: that of n bytes is that of n zeros, xor for each byte what it alone, at its place, changes.
    """
    letters = np.frombuffer("".join(padded).encode(), np.uint8)
    lengths = np.fromiter(map(len, padded), np.int64, len(padded))
    owner = np.repeat(np.arange(len(padded)), lengths)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(letters))
    changes = [table[letters] for table in _CHANGES]
    buckets, owners = [], []
    for length in _LENGTHS:
        count = max(len(letters) - length + 1, 0)
        hashes = np.full(count, _hash(bytes(length)), np.uint16)
        for place in range(length):
            hashes ^= changes[length - 1 - place][place : place + count]
        inside = left[:count] >= length
        buckets.append(hashes[inside])
        owners.append(owner[:count][inside])
    return np.concatenate(buckets).astype(np.int64), np.concatenate(owners)


def _change(after: int) -> Hashes:
    """Return, by byte, what one byte changes in the hash where so many others follow it."""
    return np.array([_hash(bytes([byte]) + bytes(after)) ^ _hash(bytes(1 + after)) for byte in range(256)], np.uint16)


_CHANGES: Final = tuple(map(_change, range(max(_LENGTHS))))
