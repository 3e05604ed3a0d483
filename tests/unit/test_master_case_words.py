"""A case about a record offers what settles it, and nothing that would be refused."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import pytest

from activities.master_causes import root_cause_of
from canonical.cross_reference import MasterKind
from canonical.exception_case import CaseState, Cause, ExceptionCase
from canonical.messages import CaseView
from cli.cases import examples_of
from store.master_issues import Issue
from workflows.case_details import case_details

NOW: Final = datetime(2026, 10, 15, tzinfo=UTC)


def twin_in(connection: str) -> ExceptionCase:
    """A customer of the CRM who may be there twice, in a system."""
    issue = Issue("c-9", "K-9", "-", connection, Cause.POSSIBLE_TWIN, candidates=("c-8",))
    return ExceptionCase(
        id=str(UUID(int=9)),
        root_cause=root_cause_of(MasterKind.CUSTOMER, "crm", issue),
        state=CaseState.OPEN,
        connection="crm",
        target=connection,
        period=None,
        owner="finance-operations",
        opened_at=NOW,
        deadline_at=NOW,
        lines=0,
        seconds=0,
    )


@pytest.mark.parametrize(("connection", "links"), [("erp", True), ("crm", False)])
def test_two_spellings_at_the_owner_itself_are_merged_there_and_not_linked(
    connection: str, *, links: bool
) -> None:
    case = twin_in(connection)
    details = case_details(CaseView.of(case), escalations=0, last_answer="")
    assert ('"link"' in details) is links
    assert ("Merge them there" in details) is not links
    assert any(one.startswith("link") for one in examples_of(case)) is links
    assert any(one.startswith("apart") for one in examples_of(case))
    assert '"apart"' in details
