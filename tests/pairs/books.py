"""What a firm's books hold of ours, told in the firm's own codes, and what is wrong with them.

Written apart from what it checks: the books are read out of the simulated ERP's own records, the
expectation out of the sources' own, and neither passes a connector, a rule or the ledger.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.base.http import exact_json
from connectors.concur.simulated_state import SimulatedDocument
from sandbox.month import FirmAccount
from tests.pairs.sources import Sources

Amounts = frozenset[tuple[str, Decimal]]


@dataclass(frozen=True, slots=True)
class Work:
    """One line of time; the note tells which one."""

    person: str
    project: str
    task: str
    day: date
    seconds: int
    note: str


@dataclass(frozen=True, slots=True)
class Claim:
    """One expense report: what is owed, what it cost by cost centre and recovered by tax.

    `passed_on` is what customers are charged, by project.
    """

    report: str
    person: str
    legal_entity: str
    currency: str
    owed: Decimal
    costs: Amounts
    taxes: Amounts
    passed_on: Amounts
    day: date


@dataclass(frozen=True, slots=True)
class Bill:
    """One customer invoice; a credit note's amounts are below nothing."""

    engagement: str
    customer: str
    net: Decimal
    total: Decimal
    currency: str
    day: date


@dataclass(slots=True)
class Books:
    """Everything of ours. `troubles` is what no firm wants in its books: drafts, halves."""

    work: list[Work] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    bills: list[Bill] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def findings(expected: Books, booked: Books) -> list[str]:
    """Everything that is missing, too much or different, each in a sentence."""
    return [
        *booked.troubles,
        *_differences("work", expected.work, booked.work),
        *_differences("claim", expected.claims, booked.claims),
        *_differences("bill", expected.bills, booked.bills),
    ]


def _differences(what: str, expected: Iterable[Any], booked: Iterable[Any]) -> Iterator[str]:
    wanted, there = Counter(expected), Counter(booked)
    for one, times in sorted((wanted - there).items(), key=str):
        yield f"{what} is missing {times} times: {one}"
    for one, times in sorted((there - wanted).items(), key=str):
        yield f"{what} is {times} times too many: {one}"


def work_of(sources: Sources) -> list[Work]:
    """What Harvest has approved."""
    firm, masters = sources.firm, FirmAccount(sources.firm)
    people = {masters.user_id(one): one.code for one in firm.employees}
    projects = {masters.project_id(one): one.code for one in firm.projects}
    tasks = {masters.task_id(name): name for name in firm.task_names}
    shown, _ = sources.account.entries(lambda _: True)
    return [
        Work(
            person=people[one.facts.user_id],
            project=projects[one.facts.project_id],
            task=tasks[one.facts.task_id],
            day=one.facts.spent_date,
            seconds=int(one.facts.hours * 3600),
            note=str(one.facts.notes),
        )
        for one in shown
        if one.facts.is_closed and not one.facts.is_running
    ]


def claims_of(sources: Sources, reports: Sequence[str]) -> list[Claim]:
    """What Concur has approved of these documents."""
    return [_claim(sources.company.document(one)) for one in reports]


def _claim(document: SimulatedDocument) -> Claim:
    content: dict[str, Any] = exact_json(document.content)
    head = content["report"]
    costs: dict[str, Decimal] = defaultdict(Decimal)
    taxes: dict[str, Decimal] = defaultdict(Decimal)
    passed_on: dict[str, Decimal] = defaultdict(Decimal)
    owed = Decimal(0)
    for entry in content["expenseEntry"]:
        for part in entry["allocation"]:
            rows = [row for row in part["journal"] if row["journalPayer"] == "COMP"]
            owed += sum(Decimal(row["amountGross"]) for row in rows if _to_employee(row))
            # What is personal and on the company's card is the employee's own debt.
            if entry["entryIsPersonal"] == "Y":
                continue
            cost = sum((Decimal(row["amountGross"]) for row in rows), Decimal(0))
            for tax in part["tax"]:
                cost -= Decimal(tax["amountReclaim"])
                taxes[tax["taxReclaimCode"]] += Decimal(tax["amountReclaim"])
            costs[part["allocationCustom4Code"]] += cost
            if entry["entryIsBillable"] == "Y":
                passed_on[part["allocationCustom5Code"]] += cost
    return Claim(
        report=head["reportNumber"],
        person=content["employee"]["employeeId"],
        legal_entity=head["reportOrgUnit2Code"],
        currency=head["employeeCurrencyAlphaCode"],
        owed=owed,
        costs=amounts(costs),
        taxes=amounts(taxes),
        passed_on=amounts(passed_on),
        # A report is of the day of its last cost.
        day=max(date.fromisoformat(one["entryDate"][:10]) for one in content["expenseEntry"]),
    )


def _to_employee(row: Mapping[str, Any]) -> bool:
    return bool(row["journalPayee"] == "EMPL")


def amounts(by_code: Mapping[str, Decimal]) -> Amounts:
    """Amounts by code, those of nothing left out."""
    return frozenset((code, Decimal(one)) for code, one in by_code.items() if one)
