"""Building blocks of an intercompany pair: u1 of US01 works on project P-1 of DE01."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from activities.draft import Draft
from activities.drafting import Drafter
from activities.intents import Intents
from activities.line_checks import check_time
from canonical.contracts import ExchangeRate
from canonical.masters import CostRate
from canonical.money import HourlyRate
from canonical.posting import PostingKind, PostingState
from canonical.posting_period import PeriodState
from canonical.source_line import LineVersion
from rules.facts import Facts
from rules.policies import Policies
from store.postings import NewPosting, Posting
from tests.unit.building import (
    DAY,
    cost_centre,
    employee,
    facts,
    legal_entity,
    period,
    posting,
    project,
    task,
)

INTENTS = Intents("northwind", {"tryton": {PostingKind.TIME}})
OWN_TASK = "T-LENT"
TERMS = {
    "task": OWN_TASK,
    "due_from_account": "1480",
    "charge_account": "4460",
    "expense_account": "6460",
    "due_to_account": "1780",
}
# One dollar is 0.92 euros; an hour costs 50 dollars, and 10 % are added to it.
DOLLAR = ExchangeRate(
    source_currency="USD", target_currency="EUR", rate=Decimal("0.92"), on_date=DAY, origin="ECB"
)
COST = CostRate(employee="7", valid_from=None, rate=HourlyRate(amount=Decimal(50), currency="USD"))


def policies(one_leg_failed: str = "HOLD", closed_period: str = "HOLD", **terms: str) -> Policies:
    """US01 lends its people to DE01."""
    billing = {
        "version": "2026",
        "intercompany_markup_percent": "10",
        "intercompany_one_leg_failed": one_leg_failed,
        "intercompany": {"DE01": {**TERMS, **terms}},
    }
    entities = {
        "US01": {"billing": billing, "closed_period": closed_period},
        "DE01": {"closed_period": closed_period},
    }
    return Policies.model_validate({"legal_entities": entities})


def lent(**changes: Any) -> Facts:
    """What is known of both companies."""
    own = task("Lent", id="23", code=OWN_TASK, project="21", legal_entity="US01")
    worker = employee(legal_entity="US01")
    known: dict[str, Any] = {
        "employees": {"u1": worker},
        "employees_by_code": {"E-7": worker},
        "projects_by_code": {"P-1": project()},
        "tasks_by_code": {"T-Design": task(legal_entity="DE01"), OWN_TASK: own},
        "legal_entities": {
            "DE01": legal_entity(),
            "US01": legal_entity("US01", id="2", currency="USD"),
        },
        "cost_centres": {
            (entity, "CC-100"): cost_centre(legal_entity=entity) for entity in ("DE01", "US01")
        },
        "calendars": calendars(),
        "cost_rates": {"7": (COST,)},
        "exchange_rates": (DOLLAR,),
    }
    return facts(**known | changes)


def calendars(
    *, de01: PeriodState = PeriodState.OPEN, us01: PeriodState = PeriodState.OPEN
) -> Mapping[str, Any]:
    """October of both companies, in these states, and November, open."""
    return {
        entity: (
            period("2026-10", state, legal_entity=entity),
            period("2026-11", legal_entity=entity),
        )
        for entity, state in (("DE01", de01), ("US01", us01))
    }


def draft(
    lines: list[LineVersion],
    postings: list[Posting] | None = None,
    *,
    known: Facts | None = None,
    by: Policies | None = None,
    amended: dict[tuple[str, int], dict[str, str]] | None = None,
    billed: Collection[tuple[str, int]] = (),
) -> Draft:
    """Prepare a timesheet once."""
    drafter = Drafter(known or lent(), by or policies(), INTENTS, check_time, billed=billed)
    return drafter.draft(lines, postings or [], amended or {})


def held(new: NewPosting, state: PostingState | None = None, **changes: Any) -> Posting:
    """A drafted posting as the ledger holds it later: in its own state, or in another."""
    assert new.intent is not None
    now = state or new.state
    at_least: dict[str, Any] = {}
    if now in (PostingState.POSTED, PostingState.REVERSED):
        at_least = {"fence": 1, "erp_document_id": f"doc of {new.leg}"}
    return posting(new.intent, **{"state": now, **at_least, **changes})
