"""A folder as the ERP of a pair: the firm's masters in files, a disk with faults, and its books."""

import asyncio
import csv
import errno
import json
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from connectors.base.capabilities import Connected, DraftKeeper
from connectors.base.errors import OutcomeUnknownError
from connectors.base.rate_budget import Unlimited
from connectors.flatfile.export import connect
from connectors.flatfile.export_shelf import Paper, Put, Shelf
from connectors.flatfile.options import FlatFileOptions
from sandbox.firm import Firm, Month
from sandbox.tryton.expense_seed import CLEARING_ACCOUNTS, EXPENSE_ACCOUNTS, INPUT_TAX_ACCOUNT
from tests.pairs.books import Bill, Books, Claim, Work, amounts

_TAXES: Final = {
    "VAT19-IN": "19",
    "VAT7-IN": "7",
    "VAT19-OUT": "19",
    "VAT0-OUT": "0",
    "EXEMPT-OUT": "0",
}
_COSTS: Final = frozenset({"expense", "tax_non_recoverable", "rounding"})
# A deadline for what is going wrong.
_ASLEEP_SECONDS_MAX: Final = 120
_CENT: Final = Decimal("0.01")
Row = Mapping[str, Any]


class Trouble(StrEnum):
    """What happens to the disk while documents are written."""

    LOST_ANSWER = "written, and nobody hears of it"
    SLOW_COMMIT = "written after a later attempt at the same documents"
    FULL = "no space left on the device"
    PARTIAL_BULK = "an error after the first of several documents"
    NOT_DELIVERED = "named, and not moved to the outbox"
    NOT_READ_BACK = "written, and not to be read"


class _StormyShelf(Shelf):
    """A shelf on a disk on which planned troubles strike, one call each."""

    def __init__(self, folder: Path, storm: "DiskStorm") -> None:
        super().__init__(folder)
        self._storm = storm
        self._now: Trouble | None = None
        self._named = 0

    def put_all(self, papers: Sequence[Paper], last_byte_by: float | None = None) -> Sequence[Put]:
        self._now, self._named = self._storm.next_for(papers), 0
        try:
            return self._put(papers, last_byte_by)
        finally:
            self._now = None

    def _put(self, papers: Sequence[Paper], last_byte_by: float | None) -> Sequence[Put]:
        if self._now is Trouble.SLOW_COMMIT:
            self._storm.under_way.append(papers)
            raise OutcomeUnknownError("no_clear_answer", "the share does not answer")
        outcomes = super().put_all(papers, last_byte_by)
        if self._now is Trouble.LOST_ANSWER:
            raise OutcomeUnknownError("no_clear_answer", "the share does not answer")
        if self._now is Trouble.NOT_READ_BACK:
            self._storm.blind.update(paper.reference for paper in papers)
        self._now = None
        for earlier in self._storm.overtaken_by(papers):
            super().put_all(earlier)
        return outcomes

    def _write(self, paper: Paper) -> Path:
        if self._now is Trouble.FULL:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super()._write(paper)

    def _name(self, path: Path, reference: str) -> None:
        self._named += 1
        if self._now is Trouble.PARTIAL_BULK and self._named > 1:
            raise OSError(errno.EIO, "Input/output error")
        super()._name(path, reference)
        self._storm.stand_still()

    def _move(self, path: Path, to: Path) -> None:
        if self._now is Trouble.NOT_DELIVERED:
            raise OSError(errno.EIO, "Input/output error")
        super()._move(path, to)

    def _bytes_of(self, path: Path) -> bytes:
        if path.stem in self._storm.blind:
            self._storm.blind.discard(path.stem)
            raise OSError(errno.EIO, "Input/output error")
        return super()._bytes_of(path)


class DiskStorm:
    """Which troubles are to come, and how often each came."""

    def __init__(self) -> None:
        self._deck: Final[deque[Trouble | None]] = deque()
        self._lock: Final = threading.Lock()
        self.under_way: Final[list[Sequence[Paper]]] = []
        self.blind: Final[set[str]] = set()
        self.fired: Final[Counter[Trouble]] = Counter()
        self._frozen: threading.Event | None = None
        self._asleep: threading.Event | None = None
        self.reached: Final = threading.Event()

    def deal(self, troubles: Iterable[Trouble], *, calm_between: int = 1) -> None:
        """Let troubles strike the next calls, with so many unharmed ones after each."""
        for one in troubles:
            self._deck.extend([one, *([None] * calm_between)])

    def next_for(self, papers: Sequence[Paper]) -> Trouble | None:
        """What happens to a call; a trouble with several documents waits for several."""
        with self._lock:
            if not self._deck:
                return None
            if self._deck[0] is Trouble.PARTIAL_BULK and len(papers) == 1:
                return None
            trouble = self._deck.popleft()
            if trouble is not None:
                self.fired[trouble] += 1
            return trouble

    def left(self) -> list[Trouble]:
        """What has not struck."""
        return [one for one in self._deck if one is not None]

    def overtaken_by(self, papers: Sequence[Paper]) -> list[Sequence[Paper]]:
        """The earlier attempts at any of these documents that are still under way."""
        named = {one.reference for one in papers}
        with self._lock:
            found = [some for some in self.under_way if named & {one.reference for one in some}]
            self.under_way[:] = [some for some in self.under_way if some not in found]
        return found

    def freeze_after_naming(self) -> None:
        """The next document gets its name, and whoever gave it stands still until `thaw`."""
        self._frozen = threading.Event()

    def stand_still(self) -> None:
        """Stand still, if somebody is to."""
        frozen, self._frozen = self._frozen, None
        if frozen is not None:
            self._asleep = frozen
            self.reached.set()
            frozen.wait(_ASLEEP_SECONDS_MAX)

    def thaw(self) -> None:
        """Let whoever stands still go on: a worker that everybody took for dead."""
        assert self._asleep is not None, "nobody stands still"
        self._asleep.set()

    async def stands_still(self) -> None:
        """Wait until somebody does."""
        assert await asyncio.to_thread(self.reached.wait, _ASLEEP_SECONDS_MAX)


class ExportSide:
    """A folder with the firm's masters that documents are written into."""

    system = "flatfile_export"
    entities = ("DE01", "US01")
    tax_codes: Mapping[str, str] = {code: code for code in _TAXES}

    def __init__(self, folder: Path, firm: Firm) -> None:
        self.folder: Final = folder
        self.firm: Final = firm
        self.storm: Final = DiskStorm()
        folder.mkdir()
        for name, rows in _masters(firm).items():
            _write_table(folder / f"{name}.csv", rows)

    def connect(self) -> Connected:
        """Connect anew."""
        options = FlatFileOptions(connection="erp", folder=str(self.folder))
        return connect(options, Unlimited(), _StormyShelf(self.folder, self.storm))

    async def strays_grow_old(self) -> None:
        """Let the sweep of strays see everything as old: a file's own times cannot be set back."""
        folder = self.connect()
        assert isinstance(folder, DraftKeeper)
        await folder.remove_stray_drafts(datetime.now(UTC))

    def books(self) -> Books:
        """What an import of everything in the outbox would have booked."""
        books = Books()
        for name in ("documents", "writing", "outbox"):
            (self.folder / name).mkdir(exist_ok=True)
        outbox = sorted((self.folder / "outbox").iterdir())
        kept = {path.name for path in (self.folder / "documents").iterdir()}
        books.troubles += [
            f"{name} is not in both folders" for name in kept ^ {path.name for path in outbox}
        ]
        books.troubles += [f"{one.name} is left" for one in (self.folder / "writing").iterdir()]
        worked: dict[Work, int] = defaultdict(int)
        for path in outbox:
            told = json.loads(path.read_text())
            match told["kind"], told["contract"]:
                case _, "time_line/v1":
                    line, seconds = _work(told["document"])
                    worked[line] += seconds
                case _, "expense_document/v1":
                    books.claims.append(_claim(told))
                case "invoice", "customer_invoice/v1":
                    books.bills.append(_bill(told["document"]))
                case kind:
                    books.troubles.append(f"{path.name} is {kind}")
        for line, seconds in worked.items():
            if seconds:
                books.work.append(
                    Work(line.person, line.project, line.task, line.day, seconds, line.note)
                )
        return books


def _work(line: Row) -> tuple[Work, int]:
    """What is worked on, and how long; what takes a line back is of as much less."""
    project, task = line["task"].split("/", 1)
    of = Work(
        person=line["employee"],
        project=project,
        task=task,
        day=date.fromisoformat(line["work_date"]),
        seconds=0,
        note=line["note"],
    )
    return of, int(line["seconds"])


def _claim(told: Row) -> Claim:
    document = told["document"]
    costs: dict[str, Decimal] = defaultdict(Decimal)
    taxes: dict[str, Decimal] = defaultdict(Decimal)
    passed_on: dict[str, Decimal] = defaultdict(Decimal)
    for line in document["lines"]:
        if line["role"] in _COSTS:
            costs[line["cost_centre"]] += Decimal(line["amount"])
        if line["role"] == "tax_recoverable":
            taxes[line["tax"].removesuffix("-IN")] += Decimal(line["amount"])
    for one in document["disbursements"]:
        passed_on[one["project"]] += Decimal(one["amount"])
    return Claim(
        report=document["report_number"],
        person=document["payee"],
        legal_entity=told["legal_entity"],
        currency=document["currency"],
        owed=sum((Decimal(line["amount"]) for line in document["lines"]), Decimal(0)),
        costs=amounts(costs),
        taxes=amounts(taxes),
        passed_on=amounts(passed_on),
        day=date.fromisoformat(document["document_date"]),
    )


def _bill(document: Row) -> Bill:
    net = total = Decimal(0)
    for line in document["lines"]:
        amount, rate = Decimal(line["amount"]), Decimal(line["tax_rate"])
        net += amount
        total += amount + (amount * rate / 100).quantize(_CENT, ROUND_HALF_UP)
    return Bill(
        engagement=document["engagement"],
        customer=document["customer"],
        net=net,
        total=total,
        currency=document["currency"],
        day=date.fromisoformat(document["invoice_date"]),
    )


def _masters(firm: Firm) -> Mapping[str, list[Row]]:
    entities = firm.legal_entities
    accounts = {**EXPENSE_ACCOUNTS, **CLEARING_ACCOUNTS, INPUT_TAX_ACCOUNT: "Input VAT"}
    projects = [one for one in firm.projects if one.known_to_erp]
    months = [Month(firm.month.before().year, 1)]
    while months[-1] <= firm.month.next():
        months.append(months[-1].next())
    return {
        "legal_entities": [
            {"code": one.code, "name": one.name, "currency": one.currency} for one in entities
        ],
        "periods": [
            {
                "legal_entity": entity.code,
                "name": month.name,
                "fiscal_year": month.year,
                "starts_on": month.first_day,
                "ends_on": month.last_day,
                "state": "closed" if month < firm.month else "open",
            }
            for entity in entities
            for month in months
        ],
        "customers": [{"code": one.code, "name": one.name} for one in firm.customers],
        "employees": [
            {
                "code": one.code,
                "name": one.name,
                "email": one.email,
                "legal_entity": one.legal_entity.code,
                "party": one.code,
                "cost_centre": one.cost_centre.code,
            }
            for one in firm.employees
        ],
        "projects": [
            {
                "code": one.code,
                "name": one.name,
                "legal_entity": one.legal_entity.code,
                "customer": one.customer.code,
            }
            for one in projects
        ],
        "tasks": [
            {"project": one.code, "name": task, "legal_entity": one.legal_entity.code}
            for one in projects
            for task in one.tasks
        ],
        "dimension_values": [
            {
                "dimension": "cost_centre",
                "code": centre.code,
                "name": centre.name,
                "legal_entity": entity.code,
            }
            for entity in entities
            for centre in firm.cost_centres
        ],
        "accounts": [
            {"legal_entity": entity.code, "code": code, "name": name}
            for entity in entities
            for code, name in accounts.items()
        ],
        "tax_codes": [
            {"legal_entity": entity.code, "code": code, "name": code, "rate": rate}
            for entity in entities
            for code, rate in _TAXES.items()
        ],
        "currencies": [{"code": one, "name": one} for one in ("EUR", "USD")],
    }


def _write_table(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
