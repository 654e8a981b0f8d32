"""Ids that are derived from what they name, so that a crash, a retry or another process gives the same thing one name."""

import hashlib
from base64 import b32encode


def derive_id(*parts: str, length: int = 32) -> str:
    """The SHA-256 of the parts, NUL between them, as that many characters of lower-case base32."""
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return b32encode(hashlib.sha256(joined).digest()).decode().lower()[:length]
