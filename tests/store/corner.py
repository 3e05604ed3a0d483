"""A corner of the ledger: one test's source and ERP, and short ways to bring rows where they start.

What is under test goes through the store's own functions; how a row came to where a test begins
is plain SQL here, so that a defect of one function does not hide behind another.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from canonical.exception_case import Cause, RootCause
from canonical.identity import idempotency_key, reference_of
from canonical.money import Money
from canonical.posting import PostingIntent, PostingKind, PostingState, SourceLine, TimeLine
from canonical.posting_period import PeriodDecision
from store import cases, posting_attempts, posting_ledger
from store.cases import CaseOpening
from store.database import Database, Row
from store.posting_attempts import Recorded
from store.postings import AttemptClass, AttemptResult, NewPosting, Posting, Who

DAY = date(2026, 10, 1)
NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
WHO = Who("test", "because a test wants it", "test/1")
S = PostingState


async def until_waiting_for(corner: "Corner", table: str) -> None:
    """Return once some session waits for a row that another one holds, in a statement on `table`.

    Raises TimeoutError if none does within seconds.
    """
    async with asyncio.timeout(10):
        while not await corner.database.fetch_row(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event_type = 'Lock' AND query LIKE '%' || $1 || '%'",
            table,
        ):
            await asyncio.sleep(0.01)


@dataclass(frozen=True)
class Corner:
    """Writes rows whose names begin with `number`, and reads them back."""

    database: Database
    number: int

    @property
    def source(self) -> str:
        return f"harvest-{self.number}"

    @property
    def target(self) -> str:
        return f"tryton-{self.number}"

    def posting(self, source_id: str = "100", **changes: Any) -> NewPosting:
        """A posting to be written down; PENDING unless `changes` say otherwise."""
        kind = changes.get("kind", PostingKind.TIME)
        revision, amendment = changes.get("revision", 1), changes.get("amendment", 0)
        body = changes.pop("body", None) or TimeLine(
            legal_entity="1", employee="7", task="13", work_date=DAY, seconds=3600
        )
        key = idempotency_key(
            tenant="northwind",
            target=self.target,
            source=self.source,
            object_name="time_entry",
            source_id=source_id,
            revision=revision,
            kind=kind,
            leg="main",
            amendment=amendment,
        )
        intent = PostingIntent(
            key=key,
            reference=reference_of(key),
            target=self.target,
            source=SourceLine(
                connection=self.source, object="time_entry", id=source_id, revision=revision
            ),
            kind=kind,
            amendment=amendment,
            legal_entity="DE01",
            period=PeriodDecision(posting_date=DAY, period="2026-10", original_date=DAY),
            value=Money(amount=Decimal("120.00"), currency="EUR"),
            body=body,
            corrects=changes.get("corrects"),
        )
        values: dict[str, Any] = {
            "key": key,
            "reference": intent.reference,
            "tenant": "northwind",
            "target": self.target,
            "connection": self.source,
            "object": "time_entry",
            "source_id": source_id,
            "revision": revision,
            "kind": kind,
            "leg": "main",
            "amendment": amendment,
            "document_id": "sheet-1",
            "legal_entity": "DE01",
            "state": S.PENDING,
            "case_id": None,
            "seconds": body.seconds,
            "amount": Decimal("120.00"),
            "currency": "EUR",
            "period": "2026-10",
            "posting_date": DAY,
            "original_date": DAY,
            "intent": intent,
        }
        return NewPosting(**values | changes)

    async def write(self, *postings: NewPosting) -> None:
        async with self.database.transaction() as connection:
            await posting_ledger.write_down(connection, postings, WHO)

    async def pending(self, source_id: str = "100", **changes: Any) -> UUID:
        """Write a posting down; gives its key."""
        new = self.posting(source_id, **changes)
        await self.write(new)
        return new.key

    async def sending(self, source_id: str = "100", **changes: Any) -> UUID:
        """A posting that was claimed once, under fence 1."""
        key = await self.pending(source_id, **changes)
        await self.set(key, state="SENDING", fence=1, sent_at=datetime.now(UTC), claimed_by="lane")
        return key

    async def posted(self, source_id: str = "100", document_id: str = "501", **more: Any) -> UUID:
        """A posting that the ERP confirmed."""
        key = await self.sending(source_id, **more)
        await self.set(
            key, state="POSTED", erp_document_id=document_id, posted_at=datetime.now(UTC)
        )
        return key

    async def stopped(self, source_id: str = "100", case: UUID | None = None, **more: Any) -> UUID:
        """A posting that waits for a person."""
        case_id = case or await self.case()
        return await self.pending(source_id, state=S.EXCEPTION, case_id=case_id, **more)

    async def set(self, key: UUID, **columns: Any) -> None:
        """Change columns of one row by plain SQL."""
        assigned = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, start=2))
        await self.database.execute(
            f"UPDATE posting SET {assigned} WHERE key = $1", key, *columns.values()
        )

    def opening(self, subject: str = "P-1", **changes: Any) -> CaseOpening:
        """A case about a closed project."""
        cause = RootCause(
            legal_entity=changes.pop("legal_entity", "DE01"),
            cause=changes.pop("cause", Cause.CLOSED_PROJECT),
            subject=subject,
            sentence=changes.pop("sentence", f"{subject} is closed. Reopen it and retry."),
        )
        values: dict[str, Any] = {
            "root_cause": cause,
            "tenant": "northwind",
            "connection": self.source,
            "target": self.target,
            "owner": "finance-operations",
            "period": None,
            "deadline_at": NOON + timedelta(days=2),
        }
        return CaseOpening(**values | changes)

    async def case(self, subject: str = "P-1") -> UUID:
        """Open a case, or find the open one."""
        opening = self.opening(subject)
        async with self.database.transaction() as connection:
            found = await cases.open_cases(connection, [opening], WHO)
        return found[opening.root_cause]

    async def row(self, key: UUID) -> Row:
        row = await self.database.fetch_row("SELECT * FROM posting WHERE key = $1", key)
        assert row is not None
        return row

    async def state(self, key: UUID) -> str:
        return str((await self.row(key))["state"])

    async def read(self, *keys: UUID) -> list[Posting]:
        """The postings as the protocol reads them."""
        async with self.database.transaction() as connection:
            ids = [(await self.row(key))["source_id"] for key in keys]
            found = await posting_ledger.of_lines(connection, self.source, "time_entry", ids)
        return [one for one in found if one.key in keys]

    async def claim(self, *postings: Posting, lane: str = "mine", **more: Any) -> dict[UUID, int]:
        async with self.database.transaction() as connection:
            return await posting_attempts.claim(connection, postings, lane, "{}", WHO, **more)

    async def record(
        self, key: UUID, outcome: AttemptClass, *, fence: int = 1, **more: Any
    ) -> list[Recorded]:
        """Record one outcome."""
        acknowledge = more.pop("acknowledge", False)
        return await self.record_all(
            AttemptResult(key, fence, outcome, **more), acknowledge=acknowledge
        )

    async def record_all(
        self, *results: AttemptResult, acknowledge: bool = False
    ) -> list[Recorded]:
        async with self.database.transaction() as connection:
            return await posting_attempts.record(connection, results, WHO, acknowledge=acknowledge)

    async def audit(self, subject: UUID) -> list[Row]:
        """The audit rows of a posting or a case, oldest first."""
        return await self.database.fetch(
            "SELECT *, xmin::text AS transaction FROM audit WHERE subject = $1 ORDER BY id",
            str(subject),
        )
