"""Correction plans: what HR said too late is no silent edit, but a plan that a person approves."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from activities.case_openings import CaseOpenings
from activities.master_causes import root_cause_of
from canonical.cross_reference import MasterKind
from canonical.exception_case import Cause
from canonical.masters import CostCentreAssignment
from rules.policies import Policies
from store import cases, correction_plans, master_identities, master_issues
from store.correction_plans import PostedTime
from store.database import Connection
from store.master_issues import Issue
from store.postings import Who


async def plan_corrections(
    connection: Connection,
    opening: tuple[str, Policies],
    hr: str,
    since: Mapping[str, date],
    assignments: Sequence[CostCentreAssignment],
) -> int:
    """Open a case for each person whose posted time HR puts elsewhere now; gives how many.

    `opening` is the tenant and its policies, by which cases open.
    """
    tenant, policies = opening
    posted = await correction_plans.posted_since(connection, hr, since)
    known = await master_identities.known(connection, MasterKind.EMPLOYEE, hr, list(posted))
    by_person: dict[str, list[CostCentreAssignment]] = {}
    for one in sorted(assignments, key=lambda it: it.valid_from):
        by_person.setdefault(one.employee, []).append(one)
    issues = [
        issue
        for person, lines in posted.items()
        if person in known
        for issue in _issues(
            known[person].record.code, person, hr, lines, by_person.get(person, ())
        )
    ]
    who = Who("master data sync", "HR said it later", f"masters/{MasterKind.EMPLOYEE}")
    now = datetime.now(UTC)
    openings = [
        CaseOpenings(tenant, policies, hr, one.connection).of(
            root_cause_of(MasterKind.EMPLOYEE, hr, one), now
        )
        for one in issues
    ]
    found = await cases.open_cases(connection, openings, who)
    kept = [(one, found[it.root_cause]) for one, it in zip(issues, openings, strict=True)]
    await master_issues.keep(connection, MasterKind.EMPLOYEE, hr, kept)
    return len(kept)


def _issues(
    code: str,
    person: str,
    hr: str,
    lines: Sequence[PostedTime],
    assignments: Sequence[CostCentreAssignment],
) -> list[Issue]:
    """One plan per ERP and legal entity: the lines that are booked elsewhere than HR says."""
    wrong: dict[tuple[str, str], list[tuple[PostedTime, str]]] = {}
    for line in lines:
        valid = [one for one in assignments if one.valid_from <= line.work_date]
        wanted = valid[-1].cost_centre if valid else None
        if wanted is not None and wanted != line.cost_centre:
            wrong.setdefault((line.target, line.legal_entity), []).append((line, wanted))
    return [
        Issue(
            owner_id=person,
            code=code,
            legal_entity=entity,
            connection=target,
            cause=Cause.RETROACTIVE_CHANGE,
            field="cost_centre",
            field_owner=hr,
            owner_value=", ".join(sorted({wanted for _, wanted in found})),
            value=", ".join(sorted({line.cost_centre for line, _ in found})),
            candidates=tuple(str(line.key) for line, _ in found),
        )
        for (target, entity), found in sorted(wrong.items())
    ]
