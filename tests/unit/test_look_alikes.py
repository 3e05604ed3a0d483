"""Look-alikes: which spellings a person is asked about, and which names are simply others."""

import pytest

from canonical.masters import Customer
from rules.look_alikes import look_alikes, spelled_alike


def customer(code: str, name: str) -> Customer:
    return Customer(connection="erp", id=code, code=code, name=name)


@pytest.mark.parametrize(
    "name",
    [
        "HALDEN MASCHINENBAU",
        "Halden Maschinenbau A.G.",
        "Hálden  Maschinenbau",
        "Maschinenbau Halden",
        "Halden Machinenbau AG",
        "Halden-Maschinenbau GmbH",
    ],
)
def test_another_spelling_is_asked_about(name: str) -> None:
    ours, theirs = customer("CUST-1", "Halden Maschinenbau AG"), customer("X-9", name)

    assert look_alikes(ours, [theirs]) == [theirs]


@pytest.mark.parametrize(
    "name",
    ["Oderbruch Maschinenbau AG", "Halden Reederei AG", "Halden Maschinenbau 2 AG", "", "AG"],
)
def test_another_name_is_another_customer(name: str) -> None:
    ours = customer("CUST-1", "Halden Maschinenbau AG")

    assert look_alikes(ours, [customer("X-9", name)]) == []


@pytest.mark.parametrize("code", ["cust-1", "CUST 1", "CUST1", "C.U.S.T-1"])
def test_another_spelling_of_the_code_is_asked_about_whatever_the_name(code: str) -> None:
    theirs = customer(code, "Something else")

    assert look_alikes(customer("CUST-1", "Halden AG"), [theirs]) == [theirs]


def test_the_likest_come_first_and_few_are_shown() -> None:
    ours = customer("CUST-1", "Northern Lights Publishing")
    others = [customer(f"X-{n}", "Northern Lights Publishings") for n in range(9)]

    assert len(look_alikes(ours, others)) == 5


def test_numbers_tell_things_apart_that_are_called_the_same() -> None:
    assert look_alikes(customer("P-1", "Support 2026"), [customer("P-2", "Support 2027")]) == []


def test_people_of_one_name_are_not_one_by_their_name() -> None:
    one, other = customer("E-1", "Anna Schmidt"), customer("E-2", "ANNA SCHMIDT")

    assert not spelled_alike(one, other, by_name=False)
    assert spelled_alike(one, other, by_name=True)
    assert spelled_alike(one, customer("e 1", "Berta"), by_name=False)
