"""SAP's published documents with their posting records, and our lines in the same form."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from canonical.expense import ExpenseReport
from canonical.money import Money
from connectors.concur.mapping import source_records
from connectors.concur.reading import Reading
from rules.expense_lines import ExpensePosting
from rules.expense_policy import ExpensePolicy
from rules.expense_posting import post_report
from rules.expense_record import posting_record

FILE: Final = Path(__file__).with_name("fis-v4.golden-cases.json")
COST: Final = "a cost"
_AMOUNT: Final = re.compile(
    r"(?:(?P<c1>[A-Z]{3}) )?(?P<n>[0-9]+(?:\.[0-9]+)?)(?: (?P<c2>[A-Z]{3}))?"
)
# The names that the use cases give to payees, taxes and advances, in all their spellings.
_NAMES: Final = (
    "Employee Vendor",
    "Credit Card Vendor",
    "Credit Card Clearing",
    "Cash Advance Clearing Account",
    "Non-deductible VAT Expense",
    "VAT",
    "Tax Type 1",
    "Tax Type 2",
)
PERSONAL: Final = "Employee Vendor (personal expense)"


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """One row of a posting record; `amount` is below nothing on the credit side."""

    label: str
    amount: Decimal
    currency: str

    @property
    def turned(self) -> "Row":
        """The same on the other side."""
        return Row(self.label, -self.amount, self.currency)


@dataclass(frozen=True, slots=True)
class Case:
    """One document with SAP's record of it."""

    file: str
    usable: str
    section: str
    page: bytes
    record: tuple[Row, ...]
    # The accounts as the use case writes them, asterisks included.
    accounts: tuple[str, ...]

    @property
    def id(self) -> str:
        """The example's number, and what tells two of one number apart."""
        number = self.file.partition("-Example-")[2].removesuffix(".json")
        kind = "advance" if "CashAdvanceID" in self.file else "report"
        return f"{number}-{kind}"

    @property
    def exact(self) -> bool:
        """Whether document and record agree to the cent."""
        return self.usable == "exact"


def amount_of(text: str) -> Money:
    """Read an amount in either spelling, `USD 250` or `25 USD`."""
    found = _AMOUNT.fullmatch(text)
    assert found is not None, text
    assert (found["c1"] is None) != (found["c2"] is None), text
    return Money.rounded(Decimal(found["n"]), found["c1"] or found["c2"])


def name_of(account: str) -> str:
    """Bring an account of a record to one spelling; costs are named after their item."""
    plain = account.strip("* ")
    if plain == PERSONAL:
        return PERSONAL
    base = plain.partition(" (")[0]
    for name in _NAMES:
        if base in {name, f"{name} Account"}:
            return name
    return COST if base == "Expense" else base


@cache
def cases() -> tuple[Case, ...]:
    """All cases; a duplicate has the document of its original."""
    loaded: list[dict[str, Any]] = json.loads(FILE.read_text())["cases"]
    documents = {one["file"]: one["document"] for one in loaded}
    return tuple(
        Case(
            file=one["file"],
            usable=one["usable"],
            section=one["section"],
            page=json.dumps(one["document"] or documents[one["duplicate_of"]]).encode(),
            record=tuple(_row(row) for row in one["posting_record"]),
            accounts=tuple(row["account"] for row in one["posting_record"]),
        )
        for one in loaded
    )


def case(case_id: str) -> Case:
    """The case of this id."""
    return next(one for one in cases() if one.id == case_id)


def _row(row: Mapping[str, str | None]) -> Row:
    text = row["debit"] or row["credit"]
    assert text is not None
    money = amount_of(text)
    sign = 1 if row["debit"] else -1
    assert row["account"] is not None
    return Row(name_of(row["account"]), sign * money.amount, money.currency)


def report_in(one: Case) -> ExpenseReport:
    """The one report of a case's page."""
    (record,) = source_records(one.page, Reading("concur"))
    assert record.record is not None, record.trouble
    return record.record


def posting_of(one: Case, policy: ExpensePolicy | None = None) -> ExpensePosting:
    """What we would post for a case."""
    return post_report(report_in(one), policy or ExpensePolicy())


def our_rows(posting: ExpensePosting) -> tuple[Row, ...]:
    """Our posting record in the same form."""
    return tuple(
        Row(row.label, row.amount.amount, row.amount.currency) for row in posting_record(posting)
    )


def summed(rows: Iterable[Row], names: Sequence[str] = _NAMES) -> list[Row]:
    """Sum the rows of each payee, as SAP's records do or do not; sorted."""
    totals: dict[tuple[str, str], Decimal] = {}
    others: list[Row] = []
    for row in rows:
        if row.label in names:
            key = (row.label, row.currency)
            totals[key] = totals.get(key, Decimal(0)) + row.amount
        else:
            others.append(row)
    payees = [Row(label, amount, unit) for (label, unit), amount in totals.items() if amount]
    return sorted([*others, *payees])


def named_alike(ours: Sequence[Row], record: Sequence[Row]) -> list[Row]:
    """Call our costs `a cost` where the record does not name the item."""
    unnamed = [row.amount for row in record if row.label == COST]
    renamed: list[Row] = []
    for row in ours:
        if row.amount in unnamed and row.label not in _NAMES:
            unnamed.remove(row.amount)
            renamed.append(Row(COST, row.amount, row.currency))
        else:
            renamed.append(row)
    return renamed
