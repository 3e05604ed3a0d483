"""The drop: all files of a folder as they stood at one moment, or not at all."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from stat import S_ISREG
from typing import Final

from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.flatfile.manifest import FILE_BYTES_MAX, FILES_MAX

_ATTEMPTS: Final = 2
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DropFile:
    """One file: its name, its bytes, when it was written, and since when it is here as it is.

    A file that is moved here keeps the time at which it was written, and may arrive much later.
    """

    name: str
    data: bytes
    changed_at: datetime
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What tells one state of a file from another."""

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @property
    def changed_at(self) -> datetime:
        return _EPOCH + timedelta(microseconds=self.mtime_ns // 1000)

    @property
    def arrived_at(self) -> datetime:
        newest_ns = max(self.mtime_ns, self.ctime_ns)
        return _EPOCH + timedelta(microseconds=newest_ns // 1000)


def require_folder(folder: Path) -> None:
    """Raise ConnectionConfigError if the folder is not there, or is none."""
    try:
        found = folder.is_dir()
    except OSError as error:
        raise _unreadable(folder, error) from error
    if not found:
        raise ConnectionConfigError(
            "no_folder", f"there is no folder {folder}: make it, or correct the option 'folder'"
        )


def require_writable(folder: Path) -> None:
    """Raise ConnectionConfigError unless files may be read and written there."""
    require_folder(folder)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise ConnectionConfigError(
            "cannot_write", f"{folder} cannot be written: give the worker permission"
        )


def arrivals(folder: Path, names: Iterable[str]) -> Mapping[str, datetime]:
    """Say since when each of these files is there as it is, without reading one.

    Raises like `read_drop`.
    """
    require_folder(folder)
    return {name: stamp.arrived_at for name, stamp in _stamps(folder, names).items()}


def read_drop(folder: Path, names: Iterable[str]) -> Mapping[str, DropFile]:
    """Read the files of these names that there are, all as they stood at one moment.

    A name with an asterisk stands for all that fit it. What changes meanwhile is read once more.
    Raises TransientError if it goes on changing, and ConnectionConfigError if the folder or a file
    cannot be read, or a file is too large.
    """
    require_folder(folder)
    wanted = tuple(names)
    for _ in range(_ATTEMPTS):
        stamps = _stamps(folder, wanted)
        files = {name: _read(folder / name, stamp) for name, stamp in stamps.items()}
        if _stamps(folder, wanted) == stamps:
            whole = {name: each for name, each in files.items() if each is not None}
            if len(whole) == len(stamps):
                return whole
    raise TransientError(
        "drop_changing", "files of the drop are being written while they are read; read them later"
    )


def _stamps(folder: Path, names: Iterable[str]) -> dict[str, _Stamp]:
    stamps: dict[str, _Stamp] = {}
    for name in _named(folder, names):
        try:
            status = (folder / name).stat()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _unreadable(folder / name, error) from error
        if not S_ISREG(status.st_mode):
            raise ConnectionConfigError("not_a_file", f"{name} is not a file; take it away")
        if status.st_size == 0:
            # It would say that all is gone; whoever means that leaves a header line.
            raise TransientError("file_empty", f"{name} is empty: it is yet to be written")
        if status.st_size > FILE_BYTES_MAX:
            raise ConnectionConfigError(
                "file_too_large",
                f"{name} has {status.st_size} bytes and may have {FILE_BYTES_MAX}: take out what "
                "has ended, or divide it among several drops",
            )
        stamps[name] = _Stamp(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return stamps


def _named(folder: Path, names: Iterable[str]) -> list[str]:
    """The files that may be there under these names, each once and in one order."""
    names = tuple(names)
    patterns = [name for name in names if "*" in name]
    found = [name for name in names if "*" not in name]
    if patterns:
        try:
            there = sorted(each.name for each in folder.iterdir())
        except OSError as error:
            raise _unreadable(folder, error) from error
        found += [name for name in there if any(fnmatchcase(name, each) for each in patterns)]
    if len(found) > FILES_MAX:
        raise ConnectionConfigError(
            "too_many_files", f"{folder} has {len(found)} files to read and may have {FILES_MAX}"
        )
    return list(dict.fromkeys(found))


def _read(path: Path, stamp: _Stamp) -> DropFile | None:
    """Read a file; None if it is gone, or is not as long as it was."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(data) != stamp.size:
        return None
    return DropFile(path.name, data, stamp.changed_at, stamp.arrived_at)


def _unreadable(path: Path, error: OSError) -> ConnectionConfigError:
    return ConnectionConfigError(
        "cannot_read", f"{path} cannot be read ({error.strerror}): give the worker permission"
    )
