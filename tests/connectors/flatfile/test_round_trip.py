"""What is written as this drop reads it is read back equal, whatever was agreed."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canonical.contracts import (
    Acceptance,
    BillRate,
    Engagement,
    ErpScheduleLine,
    PurchaseOrder,
)
from connectors.flatfile.options import Delimiter
from connectors.flatfile.writing import (
    engagements_as_json,
    engagements_as_tables,
    milestones_as_tables,
    purchase_orders_as_table,
    rate_cards_as_table,
)
from tests.connectors.flatfile.agreements import (
    amounts,
    bill_rates,
    cards,
    codes,
    days,
    engagements,
    ids,
    spans,
)
from tests.connectors.flatfile.world import records_in

Records = list[object]
_delimiters = st.sampled_from([",", ";", "\t"])
_properly = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


async def read(files: Mapping[str, str], **options: Any) -> Records:
    """What a drop of these files says, without a trouble."""
    with TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / name).write_bytes(text.encode())
        found = await records_in(Path(folder), **options)
        assert [one.trouble for one in found if one.trouble] == []
        return [one.record.record for one in found if one.record]


_some = st.lists(engagements(), min_size=1, max_size=2, unique_by=lambda one: one.id)


@given(agreed=_some, delimiter=_delimiters)
@_properly
async def test_any_engagement_survives_tables(
    agreed: list[Engagement], delimiter: Delimiter
) -> None:
    assert await read(engagements_as_tables(agreed, delimiter)) == agreed


@given(agreed=_some)
@_properly
async def test_any_engagement_survives_lines_of_json(agreed: list[Engagement]) -> None:
    assert await read(engagements_as_json(agreed)) == agreed


@given(rates=st.lists(bill_rates(), min_size=1, max_size=4), delimiter=_delimiters)
@_properly
async def test_any_rate_survives_a_table(rates: list[BillRate], delimiter: Delimiter) -> None:
    card = cards(rates)
    nothing = engagements_as_tables([])
    assert await read(nothing | rate_cards_as_table([card], delimiter)) == [card]


@st.composite
def purchase_orders(draw: st.DrawFn) -> PurchaseOrder:
    """Orders with a limit and without."""
    first, last = draw(spans())
    return PurchaseOrder(
        id=draw(ids),
        number=draw(codes),
        amount=draw(st.none() | amounts("KWD", 0)),
        valid_from=first,
        valid_until=last,
    )


@given(orders=st.lists(purchase_orders(), max_size=3, unique_by=lambda one: one.id))
@_properly
async def test_any_purchase_order_survives_a_table(orders: list[PurchaseOrder]) -> None:
    nothing = engagements_as_tables([])
    assert await read(nothing | purchase_orders_as_table(orders)) == orders


@given(
    accepted=st.builds(
        Acceptance,
        engagement=ids,
        contract_line=ids,
        schedule_line=ids,
        accepted_date=days,
        evidence=ids,
    ),
    scheduled=st.builds(ErpScheduleLine, key=codes, amount=amounts("JPY", -(10**6))),
)
@_properly
async def test_any_milestone_survives_tables(
    accepted: Acceptance, scheduled: ErpScheduleLine
) -> None:
    files = engagements_as_tables([]) | milestones_as_tables([accepted], [scheduled])
    assert await read(files) == [accepted, scheduled]
