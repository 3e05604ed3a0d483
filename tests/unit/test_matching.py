"""Matching master data across systems: by exact keys only."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.cross_reference import CrossReference, MasterKind
from canonical.masters import Customer, Employee, Masters, Project, Task
from rules.matching import match_exactly
from tests.unit.building import employee, project, task

NOTHING: dict[MasterKind, dict[str, str]] = {kind: {} for kind in MasterKind}


def customer(code: str, record_id: str) -> Customer:
    return Customer(connection="any", id=record_id, code=code, name=code)


def match(
    ours: Masters, theirs: Masters, known: dict[MasterKind, dict[str, str]] | None = None
) -> list[tuple[MasterKind, str, str]]:
    found = match_exactly(("harvest", ours), ("tryton", theirs), {**NOTHING, **(known or {})})
    return [(one.kind, one.source_id, one.target_id) for one in found]


def people(*emails: str | None, side: str) -> tuple[Employee, ...]:
    return tuple(
        employee(f"E-{place}", id=f"{side}{place}", email=email)
        for place, email in enumerate(emails)
    )


def test_a_cross_reference_says_who_made_it() -> None:
    found = match_exactly(
        ("harvest", Masters(projects=(project(id="sp1"),))),
        ("tryton", Masters(projects=(project(id="11"),))),
        NOTHING,
    )
    assert found == [
        CrossReference(
            kind=MasterKind.PROJECT,
            source="harvest",
            source_id="sp1",
            target="tryton",
            target_id="11",
            made_by="exact key",
        )
    ]


@pytest.mark.parametrize("theirs", ["ana@northwind.example", " Ana@Northwind.example "])
def test_people_match_by_their_mail_address_however_it_is_written(theirs: str) -> None:
    ours = Masters(employees=people("ana@northwind.example", side="u"))
    found = match(ours, Masters(employees=people(theirs, side="e")))
    assert found == [(MasterKind.EMPLOYEE, "u0", "e0")]


@pytest.mark.parametrize("nothing", [None, ""])
def test_people_without_an_address_are_nobody_in_particular(nothing: str | None) -> None:
    ours = Masters(employees=people(nothing, side="u"))
    assert match(ours, Masters(employees=people(nothing, side="e"))) == []


def test_a_name_alone_links_nobody() -> None:
    ours = Masters(employees=people("ana@northwind.example", side="u"))
    assert match(ours, Masters(employees=people("ana@elsewhere.example", side="e"))) == []


def test_codes_match_in_either_composition_and_case_matters() -> None:
    ours = Masters(projects=(project("Z\u00fcrich", id="a"), project("p-1", id="b")))
    theirs = Masters(projects=(project("Zu\u0308rich", id="1"), project("P-1", id="2")))
    assert match(ours, theirs) == [(MasterKind.PROJECT, "a", "1")]


def test_customers_match_by_code() -> None:
    ours, theirs = customer("C-1", "sc1"), customer("C-1", "7")
    found = match(Masters(customers=(ours,)), Masters(customers=(theirs,)))
    assert found == [(MasterKind.CUSTOMER, "sc1", "7")]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(("1", "2"), ("a",)), (("1",), ("a", "b")), (("1", "2"), ("a", "b"))],
)
def test_a_key_that_stands_twice_on_either_side_links_nothing(
    ours: tuple[str, ...], theirs: tuple[str, ...]
) -> None:
    left = Masters(projects=tuple(project(id=one) for one in ours))
    right = Masters(projects=tuple(project(id=one) for one in theirs))
    assert match(left, right) == []


def test_tasks_match_by_their_project_and_their_name() -> None:
    ours = Masters(
        projects=(project("P-1", id="sp1"), project("P-2", id="sp2")),
        tasks=(task(id="t1", project="sp1"), task(id="t2", project="sp2")),
    )
    theirs = Masters(
        projects=(project("P-1", id="11"), project("P-2", id="12")),
        tasks=(task(id="92", project="12"), task(id="91", project="11")),
    )
    found = [pair for pair in match(ours, theirs) if pair[0] is MasterKind.TASK]
    assert found == [(MasterKind.TASK, "t1", "91"), (MasterKind.TASK, "t2", "92")]


def test_a_task_of_a_project_that_a_person_linked_is_found() -> None:
    ours = Masters(projects=(project("Old name", id="sp1"),), tasks=(task(id="t1", project="sp1"),))
    theirs = Masters(projects=(project("P-1", id="11"),), tasks=(task(id="91", project="11"),))
    found = match(ours, theirs, {MasterKind.PROJECT: {"sp1": "11"}})
    assert found == [(MasterKind.TASK, "t1", "91")]


def test_tasks_of_an_unknown_project_link_nothing() -> None:
    ours = Masters(tasks=(task(id="t1", project="sp1"),))
    assert match(ours, Masters(tasks=(task(id="91", project="11"),))) == []


@pytest.mark.parametrize("known", [{"sp1": "99"}, {"sp9": "11"}, {"sp1": "11"}])
def test_what_is_linked_already_stays_as_it_is(known: dict[str, str]) -> None:
    ours, theirs = Masters(projects=(project(id="sp1"),)), Masters(projects=(project(id="11"),))
    assert match(ours, theirs, {MasterKind.PROJECT: known}) == []


codes = st.lists(st.sampled_from(["A", "B", "C", "D"]), max_size=6)


@given(codes, codes)
def test_links_are_one_to_one_and_only_between_equal_and_unique_codes(
    ours: Sequence[str], theirs: Sequence[str]
) -> None:
    def side(prefix: str, listed: Sequence[str]) -> tuple[Project, ...]:
        return tuple(project(code, id=f"{prefix}{place}") for place, code in enumerate(listed))

    left, right = side("s", ours), side("t", theirs)
    found = match(Masters(projects=left), Masters(projects=right))
    expected = {code for code in ours if ours.count(code) == 1 and theirs.count(code) == 1}
    by_id: dict[str, Any] = {one.id: one.code for one in (*left, *right)}
    assert {by_id[source] for _, source, _ in found} == expected
    assert all(by_id[source] == by_id[target] for _, source, target in found)


def test_task_names_match_in_either_composition() -> None:
    ours = Masters(projects=(project(id="sp1"),), tasks=(_named("Pru\u0308fung", "t1", "sp1"),))
    theirs = Masters(projects=(project(id="11"),), tasks=(_named("Pr\u00fcfung ", "91", "11"),))
    assert (MasterKind.TASK, "t1", "91") in match(ours, theirs)


def _named(name: str, record_id: str, of_project: str) -> Task:
    return task(name, id=record_id, project=of_project)
