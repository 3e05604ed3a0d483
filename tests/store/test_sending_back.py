"""Reports that go back: recalled before they are ours, or rejected by a person here."""

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from activities.expense_intake import ExpenseIntakeActivities
from activities.taking_in import REPORTS, TakingIn
from canonical.expense import EXPENSE_REPORT, ExpenseReport
from canonical.messages import SourceRef
from canonical.time_entry import Approval
from connectors.base.capabilities import Claim, Claimed, SourcePage, SourceRecord
from connectors.base.connections import Connections
from connectors.base.errors import TransientError
from store import case_lines, claims
from store.claims import Answered, ClaimState
from tests.store.corner import NOON, WHO, Corner
from tests.unit.expense_building import item, report

S = ClaimState
UNREADABLE = "items: not a list"


def shown(corner: Corner, *, minute: int = 0, amount: str = "100.00", **more: Any) -> ExpenseReport:
    """Report doc1 as its source shows it, approved at noon unless `more` says otherwise."""
    values: dict[str, Any] = {
        "connection": corner.source,
        "changed_at": NOON + timedelta(minutes=minute),
        "approval": Approval(approved_at=NOON),
    }
    return report(item(amount), **values | more)


def readable(one: ExpenseReport) -> SourceRecord[ExpenseReport]:
    return SourceRecord(one.id, one.model_dump_json(), record=one)


def unreadable(*, minute: int = 0) -> SourceRecord[ExpenseReport]:
    changed_at = NOON + timedelta(minutes=minute)
    return SourceRecord(
        "doc1", "{}", trouble=UNREADABLE, document_id="doc1", approved=True, changed_at=changed_at
    )


async def take_in(corner: Corner, *records: SourceRecord[ExpenseReport]) -> int:
    """Read a page; gives how much news it had."""
    outcome = await TakingIn(corner.database, REPORTS).take_in(corner.source, SourcePage(records))
    return outcome.news


async def ask(corner: Corner) -> list[str]:
    async with corner.database.transaction() as connection:
        return list(await claims.ask(connection, corner.source, EXPENSE_REPORT, 10))


async def answer(
    corner: Corner, state: ClaimState, *, before: bool = False, revision: int = 1
) -> int:
    async with corner.database.transaction() as connection:
        given = [Answered("doc1", state, "code", before, revision)]
        return await claims.answered(connection, corner.source, EXPENSE_REPORT, given)


async def stopped(corner: Corner) -> UUID:
    """The report's posting as preparation stops it, in the revision that it has now."""
    line = await corner.database.fetch_row(
        "SELECT revision FROM source_line WHERE connection = $1 AND source_id = 'doc1'",
        corner.source,
    )
    assert line is not None
    return await corner.stopped(
        "doc1", object=EXPENSE_REPORT, document_id="doc1", revision=line["revision"]
    )


async def reject(corner: Corner) -> int:
    """Reject what the case stops; gives how many lines went back."""
    case_id = await corner.case()
    async with corner.database.transaction() as connection:
        return len(await case_lines.reject(connection, case_id, WHO, [corner.source], "{}"))


async def line(corner: Corner) -> tuple[str, int]:
    """The report's status and revision."""
    row = await corner.database.fetch_row(
        "SELECT status, revision FROM source_line WHERE connection = $1 AND source_id = 'doc1'",
        corner.source,
    )
    assert row is not None
    return row["status"], row["revision"]


async def test_a_rejected_report_stays_so_however_often_its_page_is_read(corner: Corner) -> None:
    await take_in(corner, readable(shown(corner)))
    key = await stopped(corner)
    assert await reject(corner) == 1
    assert await corner.state(key) == "CANCELLED"
    assert await take_in(corner, readable(shown(corner))) == 0
    # What we wrote into it moved its stamp.
    assert await take_in(corner, readable(shown(corner, minute=5))) == 0
    assert await line(corner) == ("REJECTED", 1)


async def test_a_rejected_report_comes_again_whether_it_was_corrected_or_not(
    corner: Corner,
) -> None:
    await take_in(corner, readable(shown(corner)))
    await stopped(corner)
    await reject(corner)
    again = Approval(approved_at=NOON + timedelta(hours=1))
    assert await take_in(corner, readable(shown(corner, minute=60, approval=again))) == 1
    assert await line(corner) == ("APPROVED", 2)
    await stopped(corner)
    assert await reject(corner) == 1
    corrected = shown(corner, minute=90, approval=again, amount="90.00")
    assert await take_in(corner, readable(corrected)) == 1
    assert await line(corner) == ("APPROVED", 3)


async def test_a_rejection_is_of_the_revision_that_was_stopped_and_of_no_newer_one(
    corner: Corner,
) -> None:
    """The new revision was never looked at: it would be lost, since nothing shows it again."""
    await take_in(corner, readable(shown(corner)))
    await stopped(corner)
    corrected = shown(
        corner,
        minute=60,
        amount="90.00",
        approval=Approval(approved_at=NOON + timedelta(hours=1)),
    )
    await take_in(corner, readable(corrected))
    assert await reject(corner) == 0
    assert await line(corner) == ("APPROVED", 2)
    assert await told(corner) == 0


async def test_a_report_that_its_source_has_withdrawn_is_not_rejected_as_well(
    corner: Corner,
) -> None:
    await take_in(corner, readable(shown(corner)))
    await stopped(corner)
    await take_in(corner, readable(shown(corner, minute=60, approval=None)))
    assert await reject(corner) == 0
    assert await line(corner) == ("WITHDRAWN", 1)
    assert await told(corner) == 0


async def test_a_report_that_cannot_be_read_is_rejected_until_its_source_shows_something_new(
    corner: Corner,
) -> None:
    await take_in(corner, unreadable())
    await stopped(corner)
    assert await reject(corner) == 1
    assert await take_in(corner, unreadable()) == 0
    assert (await line(corner))[0] == "REJECTED"
    assert await take_in(corner, unreadable(minute=5)) == 1
    assert (await line(corner))[0] == "UNREADABLE"


async def test_a_recalled_report_that_cannot_be_read_spoils_no_answer(corner: Corner) -> None:
    await take_in(corner, unreadable())
    assert await ask(corner) == ["doc1"]
    await answer(corner, S.RECALLED)
    assert (await line(corner))[0] == "WITHDRAWN"
    assert await take_in(corner, unreadable()) == 0


async def test_a_page_that_was_read_before_the_recall_does_not_bring_the_report_back(
    corner: Corner,
) -> None:
    await take_in(corner, readable(shown(corner)))
    assert await ask(corner) == ["doc1"]
    await answer(corner, S.RECALLED)
    assert await line(corner) == ("WITHDRAWN", 1)
    assert await take_in(corner, readable(shown(corner))) == 0
    assert await line(corner) == ("WITHDRAWN", 1)
    assert await ask(corner) == []


async def test_a_recalled_report_that_is_approved_again_is_asked_for_as_if_for_the_first_time(
    corner: Corner,
) -> None:
    await take_in(corner, readable(shown(corner)))
    await ask(corner)
    await answer(corner, S.RECALLED)
    again = Approval(approved_at=NOON + timedelta(hours=1))
    await take_in(corner, readable(shown(corner, minute=60, approval=again)))
    assert await line(corner) == ("APPROVED", 2)
    assert await ask(corner) == ["doc1"]
    # Nothing that we asked before made it ours: so somebody else claimed it.
    assert await answer(corner, S.REFUSED, before=True) == 0
    assert await ask(corner) == []


async def test_a_recall_that_is_heard_of_after_the_next_approval_withdraws_nothing(
    corner: Corner,
) -> None:
    """The recall was of what we asked for; what was approved since is asked for by itself."""
    await take_in(corner, readable(shown(corner)))
    await ask(corner)
    again = readable(
        shown(
            corner, minute=60, approval=Approval(approved_at=NOON + timedelta(hours=1)), amount="9"
        )
    )
    await take_in(corner, again)
    await answer(corner, S.RECALLED, revision=1)
    assert await line(corner) == ("APPROVED", 2)
    assert await ask(corner) == ["doc1"]
    assert await answer(corner, S.CLAIMED, revision=2) == 1


async def test_a_report_that_was_refused_is_asked_for_again_once_it_is_approved_anew(
    corner: Corner,
) -> None:
    """That is what its case tells people to see to; nothing else would ever let it go."""
    await take_in(corner, readable(shown(corner)))
    await ask(corner)
    await answer(corner, S.REFUSED)
    # A note that was changed since is no new approval.
    await take_in(corner, readable(shown(corner, minute=5)))
    assert await ask(corner) == []
    tomorrow = Approval(approved_at=datetime.now(UTC) + timedelta(days=1))
    await take_in(corner, readable(shown(corner, minute=60, approval=None)))
    await take_in(corner, readable(shown(corner, minute=90, approval=tomorrow)))
    assert await ask(corner) == ["doc1"]
    assert await answer(corner, S.CLAIMED, revision=2) == 1
    assert await ask(corner) == []


async def told(corner: Corner) -> int:
    """How much the source is told."""
    row = await corner.database.fetch_row(
        "SELECT count(*) AS told FROM outbox WHERE connection = $1", corner.source
    )
    assert row is not None
    return int(row["told"])


async def test_a_claim_that_never_left_does_not_make_another_system_s_claim_ours(
    corner: Corner,
) -> None:
    await take_in(corner, readable(shown(corner)))
    asked = await ask(corner)
    async with corner.database.transaction() as connection:
        await claims.not_asked(connection, corner.source, EXPENSE_REPORT, asked)
    assert await ask(corner) == ["doc1"]
    assert await answer(corner, S.REFUSED, before=True) == 0
    row = await corner.database.fetch_row(
        "SELECT state FROM source_claim WHERE connection = $1", corner.source
    )
    assert row is not None
    assert row["state"] == "REFUSED"


class BusySource:
    """A source that lets so many claims through, and then only says to come later."""

    def __init__(self, answers: int) -> None:
        self._answers = answers

    async def claim(self, source_ids: Sequence[str]) -> Sequence[Claimed]:
        """Nothing has left of what it does not name a code for."""
        if not self._answers:
            raise TransientError("throttled")
        said = [Claimed(one, Claim.CLAIMED) for one in source_ids[: self._answers]]
        return (*said, *(Claimed(one, Claim.NOT_NOW) for one in source_ids[self._answers :]))

    def filling(self, *_: Any) -> "BusySource":
        return self


@pytest.mark.parametrize("answers", [0, 1])
async def test_what_a_busy_source_was_not_asked_counts_as_never_asked_for(
    corner: Corner, answers: int
) -> None:
    await take_in(corner, *(readable(shown(corner, id=f"doc{number}")) for number in range(1, 4)))
    source = cast("Connections", BusySource(answers))
    intake = ExpenseIntakeActivities(corner.database, source)
    with nullcontext() if answers else pytest.raises(TransientError):
        assert await intake._claim(SourceRef(connection=corner.source)) == answers
    rows = await corner.database.fetch(
        "SELECT state, attempts FROM source_claim WHERE connection = $1", corner.source
    )
    asked = [(row["state"], row["attempts"]) for row in rows]
    assert sorted(asked) == [("ASKED", 0)] * (3 - answers) + [("CLAIMED", 1)] * answers
