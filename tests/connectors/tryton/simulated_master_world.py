"""A simulated Tryton in the words of the suites for masters, with nothing of its kind in it."""

import httpx
from pydantic import SecretStr

from canonical.cross_reference import MasterKind
from connectors.tryton import TrytonOptions
from connectors.tryton.simulated_books import Books
from connectors.tryton.simulated_state import SimulatedCompany, SimulatedState
from connectors.tryton.simulator import SimulatedTryton
from tests.connectors.tryton.master_desk import Driven, MasterDesk
from tests.connectors.tryton.master_world import MODELS, TrytonMasterWorld


class SimulatedMasterWorld(TrytonMasterWorld):
    """A simulated Tryton with nothing of its kind in it."""

    def __init__(self, kind: MasterKind) -> None:
        company = SimulatedCompany(code="DE01", name="Nord GmbH", currency="EUR")
        # A company is a customer too, for another one may bill it.
        companies = () if kind is MasterKind.CUSTOMER else (company,)
        state = SimulatedState(companies=companies, employees=(), customers=(), projects=())
        self.app = SimulatedTryton(Books(state, lambda: self.now))
        options = TrytonOptions(
            "erp",
            "http://tryton.example",
            "erp",
            "connector",
            password=SecretStr("connector-pw"),
            page_size=self.page_size,
        )
        login = ("connector", "connector-pw")
        desk = MasterDesk(options.url, "erp", login, Driven(self.app))
        super().__init__(kind, desk, options, httpx.ASGITransport(self.app))

    def make_unreadable(self, private: str) -> None:
        made = int(self.make(self.sample(77)))
        sheets = self.kind is MasterKind.TASK
        record = self.app.books.tables["timesheet.work" if sheets else MODELS[self.kind]][made]
        wrong = "active" if self.kind is MasterKind.CUSTOMER else "company"
        record.update({"name": private, wrong: private})
