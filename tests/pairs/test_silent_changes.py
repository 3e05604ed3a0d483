"""What an ERP drops or puts in place of what was sent, without a word: read-back calls a person."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from sandbox.expense_month import SHAPES
from tests.e2e.conftest import NewNamespace
from tests.pairs import business_central as bc
from tests.pairs import xero
from tests.pairs.books import findings
from tests.pairs.conftest import Opened
from tests.pairs.month import PlayedMonth
from tests.pairs.pair_platform import ErpSide, PairPlatform
from tests.pairs.sources import Sources
from tests.pairs.storm import Change

_CASH: Final = SHAPES[:1]


@dataclass(frozen=True)
class Alteration:
    """What the ERP does to one document of a kind; `about` is how its request is known."""

    field: str
    begin: Callable[[Any, bytes], None]
    end: Callable[[Any], None] = lambda _: None


def _in_batch(member: str, value: Callable[[bc.BusinessCentralSide], Any]) -> Alteration:
    """Business Central gives the entry of a line of time another value."""

    def begin(erp: bc.BusinessCentralSide, about: bytes) -> None:
        def change(told: Any) -> Any:
            for part in told["requests"]:
                if member in part.get("body", {}) and "quantity" in part["body"]:
                    part["body"][member] = value(erp)
            return told

        erp.wire.alter_next(bc.BATCH, about, change)

    return Alteration(member, begin)


def _on_posting(
    field: str, fact: str, value: Callable[[bc.BusinessCentralSide], Any]
) -> Alteration:
    """Business Central sets something by itself when it posts, in its German company alone."""

    def begin(erp: bc.BusinessCentralSide, _: bytes) -> None:
        erp.companies["DE01"].facts[fact] = value(erp)

    def end(erp: bc.BusinessCentralSide) -> None:
        del erp.companies["DE01"].facts[fact]

    return Alteration(field, begin, end)


def _record(entity_set: str, number: str) -> Callable[[bc.BusinessCentralSide], str]:
    return lambda erp: str(next(erp.companies["DE01"].rows(entity_set, number=number))["id"])


_LESS: Final = {"amountExcludingTax": Decimal(1), "amountIncludingTax": Decimal(1)}
_BC_TIME: Final = (
    _in_batch("quantity", lambda _: 0),
    _in_batch("employeeId", _record("employees", "DE01-EMP-002")),
    _in_batch("jobTaskNumber", lambda _: "1100"),
    _in_batch("date", lambda erp: erp.firm.month.working_days()[-1].isoformat()),
)
_BC_EXPENSE: Final = (
    _on_posting("dimension", "drops_dimensions_on_posting", lambda _: True),
    _on_posting(
        "employee",
        "set_on_posting",
        lambda erp: {
            "vendorId": _record("vendors", "DE01-EMP-002")(erp),
            "vendorNumber": "DE01-EMP-002",
        },
    ),
    _on_posting("amount", "set_on_lines_on_posting", lambda _: _LESS),
)
_BC_INVOICE: Final = (
    _on_posting(
        "customer",
        "set_on_posting",
        lambda erp: {
            "customerId": _record("customers", "CUST-006")(erp),
            "customerNumber": "CUST-006",
        },
    ),
    _on_posting("amount", "set_on_lines_on_posting", lambda _: _LESS),
)


def _in_request(field: str, what: str, change: Change) -> Alteration:
    """Xero makes another record of what it is sent."""
    return Alteration(field, lambda erp, about: erp.wire.alter_next(what, about, change))


def _quirk(field: str, name: str, value: Any, otherwise: Any) -> Alteration:
    return Alteration(
        field,
        lambda erp, _: erp.misbehave(**{name: value}),
        lambda erp: erp.misbehave(**{name: otherwise}),
    )


def _with(**members: Any) -> Change:
    return lambda told: {**told, **members}


def _in_document(change: Change) -> Change:
    return lambda told: {
        name: [change(one) for one in documents] for name, documents in told.items()
    }


def _paid_less(document: Any) -> Any:
    less = {"Quantity": 1, "UnitAmount": 1, "LineAmount": 1, "TaxAmount": 0, "TaxType": "NONE"}
    lines = [{**line, **less} if "AccountCode" in line else line for line in document["LineItems"]]
    return {**document, "LineItems": lines}


_XERO_TIME: Final = (
    _quirk("duration", "rounds_minutes_to", 15, 1),
    _in_request("userId", xero.TIME, _with(userId=xero.user_id("DE01-EMP-002"))),
    _in_request("taskId", xero.TIME, _with(taskId=xero.task_id("PRJ-1001", "Implementation"))),
    _in_request("dateUtc", xero.TIME, _with(dateUtc="2026-01-05T12:00:00Z")),
)
_XERO_EXPENSE: Final = (
    _quirk("dimension", "drops_tracking", True, False),
    _in_request(
        "employee",
        xero.DOCUMENT,
        _in_document(_with(Contact={"ContactID": xero.contact_id("DE01-EMP-002")})),
    ),
    _in_request("amount", xero.DOCUMENT, _in_document(_paid_less)),
)
_XERO_INVOICE: Final = (
    _in_request(
        "customer",
        xero.DOCUMENT,
        _in_document(_with(Contact={"ContactID": xero.contact_id("CUST-006")})),
    ),
    _in_request("amount", xero.DOCUMENT, _in_document(_paid_less)),
)
# Billed with something altered, and as it should be; nothing else is worked on them.
_BILLED: Final[tuple[str, ...]] = ("PRJ-1005", "PRJ-1007")
_UNTOUCHED: Final[str] = "PRJ-1002"
_TAXES: Final[dict[str, Decimal]] = dict.fromkeys((*_BILLED, _UNTOUCHED), Decimal(19))


class Watch:
    """Plays alterations one by one, each beside a document that nothing happens to."""

    def __init__(self, month: PlayedMonth, platform: PairPlatform) -> None:
        self.month = month
        self.sources: Sources = month.sources
        self.erp: ErpSide = month.erp
        self.platform = platform
        self.seen = 0

    async def time(self, day: int, one: Alteration) -> None:
        """A line of 2.1 hours is altered, one of another person is not."""
        entry = self.sources.staff.enter(on=day, hours="2.1")
        self.sources.staff.enter("Mateo Fuentes", _UNTOUCHED, on=day, hours=f"{day + 1}.25")
        one.begin(self.erp, f"private {entry}".encode())
        await self.platform.poll()
        await self._is_told(one)

    async def report(self, number: int, one: Alteration) -> None:
        """A report is altered; what comes with it elsewhere, or after it, is not."""
        victim, *others = self.sources.release_shapes(_CASH, first=2 * number)
        one.begin(self.erp, self.sources.number_of(victim).encode())
        await self.platform.poll()
        await self._is_told(one)
        later = self.sources.release_shapes(_CASH, first=2 * number + 1)
        self.month.reports += [victim, *others, *later]
        await self.platform.poll()
        assert len(await self.platform.cases()) == self.seen

    async def invoice(self, project: str, one: Alteration) -> None:
        """An invoice is altered."""
        one.begin(self.erp, f"ENG-{project.removeprefix('PRJ-')}".encode())
        await self.month.bill(self.platform, [project])
        await self._is_told(one)

    async def _is_told(self, one: Alteration) -> None:
        one.end(self.erp)
        self.seen += 1
        causes = [case.cause for case in await self.platform.cases()]
        assert causes == ["altered_in_erp"] * self.seen, one.field


async def _played(
    month: PlayedMonth,
    of_time: tuple[Alteration, ...],
    of_expenses: tuple[Alteration, ...],
    of_invoices: tuple[Alteration, ...],
) -> None:
    async with month.opened(month.sources, month.erp, namespace=month.namespace) as platform:
        await platform.refresh()
        watch = Watch(month, platform)
        for day, one in enumerate(of_time):
            await watch.time(day, one)
        for number, one in enumerate(of_expenses):
            await watch.report(number, one)
        for project, one in zip(_BILLED, of_invoices, strict=True):
            month.sources.staff.enter("Leila Haddad", project, "Analysis", on=8)
            await watch.invoice(project, one)
        await month.bill(platform, [_UNTOUCHED])
        assert len(await platform.cases()) == watch.seen
    books, expected = month.erp.books(), month.expected()
    # Each is there once, and what was not touched is as it was approved.
    for kind in ("work", "claims", "bills"):
        assert len(getattr(books, kind)) == len(getattr(expected, kind)), kind
    altered = [one for one in findings(expected, books) if "is missing" in one]
    assert len(altered) == len(of_time) + len(of_expenses) + len(of_invoices), altered


async def test_a_person_is_called_for_each_field_that_business_central_changes_in_silence(
    opened: Opened, tmp_path: Path, new_namespace: NewNamespace
) -> None:
    sources = Sources(tmp_path / "contracts", bc.BusinessCentralSide.entities)
    erp = bc.BusinessCentralSide(sources.firm)
    month = PlayedMonth(sources, erp, opened, await new_namespace(), _TAXES)
    await _played(month, _BC_TIME, _BC_EXPENSE, _BC_INVOICE)


async def test_a_person_is_called_for_each_field_that_xero_changes_in_silence(
    opened: Opened, tmp_path: Path, new_namespace: NewNamespace
) -> None:
    sources = Sources(tmp_path / "contracts", xero.XeroSide.entities)
    month = PlayedMonth(sources, xero.XeroSide(sources.firm), opened, await new_namespace(), _TAXES)
    await _played(month, _XERO_TIME, _XERO_EXPENSE, _XERO_INVOICE)
