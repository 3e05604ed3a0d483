"""Master data of a simulated Tryton as tables of records, relations resolved."""

from collections.abc import Mapping
from itertools import count
from typing import Any, Final

from connectors.tryton.simulated_state import SimulatedProject, SimulatedState, SimulatedTask

Table = dict[int, dict[str, Any]]


class TableBuilder:
    """Builds the tables. Ids count from 1 per table, in the order of the state."""

    def __init__(self, state: SimulatedState, stamp: str) -> None:
        self._state: Final = state
        self._stamp: Final = stamp
        self._parties: Final[dict[str, dict[str, Any]]] = {}
        self._companies: Final[dict[str, int]] = {}
        self._party_ids: Final = count(1)
        self._work_ids: Final = count(1)
        self.tables: Final[dict[str, Table]] = {
            "company.company": {},
            "company.employee": {},
            "company.employee_cost_price": {},
            "project.work": {},
            "timesheet.work": {},
            "analytic_account.account": {},
            "account.period": {},
            "currency.currency": {},
            "currency.currency.rate": {},
            # It books no expenses and keeps no journal: these are here to be found empty.
            "account.account": {},
            "account.tax": {},
            "account.invoice": {},
            "account.move": {},
            "project.disbursement": {},
        }

    def build(self) -> Mapping[str, Table]:
        """Give all tables."""
        for company in self._state.companies:
            record = self._add(
                "company.company",
                **{
                    "party.": self._party(company.code, company.name, ""),
                    "currency.": self._currency(company.currency),
                },
            )
            self._companies[company.code] = record["id"]
        for customer in self._state.customers:
            self._parties[customer.code] = self._party(customer.code, customer.name, "")
        self._employ()
        for project in self._state.projects:
            self._plan(project)
        self._open_books()
        for one in self._state.rates:
            currency = self._currency(one.currency)["id"]
            self._add("currency.currency.rate", currency=currency, date=one.date, rate=one.rate)
        return self.tables

    def _add(self, model: str, **values: Any) -> dict[str, Any]:
        table = self.tables[model]
        record = {"id": len(table) + 1, "rec_name": None, **values}
        table[record["id"]] = record
        return record

    def _currency(self, code: str) -> dict[str, Any]:
        known = self.tables["currency.currency"].values()
        found = next((each for each in known if each["code"] == code), None)
        return found or self._add("currency.currency", code=code, name=code, active=True)

    def _party(self, code: str, name: str, email: str) -> dict[str, Any]:
        number = next(self._party_ids)
        return {"id": number, "code": code, "name": name, "active": True, "email": email}

    def _employ(self) -> None:
        for person in self._state.employees:
            employee = self._add(
                "company.employee",
                rec_name=person.name,
                company=self._companies[person.company],
                start_date=person.start_date,
                end_date=person.end_date,
                **{"party.": self._party(person.code, person.name, person.email)},
            )
            for price in person.cost_prices:
                self._add(
                    "company.employee_cost_price",
                    date=price.date,
                    cost_price=price.cost_price,
                    **{"employee.": employee},
                )

    def _plan(self, project: SimulatedProject) -> None:
        party = self._parties[project.customer] if project.customer else None
        company = self._companies[project.company]
        above = self._work(company, project, "project", None, party)
        for task in project.tasks:
            self._work(company, task, "task", above, None)

    def _work(
        self,
        company: int,
        planned: SimulatedProject | SimulatedTask,
        kind: str,
        parent: int | None,
        party: dict[str, Any] | None,
    ) -> int:
        number: int = self._add(
            "project.work",
            type=kind,
            number=planned.number,
            name=planned.name,
            company=company,
            parent=parent,
            party=party and party["id"],
            **{
                "party.": party,
                "status.": {"id": 2, "progress": 1.0} if planned.done else _OPEN,
            },
        )["id"]
        task = planned if isinstance(planned, SimulatedTask) else None
        self._add(
            "timesheet.work",
            rec_name=planned.name,
            origin=f"project.work,{number}",
            company=company,
            timesheet_start_date=task and task.timesheet_start_date,
            timesheet_end_date=task and task.timesheet_end_date,
            _timestamp=self._stamp,
        )
        return number

    def _open_books(self) -> None:
        roots = {code: {"id": n, "name": "Cost centre"} for n, code in enumerate(self._companies)}
        for centre in self._state.cost_centres:
            self._add(
                "analytic_account.account",
                company=self._companies[centre.company],
                code=centre.code,
                name=centre.name,
                state=centre.state,
                type="normal",
                active=True,
                **{"root.": roots[centre.company]},
            )
        for period in self._state.periods:
            self._add(
                "account.period",
                company=self._companies[period.company],
                name=period.name,
                start_date=period.start_date,
                end_date=period.end_date,
                state=period.state,
                type="standard",
                **{"fiscalyear.": {"id": 1, "name": period.fiscal_year}},
            )


_OPEN: Final = {"id": 1, "progress": None}
