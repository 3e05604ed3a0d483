"""Reconciliation of one month of expenses: ledger and ERP are asked, and compared by document.

A source of reports lists what waits to be claimed and forgets what it gave over, so its side is
what it was claimed with: every approved report, by where it stands.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from canonical.expense_document import ExpenseDocument
from canonical.posting import PostedDocument
from cli.reconciliation import booked_by_entity, checksum_of, month_named
from runtime.bootstrap import Platform
from store import masters, reports
from store.reports import PostedReport, SourceTotal


@dataclass(frozen=True, slots=True)
class AmountTotal:
    """What one side says of one legal entity and currency; two equal sums hold the same."""

    legal_entity: str
    currency: str
    documents: int
    # What employees are owed by these documents.
    amount: Decimal
    checksum: int


@dataclass(frozen=True, slots=True)
class ExpenseReconciliation:
    """What both sides say, and every document on which they differ."""

    ledger: list[AmountTotal]
    erp: list[AmountTotal]
    approved: list[SourceTotal]
    problems: list[str]

    @property
    def agree(self) -> bool:
        """Both sides say the same."""
        return self.ledger == self.erp and not self.problems

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {**asdict(self), "agree": self.agree}


@dataclass(frozen=True, slots=True)
class _Booked:
    """A document as the ERP shows it; what reverses another is shown as what it reverses."""

    legal_entity: str
    document: PostedDocument
    sign: int

    @property
    def reference(self) -> str:
        return self.document.reference

    @property
    def currency(self) -> str:
        return self.document.expense_document.currency

    @property
    def owed(self) -> Decimal:
        return self.sign * self.document.expense_document.payable.amount


async def expense_reconciliation(
    opened: Platform, source: str, period: str
) -> ExpenseReconciliation:
    """Ask ledger and ERP; raises CommandError if the period is no month."""
    first, last = month_named(period)
    target = opened.configuration.connections[source].posts_to
    assert target is not None
    async with opened.database.transaction() as connection:
        posted = await reports.posted_reports(connection, source, target, first, last)
        others = await reports.references_of_others(connection, source, target)
        reversing = await reports.reversing_references(connection, source, target)
        approved = await reports.source_totals(connection, source, first, last)
        entities = (await masters.masters_of(connection, target)).legal_entities
    found = await booked_by_entity(opened, target, entities, first, last)
    booked = [
        _Booked(code, one, -1 if one.reference in reversing else 1)
        for code, documents in found.items()
        for one in documents
        # Another source's documents are for that one's reconciliation.
        if isinstance(one.body, ExpenseDocument) and one.reference not in others
    ]
    return ExpenseReconciliation(
        ledger=_totals((one.legal_entity, one.currency, one.reference, one.owed) for one in posted),
        erp=_totals((one.legal_entity, one.currency, one.reference, one.owed) for one in booked),
        approved=approved,
        problems=list(_differences(posted, booked)),
    )


def _totals(rows: Iterable[tuple[str, str, str, Decimal]]) -> list[AmountTotal]:
    grouped: dict[tuple[str, str], list[tuple[str, Decimal]]] = defaultdict(list)
    for entity, currency, reference, amount in rows:
        grouped[entity, currency].append((reference, amount))
    return [
        AmountTotal(
            entity,
            currency,
            len(found),
            sum((amount for _, amount in found), Decimal(0)),
            checksum_of(reference for reference, _ in found),
        )
        for (entity, currency), found in sorted(grouped.items())
    ]


def _differences(posted: Sequence[PostedReport], booked: Sequence[_Booked]) -> Iterator[str]:
    documents: dict[str, list[_Booked]] = defaultdict(list)
    for document in booked:
        documents[document.reference].append(document)
    for one in posted:
        called = f"{one.reference} (report {one.source_id})"
        mine = documents.pop(one.reference, [])
        if not mine:
            yield f"{called} is posted here and not in the ERP"
        elif len(mine) > 1:
            yield f"{called} stands {len(mine)} times in the ERP"
        elif mine[0].owed != one.owed:
            yield f"{called}: {one.owed} {one.currency} here, {mine[0].owed} in the ERP"
    for reference, mine in documents.items():
        yield f"{reference} is in the ERP (document {mine[0].document.document_id}), not here"
