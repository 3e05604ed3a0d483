"""The calendar of an ERP as a table: which periods there are, and which of them are open."""

from typing import Final

from canonical.posting_period import PeriodState, PostingPeriod
from connectors.flatfile.cells import Cells
from connectors.flatfile.kinds import Kind, id_from
from connectors.flatfile.tables import Columns


def _period(cells: Cells) -> PostingPeriod:
    names = [cells.text(name) or "" for name in ("legal_entity", "name")]
    state = cells.text("state")
    if state is not None and state.upper() not in list(PeriodState):
        cells.wrong("state", "write open or closed")
    starts_on, ends_on = cells.day("starts_on"), cells.day("ends_on")
    if starts_on and ends_on and ends_on < starts_on:
        cells.wrong("ends_on", "it is before the period starts")
    return cells.make(
        PostingPeriod,
        {"connection": "", "id": "name"},
        connection="-",
        id=id_from(*names),
        name=cells.text("name"),
        legal_entity=cells.text("legal_entity"),
        fiscal_year=cells.text("fiscal_year"),
        starts_on=starts_on,
        ends_on=ends_on,
        state=PeriodState(state.upper()) if state and state.upper() in list(PeriodState) else None,
    )


PERIODS: Final = Kind(
    "periods",
    Columns(("legal_entity", "name", "fiscal_year", "starts_on", "ends_on", "state")),
    ("legal_entity", "name"),
    _period,
)
