"""A folder as an ERP: documents are written for its import, masters are read from files."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from canonical.masters import Masters
from canonical.posting import (
    Executed,
    NotExecuted,
    PostedDocument,
    PostingIntent,
    PostingOutcome,
    Unknown,
)
from canonical.posting_period import PeriodState, PostingPeriod
from connectors.base.capabilities import GuardEvidence
from connectors.base.errors import ConnectionConfigError, RejectedError, TransientError
from connectors.base.manifest import Manifest
from connectors.base.pagination import Pages
from connectors.base.rate_budget import RateBudget
from connectors.base.system import System
from connectors.flatfile.contents import Contents
from connectors.flatfile.drafts import each_once
from connectors.flatfile.drop import arrivals, read_drop, require_folder, require_writable
from connectors.flatfile.export_index import Index
from connectors.flatfile.export_papers import PaperError, PostedPaper, paper_of, posting_date_of
from connectors.flatfile.export_shelf import Paper, Put, Shelf, require_fit
from connectors.flatfile.kinds import Kind
from connectors.flatfile.manifest import DOCUMENTS_MAX, EXPORT_MANIFEST
from connectors.flatfile.masters import LEGAL_ENTITIES, OF_AN_ERP, files_of_masters, masters_in
from connectors.flatfile.options import FlatFileOptions
from connectors.flatfile.periods import PERIODS
from connectors.flatfile.rejected import tell_rejected

_LOG: Final = logging.getLogger(__name__)
Documents = Sequence[PostedDocument]


class FileExport:
    """PostingTarget, MasterDataSource, PostingCalendar and DraftKeeper for one folder."""

    def __init__(
        self, options: FlatFileOptions, budget: RateBudget, shelf: Shelf | None = None
    ) -> None:
        self._connection: Final = options.connection
        self._folder: Final = Path(options.folder)
        self._format: Final = options.format
        self._page_size: Final = options.page_size
        self._budget: Final = budget
        self._shelf: Final = shelf or Shelf(self._folder)
        self._index: Final = Index(self._folder)

    @property
    def manifest(self) -> Manifest:
        return EXPORT_MANIFEST

    async def close(self) -> None:
        """Nothing is held open."""

    async def check(self) -> str:
        """Prove that documents can be written, and their names linked; name what there is."""
        return await asyncio.to_thread(self._check)

    def _check(self) -> str:
        self._require_books()
        require_writable(self._folder)
        self._shelf.prepare()
        self._shelf.prove_links()
        there = arrivals(self._folder, (*PERIODS.files, *files_of_masters(OF_AN_ERP)))
        count = len(self._shelf.references(None))
        return f"the folder {self._folder} with {', '.join(sorted(there))} and {count} documents"

    async def masters(self) -> Masters:
        """Read all master data that the folder has."""
        return await asyncio.to_thread(self._masters)

    def _masters(self) -> Masters:
        contents = self._contents(files_of_masters(OF_AN_ERP), LEGAL_ENTITIES)
        masters, drafts = masters_in(contents, OF_AN_ERP)
        tell_rejected(self._folder, "masters", drafts)
        return masters

    async def posting_periods(self) -> Sequence[PostingPeriod]:
        """Read the calendar; a period whose line cannot be read is none."""
        return await asyncio.to_thread(self._periods)

    def _periods(self) -> Sequence[PostingPeriod]:
        drafts = each_once(PERIODS.drafts(self._contents(PERIODS.files, PERIODS)))
        tell_rejected(self._folder, "periods", drafts)
        found = (draft.record for draft in drafts if draft.record is not None)
        return [one.model_copy(update={"connection": self._connection}) for one in found]

    async def guard_evidence(self, intents: Sequence[PostingIntent]) -> GuardEvidence:  # noqa: ARG002
        """Nothing: a name is free or taken when it is asked for."""
        return {}

    async def find(
        self, intents: Sequence[PostingIntent]
    ) -> Mapping[str, tuple[PostedDocument, ...]]:
        """Look documents up by their names; a delivery that was begun is finished on the way."""
        return await asyncio.to_thread(self._find, [intent.reference for intent in intents])

    def _find(self, references: Sequence[str]) -> Mapping[str, tuple[PostedDocument, ...]]:
        self._require_books()
        self._shelf.finish(references)
        papers = [paper for each in references if (paper := self._paper(each)) is not None]
        self._index.add(papers)
        return {paper.reference: (paper.document,) for paper in papers}

    async def post(
        self,
        intents: Sequence[PostingIntent],
        evidence: GuardEvidence,  # noqa: ARG002  There is none.
        *,
        last_byte_by: float | None = None,
    ) -> Sequence[PostingOutcome]:
        """Write each posting as a document of its own, and read it back; one outcome each.

        A posting whose period is closed is refused. What has its document already is done.
        """
        if not intents:
            return ()
        if len({(one.kind, one.legal_entity) for one in intents}) != 1:
            raise ValueError("one call has lines of one kind and one legal entity")
        if len(intents) > DOCUMENTS_MAX:
            raise ValueError(f"{len(intents)} documents in one call")
        for intent in intents:
            require_fit(intent.reference)
        if wait := await self._budget.take():
            raise TransientError("no_token", retry_after_seconds=wait)
        return await asyncio.to_thread(self._post, intents, last_byte_by)

    def _post(
        self, intents: Sequence[PostingIntent], last_byte_by: float | None
    ) -> Sequence[PostingOutcome]:
        if last_byte_by is not None and time.monotonic() >= last_byte_by:
            raise TransientError("too_late", "the claim ended before anything was written")
        periods = self._periods()
        self._shelf.prepare()
        refused = {
            intent.reference: (refusal, None)
            for intent in intents
            if (refusal := _refusal(intent, periods)) is not None
            and self._shelf.read(intent.reference) is None
        }
        papers = [paper_of(one) for one in intents if one.reference not in refused]
        puts = self._shelf.put_all(papers, last_byte_by) if papers else ()
        of_each = {paper.reference: put for paper, put in zip(papers, puts, strict=True)}
        outcomes = [
            refused.get(name) or self._outcome(name, of_each[name])
            for name in (intent.reference for intent in intents)
        ]
        self._index.add(paper for _, paper in outcomes if paper is not None)
        return [outcome for outcome, _ in outcomes]

    def _outcome(self, reference: str, put: Put) -> tuple[PostingOutcome, PostedPaper | None]:
        """What is said of one document, which is read back where it is there."""
        if put is Put.NOT_TRIED:
            return NotExecuted(reference=reference, refused=False, code="not_tried"), None
        if put is Put.UNKNOWN:
            return Unknown(reference=reference, code="no_clear_answer"), None
        try:
            paper = self._paper(reference)
        except TransientError as error:
            return Unknown(reference=reference, code=error.code), None
        except RejectedError as error:
            if put is Put.WRITTEN:
                return Executed(reference=reference, document_id=reference), None
            refused = NotExecuted(
                reference=reference, refused=True, code=error.code, message=str(error)
            )
            return refused, None
        if paper is None:
            return Unknown(reference=reference, code="not_read_back"), None
        executed = Executed(reference=reference, document_id=reference, document=paper.document)
        return executed, paper

    def _paper(self, reference: str) -> PostedPaper | None:
        data = self._shelf.read(reference)
        if data is None:
            return None
        try:
            return PostedPaper(Paper(reference, data))
        except PaperError as error:
            raise RejectedError("document_unreadable", f"document {reference}: {error}") from None

    def documents_since(self, since: datetime | None) -> AsyncIterator[Documents]:
        """Page through all documents, or those that changed; what was begun is finished first."""

        def references() -> Sequence[str]:
            self._require_books()
            self._shelf.prepare()
            self._shelf.finish()
            return self._shelf.references(since)

        return self._pages(references, lambda _: True)

    def documents_between(
        self, legal_entity: str, first: date, last: date
    ) -> AsyncIterator[Documents]:
        """Page through the documents of one legal entity.

        Lines of time by the date of the work, documents by the date that they are posted on.
        """

        def references() -> Sequence[str]:
            self._require_books()
            self._shelf.prepare()
            return self._shelf.references(None)

        def wanted(paper: PostedPaper) -> bool:
            return paper.body.legal_entity == legal_entity and first <= paper.counts_on <= last

        return self._pages(references, wanted)

    def _pages(
        self, references: Callable[[], Sequence[str]], wanted: Callable[[PostedPaper], bool]
    ) -> AsyncIterator[Documents]:
        listed: Sequence[str] | None = None

        async def fetch(place: str) -> tuple[Documents, str | None]:
            nonlocal listed
            if listed is None:
                listed = await asyncio.to_thread(references)
            first, following = int(place), int(place) + self._page_size
            papers = await asyncio.to_thread(self._readable, listed[first:following])
            page = [paper.document for paper in papers if wanted(paper)]
            return page, str(following) if following < len(listed) else None

        return Pages("0", fetch)

    def _readable(self, references: Sequence[str]) -> Sequence[PostedPaper]:
        """Read documents; one that cannot be read counts as missing, and somebody is called."""
        papers: list[PostedPaper] = []
        for reference in references:
            try:
                paper = self._paper(reference)
            except RejectedError as error:
                _LOG.error("flatfile: left out of the sweep: %s", error)
                continue
            if paper is not None:
                papers.append(paper)
        self._index.add(papers)
        return papers

    async def remove_stray_drafts(self, older_than: datetime) -> int:
        """Finish what was begun, and remove what was written and never got its name."""
        return await asyncio.to_thread(self._remove_strays, older_than)

    def _remove_strays(self, older_than: datetime) -> int:
        self._require_books()
        self._shelf.finish()
        return self._shelf.remove_strays(older_than)

    def _require_books(self) -> None:
        """Raise ConnectionConfigError if this is a folder where a share should be mounted.

        No document would be found there, which says that none was ever written.
        """
        require_folder(self._folder)
        if not arrivals(self._folder, PERIODS.files):
            raise _no_books(self._folder, PERIODS)

    def _contents(self, names: Sequence[str], needed: Kind[Any]) -> Contents:
        contents = Contents(self._connection, read_drop(self._folder, names), self._format)
        if not contents.of_kind(needed.stem):
            raise _no_books(self._folder, needed)
        return contents


def _refusal(intent: PostingIntent, periods: Sequence[PostingPeriod]) -> NotExecuted | None:
    """What the calendar has against it."""
    day = posting_date_of(intent)
    of_entity = [one for one in periods if one.legal_entity == intent.legal_entity]
    holding = [one for one in of_entity if one.holds(day)]
    if holding and all(one.state is PeriodState.OPEN for one in holding):
        return None
    code = "period_closed" if holding else "no_period"
    said = "is closed" if holding else "is not in the calendar"
    return NotExecuted(
        reference=intent.reference,
        refused=True,
        code=code,
        message=f"{intent.legal_entity}: {day.isoformat()} {said}; see {PERIODS.stem}.csv",
    )


def _no_books(folder: Path, needed: Kind[Any]) -> ConnectionConfigError:
    return ConnectionConfigError(
        "no_drop", f"{folder} has no {needed.stem}.csv: mount the share, or put one there"
    )


def connect(options: FlatFileOptions, budget: RateBudget, shelf: Shelf | None = None) -> FileExport:
    """Make the connector of one folder; nothing is read or written yet."""
    return FileExport(options, budget, shelf)


SYSTEM: Final = System(
    "flatfile_export",
    FlatFileOptions,
    connect,
    capabilities=EXPORT_MANIFEST.capabilities,
    manifest=EXPORT_MANIFEST,
    suites=("tests.connectors.flatfile.test_export_conformance",),
)
