"""A compressed body becomes bytes under three limits: what came over the wire, what it grows to, and their ratio.

Output is taken in pieces, so that a bomb costs one piece of memory and not its whole size.
"""

import importlib
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import brotli

from worker.model import PollFailure

WIRE_LIMIT_BYTES = 5_000_000
BODY_LIMIT_BYTES = 20_000_000
RATIO_LIMIT = 200
RATIO_FREE_BYTES = 1_000_000
"""Below this size any ratio is let through: small feeds compress well."""
_PIECE_BYTES = 262_144


def _zstd() -> Any:
    """The standard library's zstd (3.14), or its backport, or None."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


_ZSTD = _zstd()
ACCEPTED = "gzip, deflate, br" + (", zstd" if _ZSTD else "")
"""The value of Accept-Encoding."""


class BodyRefusedError(Exception):
    """The body is too large, or is not in the coding it claims; `reason` says which."""

    def __init__(self, reason: PollFailure, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Body:
    """Collects a response's chunks as they come over the wire; `coding` is its Content-Encoding."""

    def __init__(self, coding: str) -> None:
        self.wire_bytes = 0
        self._body = bytearray()
        self._inflate = _inflater(coding.strip().lower())

    def add(self, chunk: bytes) -> None:
        """Decode a chunk. Raises BodyRefusedError as soon as a limit is passed."""
        self.wire_bytes += len(chunk)
        if self.wire_bytes > WIRE_LIMIT_BYTES:
            raise BodyRefusedError(PollFailure.TOO_LARGE, f"sends more than {WIRE_LIMIT_BYTES:,} bytes")
        if not self._body and self.wire_bytes == len(chunk) and chunk[:1] in (b"<", b"{"):
            self._inflate = _identity()  # it claims a coding and sends plain text
        try:
            for piece in self._inflate.feed(chunk):
                self._body += piece
                self._check()
        except BodyRefusedError:
            raise
        except Exception as error:
            raise BodyRefusedError(PollFailure.BAD_ENCODING, "cannot be decompressed") from error

    def so_far(self) -> bytes:
        """What was decoded of it yet."""
        return bytes(self._body)

    def finish(self) -> bytes:
        """The whole body. Raises BodyRefusedError where it ended too early."""
        if self.wire_bytes and not self._inflate.is_done():
            raise BodyRefusedError(PollFailure.BAD_ENCODING, "broke off in the middle of its compressed body")
        return bytes(self._body)

    def _check(self) -> None:
        size = len(self._body)
        if size > BODY_LIMIT_BYTES:
            raise BodyRefusedError(PollFailure.TOO_LARGE, f"sends more than {BODY_LIMIT_BYTES:,} bytes, uncompressed")
        if size > max(RATIO_FREE_BYTES, self.wire_bytes * RATIO_LIMIT):
            message = f"blows {self.wire_bytes:,} bytes up to more than {size:,}"
            raise BodyRefusedError(PollFailure.TOO_LARGE, message)


class _Inflater:
    """One coding: `feed` gives the pieces that a chunk makes, `is_done` whether its end was reached."""

    def __init__(self, feed: Callable[[bytes], Iterator[bytes]], is_done: Callable[[], bool]) -> None:
        self.feed, self.is_done = feed, is_done


def _inflater(coding: str) -> _Inflater:
    if coding in ("", "identity"):
        return _identity()
    if coding in ("gzip", "x-gzip", "deflate"):
        return _Zlib().inflater()
    if coding == "br":
        return _brotli()
    if coding == "zstd" and _ZSTD:
        return _Zstd().inflater()
    raise BodyRefusedError(PollFailure.BAD_ENCODING, f"is compressed by “{coding[:40]}”, which was not asked for")


def _identity() -> _Inflater:
    return _Inflater(lambda chunk: iter((chunk,)), lambda: True)


def _brotli() -> _Inflater:
    decoder = brotli.Decompressor()

    def feed(chunk: bytes) -> Iterator[bytes]:
        yield decoder.process(chunk, output_buffer_limit=_PIECE_BYTES)
        while not decoder.can_accept_more_data() and not decoder.is_finished():
            yield decoder.process(b"", output_buffer_limit=_PIECE_BYTES)

    return _Inflater(feed, decoder.is_finished)


class _Zlib:
    """gzip in one or several members, zlib, and the bare deflate that some servers send."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(47)
        self._has_begun = False

    def inflater(self) -> _Inflater:
        return _Inflater(self._feed, lambda: self._decoder.eof)

    def _feed(self, chunk: bytes) -> Iterator[bytes]:
        while chunk:
            if self._decoder.eof:
                if not chunk.startswith(b"\x1f"):
                    return  # padding behind the last member
                self._decoder = zlib.decompressobj(47)
            yield self._decompress(chunk)
            chunk = self._decoder.unconsumed_tail or self._decoder.unused_data

    def _decompress(self, chunk: bytes) -> bytes:
        try:
            piece = self._decoder.decompress(chunk, _PIECE_BYTES)
        except zlib.error:
            if self._has_begun:
                raise
            self._decoder = zlib.decompressobj(-15)
            piece = self._decoder.decompress(chunk, _PIECE_BYTES)
        self._has_begun = True
        return piece


class _Zstd:
    """zstd in one or several frames."""

    def __init__(self) -> None:
        self._decoder = _ZSTD.ZstdDecompressor()

    def inflater(self) -> _Inflater:
        return _Inflater(self._feed, lambda: self._decoder.eof)

    def _feed(self, chunk: bytes) -> Iterator[bytes]:
        yield self._decoder.decompress(chunk, _PIECE_BYTES)
        while not self._decoder.needs_input and not self._decoder.eof:
            yield self._decoder.decompress(b"", _PIECE_BYTES)
        if self._decoder.eof and self._decoder.unused_data:
            rest = self._decoder.unused_data
            self._decoder = _ZSTD.ZstdDecompressor()
            yield from self._feed(rest)
