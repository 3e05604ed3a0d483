"""Control totals of expenses: Concur's documents and the ERP's books are asked, to the cent.

Both sides are read without a connector and without our rules: what was approved comes out of the
documents' own journals and taxes, what was booked out of the ERP's invoice and tax lines.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from connectors.base.http import exact_json
from connectors.concur.simulated_state import CompanyState, SimulatedDocument
from sandbox.tryton.expense_desk import SupplierInvoice

# Where a document stands once the ERP has it.
CONFIRMED: Final = frozenset(
    {
        "POSTING_CONFIRMED_SUCCESS",
        "PAYMENT_CONFIRMED_SUCCESS",
        "PAYMENT_CONFIRMED_REVERSED",
        "PAYMENT_CONFIRMED_OBSOLETE",
    }
)
# The key of an amount: legal entity, currency, what it is, and the code of that.
Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class ExpenseTotals:
    """Amounts per legal entity, currency and tax code or cost centre, on both sides."""

    reports: int
    source: Mapping[Key, Decimal]
    erp: Mapping[Key, Decimal]
    duplicates: int

    @property
    def differences(self) -> list[str]:
        """Every key on which the sides differ, in words."""
        keys = sorted({*self.source, *self.erp})
        return [
            f"{' '.join(key)}: approved {self.source.get(key, 0)}, booked {self.erp.get(key, 0)}"
            for key in keys
            if self.source.get(key, Decimal(0)) != self.erp.get(key, Decimal(0))
        ]


def expense_totals(
    company: CompanyState,
    entity_of: Mapping[str, str],
    invoices: Iterable[SupplierInvoice],
    amended: Mapping[str, str] = MappingProxyType({}),
) -> ExpenseTotals:
    """Compare what Concur knows to be posted with what the ERP has booked.

    `entity_of` gives the legal entity of an employee, for advances, which name none; `amended` the
    cost centre that people decided on for another.
    """
    confirmed = [one for one in company.documents if one.state in CONFIRMED]
    booked = [one for one in invoices if one.posted]
    references = Counter(one.reference for one in booked)
    return ExpenseTotals(
        reports=len(confirmed),
        source=_sum(part for one in confirmed for part in _approved(one, entity_of, amended)),
        erp=_sum(part for one in booked for part in _booked(one)),
        duplicates=sum(count - 1 for count in references.values()),
    )


def _sum(parts: Iterable[tuple[Key, Decimal]]) -> dict[Key, Decimal]:
    total: dict[Key, Decimal] = {}
    for key, amount in parts:
        total[key] = total.get(key, Decimal(0)) + amount
    return {key: amount for key, amount in total.items() if amount}


def _approved(
    document: SimulatedDocument, entity_of: Mapping[str, str], amended: Mapping[str, str]
) -> Iterator[tuple[Key, Decimal]]:
    content: dict[str, Any] = exact_json(document.content)
    if document.kind == "cashadvance":
        entity = entity_of[content["employeeData"]["employeeId"]]
        data = content["cashAdvanceData"]
        yield (
            (entity, data["employeeCurrencyAlphaCode"], "owed", ""),
            Decimal(data["requestAmount"]),
        )
        return
    currency = content["report"]["employeeCurrencyAlphaCode"]
    # What is returned of an advance stands among what is applied, and pays for no cost.
    owed = Decimal(content["report"]["cashAdvanceReturnsAmount"]) + sum(
        (Decimal(one["cashAdvanceApplicationAmount"])
         for one in content["cashAdvanceApplication"]),
        Decimal(0),
    )  # fmt: skip
    for entry in content["expenseEntry"]:
        for allocation in entry["allocation"]:
            entity = allocation["allocationCustom2Code"]
            rows = [row for row in allocation["journal"] if row["journalPayer"] == "COMP"]
            gross = sum((Decimal(row["amountGross"]) for row in rows), Decimal(0))
            owed += sum(
                (Decimal(row["amountGross"]) for row in rows if row["journalPayee"] == "EMPL"),
                Decimal(0),
            )
            if entry["entryIsPersonal"] == "Y":
                continue
            reclaimed = Decimal(0)
            for tax in allocation["tax"]:
                amount = Decimal(tax["amountReclaim"])
                reclaimed += amount
                yield (entity, currency, "tax", f"{tax['taxReclaimCode']}-IN"), amount
            centre = allocation["allocationCustom4Code"]
            booked_on = amended.get(centre, centre)
            yield (entity, currency, "cost centre", booked_on), gross - reclaimed
    yield (content["report"]["reportOrgUnit2Code"], currency, "owed", ""), owed


def _booked(invoice: SupplierInvoice) -> Iterator[tuple[Key, Decimal]]:
    where = invoice.legal_entity, invoice.currency
    for tax in invoice.taxes:
        yield (*where, "tax", tax.code), tax.amount
    for centre, amount in invoice.cost_centres.items():
        yield (*where, "cost centre", centre), amount
    yield (*where, "owed", ""), invoice.total
