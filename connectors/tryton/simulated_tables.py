"""Master data of a simulated Tryton as tables of records, relations resolved."""

from collections.abc import Mapping
from typing import Any, Final

from connectors.tryton.simulated_state import SimulatedProject, SimulatedState, SimulatedTask

Table = dict[int, dict[str, Any]]
DONE: Final = 1.0
_STATUS: Final = "project.work.status"


class TableBuilder:
    """Builds the tables. Ids count from 1 per table, in the order of the state."""

    def __init__(self, state: SimulatedState, stamp: str) -> None:
        self._state: Final = state
        self._stamp: Final = stamp
        self._parties: Final[dict[str, dict[str, Any]]] = {}
        self._companies: Final[dict[str, int]] = {}
        self.tables: Final[dict[str, Table]] = {
            "party.party": {},
            "company.company": {},
            "company.employee": {},
            "company.employee_cost_price": {},
            "project.work": {},
            "project.work.status": {},
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
        for name, progress in (("Open", None), ("Done", DONE)):
            self._add(_STATUS, name=name, progress=progress, types=["project", "task"])
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
        record = {"id": len(table) + 1, "rec_name": None, "_timestamp": self._stamp, **values}
        table[record["id"]] = record
        return record

    def _currency(self, code: str) -> dict[str, Any]:
        known = self.tables["currency.currency"].values()
        found = next((each for each in known if each["code"] == code), None)
        return found or self._add("currency.currency", code=code, name=code, active=True)

    def _party(self, code: str, name: str, email: str) -> dict[str, Any]:
        return self._add(
            "party.party",
            code=code,
            name=name,
            active=True,
            email=email,
            **mechanisms_of(email),
        )

    def _employ(self) -> None:
        for person in self._state.employees:
            party = self._party(person.code, person.name, person.email)
            employee = self._add(
                "company.employee",
                rec_name=person.name,
                party=party["id"],
                company=self._companies[person.company],
                start_date=person.start_date,
                end_date=person.end_date,
                **{"party.": party},
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
        status = self.tables[_STATUS][2 if planned.done else 1]
        work = self._add(
            "project.work",
            type=kind,
            number=planned.number,
            name=planned.name,
            company=company,
            parent=parent,
            comment=None,
            progress=status["progress"],
            status=status["id"],
            party=party and party["id"],
            **{"party.": party, "status.": status},
        )
        task = planned if isinstance(planned, SimulatedTask) else None
        sheets = self.tables["timesheet.work"]
        sheet = timesheet_of(work, len(sheets) + 1, self._stamp)
        sheets[sheet["id"]] = sheet
        if task is not None:
            sheet["timesheet_start_date"] = task.timesheet_start_date
            sheet["timesheet_end_date"] = task.timesheet_end_date
        number: int = work["id"]
        return number

    def _root(self, company: int) -> dict[str, Any]:
        return self._add(
            "analytic_account.account",
            company=company,
            code=None,
            name="Cost centre",
            state="opened",
            type="root",
            active=True,
            root=None,
            parent=None,
            **{"root.": None},
        )

    def _open_books(self) -> None:
        roots = {code: self._root(company) for code, company in self._companies.items()}
        for centre in self._state.cost_centres:
            self._add(
                "analytic_account.account",
                company=self._companies[centre.company],
                code=centre.code,
                name=centre.name,
                state=centre.state,
                type="normal",
                active=True,
                root=roots[centre.company]["id"],
                parent=roots[centre.company]["id"],
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


def mechanisms_of(email: str | None) -> dict[str, Any]:
    """How a party is reached: by one address, or none."""
    found = [{"value": email}] if email else []
    return {"contact_mechanisms": [1] if email else [], "contact_mechanisms.": found}


def timesheet_of(work: Mapping[str, Any], number: int, stamp: str) -> dict[str, Any]:
    """What time is booked on for a project or task."""
    return {
        "id": number,
        "rec_name": work["name"],
        "origin": f"project.work,{work['id']}",
        "company": work["company"],
        "timesheet_start_date": None,
        "timesheet_end_date": None,
        "_timestamp": stamp,
    }
