"""Approved time on its whole way, from Harvest into the ERP."""

from collections import Counter

from tests.e2e.local_platform import LocalPlatform


def approved(firm: LocalPlatform) -> set[int]:
    """The ids of the entries that Harvest shows as approved."""
    closed, _ = firm.account.entries(lambda one: one.facts.is_closed and not one.facts.is_running)
    return {one.facts.id for one in closed}


async def test_every_approved_line_is_in_the_erp_once_or_in_a_case(firm: LocalPlatform) -> None:
    await firm.poll()
    counts = await firm.counts()
    assert set(counts) == {"POSTED", "EXCEPTION"}
    assert counts["POSTED"] == len(firm.erp.lines)
    assert sum(counts.values()) == len(approved(firm))
    assert max(Counter(firm.erp.references()).values()) == 1
    causes = {case.cause for case in await firm.cases()}
    assert causes == {
        *("closed_project", "unknown_project", "leaver", "inactive_dimension", "closed_period")
    }


async def test_one_line(local: LocalPlatform) -> None:
    entry = local.staff.enter(hours="2.5")
    await local.poll()
    assert [str(h) for h in local.erp.hours_of(entry)] == ["2.5"]
