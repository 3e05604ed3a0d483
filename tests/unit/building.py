"""Building blocks of unit tests: a small firm with one of everything, in domain words.

Each builder makes a valid thing and takes what a test wants otherwise.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID, uuid5

from canonical.base import Canonical
from canonical.masters import (
    COST_CENTRE,
    DimensionValue,
    Employee,
    LegalEntity,
    Project,
    Task,
)
from canonical.money import HourlyRate, Money
from canonical.posting import (
    PostedDocument,
    PostingIntent,
    PostingKind,
    PostingState,
    SourceLine,
    TimeLine,
)
from canonical.posting_period import PeriodDecision, PeriodState, PostingPeriod
from canonical.time_entry import Approval, TimeEntry, week_of
from rules.facts import Facts
from store.postings import Posting

DAY = date(2026, 10, 1)
NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
M = TypeVar("M", bound=Canonical)
_NAMES = UUID("00000000-0000-0000-0000-00000000feed")


def number(name: str | int) -> UUID:
    """An id that is the same for the same name."""
    return uuid5(_NAMES, str(name))


def _made(model: type[M], changes: Mapping[str, Any], **values: Any) -> M:
    return model(**{**values, **changes})


def time_line(**changes: Any) -> TimeLine:
    """One hour of employee 7 on task 13."""
    return _made(
        TimeLine,
        changes,
        legal_entity="1",
        employee="7",
        task="13",
        work_date=DAY,
        seconds=3600,
        note="design",
    )


def time_entry(entry_id: str = "100", **changes: Any) -> TimeEntry:
    """One approved, billable hour of user u1 on task st1 of project sp1."""
    day = changes.get("work_date", DAY)
    return _made(
        TimeEntry,
        changes,
        connection="harvest",
        id=entry_id,
        timesheet=f"u1-{week_of(day)}",
        employee="u1",
        customer="sc1",
        project="sp1",
        task="st1",
        work_date=day,
        seconds=3600,
        billable=True,
        bill_rate=HourlyRate(amount=Decimal("120.00"), currency="EUR"),
        note=f"work {entry_id}",
        approval=Approval(),
        changed_at=NOON,
    )


def posting_intent(key: str = "posting", **changes: Any) -> PostingIntent:
    """An intent to post `time_line()`."""
    return _made(
        PostingIntent,
        changes,
        key=number(key),
        reference=f"L{number(key).hex[:20].upper()}",
        target="tryton",
        source=SourceLine(connection="harvest", object="time_entry", id="100", revision=1),
        kind=PostingKind.TIME,
        legal_entity="DE01",
        period=PeriodDecision(posting_date=DAY, period="2026-10", original_date=DAY),
        value=Money(amount=Decimal("120.00"), currency="EUR"),
        body=time_line(),
    )


def posting(intent: PostingIntent | None = None, **changes: Any) -> Posting:
    """A posting as the ledger holds it; PENDING and never sent unless a test says otherwise."""
    about = intent or posting_intent()
    values: dict[str, Any] = {
        "key": about.key,
        "reference": about.reference,
        "target": about.target,
        "connection": about.source.connection,
        "object": about.source.object,
        "source_id": about.source.id,
        "revision": about.source.revision,
        "kind": about.kind,
        "leg": about.leg,
        "amendment": about.amendment,
        "document_id": "u1-2026-09-28",
        "legal_entity": about.legal_entity,
        "seconds": getattr(about.body, "seconds", 0),
        "amount": about.value.amount,
        "currency": about.value.currency,
        "state": PostingState.PENDING,
        "fence": 0,
        "claimed_by": None,
        "sent_at": None,
        "unknown_since": None,
        "body_hash": about.body.body_hash,
        "intent_json": about.model_dump_json(),
        "erp_document_id": None,
        "attested_at": None,
        "case_id": None,
        "released": False,
        "corrects": about.corrects,
        "waits_for": None,
        "next_revision": None,
        "withdrawn": False,
        "claimed_ms_ago": None,
        "unknown_ms_ago": None,
        "approved_at": None,
    }
    return Posting(**values | changes)


def document(intent: PostingIntent, document_id: str = "501", **changes: Any) -> PostedDocument:
    """What the ERP shows of an intent that it carried out."""
    return _made(
        PostedDocument,
        changes,
        document_id=document_id,
        reference=intent.reference,
        body=intent.body,
    )


def period(name: str, state: PeriodState = PeriodState.OPEN, **changes: Any) -> PostingPeriod:
    """A month such as 2026-10, in the fiscal year of its calendar year."""
    starts_on = date.fromisoformat(f"{name}-01")
    after = (starts_on + timedelta(days=31)).replace(day=1)
    return _made(
        PostingPeriod,
        changes,
        connection="tryton",
        id=name,
        name=name,
        legal_entity="DE01",
        fiscal_year=name[:4],
        starts_on=starts_on,
        ends_on=after - timedelta(days=1),
        state=state,
    )


def legal_entity(code: str = "DE01", **changes: Any) -> LegalEntity:
    """A company that books in euros."""
    return _made(
        LegalEntity, changes, connection="tryton", id="1", code=code, name=code, currency="EUR"
    )


def employee(code: str = "E-7", **changes: Any) -> Employee:
    """A person of DE01 with a cost centre."""
    return _made(
        Employee,
        changes,
        connection="tryton",
        id="7",
        code=code,
        name="Quentin Tell-Nobody",
        email="quentin@northwind.example",
        legal_entity="DE01",
        cost_centre="CC-100",
    )


def project(code: str = "P-1", **changes: Any) -> Project:
    """A project of DE01."""
    return _made(
        Project, changes, connection="tryton", id="11", code=code, name=code, legal_entity="DE01"
    )


def task(name: str = "Design", **changes: Any) -> Task:
    """A task of project 11."""
    return _made(
        Task,
        changes,
        connection="tryton",
        id="13",
        code=f"T-{name}"[:9].strip(),
        name=name,
        project="11",
    )


def cost_centre(code: str = "CC-100", **changes: Any) -> DimensionValue:
    """A cost centre of DE01."""
    return _made(
        DimensionValue,
        changes,
        connection="tryton",
        id=code,
        code=code,
        name=code,
        legal_entity="DE01",
        dimension=COST_CENTRE,
    )


def facts(**changes: Any) -> Facts:
    """What is known of the small firm: u1 is E-7, sp1 is P-1, st1 is its task Design."""
    calendars: Mapping[str, Sequence[PostingPeriod]] = {"DE01": (period("2026-10"),)}
    known: dict[str, Any] = {
        "source": "harvest",
        "target": "tryton",
        "employees": {"u1": employee()},
        "projects": {"sp1": project()},
        "tasks": {"st1": task()},
        "source_employees": {"u1": employee(id="u1", cost_centre=None)},
        "source_projects": {"sp1": project(id="sp1")},
        "source_tasks": {"st1": task(id="st1", project="sp1")},
        "legal_entities": {"DE01": legal_entity()},
        "cost_centres": {("DE01", "CC-100"): cost_centre()},
        "calendars": calendars,
        "employees_by_code": {"E-7": employee()},
        "projects_by_code": {"P-1": project()},
        "tasks_by_code": {"T-Design": task()},
    }
    return Facts(**known | changes)
