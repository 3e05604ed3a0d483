"""Reconciliation of one month: source, ledger and ERP are each asked, and compared line by line."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from activities.patience import patiently
from canonical.masters import LegalEntity
from canonical.posting import PostedDocument, TimeLine
from cli.exits import CommandError
from connectors.base.capabilities import PostingTarget, TimeEntrySource
from connectors.base.errors import ConnectorError
from runtime.bootstrap import Platform
from store import masters, reports
from store.reports import PostedLine, SourceTotal


@dataclass(frozen=True, slots=True)
class ControlTotal:
    """What one side says about one legal entity: count, time, and the sum of all keys' hashes."""

    legal_entity: str
    lines: int
    seconds: int
    # Two sides with equal sums hold the same references.
    checksum: int

    @classmethod
    def of(cls, legal_entity: str, lines: Iterable[tuple[str, int]]) -> "ControlTotal":
        """Add up lines of (reference, seconds)."""
        listed = list(lines)
        checksum = checksum_of(reference for reference, _ in listed)
        return cls(legal_entity, len(listed), sum(seconds for _, seconds in listed), checksum)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What the three sides say, and every line on which they differ."""

    ledger: list[ControlTotal]
    erp: list[ControlTotal]
    approved: list[SourceTotal]
    problems: list[str]

    @property
    def agree(self) -> bool:
        """All sides say the same."""
        return self.ledger == self.erp and not self.problems

    def rows(self) -> Iterator[tuple[str, ControlTotal]]:
        """Totals for a table, ledger and ERP side by side."""
        sides = [("ledger", one) for one in self.ledger] + [("ERP", one) for one in self.erp]
        yield from sorted(sides, key=lambda row: (row[1].legal_entity, row[0]))

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {**asdict(self), "agree": self.agree}


async def reconciliation(opened: Platform, source: str, period: str) -> Reconciliation:
    """Ask all three; raises CommandError if the period is no month."""
    first, last = month_named(period)
    target = opened.configuration.connections[source].posts_to
    assert target is not None
    async with opened.database.transaction() as connection:
        posted = await reports.posted_lines(connection, source, target, first, last)
        known = await reports.approved_ids(connection, source, first, last)
        approved = await reports.source_totals(connection, source, first, last)
        others = await reports.references_of_others(connection, source, target)
        entities = (await masters.masters_of(connection, target)).legal_entities
    found = await booked_by_entity(opened, target, entities, first, last)
    booked = {
        code: [one for one in lines if _is_time(one) and one.reference not in others]
        for code, lines in found.items()
    }
    with asking(source):
        at_source = await _approved_at_source(opened, source, first, last)
    return Reconciliation(
        ledger=_ledger_totals(posted, booked),
        erp=[
            ControlTotal.of(code, [(one.reference, one.time_line.seconds) for one in found])
            for code, found in sorted(booked.items())
        ],
        approved=approved,
        problems=[
            *_between_ledger_and_erp(posted, booked),
            *_between_source_and_ledger(at_source, known, source),
        ],
    )


@contextmanager
def asking(connection: str) -> Iterator[None]:
    """Say which system it is that cannot be asked."""
    try:
        yield
    except ConnectorError as error:
        raise CommandError(f"{connection} cannot be asked: {error.code}") from error


async def booked_by_entity(
    opened: Platform, target: str, entities: Iterable[LegalEntity], first: date, last: date
) -> dict[str, list[PostedDocument]]:
    """All documents of ours that an ERP holds in a window, by the code of the legal entity."""
    booked: dict[str, list[PostedDocument]] = {}
    with asking(target):
        erp = opened.connections.filling(target, PostingTarget)
        for one in entities:
            pages = patiently(erp.documents_between(one.id, first, last))
            booked[one.code] = [document async for page in pages for document in page]
    return booked


def _is_time(document: PostedDocument) -> bool:
    return isinstance(document.body, TimeLine)


async def _approved_at_source(opened: Platform, source: str, first: date, last: date) -> set[str]:
    entries = opened.connections.filling(source, TimeEntrySource)
    pages = patiently(entries.time_entries_between(first, last))
    return {
        record.source_id
        async for page in pages
        for record in page.records
        if record.source_id is not None and record.record is not None and record.record.approval
    }


def _ledger_totals(
    posted: list[PostedLine], booked: Mapping[str, list[PostedDocument]]
) -> list[ControlTotal]:
    by_entity: dict[str, list[tuple[str, int]]] = defaultdict(list, {code: [] for code in booked})
    for line in posted:
        by_entity[line.legal_entity].append((line.reference, line.seconds))
    return [ControlTotal.of(code, lines) for code, lines in sorted(by_entity.items())]


def _between_ledger_and_erp(
    posted: list[PostedLine], booked: Mapping[str, list[PostedDocument]]
) -> Iterator[str]:
    documents: dict[str, list[PostedDocument]] = defaultdict(list)
    for found in booked.values():
        for document in found:
            documents[document.reference].append(document)
    for line in posted:
        mine = documents.pop(line.reference, [])
        if not mine:
            yield f"{line.reference} (entry {line.source_id}) is posted here and not in the ERP"
        elif len(mine) > 1:
            yield f"{line.reference} (entry {line.source_id}) stands {len(mine)} times in the ERP"
        elif mine[0].time_line.seconds != line.seconds:
            yield (
                f"{line.reference} (entry {line.source_id}): {line.seconds} s here, "
                f"{mine[0].time_line.seconds} s in the ERP"
            )
    for reference, mine in documents.items():
        yield f"{reference} is in the ERP (document {mine[0].document_id}) and not posted here"


def _between_source_and_ledger(at_source: set[str], known: set[str], source: str) -> Iterator[str]:
    for source_id in sorted(at_source - known):
        yield f"entry {source_id} is approved in {source} and not known here: run a backfill"
    for source_id in sorted(known - at_source):
        yield f"entry {source_id} is approved here and no longer in {source}: run a backfill"


def month_named(period: str) -> tuple[date, date]:
    """The first and last day of a month such as 2026-10; CommandError if it is none."""
    try:
        first = date.fromisoformat(f"{period}-01")
    except ValueError as error:
        raise CommandError(f"'{period}' is no month; write it like 2026-10") from error
    after = (first + timedelta(days=32)).replace(day=1)
    return first, after - timedelta(days=1)


def checksum_of(references: Iterable[str]) -> int:
    """A sum that is equal where the same references are."""
    return sum(
        int.from_bytes(hashlib.sha256(reference.encode()).digest()[:6]) for reference in references
    )
