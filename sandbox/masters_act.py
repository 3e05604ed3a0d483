"""The demo's fourth act: masters change at all ends, and neither drift nor have a twin."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from canonical.exact import decimal_text
from canonical.exception_case import Cause
from canonical.messages import MasterSyncRef, ResolutionRequest
from connectors.bamboohr.simulated_state import SimulatedJob
from rules.look_alikes import plain, words
from sandbox.crm_org import CrmOrg, account_fields
from sandbox.firm import RESEARCH, Employee, Firm
from sandbox.hr_company import HrCompany
from sandbox.platform_view import PlatformView
from sandbox.tryton.party_desk import PartyDesk
from sandbox.world import World
from sandbox.world_configuration import SOURCE_OF_TIME, TARGET
from store.correction_plans import Worth
from store.master_issues import OpenIssue

# Who works the cases.
CONTROLLER: Final = "Noor"
# One customer whom the ERP's own people have set up before sales did: code and name of each.
ERP_KNOWS, SALES_ADDS = (
    ("KD-2207", "FJORDLINE SHIPPING Ltd."),
    ("CUST-007", "Fjordline Shipping Limited"),
)
# One customer whom sales enters twice.
TWICE: Final = (("CUST-008", "Köhler Werkzeuge GmbH"), ("CUST-009", "KOHLER WERKZEUGE"))
# Renamed by sales; renamed by sales and otherwise by the ERP's people.
RENAMED: Final = ("CUST-005", "Lakeshore Freight & Logistics")
RENAMED_TWICE: Final = ("CUST-006", "Pinnacle Federal Credit Union", "Pinnacle CU of Utah")
LEAVER: Final = "Sofia Almeida"
# They move to Research as of the 15th, and HR says so weeks later.
MOVERS: Final = ("Jonas Lindqvist", "Emeka Okafor", "Kenji Mori")
# What is left for whoever works with the demo's world.
LEFT: Final[Mapping[str, int]] = {
    Cause.POSSIBLE_TWIN: 1,
    Cause.RETROACTIVE_CHANGE: len(MOVERS),
}
_ROUNDS_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class MastersAct:
    """What became of customers and people."""

    # By the first synchronisation, which has nothing to write.
    linked: int
    written_at_first: int
    written: int
    settled: int
    left: Mapping[str, int]
    # What the correction plans are about.
    plans: Sequence[Worth]
    # Asked of the ERP itself.
    twins: int
    wrong: Sequence[str]
    seconds: float

    @property
    def agree(self) -> bool:
        """Everything is where it belongs, once, and what is left is what people have to decide."""
        in_step = not (self.twins or self.wrong or self.written_at_first)
        return in_step and self.left == LEFT

    def as_json(self) -> dict[str, Any]:
        """For programs; amounts are text."""
        return {
            "linked": self.linked,
            "written_at_first": self.written_at_first,
            "written": self.written,
            "conflicts_settled": self.settled,
            "left_for_people": dict(self.left),
            "correction_plans": [
                {**asdict(one), "amount": decimal_text(one.amount)} for one in self.plans
            ],
            "twins": self.twins,
            "wrong": list(self.wrong),
            "seconds": self.seconds,
        }


async def keep_masters_in_step(
    world: World, platform: PlatformView, step: Callable[[str], None]
) -> MastersAct:
    """Link all systems, let people change things in each of them, and work most of the cases."""
    began = time.monotonic()
    async with world.erp.admin() as admin:
        desk = PartyDesk(admin.session)
        await desk.open_party(*ERP_KNOWS)
        step("Linking customers and people of Salesforce, BambooHR, Harvest and Tryton")
        first = await platform.sync_masters(MasterSyncRef(whole=True))
        step(
            f"{first.linked} linked by exact keys, {first.written} written. Now sales, HR and the "
            "ERP's own people change things: new customers, new names, a leaver, a re-org"
        )
        await _things_change(world, desk)
        await platform.sync_masters(MasterSyncRef(connections=("salesforce", "bamboohr")))
        step("Deciding: a twin is linked, a name that was changed on both sides is restored")
        settled = await _decide(platform)
        step("Sweeping all systems for what has drifted, and asking Tryton for twins")
        swept = await platform.sync_masters(MasterSyncRef(whole=True))
        wrong = [*await _wrong(world, desk), *(["the sweep had to write"] * bool(swept.written))]
        twins = twins_among(await desk.parties())
    left = await platform.master_issues()
    plans = [one.issue for one in left if one.issue.cause is Cause.RETROACTIVE_CHANGE]
    return MastersAct(
        linked=first.linked,
        written_at_first=first.written,
        written=await platform.masters_written(),
        settled=settled,
        left=dict(sorted(Counter(str(one.issue.cause) for one in left).items())),
        plans=await platform.worth_of([key for one in plans for key in one.candidates]),
        twins=twins,
        wrong=wrong,
        seconds=round(time.monotonic() - began, 1),
    )


async def _things_change(world: World, desk: PartyDesk) -> None:
    """What people do on one day, each in the system that is theirs."""
    firm = world.firm
    for code, name in (SALES_ADDS, *TWICE):
        fields = account_fields(code, name, country="GB", currency="EUR")
        await world.salesforce.open_account(fields)
    crm, hr = CrmOrg(firm), HrCompany(firm)
    for code, name, *_ in (RENAMED, RENAMED_TWICE):
        await world.salesforce.rename(crm.account_id(code), name)
    code, _, in_erp = RENAMED_TWICE
    await desk.rename(code, in_erp)
    await world.bamboohr.terminate(hr.employee_id(_named(firm, LEAVER)), firm.month.last_day)
    for name in MOVERS:
        person = _named(firm, name)
        job = SimulatedJob(
            day=firm.month.first_day.replace(day=15),
            department=RESEARCH.role,
            division=person.legal_entity.name,
            title=person.role,
        )
        await world.bamboohr.move(hr.employee_id(person), job)


def _named(firm: Firm, name: str) -> Employee:
    return next(one for one in firm.employees if one.name == name)


async def _decide(platform: PlatformView) -> int:
    """Work the cases that are the controller's; gives how many.

    A customer that was linked may be spelled otherwise there, which is the next case.
    """
    settled = 0
    for _ in range(_ROUNDS_MAX):
        decisions = {
            one.case_id: decision
            for one in await platform.master_issues()
            if one.case_id is not None and (decision := _decision_on(one)) is not None
        }
        for case_id, decision in decisions.items():
            await platform.resolve(case_id, decision)
        if not decisions:
            break
        settled += len(decisions)
        await platform.masters_at_rest()
    return settled


def _decision_on(one: OpenIssue) -> ResolutionRequest | None:
    match one.issue.cause:
        case Cause.MASTER_CONFLICT:
            return ResolutionRequest(kind="restore", by=CONTROLLER)
        case Cause.POSSIBLE_TWIN if one.issue.connection == TARGET:
            (record,) = one.issue.candidates
            return ResolutionRequest(kind="link", by=CONTROLLER, record=record)
        case _:
            return None


async def _wrong(world: World, desk: PartyDesk) -> list[str]:
    """What the ERP and Harvest do not have as its owner says."""
    names = dict(await desk.parties())
    account = await world.harvest.account()
    clients = {one.name for one in account.clients}
    code, name = ERP_KNOWS[0], SALES_ADDS[1]
    (first, _), (second, _) = TWICE
    wanted = {code: name, **dict([RENAMED, RENAMED_TWICE[:2], TWICE[0]])}
    found = [
        f"{code} is {names.get(code)} in {TARGET}, and not {name}"
        for code, name in wanted.items()
        if names.get(code) != name
    ]
    found += [
        f"{code} is not {name} in {SOURCE_OF_TIME}"
        for code, name in (SALES_ADDS, RENAMED, RENAMED_TWICE[:2], TWICE[0])
        if f"{code} {name}" not in clients
    ]
    if second in names:
        found.append(f"{second} is {first} once more, and reached {TARGET}")
    last_day = (await desk.last_days())[_named(world.firm, LEAVER).code]
    if last_day != world.firm.month.last_day:
        found.append(f"{TARGET} does not know the last day of who left")
    return found


def twins_among(parties: Sequence[tuple[str, str]]) -> int:
    """How many parties differ from another one by the spelling of their code or name only."""
    codes = Counter(plain(code) for code, _ in parties if code)
    names = Counter(words(name) for _, name in parties if name)
    return sum(times - 1 for found in (codes, names) for times in found.values())
