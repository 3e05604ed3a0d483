"""The contract suite is no decoration: a source that breaks a rule fails the rule's test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from canonical.contracts import ContractRecord, PurchaseOrder, RateCard
from canonical.money import HourlyRate
from connectors.base.capabilities import Acknowledged, InvoiceNews, SourcePage, SourceRecord
from connectors.base.errors import ConnectorError, TransientError
from connectors.conformance.contract_source import ContractSourceContract
from connectors.conformance.invoice_status import InvoiceStatusContract
from connectors.flatfile import FlatFile
from tests.connectors.flatfile.world import DropWorld

Pages = AsyncIterator[SourcePage[ContractRecord]]
Records = tuple[SourceRecord[ContractRecord], ...]


class Sabotaged:
    """A connector that does as the drop's does, but for what a subclass spoils."""

    def __init__(self, good: FlatFile) -> None:
        self.good = good

    def contracts(self) -> Pages:
        return SpoiledPages(self.good.contracts(), self.spoiled)

    def milestones(self) -> Pages:
        return SpoiledPages(self.good.milestones(), self.spoiled)

    def spoiled(self, records: Records) -> Records:
        return records

    async def tell_invoices(self, news: list[InvoiceNews]) -> Any:
        return await self.good.tell_invoices(news)


class SpoiledPages:
    """Pages that keep their place, as good ones do."""

    def __init__(self, good: Pages, spoil: Callable[[Records], Records]) -> None:
        self._good = good
        self._spoil = spoil

    def __aiter__(self) -> Pages:
        return self

    async def __anext__(self) -> SourcePage[ContractRecord]:
        page = await anext(self._good)
        return replace(page, records=self._spoil(page.records))


class ReadsTheFirstPageOnly(Sabotaged):
    def contracts(self) -> Pages:
        return self._first()

    async def _first(self) -> Pages:
        yield await anext(self.good.contracts())


class RepeatsARecord(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        return (*records, *records[:1])


class ForgetsPurchaseOrders(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        return tuple(
            each
            for each in records
            if not (each.record and isinstance(each.record.record, PurchaseOrder))
        )


class RoundsPrices(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        return tuple(
            replace(each, record=each.record and _rounded(each.record)) for each in records
        )


def _rounded(record: ContractRecord) -> ContractRecord:
    card = record.record
    if not isinstance(card, RateCard):
        return record
    rates = tuple(
        one.model_copy(
            update={
                "rate": HourlyRate(amount=round(one.rate.amount, 2), currency=one.rate.currency)
            }
        )
        for one in card.rates
    )
    return record.model_copy(update={"record": card.model_copy(update={"rates": rates})})


class PutsAllTogether(Sabotaged):
    def contracts(self) -> Pages:
        return self._both()

    async def _both(self) -> Pages:
        async for page in self.good.contracts():
            yield page
        async for page in self.good.milestones():
            yield page


class NumbersRecords(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        return tuple(replace(each, source_id=str(number)) for number, each in enumerate(records))


class RemembersWhatIsGone(Sabotaged):
    def __init__(self, good: FlatFile) -> None:
        super().__init__(good)
        self._seen: dict[str | None, SourceRecord[ContractRecord]] = {}

    def spoiled(self, records: Records) -> Records:
        self._seen |= {each.source_id: each for each in records}
        return tuple(self._seen.values())


class CountsWhenItWasRead(Sabotaged):
    reading = 0

    def spoiled(self, records: Records) -> Records:
        CountsWhenItWasRead.reading += 1
        return tuple(
            replace(each, record=each.record and self._stamped(each.record)) for each in records
        )

    def _stamped(self, record: ContractRecord) -> ContractRecord:
        name = {"name": f"read {self.reading} times"}
        return record.model_copy(update={"record": record.record.model_copy(update=name)})


class NeverLooksAgain(Sabotaged):
    known: Records = ()

    def spoiled(self, records: Records) -> Records:
        NeverLooksAgain.known = NeverLooksAgain.known or records
        return NeverLooksAgain.known


class DropsWhatItCannotRead(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        return tuple(each for each in records if each.record is not None)


class LetsOneRecordSinkAll(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        if any(each.trouble for each in records):
            raise TransientError("one_is_bad")
        return records


class QuotesWhatItCannotRead(Sabotaged):
    def spoiled(self, records: Records) -> Records:
        return tuple(
            replace(each, trouble=f"cannot read {each.raw}") if each.trouble else each
            for each in records
        )


class MiscountsItsPages(Sabotaged):
    def contracts(self) -> Pages:
        return self._miscounted()

    async def _miscounted(self) -> Pages:
        async for page in self.good.contracts():
            yield replace(page, total=len(page.records))


class TakesTroubleForNothing(Sabotaged):
    def contracts(self) -> Pages:
        return self._quiet()

    async def _quiet(self) -> Pages:
        try:
            async for page in self.good.contracts():
                yield page
        except ConnectorError:
            yield SourcePage((), 0)


class GivesUpAfterTrouble(Sabotaged):
    def contracts(self) -> Pages:
        return self._once()

    async def _once(self) -> Pages:
        async for page in self.good.contracts():
            yield page


class WritesWithoutLooking(Sabotaged):
    async def tell_invoices(self, news: list[InvoiceNews]) -> Any:
        for each in news:
            again = await self.good.tell_invoices([each])
            status = self.good._folder / "invoice_status.jsonl"
            status.write_bytes(status.read_bytes().replace(each.id.encode(), b"", 1))
            assert again
        return tuple(Acknowledged(each.id, accepted=True) for each in news)


class SabotagedWorld(DropWorld):
    """The good world, with a bad connector in it."""

    def __init__(self, folder: Path, spoil: Callable[[FlatFile], Any]) -> None:
        super().__init__(folder)
        self._spoil = spoil

    def connect(self, **options: Any) -> Any:
        return self._spoil(super().connect(**options))


suite, sink = ContractSourceContract(), InvoiceStatusContract()
BITES: list[tuple[type[Sabotaged], Callable[..., Awaitable[None]], dict[str, Any]]] = [
    (ReadsTheFirstPageOnly, suite.test_all_pages_come_without_loss_or_duplicate, {}),
    (RepeatsARecord, suite.test_all_pages_come_without_loss_or_duplicate, {}),
    (ForgetsPurchaseOrders, suite.test_what_was_agreed_comes_whole_and_exactly, {}),
    (RoundsPrices, suite.test_what_was_agreed_comes_whole_and_exactly, {}),
    (PutsAllTogether, suite.test_milestones_are_told_apart_from_contracts, {}),
    (NumbersRecords, suite.test_each_record_says_which_one_it_is, {}),
    (RemembersWhatIsGone, suite.test_what_is_not_agreed_any_more_is_gone, {}),
    (CountsWhenItWasRead, suite.test_reading_again_is_no_news, {}),
    (NeverLooksAgain, suite.test_a_change_is_news_of_one_record, {}),
    (DropsWhatItCannotRead, suite.test_an_unreadable_record_harms_no_neighbour, {}),
    (LetsOneRecordSinkAll, suite.test_an_unreadable_record_harms_no_neighbour, {}),
    (QuotesWhatItCannotRead, suite.test_trouble_names_no_value, {}),
    (MiscountsItsPages, suite.test_a_page_says_how_many_records_there_are, {}),
    (
        TakesTroubleForNothing,
        suite.test_a_source_that_cannot_be_read_is_in_trouble_and_never_empty,
        {},
    ),
    (GivesUpAfterTrouble, suite.test_after_trouble_reading_goes_on_where_it_was, {}),
    (WritesWithoutLooking, sink.test_everything_told_again_changes_nothing, {}),
    (
        WritesWithoutLooking,
        sink.test_a_step_told_again_is_accepted_and_changes_nothing,
        {"step": 0},
    ),
]
# What a rule says when it is broken: its own assertion, an error it did not expect, or none where
# it expected one.
BROKEN = (AssertionError, ConnectorError, pytest.fail.Exception)


@pytest.mark.parametrize(
    ("sabotage", "rule", "given"),
    [
        pytest.param(*bite, id=f"{bite[0].__name__}-{bite[1].__name__.removeprefix('test_')}")
        for bite in BITES
    ],
)
async def test_a_sabotaged_connector_fails_the_rule(
    sabotage: type[Sabotaged],
    rule: Callable[..., Awaitable[None]],
    given: dict[str, Any],
    tmp_path: Path,
) -> None:
    with pytest.raises(BROKEN):
        await rule(SabotagedWorld(tmp_path / "sabotaged", sabotage), **given)
    # The rule is not simply impossible: the good connector keeps it.
    await rule(DropWorld(tmp_path / "good"), **given)


def test_every_rule_of_the_suite_has_a_connector_that_fails_it() -> None:
    rules = {name for name in dir(suite) if name.startswith("test_")}
    assert rules == {rule.__name__ for _, rule, _ in BITES if hasattr(suite, rule.__name__)}
