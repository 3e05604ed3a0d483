"""One attempt at posting one document: draft, search, delete the others, post, read back.

The order is POSTING.md's, checked in tests/model/draft_then_post.py. A draft is harmless: it is no
document, and posting one is the only write that counts. So the answer to any other write may be
lost: that attempt has done nothing that matters, and what it left behind is found by the next
one, or by the sweep of drafts. Only posting itself can have an unknown outcome.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic

from canonical.posting import Executed, PostingOutcome, Unknown
from connectors.base.errors import (
    ConflictError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.tryton.client import TrytonClient
from connectors.tryton.dossier import Calls, Dossier, S
from connectors.tryton.refusals import ServerExceptionError, UserWarningError

_LOG: Final = logging.getLogger(__name__)
# Every round follows a refusal; what moves more often than this is busy.
_ROUNDS_MAX: Final = 6
_PAUSES_SECONDS: Final = (0.0, 0.0, 0.5)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A write that Tryton refused: posting one draft, or deleting some."""

    error: ConnectorError
    posting: int | None = None
    deleting: frozenset[int] = frozenset()

    def is_final(self, keep: int, others: Sequence[int]) -> bool:
        """Whether it stands after the search: what it was about is still there, as it was."""
        if isinstance(self.error, ConflictError):
            return False
        if self.posting is None:
            return self.deleting <= set(others)
        return self.posting == keep and not others


class Attempt(Generic[S]):
    """Brings one document into the books, or proves why not; used once."""

    def __init__(self, client: TrytonClient, dossier: Dossier[S], *, not_after: float) -> None:
        self._client: Final = client
        self._dossier: Final = dossier
        self._reference: Final = dossier.intent.reference
        self._model: Final = f"model.{dossier.model}"
        self._not_after: Final = not_after
        self._created: int | None = None
        # What turned out to be booked while our drafts were deleted.
        self._booked: S | None = None
        self._warned: set[str] = set()

    async def run(self) -> PostingOutcome:
        """Go through the protocol to its end."""
        try:
            return await self._rounds()
        except _BookedAfterAllError:
            assert self._booked is not None, "it was seen"
            return await self._adopt(self._booked)

    async def _rounds(self) -> PostingOutcome:
        """Search and act on what is there; any refusal leads back to the search."""
        refusal: _Refusal | None = None
        for _ in range(_ROUNDS_MAX):
            seen = await self._dossier.seen()
            if seen.booked:
                return await self._adopt(seen)
            fit = self._dossier.fitting(seen)
            if not fit:
                await self._begin(seen)
                continue
            keep = fit[0]
            others = [paper.id for paper in seen.drafts if paper.id != keep]
            stands = refusal is not None and refusal.is_final(keep, others)
            if refusal is not None and stands and not self._is_first_warning(refusal.error):
                await self._heed(refusal.error)
            refusal = await self._post(keep, others)
            if refusal is None:
                return await self._read_back()
        raise ConflictError("drafts_keep_moving", "others work on the same document")

    def _is_first_warning(self, error: ConnectorError) -> bool:
        """Whether to see if Tryton asks again: what it found similar may be a rival's draft.

        A rival that keeps the same draft as we do has deleted its own in the meantime.
        """
        if not isinstance(error, UserWarningError) or error.name in self._warned:
            return False
        self._warned.add(error.name)
        return True

    async def _begin(self, seen: S) -> None:
        """Create the draft, and what goes with it; a second time there is nothing to be gained."""
        if self._created is None:
            self._created = await self._create()
        elif any(paper.id == self._created for paper in seen.papers):
            raise await self._taken_back(
                RejectedError("draft_differs", "the ERP made something else of the document")
            )
        else:
            raise ConflictError("draft_gone", "the draft was deleted by somebody else")

    async def _create(self) -> int:
        try:
            (draft,) = await self._harmless(f"{self._model}.create", [self._dossier.draft()])
            await self._harmless_all(self._dossier.beside(draft))
        except RejectedError as error:
            raise await self._taken_back(error) from error
        number: int = draft
        return number

    async def _post(self, draft: int, others: Sequence[int]) -> _Refusal | None:
        """Delete the other drafts, then post one: only if every deletion succeeded."""
        try:
            if others:
                await self._harmless(f"{self._model}.delete", list(others))
        except (RejectedError, ConflictError) as error:
            return _Refusal(error, deleting=frozenset(others))
        try:
            await self._release()
            await self._write(f"{self._model}.post", [draft])
        except (OutcomeUnknownError, ServerExceptionError) as error:
            return await self._look_after(error, draft)
        except (RejectedError, ConflictError) as error:
            return _Refusal(error, posting=draft)
        return None

    async def _release(self) -> None:
        """Do what must be done before posting; a rival may have done so in the meantime."""
        try:
            await self._harmless_all(await self._dossier.release())
        except RejectedError:
            if await self._dossier.release():
                raise

    async def _look_after(self, error: ConnectorError, draft: int) -> _Refusal | None:
        """Look what became of posting. Code that failed may have done so after the commit.

        Raises OutcomeUnknownError, unless it is booked, or was answered and is still a draft.
        """
        seen = await self._seen_or_nothing()
        if seen is not None and seen.booked:
            return None
        if isinstance(error, OutcomeUnknownError) or seen is None:
            raise OutcomeUnknownError(error.code) from error
        return _Refusal(error, posting=draft)

    async def _heed(self, error: ConnectorError) -> None:
        """The content was refused. A warning that a person accepted is acknowledged by its name.

        Any other refusal is raised, after everything of ours is deleted again.
        """
        if isinstance(error, UserWarningError) and error.code in self._dossier.intent.accepted:
            await self._harmless("model.res.user.warning.skip", error.name, False)  # noqa: FBT003
        else:
            raise await self._taken_back(error) from error

    async def _taken_back(self, error: ConnectorError) -> ConnectorError:
        """Delete everything of ours and see that it is gone; gives what is to be raised."""
        try:
            seen = await self._dossier.seen()
            if not seen.booked:
                await self._delete_drafts(seen)
                await self._harmless_all(self._dossier.restore())
                seen = await self._dossier.seen()
            if seen.booked:
                self._booked = seen
                return _BookedAfterAllError("booked_after_all")
            if seen.drafts or self._dossier.strays(seen):
                return TransientError("not_taken_back", f"refused ({error.code}), a draft is left")
        except RejectedError as left:
            # It was numbered by a person, perhaps: a person has to look anyway.
            return RejectedError(error.code, f"{error} A draft is left in the ERP ({left.code}).")
        except ConnectorError as trouble:
            return TransientError("not_taken_back", f"refused ({error.code}), then {trouble.code}")
        return error

    async def _delete_drafts(self, seen: S) -> None:
        """Delete drafts first: what goes with them is nobody's then, and can be posted no more."""
        if seen.drafts:
            await self._harmless(f"{self._model}.delete", [paper.id for paper in seen.drafts])
        await self._harmless_all(self._dossier.strays(seen))

    async def _adopt(self, seen: S) -> PostingOutcome:
        """One is booked: that is it. All drafts go; what stays behind is left to the sweep."""
        reference = self._reference
        if len(seen.booked) > 1:
            return Unknown(reference=reference, code="several_documents")
        (paper,) = seen.booked
        try:
            await self._delete_drafts(seen)
            if self._dossier.takes_back:
                await self._release()
                seen = await self._dossier.seen()
        except ConnectorError as error:
            _LOG.warning("tryton: drafts beside %s stay for the sweep: %s", reference, error.code)
        try:
            document = self._dossier.document(seen)
        except ValueError as error:
            # It is booked all the same: who reads it next will say that it cannot be understood.
            _LOG.error("tryton: %s cannot be read back: %s", self._dossier.model, error)
            return Executed(reference=reference, document_id=str(paper.id))
        return Executed(reference=reference, document_id=document.document_id, document=document)

    async def _read_back(self) -> PostingOutcome:
        """A draft is never EXECUTED: only what is read back as booked is."""
        seen = await self._seen_or_nothing()
        if seen is None:
            raise OutcomeUnknownError("not_read_back", "posted, but not seen since")
        if not seen.booked:
            raise OutcomeUnknownError("not_seen", "posted, but not shown as posted")
        return await self._adopt(seen)

    async def _seen_or_nothing(self) -> S | None:
        for pause_seconds in _PAUSES_SECONDS:
            await asyncio.sleep(pause_seconds)
            try:
                return await self._dossier.seen()
            except ConnectorError as error:
                _LOG.warning("tryton: a document was not read back: %s", error.code)
        return None

    async def _harmless(self, method: str, *params: Any) -> Any:
        """Make a write that books nothing: if no answer comes, nothing that matters was done."""
        try:
            return await self._write(method, *params)
        except OutcomeUnknownError as error:
            raise TransientError("draft_unanswered", error.code) from error

    async def _harmless_all(self, calls: Calls) -> None:
        for method, records in calls:
            await self._harmless(method, list(records))

    async def _write(self, method: str, *params: Any) -> Any:
        return await self._client.write(
            method, *params, context=self._dossier.context, not_after=self._not_after
        )


class _BookedAfterAllError(ConnectorError):
    """While our drafts were deleted, one of them turned out to be booked."""
