"""A firm of any size for tests of masters: who owns what, with names that people have."""

import random
from dataclasses import dataclass, field
from typing import Any, Final

from canonical.cross_reference import MasterKind
from rules.ownership import KindOwnership, Ownership
from tests.masters.made_up import MadeUpSystem

C, P, T, E = (
    MasterKind.CUSTOMER, MasterKind.PROJECT, MasterKind.TASK, MasterKind.EMPLOYEE
)  # fmt: skip
D: Final = MasterKind.DIMENSION_VALUE
_PLACES: Final = (
    *("Alder", "Birch", "Cedar", "Dover", "Elm", "Fern", "Grove", "Heath", "Iris", "Juniper"),
    *("Kestrel", "Larch", "Maple", "Nettle", "Oak", "Poplar", "Quarry", "Rowan", "Sorrel"),
    *("Thorn", "Umber", "Violet", "Willow", "Yarrow", "Zinnia", "Amber", "Basalt", "Cobalt"),
)
_TRADES: Final = (
    *("Bakeries", "Cables", "Dairies", "Engines", "Foundries", "Glassworks", "Harbours"),
    *("Insurance", "Joinery", "Kilns", "Logistics", "Mills", "Nurseries", "Optics", "Pumps"),
    *("Quarries", "Railways", "Shipping", "Textiles", "Utilities"),
)
OWNERSHIP: Final = Ownership(
    kinds={
        D: KindOwnership(owner="hr", receivers=("erp",), legal_entities={"CC-DE": "DE01"}),
        C: KindOwnership(owner="crm", receivers=("psa", "erp")),
        E: KindOwnership(
            owner="hr", receivers=("psa", "erp"), legal_entities={"N-D": "DE01", "N-U": "US01"}
        ),
        P: KindOwnership(
            owner="psa", receivers=("erp",), legal_entities={"X-D": "DE01", "X-U": "US01"}
        ),
        T: KindOwnership(owner="psa", receivers=("erp",), legal_entities={"": "DE01"}),
    }
)


@dataclass
class Firm:
    """What the owners of masters have, made up from a seed."""

    seed: int
    crm: MadeUpSystem = field(default_factory=lambda: MadeUpSystem("crm"))
    psa: MadeUpSystem = field(default_factory=lambda: MadeUpSystem("psa"))
    hr: MadeUpSystem = field(default_factory=lambda: MadeUpSystem("hr"))
    customers: dict[str, str] = field(default_factory=dict)
    projects: dict[str, str] = field(default_factory=dict)
    employees: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311  It only shuffles.

    def arrivals(self, customers: int, projects: int, employees: int) -> list[Any]:
        """What people enter, each as something to call; a project's client needs its customer."""
        return [
            *((self.enter_customer, one) for one in range(customers)),
            *((self.enter_employee, one) for one in range(employees)),
            *((self.enter_project, one, one % customers) for one in range(projects)),
        ]

    def enter_customer(self, number: int) -> None:
        """Somebody sells to a new customer."""
        code = customer_code(number)
        self.customers[code] = self.crm.put(C, code, name=customer_name(number))

    def enter_employee(self, number: int) -> None:
        """Somebody is hired."""
        code = employee_code(number)
        self.employees[code] = self.hr.put(
            E, code, name=employee_name(number), email=f"{code.lower()}@firm.example"
        )

    def enter_project(self, number: int, customer: int) -> None:
        """Somebody sets up a project and its task, for a client who may not be in the CRM yet."""
        name = customer_name(customer)
        clients = [it for it, one in self.psa.of(C).items() if one.name == name]
        client = clients[0] if clients else self.psa.put(C, customer_code(customer), name=name)
        code = project_code(number)
        self.projects[code] = self.psa.put(P, code, name=project_name(number), customer=client)
        self.psa.put(T, "Delivery", name="Delivery", project=self.projects[code])


def customer_code(number: int) -> str:
    return f"K-{number:04}"


def customer_name(number: int) -> str:
    again, kind = divmod(number, len(_PLACES) * len(_TRADES))
    trade, place = divmod(kind, len(_PLACES))
    return " ".join([_PLACES[place], _TRADES[trade], *(["I" * again] if again else [])])


def employee_code(number: int) -> str:
    return f"N-{'DU'[number % 2]}{number:04}"


def employee_name(number: int) -> str:
    again, kind = divmod(number, len(_PLACES) * len(_TRADES))
    trade, place = divmod(kind, len(_PLACES))
    return " ".join([_PLACES[place], f"{_TRADES[trade]}son", *([f"{again}"] if again else [])])


def project_code(number: int) -> str:
    return f"X-{'DU'[number % 2]}{number:04}"


def project_name(number: int) -> str:
    again, kind = divmod(number, len(_PLACES) * len(_TRADES))
    place, trade = divmod(kind, len(_TRADES))
    named = [f"{_TRADES[trade]} for {_PLACES[place]}", *([f"{again}"] if again else [])]
    return " ".join(named)
