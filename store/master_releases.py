"""Releases: lines that waited for a master record go on once it is there, or decided about."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from canonical.cross_reference import MasterKind
from canonical.exception_case import CaseState
from store import case_lines, cases, documents
from store.case_lines import LineOfCase
from store.database import Connection
from store.documents import Touched
from store.postings import Who

# Which root causes are about a record that was missing in the ERP.
_CAUSES: Final = {
    MasterKind.CUSTOMER: ("unknown_customer",),
    MasterKind.EMPLOYEE: ("unknown_employee",),
    MasterKind.PROJECT: ("unknown_project",),
    MasterKind.TASK: ("unknown_task",),
}


async def let_go_of_settled(
    connection: Connection, case_ids: Sequence[UUID], who: Who
) -> list[Touched]:
    """Close the cases that are about nothing any more, and let go what waited for them."""
    rows = await connection.fetch(
        "SELECT c.id FROM exception_case c WHERE c.id = ANY($1::uuid[]) AND c.state <> 'RESOLVED' "
        "AND NOT EXISTS (SELECT FROM master_issue i WHERE i.case_id = c.id "
        "AND i.closed_at IS NULL AND i.decision IS DISTINCT FROM 'waive') ORDER BY c.id",
        case_ids,
    )
    lines: list[LineOfCase] = []
    for row in rows:
        lines += await case_lines.let_go(connection, row["id"], who)
        await cases.set_state(
            connection, row["id"], CaseState.RESOLVED, who, expected=tuple(CaseState)
        )
    return await _touch(connection, lines)


async def let_go_of_known(
    connection: Connection, kind: MasterKind, owner: str, owner_ids: Sequence[str], who: Who
) -> list[Touched]:
    """Let lines go on that waited for a record which an ERP was found to lack, and has now.

    Their cases close once nothing waits for them any more.
    """
    causes = _CAUSES.get(kind)
    if causes is None:
        return []
    rows = await connection.fetch(
        """
        SELECT c.id FROM exception_case c
        WHERE c.state = 'OPEN' AND c.cause = ANY($1::text[]) AND EXISTS (
          SELECT FROM master_record m
          LEFT JOIN cross_reference r ON (r.kind, r.source, r.source_id) =
                                         (m.kind, m.connection, m.id)
          WHERE m.kind = $2 AND m.connection = $3 AND m.id = ANY($4::text[])
            AND (c.subject = m.code
                 OR (m.kind = 'task' AND c.subject LIKE '% / ' || m.code)
                 OR (m.kind = 'employee' AND c.subject IN (
                   m.connection || ' user ' || m.id, r.target || ' user ' || r.target_id))))
        ORDER BY c.id
        """,
        list(causes),
        kind,
        owner,
        owner_ids,
    )
    lines: list[LineOfCase] = []
    for row in rows:
        lines += await case_lines.let_go(connection, row["id"], who)
    return await _touch(connection, lines)


async def _touch(connection: Connection, lines: Sequence[LineOfCase]) -> list[Touched]:
    return await documents.touch(connection, {(one.connection, one.document_id) for one in lines})
