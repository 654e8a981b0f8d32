"""Ids that are derived from what they name, so that a crash, a retry or another process gives the same thing one name."""

import hashlib

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
"""Ten bits at a time: the standard library's base32 takes four times as long, and an article has a score of names."""


def derive_id(*parts: str, length: int = 32) -> str:
    """The SHA-256 of the parts, NUL between them, as that many characters of lower-case base32."""
    return spell(hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest(), length)


def spell(digest: bytes, length: int) -> str:
    """The first characters of 32 bytes in lower-case base32."""
    # 256 bits are 52 characters with four bits to spare
    number = int.from_bytes(digest, "big") << 4
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(250, 250 - 5 * length, -10)])[:length]
