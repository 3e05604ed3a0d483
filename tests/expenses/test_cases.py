"""What a person must decide of reports: one case each, its sentence, and what a decision does."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import pytest
from temporalio.client import WorkflowUpdateFailedError

from connectors.base.http import exact_json
from connectors.concur.simulated_documents import CostObjects, EntryTax
from rules.policies import Policies
from sandbox.expense_policies import EXPENSE_POLICIES
from sandbox.temporal_server import TemporalServer
from sandbox.tryton.expense_desk import SupplierInvoice
from store import reports
from tests.e2e.conftest import NewNamespace
from tests.expenses.conftest import FreshLedger, Opened
from tests.expenses.expense_platform import ExpensePlatform, expense_platform
from tests.expenses.final_check import assert_all_is_well
from tests.expenses.systems import ErpSide, ExpenseSystems

pytestmark = pytest.mark.erp

_GIFT: Final = ("GIFTX", "Gift")
Content = dict[str, Any]


def with_a_slip() -> Policies:
    """The firm's policies, but gifts go on an account that the ERP does not have."""
    german, american = EXPENSE_POLICIES["DE01"], EXPENSE_POLICIES["US01"]
    slip = {**german, "accounts_by_type": {**german["accounts_by_type"], _GIFT[0]: "6666"}}
    return Policies.model_validate(
        {"legal_entities": {"DE01": {"expense": slip}, "US01": {"expense": american}}}
    )


# One report for each cause. Everybody claims once, but for the one who claims twice.


def _missing_dimension(at: ExpenseSystems) -> Content:
    who = at.claimant(1)
    content = at.report(who, [who.spent(1, "31.10", 1, cost=CostObjects("DE01", ""))])
    del content["report"]["reportOrgUnit4Code"]
    return content


def _missing_tax_code(at: ExpenseSystems) -> Content:
    who, tax = at.claimant(0), EntryTax("VAT5", Decimal("1.00"), Decimal("1.00"))
    return at.report(who, [who.spent(1, "21.00", 1, tax=tax, receipt="T")])


def _unknown_account(at: ExpenseSystems) -> Content:
    who = at.claimant(2)
    return at.report(who, [who.spent(1, "33.30", 2, kind=_GIFT)])


def _missing_project(at: ExpenseSystems) -> Content:
    who = at.claimant(3)
    return at.report(who, [who.spent(1, "34.40", 2, billable=True)])


def _unknown_project(at: ExpenseSystems) -> Content:
    who = at.claimant(1, "US01")
    unknown = CostObjects("US01", who.employee.cost_centre.code, "PRJ-1090")
    return at.report(who, [who.spent(1, "35.50", 3, billable=True, cost=unknown)])


def _leaver(at: ExpenseSystems) -> Content:
    who = at.leaver()
    return at.report(who, [who.spent(1, "36.60", 15)])


def _expense_before_hire(at: ExpenseSystems) -> Content:
    who = at.claimant(5)
    return at.report(who, [who.spent(1, "37.70", 2)])


def _unknown_currency(at: ExpenseSystems) -> Content:
    who = at.claimant(6)
    content = at.report(who, [who.spent(1, "38.80", 3, currency="NOK")])
    content["report"]["employeeCurrencyAlphaCode"] = "NOK"
    return content


def _duplicate_report(at: ExpenseSystems) -> Content:
    who = at.claimant(4)
    return at.report(who, [who.spent(1, "55.50", 4)])


# What each case's sentence must say: what it is about, and what to do next.
SITUATIONS: Final[Mapping[str, tuple[Callable[[ExpenseSystems], Content], str, str]]] = {
    "missing_dimension": (_missing_dimension, "DE01-EMP-002 name no cost centre", "amend"),
    "missing_tax_code": (_missing_tax_code, "recovered tax 'DE DEVAT VAT5'", "amend"),
    "unknown_account": (_unknown_account, "Account 6666", "retry"),
    "missing_project": (_missing_project, "names no project", "amend"),
    "unknown_project": (_unknown_project, "The ERP has no project PRJ-1090", "amend"),
    "leaver": (_leaver, "Employee DE01-EMP-007 left on", "reject"),
    "expense_before_hire": (_expense_before_hire, "DE01-EMP-006 is employed from", "accept"),
    "unknown_currency": (_unknown_currency, "does not book in NOK", "another"),
    "duplicate_report": (_duplicate_report, "claims the same costs as report", "accept"),
}


# Of these a person had something else booked than Concur says.
_OTHERWISE: Final = ("missing_dimension", "missing_tax_code")


@dataclass(frozen=True)
class Troubles:
    """Reports that are stopped, by cause, with the case and the sentence of each."""

    platform: ExpensePlatform
    documents: Mapping[str, str]
    cases: Mapping[str, reports.Blocked]
    sentences: Mapping[str, str]

    @property
    def systems(self) -> ExpenseSystems:
        """Both systems."""
        return self.platform.systems

    async def resolve(self, cause: str, kind: str, **request: Any) -> str:
        """Decide on a case; gives the state that it is in then."""
        request = {"reason": "asked the employee", "kind": kind, **request}
        outcome = await self.platform.resolve(self.cases[cause], **request)
        return outcome.state

    async def amend(self, cause: str, **changes: str) -> SupplierInvoice:
        """Put other values in place, or vouch for it; gives the one invoice of the report."""
        assert await self.resolve(cause, "amend", changes=changes) == "RESOLVED"
        return await self.systems.invoice(self.documents[cause])


@pytest.fixture(scope="module")
async def troubles(
    erp_side: ErpSide,
    fresh_ledger: FreshLedger,
    temporal_server: TemporalServer,
    new_namespace: NewNamespace,
) -> AsyncIterator[Troubles]:
    """One report for each cause, and somebody in the ERP who was hired during the month."""
    systems = ExpenseSystems(erp_side)
    newcomer = systems.claimant(5)
    documents = {
        cause: systems.company.release(situation(systems))
        for cause, (situation, *_) in SITUATIONS.items()
    }
    documents["its twin"] = systems.company.release(_duplicate_report(systems))
    place = await fresh_ledger(), temporal_server.address, await new_namespace()
    async with (
        erp_side.hired(newcomer.employee, newcomer.days[5]),
        expense_platform(*place, systems, policies=with_a_slip()) as platform,
    ):
        await platform.refresh()
        await platform.poll()
        cases = {one.cause: one for one in await platform.cases()}
        sentences = {cause: await platform.sentence_of(one) for cause, one in cases.items()}
        yield Troubles(platform, documents, cases, sentences)
        await platform.look_and_tell()
        systems.excused.update(documents[each] for each in _OTHERWISE)
        await assert_all_is_well(platform)


async def test_each_trouble_is_one_case_and_holds_up_one_report(troubles: Troubles) -> None:
    assert set(troubles.cases) == set(SITUATIONS)
    assert {one.lines for one in troubles.cases.values()} == {1}
    assert {one.object for one in troubles.cases.values()} == {"expense_report"}


@pytest.mark.parametrize("cause", SITUATIONS)
async def test_its_sentence_says_what_is_wrong_and_what_to_do_and_names_nobody(
    troubles: Troubles, cause: str
) -> None:
    _, about, to_do = SITUATIONS[cause]
    sentence = troubles.sentences[cause]
    assert about in sentence
    assert to_do in sentence
    for person in troubles.systems.firm.employees:
        assert person.family_name not in sentence


async def test_of_two_reports_that_claim_the_same_one_is_posted_and_one_is_asked_about(
    troubles: Troubles,
) -> None:
    twins = [troubles.documents["duplicate_report"], troubles.documents["its twin"]]
    assert len(await troubles.systems.invoices(*twins)) == 1
    yes = {"accept": "duplicate_report"}
    assert await troubles.resolve("duplicate_report", "amend", changes=yes) == "RESOLVED"
    await troubles.systems.posted_once(*twins)


async def test_a_retry_without_a_remedy_leaves_the_case_open_and_posts_nothing(
    troubles: Troubles,
) -> None:
    assert await troubles.resolve("unknown_account", "retry") == "OPEN"
    assert await troubles.systems.invoices(troubles.documents["unknown_account"]) == ()
    invoice = await troubles.amend("unknown_account", account="6690")
    assert invoice.accounts == {"6690": Decimal("33.30")}


async def test_a_retry_posts_once_the_cause_is_mended_in_the_erp(troubles: Troubles) -> None:
    leaver = troubles.systems.leaver()
    assert leaver.employee.ended_on is not None
    async with troubles.systems.erp.stays(leaver.employee):
        await troubles.platform.refresh()
        assert await troubles.resolve("leaver", "retry") == "RESOLVED"
    await troubles.platform.refresh()
    invoice = await troubles.systems.invoice(troubles.documents["leaver"])
    assert invoice.payee == leaver.employee.code


async def test_a_cost_centre_that_a_person_gives_is_what_is_booked(troubles: Troubles) -> None:
    invoice = await troubles.amend("missing_dimension", cost_centre="CC-300")
    assert invoice.cost_centres == {"CC-300": Decimal("31.10")}


async def test_a_tax_code_that_a_person_gives_is_what_is_recovered(troubles: Troubles) -> None:
    invoice = await troubles.amend("missing_tax_code", tax_code="VAT7-IN")
    assert [(tax.code, tax.amount) for tax in invoice.taxes] == [("VAT7-IN", Decimal("1.00"))]
    assert invoice.total == Decimal("21.00")


async def test_a_project_that_a_person_gives_is_what_the_cost_is_passed_on_to(
    troubles: Troubles,
) -> None:
    await troubles.amend("unknown_project", project="PRJ-1008")
    passed_on = await troubles.systems.passed_on(troubles.documents["unknown_project"])
    assert [(one.project, one.amount) for one in passed_on] == [("PRJ-1008", Decimal("35.50"))]


async def test_a_cost_from_before_the_first_day_is_posted_once_somebody_vouches_for_it(
    troubles: Troubles,
) -> None:
    with pytest.raises(WorkflowUpdateFailedError):
        await troubles.amend("expense_before_hire", accept="over_rate")
    assert await troubles.systems.invoices(troubles.documents["expense_before_hire"]) == ()
    invoice = await troubles.amend("expense_before_hire", accept="expense_before_hire")
    assert invoice.total == Decimal("37.70")


async def test_what_is_waived_is_never_posted(troubles: Troubles) -> None:
    assert await troubles.resolve("unknown_currency", "waive") == "RESOLVED"
    await troubles.platform.poll()
    assert await troubles.systems.invoices(troubles.documents["unknown_currency"]) == ()


async def test_what_is_rejected_goes_back_with_the_sentence_and_the_reason_and_comes_again(
    troubles: Troubles,
) -> None:
    systems, document = troubles.systems, troubles.documents["missing_project"]
    assert await troubles.resolve("missing_project", "reject", reason="For whom?") == "RESOLVED"
    await troubles.platform.tell()
    (told,) = systems.document(document).told
    assert told.status == "error"
    assert troubles.sentences["missing_project"] in told.message
    assert told.message.endswith("For whom?")
    assert await systems.invoices(document) == ()

    corrected = exact_json(systems.document(document).content)
    for entry in corrected["expenseEntry"]:
        for allocation in entry["allocation"]:
            allocation["allocationCustom5Code"] = "PRJ-1001"
    again = systems.company.resubmit(document, corrected)
    await troubles.platform.poll()
    await troubles.platform.tell()
    invoice = await systems.invoice(again)
    assert systems.told(again) == ["success"]
    assert invoice.total == Decimal("34.40")
    assert [one.project for one in await systems.passed_on(again)] == ["PRJ-1001"]
    assert systems.told(document) == ["error"]


async def test_a_similar_document_in_the_erp_is_asked_about_and_posted_after_a_yes(
    opened: Opened, systems: ExpenseSystems, fresh_ledger: FreshLedger
) -> None:
    """A person cancelled the document, and our ledger is one from before it was posted."""
    document = systems.taxi("47.10")
    before = systems.document(document)
    async with opened() as first:
        await first.poll()
        await systems.desk.cancel((await systems.invoice(document)).id)
    systems.company.keep(before)

    async with opened(ledger=await fresh_ledger()) as local:
        await local.poll()
        case = await local.case_of("erp_warning")
        sentence = await local.sentence_of(case)
        assert "invoice_similar" in sentence
        assert "amend with accept = erp_warning" in sentence
        assert (await local.resolve(case, kind="retry")).state == "OPEN"
        assert [one.state for one in await systems.invoices(document)] == ["cancelled"]

        yes = {"accept": "erp_warning"}
        outcome = await local.resolve(case, kind="amend", changes=yes, reason="the other is void")
        assert outcome.state == "RESOLVED"
        await local.look_and_tell()
        states = sorted(one.state for one in await systems.invoices(document))
        assert states == ["cancelled", "posted"]
        assert systems.told(document) == ["success"]
        await assert_all_is_well(local)


async def test_a_closed_period_is_held_or_moved_on_as_the_legal_entity_has_decided(
    local: ExpensePlatform,
) -> None:
    """Germany moves on to the next open period by itself, America asks."""
    systems, closed = local.systems, local.systems.closable()
    german, american = systems.claimant(), systems.claimant(entity="US01")
    moved, held = (
        systems.company.release(
            systems.dated(systems.report(who, [who.spent(1, spent, 1)]), closed)
        )
        for who, spent in ((german, "51.10"), (american, "52.20"))
    )
    async with systems.erp.closed(closed):
        await local.refresh()
        await local.poll()
        invoice = await systems.invoice(moved)
        following = closed.next()
        assert invoice.posting_date == following.first_day
        assert invoice.document_date == closed.working_days()[1]
        assert await systems.invoices(held) == ()
        case = await local.case_of("closed_period")
        assert closed.name in await local.sentence_of(case)
        assert case.legal_entity == "US01"
        outcome = await local.resolve(case, kind="post_to_period", period=following.name)
        assert outcome.state == "RESOLVED"
    invoice = await systems.invoice(held)
    assert (invoice.posting_date, invoice.legal_entity) == (following.first_day, "US01")
    await local.tell()
    assert [systems.told(one) for one in (moved, held)] == [["success"], ["success"]]
    await local.refresh()
