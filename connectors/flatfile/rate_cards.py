"""Rate cards: the lines of `rates.csv` that name the same card."""

from collections.abc import Iterator, Sequence
from typing import Final

from canonical.contracts import BillRate, RateCard, RateScope
from connectors.flatfile.cells import Cells, RowTroubleError
from connectors.flatfile.contents import Contents
from connectors.flatfile.drafts import Draft, id_of, raw_of
from connectors.flatfile.tables import Columns, Row
from connectors.flatfile.troubles import Trouble

KIND: Final = "rate_card"
RATES: Final = "rates.csv"
COLUMNS: Final = Columns(
    ("card", "version", "scope", "amount", "currency"),
    (
        *("engagement", "contract_line", "customer", "employee", "role"),
        *("valid_from", "valid_until"),
    ),
)


def rate_cards(contents: Contents) -> Iterator[Draft[RateCard]]:
    """Make all cards. One whose line is wrong is wrong: without it a lesser rate would count."""
    cards: dict[str, list[Row]] = {}
    for row in contents.rows(RATES, COLUMNS):
        cards.setdefault(row.cells.get("card", ""), []).append(row)
    for name, rows in cards.items():
        troubles: list[Trouble] = []
        record = _card(contents, rows, troubles)
        yield Draft(
            id_of(KIND, name),
            rows[0].place,
            raw_of(*rows),
            contents.changed_at(RATES),
            record,
            tuple(troubles),
        )


def _card(contents: Contents, rows: Sequence[Row], troubles: list[Trouble]) -> RateCard | None:
    rates: list[BillRate] = []
    for row in rows:
        if row.trouble is None and row.cells["version"] != rows[0].cells.get("version"):
            what = "the lines of a card have one version: write the same in all of them"
            troubles.append(Trouble.at(row.place, what, "version"))
        try:
            rates.append(_rate(contents.cells(row)))
        except RowTroubleError as error:
            troubles.append(error.trouble)
    if troubles:
        return None
    cells = contents.cells(rows[0])
    try:
        return cells.make(
            RateCard,
            {"id": "card", "rates": ""},
            connection=contents.connection,
            id=cells.text("card"),
            version=cells.text("version"),
            rates=tuple(rates),
        )
    except RowTroubleError as error:
        troubles.append(error.trouble)
        return None


def _rate(cells: Cells) -> BillRate:
    return cells.make(
        BillRate,
        {"rate": "amount"},
        scope=cells.choice("scope", RateScope),
        engagement=cells.text("engagement"),
        contract_line=cells.text("contract_line"),
        customer=cells.text("customer"),
        employee=cells.text("employee"),
        role=cells.text("role"),
        rate=cells.hourly_rate(),
        valid_from=cells.day("valid_from"),
        valid_until=cells.day("valid_until"),
    )
