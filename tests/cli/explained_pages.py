"""Pages of each source's documents, as people keep them."""

import json
from typing import Any

from tests.connectors.concur.golden import case

HARVEST: dict[str, Any] = {
    "time_entries": [
        {
            "id": 100,
            "spent_date": "2026-10-01",
            "user": {"id": 7},
            "client": {"id": 1},
            "project": {"id": 11},
            "task": {"id": 13},
            "hours": 1.5,
            "is_closed": closed,
            "is_running": False,
            "billable": True,
            "billable_rate": 120.0,
            "updated_at": "2026-10-02T08:00:00Z",
        }
        for closed in (True, False)
    ],
    "clients": [{"id": 1, "name": "Northwind", "currency": "EUR", "is_active": True}],
}
FYLE: dict[str, Any] = {
    "data": [
        {
            "id": "rpReport1",
            "org_id": "orNorthwind",
            "seq_num": "C/2026/01/R/1",
            "purpose": "Visit",
            "currency": "EUR",
            "amount": 50.0,
            "state": "PAYMENT_PROCESSING",
            "num_expenses": 1,
            "user_id": "usKim",
            "employee": {"id": "ouKim", "code": "E-7"},
            "approvals": [],
            "reimbursement_id": None,
            "created_at": "2026-01-05T08:00:00+00:00",
            "last_submitted_at": "2026-01-06T08:00:00+00:00",
            "last_approved_at": "2026-01-07T08:00:00+00:00",
            "updated_at": "2026-01-07T08:00:00+00:00",
            "expenses": [
                {
                    "id": "txTaxi",
                    "report_id": "rpReport1",
                    "spent_at": "2026-01-05T00:00:00+00:00",
                    "currency": "EUR",
                    "amount": 50.0,
                    "foreign_currency": None,
                    "foreign_amount": None,
                    "source_account": {"type": "PERSONAL_CORPORATE_CREDIT_CARD_ACCOUNT"},
                    "is_reimbursable": False,
                    "is_billable": False,
                    "category": {"id": 101, "name": "Taxi"},
                    "cost_center": None,
                    "project": None,
                    "tax_amount": None,
                    "tax_group_id": None,
                    "distance": None,
                    "distance_unit": None,
                    "per_diem_rate": None,
                    "per_diem_num_days": None,
                    "updated_at": "2026-01-07T08:00:00+00:00",
                }
            ],
        }
    ]
}


def concur(case_id: str = "2.1-report", **changes: Any) -> dict[str, Any]:
    """A page of one document of SAP's; changes go to its first entry."""
    page: dict[str, Any] = json.loads(case(case_id).page)
    page["fIDocuments"][0]["document"]["expenseEntry"][0] |= changes
    return page


def only(page: dict[str, Any]) -> dict[str, Any]:
    """The one document of a page."""
    (document,) = page["fIDocuments"]
    return dict(document)
