"""Contracts of every shape, for tests that write them down and read them back."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from hypothesis import strategies as st

from canonical.contracts import (
    BillingModel,
    BillRate,
    Cap,
    ChangeOrder,
    ContractLine,
    Engagement,
    RateCard,
    RateScope,
    ScheduleLine,
    TaxParty,
)
from canonical.money import HourlyRate, Money, minor_units
from connectors.conformance.contract_source import CONNECTION

CURRENCIES: Final = ("EUR", "USD", "JPY", "KWD")
# Blanks around a name, and line breaks within a code, do not survive a table.
_BLANKS: Final = " \t\r\n\u00a0\u202f"

days = st.dates(date(2000, 1, 1), date(2100, 12, 31))
_characters = st.characters(exclude_categories=("Cs", "Cc"))
_awkward = st.sampled_from(["a,b", 'say "so"', "x;y", "tab|bar", "back\\slash", "\\|", "'", "=1+1"])
ids = (st.text(_characters, min_size=1, max_size=20) | _awkward).filter(
    lambda text: text == text.strip(_BLANKS)
)
codes = ids.filter(lambda text: text.strip() != "")
labels = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40
).map(lambda text: text.strip(_BLANKS))


def amounts(currency: str, least: int = 1) -> st.SearchStrategy[Money]:
    """Amounts that a currency can express, in minor units from `least` on."""
    places = minor_units(currency)
    return st.integers(least, 10**12).map(
        lambda minor: Money(amount=Decimal(minor).scaleb(-places), currency=currency)
    )


@st.composite
def spans(draw: st.DrawFn) -> tuple[date | None, date | None]:
    """First and last day, either of which may be open."""
    first, last = draw(st.none() | days), draw(st.none() | days)
    return (last, first) if first and last and last < first else (first, last)


@st.composite
def caps(draw: st.DrawFn, currency: str) -> Cap:
    """Hard caps, and soft ones with what was agreed on top."""
    hard = draw(st.booleans())
    orders = st.builds(ChangeOrder, id=ids, agreed_date=days, amount=amounts(currency, -(10**6)))
    return Cap(
        kind="hard" if hard else "soft",
        amount=draw(amounts(currency, 0)),
        expenses_included=draw(st.booleans()),
        change_orders=() if hard else tuple(draw(st.lists(orders, max_size=2))),
    )


@st.composite
def schedules(draw: st.DrawFn, currency: str) -> tuple[ScheduleLine, ...]:
    """One to three amounts that fall due."""
    made = []
    for name in draw(st.lists(ids, min_size=1, max_size=3, unique=True)):
        first, last = draw(spans())
        made.append(
            ScheduleLine(
                id=name,
                label=draw(labels),
                due_date=draw(days),
                amount=draw(amounts(currency)),
                erp_key=draw(st.none() | codes),
                performance_obligation=draw(st.none() | ids),
                draw_from=first,
                draw_until=last,
            )
        )
    return tuple(made)


@st.composite
def contract_lines(draw: st.DrawFn, name: str) -> ContractLine:
    """Contract lines of every billing model."""
    model = draw(st.sampled_from(BillingModel))
    currency = draw(st.sampled_from(CURRENCIES))
    by_time = model is BillingModel.TIME_AND_MATERIALS
    first, last = draw(spans())
    return ContractLine(
        id=name,
        label=draw(labels),
        model=model,
        currency=currency,
        projects=tuple(draw(st.lists(ids, min_size=1, max_size=3))),
        tasks=tuple(draw(st.lists(ids, max_size=3))),
        service=draw(codes),
        expenses_billed=draw(st.booleans()),
        cap=draw(st.none() | caps(currency)) if by_time else None,
        schedule=() if by_time else draw(schedules(currency)),
        purchase_order_required=draw(st.booleans()),
        purchase_order=draw(st.none() | ids),
        performance_obligation=draw(st.none() | ids),
        valid_from=first,
        valid_until=last,
    )


@st.composite
def engagements(draw: st.DrawFn) -> Engagement:
    """Any engagement that a table can say."""
    names = draw(st.lists(ids, min_size=1, max_size=3, unique=True))
    return Engagement(
        connection=CONNECTION,
        id=draw(ids),
        code=draw(codes),
        name=draw(labels),
        legal_entity=draw(codes),
        customer=draw(ids),
        customer_tax=TaxParty(
            country=draw(st.sampled_from(["DE", "US", "GB"])), registered=draw(st.booleans())
        ),
        lines=tuple(draw(contract_lines(name)) for name in names),
    )


@st.composite
def bill_rates(draw: st.DrawFn) -> BillRate:
    """Prices of every scope."""
    first, last = draw(spans())
    amount = Decimal(draw(st.integers(0, 9_999_999_999))).scaleb(-4)
    return BillRate(
        scope=draw(st.sampled_from(RateScope)),
        engagement=draw(ids),
        contract_line=draw(st.none() | ids),
        customer=draw(ids),
        employee=draw(ids),
        role=draw(codes),
        rate=HourlyRate(amount=amount, currency=draw(st.sampled_from(CURRENCIES))),
        valid_from=first,
        valid_until=last,
    )


def cards(rates: Sequence[BillRate], name: str = "RC-1") -> RateCard:
    """A card with these rates."""
    return RateCard(connection=CONNECTION, id=name, version="1", rates=tuple(rates))
