"""Where files lie: local folders and fsspec URLs, with a signature per file that tells a rewritten one."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from ingestion.generic.files.gunzip import Gunzip

_MAGIC = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class FoundFile:
    """One file as it is now.

    Attributes:
        name: path below the fixed part of the glob; the same on every machine.
        path: path for the file system.
        size: bytes.
        signature: changes when the content does: change time in nanoseconds, or ETag, as text.
        modified_at: change time, if the file system knows it.
    """

    name: str
    path: str
    size: int
    signature: str
    modified_at: dt.datetime | None


class Store:
    """The file system behind a glob.

    Args:
        glob: path or URL with wildcards, variables already replaced.
        folder: where relative paths start.
        options: options of the fsspec file system.
    """

    def __init__(self, glob: str, folder: Path, options: Mapping[str, Any] | None = None) -> None:
        if "://" not in glob and not Path(glob).is_absolute():
            glob = os.path.normpath(folder / glob)
        self.fs, self.pattern = fsspec.core.url_to_fs(glob, **(options or {}))
        parts = PurePosixPath(self.pattern).parts
        fixed = next((i for i, part in enumerate(parts) if _MAGIC.search(part)), len(parts) - 1)
        self.root = str(PurePosixPath(*parts[:fixed])) if fixed else ""

    def files(self) -> list[FoundFile]:
        """Files that match, by name."""
        self.fs.invalidate_cache()
        if _MAGIC.search(self.pattern):
            found = self.fs.glob(self.pattern, detail=True)
        else:
            found = {self.pattern: self.fs.info(self.pattern)} if self.fs.exists(self.pattern) else {}
        files = [self._file(path, info) for path, info in found.items() if info.get("type") == "file"]
        return sorted(files, key=lambda file: file.name)

    def _file(self, path: str, info: Mapping[str, Any]) -> FoundFile:
        name = path[len(self.root) :].lstrip("/") if path.startswith(self.root) else path
        modified = (
            info.get("mtime") or info.get("LastModified") or info.get("last_modified") or info.get("created")
        )
        stamp = str(modified)
        if isinstance(modified, int | float):
            if isinstance(self.fs, LocalFileSystem):
                stamp = str(Path(path).stat().st_mtime_ns)
            modified = dt.datetime.fromtimestamp(modified, dt.UTC)
        signature = str(info.get("ETag") or info.get("etag") or info.get("md5Hash") or stamp)
        at = modified if isinstance(modified, dt.datetime) else None
        return FoundFile(name, path, int(info.get("size") or 0), signature, at)

    @contextmanager
    def open(self, file: FoundFile) -> Iterator[IO[bytes]]:
        """The file's content, unpacked when its name ends in `.gz`."""
        with self.fs.open(file.path, "rb") as raw:
            yield cast(IO[bytes], Gunzip(raw)) if file.path.endswith(".gz") else raw
