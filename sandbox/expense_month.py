"""The firm's expenses of a month as Concur has them approved: every kind, and not all in order."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

from connectors.concur.simulated_company import SimulatedConcur
from connectors.concur.simulated_documents import CostObjects, EntryTax, cash_advance, entry, report
from connectors.concur.simulated_state import CompanyState, SimulatedUser
from sandbox.firm import OLD_PRACTICE, Employee, Firm, Project

Entry = dict[str, Any]
_COUNTRY: Final = {"EUR": "DE", "USD": "US"}
PER_DIEM_TYPE: Final = "PERDM"
# Expense types by what they are: code, and the name that people see.
_TAXI = ("TAXIX", "Taxi")
_TRAIN = ("TRAIN", "Train")
_FLIGHT = ("AIRFR", "Airfare")
_CAR = ("CARRT", "Car Rental")
_ROOM = ("LODNG", "Room Rate")
_BREAKFAST = ("BRKFT", "Breakfast")
_DINNER = ("DINNR", "Dinner")
_PHONE = ("CELPH", "Mobile Phone")
_MILEAGE = ("MILEG", "Personal Car Mileage")
_ALLOWANCE = (PER_DIEM_TYPE, "Daily Allowance")
_MOVIE = ("ENTOT", "Entertainment-Other")


@dataclass(frozen=True)
class Claimant:
    """A person with what their claims have in common."""

    number: int
    employee: Employee
    days: tuple[date, ...]
    project: Project

    @property
    def currency(self) -> str:
        """In which the person is reimbursed."""
        return self.employee.legal_entity.currency

    @property
    def country(self) -> str:
        """Where the person's legal entity is."""
        return _COUNTRY[self.currency]

    @property
    def cost(self) -> CostObjects:
        """What a claim is booked for unless it says something else."""
        return CostObjects(self.employee.legal_entity.code, self.employee.cost_centre.code)

    def spent(self, number: int, amount: str, day: int, **more: Any) -> Entry:
        """One entry of the person's, in their own currency."""
        facts: dict[str, Any] = {
            "currency": self.currency,
            "country": self.country,
            "cost": self.cost,
            **more,
        }
        when = self.days[day % len(self.days)]
        return entry(f"E{self.number:03}{number:02}", Decimal(amount), when, **facts)

    def tax(self, code: str, amount: str) -> EntryTax | None:
        """A tax that is recovered in full, where there is one."""
        if self.country != "DE":
            return None
        return EntryTax(code, Decimal(amount), Decimal(amount))


Shape = Callable[[Claimant], list[Entry]]


def _cash(who: Claimant) -> list[Entry]:
    return [
        who.spent(1, "34.50", 0, kind=_TAXI, tax=who.tax("VAT7", "2.26"), receipt="T"),
        who.spent(2, "118.90", 1, kind=_TRAIN, tax=who.tax("VAT7", "7.78"), receipt="T"),
        who.spent(3, "12.00", 2, kind=_TAXI, receipt="N"),
    ]


def _hotel(who: Claimant) -> list[Entry]:
    return [
        who.spent(1, "267.50", 3, kind=_ROOM, tax=who.tax("VAT7", "17.50"), receipt="T"),
        who.spent(2, "23.80", 3, kind=_BREAKFAST, tax=who.tax("VAT19", "3.80"), receipt="T"),
        who.spent(3, "35.70", 4, kind=_DINNER, tax=who.tax("VAT19", "5.70"), receipt="T"),
    ]


def _card(who: Claimant) -> list[Entry]:
    return [
        who.spent(1, "412.30", 5, kind=_FLIGHT, paid_with="CBCP"),
        who.spent(2, "86.10", 5, kind=_CAR, paid_with="CBCP"),
    ]


def _card_and_cash(who: Claimant) -> list[Entry]:
    return [
        who.spent(1, "295.00", 6, kind=_FLIGHT, paid_with="CBCP"),
        who.spent(2, "41.20", 6, kind=_TAXI),
    ]


def _personal_on_card(who: Claimant) -> list[Entry]:
    return [
        who.spent(1, "250.00", 7, kind=_ROOM, paid_with="CBCP"),
        who.spent(2, "14.00", 7, kind=_MOVIE, paid_with="CBCP", personal=True),
        who.spent(3, "35.00", 8, kind=_TAXI),
    ]


def _own_card(who: Claimant) -> list[Entry]:
    return [
        who.spent(1, "176.40", 8, kind=_CAR, paid_with="IBCP"),
        who.spent(2, "22.60", 8, kind=_DINNER, paid_with="IBIP"),
    ]


def _billable(who: Claimant) -> list[Entry]:
    on_project = CostObjects(
        who.employee.legal_entity.code, who.employee.cost_centre.code, who.project.code
    )
    return [
        who.spent(1, "389.00", 9, kind=_FLIGHT, billable=True, cost=on_project),
        who.spent(2, "61.30", 9, kind=_TAXI, billable=True, cost=on_project),
        who.spent(3, "18.75", 10, kind=_BREAKFAST),
    ]


def _allocated(who: Claimant) -> list[Entry]:
    """A phone bill that two cost centres share, three to two, with a cent that does not divide."""
    shared = who.spent(1, "49.99", 11, kind=_PHONE)
    (whole,) = shared["allocation"]
    other = CostObjects(who.employee.legal_entity.code, "CC-200")
    shared["allocation"] = [
        _part(whole, "1", 60, Decimal("29.99"), who.cost),
        _part(whole, "2", 40, Decimal("20.00"), other),
    ]
    return [shared, who.spent(2, "9.90", 12, kind=_TAXI)]


def _mileage(who: Claimant) -> list[Entry]:
    driven = who.spent(1, "63.00", 12, kind=_MILEAGE, receipt="N")
    driven["mileage"] = {"totalDistance": 210, "personalDistance": 0}
    return [driven]


def _allowances(who: Claimant) -> list[Entry]:
    days = [who.spent(n, "28.00", 12 + n, kind=_ALLOWANCE, receipt="N") for n in (1, 2)]
    for one in days:
        one["entryLocationName"] = "Hamburg" if who.country == "DE" else "Denver"
    return days


def _abroad(who: Claimant) -> list[Entry]:
    """Spent in pounds: the rate of the day is the source's, and stays with the line."""
    abroad = who.spent(1, "141.18", 14, kind=_ROOM, country="GB")
    abroad |= {
        "entryCurrAlphaCode": "GBP",
        "reportEntryTransactionAmount": Decimal("120.00"),
        "entryExchangeRate": Decimal("1.1765"),
    }
    return [abroad]


def _refund(who: Claimant) -> list[Entry]:
    return [who.spent(1, "-75.40", 15, kind=_ROOM)]


def _nothing_owed(who: Claimant) -> list[Entry]:
    return [who.spent(1, "505.25", 16, kind=_FLIGHT, paid_with="CBCP")]


SHAPES: Final[tuple[Shape, ...]] = (
    *(_cash, _hotel, _card, _card_and_cash, _personal_on_card, _own_card, _billable, _allocated),
    *(_mileage, _allowances, _abroad, _refund, _nothing_owed),
)


@dataclass(frozen=True)
class ExpenseMonth:
    """The month's documents, and which of them are not in order."""

    firm: Firm

    def company(self) -> CompanyState:
        """The firm's company in Concur, with the month's documents approved."""
        company = SimulatedConcur(CompanyState(users=self._users()))
        for document in self.documents():
            company.release(document)
        return company.state()

    def _users(self) -> tuple[SimulatedUser, ...]:
        return tuple(
            SimulatedUser(
                login=person.email,
                given_name=person.given_name,
                family_name=person.family_name,
                email=person.email,
                employee_number=person.code,
                start_date=person.started_on,
                cost_centre=person.cost_centre.code,
                legal_entity=person.legal_entity.code,
            )
            for person in self.firm.employees
        )

    def documents(self) -> list[dict[str, Any]]:
        """All documents: a report of every shape, advances in each legal entity, and troubles."""
        return [*self._reports(), *self._advances(), *self._troubles()]

    def claimants(self) -> list[Claimant]:
        """Everybody who may claim: not who left, and not on the closed cost centre."""
        people = [
            one
            for one in self.firm.employees
            if one.ended_on is None and one.cost_centre != OLD_PRACTICE
        ]
        return [self._claimant(number, person) for number, person in enumerate(people)]

    def _claimant(self, number: int, person: Employee) -> Claimant:
        projects = [
            one
            for one in self.firm.projects_of(person.legal_entity)
            if one.known_to_erp and not one.done_in_erp
        ]
        return Claimant(
            number, person, self.firm.month.working_days(), projects[number % len(projects)]
        )

    def _reports(self) -> Iterator[dict[str, Any]]:
        """One of each shape, shared out among the legal entities and their people."""
        teams = [
            [one for one in self.claimants() if one.employee.legal_entity == entity]
            for entity in self.firm.legal_entities
        ]
        for number, shape in enumerate(SHAPES):
            turn, team = divmod(number, len(teams))
            who = teams[team][turn % len(teams[team])]
            yield self.report(f"{who.employee.legal_entity.code}{number:02}", who, shape(who))

    def _advances(self) -> Iterator[dict[str, Any]]:
        """An advance that is paid out in each legal entity, and the report that uses it up."""
        for entity in self.firm.legal_entities:
            who = next(one for one in self.claimants() if one.employee.legal_entity == entity)
            advance_id = f"ADV-{entity.code}-{self.firm.month.name}"
            yield cash_advance(
                advance_id,
                who.employee.code,
                Decimal("300.00"),
                self._at(who.days[0]),
                currency=who.currency,
            )
            yield self.report(
                f"{entity.code}AD",
                who,
                [who.spent(91, "245.00", 17, kind=_CAR), who.spent(92, "70.00", 17, kind=_DINNER)],
                advances=((advance_id, Decimal("300.00")),),
            )

    def _troubles(self) -> Iterator[dict[str, Any]]:
        """What a person has to look at: a closed cost centre, an unknown project, none at all."""
        german = [one for one in self.claimants() if one.country == "DE"]
        american = [one for one in self.claimants() if one.country == "US"]
        closed = CostObjects("DE01", OLD_PRACTICE.code)
        yield self.report(
            "DE01OLD", german[1], [german[1].spent(93, "58.00", 18, kind=_TRAIN, cost=closed)]
        )
        yield self.report(
            "DE01NOP",
            german[2],
            [german[2].spent(95, "134.60", 18, kind=_TRAIN, billable=True)],
        )
        unknown = CostObjects("US01", american[1].employee.cost_centre.code, "PRJ-1090")
        yield self.report(
            "US01UNK",
            american[1],
            [american[1].spent(94, "212.00", 18, kind=_FLIGHT, billable=True, cost=unknown)],
        )

    def report(
        self,
        number: str,
        who: Claimant,
        entries: Sequence[Entry],
        advances: Sequence[tuple[str, Decimal]] = (),
    ) -> dict[str, Any]:
        """One report, approved on the evening of the month's last working day."""
        return report(
            f"{number}{self.firm.month.name.replace('-', '')}",
            who.employee.code,
            entries,
            self._at(self.firm.month.working_days()[-1]),
            currency=who.currency,
            country=who.country,
            cost=who.cost,
            approver=f"{who.employee.legal_entity.code}-EMP-099",
            advances=advances,
        )

    def _at(self, day: date) -> datetime:
        return datetime.combine(day, time(17, 30), UTC)


def _part(
    whole: Entry, number: str, share: int, gross: Decimal, cost: CostObjects
) -> dict[str, Any]:
    (row,) = whole["journal"]
    return {
        "allocationId": f"{whole['allocationId']}-{number}",
        "allocationPercentage": share,
        **cost.fields("allocationCustom"),
        "journal": [
            {**row, "amountGross": gross, "amountNetOfTax": gross, "amountNetOfReclaim": gross}
        ],
        "tax": [],
    }
