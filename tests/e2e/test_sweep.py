"""The sweep: what the ERP holds is compared with the ledger, and people hear of differences."""

from tests.e2e.erp_desk import hours
from tests.e2e.local_platform import LocalPlatform


async def test_where_all_agree_the_sweep_finds_nothing(local: LocalPlatform) -> None:
    for day in range(4):
        local.staff.enter(on=day)
    await local.poll()
    for full in (False, True):
        swept = await local.sweep(full=full)
        assert swept.documents == 4
        found = swept.adopted, swept.altered, swept.duplicates, swept.missing, swept.unknown
        assert found == (0, 0, 0, 0, 0)
    assert await local.cases() == []


async def test_a_line_that_somebody_changes_in_the_erp_becomes_a_case(local: LocalPlatform) -> None:
    entry = local.staff.enter()
    await local.poll()
    local.erp.edit(entry, hours="1")
    assert (await local.sweep()).altered == 1
    case = await local.case_of("altered_in_erp")
    assert (case.lines, case.seconds) == (1, 2 * 3600)
    local.erp.edit(entry, hours="2")
    outcome = await local.resolve(case, kind="retry")
    assert outcome.state == "RESOLVED"
    assert (await local.sweep(full=True)).altered == 0
    assert await local.cases() == []
    assert local.erp.writes == 1


async def test_a_change_in_the_erp_that_was_accepted_is_not_brought_up_again(
    local: LocalPlatform,
) -> None:
    entry = local.staff.enter()
    await local.poll()
    local.erp.edit(entry, hours="1")
    await local.sweep()
    case = await local.case_of("altered_in_erp")
    await local.resolve(case, kind="waive", reason="agreed with the customer")
    await local.closed(case)
    await local.sweep(full=True)
    assert await local.cases() == []


async def test_a_line_that_is_missing_in_the_erp_becomes_a_case_and_is_not_posted_again(
    local: LocalPlatform,
) -> None:
    entry, kept = local.staff.enter(), local.staff.enter(on=1)
    await local.poll()
    (line,) = local.erp.lines_of(entry)
    local.erp.remove(line["id"])
    await local.long_ago()
    assert (await local.sweep(full=True)).missing == 1
    case = await local.case_of("missing_in_erp")
    assert case.lines == 1
    outcome = await local.resolve(case, kind="retry")
    assert outcome.state == "OPEN"
    assert local.erp.hours_of(entry, kept) == hours("2")
    await local.resolve(case, kind="waive", reason="booked elsewhere by hand")
    await local.closed(case)
    await local.sweep(full=True)
    assert await local.cases() == []
    assert local.erp.writes == 1


async def test_a_missing_line_that_came_back_is_settled_by_a_retry(local: LocalPlatform) -> None:
    entry = local.staff.enter()
    await local.poll()
    (line,) = local.erp.lines_of(entry)
    again = local.erp.copy(entry)
    local.erp.remove(line["id"], again)
    await local.long_ago()
    await local.sweep(full=True)
    case = await local.case_of("missing_in_erp")
    local.erp.put_back(line)
    outcome = await local.resolve(case, kind="retry")
    assert outcome.state == "RESOLVED"
    assert await local.cases() == []


async def test_a_second_document_becomes_a_case_that_ends_when_one_is_left(
    local: LocalPlatform,
) -> None:
    entry = local.staff.enter()
    await local.poll()
    copy = local.erp.copy(entry)
    assert (await local.sweep()).duplicates == 1
    case = await local.case_of("duplicate_in_erp")
    assert case.lines == 1
    assert await local.states_of(entry) == ["time DUPLICATE"]
    outcome = await local.resolve(case, kind="retry")
    assert outcome.state == "OPEN"
    local.erp.remove(copy)
    outcome = await local.resolve(await local.case_of("duplicate_in_erp"), kind="retry")
    assert outcome.state == "RESOLVED"
    assert await local.states_of(entry) == ["time POSTED"]
    assert await local.cases() == []


async def test_the_document_that_is_left_of_two_is_the_posting(local: LocalPlatform) -> None:
    entry = local.staff.enter()
    await local.poll()
    (line,) = local.erp.lines_of(entry)
    copy = local.erp.copy(entry)
    await local.sweep()
    local.erp.remove(line["id"])
    await local.resolve(await local.case_of("duplicate_in_erp"), kind="retry")
    (row,) = await local.rows("SELECT state, erp_document_id FROM posting")
    assert tuple(row) == ("POSTED", str(copy))
    local.staff.change(entry, hours="3")
    await local.poll()
    assert local.erp.hours_of(entry) == hours("3")


async def test_a_document_of_a_line_that_was_taken_back_becomes_a_case(
    local: LocalPlatform,
) -> None:
    entry = local.staff.enter()
    await local.poll()
    copy = local.erp.copy(entry)
    local.staff.withdraw(entry)
    await local.poll()
    assert [line["id"] for line in local.erp.lines_of(entry)] == [copy]
    await local.sweep()
    case = await local.case_of("duplicate_in_erp")
    assert case.lines == 1
    local.erp.remove(copy)
    outcome = await local.resolve(case, kind="retry")
    assert outcome.state == "RESOLVED"
    await local.sweep(full=True)
    assert await local.cases() == []


async def test_two_documents_that_a_person_leaves_are_not_brought_up_again_but_a_third_is(
    local: LocalPlatform,
) -> None:
    entry = local.staff.enter()
    await local.poll()
    local.erp.copy(entry)
    await local.sweep()
    case = await local.case_of("duplicate_in_erp")
    await local.resolve(case, kind="waive", reason="the customer was credited by hand")
    await local.closed(case)
    await local.sweep(full=True)
    assert await local.cases() == []
    local.erp.copy(entry)
    await local.sweep(full=True)
    assert [one.cause for one in await local.cases()] == ["duplicate_in_erp"]


async def test_a_stray_document_that_a_person_leaves_is_not_brought_up_again(
    local: LocalPlatform,
) -> None:
    entry = local.staff.enter()
    await local.poll()
    local.erp.copy(entry)
    local.staff.withdraw(entry)
    await local.poll()
    await local.sweep()
    case = await local.case_of("duplicate_in_erp")
    await local.resolve(case, kind="waive", reason="left for the auditor")
    await local.closed(case)
    await local.sweep(full=True)
    assert await local.cases() == []
