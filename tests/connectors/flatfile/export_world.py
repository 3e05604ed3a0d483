"""A folder that an ERP imports from, in the words of the suite, on a disk with troubles."""

import asyncio
import errno
import itertools
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from canonical.identity import reference_of
from canonical.money import Money
from canonical.posting import (
    Dimension,
    PostingBody,
    PostingIntent,
    PostingKind,
    SourceLine,
    TimeLine,
)
from canonical.posting_period import PeriodDecision
from connectors.base.errors import OutcomeUnknownError
from connectors.base.rate_budget import RateBudget, Unlimited
from connectors.conformance.posting_world import PostingNetwork
from connectors.flatfile.export import FileExport, connect
from connectors.flatfile.export_papers import paper_of
from connectors.flatfile.export_shelf import Paper, Put, Shelf
from connectors.flatfile.options import FlatFileOptions

DAY = date(2026, 10, 5)
CLOSED_DAY = date(2026, 9, 30)
MASTERS = {
    "legal_entities.csv": "code,name,currency\nDE01,Firm GmbH,EUR\n",
    "periods.csv": (
        "legal_entity,name,fiscal_year,starts_on,ends_on,state\n"
        "DE01,2026-09,2026,2026-09-01,2026-09-30,closed\n"
        "DE01,2026-10,2026,2026-10-01,2026-10-31,open\n"
    ),
    "employees.csv": "code,name,email,legal_entity\nE-1,Zebedee Quill,zeb@firm.example,DE01\n",
    "projects.csv": "code,name,legal_entity\nPRJ-1,Platform,DE01\n",
    "tasks.csv": "project,name\nPRJ-1,T0\nPRJ-1,T1\nPRJ-1,T2\n",
    "accounts.csv": "legal_entity,code,name\nDE01,6600,Travel\n",
    "tax_codes.csv": "legal_entity,code,name,rate\nDE01,V19,Input tax,19\n",
    "currencies.csv": "code,name\nEUR,Euro\n",
}


class DiskTroubles(PostingNetwork):
    """What happens to a disk, by the names that the suite has for a network."""

    def __init__(self) -> None:
        super().__init__(httpx.MockTransport(lambda _: httpx.Response(404)), lambda _: False)
        self.refuses = self.loses = self.holds = self.doubles = self.fails_to_name = False
        self.unreadable_after = False
        self.alters: Callable[[bytes], bytes] | None = None
        self.held: list[tuple[FaultyShelf, Sequence[Paper]]] = []

    def lose_next_write(self) -> None:
        self.loses = True

    def answer_next_write(
        self,
        status: int,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        carried_out: bool,
    ) -> None:
        """A disk that is full, or an error that says nothing, before or after the fact."""
        self.loses = carried_out
        self.fails_to_name = not carried_out and status >= 500
        self.refuses = not carried_out and status < 500

    def refuse_next_write(self) -> None:
        self.refuses = True

    def alter_next_write(self, alter: Callable[[bytes], bytes]) -> None:
        self.alters = alter

    def break_after_next_write(self, requests: int) -> None:
        self.unreadable_after = True

    def deliver_next_write_twice(self) -> None:
        self.doubles = True

    def hold_next_write(self) -> None:
        self.holds = True

    async def release(self) -> None:
        held, self.held = self.held, []
        for shelf, papers in held:
            await asyncio.to_thread(shelf.put_all, papers)


class FaultyShelf(Shelf):
    """A shelf on such a disk."""

    def __init__(self, folder: Path, troubles: DiskTroubles) -> None:
        super().__init__(folder)
        self._troubles = troubles
        self._naming = self._blind = False

    def put_all(self, papers: Sequence[Paper], last_byte_by: float | None = None) -> Sequence[Put]:
        troubles = self._troubles
        troubles.writes.append(httpx.Request("PUT", "file:///documents"))
        if troubles.holds:
            troubles.holds = False
            troubles.held.append((self, papers))
            raise OutcomeUnknownError("no_clear_answer", "the share does not answer")
        if troubles.doubles:
            troubles.doubles = False
            super().put_all(papers, last_byte_by)
        outcomes = super().put_all(papers, last_byte_by)
        self._blind, troubles.unreadable_after = troubles.unreadable_after, False
        return outcomes

    def _write(self, paper: Paper) -> Path:
        troubles = self._troubles
        if troubles.refuses:
            troubles.refuses = False
            raise OSError(errno.ENOSPC, "No space left on device")
        alter, troubles.alters = troubles.alters, None
        return super()._write(Paper(paper.reference, alter(paper.data)) if alter else paper)

    def _name(self, path: Path, reference: str) -> None:
        self._naming = True
        if self._troubles.fails_to_name:
            self._troubles.fails_to_name = False
            raise OSError(errno.EIO, "Input/output error")
        super()._name(path, reference)

    def _to_disk(self, folder: Path) -> None:
        super()._to_disk(folder)
        if self._troubles.loses and self._naming:
            self._troubles.loses = False
            raise OSError(errno.EIO, "Input/output error")

    def _bytes_of(self, path: Path) -> bytes:
        if self._blind:
            raise OSError(errno.EIO, "Input/output error")
        return super()._bytes_of(path)


class ExportWorld:
    """The ERP's side: a folder with masters, and documents that are read and written by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.network = DiskTroubles()
        self._foreign = itertools.count(1)
        folder.mkdir()
        for name in ("documents", "outbox", "writing"):
            (folder / name).mkdir()
        for name, text in MASTERS.items():
            (folder / name).write_text(text)

    def connect(self, budget: RateBudget | None = None, **options: Any) -> FileExport:
        given = {"connection": "erp", "folder": str(self.folder), **options}
        shelf = FaultyShelf(self.folder, self.network)
        return connect(FlatFileOptions(**given), budget or Unlimited(), shelf)

    def intent(self, *, parent: int = 0, seconds: int = 3600, note: str = "") -> PostingIntent:
        return self.line(parent=parent, seconds=seconds, note=note)

    @staticmethod
    def line(*, parent: int = 0, seconds: int = 3600, note: str = "") -> PostingIntent:
        """An hour, or more or less, on one of the tasks."""
        line = TimeLine(
            legal_entity="DE01",
            employee="E-1",
            task=f"PRJ-1/T{parent}",
            work_date=DAY,
            seconds=seconds,
            note=note,
        )
        return intent_of(line, PostingKind.TIME)

    def refused_intent(self) -> PostingIntent:
        """Of a month that is closed."""
        line = self.intent().time_line.model_copy(update={"work_date": CLOSED_DAY})
        return intent_of(line, PostingKind.TIME, day=CLOSED_DAY)

    @property
    def private(self) -> tuple[str, ...]:
        return ("Zebedee", "Quill", "zeb@firm.example")

    def altered(self, write: bytes) -> bytes:
        return write.replace(b'"seconds": 5400', b'"seconds": 5399')

    async def book(self, intent: PostingIntent) -> str:
        return self.put(intent)

    def put(self, intent: PostingIntent) -> str:
        """Write a document by hand; its name may not be taken."""
        data = paper_of(intent).data
        for name in ("documents", "outbox"):
            with (self.folder / name / f"{intent.reference}.json").open("xb") as file:
                file.write(data)
        return intent.reference

    async def book_for_somebody_else(self) -> str:
        name = f"invoice 2026-{next(self._foreign)}"
        (self.folder / "documents" / f"{name}.json").write_text('{"total": 100.0}')
        (self.folder / "documents" / f"{name}.pdf").write_bytes(b"%PDF")
        return name

    async def edit_note(self, document_id: str, note: str) -> None:
        path = self.folder / "documents" / f"{document_id}.json"
        value = json.loads(path.read_text())
        value["document"]["note"] = note
        path.write_text(json.dumps(value))

    async def lock(self, document_id: str) -> None:
        """Nobody bills in a folder."""

    async def held(self, reference: str) -> list[str]:
        return [path.stem for path in (self.folder / "documents").glob(f"{reference}.*")]

    def names_in(self, folder: str) -> list[str]:
        """The names of our documents in one of the folders."""
        return sorted(path.stem for path in (self.folder / folder).glob("L*.json"))

    def written(self, reference: str) -> dict[str, Any]:
        """A document as an import reads it: no number in it may be a binary float."""
        text = (self.folder / "outbox" / f"{reference}.json").read_text()
        value: dict[str, Any] = json.loads(text, parse_float=_no_float)
        return value


def _no_float(digits: str) -> None:
    pytest.fail(f"{digits} is a number, and no text")


def intent_of(
    body: PostingBody, kind: PostingKind, *, day: date = DAY, **given: Any
) -> PostingIntent:
    """A posting of anything."""
    key = uuid.uuid4()  # noqa: TID251  A test's own; nothing is ever sent again.
    content = {
        "key": key,
        "reference": reference_of(key),
        "target": "erp",
        "source": SourceLine(connection="psa", object="time_entry", id="1", revision=1),
        "kind": kind,
        "legal_entity": "DE01",
        "period": PeriodDecision(posting_date=day, period=f"{day:%Y-%m}", original_date=day),
        "dimensions": (Dimension(name="cost_centre", value="CC-100"),),
        "value": Money.zero("EUR"),
        "body": body,
    }
    return PostingIntent(**{**content, **given})
