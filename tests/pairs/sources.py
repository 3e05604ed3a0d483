"""The sources of a pair, all simulated: Harvest, Concur, and a drop of contracts."""

import itertools
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

import httpx
from pydantic import SecretStr

from connectors.base.capabilities import Connected
from connectors.base.http import exact_json
from connectors.base.rate_budget import Unlimited
from connectors.concur import ConcurOptions
from connectors.concur import connect as connect_concur
from connectors.concur.simulated_company import SimulatedConcur
from connectors.concur.simulated_state import CompanyState
from connectors.concur.simulator import simulated_concur
from connectors.flatfile import FlatFileOptions
from connectors.flatfile import connect as connect_files
from connectors.harvest import HarvestOptions
from connectors.harvest import connect as connect_harvest
from connectors.harvest.simulated_account import HarvestAccount
from connectors.harvest.simulator import simulated_harvest
from sandbox.expense_month import PER_DIEM_TYPE, SHAPES, Claimant, ExpenseMonth, Shape
from sandbox.firm import Firm, Project, firm_of
from tests.billing.systems import CONTRACTS, Agreements
from tests.e2e.staff import Staff, empty_account
from tests.erp_fixtures import last_month

HARVEST: Final = "harvest"
CONCUR: Final = "concur"


class Sources:
    """The made-up firm's sources without a single entry, report or contract.

    Only people of `entities` do anything; they outlive every platform.
    """

    def __init__(self, folder: Path, entities: Sequence[str]) -> None:
        self.firm: Final[Firm] = firm_of(last_month())
        self.account: Final = HarvestAccount(empty_account(last_month()))
        self.staff: Final = Staff(self.firm, self.account)
        self.month: Final = ExpenseMonth(self.firm)
        self.company: Final = SimulatedConcur(CompanyState(users=self.month.company().users))
        self._reports: Final = itertools.count(1)
        self.agreements: Final = Agreements(folder, self.firm)
        self.people: Final = [
            one for one in self.month.claimants() if one.employee.legal_entity.code in entities
        ]

    def connected(self) -> dict[str, Connected]:
        """Connect all, each time anew."""
        return {
            HARVEST: connect_harvest(
                HarvestOptions(
                    connection=HARVEST,
                    account_id=self.account.account_id,
                    token=SecretStr(self.account.token),
                    user_agent="Ledgerway tests (tests@ledgerway.example)",
                    base_url="http://harvest.test/v2",
                ),
                Unlimited(),
                httpx.ASGITransport(simulated_harvest(self.account)),
            ),
            CONCUR: connect_concur(
                ConcurOptions(
                    connection=CONCUR,
                    client_id=self.company.facts.client_id,
                    client_secret=SecretStr(self.company.facts.client_secret),
                    refresh_token=SecretStr(self.company.facts.refresh_token),
                    base_url="http://concur.test",
                    per_diem_types=frozenset({PER_DIEM_TYPE}),
                    distance_unit="km",
                ),
                Unlimited(),
                httpx.ASGITransport(simulated_concur(self.company)),
            ),
            CONTRACTS: connect_files(
                FlatFileOptions(connection=CONTRACTS, folder=str(self.agreements.folder)),
                Unlimited(),
            ),
        }

    # What people do.

    def enter_days(self, days: int, *, a_day: int = 2) -> list[int]:
        """Let everybody enter so many approved lines on each of so many days; gives their ids."""
        entered: list[int] = []
        for who in self.people:
            projects = self.sound_projects(who)
            for day in range(days):
                for part in range(a_day):
                    project = projects[(who.number + day + part) % len(projects)]
                    task = project.tasks[(who.number + part) % len(project.tasks)]
                    quarters = 4 + (who.number + 3 * day + 5 * part) % 12
                    hours = str(Decimal(quarters) / 4)
                    entered.append(
                        self.staff.enter(who.employee.name, project.code, task, on=day, hours=hours)
                    )
        return entered

    def sound_projects(self, who: Claimant) -> list[Project]:
        """The projects that somebody's legal entity delivers and its ERP has open."""
        return [
            one
            for one in self.firm.projects_of(who.employee.legal_entity)
            if one.known_to_erp and not one.done_in_erp
        ]

    def release_shapes(self, shapes: Sequence[Shape] = SHAPES, *, first: int = 0) -> list[str]:
        """Let a report of each shape be approved in each legal entity; gives their documents.

        They are shared out among its people, from the `first` on.
        """
        released: list[str] = []
        for entity in sorted({one.employee.legal_entity.code for one in self.people}):
            people = [one for one in self.people if one.employee.legal_entity.code == entity]
            for number, shape in enumerate(shapes):
                who = people[(first + number) % len(people)]
                name = f"{entity[:2]}{next(self._reports):04}"
                released.append(self.company.release(self.month.report(name, who, shape(who))))
        return released

    def number_of(self, document: str) -> str:
        """The number of a report, as people call it."""
        content = exact_json(self.company.document(document).content)
        return str(content["report"]["reportNumber"])
