"""Reading gzip to the last byte that can be had, also of a stream that breaks off."""

from __future__ import annotations

import zlib
from typing import IO

_CHUNK = 1 << 20
_GZIP = 31  # zlib's window bits for a gzip header


class Gunzip:
    """A readable of the unpacked bytes; `torn` tells at the end whether the stream broke off.

    The gzip module raises at the break and keeps what it had unpacked to itself.
    """

    def __init__(self, raw: IO[bytes]) -> None:
        self.raw = raw
        self.torn = False
        self._inflate = zlib.decompressobj(_GZIP)
        self._ready = b""
        self._begun = False
        self._ended = False

    def read(self, size: int = -1) -> bytes:
        """Up to `size` unpacked bytes, fewer only at the end."""
        parts, have = [self._ready], len(self._ready)
        while not self._ended and (size < 0 or have < size):
            part = self._more()
            parts.append(part)
            have += len(part)
        data = b"".join(parts)
        if size < 0:
            size = len(data)
        self._ready = data[size:]
        return data[:size]

    def _more(self) -> bytes:
        packed = self._inflate.unconsumed_tail or self.raw.read(_CHUNK)
        if not packed:
            self._ended = True
            self.torn = self._begun and not self._inflate.eof
            return b""
        try:
            data = b""
            while packed:
                if self._inflate.eof:
                    packed = packed.lstrip(b"\0")
                    if not packed:
                        break
                    self._inflate = zlib.decompressobj(_GZIP)
                self._begun = True
                data += self._inflate.decompress(packed)
                packed = self._inflate.unused_data
            return data
        except zlib.error:
            self._ended = self.torn = True
            return data
