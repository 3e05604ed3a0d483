"""Masters into the real Tryton: any order, lost answers, killed workers; and no twin, ever."""

from collections import Counter
from contextlib import suppress
from typing import Final

import httpx
import pytest
from pydantic import SecretStr

from connectors.base.rate_budget import Unlimited
from connectors.base.tls import trusted_authorities
from connectors.tryton import Tryton, TrytonOptions, connect
from rules.look_alikes import plain, words
from rules.policies import Policies
from sandbox.tryton.json_rpc import JsonRpcSession
from sandbox.tryton.server import TrytonServer
from store.database import Database
from tests.masters.corner import Masters
from tests.masters.firm import OWNERSHIP, C, E, Firm, P, T
from tests.masters.lossy import Killed, Loss, Lossy

_WAYS: Final = [*Loss, *Loss]


@pytest.mark.parametrize(
    ("customers", "projects", "employees"),
    [
        (10, 16, 12),
        pytest.param(500, 800, 1000, marks=[pytest.mark.exhaustive, pytest.mark.timeout(900)]),
    ],
)
async def test_masters_reach_tryton_once_in_any_order_with_lost_answers_and_killed_workers(
    database: Database,
    own_erp: TrytonServer,
    desk: JsonRpcSession,
    *,
    customers: int,
    projects: int,
    employees: int,
) -> None:
    firm = Firm(seed=customers)
    network = httpx.AsyncHTTPTransport(
        verify=trusted_authorities(), limits=httpx.Limits(keepalive_expiry=1)
    )
    wire = Lossy(network)
    erp = _connected(own_erp, wire)
    masters = Masters(
        database,
        {"crm": firm.crm, "psa": firm.psa, "hr": firm.hr, "erp": erp},
        Policies(ownership=OWNERSHIP),
        routes={"psa": "erp"},
    )
    before = await _held(desk)

    # People enter everything in an order of their own, while answers get lost and workers die.
    arrivals = firm.arrivals(customers, projects, employees)
    firm.dice.shuffle(arrivals)
    wire.deal(_WAYS, calm_between=1)
    portion = max(1, len(arrivals) // 6)
    for start in range(0, len(arrivals), portion):
        for enter, *arguments in arrivals[start : start + portion]:
            enter(*arguments)
        await _through(masters)
    await _through(masters, until_calm=True)
    assert wire.left == 0
    assert [one.issue for one in await masters.issues()] == []

    # Everything is there once, asked of the ERP.
    await _check(masters, firm, desk, before)
    writes = wire.writes
    assert await masters.sync(whole=True) == 0
    assert await masters.sync(whole=True) == 0
    assert wire.writes == writes

    # Renamed at its owner, or on both sides: the one flows, the other is one case each.
    renamed, both = await _rename(firm, desk)
    await _through(masters, whole=True)
    await _through(masters, whole=True)
    found = await masters.issues()
    assert Counter(one.issue.code for one in found) == Counter(both)
    assert len(await masters.open_cases()) == len(both)
    held = {one["code"]: one["name"] for one in await desk.find("party.party", [], "code", "name")}
    assert {code: held[code] for code in renamed} == renamed
    for one in found:
        await masters.resolve(one, "restore")
    assert await masters.open_cases() == []

    # Deleted by their owner, and made again: the ERP's own record is taken up again.
    again = sorted(firm.customers)[:3]
    for code in again:
        firm.crm.remove(C, firm.customers[code])
    await _through(masters)
    for code in again:
        firm.enter_customer(int(code.removeprefix("K-")))
    wire.deal([Loss.ANSWER, Loss.WORKER_AFTER], calm_between=0)
    await _through(masters, until_calm=True)
    firm.customers = {one.code: it for it, one in firm.crm.of(C).items()}
    await _through(masters, until_calm=True)
    await _check(masters, firm, desk, before)
    assert await masters.sync(whole=True) == 0
    assert {one: wire.fired[one] for one in Loss if wire.fired[one] < 2} == {}
    await erp.close()
    await network.aclose()


def _connected(server: TrytonServer, wire: Lossy) -> Tryton:
    options = TrytonOptions(
        "erp", server.url, server.database, server.user, SecretStr(server.password)
    )
    return connect(options, Unlimited(), wire)


async def _through(masters: Masters, *, whole: bool = False, until_calm: bool = False) -> None:
    """Sync as workers do that may die at any write; time passes between two of them."""
    for _ in range(40):
        with suppress(Killed):
            await masters.sync(whole=whole)
            await masters.time_passes()
            left = await masters.database.fetch("SELECT FROM master_news LIMIT 1")
            if not left or not until_calm:
                break
        await masters.time_passes()


async def _held(desk: JsonRpcSession) -> set[int]:
    """The parties that were there before."""
    return {one["id"] for one in await desk.find("party.party", [], "id")}


async def _check(masters: Masters, firm: Firm, desk: JsonRpcSession, before: set[int]) -> None:
    """Ask the ERP for everything that it holds, and compare it with what the owners have."""
    parties = [
        one for one in await desk.find("party.party", [], "code", "name") if one["id"] not in before
    ]
    wanted = {one.code: one.name for one in (*firm.crm.of(C).values(), *firm.hr.of(E).values())}
    assert {one["code"]: one["name"] for one in parties} == wanted
    assert len(parties) == len(wanted)
    codes = Counter(plain(str(one["code"])) for one in parties)
    names = Counter(words(str(one["name"])) for one in parties)
    assert [one for one, times in (*codes.items(), *names.items()) if times > 1] == []

    staff = await desk.find("company.employee", [], "party.code")
    hired = Counter(
        str(one["party."]["code"]) for one in staff if str(one["party."]["code"]) in firm.employees
    )
    assert hired == Counter(dict.fromkeys(firm.employees, 1))

    works = await desk.find(
        "project.work", [["comment", "like", "%[ledgerway:%"]], "name", "comment", "party"
    )
    marked = Counter(str(one["comment"]) for one in works)
    assert marked == Counter(f"[ledgerway:{code}]" for code in firm.projects)
    tasks = await desk.find(
        "project.work",
        [["type", "=", "task"], ["parent", "in", [one["id"] for one in works]]],
        "parent",
    )
    assert sorted(one["parent"] for one in tasks) == sorted(one["id"] for one in works)

    for kind, owner, count in (
        (C, "crm", len(firm.crm.of(C))),
        (E, "hr", len(firm.employees)),
        (P, "psa", len(firm.projects)),
        (T, "psa", len(firm.projects)),
    ):
        links = await masters.links(kind, owner, "erp")
        assert len(set(links.values())) == len(links) == count, kind


async def _rename(firm: Firm, desk: JsonRpcSession) -> tuple[dict[str, str], list[str]]:
    """Some are renamed by their owner, some by the owner and differently in the ERP."""
    codes = sorted(firm.customers)
    renamed = {code: f"Renamed {code} Holding" for code in codes[3:6]}
    for code, name in renamed.items():
        firm.crm.change(C, firm.customers[code], name=name)
    both = codes[6:9]
    for code in both:
        firm.crm.change(C, firm.customers[code], name=f"Owner's {code} Trust")
        party = await desk.find_one("party.party", [["code", "=", code]])
        await desk.write("party.party", [party], {"name": f"Clerk's {code} Estate"})
    return renamed, both
