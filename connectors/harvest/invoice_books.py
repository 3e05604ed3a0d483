"""Harvest's clients and invoices as one telling sees them: read when needed, kept up to date."""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Final, TypeVar

from canonical.text import same_code
from connectors.base.errors import ConnectionConfigError, RejectedError
from connectors.base.pagination import Pages
from connectors.base.records import RawRecord, parsed
from connectors.harvest import wire
from connectors.harvest.client import GONE, HarvestClient, Page
from connectors.harvest.invoice_wire import Invoice, Payment
from connectors.harvest.master_mapping import customer_code

W = TypeVar("W", bound=wire.Wire)


class InvoiceBooks:
    """One read for all clients, and one for each client's invoices, however many steps follow.

    Made for one telling and thrown away: what people do in Harvest meanwhile is seen next time.
    """

    def __init__(self, client: HarvestClient, customer_code: re.Pattern[str]) -> None:
        self._client: Final = client
        self._customer_code: Final = customer_code
        self._clients: dict[str, list[wire.Client]] | None = None
        self._invoices: dict[int, dict[str, Invoice]] = {}

    async def client_of(self, customer: str) -> int:
        """The client whose code this is among the masters; raises RejectedError if none is."""
        if self._clients is None:
            found = defaultdict(list)
            for each in _readable(await self._all("/clients", "clients"), wire.Client):
                found[customer_code(each, self._customer_code)].append(each)
            self._clients = dict(found)
        named = self._clients.get(same_code(customer), [])
        chosen = [each for each in named if each.is_active] or named
        if len(chosen) != 1:
            raise RejectedError("ambiguous_customer" if chosen else "unknown_customer")
        return chosen[0].id

    async def find(self, client: int, number: str) -> Invoice | None:
        """The client's invoice of this number, if it has one."""
        if client not in self._invoices:
            listed = await self._all("/invoices", "invoices", client_id=str(client))
            self._invoices[client] = {one.number: one for one in _readable(listed, Invoice)}
        return self._invoices[client].get(number)

    async def known(self, client: int, number: str) -> Invoice:
        """The client's invoice of this number; raises RejectedError if it has none."""
        found = await self.find(client, number)
        if found is None:
            raise RejectedError("unknown_invoice")
        return found

    def keep(self, invoice: Invoice) -> None:
        """Remember how an invoice is after a write of ours."""
        if invoice.client.id in self._invoices:
            self._invoices[invoice.client.id][invoice.number] = invoice

    async def payments(self, invoice: Invoice) -> list[Payment]:
        """The payments of an invoice, the latest recorded first; never from memory."""
        try:
            listed = await self._all(f"/invoices/{invoice.id}/payments", "invoice_payments")
        except ConnectionConfigError as error:
            if error.code == GONE:  # The address is right, so the invoice was deleted just now.
                raise RejectedError("unknown_invoice") from error
            raise
        return _readable(listed, Payment)

    async def _all(self, path: str, member: str, **filters: str) -> list[RawRecord]:
        async def fetch(url: str) -> tuple[Page, str | None]:
            page = await self._client.page(url, member)
            return page, page.next

        pages = Pages(self._client.first(path, **filters), fetch)
        return [record async for page in pages for record in page.records]


def _readable(records: Iterable[RawRecord], kind: type[W]) -> list[W]:
    """What can be read: a record that cannot is no reason to say nothing of the others."""
    found = (parsed(record, kind) for record in records)
    return [each for each in found if not isinstance(each, str)]
