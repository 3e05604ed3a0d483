"""What every source of contracts keeps to: all of it at once, exactly, and never a silent gap."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, Protocol

import pytest

from canonical.contracts import (
    Acceptance,
    BillingModel,
    BillRate,
    Cap,
    ChangeOrder,
    ContractLine,
    ContractRecord,
    Engagement,
    ErpScheduleLine,
    PurchaseOrder,
    RateCard,
    RateScope,
    ScheduleLine,
    TaxParty,
    contract_record_id,
)
from canonical.money import HourlyRate, Money
from connectors.base.capabilities import (
    ContractSource,
    MilestoneSource,
    SourcePage,
    SourceRecord,
)
from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.base.level import Level
from connectors.conformance.levels import at, rules_at

# Personal data that a test plants in a record, and looks for where it must not be.
PRIVATE: Final = "Zebedee Quillfeather"
CONNECTION: Final = "contracts"
FIRST: Final = date(2026, 1, 1)
Agreed = Engagement | RateCard | PurchaseOrder | Acceptance | ErpScheduleLine
Pages = AsyncIterator[SourcePage[ContractRecord]]
Records = list[SourceRecord[ContractRecord]]


class ContractConnector(ContractSource, MilestoneSource, Protocol):
    """A connector in both of its roles."""


class ContractWorld(Protocol):
    """What a connector's tests provide: a source that tests agree contracts in.

    Its connection is called `CONNECTION`.
    """

    # How many records one page of the connector's holds; small.
    page_size: int

    def connect(self) -> ContractConnector:
        """Make a connector that remembers nothing of an earlier one."""
        ...

    def agree(self, *records: Agreed) -> None:
        """Let the source show these, and nothing else."""
        ...

    def add_unreadable(self, private: str) -> None:
        """Let it show one contract more, of the wrong shape, with a text in it that is private."""
        ...

    def break_down(self) -> None:
        """Let it be in no state to be read whole."""
        ...

    def mend(self) -> None:
        """Let it be as before it broke down."""
        ...


def euro(amount: str, currency: str = "EUR") -> Money:
    return Money(amount=Decimal(amount), currency=currency)


def contract_line(name: str = "L-1", **given: Any) -> ContractLine:
    """Time and materials on one project."""
    values: dict[str, Any] = {
        "id": name,
        "label": "Consulting",
        "model": BillingModel.TIME_AND_MATERIALS,
        "currency": "EUR",
        "projects": ("P-1",),
        "service": "consulting",
        "expenses_billed": True,
    }
    return ContractLine(**{**values, **given})


def engagement(name: str = "ENG-1", /, *lines: ContractLine, **given: Any) -> Engagement:
    """An engagement of a German customer."""
    values: dict[str, Any] = {
        "connection": CONNECTION,
        "id": name,
        "code": name,
        "name": "Rollout",
        "legal_entity": "DE01",
        "customer": "CUST-1",
        "customer_tax": TaxParty(country="DE", registered=True),
        "lines": lines or (contract_line(),),
    }
    return Engagement(**{**values, **given})


def due(name: str, amount: str, **given: Any) -> ScheduleLine:
    """An amount that falls due."""
    values = {"id": name, "label": f"Part {name}", "due_date": FIRST, "amount": euro(amount)}
    return ScheduleLine(**{**values, **given})


def everything() -> tuple[Agreed, ...]:
    """One of each kind of record, and in the engagement one of each kind of agreement."""
    order = ChangeOrder(id="CO-1", agreed_date=FIRST, amount=euro("250.00"))
    soft = Cap(kind="soft", amount=euro("0.01"), expenses_included=True, change_orders=(order,))
    hard = Cap(kind="hard", amount=euro("1234567.89"), expenses_included=False)
    open_end, year = {"valid_from": FIRST}, FIRST + timedelta(days=364)
    lines = (
        contract_line("soft", cap=soft, tasks=("Analysis", "Workshops"), **open_end),
        contract_line("hard", cap=hard, projects=("P-1", "P-2"), valid_until=year),
        contract_line(
            "fee",
            model=BillingModel.FIXED_FEE,
            expenses_billed=False,
            schedule=(due("1", "19.99"), due("2", "20.00", performance_obligation="OB-1")),
        ),
        contract_line(
            "milestone",
            model=BillingModel.MILESTONE,
            schedule=(due("M-1", "70.10", erp_key="BS-1", label=""),),
            performance_obligation="OB-2",
        ),
        contract_line(
            "retainer",
            model=BillingModel.RETAINER,
            schedule=(due("P-1", "5000.00", draw_from=FIRST, draw_until=year),),
            purchase_order_required=True,
            purchase_order="PO-1",
        ),
    )
    return (
        engagement("ENG-1", *lines, customer_tax=TaxParty(country="GB", registered=False)),
        rate_card(),
        PurchaseOrder(id="PO-1", number="45000-1", amount=euro("9000"), valid_from=FIRST),
        Acceptance(
            engagement="ENG-1",
            contract_line="milestone",
            schedule_line="M-1",
            accepted_date=FIRST,
            evidence="mail/4711",
        ),
        ErpScheduleLine(key="BS-1", amount=euro("70.10")),
    )


def rate_card(**given: Any) -> RateCard:
    """A rate of each scope, in currencies of several kinds."""
    whose: Mapping[RateScope, Mapping[str, Any]] = {
        RateScope.PERSON: {"engagement": "ENG-1", "contract_line": "soft", "employee": "E-7"},
        RateScope.ROLE: {"engagement": "ENG-1", "role": "Manager"},
        RateScope.CUSTOMER: {"customer": "CUST-1"},
        RateScope.STANDARD: {},
    }
    prices = (("123.4567", "EUR"), ("0.0001", "KWD"), ("15000", "JPY"), ("0", "EUR"))
    rates = tuple(
        BillRate(
            scope=scope,
            rate=HourlyRate(amount=Decimal(amount), currency=currency),
            valid_from=FIRST,
            **names,
        )
        for (scope, names), (amount, currency) in zip(whose.items(), prices, strict=True)
    )
    values: dict[str, Any] = {"connection": CONNECTION, "id": "RC-1", "version": "2026"}
    return RateCard(**{**values, "rates": rates, **given})


@rules_at(Level.READS)
class ContractSourceContract:
    """Inherit it with a fixture `world`: a `ContractWorld`, new for each test."""

    async def test_all_pages_come_without_loss_or_duplicate(self, world: ContractWorld) -> None:
        agreed = [engagement(f"ENG-{number}") for number in range(3 * world.page_size + 1)]
        world.agree(*agreed)
        read = await contracts(world)
        assert sorted(each.source_id or "" for each in read) == sorted(
            contract_record_id("engagement", each.id) for each in agreed
        )

    async def test_what_was_agreed_comes_whole_and_exactly(self, world: ContractWorld) -> None:
        agreed = everything()
        world.agree(*agreed)
        read = [*await contracts(world), *await milestones(world)]
        assert [each.trouble for each in read if each.trouble] == []
        shown = [each.record.record for each in read if each.record]
        assert len(shown) == len(agreed)
        assert [each for each in agreed if each not in shown] == []

    async def test_milestones_are_told_apart_from_contracts(self, world: ContractWorld) -> None:
        world.agree(*everything())
        in_contracts = {type(each.record) for each in _good(await contracts(world))}
        in_milestones = {type(each.record) for each in _good(await milestones(world))}
        assert in_contracts == {Engagement, RateCard, PurchaseOrder}
        assert in_milestones == {Acceptance, ErpScheduleLine}

    async def test_each_record_says_which_one_it_is(self, world: ContractWorld) -> None:
        world.agree(*everything())
        read = [*await contracts(world), *await milestones(world)]
        assert sorted(each.source_id or "" for each in read) == [
            contract_record_id("acceptance", "ENG-1", "milestone", "M-1"),
            contract_record_id("engagement", "ENG-1"),
            contract_record_id("erp_schedule_line", "BS-1"),
            contract_record_id("purchase_order", "PO-1"),
            contract_record_id("rate_card", "RC-1"),
        ]
        for each in read:
            assert each.record is not None
            assert each.record.id == each.source_id
            assert each.record.connection == CONNECTION
            assert each.record.changed_at == each.changed_at

    @at(Level.INCREMENTAL)
    async def test_what_is_not_agreed_any_more_is_gone(self, world: ContractWorld) -> None:
        source = world.connect()
        world.agree(*everything())
        assert _by_id(await _all(source.contracts()))
        assert _by_id(await _all(source.milestones()))
        world.agree(engagement("ENG-2"))
        assert _by_id(await _all(source.contracts())).keys() == {
            contract_record_id("engagement", "ENG-2")
        }
        assert _by_id(await _all(source.milestones())) == {}

    @at(Level.INCREMENTAL)
    async def test_reading_again_is_no_news(self, world: ContractWorld) -> None:
        world.agree(*everything())
        for reading in (contracts, milestones):
            first, again = _by_id(await reading(world)), _by_id(await reading(world))
            assert {name: each.content_hash for name, each in first.items()} == {
                name: each.content_hash for name, each in again.items()
            }

    @at(Level.INCREMENTAL)
    async def test_a_change_is_news_of_one_record(self, world: ContractWorld) -> None:
        one, other = engagement("ENG-1"), engagement("ENG-2")
        world.agree(one, other)
        before = _by_id(await contracts(world))
        cap = Cap(kind="hard", amount=euro("100.00"), expenses_included=False)
        world.agree(engagement("ENG-1", contract_line(cap=cap)), other)
        after = _by_id(await contracts(world))
        changed = contract_record_id("engagement", "ENG-1")
        assert {
            name for name in after if after[name].content_hash != before[name].content_hash
        } == {changed}
        assert after[changed].changed_at >= before[changed].changed_at

    async def test_an_unreadable_record_harms_no_neighbour(self, world: ContractWorld) -> None:
        agreed = [engagement(f"ENG-{number}") for number in range(2 * world.page_size)]
        world.agree(*agreed)
        world.add_unreadable(PRIVATE)
        read = await contracts(world)
        shown = [each.record for each in _good(read)]
        assert [each for each in agreed if each not in shown] == []
        unreadable = [each for each in read if each.record is None]
        assert len(unreadable) == 1, "what cannot be read is shown, not dropped"
        assert unreadable[0].raw
        assert all((each.record is None) is bool(each.trouble) for each in read)

    async def test_trouble_names_no_value(self, world: ContractWorld) -> None:
        world.agree(engagement())
        world.add_unreadable(PRIVATE)
        troubles = [each.trouble or "" for each in await contracts(world)]
        assert any(troubles)
        assert not _words(PRIVATE) & _words(" ".join(troubles))

    async def test_a_page_says_how_many_records_there_are(self, world: ContractWorld) -> None:
        world.agree(*(engagement(f"ENG-{number}") for number in range(world.page_size + 1)))
        pages = [page async for page in world.connect().contracts()]
        count = sum(len(page.records) for page in pages)
        assert {page.total for page in pages} <= {None, count}
        assert all(len(page.records) <= world.page_size for page in pages)

    async def test_a_source_that_cannot_be_read_is_in_trouble_and_never_empty(
        self, world: ContractWorld
    ) -> None:
        world.agree(*everything())
        world.break_down()
        for reading in (contracts, milestones):
            with pytest.raises((TransientError, ConnectionConfigError)):
                await reading(world)

    @at(Level.INCREMENTAL)
    async def test_after_trouble_reading_goes_on_where_it_was(self, world: ContractWorld) -> None:
        world.agree(*everything())
        world.break_down()
        source = world.connect()
        for pages in (source.contracts(), source.milestones()):
            world.break_down()
            with pytest.raises((TransientError, ConnectionConfigError)):
                await anext(pages)
            world.mend()
            assert _by_id(await _all(pages)), "the same iterator took trouble for the end"


async def contracts(world: ContractWorld) -> Records:
    """All contracts, as a new connector reads them."""
    return await _all(world.connect().contracts())


async def milestones(world: ContractWorld) -> Records:
    """All milestones, as a new connector reads them."""
    return await _all(world.connect().milestones())


async def _all(pages: Pages) -> Records:
    return [record async for page in pages for record in page.records]


def _good(records: Iterable[SourceRecord[ContractRecord]]) -> list[ContractRecord]:
    return [each.record for each in records if each.record is not None]


def _by_id(records: Records) -> Mapping[str, ContractRecord]:
    return {each.id: each for each in _good(records)}


def _words(text: str) -> set[str]:
    return set(text.lower().replace("'", " ").replace('"', " ").split())
