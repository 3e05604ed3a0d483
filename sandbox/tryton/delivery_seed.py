"""The delivery half of the ERP's master data: customers, employees, projects and their tasks."""

from collections.abc import Mapping, Sequence

from sandbox.firm import Customer, Employee, Project
from sandbox.tryton.accounting_seed import LIST_PRICE, Catalogue, Ledger
from sandbox.tryton.json_rpc import ErpError, JsonRpcSession, Values

PROJECT_PREFIX = "PRJ-"
# Tryton numbers projects and tasks out of one sequence and lets nobody choose. So projects are
# created first, in the firm's order, with the sequence set to the first project's code; tasks
# follow far above, and then the sequence goes back to where the next new project belongs.
FIRST_TASK_NUMBER = 5001
NEXT_PROJECT_NUMBER = 2001
OPEN_STATUS, DONE_STATUS = "Open", "Done"


class DeliverySeed:
    """Creates parties, people and works for companies whose books are open."""

    def __init__(self, session: JsonRpcSession) -> None:
        self._erp = session

    async def create_customers(
        self, customers: Sequence[Customer], catalogue: Catalogue
    ) -> dict[str, int]:
        """Create customers and return their parties by code."""
        parties = await self._erp.create(
            "party.party",
            [
                {
                    "name": customer.name,
                    "code": customer.code,
                    "customer_payment_term": catalogue.payment_term,
                    "addresses": [["create", [_address(customer.street, customer.city)]]],
                }
                for customer in customers
            ],
        )
        return {customer.code: party for customer, party in zip(customers, parties, strict=True)}

    async def create_employees(self, ledger: Ledger, employees: Sequence[Employee]) -> None:
        """Create one company's people, who are found by e-mail or by their party's code."""
        erp = self._erp
        erp.work_for(ledger.company)
        parties = await erp.create(
            "party.party",
            [
                {
                    "name": employee.name,
                    "code": employee.code,
                    "addresses": [["create", [{}]]],
                    "contact_mechanisms": [
                        ["create", [{"type": "email", "value": employee.email}]]
                    ],
                }
                for employee in employees
            ],
        )
        await erp.create(
            "company.employee",
            [
                {
                    "party": party,
                    "company": ledger.company,
                    "start_date": employee.started_on,
                    "end_date": employee.ended_on,
                    "cost_prices": [["create", [_cost_price(employee)]]],
                }
                for employee, party in zip(employees, parties, strict=True)
            ],
        )

    async def create_projects(
        self,
        projects: Sequence[Project],
        ledgers: Mapping[str, Ledger],
        customers: Mapping[str, int],
        catalogue: Catalogue,
    ) -> None:
        """Create the projects that the ERP knows; each one's number is its code, or ErpError."""
        known = [project for project in projects if project.known_to_erp]
        await self._number_from(int(known[0].code.removeprefix(PROJECT_PREFIX)))
        ids: dict[str, int] = {}
        for project in known:
            ledger = ledgers[project.legal_entity.code]
            self._erp.work_for(ledger.company)
            values = {
                **_work(project.name, ledger, catalogue),
                "type": "project",
                "party": customers[project.customer.code],
                # Hours are billed from outside, and never by Tryton's own way of doing so.
                "project_invoice_method": "manual",
                "account_disbursement": ledger.disbursement,
                "disbursement_journals": [
                    ["create", [{"currency": ledger.currency, "journal": ledger.payment_journal}]]
                ],
            }
            (ids[project.code],) = await self._erp.create("project.work", [values])
        await self._verify_numbers(ids)
        await self._number_from(FIRST_TASK_NUMBER)
        for project in known:
            ledger = ledgers[project.legal_entity.code]
            await self._create_tasks(project, ids[project.code], ledger, catalogue)
        await self._number_from(NEXT_PROJECT_NUMBER)

    async def _create_tasks(
        self, project: Project, parent: int, ledger: Ledger, catalogue: Catalogue
    ) -> None:
        erp = self._erp
        erp.work_for(ledger.company)
        tasks = await erp.create(
            "project.work",
            [
                {**_work(task, ledger, catalogue), "type": "task", "parent": parent}
                for task in project.tasks
            ],
        )
        if project.done_in_erp:
            await set_status(erp, parent, tasks, DONE_STATUS)

    async def _number_from(self, number: int) -> None:
        erp = self._erp
        kind = await erp.find_one("ir.sequence.type", [["name", "=", "Project Work Effort"]])
        sequence = await erp.find_one("ir.sequence", [["sequence_type", "=", kind]])
        await erp.write(
            "ir.sequence", [sequence], {"prefix": PROJECT_PREFIX, "number_next": number}
        )

    async def _verify_numbers(self, expected: Mapping[str, int]) -> None:
        rows = await self._erp.find("project.work", [["type", "=", "project"]], "number")
        actual = {row["number"]: row["id"] for row in rows}
        if actual != expected:
            raise ErpError(
                "Seed", f"projects were numbered {sorted(actual)} instead of {sorted(expected)}"
            )


async def set_status(
    session: JsonRpcSession, project: int, tasks: Sequence[int], name: str
) -> None:
    """Give a project and its tasks one status; a project is done only after all its tasks."""
    status = await session.find_one("project.work.status", [["name", "=", name]])
    if name == DONE_STATUS:
        await session.write("project.work", tasks, {"status": status, "progress": 1})
        await session.write("project.work", [project], {"status": status, "progress": 1})
    else:
        await session.write("project.work", [project], {"status": status})
        await session.write("project.work", tasks, {"status": status})


def _work(name: str, ledger: Ledger, catalogue: Catalogue) -> dict[str, object]:
    return {
        "name": name,
        "company": ledger.company,
        "timesheet_available": True,
        "product": catalogue.consulting_hour,
        "list_price": LIST_PRICE,
    }


def _address(street: str, city: str) -> Values:
    return {"street_unstructured": street, "city": city}


def _cost_price(employee: Employee) -> Values:
    return {"date": employee.started_on, "cost_price": employee.cost_rate}
