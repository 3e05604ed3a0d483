"""Harvest as a source of time: its entries, its masters, and what became of work and invoices."""

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date, datetime
from typing import Final

import httpx

from canonical.masters import Masters
from canonical.time_entry import TimeEntry
from connectors.base.capabilities import (
    Acknowledged,
    Acknowledgement,
    GuardEvidence,
    InvoiceNews,
    SourcePage,
)
from connectors.base.errors import (
    ConnectionConfigError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.manifest import Manifest
from connectors.base.master_writes import (
    MasterAnswer,
    MasterChanges,
    MasterLook,
    MasterQuery,
    MasterWrite,
)
from connectors.base.pagination import Pages
from connectors.base.rate_budget import RateBudget
from connectors.base.records import parsed
from connectors.harvest import mapping, wire
from connectors.harvest.client import HarvestClient, HarvestOptions, Page
from connectors.harvest.invoice_telling import InvoiceTelling
from connectors.harvest.manifest import MANIFEST
from connectors.harvest.master_reading import MasterReading
from connectors.harvest.master_writing import MasterWriting


class Harvest:
    """A source of time, masters in both directions and both sinks, for one Harvest account."""

    def __init__(self, options: HarvestOptions, client: HarvestClient) -> None:
        self._connection: Final = options.connection
        self._account: Final = options.account_id
        self._client: Final = client
        self._masters: Final = MasterReading(client, options)
        self._writing: Final = MasterWriting(client, self._masters, options)
        self._invoices: Final = InvoiceTelling(
            client, re.compile(options.customer_code_pattern), options.invoice_item_kind
        )
        self._currencies: dict[int, str | None] = {}

    @property
    def manifest(self) -> Manifest:
        return MANIFEST

    async def close(self) -> None:
        await self._client.close()

    async def check(self) -> str:
        """Name the account; says so if nothing in it can ever be approved."""
        company = await self._client.company()
        if company.is_active is False:
            raise ConnectionConfigError("account_archived")
        said = f"Harvest account {self._account} ({company.full_domain or 'no domain'})"
        if company.approval_feature is False:
            said += "; its timesheet approval is switched off, so nothing will be approved"
        return said

    def time_entries_changed_since(self, since: datetime) -> AsyncIterator[SourcePage[TimeEntry]]:
        """Page through changed entries, ordered by work date and not by change.

        So the cursor may move only after the last page. After TransientError the iterator keeps
        its place: wait, and ask it for the next page again.
        """
        return self._pages(self._client.changed_since(since), _Watch(absence_matters=False))

    def time_entries_between(self, first: date, last: date) -> AsyncIterator[SourcePage[TimeEntry]]:
        """Page through a window, complete or TransientError: absence here means deletion."""
        return self._pages(self._client.between(first, last), _Watch(absence_matters=True))

    def _pages(self, first: str, watch: "_Watch") -> AsyncIterator[SourcePage[TimeEntry]]:
        async def fetch(url: str) -> tuple[SourcePage[TimeEntry], str | None]:
            page = await self._client.page(url, "time_entries")
            entries = [parsed(record, wire.TimeEntry) for record in page.records]
            await self._learn_currencies(entries)
            watch.over(page)
            records = tuple(
                mapping.source_record(record, entry, self._connection, self._currencies)
                for record, entry in zip(page.records, entries, strict=True)
            )
            return SourcePage(records, page.total), page.next

        return Pages(first, fetch)

    async def _learn_currencies(self, entries: Iterable[wire.TimeEntry | str]) -> None:
        """Read the clients once more if an entry with a rate names one that we have not seen."""
        rated = {
            entry.client.id
            for entry in entries
            if not isinstance(entry, str) and entry.client and entry.billable_rate is not None
        }
        if rated <= self._currencies.keys():
            return
        found = mapping.currencies_of(await self._client.all("/clients", "clients"))
        # Whom Harvest does not list, it is not asked for again on every page.
        self._currencies = dict.fromkeys(rated) | self._currencies | found

    async def masters(self) -> Masters:
        """Read users, clients, projects, tasks and what may be booked where, in bulk."""
        masters, clients = await self._masters.everything()
        self._currencies = mapping.currencies_of(clients)
        return masters

    async def masters_changed_since(self, since: datetime) -> MasterChanges:
        """Read what changed, and everything once a day: only so is a deletion seen."""
        return await self._masters.changed_since(since)

    async def find_masters(self, queries: Sequence[MasterQuery]) -> MasterLook:
        """Look through the whole list of each kind; no evidence is needed."""
        return await self._masters.find(queries)

    async def write_masters(
        self,
        writes: Sequence[MasterWrite],
        evidence: GuardEvidence,  # noqa: ARG002  Harvest compares nothing.
    ) -> Sequence[MasterAnswer]:
        """Make or change clients, projects, users or tasks of projects, one call or two each."""
        return await self._writing.write(writes)

    async def acknowledge(
        self, acknowledgements: Sequence[Acknowledgement]
    ) -> Sequence[Acknowledged]:
        """Write our references into Harvest, one call each, as long as budget and answers last.

        A refusal is final. After trouble the rest waits, the line that met it included: the same
        reference may be written twice. Raises ConnectionConfigError if that is all there is to say.
        """
        told: list[Acknowledged] = []
        for line in acknowledgements:
            try:
                kept = await self._client.refer(line.source_id, mapping.reference_of(line))
            except RejectedError as refusal:
                told.append(Acknowledged(line.source_id, accepted=False, code=refusal.code))
            except (TransientError, OutcomeUnknownError):
                break
            except ConnectionConfigError:
                if not told:
                    raise
                break
            else:
                told.append(
                    Acknowledged(line.source_id, accepted=True)
                    if kept == line.reference
                    else Acknowledged(line.source_id, accepted=False, code="not_kept")
                )
        return tuple(told)

    async def tell_invoices(self, news: Sequence[InvoiceNews]) -> Sequence[Acknowledged]:
        """Show invoices, credits and payments in Harvest, as long as budget and answers last.

        A refusal is final. After trouble the rest waits, the step that met it included: it may be
        told again. Raises ConnectionConfigError if that is all there is to say.
        """
        return await self._invoices.tell(news)


class _Watch:
    """Watches the pages of one reading, because records may move while we turn them."""

    def __init__(self, *, absence_matters: bool) -> None:
        self._absence_matters = absence_matters
        self._total: int | None = None
        self._named: set[str] = set()
        self._nameless = 0

    def over(self, page: Page) -> None:
        """Count a page in; raises TransientError if a record may have slipped between two."""
        for record in page.records:
            value = record.value
            name = mapping.id_of(value.get("id")) if isinstance(value, dict) else None
            if name is None:
                self._nameless += 1
            else:
                self._named.add(name)
        before, self._total = self._total, page.total
        if before is not None and before > page.total:
            raise TransientError("pages_shifted", "a record went while pages were read")
        counted = len(self._named) + self._nameless
        if self._absence_matters and page.next is None and counted < page.total:
            raise TransientError("pages_incomplete", f"{counted} of {page.total} records came")


def connect(
    options: HarvestOptions,
    budget: RateBudget,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Harvest:
    """Make the connector of one Harvest account; nothing is sent yet."""
    return Harvest(options, HarvestClient(options, budget, transport))
