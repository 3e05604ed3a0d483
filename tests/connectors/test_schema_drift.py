"""A source whose records change shape: one case for all that cannot be read, and the rest flows.

Drift is made on the wire, between a source's simulator and its connector.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from activities.drafting import unreadable_cause
from canonical.exception_case import Cause
from canonical.source_line import LineStatus, LineVersion, ObjectName
from connectors.base.capabilities import SourceRecord
from connectors.conformance.http_contract import Tokens
from connectors.conformance.time_source import MONDAY
from rules.troubles import shape_of
from tests.connectors.concur.world import ConcurWorld
from tests.connectors.flatfile.time_world import TimeWorld
from tests.connectors.fyle.world import FyleWorld
from tests.connectors.harvest.world import HarvestWorld

Change = Callable[[dict[str, Any]], None]
DRIFTED = 4
GOOD = 3


class Drifting(httpx.AsyncBaseTransport):
    """Changes records of some pages on their way; `finds` says which of an answer's they are."""

    def __init__(
        self,
        system: httpx.AsyncBaseTransport,
        finds: Callable[[Any], Sequence[dict[str, Any]]],
        change: Change,
    ) -> None:
        self._system = system
        self._finds = finds
        self._change = change
        self.changed = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._system.handle_async_request(request)
        body = json.loads(await answer.aread())
        records = self._finds(body)
        for record in records:
            self._change(record)
        self.changed += len(records)
        headers = {"content-type": "application/json"}
        return httpx.Response(answer.status_code, headers=headers, json=body, request=request)


@dataclass(frozen=True)
class Source:
    """How a source is filled, read and changed."""

    object: ObjectName
    # Makes so many records; gives their ids.
    fill: Callable[[Any, int], list[str]]
    read: Callable[[Any], Awaitable[list[SourceRecord[Any]]]]
    # The parts of an answer that drift, of the records with these ids.
    finds: Callable[[Any, set[str]], Sequence[dict[str, Any]]]
    changes: Mapping[str, Change]
    world: Callable[[], Any]


def renamed(old: str, new: str) -> Change:
    return lambda record: record.update({new: record.pop(old)})


def missing(name: str) -> Change:
    return lambda record: record.pop(name)


def becomes(name: str, value: Any) -> Change:
    return lambda record: record.update({name: value})


# --- Harvest


def work(world: HarvestWorld, count: int) -> list[str]:
    entries = [world.add(MONDAY, "1") for _ in range(count)]
    for entry in entries:
        world.approve(entry)
    return entries


async def read_time(world: HarvestWorld) -> list[SourceRecord[Any]]:
    pages = world.connect(Tokens()).time_entries_between(MONDAY, MONDAY)
    return [record async for page in pages for record in page.records]


def entries_in(body: Any, ids: set[str]) -> list[dict[str, Any]]:
    return [each for each in body.get("time_entries", ()) if str(each["id"]) in ids]


# --- Concur and Fyle


def released(world: Any, count: int) -> list[str]:
    return [world.release("10.00") for _ in range(count)]


async def read_reports(world: Any) -> list[SourceRecord[Any]]:
    pages = world.connect(Tokens()).expense_reports(world.now - timedelta(days=365))
    return [record async for page in pages for record in page.records]


def concur_entries(body: Any, ids: set[str]) -> list[dict[str, Any]]:
    """The last entry of each document, at another place in each: they have one, two, three."""
    found = []
    for number, document in enumerate(body.get("content", ())):
        if document["id"] in ids:
            entries = document["document"]["expenseEntry"]
            more = [{**entries[0], "entryId": f"E{number}-{n}"} for n in range(number)]
            entries[:0] = more
            found.append(entries[-1])
    return found


def fyle_expenses(body: Any, ids: set[str]) -> list[dict[str, Any]]:
    rows = body.get("data", ()) if isinstance(body, dict) else ()
    return [each for each in rows if each.get("report_id") in ids]


SOURCES = {
    "harvest": Source(
        object="time_entry",
        fill=work,
        read=read_time,
        finds=entries_in,
        changes={
            "missing": missing("hours"),
            "renamed": renamed("spent_date", "worked_on"),
            "retyped": becomes("hours", "one and a half"),
            "new value": becomes("is_closed", "escalated"),
        },
        world=HarvestWorld,
    ),
    "concur": Source(
        object="expense_report",
        fill=released,
        read=read_reports,
        finds=concur_entries,
        changes={
            "missing": missing("entryApprovedAmount"),
            "renamed": renamed("entryDate", "transactionDate"),
            "retyped": becomes("entryApprovedAmount", {"value": 10}),
            "new value": becomes("entryExchangeRateDirection", "X"),
        },
        world=ConcurWorld,
    ),
    "fyle": Source(
        object="expense_report",
        fill=released,
        read=read_reports,
        finds=fyle_expenses,
        changes={
            "missing": missing("amount"),
            "renamed": renamed("spent_at", "paid_at"),
            "retyped": becomes("amount", "10.00"),
            "new value": becomes("source_account", {"id": "acX", "type": "CRYPTO_WALLET"}),
        },
        world=FyleWorld,
    ),
}


@pytest.mark.parametrize("drift", ["missing", "renamed", "retyped", "new value"])
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
async def test_drift_makes_one_case_and_the_rest_flows(source: Source, drift: str) -> None:
    world = source.world()
    if hasattr(world, "spec"):
        world.spec.tolerant = True
    good, drifted = source.fill(world, GOOD), set(source.fill(world, DRIFTED))
    drifting = Drifting(
        world.network._system,
        lambda body: source.finds(body, drifted),
        source.changes[drift],
    )
    world.network._system = drifting
    records = await source.read(world)
    assert drifting.changed >= DRIFTED
    readable = {each.source_id for each in records if each.record is not None}
    unreadable = [each for each in records if each.record is None]
    assert readable == set(good)
    assert {each.source_id for each in unreadable} == drifted
    causes = {unreadable_cause(line_of(each, source.object)) for each in unreadable}
    assert len({(each.cause, each.subject) for each in causes}) == 1, [
        each.trouble for each in unreadable
    ]
    assert {each.cause for each in causes} == {Cause.UNREADABLE_LINE}


async def test_a_column_that_changes_in_a_file_is_one_case_and_the_rest_flows(
    tmp_path: Path,
) -> None:
    world = TimeWorld(tmp_path / "time")
    entries = [world.add(MONDAY, "1") for _ in range(GOOD + DRIFTED)]
    for entry in entries:
        world.approve(entry)
    for entry in entries[GOOD:]:
        world.change_cells(entry, hours="1h 30m")
    pages = world.connect(Tokens()).time_entries_between(MONDAY, MONDAY)
    records = [record async for page in pages for record in page.records]
    assert {each.source_id for each in records if each.record} == set(entries[:GOOD])
    unreadable = [each for each in records if each.record is None]
    assert {each.source_id for each in unreadable} == set(entries[GOOD:])
    assert len({each.trouble for each in unreadable}) == DRIFTED, "each names its own line"
    causes = {unreadable_cause(line_of(each, "time_entry")) for each in unreadable}
    assert len({each.subject for each in causes}) == 1


def line_of(record: SourceRecord[Any], kind: ObjectName) -> LineVersion:
    """The record as the inbox keeps it."""
    return LineVersion(
        connection="source",
        object=kind,
        source_id=record.source_id or "",
        document_id=record.document_id or "",
        employee="-",
        work_date=None,
        revision=1,
        financial_hash="unreadable",
        status=LineStatus.UNREADABLE,
        approved_at=None,
        approved_at_from=None,
        trouble=record.trouble,
        entry=None,
        changed_at=HarvestWorld().now,
    )


@pytest.mark.parametrize(
    ("troubles", "shapes"),
    [
        (["items.0.amount: not a number", "items.12.amount: not a number"], 1),
        (["a.1.b: gone; a.2.b: gone", "a.7.b: gone"], 1),
        (["a.1.b: gone; and 3 more", "a.1.b: gone; and 12 more"], 1),
        (["time.csv, line 5: column hours: empty", "time.csv, line 90: column hours: empty"], 1),
        (["expense txAbC: amount: gone", "expense txXyZ: amount: gone"], 1),
        (["entry E: x: gone; entry F: x: gone", "entry G: x: gone"], 1),
        (["expense txAbC: amount: gone", "expense txAbC: spent_at: gone"], 2),
        (["items.0.amount: not a number", "items.0.date: not a date"], 2),
        (["a.1.b: gone", "a.1.b: gone; a.1.c: gone"], 2),
    ],
)
def test_a_trouble_is_told_apart_by_its_cause_and_not_by_its_place(
    troubles: list[str], shapes: int
) -> None:
    assert len({shape_of(each) for each in troubles}) == shapes
