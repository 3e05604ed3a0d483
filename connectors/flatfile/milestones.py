"""What milestones are decided by: acceptances, and the ERP's own schedule as it was exported."""

from typing import Final

from canonical.contracts import Acceptance, ErpScheduleLine
from connectors.flatfile.cells import Cells
from connectors.flatfile.single_rows import Table
from connectors.flatfile.tables import Columns


def _acceptance(cells: Cells) -> Acceptance:
    return cells.make(
        Acceptance,
        engagement=cells.text("engagement"),
        contract_line=cells.text("contract_line"),
        schedule_line=cells.text("schedule_line"),
        accepted_date=cells.day("accepted_date"),
        evidence=cells.text("evidence"),
    )


def _erp_schedule_line(cells: Cells) -> ErpScheduleLine:
    return cells.make(ErpScheduleLine, key=cells.text("key"), amount=cells.money())


ACCEPTANCES: Final = Table(
    "acceptances.csv",
    Columns(("engagement", "contract_line", "schedule_line", "accepted_date", "evidence")),
    "acceptance",
    ("engagement", "contract_line", "schedule_line"),
    _acceptance,
)
BILLING_SCHEDULE: Final = Table(
    "billing_schedule.csv",
    Columns(("key", "amount", "currency")),
    "erp_schedule_line",
    ("key",),
    _erp_schedule_line,
)
