"""How far documents are paid, as far as the API v2.0 says: it names no single payment."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from canonical.exact import round_to
from canonical.expense_document import DocumentPayments
from canonical.money import Money, minor_units
from connectors.base.errors import TransientError
from connectors.base.records import RawRecord
from connectors.business_central.client import Client
from connectors.business_central.families import (
    FAMILIES,
    PURCHASE_CREDIT,
    PURCHASE_INVOICE,
    SALES_CREDIT,
    SALES_INVOICE,
    Family,
)
from connectors.business_central.ids import DocumentId, any_of, company_path, document_id_of
from connectors.business_central.papers import Paper, paper_from

_NAMED_MAX: Final = 50
_CREDITS: Final = {PURCHASE_INVOICE: PURCHASE_CREDIT, SALES_INVOICE: SALES_CREDIT}


async def payments_of(client: Client, document_ids: Sequence[str]) -> list[DocumentPayments]:
    """Read the payments of documents, some fifty to a call; one that is gone is left out."""
    groups: dict[tuple[str, str], list[DocumentId]] = {}
    for one in map(document_id_of, document_ids):
        groups.setdefault((one.company, one.entity), []).append(one)
    found: list[DocumentPayments] = []
    for (company, entity), ids in groups.items():
        if entity not in FAMILIES:
            continue
        for start in range(0, len(ids), _NAMED_MAX):
            some = [one.id for one in ids[start : start + _NAMED_MAX]]
            found += await _some(client, company, FAMILIES[entity], some)
    return found


async def _some(
    client: Client, company: str, family: Family, ids: Sequence[str]
) -> list[DocumentPayments]:
    papers = await _papers(client, company, family, any_of("id", list(ids)))
    credited: dict[str, Decimal] = {}
    if family in _CREDITS:
        memo = _CREDITS[family]
        path = f"{company_path(company)}/{memo.entity}"
        for record in await client.all_of(path, {"$filter": any_of("invoiceId", list(ids))}):
            paper, invoice = _paper(company, memo, record), str(record.value.get("invoiceId"))
            if paper.booked:
                credited[invoice.lower()] = credited.get(invoice.lower(), Decimal(0)) + paper.total
    return [_payments(paper, credited.get(paper.id, Decimal(0))) for paper in papers]


async def _papers(client: Client, company: str, family: Family, which: str) -> list[Paper]:
    path = f"{company_path(company)}/{family.entity}"
    records = await client.all_of(path, {"$filter": which})
    return [_paper(company, family, record) for record in records]


def _paper(company: str, family: Family, record: RawRecord) -> Paper:
    try:
        return paper_from(company, family, record.value)
    except ValueError as error:
        raise TransientError("answer_not_understood", str(error)) from None


def _payments(paper: Paper, by_memos: Decimal) -> DocumentPayments:
    """Of a purchase the API tells only whether it is open or paid, never how much is left."""
    sign = 1 if paper.family in _CREDITS else -1
    paid = paper.status == "Paid"
    left = paper.remaining if paper.remaining is not None else Decimal(0 if paid else paper.total)
    if paper.remaining is None and not paid:
        left = max(Decimal(0), paper.total - by_memos)
    settled = paper.total - left
    return DocumentPayments(
        document_id=str(paper.where),
        number=paper.number or paper.id,
        standing=paper.booked and paper.status != "Canceled",
        due_on=paper.due_date,
        total=Money.rounded(sign * paper.total, paper.currency),
        open=Money.rounded(sign * left, paper.currency),
        credited=round_to(sign * min(by_memos, settled), minor_units(paper.currency)),
    )
