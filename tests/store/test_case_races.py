"""A case that closes while a line is hung on it: no line may be left behind in a closed case."""

import asyncio
from typing import Any, cast
from uuid import UUID, uuid5

from activities.case_workflows import CaseWorkflows
from activities.document_workflows import DocumentWorkflows
from activities.exception_cases import ExceptionCaseActivities
from activities.waking import Waking
from canonical.exception_case import CaseState
from canonical.messages import CaseRef, CaseResolution, ResolutionRequest
from canonical.posting import PostingState
from rules.policies import Policies
from store import cases, posting_ledger
from store.database import Connection
from tests.store.corner import WHO, Corner, until_waiting_for

S = PostingState


def activities(corner: Corner) -> ExceptionCaseActivities:
    """The case's own work on the ledger; no document of these tests has a workflow to be told."""
    nobody = Waking(corner.database, cast("DocumentWorkflows", None))
    return ExceptionCaseActivities(corner.database, nobody, cast("CaseWorkflows", None), Policies())


async def hang(corner: Corner, connection: Connection, source_id: str) -> UUID:
    """Stop a line for the case about P-1, as a preparation does, without committing."""
    opening = corner.opening("P-1")
    found = await cases.open_cases(connection, [opening], WHO)
    new = corner.posting(source_id, state=S.EXCEPTION, case_id=found[opening.root_cause])
    await posting_ledger.write_down(connection, [new], WHO)
    return new.key


async def in_closed_cases(corner: Corner) -> list[str]:
    """Lines that wait for a person whom nobody will call."""
    rows = await corner.database.fetch(
        "SELECT p.source_id FROM posting p JOIN exception_case c ON c.id = p.case_id "
        "WHERE p.connection = $1 AND c.state = 'RESOLVED' AND p.state IN ('EXCEPTION', 'IN_DOUBT') "
        "AND p.released_at IS NULL",
        corner.source,
    )
    return [row["source_id"] for row in rows]


async def meanwhile(corner: Corner, closing: Any) -> Any:
    """Hang a line on the case while `closing` waits to close it; gives what closing came to."""
    async with corner.database.transaction() as connection:
        await hang(corner, connection, "late")
        task = asyncio.create_task(closing)
        await until_waiting_for(corner, "exception_case")
    return await task


async def test_an_empty_case_does_not_close_under_a_line_that_is_just_stopped(
    corner: Corner,
) -> None:
    case_id = await corner.case("P-1")
    view = await meanwhile(corner, activities(corner).read_case(CaseRef(case_id=case_id)))
    assert (view.state, view.lines) == (CaseState.OPEN, 1)
    assert await in_closed_cases(corner) == []


async def test_an_empty_case_closes(corner: Corner) -> None:
    case_id = await corner.case("P-1")
    view = await activities(corner).read_case(CaseRef(case_id=case_id))
    assert (view.state, view.lines) == (CaseState.RESOLVED, 0)


def decision(case_id: UUID, kind: str) -> CaseResolution:
    request = ResolutionRequest(kind=kind, by="ana", reason="as agreed")
    return CaseResolution(case_id=case_id, request=request)


async def test_a_line_stopped_while_its_case_is_released_is_released_with_it(
    corner: Corner,
) -> None:
    case_id = await corner.case("P-1")
    await corner.stopped("early", case_id)
    await corner.database.execute(
        "UPDATE exception_case SET state = 'TRYING' WHERE id = $1", case_id
    )
    outcome = await meanwhile(corner, activities(corner).release_case(decision(case_id, "retry")))
    assert outcome.released == 2
    assert await in_closed_cases(corner) == []


async def test_a_line_stopped_while_its_case_is_waived_is_waived_with_it(corner: Corner) -> None:
    case_id = await corner.case("P-1")
    early = await corner.stopped("early", case_id)
    outcome = await meanwhile(corner, activities(corner).waive_case(decision(case_id, "waive")))
    assert "2 lines" in outcome.message
    assert await corner.state(early) == "WAIVED"
    assert await in_closed_cases(corner) == []


async def test_a_line_stopped_after_its_case_was_closed_opens_another(corner: Corner) -> None:
    case_id = await corner.case("P-1")
    await activities(corner).read_case(CaseRef(case_id=case_id))
    async with corner.database.transaction() as connection:
        key = await hang(corner, connection, "after")
    assert (await corner.row(key))["case_id"] not in (None, case_id, uuid5(case_id, ""))
    assert await in_closed_cases(corner) == []
