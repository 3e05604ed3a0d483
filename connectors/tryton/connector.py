"""Tryton as the ERP: where time is posted to, its masters, and its calendar."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import httpx

from canonical.masters import Masters
from canonical.posting import PostedDocument, PostingIntent, PostingKind, PostingOutcome
from canonical.posting_period import PostingPeriod
from connectors.base.capabilities import GuardEvidence
from connectors.base.errors import ConnectionConfigError
from connectors.base.manifest import Manifest
from connectors.base.rate_budget import RateBudget
from connectors.tryton.client import Context, TrytonClient, TrytonOptions
from connectors.tryton.manifest import manifest_for
from connectors.tryton.master_mapping import Companies, Works, readable
from connectors.tryton.time_lines import TimeLines
from connectors.tryton.wire import (
    AnalyticAccountRow,
    CompanyRow,
    EmployeeRow,
    PeriodRow,
    ProjectWorkRow,
    Row,
    TimesheetWorkRow,
)

_SERIES: Final = "8.2"
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "timesheet.work": ("read", "write"),
    "timesheet.line": ("read", "create", "delete"),
    "company.company": ("read",),
    "company.employee": ("read",),
    "project.work": ("read",),
    "analytic_account.account": ("read",),
    "account.period": ("read",),
}


class Tryton:
    """PostingTarget, MasterDataSource and PostingCalendar for one Tryton database."""

    def __init__(self, options: TrytonOptions, client: TrytonClient) -> None:
        self._options: Final = options
        self._client: Final = client
        self._lines: Final = TimeLines(client, options.timeouts)
        self._manifest: Final = manifest_for(options.timeouts)

    @property
    def manifest(self) -> Manifest:
        return self._manifest

    async def close(self) -> None:
        await self._client.close()

    async def check(self) -> str:
        """Prove that the user may do and see all that posting needs; say who we are there.

        A user who sees only one company is refused: look-ups would miss the lines of the others,
        which would then be booked again.
        """
        version = await self._client.server_version()
        if version != _SERIES:
            raise ConnectionConfigError("server_version", f"series {version}, not {_SERIES}")
        seen = await self._client.read("model.res.user.get_preferences", True)  # noqa: FBT003
        if not isinstance(seen, dict) or seen.get("company_filter") != "all":
            raise ConnectionConfigError("company_filter", "the user does not see all companies")
        access = await self._client.read("model.ir.model.access.get_access", list(_NEEDED))
        missing = _missing(access)
        if missing:
            raise ConnectionConfigError("permission_missing", ", ".join(missing))
        companies = await self._companies()
        named = ", ".join(sorted(each.code for each in companies.all)) or "no company"
        return f"{self._options.user} at {self._options.database}, Tryton {version}: {named}"

    async def masters(self) -> Masters:
        """Read all companies' masters, a thousand records a call and none on its own."""
        companies = await self._companies()
        people = await self._all(EmployeeRow, "company.employee")
        works = Works(companies, await self._all(ProjectWorkRow, "project.work"))
        tasks = await self._all(TimesheetWorkRow, "timesheet.work")
        centres = await self._all(
            AnalyticAccountRow,
            "analytic_account.account",
            [["root.name", "=", self._options.cost_centre_root], ["type", "=", "normal"]],
        )
        return Masters(
            legal_entities=companies.all,
            customers=works.customers(),
            employees=readable(EmployeeRow, people, companies.employee),
            projects=works.projects(),
            tasks=readable(TimesheetWorkRow, tasks, works.task),
            dimension_values=readable(AnalyticAccountRow, centres, companies.cost_centre),
        )

    async def posting_periods(self) -> Sequence[PostingPeriod]:
        """Read the months of all companies' calendars; adjustment periods are left out."""
        companies = await self._companies()
        periods = await self._all(PeriodRow, "account.period", [["type", "=", "standard"]])
        return readable(PeriodRow, periods, companies.period)

    async def guard_evidence(self, intents: Sequence[PostingIntent]) -> GuardEvidence:
        """Read the stamps of all tasks of the call, in one call."""
        return await self._lines.stamps(intents) if intents else {}

    async def find(
        self, intents: Sequence[PostingIntent]
    ) -> Mapping[str, tuple[PostedDocument, ...]]:
        """Look lines up by reference, duplicates included; for UNDO by the line to take back."""
        if not intents:
            return {}
        undo = _kind(intents) is PostingKind.UNDO
        return await (self._lines.standing(intents) if undo else self._lines.carrying(intents))

    async def post(
        self,
        intents: Sequence[PostingIntent],
        evidence: GuardEvidence,
        *,
        last_byte_by: float | None = None,
    ) -> Sequence[PostingOutcome]:
        """Create or delete the lines with one write, all or nothing, and read back what is there.

        `evidence` has the stamps of all tasks; without one the call is refused before it leaves.
        """
        if not intents:
            return ()
        kind = _kind(intents)
        if len(intents) > self._manifest.operation(kind).bulk.lines_max:
            raise ValueError(f"{len(intents)} lines in one call")
        undo = kind is PostingKind.UNDO
        write = self._lines.take_back if undo else self._lines.book
        return await write(intents, evidence, last_byte_by)

    def documents_since(self, since: datetime | None) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through the lines that carry our reference; after an error, ask on for the page."""
        return self._lines.changed_since(since)

    def documents_between(
        self, legal_entity: str, first: date, last: date
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """List our lines of one company (its id) and window of work dates, for reconciliation."""
        return self._lines.between(legal_entity, first, last)

    async def _companies(self) -> Companies:
        found = await self._all(CompanyRow, "company.company")
        return Companies(self._options.connection, found)

    async def _all(self, kind: type[Row], model: str, domain: Sequence[Any] = ()) -> list[Any]:
        pages = self._client.pages(kind, model, domain, list, _ACTIVE_OR_NOT)
        return [value async for page in pages for value in page]


# Without it Tryton leaves inactive records out, leavers among them.
_ACTIVE_OR_NOT: Final[Context] = {"active_test": False}


def _kind(intents: Sequence[PostingIntent]) -> PostingKind:
    kinds = {intent.kind for intent in intents}
    entities = {intent.body.legal_entity for intent in intents}
    if len(kinds) != 1 or len(entities) != 1:
        raise ValueError("one call has lines of one kind and one legal entity")
    return kinds.pop()


def _missing(access: Any) -> list[str]:
    given = access if isinstance(access, dict) else {}
    return [
        f"{model} {right}"
        for model, rights in _NEEDED.items()
        for right in rights
        if not (given.get(model) or {}).get(right)
    ]


def connect(
    options: TrytonOptions,
    budget: RateBudget,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Tryton:
    """Make the connector of one Tryton database; nothing is sent yet."""
    return Tryton(options, TrytonClient(options, budget, transport))
