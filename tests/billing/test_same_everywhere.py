"""Readiness, WIP, margin and leakage come out the same from the workflow, the CLI and SQL.

After every stage of a month on the real ERP, all figures are asked all three ways, and WIP closes
against the ERP's own lines. And what is wrong is seen: the proof can fail.
"""

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from canonical.contracts import BillingModel
from canonical.messages import MasterDataRef, PaymentRef, SourceRef
from connectors.base.capabilities import Connected
from connectors.concur.simulated_documents import CostObjects
from rules.policies import Policies
from runtime.configuration import Configuration, ConnectionSettings
from sandbox.billing_policies import BILLING_POLICIES
from sandbox.expense_policies import EXPENSE_POLICIES
from tests.billing.billing_platform import BillingPlatform, configuration
from tests.billing.conftest import Opened
from tests.billing.systems import BillingSystems, due, hard_cap
from tests.billing.terminal import Options, terminal  # noqa: F401  A fixture.
from tests.billing.three_ways import ThreeWays
from tests.cli.conftest import NOBODY, nowhere  # noqa: F401  A fixture.
from tests.cli.terminal import Terminal
from tests.expenses.systems import ErpSide, ExpenseSystems

pytestmark = [pytest.mark.erp, pytest.mark.exhaustive]

CONCUR: Final = SourceRef(connection="concur", target="tryton")
CAPPED, RETAINER, FIXED, OPEN = "ENG-1001", "ENG-1002", "ENG-1005", "ENG-1007"
EVERY = (CAPPED, RETAINER, FIXED, OPEN)
# Beside those of all other tests on the same ERP.
_ENTRIES: Final = itertools.count(7_900_001, 1000)


class WithCosts(BillingSystems):
    """The systems of billing, and a Concur whose costs are passed on."""

    def __init__(self, erp: ErpSide, folder: Path, first_entry: int) -> None:
        super().__init__(erp, folder, first_entry)
        self.expenses = ExpenseSystems(erp)

    @contextmanager
    def connected(self) -> Iterator[dict[str, Connected]]:
        """Connect all of them."""
        with super().connected() as billing, self.expenses.connected() as expenses:
            yield {**billing, "concur": expenses["concur"]}

    def pass_on(self, project: str, amount: str, tax: str) -> None:
        """Release a report of one cost that a customer pays, without its recovered tax."""
        who = self.expenses.claimant()
        entity = who.employee.legal_entity.code
        on_project = CostObjects(entity, who.employee.cost_centre.code, project)
        spent = who.spent(
            1, amount, 2, billable=True, cost=on_project, tax=who.tax("VAT7", tax), receipt="T"
        )
        self.expenses.release(who, [spent])


@pytest.fixture
def systems(erp_side: ErpSide, tmp_path: Path) -> WithCosts:
    """A Harvest and a Concur without a record, a drop without a contract, and the ERP."""
    return WithCosts(erp_side, tmp_path / "contracts", next(_ENTRIES))


@pytest.fixture
def settings() -> Configuration:
    """A tenant of its own that has Concur, too."""
    of_billing = configuration()
    of_billing.connections["concur"] = ConnectionSettings(system="concur", posts_to="tryton")
    return of_billing


@pytest.fixture
def policies() -> Policies:
    """What the firm has decided about invoices and about expenses."""
    return Policies.model_validate(
        {
            "legal_entities": {
                code: {
                    "closed_period": "NEXT_OPEN",
                    "expense": EXPENSE_POLICIES[code],
                    "billing": {**BILLING_POLICIES[code], "four_eyes_above": {}},
                }
                for code in ("DE01", "US01")
            }
        }
    )


@pytest.fixture
def more_options() -> Options:
    """How a command would reach Concur, which it never does."""
    return {
        "concur": {
            "client_id": "ledgerway",
            "client_secret": "file:harvest.token",
            "refresh_token": "file:harvest.token",
            "base_url": NOBODY,
        }
    }


@pytest.fixture
async def local(opened: Opened, policies: Policies) -> AsyncIterator[BillingPlatform]:
    """A platform between them."""
    async with opened(policies=policies) as platform:
        ref = MasterDataRef(connection="concur", target="tryton")
        await platform.activities.master_data.refresh(ref)
        yield platform


@pytest.fixture
def ways(local: BillingPlatform, terminal: Terminal) -> ThreeWays:  # noqa: F811
    """Asks all three."""
    return ThreeWays(local, terminal)


async def test_all_figures_are_the_same_after_every_stage_of_a_month(
    ways: ThreeWays, systems: WithCosts
) -> None:
    local = ways.local
    _agree(systems)
    hours = systems.staff.enter(hours="2")
    systems.staff.enter("Mateo Fuentes", hours="3.5", on=1)
    systems.staff.enter(hours="1", on=2, approved=False)
    systems.staff.enter(project="PRJ-1005", hours="3")
    corrected = systems.staff.enter(project="PRJ-1007", hours="5")
    given_up = systems.staff.enter(project="PRJ-1007", hours="1", on=1)
    systems.pass_on("PRJ-1001", "34.55", "2.26")
    await _look(local)
    views = await ways.agree(*EVERY)
    assert [one.amount for one in views[CAPPED].ready_amounts] == ["857.29"]
    assert {one.reason for one in views[CAPPED].blocked} == {"unapproved"}

    await _exclude_what_is_not_approved(local)
    for engagement in (CAPPED, RETAINER, FIXED):
        await _bill(local, engagement)
    views = await ways.agree(*EVERY)
    assert [one.net.amount for one in views[CAPPED].invoices] == ["857.29"]

    # Late work meets the cap, a retainer is drawn on, and what is posted is corrected.
    systems.staff.enter("Mateo Fuentes", hours="2", on=0)
    systems.staff.enter(project="PRJ-1002", hours="4")
    systems.staff.change(corrected, hours="4")
    await _look(local)
    views = await ways.agree(*EVERY)
    assert {one.reason: one.amount.amount for one in views[CAPPED].blocked} == {
        "excluded": "150.00",
        "over_cap": "225.00",
    }
    assert [one.amount for one in views[RETAINER].drawn] == ["600.00"]
    assert [(one.posted, one.corrections) for one in views[OPEN].wip] == [("900.00", "-150.00")]

    await _bill(local, RETAINER)
    await _lower_and_give_up(local, given_up)
    await _bill(local, OPEN)
    await _credit_in_part(local, hours)
    views = await ways.agree(*EVERY)
    assert sorted(one.net.amount for one in views[CAPPED].invoices) == ["-150.00", "857.29"]
    assert [one.net.amount for one in views[OPEN].invoices] == ["550.00"]

    await _bill(local, CAPPED)
    bill = next(one for one in await systems.bills(OPEN) if one.net == Decimal("550.00"))
    await systems.desk.pay(bill.id, bill.posting_date, Decimal("100.00"))
    await _watch(local)
    views = await ways.agree(*EVERY)
    assert [one.payment for one in views[OPEN].invoices] == ["partial"]


def _agree(systems: BillingSystems) -> None:
    """One engagement of each kind."""
    agreements, month = systems.agreements, systems.firm.month
    agreements.agree("PRJ-1001", cap=hard_cap("900.00"))
    agreements.agree(
        "PRJ-1002",
        model=BillingModel.RETAINER,
        schedule=(due("PRE", "1000.00", month.first_day),),
    )
    agreements.agree(
        "PRJ-1005",
        model=BillingModel.FIXED_FEE,
        schedule=(due("1", "500.00", month.first_day),),
    )
    agreements.agree("PRJ-1007")


async def _look(local: BillingPlatform) -> None:
    """Read all sources, and let billing hear of it."""
    await local.run("PollExpenseSource", CONCUR)
    await local.settled()
    await local.assess()


async def _bill(local: BillingPlatform, engagement: str) -> None:
    """Release what is ready, and wait until it is posted and everybody has heard of it."""
    decided = await local.release(engagement)
    assert decided.done, decided.message
    await local.until(
        "SELECT count(*) = $2 FROM posting WHERE source_id = ANY($1::text[]) "
        "AND state = 'POSTED' AND attested_at IS NOT NULL",
        list(decided.events),
        len(decided.events),
    )
    await _watch(local)


async def _watch(local: BillingPlatform) -> None:
    """Ask the ERP how far all is paid, and let reports and billing hear of it."""
    await local.run("WatchPayments", PaymentRef(target="tryton"))
    await local.run("TellExpenseSource", CONCUR)
    await local.hear()
    await local.settled()


async def _exclude_what_is_not_approved(local: BillingPlatform) -> None:
    view = await local.view(CAPPED)
    assert not view.ready
    (row,) = await local.rows(
        "SELECT DISTINCT work_key FROM readiness_piece WHERE engagement = $1 AND period = $2 "
        "AND reason = 'unapproved'",
        *(CAPPED, view.period),
    )
    decided = await local.decide(CAPPED, "exclude", work=[row["work_key"]], reason="next month")
    assert decided.done, decided.message


async def _lower_and_give_up(local: BillingPlatform, entry: int) -> None:
    """The price falls by 50, and an hour is never billed."""
    approved = {"reason": "agreed with the customer", "approver": "cleo"}
    lowered = await local.decide(
        *(OPEN, "write_down"), contract_line="CL-1007", amount="50.00", currency="EUR", **approved
    )
    assert lowered.done, lowered.message
    given_up = {"kind": "write_off", "by": "ana", "work": [f"time:harvest:{entry}"], **approved}
    off = await local.ask(OPEN, given_up)
    assert off.done, off.message
    # Later months hear of it as they hear of all news.
    await local.hear()
    await local.settled()


async def _credit_in_part(local: BillingPlatform, entry: int) -> None:
    """An hour of two is credited."""
    invoice = (await local.invoices(CAPPED))[0]
    (line,) = await local.rows(
        "SELECT invoice_line FROM standing_allocation WHERE work_key = $1",
        f"time:harvest:{entry}",
    )
    credited = {
        "line": line["invoice_line"],
        "work": f"time:harvest:{entry}",
        "seconds": 3600,
    }
    decided = await local.decide(
        *(CAPPED, "credit"),
        invoice=invoice.event_id,
        credits=[credited],
        reason="agreed on the phone",
        approver="cleo",
    )
    assert decided.done, decided.message
    await local.posted(CAPPED, 2)
    await _watch(local)


async def test_wip_shows_what_was_changed_behind_our_back(
    ways: ThreeWays, systems: WithCosts
) -> None:
    """A line that left the ERP, one that was changed there, and a forged allocation here."""
    local = ways.local
    systems.agreements.agree("PRJ-1001")
    gone, changed = (systems.staff.enter(hours="2", on=day) for day in range(2))
    billed = systems.staff.enter(hours="1", on=2)
    await local.assess()
    await _hold_back(local, gone, changed)
    await _bill(local, CAPPED)
    (month,) = {one.period for one in (await ways.agree(CAPPED)).values()}
    assert month == systems.firm.month.name

    await _change_in_the_erp(systems, changed, hours=3)
    assert await _apart(ways) == [("PRJ-1001", "EUR", Decimal("-150.00"))]
    await _change_in_the_erp(systems, changed, hours=2)
    assert await _apart(ways) == []
    await _remove_from_the_erp(systems, gone)
    assert await _apart(ways) == [("PRJ-1001", "EUR", Decimal("300.00"))]
    await _forge(local, f"time:harvest:{billed}")
    assert await _apart(ways) == [("PRJ-1001", "EUR", Decimal("150.00"))]


async def _hold_back(local: BillingPlatform, *entries: int) -> None:
    work = [f"time:harvest:{one}" for one in entries]
    decided = await local.decide(CAPPED, "exclude", work=work, reason="on a later invoice")
    assert decided.done, decided.message


async def _apart(ways: ThreeWays) -> list[tuple[str, str, Decimal]]:
    """By how much more WIP is here than in the ERP; the exit code says whether it is."""
    period = ways.local.systems.firm.month.name
    answered = await ways.terminal.type("wip", "--period", period, "--json")
    found = answered.json["differences"]
    assert answered.code == (1 if found else 0)
    return [
        (one["project"], one["currency"], Decimal(one["rolled"]) - Decimal(one["erp"]))
        for one in found
    ]


async def _line_in_the_erp(systems: BillingSystems, entry: int) -> int:
    """The time line of an entry; the last word of its note is the entry's id."""
    return await systems.erp.session.find_one(
        "timesheet.line", [["description", "like", f"% {entry}"]]
    )


async def _change_in_the_erp(systems: BillingSystems, entry: int, *, hours: int) -> None:
    line = await _line_in_the_erp(systems, entry)
    duration = {"__class__": "timedelta", "seconds": hours * 3600}
    await systems.erp.session.write("timesheet.line", [line], {"duration": duration})


async def _remove_from_the_erp(systems: BillingSystems, entry: int) -> None:
    line = await _line_in_the_erp(systems, entry)
    await systems.erp.session.call("model.timesheet.line.delete", [line])


async def _forge(local: BillingPlatform, work_key: str) -> None:
    """Write down once more that work is on its invoice, as nobody can who releases it."""
    await local.platform.database.execute(
        "INSERT INTO billing_allocation SELECT (jsonb_populate_record(a, "
        "jsonb_build_object('ordinal', 99))).* FROM billing_allocation a WHERE work_key = $1",
        work_key,
    )
