"""The connector to the made-up ERP: one class a guard, each as short as its protocol allows."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import httpx

from canonical.posting import (
    Executed,
    NotExecuted,
    PostedDocument,
    PostingIntent,
    PostingKind,
    PostingOutcome,
    TimeLine,
)
from connectors.base.capabilities import GuardEvidence, PostingTarget
from connectors.base.errors import ConflictError, OutcomeUnknownError, RejectedError
from connectors.base.guard import (
    Bulk,
    DraftThenPost,
    Guard,
    IdempotencyKey,
    Lookup,
    UniqueReference,
)
from connectors.base.http import OneAttempt, verdict_by_status
from connectors.base.manifest import Manifest, PostingOperation, ReferenceField
from connectors.base.rate_budget import RateBudget
from tests.connectors.conformance.made_up_erp import LAG_SECONDS, PEOPLE, Flavour

REFERENCE_MAX: Final = 30
NOTE_MAX: Final = 500
_GUARDS: Final[Mapping[Flavour, tuple[Guard, Bulk]]] = {
    Flavour.UNIQUE: (UniqueReference(), Bulk("ATOMIC", 4)),
    Flavour.KEYED: (IdempotencyKey(86_400), Bulk("PER_ITEM", 4)),
    Flavour.DRAFTED: (DraftThenPost(), Bulk("NONE")),
    Flavour.LOOKED_UP: (Lookup(), Bulk("ATOMIC", 4)),
}


def manifest_of(flavour: Flavour) -> Manifest:
    """What is true of an ERP of this kind."""
    guard, bulk = _GUARDS[flavour]
    operation = PostingOperation(
        kind=PostingKind.TIME,
        guard=guard,
        bulk=bulk,
        reference=ReferenceField("reference", REFERENCE_MAX),
        send_window_seconds=50,
        lag_max_seconds=LAG_SECONDS,
    )
    return Manifest(
        system="made-up",
        title=f"A made-up ERP ({flavour})",
        capabilities=frozenset({PostingTarget}),
        verified_against="itself",
        documented_at="its own module",
        operations=(operation,),
    )


class MadeUp:
    """PostingTarget for an ERP of one flavour."""

    def __init__(
        self, flavour: Flavour, secret: str, budget: RateBudget, network: httpx.AsyncBaseTransport
    ) -> None:
        self.flavour = flavour
        self.manifest = manifest_of(flavour)
        self.http = OneAttempt(
            base_url="https://erp.example",
            headers={"Authorization": f"Bearer {secret}"},
            budget=budget,
            verdict=verdict_by_status,
            transport=network,
        )

    async def check(self) -> str:
        answer = await self.http.read("GET", "/me")
        try:
            return str(answer.json()["name"])
        except (ValueError, KeyError, TypeError):
            raise unreadable(write=False) from None

    async def close(self) -> None:
        await self.http.close()

    async def guard_evidence(self, intents: Sequence[PostingIntent]) -> GuardEvidence:
        return {}

    async def find(
        self, intents: Sequence[PostingIntent]
    ) -> Mapping[str, tuple[PostedDocument, ...]]:
        found: dict[str, tuple[PostedDocument, ...]] = {}
        for each in await self.rows(references=",".join(one.reference for one in intents)):
            if each["posted"]:
                found[each["reference"]] = (*found.get(each["reference"], ()), document(each))
        return found

    async def documents_since(
        self, since: datetime | None
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        moment = 0 if since is None else int(since.timestamp())
        rows = await self.rows(since=str(max(0, moment)))
        yield [document(row) for row in rows if row["posted"] and row["reference"].startswith("L")]

    async def documents_between(
        self, legal_entity: str, first: date, last: date
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        async for page in self.documents_since(None):
            yield [each for each in page if first <= each.time_line.work_date <= last]

    async def rows(self, **asked: str) -> list[dict[str, Any]]:
        answer = await self.http.read("GET", "/documents", params=asked)
        try:
            return list(answer.json()["documents"])
        except (ValueError, KeyError, TypeError):
            raise unreadable(write=False) from None

    async def post(
        self,
        intents: Sequence[PostingIntent],
        evidence: GuardEvidence,
        *,
        last_byte_by: float | None = None,
    ) -> Sequence[PostingOutcome]:
        for intent in intents:
            if len(intent.reference) > REFERENCE_MAX:
                raise RejectedError("reference_too_long")
        if self.flavour is Flavour.DRAFTED:
            return [await self.by_draft(intent) for intent in intents]
        try:
            answer = await self.http.write(
                "POST",
                "/documents",
                last_byte_by=last_byte_by,
                json={"lines": [self.line(each) for each in intents]},
            )
        except ConflictError:
            return await self.taken(intents)
        except RejectedError:
            raise RejectedError("has_left") from None
        return outcomes_of(intents, told(answer.body, "lines"))

    async def taken(self, intents: Sequence[PostingIntent]) -> Sequence[PostingOutcome]:
        """Some reference stands there already: what does is shown, the rest did not happen."""
        found = await self.find(intents)
        if not all(each.reference in found for each in intents):
            raise ConflictError("some_are_taken")
        return [
            Executed(
                reference=each.reference,
                document_id=found[each.reference][0].document_id,
                document=found[each.reference][0],
            )
            for each in intents
        ]

    async def by_draft(self, intent: PostingIntent) -> PostingOutcome:
        """Adopt what is posted, else post the only draft; drafts of ours never stay two."""
        await self.http.read("POST", "/drafts", json={"line": self.line(intent)})
        rows = await self.rows(references=intent.reference)
        posted = [row for row in rows if row["posted"]]
        drafts = sorted((row for row in rows if not row["posted"]), key=lambda row: int(row["id"]))
        for row in drafts if posted else drafts[1:]:
            await self.removed(row["id"])
        if posted:
            return executed(posted[0])
        try:
            answer = await self.http.write("POST", f"/drafts/{drafts[0]['id']}/post")
        except RejectedError as error:
            if error.code == "http_404":
                raise ConflictError("draft_gone") from None
            raise RejectedError("has_left") from None
        row = told(answer.body, None)
        return executed(row)

    async def removed(self, draft: str) -> None:
        """Delete a draft; that another was quicker is no trouble."""
        try:
            await self.http.write("DELETE", f"/drafts/{draft}")
        except OutcomeUnknownError as error:
            raise ConflictError("draft_may_be_there") from error
        except (RejectedError, ConflictError):
            raise ConflictError("draft_gone") from None

    async def remove_stray_drafts(self, older_than: datetime) -> int:
        drafts = [row for row in await self.rows() if not row["posted"]]
        for row in drafts:
            await self.removed(row["id"])
        return len(drafts)

    def line(self, intent: PostingIntent) -> dict[str, Any]:
        body = intent.time_line
        printable = "".join(c if c.isprintable() else " " for c in body.note)
        return {
            "key": str(intent.key),
            "reference": intent.reference,
            "employee": body.employee,
            "task": body.task,
            "date": body.work_date.isoformat(),
            "seconds": body.seconds,
            "note": " ".join(printable.split())[:NOTE_MAX],
        }


def unreadable(*, write: bool) -> Exception:
    from connectors.base.errors import TransientError

    return OutcomeUnknownError("unreadable") if write else TransientError("unreadable")


def told(body: bytes, member: str | None) -> Any:
    """What a good answer to a write says; raises OutcomeUnknownError if it cannot be read."""
    from connectors.base.http import exact_json

    try:
        value = exact_json(body)
        found = value[member] if member else value
        assert found[0] if member else found["id"]
    except (ValueError, KeyError, TypeError, IndexError, AssertionError):
        raise unreadable(write=True) from None
    return found


def outcomes_of(
    intents: Sequence[PostingIntent], rows: Sequence[dict[str, Any]]
) -> Sequence[PostingOutcome]:
    return [
        NotExecuted(reference=intent.reference, refused=True, code=row["code"])
        if "code" in row
        else executed(row)
        for intent, row in zip(intents, rows, strict=True)
    ]


def executed(row: dict[str, Any]) -> Executed:
    shown = document(row)
    return Executed(reference=shown.reference, document_id=shown.document_id, document=shown)


def document(row: dict[str, Any]) -> PostedDocument:
    return PostedDocument(
        document_id=row["id"],
        reference=row["reference"],
        body=TimeLine(
            legal_entity="1",
            employee=row["employee"],
            task=row["task"],
            work_date=date.fromisoformat(row["date"]),
            seconds=row["seconds"],
            note=row["note"],
        ),
    )


__all__ = ["PEOPLE", "MadeUp", "manifest_of"]
