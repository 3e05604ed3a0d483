"""Files that only grow: whole lines, each of them once, wherever whoever wrote one died."""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from connectors.base.errors import ConnectionConfigError, TransientError

_BLOCK: Final = 65_536


@dataclass(frozen=True, slots=True)
class Growth:
    """What a file is that grows: its name, how a line is recognised, and how it begins.

    `id_of` gives the id of a whole line, with or without its end; None if it is none of ours.
    A last line that was cut goes into the file `aside`; without one it is dropped, being known
    elsewhere.
    """

    name: str
    id_of: Callable[[bytes], str | None]
    header: bytes = b""
    aside: str | None = None


class GrowingFile:
    """One such file in a folder."""

    def __init__(self, folder: Path, growth: Growth) -> None:
        self._folder: Final = folder
        self._growth: Final = growth

    def add(self, lines: Iterable[tuple[str, bytes]]) -> None:
        """Write what is not there yet, on the disk when this returns; each with its id.

        Raises TransientError if the disk refuses: then a repeat finds what was written.
        """
        wanted: dict[str, bytes] = {}
        for name, line in lines:
            wanted.setdefault(name, line)
        if not wanted:
            return
        with self._locked() as file:
            self._mend_end(file)
            told = set(self._ids_in(file))
            begins = self._growth.header if file.seek(0, os.SEEK_END) == 0 else b""
            file.write(begins + b"".join(wanted[name] for name in wanted if name not in told))
            file.flush()
            os.fsync(file.fileno())

    def seen(self, read: Callable[[bytes], str | None]) -> list[str]:
        """What is read of its whole lines, of those that say it; nothing of a file not there."""
        if not (self._folder / self._growth.name).exists():
            return []
        with self._locked() as file:
            found = [read(line) for line in file if line.endswith(b"\n")]
        return [each for each in found if each is not None]

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        name = self._growth.name
        try:
            with self._opened() as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file
        except PermissionError as error:
            raise ConnectionConfigError(
                "cannot_write", f"{name} cannot be written: give the worker permission"
            ) from error
        except OSError as error:
            raise TransientError(
                "cannot_write", f"{name} cannot be written now ({error.strerror})"
            ) from error

    def _opened(self) -> BinaryIO:
        path = self._folder / self._growth.name
        made = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        if made:
            sync_folder(self._folder)
        return os.fdopen(descriptor, "r+b")

    def _mend_end(self, file: BinaryIO) -> None:
        """Complete a last line that only lacks its end; set one aside that was cut."""
        end = _start_of_last_line(file)
        file.seek(end)
        rest = file.read()
        if not rest:
            return
        if self._growth.aside is not None:
            if self._growth.id_of(rest) is not None:
                file.write(b"\n")
                return
            with (self._folder / self._growth.aside).open("ab") as aside:
                aside.write(rest + b"\n")
                aside.flush()
                os.fsync(aside.fileno())
        file.truncate(end)

    def _ids_in(self, file: BinaryIO) -> Iterator[str]:
        file.seek(0)
        for line in file:
            found = self._growth.id_of(line)
            if found is not None:
                yield found


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _start_of_last_line(file: BinaryIO) -> int:
    """Where the text begins that stands behind the last end of a line."""
    at = file.seek(0, os.SEEK_END)
    while at > 0:
        start = max(0, at - _BLOCK)
        file.seek(start)
        found = file.read(at - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        at = start
    return 0
