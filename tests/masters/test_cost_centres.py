"""A person moves to another cost centre in mid-month: work before, after, and a word too late."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from canonical.cross_reference import MasterKind
from canonical.masters import CostCentreAssignment
from canonical.messages import MasterFeedRef, MasterSyncRef
from rules.ownership import KindOwnership, Ownership
from runtime.configuration import ConnectionSettings
from runtime.temporal import connect
from sandbox.temporal_server import TemporalServer
from tests.e2e.conftest import NewNamespace, dsn, new_namespace  # noqa: F401  Fixtures.
from tests.e2e.running_platform import eventually, running
from tests.masters.made_up import MadeUpSystem
from tests.pairs.export import ExportSide
from tests.pairs.pair_platform import ERP, PairPlatform, configuration, policies_for
from tests.pairs.sources import HARVEST, Sources

E: Final = MasterKind.EMPLOYEE
WHO: Final = "Anna Berger"


@dataclass
class MadeUpHr(MadeUpSystem):
    """HR, which says from which day on somebody works for which cost centre."""

    assignments: list[CostCentreAssignment] = field(default_factory=list)

    async def cost_centre_assignments(self) -> list[CostCentreAssignment]:
        return list(self.assignments)

    def assign(self, person: str, valid_from: date, cost_centre: str) -> None:
        """Note an assignment, in place of one of the same day."""
        self.assignments = [
            one
            for one in self.assignments
            if (one.employee, one.valid_from) != (person, valid_from)
        ]
        self.assignments.append(
            CostCentreAssignment(employee=person, valid_from=valid_from, cost_centre=cost_centre)
        )


@pytest.fixture
def hr() -> MadeUpHr:
    return MadeUpHr("hr")


async def test_time_before_and_after_a_move_goes_to_the_right_cost_centre_and_a_late_word_is_a_plan(
    dsn: str,  # noqa: F811
    temporal_server: TemporalServer,
    new_namespace: NewNamespace,  # noqa: F811
    tmp_path: Path,
    hr: MadeUpHr,
) -> None:
    sources = Sources(tmp_path / "contracts", ExportSide.entities)
    erp = ExportSide(tmp_path / "export", sources.firm)
    person = next(one for one in sources.firm.employees if one.name == WHO)
    known = hr.put(E, "E-HR-1", name=WHO, email=person.email)
    first, fifteenth = sources.firm.month.first_day, sources.firm.month.first_day.replace(day=15)
    hr.assign(known, first, "CC-100")
    hr.assign(known, fifteenth, "CC-200")
    days = [day for day in sources.firm.month.working_days() if 8 <= day.day <= 22]
    for day in days:
        sources.staff.enter(WHO, on=day, hours="2")

    client = await connect(temporal_server.address, await new_namespace())
    connected = {**sources.connected(), ERP: erp.connect(), "hr": hr}
    configured = configuration(erp.system)
    configured = configured.model_copy(
        update={"connections": {**configured.connections, "hr": ConnectionSettings(system="hr")}}
    )
    ownership = Ownership(kinds={E: KindOwnership(owner="hr", receivers=(HARVEST, ERP))})
    policies = policies_for(erp.tax_codes).model_copy(update={"ownership": ownership})
    async with running(dsn, client, configured, policies, connected) as (platform, activities):
        pair = PairPlatform(
            dsn=dsn, platform=platform, activities=activities, client=client, sources=sources
        )
        await pair.refresh()
        for name in (HARVEST, ERP, "hr"):
            await activities.master_feeds.read(MasterFeedRef(connection=name, whole=True))
        await activities.master_sync.sync(E)
        await pair.poll()
        assert await pair.rows("SELECT FROM exception_case") == []

        before, after = _days_by_centre(erp.folder), Counter[str]()
        for day in days:
            after["CC-100" if day < fifteenth else "CC-200"] += 1
        assert before == after

        # HR says weeks later that the move was on the 10th.
        hr.assign(known, fifteenth.replace(day=10), "CC-200")
        await activities.master_telling.tell_master_sync(MasterSyncRef(connections=("hr",)))
        await pair.until(
            "SELECT count(*) = 1 FROM exception_case WHERE cause = 'retroactive_change'"
        )
        assert _days_by_centre(erp.folder) == before
        moved = [day for day in days if 10 <= day.day < 15]
        (case,) = await pair.rows(
            "SELECT c.id, cardinality(i.candidates) AS lines, i.value, i.owner_value "
            "FROM exception_case c JOIN master_issue i ON i.case_id = c.id "
            "WHERE c.cause = 'retroactive_change'"
        )
        assert (case["lines"], case["value"], case["owner_value"]) == (
            len(moved), "CC-100", "CC-200"
        )  # fmt: skip

        # A controller approves the plan: each line is taken back and posted anew.
        handle = client.get_workflow_handle(f"exception-case/{case['id']}")
        await eventually(partial(_is_there, handle))
        await handle.execute_update(
            "resolve_exception", {"kind": "apply", "by": "ana", "reason": "HR was late"}
        )
        await pair.settled()
        await pair.until("SELECT count(*) = 0 FROM exception_case WHERE state <> 'RESOLVED'")
        corrected = Counter(
            {"CC-100": before["CC-100"] - len(moved), "CC-200": before["CC-200"] + len(moved)}
        )
        assert _days_by_centre(erp.folder) == corrected
        (undone,) = await pair.rows(
            "SELECT count(*) AS n FROM posting WHERE kind IN ('reversal', 'undo')"
        )
        assert undone["n"] == len(moved)


async def _is_there(handle: WorkflowHandle[Any, Any]) -> bool:
    try:
        await handle.describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True


def _days_by_centre(folder: Path) -> Counter[str]:
    """Asked of what the ERP imports: the lines of time that count, by cost centre."""
    papers = [json.loads(path.read_text()) for path in (folder / "documents").glob("*.json")]
    centres = {one["reference"]: one["dimensions"].get("cost_centre") for one in papers}
    found: Counter[str] = Counter()
    for one in papers:
        taken_back = one["takes_back"]
        if taken_back:
            found[centres[taken_back.rsplit("/")[-1]]] -= 1
        else:
            found[centres[one["reference"]]] += 1
    return found
