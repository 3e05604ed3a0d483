"""A folder that tests put files into, and the connector that reads it."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from canonical.contracts import (
    Acceptance,
    ContractRecord,
    Engagement,
    ErpScheduleLine,
    PurchaseOrder,
    RateCard,
)
from connectors.base.capabilities import InvoiceStep, SourcePage, SourceRecord
from connectors.base.rate_budget import RateBudget
from connectors.conformance.contract_source import CONNECTION, Agreed
from connectors.conformance.http_contract import Tokens
from connectors.conformance.invoice_status import ShownInvoice
from connectors.flatfile import FlatFile, FlatFileOptions, connect
from connectors.flatfile.writing import (
    engagements_as_json,
    engagements_as_tables,
    milestones_as_tables,
    purchase_orders_as_table,
    rate_cards_as_table,
)

Found = list[SourceRecord[ContractRecord]]


def connected(folder: Path, **options: Any) -> FlatFile:
    """The connector of a folder."""
    return connect(FlatFileOptions(CONNECTION, str(folder), **options), Tokens())


async def all_of(pages: AsyncIterator[SourcePage[ContractRecord]]) -> Found:
    """The records of all pages."""
    return [record async for page in pages for record in page.records]


async def records_in(folder: Path, **options: Any) -> Found:
    """All that a folder says, contracts first and then milestones."""
    source = connected(folder, **options)
    return [*await all_of(source.contracts()), *await all_of(source.milestones())]


class DropWorld:
    """One drop, in one of the two forms that engagements may have."""

    page_size = 3
    customer = "CUST-001"
    shows_credits = True

    def __init__(self, folder: Path, *, as_json: bool = False) -> None:
        self.folder = folder
        self._as_json = as_json
        folder.mkdir()
        self.agree()

    def connect(self, **options: Any) -> FlatFile:
        """A connector that has read nothing yet."""
        return connected(self.folder, **{"page_size": self.page_size, **options})

    def put(self, name: str, *lines: str) -> None:
        """Put a file there, whole."""
        (self.folder / name).write_text("".join(f"{line}\n" for line in lines))

    def add(self, name: str, line: str) -> None:
        """Add a line to a file."""
        with (self.folder / name).open("a") as file:
            file.write(f"{line}\n")

    async def records(self, **options: Any) -> Found:
        """All that it says."""
        return await records_in(self.folder, **options)

    async def troubles(self, **options: Any) -> list[tuple[str | None, str]]:
        """What cannot be read: whose it is, and what is said of it."""
        found = await self.records(**options)
        return [(each.source_id, each.trouble) for each in found if each.trouble]

    def agree(self, *records: Agreed) -> None:
        """Write these and nothing else, in place of what was there."""
        agreed = [one for one in records if isinstance(one, Engagement)]
        as_tables = engagements_as_tables([] if self._as_json else agreed)
        files = {
            **as_tables,
            **rate_cards_as_table([one for one in records if isinstance(one, RateCard)]),
            **purchase_orders_as_table([one for one in records if isinstance(one, PurchaseOrder)]),
            **milestones_as_tables(
                [one for one in records if isinstance(one, Acceptance)],
                [one for one in records if isinstance(one, ErpScheduleLine)],
            ),
        }
        (self.folder / "engagements.jsonl").unlink(missing_ok=True)
        if self._as_json and agreed:
            files |= engagements_as_json(agreed)
        for name, text in files.items():
            (self.folder / name).write_bytes(text.encode())

    def add_unreadable(self, private: str) -> None:
        """Add an engagement whose customer's country is no country."""
        if self._as_json:
            self.add("engagements.jsonl", json.dumps({"id": "BAD", "customer_tax": private}))
        else:
            self.add("engagements.csv", f"BAD,BAD,{private},DE01,CUST-1,{private},{private}")

    def break_down(self) -> None:
        """Take the whole folder away, as a share that is not mounted."""
        if self.folder.exists():
            self.folder.rename(self._away)

    def mend(self) -> None:
        """Bring it back."""
        self._away.rename(self.folder)

    @property
    def _away(self) -> Path:
        return self.folder.with_name(f"{self.folder.name} away")

    def invoice_sink(
        self, budget: RateBudget | None = None, *, secret: str | None = None
    ) -> FlatFile:
        """A connector that has written nothing yet."""
        return self.connect()

    def told(self) -> list[dict[str, Any]]:
        """What stands in the file of statuses, line by line."""
        path = self.folder / "invoice_status.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def shown_invoices(self) -> Sequence[ShownInvoice]:
        """What somebody who reads that file makes of it."""
        shown: dict[str, ShownInvoice] = {}
        twice: list[ShownInvoice] = []
        credit_notes: set[str] = set()
        for each in self.told():
            moved = Decimal(each["amount"]["amount"]) if each["amount"] else Decimal(0)
            total = Decimal((each["total"] or each["net"])["amount"])
            number = each["number"]
            if number in credit_notes:
                continue  # A credit note is settled with its invoice, which is no payment.
            match InvoiceStep(each["step"]):
                case InvoiceStep.ISSUED if number in shown:
                    twice.append(shown[number])
                case InvoiceStep.ISSUED:
                    shown[number] = ShownInvoice(number, issued=True, total=total)
                case InvoiceStep.CREDITED:
                    credit_notes.add(number)
                    of = shown[each["credits"]]
                    shown[of.number] = replace(of, credited=of.credited - total)
                case InvoiceStep.PARTLY_PAID:
                    shown[number] = replace(shown[number], paid=shown[number].paid + moved)
                case InvoiceStep.PAID:
                    shown[number] = replace(shown[number], paid=moved)
                case InvoiceStep.PAYMENT_REVERSED:
                    shown[number] = replace(shown[number], paid=shown[number].paid - moved)
        return [*shown.values(), *twice]
