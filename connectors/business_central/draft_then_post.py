"""One attempt at posting one document: draft, search, delete the others, post, read back.

The order is POSTING.md's. A draft is harmless: posting one is the only write that counts. So the
answer to any other write may be lost: that attempt has done nothing that matters, and what it left
is found by the next one, or by the sweep of drafts. Only posting can have an unknown outcome.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from canonical.posting import Executed, PostedDocument, PostingIntent, PostingOutcome, Unknown
from connectors.base.errors import (
    ConflictError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.business_central.families import Family
from connectors.business_central.papers import Paper
from connectors.business_central.shelf import Shelf

_LOG: Final = logging.getLogger(__name__)
# Every round follows a refusal; what moves more often than this is busy.
_ROUNDS_MAX: Final = 6
_PAUSES_SECONDS: Final = (0.0, 0.0, 0.5)
# A look may show what was there before our last write: what we made differs only if it still does.
_DOUBTS_SECONDS: Final = (0.1, 0.5)
# What a rival's work on the same draft is answered with: it went, was posted, or has it already.
_RIVALS: Final = frozenset({"record_not_found", "dimensions_closed", "dimension_twice"})


@dataclass(frozen=True, slots=True)
class Case:
    """One document to be posted: where it belongs, what it says, and how it is recognised."""

    intent: PostingIntent
    company: str
    family: Family
    # Where documents of this reference may stand; only those of `family` are posted by us.
    families: Sequence[Family]
    values: Mapping[str, Any]
    # Of each line that counts, in order.
    dimensions: Sequence[Mapping[str, str]]
    fits: Callable[[Paper], bool]
    document: Callable[[Paper], PostedDocument]


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A write that was refused: posting one draft, or deleting others."""

    error: ConnectorError
    posting: str | None = None
    deleting: str | None = None

    def is_final(self, keep: Paper, others: Sequence[Paper]) -> bool:
        """Whether it stands after another look: what it was about is still there, as it was."""
        if isinstance(self.error, ConflictError):
            return False
        if self.posting is None:
            return self.deleting in {one.id for one in others}
        return self.posting == keep.id and not others


class Attempt:
    """Brings one document into the books, or proves why not; used once."""

    def __init__(self, shelf: Shelf, case: Case, *, not_after: float) -> None:
        self._shelf: Final = shelf
        self._case: Final = case
        self._reference: Final = case.intent.reference
        self._not_after: Final = not_after
        self._created = False
        # Whether its lines still wait for their dimensions.
        self._unfinished = any(case.dimensions)
        self._doubts: Final = list(_DOUBTS_SECONDS)
        self._met_a_rival = False

    async def run(self) -> PostingOutcome:
        """Look, and act on what is there; any refusal leads back to the look."""
        refusal: _Refusal | None = None
        for _ in range(_ROUNDS_MAX):
            papers = await self._seen()
            if any(one.booked for one in papers):
                return await self._adopt(papers)
            drafts = sorted(papers, key=lambda one: one.id)
            if not all(one.draft for one in drafts):
                # Whoever reviews it may post it: a second one would be booked beside it.
                raise RejectedError("in_review", "a document of ours is under review in the ERP")
            fit = [one for one in drafts if self._case.fits(one)]
            if not fit:
                if self._created and self._doubts:
                    await asyncio.sleep(self._doubts.pop(0))
                    continue
                await self._begin(drafts)
                continue
            keep, others = fit[0], [one for one in drafts if one is not fit[0]]
            if refusal is not None and refusal.is_final(keep, others):
                raise await self._taken_back(refusal.error)
            refusal = await self._post(keep, others)
            if refusal is None:
                return await self._read_back()
        raise ConflictError("drafts_keep_moving", "others work on the same document")

    async def _seen(self) -> list[Paper]:
        case = self._case
        return await self._shelf.under(case.company, case.families, self._reference)

    async def _begin(self, drafts: Sequence[Paper]) -> None:
        """Make the draft; a second time there is nothing to be gained."""
        if self._met_a_rival:
            raise ConflictError("drafts_keep_moving", "others work on the same document")
        if self._created:
            raise await self._taken_back(self._unfit()) if drafts else ConflictError("draft_gone")
        self._created = True
        case = self._case
        try:
            await self._harmless(
                self._shelf.create(case.company, case.family, case.values, self._not_after)
            )
            if any(case.dimensions):
                await self._add_dimensions(known={one.id for one in drafts})
        except RejectedError as error:
            if error.code not in _RIVALS:
                raise await self._taken_back(error) from error
            self._met_a_rival = True

    def _unfit(self) -> ConnectorError:
        """What a draft of ours is that does not fit: another one than we made, or not finished."""
        if self._unfinished:
            return ConflictError("draft_seen_late", "it was not shown in time to be finished")
        return RejectedError("draft_differs", "the ERP made something else of the document")

    async def _add_dimensions(self, known: set[str]) -> None:
        for paper in await self._seen():
            fresh = paper.draft and paper.id not in known
            if fresh and len(paper.lines) == len(self._case.dimensions):
                await self._harmless(
                    self._shelf.set_dimensions(paper, self._case.dimensions, self._not_after)
                )
                self._unfinished = False

    async def _post(self, draft: Paper, others: Sequence[Paper]) -> _Refusal | None:
        """Delete the other drafts, then post one: only if every deletion succeeded."""
        for other in others:
            try:
                await self._harmless(self._shelf.delete(other, self._not_after))
            except (RejectedError, ConflictError) as error:
                return _Refusal(error, deleting=other.id)
        try:
            await self._shelf.post(draft, self._not_after)
        except OutcomeUnknownError as error:
            papers = await self._seen_or_nothing()
            if papers is None or not any(one.booked for one in papers):
                raise OutcomeUnknownError(error.code) from error
        except (RejectedError, ConflictError) as error:
            return _Refusal(error, posting=draft.id)
        return None

    async def _taken_back(self, error: ConnectorError) -> ConnectorError:
        """Delete every draft of ours and see that it is gone; gives what is to be raised."""
        try:
            for paper in await self._seen():
                if paper.booked:
                    return OutcomeUnknownError("booked_after_all")
                await self._harmless(self._shelf.delete(paper, self._not_after))
            left = await self._seen()
        except RejectedError as trouble:
            return RejectedError(error.code, f"{error}. A draft is left ({trouble.code}).")
        except ConnectorError as trouble:
            return TransientError("not_taken_back", f"refused ({error.code}), then {trouble.code}")
        if any(one.booked for one in left):
            return OutcomeUnknownError("booked_after_all")
        if left:
            return TransientError("not_taken_back", f"refused ({error.code}), a draft is left")
        return error

    async def _adopt(self, papers: Sequence[Paper]) -> PostingOutcome:
        """One is booked: that is it. All drafts go; what stays behind is left to the sweep."""
        booked = [one for one in papers if one.booked]
        if len(booked) > 1:
            return Unknown(reference=self._reference, code="several_documents")
        for draft in (one for one in papers if one.draft):
            try:
                await self._harmless(self._shelf.delete(draft, self._not_after))
            except ConnectorError as error:
                _LOG.warning(
                    "business central: a draft beside %s stays: %s", self._reference, error.code
                )
        (paper,) = booked
        try:
            document = self._case.document(paper)
        except (ValueError, KeyError, TypeError) as error:
            # It is booked all the same: who reads it next will say that it cannot be understood.
            _LOG.error("business central: %s cannot be read back: %s", self._reference, error)
            return Executed(reference=self._reference, document_id=str(paper.where))
        return Executed(
            reference=self._reference, document_id=document.document_id, document=document
        )

    async def _read_back(self) -> PostingOutcome:
        """A draft is never EXECUTED: only what is read back as booked is."""
        papers = await self._seen_or_nothing()
        if papers is None:
            raise OutcomeUnknownError("not_read_back", "posted, but not seen since")
        if not any(one.booked for one in papers):
            raise OutcomeUnknownError("not_seen", "posted, but not shown as posted")
        return await self._adopt(papers)

    async def _seen_or_nothing(self) -> Sequence[Paper] | None:
        for pause_seconds in _PAUSES_SECONDS:
            await asyncio.sleep(pause_seconds)
            try:
                return await self._seen()
            except ConnectorError as error:
                _LOG.warning("business central: a document was not read back: %s", error.code)
        return None

    async def _harmless(self, write: Awaitable[None]) -> None:
        """Make a write that books nothing: if no answer comes, nothing that matters was done."""
        try:
            await write
        except OutcomeUnknownError as error:
            raise TransientError("draft_unanswered", error.code) from error
