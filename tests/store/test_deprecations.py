"""What is deprecated and in use is in the audit trail: once per thing and day, for ever."""

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import Annotated, ClassVar

import asyncpg
import pytest

from activities.taking_in import TIME, TakingIn
from canonical.deprecation import Deprecation, InUse
from canonical.time_entry import TimeEntry
from connectors.base.capabilities import SourcePage, SourceRecord
from connectors.base.system import System
from rules.policies import Policies
from runtime import deprecations as runtime_deprecations
from runtime.configuration import Configuration, ConnectionSettings
from store import deprecations
from store.database import Database, Row
from tests.store.corner import Corner
from tests.unit.building import time_entry

BY_CENTRE = Deprecation("cost_centre", date(2026, 1, 1), date(2026, 12, 31))
SENTENCE = "deprecated since 2026-01-01, understood until 2026-12-31: use cost_centre instead"


class OlderEntry(TimeEntry):
    """A contract of these tests alone, with a member that is on its way out."""

    CONTRACT: ClassVar[str] = "older_entry/v1"

    department: Annotated[str | None, BY_CENTRE] = None


@dataclass(frozen=True)
class Options:
    """A connector's options."""

    connection: str
    department: Annotated[str, BY_CENTRE] = ""


def entry(number: int, department: str | None) -> SourceRecord[TimeEntry]:
    given = time_entry(str(number)).model_dump()
    one = OlderEntry.model_validate({**given, "department": department})
    return SourceRecord(one.id, one.model_dump_json(), record=one)


async def warnings(database: Database, subject: str) -> list[Row]:
    return await database.fetch(
        "SELECT * FROM audit WHERE subject_kind = 'deprecation' AND subject LIKE $1", f"%{subject}"
    )


async def test_a_deprecated_field_is_told_once_a_day_and_not_by_the_line(corner: Corner) -> None:
    taking_in = TakingIn(corner.database, TIME)
    await taking_in.take_in(corner.source, SourcePage((entry(1, None),)))
    assert await warnings(corner.database, corner.source) == []
    for first in (1, 4):
        records = tuple(entry(first + n, "D-100") for n in range(3))
        await taking_in.take_in(corner.source, SourcePage(records))
    (row,) = await warnings(corner.database, corner.source)
    assert row["subject"] == f"field older_entry/v1.department of {corner.source}"
    assert (row["to_state"], row["actor"], row["reason"]) == ("IN_USE", "intake", SENTENCE)
    assert row["correlation_id"] == corner.source


async def test_processes_that_tell_it_at_once_tell_it_once(corner: Corner) -> None:
    used = [InUse(f"option {name}", BY_CENTRE) for name in "abcdef"]

    async def tell(order: int) -> None:
        async with corner.database.connection() as connection:
            some = used[::order]
            await deprecations.note(connection, some, by=corner.source, actor="worker")

    await asyncio.gather(*(tell(order) for order in (1, -1, 1, -1)))
    assert len(await warnings(corner.database, corner.source)) == len(used)


async def test_it_is_told_again_the_next_day_and_none_of_it_can_go(own_ledger: Database) -> None:
    async with own_ledger.transaction() as connection:
        await connection.execute(
            "INSERT INTO audit (at, subject_kind, subject, to_state, actor, reason, correlation_id)"
            " VALUES (now() - interval '1 day', 'deprecation', 'option a of harvest', 'IN_USE',"
            " 'worker', 'old words', 'harvest')"
        )
        for _ in range(2):
            used = [InUse("option a", BY_CENTRE)]
            await deprecations.note(connection, used, by="harvest", actor="worker")
        [told] = await deprecations.noted(connection, days=7)
    assert (told.subject, told.reason, told.days) == ("option a of harvest", SENTENCE, 2)
    with pytest.raises(asyncpg.PostgresError):
        await own_ledger.execute("DELETE FROM audit")


async def test_a_worker_tells_which_deprecated_options_it_was_started_with(
    own_ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = System("made-up", Options, lambda *_: pytest.fail("nothing is connected"))
    monkeypatch.setattr(runtime_deprecations, "system_named", lambda _: system)
    used = ConnectionSettings(system="made-up", options={"department": "D-100"})
    unused = ConnectionSettings(system="made-up")
    configuration = Configuration(tenant="firm", connections={"old": used, "new": unused})
    for _ in range(2):
        await runtime_deprecations.warn(own_ledger, configuration, Policies())
    (row,) = await warnings(own_ledger, "")
    assert row["subject"] == "option department of connections.yaml, old"
    assert (row["actor"], row["reason"]) == ("worker", SENTENCE)
