"""A folder of files as a source of time, which is told there what became of its entries."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Final

from canonical.masters import Masters
from canonical.time_entry import TimeEntry
from connectors.base.capabilities import (
    Acknowledged,
    Acknowledgement,
    SourcePage,
    SourceRecord,
)
from connectors.base.errors import ConnectionConfigError
from connectors.base.manifest import Manifest
from connectors.base.rate_budget import RateBudget
from connectors.base.system import System
from connectors.flatfile.contents import Contents
from connectors.flatfile.drafts import Draft, each_once
from connectors.flatfile.drop import arrivals, read_drop, require_writable
from connectors.flatfile.manifest import TIME_CAPABILITIES, time_manifest
from connectors.flatfile.masters import OF_A_SOURCE, files_of_masters, masters_in
from connectors.flatfile.options import ApprovedDropOptions
from connectors.flatfile.paging import paged
from connectors.flatfile.rejected import tell_rejected
from connectors.flatfile.telling import ToldSteps
from connectors.flatfile.time_entries import source_record, time_entries

Records = Sequence[SourceRecord[TimeEntry]]


class TimeDrop:
    """TimeEntrySource, MasterDataSource and AcknowledgementSink for one folder."""

    def __init__(self, options: ApprovedDropOptions) -> None:
        self._connection: Final = options.connection
        self._folder: Final = Path(options.folder)
        self._format: Final = options.format
        self._page_size: Final = options.page_size
        self._kind: Final = time_entries(evidence=options.approval_evidence)
        self._manifest: Final = time_manifest(evidence=options.approval_evidence)
        self._told: Final = ToldSteps(self._folder, "time_status")

    @property
    def manifest(self) -> Manifest:
        return self._manifest

    async def close(self) -> None:
        """Nothing is held open."""

    async def check(self) -> str:
        """Prove that the folder is a drop, and may be read and written; name what it holds."""
        return await asyncio.to_thread(self._check)

    def _check(self) -> str:
        there = {**self._arrivals(), **arrivals(self._folder, files_of_masters(OF_A_SOURCE))}
        require_writable(self._folder)
        return f"the folder {self._folder} with {', '.join(sorted(there))}"

    def time_entries_changed_since(self, since: datetime) -> AsyncIterator[SourcePage[TimeEntry]]:
        """Page through all lines of the files that changed at or after an instant.

        Nothing is read where no file did. What did not change in a file that did is shown with
        it, and is no news to whoever compares what it says.
        """
        return paged(lambda: self._changed_since(since), self._page_size)

    def time_entries_between(self, first: date, last: date) -> AsyncIterator[SourcePage[TimeEntry]]:
        """Page through a window, complete or in trouble: absence here means deletion.

        A line whose day cannot be read is in every window.
        """
        return paged(lambda: self._between(first, last), self._page_size)

    async def masters(self) -> Masters:
        """Read all master data that the folder has."""
        return await asyncio.to_thread(self._masters)

    async def acknowledge(
        self, acknowledgements: Sequence[Acknowledgement]
    ) -> Sequence[Acknowledged]:
        """Append what became of entries to the file of statuses; told before counts as told.

        An entry that is not in the drop any more is refused. Raises TransientError if the disk
        refuses: then nothing counts as told, and a repeat finds what was written.
        """
        if not acknowledgements:
            return ()
        return await asyncio.to_thread(self._acknowledge, acknowledgements)

    def _acknowledge(self, told: Sequence[Acknowledgement]) -> Sequence[Acknowledged]:
        _, drafts = self._read()
        known = {draft.id for draft in drafts}
        self._told.tell(_step(one) for one in told if one.source_id in known)
        return tuple(
            Acknowledged(one.source_id, accepted=True)
            if one.source_id in known
            else Acknowledged(one.source_id, accepted=False, code="no_such_entry")
            for one in told
        )

    def _changed_since(self, since: datetime) -> Records:
        # Some disks keep whole seconds only.
        since = since.replace(microsecond=0)
        arrived = self._arrivals()
        if max(arrived.values()) < since:
            return ()
        _, drafts = self._read()
        return [
            source_record(draft, self._connection, draft.changed_at)
            for draft in drafts
            if draft.changed_at >= since
        ]

    def _between(self, first: date, last: date) -> Records:
        contents, drafts = self._read()
        nameless = [draft.place for draft in drafts if draft.id is None]
        if nameless:
            raise ConnectionConfigError(
                "line_without_id",
                f"{nameless[0]} has no id, so that it may be any line that seems to be gone: give "
                "it one, or take it out",
            )
        # What one file says no more, another may say that was there before: newer news counts.
        newest = max(file.arrived_at for file in contents.of_kind(self._kind.stem))
        records = (source_record(draft, self._connection, newest) for draft in drafts)
        return [one for one in records if one.work_date is None or first <= one.work_date <= last]

    def _masters(self) -> Masters:
        files = read_drop(self._folder, files_of_masters(OF_A_SOURCE))
        if not files:
            # An empty folder would say that all masters are gone.
            raise ConnectionConfigError(
                "no_drop", f"{self._folder} has no employees.csv, projects.csv or tasks.csv"
            )
        masters, drafts = masters_in(Contents(self._connection, files, self._format), OF_A_SOURCE)
        tell_rejected(self._folder, "masters", drafts)
        return masters

    def _read(self) -> tuple[Contents, Sequence[Draft[TimeEntry]]]:
        contents = Contents(
            self._connection, read_drop(self._folder, self._kind.files), self._format
        )
        self._require_a_drop(bool(contents.of_kind(self._kind.stem)))
        drafts = each_once(self._kind.drafts(contents))
        tell_rejected(self._folder, "time", drafts)
        return contents, drafts

    def _arrivals(self) -> dict[str, datetime]:
        found = dict(arrivals(self._folder, self._kind.files))
        self._require_a_drop(bool(found))
        return found

    def _require_a_drop(self, is_one: bool) -> None:  # noqa: FBT001  It is what is found.
        if not is_one:
            # An empty folder would say that all time is gone.
            raise ConnectionConfigError(
                "no_drop",
                f"{self._folder} has no time.csv: put one there, with its header line alone if "
                "there is no time",
            )


def _step(line: Acknowledgement) -> Mapping[str, str | None]:
    return {
        # Another revision of an entry is posted under another reference.
        "id": f"{line.source_id}/{line.reference}",
        "entry": line.source_id,
        "step": "posted",
        "reference": line.reference,
        "document": line.document_id,
        "permalink": line.permalink,
    }


def connect(options: ApprovedDropOptions, budget: RateBudget) -> TimeDrop:  # noqa: ARG001  A disk has none.
    """Make the connector of one folder; nothing is read yet."""
    return TimeDrop(options)


SYSTEM: Final = System(
    "flatfile_time",
    ApprovedDropOptions,
    connect,
    capabilities=TIME_CAPABILITIES,
    manifest=time_manifest(evidence=True),
    suites=("tests.connectors.flatfile.test_time_conformance",),
)
