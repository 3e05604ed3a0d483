"""The folder that documents are written into: a name in it is taken once, and delivered once.

`documents/` is the record: a document is there as soon as its name is, and stays. `outbox/` is for
the ERP's import, which may take files away. Both names are of the same file, and come in an order
that no crash can turn into a second delivery:

1. the document is written whole under a name of its own in `writing/`, and is on the disk;
2. that file gets its name in `documents/` (a link: the file system refuses a second one), which is
   on the disk before anything else is done;
3. the name in `writing/` moves to `outbox/`. As long as it is in `writing/`, it was not delivered.

Whoever finds step 2 done and step 3 not, finishes.
"""

import logging
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from tempfile import mkstemp
from typing import Final

from canonical.identity import REFERENCE_LENGTH
from connectors.base.errors import (
    ConnectionConfigError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.flatfile.appending import sync_folder

_LOG: Final = logging.getLogger(__name__)
DOCUMENTS: Final = "documents"
OUTBOX: Final = "outbox"
WRITING: Final = "writing"
_SUFFIX: Final = ".json"
# Capitals and digits only: the same name on a file system that does not tell capitals apart.
_REFERENCE: Final = re.compile(rf"[A-Z0-9]{{1,{REFERENCE_LENGTH}}}", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Put(StrEnum):
    """What became of one document."""

    WRITTEN = "written"
    # Its name was taken: by itself, or by something else.
    THERE_ALREADY = "there_already"
    # Whether it got its name, nobody can tell now.
    UNKNOWN = "unknown"
    # An earlier one had trouble that this one would have had too.
    NOT_TRIED = "not_tried"


@dataclass(frozen=True, slots=True)
class Paper:
    """One document as it is to be written."""

    reference: str
    data: bytes


def require_fit(reference: str) -> None:
    """Refuse a reference that could not be the name of a file; it is never cut."""
    if not _REFERENCE.fullmatch(reference):
        raise RejectedError("reference_unfit", "the reference would not be found again")


class Shelf:
    """The documents of one folder."""

    def __init__(self, folder: Path) -> None:
        self._documents: Final = folder / DOCUMENTS
        self._outbox: Final = folder / OUTBOX
        self._writing: Final = folder / WRITING

    def prepare(self) -> None:
        """Have the three folders; the one that they are in is there already."""
        try:
            for folder in (self._writing, self._outbox, self._documents):
                if not folder.is_dir():
                    folder.mkdir(exist_ok=True)
                    sync_folder(folder.parent)
        except PermissionError as error:
            raise _forbidden(error) from error
        except OSError as error:
            raise TransientError("cannot_write", f"cannot write now ({error.strerror})") from error

    def prove_links(self) -> None:
        """Raise ConnectionConfigError unless a file can have two names here, and a name one file.

        Without that nothing keeps a document from being written twice.
        """
        probes = [folder / f".probe-{os.getpid()}" for folder in (self._writing, self._documents)]
        try:
            trouble = _trouble_with_links(*probes)
        except OSError as error:
            trouble = error.strerror
        finally:
            for probe in probes:
                probe.unlink(missing_ok=True)
        if trouble:
            raise ConnectionConfigError(
                "no_links", f"the file system does not link files ({trouble}): use another"
            )

    def put_all(self, papers: Sequence[Paper], last_byte_by: float | None = None) -> Sequence[Put]:
        """Write documents, each under a name that it alone can have; one answer each, in order.

        Raises TransientError or ConnectionConfigError if nothing was done, and
        OutcomeUnknownError if nobody can tell whether what was done would outlive a crash.
        """
        written = self._write_all(papers)
        if last_byte_by is not None and time.monotonic() > last_byte_by:
            self._forget(written)
            raise TransientError("too_late", "the claim ended while documents were written")
        outcomes = self._name_all(papers, written)
        tried = list(zip(papers, written, outcomes, strict=True))
        # What is unknown is kept: it may have got its name, and is then still to be delivered.
        self._forget(path for _, path, put in tried if put in (Put.THERE_ALREADY, Put.NOT_TRIED))
        self._deliver([(path, paper.reference) for paper, path, put in tried if put is Put.WRITTEN])
        self.finish(paper.reference for paper, _, put in tried if put is Put.THERE_ALREADY)
        return outcomes

    def read(self, reference: str) -> bytes | None:
        """The document of a reference, delivered by now; None if there is none.

        Raises TransientError if that cannot be told.
        """
        try:
            return self._bytes_of(self._path_of(reference))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TransientError(
                "cannot_read", f"document {reference} cannot be read ({error.strerror})"
            ) from error

    def finish(self, references: Iterable[str] | None = None) -> None:
        """Deliver what got its name from somebody who then died; of all, or of these."""
        wanted = None if references is None else set(references)
        begun = [
            (path, reference)
            for path, reference in self._begun()
            if (wanted is None or reference in wanted) and self._has_its_name(path, reference)
        ]
        if begun:
            self._sync(self._documents)
            self._deliver(begun)

    def remove_strays(self, older_than: datetime) -> int:
        """Remove what was written before an instant, and never got its name."""
        removed = 0
        for path, reference in self._begun():
            try:
                if self._has_its_name(path, reference) or _stamp(path) >= older_than:
                    continue
                path.unlink()
                removed += 1
            except FileNotFoundError:
                continue
        return removed

    def references(self, since: datetime | None) -> list[str]:
        """The references of all documents, or of those that changed at or after an instant."""
        found: list[str] = []
        for path in self._documents.iterdir():
            # What else lies there is none of ours.
            ours = path.suffix == _SUFFIX and _REFERENCE.fullmatch(path.stem)
            # Some disks keep whole seconds only.
            if ours and (since is None or _stamp(path) >= since.replace(microsecond=0)):
                found.append(path.stem)
        return sorted(found)

    # The steps, each where a test lets a disk fail.

    def _write_all(self, papers: Sequence[Paper]) -> list[Path]:
        written: list[Path] = []
        try:
            for paper in papers:
                written.append(self._write(paper))  # noqa: PERF401  What was written is known.
            # Before it gets its name: that it is here is what says that it was not delivered.
            self._to_disk(self._writing)
        except OSError as error:
            self._forget(written)
            if isinstance(error, PermissionError):
                raise _forbidden(error) from error
            raise TransientError("cannot_write", f"cannot write now ({error.strerror})") from error
        return written

    def _write(self, paper: Paper) -> Path:
        descriptor, name = mkstemp(prefix=f"{paper.reference}.", dir=self._writing)
        path = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(paper.data)
                file.flush()
                os.fchmod(file.fileno(), 0o640)
                os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    def _name_all(self, papers: Sequence[Paper], written: Sequence[Path]) -> Sequence[Put]:
        outcomes: list[Put] = []
        for paper, path in zip(papers, written, strict=True):
            if Put.UNKNOWN in outcomes:
                outcomes.append(Put.NOT_TRIED)
                continue
            try:
                self._name(path, paper.reference)
            except FileExistsError:
                outcomes.append(Put.THERE_ALREADY)
            except FileNotFoundError:
                # Somebody took it for a stray, so that it cannot have got its name.
                outcomes.append(Put.NOT_TRIED)
            except OSError as error:
                _LOG.warning("flatfile: no clear answer for a document (%s)", error.strerror)
                outcomes.append(Put.UNKNOWN)
            else:
                outcomes.append(Put.WRITTEN)
        if all(put is Put.UNKNOWN for put in outcomes):
            raise OutcomeUnknownError("no_clear_answer", "whether it was written is not known")
        if not {Put.WRITTEN, Put.UNKNOWN}.isdisjoint(outcomes):
            self._sync(self._documents)
        return outcomes

    def _name(self, path: Path, reference: str) -> None:
        os.link(path, self._path_of(reference))

    def _sync(self, folder: Path) -> None:
        try:
            self._to_disk(folder)
        except OSError as error:
            raise OutcomeUnknownError(
                "not_on_disk", f"whether it is on the disk is not known ({error.strerror})"
            ) from error

    def _deliver(self, named: Iterable[tuple[Path, str]]) -> None:
        """Move names to the outbox; what fails now, the next look or sweep finishes."""
        moved = False
        try:
            for path, reference in named:
                try:
                    self._move(path, self._outbox / f"{reference}{_SUFFIX}")
                except FileNotFoundError:
                    continue  # Somebody else delivered it.
                moved = True
            if moved:
                self._to_disk(self._outbox)
                self._to_disk(self._writing)
        except OSError as error:
            _LOG.warning("flatfile: a delivery is to be finished later (%s)", error.strerror)

    def _move(self, path: Path, to: Path) -> None:
        path.rename(to)

    def _to_disk(self, folder: Path) -> None:
        sync_folder(folder)

    def _bytes_of(self, path: Path) -> bytes:
        return path.read_bytes()

    def _forget(self, written: Iterable[Path]) -> None:
        for path in written:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                _LOG.warning("flatfile: a stray is left to the sweep (%s)", error.strerror)

    def _begun(self) -> Iterator[tuple[Path, str]]:
        """What is in `writing/`, with the references that it is for."""
        try:
            paths = sorted(self._writing.iterdir())
        except FileNotFoundError:
            return
        for path in paths:
            reference = path.name.partition(".")[0]
            if _REFERENCE.fullmatch(reference):
                yield path, reference

    def _has_its_name(self, path: Path, reference: str) -> bool:
        try:
            return path.samefile(self._path_of(reference))
        except FileNotFoundError:
            return False

    def _path_of(self, reference: str) -> Path:
        return self._documents / f"{reference}{_SUFFIX}"


def _trouble_with_links(one: Path, other: Path) -> str | None:
    for probe in (one, other):
        probe.unlink(missing_ok=True)
    one.touch()
    os.link(one, other)
    if not one.samefile(other):
        return "two names are two files"
    try:
        os.link(one, other)
    except FileExistsError:
        return None
    return "a name can be taken twice"


def _stamp(path: Path) -> datetime:
    """When a file was written or got its name, whichever was later."""
    status = path.stat()
    return _EPOCH + timedelta(microseconds=max(status.st_mtime_ns, status.st_ctime_ns) // 1000)


def _forbidden(error: OSError) -> ConnectionConfigError:
    return ConnectionConfigError(
        "cannot_write", f"cannot write ({error.strerror}): give the worker permission"
    )
