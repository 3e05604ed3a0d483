"""A folder of files as a source of contracts, which is told what became of their invoices."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from canonical.contracts import ContractRecord
from connectors.base.capabilities import Acknowledged, InvoiceNews, SourcePage, SourceRecord
from connectors.base.errors import ConnectionConfigError
from connectors.base.manifest import Manifest
from connectors.base.rate_budget import RateBudget
from connectors.flatfile import engagements, milestones, purchase_orders, rate_cards
from connectors.flatfile.contents import TABLE, Contents, in_workbook
from connectors.flatfile.contract_parts import HEADS, TABLES
from connectors.flatfile.drafts import ContractDraft, each_once
from connectors.flatfile.drop import read_drop, require_folder, require_writable
from connectors.flatfile.invoice_status import InvoiceStatusFile
from connectors.flatfile.manifest import MANIFEST
from connectors.flatfile.options import FlatFileOptions
from connectors.flatfile.paging import paged
from connectors.flatfile.rejected import tell_rejected

Records = Sequence[SourceRecord[ContractRecord]]

# What tells a drop from a folder that something else should have been mounted on.
_HEADS: Final = (HEADS, engagements.JSON)
_FILES: Final = (
    *(engagements.JSON, *TABLES, rate_cards.RATES, purchase_orders.PURCHASE_ORDERS.file),
    *(milestones.ACCEPTANCES.file, milestones.BILLING_SCHEDULE.file),
)
_FORMS: Final = (*_FILES, *(in_workbook(name) for name in _FILES if name.endswith(TABLE)))


class FlatFile:
    """ContractSource, MilestoneSource and InvoiceStatusSink for one folder."""

    def __init__(self, options: FlatFileOptions) -> None:
        self._connection: Final = options.connection
        self._folder: Final = Path(options.folder)
        self._format: Final = options.format
        self._page_size: Final = options.page_size
        self._status: Final = InvoiceStatusFile(self._folder)

    @property
    def manifest(self) -> Manifest:
        return MANIFEST

    async def close(self) -> None:
        """Nothing is held open."""

    async def check(self) -> str:
        """Prove that the folder is a drop, and may be read and written; name what it holds."""
        return await asyncio.to_thread(self._check)

    def _check(self) -> str:
        contents = self._contents()
        require_writable(self._folder)
        return f"the folder {self._folder} with {', '.join(contents.names(_FORMS))}"

    def contracts(self) -> AsyncIterator[SourcePage[ContractRecord]]:
        """Page through the engagements, rate cards and purchase orders of one moment.

        After an error the iterator keeps its place: ask it again for the next page.
        """
        return self._pages("contracts", _contracts)

    def milestones(self) -> AsyncIterator[SourcePage[ContractRecord]]:
        """Page through the acceptances and the ERP's schedule lines of one moment."""
        return self._pages("milestones", _milestones)

    async def tell_invoices(self, news: Sequence[InvoiceNews]) -> Sequence[Acknowledged]:
        """Append steps to the file of statuses; what stands there already counts as told."""
        await asyncio.to_thread(self._tell, news)
        return tuple(Acknowledged(one.id, accepted=True) for one in news)

    def _tell(self, news: Sequence[InvoiceNews]) -> None:
        require_folder(self._folder)
        self._status.tell(news)

    def _contents(self) -> Contents:
        contents = Contents(self._connection, read_drop(self._folder, _FORMS), self._format)
        if not contents.has(*_HEADS):
            # An empty folder would say that all contracts are gone.
            raise ConnectionConfigError(
                "no_drop",
                f"{self._folder} has neither {HEADS} nor {engagements.JSON}: put one there, with "
                "its header line alone if there are no contracts",
            )
        return contents

    def _pages(
        self, kind: str, drafts: Callable[[Contents], Iterable[ContractDraft]]
    ) -> AsyncIterator[SourcePage[ContractRecord]]:
        return paged(lambda: self._read(kind, drafts), self._page_size)

    def _read(self, kind: str, drafts: Callable[[Contents], Iterable[ContractDraft]]) -> Records:
        found = each_once(drafts(self._contents()))
        tell_rejected(self._folder, kind, found)
        return [_shown(self._connection, draft) for draft in found]


def _contracts(contents: Contents) -> Iterator[ContractDraft]:
    yield from engagements.engagements(contents)
    yield from rate_cards.rate_cards(contents)
    yield from purchase_orders.PURCHASE_ORDERS.drafts(contents)


def _milestones(contents: Contents) -> Iterator[ContractDraft]:
    yield from milestones.ACCEPTANCES.drafts(contents)
    yield from milestones.BILLING_SCHEDULE.drafts(contents)


def _shown(connection: str, draft: ContractDraft) -> SourceRecord[ContractRecord]:
    record = None
    if draft.record is not None and draft.id is not None:
        record = ContractRecord(
            connection=connection,
            id=draft.id,
            record=draft.record,
            changed_at=draft.changed_at,
        )
    return SourceRecord(
        source_id=draft.id,
        raw=draft.raw,
        record=record,
        trouble=draft.trouble,
        changed_at=draft.changed_at,
    )


def connect(options: FlatFileOptions, budget: RateBudget) -> FlatFile:  # noqa: ARG001  A disk has none.
    """Make the connector of one folder; nothing is read yet."""
    return FlatFile(options)
