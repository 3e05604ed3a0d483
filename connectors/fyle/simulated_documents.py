"""How the simulated Fyle writes reports and expenses, which name nearly everything else."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from connectors.fyle.simulated_json import (
    Json,
    card_json,
    category_embed,
    instant,
    noon,
    person_in_report,
    project_embed,
    travel_json,
    user_json,
)
from connectors.fyle.simulated_state import (
    SimulatedCategory,
    SimulatedCostCentre,
    SimulatedExpense,
    SimulatedPerson,
    SimulatedProject,
    SimulatedReport,
    SimulatedTaxGroup,
)
from connectors.fyle.wire import Fund

# Members that the specification requires and that say nothing here.
_EMPTY_EXPENSE: Final = (
    "activity_details", "added_to_report_by", "advance_wallet_id", "calculated_tax_amount",
    "code", "commute_deduction", "commute_details", "commute_details_id", "ended_at",
    "expense_rule_data", "expense_rule_id", "extracted_data", "hotel_is_breakfast_provided",
    "invoice_number", "is_physical_bill_submitted", "is_verified", "last_exported_at",
    "last_settled_at", "last_verified_at", "mileage_calculated_amount",
    "mileage_calculated_distance", "passenger_amount", "passenger_count",
    "passenger_mileage_rate", "physical_bill_submitted_at", "policy_amount", "admin_amount",
    "report_auto_approval_state", "selected_vehicle_category", "selected_vehicle_ownership",
    "split_group_amount", "started_at",
)  # fmt: skip
_NO_ENTRIES: Final = (
    "approver_comments", "custom_fields", "expense_policy_comments", "locations",
    "travel_classes", "verifications", "verifier_comments",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Directory:
    """The master records that documents name; KeyError for one that is not there."""

    org_id: str
    currency: str
    people: Mapping[str, SimulatedPerson]
    categories: Mapping[int, SimulatedCategory]
    projects: Mapping[int, SimulatedProject]
    cost_centres: Mapping[int, SimulatedCostCentre]
    tax_groups: Mapping[str, SimulatedTaxGroup]


def total_of(report: SimulatedReport) -> Decimal:
    """What Fyle says a report comes to: all of its expenses, whoever paid them."""
    return sum((each.amount for each in report.expenses), Decimal(0))


def reimbursement_of(report: SimulatedReport) -> str | None:
    """The reimbursement of a report; it has none if nobody is to be paid."""
    owed = any(each.fund is Fund.CASH and each.is_reimbursable for each in report.expenses)
    return f"reim{report.id}" if owed and report.state in {"PAYMENT_PROCESSING", "PAID"} else None


def _approvals(report: SimulatedReport, directory: Directory) -> list[Json]:
    if report.approver_id is None:
        approver, kind = None, "SYSTEM"
    else:
        approver, kind = directory.people[report.approver_id], "USER"
    return [
        {
            "approver_user_id": approver and approver.user_id,
            "approver_type": kind,
            "approver_user": approver and user_json(approver),
            "state": "APPROVAL_DONE" if report.approved_at else "APPROVAL_PENDING",
            "approver_order": 1,
        }
    ]


def _report_summary(report: SimulatedReport) -> Json:
    states: list[str] = [each.summary.state for each in report.expenses if each.summary]
    if not states:
        return {}
    counted = {name: states.count(name.upper()) for name in ("skipped", "error", "complete")}
    worst = "ERROR" if "ERROR" in states else states[0]
    return {"state": worst, **counted, "tpa_id": "tpaLedgerway"}


def report_json(report: SimulatedReport, directory: Directory, *, exported: bool) -> Json:
    """A report in the list."""
    person = directory.people[report.employee_id]
    reimbursement = reimbursement_of(report)
    total = total_of(report)
    paid = {"id": reimbursement, "currency": directory.currency, "amount": total}
    return {
        "id": report.id,
        "org_id": directory.org_id,
        "created_at": instant(report.submitted_at),
        "updated_at": instant(report.updated_at),
        "user_id": person.user_id,
        "user": user_json(person),
        "purpose": report.purpose,
        "currency": directory.currency,
        "amount": total,
        "tax": sum((each.tax_amount or Decimal(0) for each in report.expenses), Decimal(0)),
        "state": str(report.state),
        "num_expenses": len(report.expenses),
        "is_verified": None,
        "is_physical_bill_submitted": None,
        "physical_bill_submitted_at": None,
        "is_manually_flagged": False,
        "is_policy_flagged": False,
        "is_exported": exported,
        "last_paid_at": instant(report.paid_at),
        "last_approved_at": instant(report.approved_at),
        "last_submitted_at": instant(report.submitted_at),
        "last_resubmitted_at": None,
        "seq_num": report.seq_num,
        "source": "WEBAPP",
        "approvals": _approvals(report, directory),
        "employee_id": person.id,
        "employee": {
            **person_in_report(person, directory.org_id),
            "ach_account": {"added": False, "verified": None, "suspended": None},
        },
        "next_approver_user_ids": [],
        "reimbursement_id": reimbursement,
        "reimbursement": reimbursement and {**paid, "mode": "OFFLINE", "ach_transfer": {}},
        "state_display_name": report.state.replace("_", " ").capitalize(),
        "comments": [],
        "accounting_export_summary": _report_summary(report),
        "can_apply_advances": None,
        "applied_advance_wallets": [each.model_dump() for each in report.wallets],
        "creator_type": "USER",
        "auto_approval_state": None if report.approver_id else "AUTO_APPROVED",
    }


def expense_json(
    expense: SimulatedExpense, number: int, report: SimulatedReport, directory: Directory
) -> Json:
    """An expense in the list."""
    person = directory.people[report.employee_id]
    card = card_json(expense)
    state = "APPROVER_PENDING" if report.state == "APPROVER_INQUIRY" else str(report.state)
    return {
        **dict.fromkeys(_EMPTY_EXPENSE),
        **{name: [] for name in _NO_ENTRIES},
        "id": expense.id,
        "user_id": person.user_id,
        "user": user_json(person),
        "org_id": directory.org_id,
        "created_at": instant(report.submitted_at),
        "updated_at": instant(expense.updated_at),
        "spent_at": noon(expense.spent_on),
        "source": "WEBAPP",
        "merchant": expense.merchant,
        "purpose": expense.purpose,
        "currency": directory.currency,
        "amount": expense.amount,
        "claim_amount": expense.amount if expense.claim_amount is None else expense.claim_amount,
        "foreign_currency": expense.foreign_currency,
        "foreign_amount": expense.foreign_amount,
        **_cost_objects(expense, directory),
        **travel_json(expense),
        "source_account_id": "acSimulated",
        "source_account": {"id": "acSimulated", "type": str(expense.fund)},
        "is_billable": expense.is_billable,
        "is_reimbursable": expense.is_reimbursable,
        "custom_fields_flattened": {},
        "state": state,
        "state_display_name": state.replace("_", " ").capitalize(),
        "seq_num": f"E/{report.seq_num}/{number}",
        "report_id": report.id,
        "added_to_report_at": instant(report.submitted_at),
        "report": _report_embed(report, directory),
        "report_last_paid_at": instant(report.paid_at),
        "report_last_approved_at": instant(report.approved_at),
        "is_receipt_mandatory": not expense.files,
        "is_exported": expense.summary is not None and expense.summary.state == "COMPLETE",
        "accounting_export_summary": expense.summary.model_dump() if expense.summary else {},
        "file_ids": list(expense.files),
        "files": [
            {
                "id": each,
                "name": f"{each}.pdf",
                "type": "RECEIPT",
                "content_type": "application/pdf",
            }
            for each in expense.files
        ],
        "approvals": _approvals(report, directory),
        "employee_id": person.id,
        "employee": {
            **person_in_report(person, directory.org_id),
            "custom_fields": [],
            "flattened_custom_field": {},
        },
        "creator_user_id": person.user_id,
        "is_corporate_card_transaction_auto_matched": card is not None,
        "matched_corporate_card_transaction_ids": [card["id"]] if card else [],
        "matched_corporate_card_transactions": [card] if card else [],
        "matched_corporate_card_transaction_id": card and card["id"],
        "matched_corporate_card_transaction": card or {},
        "missing_mandatory_fields": {},
        "is_manually_flagged": False,
        "is_policy_flagged": False,
        "policy_checks": {},
        "split_group_id": expense.split_group_id,
        "is_split": expense.split_group_id is not None,
        "is_duplicate_present": False,
        "is_reconciled": False,
    }


def _cost_objects(expense: SimulatedExpense, directory: Directory) -> Json:
    centre: Any = expense.cost_center_id and directory.cost_centres[expense.cost_center_id]
    project: Any = expense.project_id and directory.projects[expense.project_id]
    group: Any = expense.tax_group_id and directory.tax_groups[expense.tax_group_id]
    return {
        "category_id": expense.category_id,
        "category": category_embed(directory.categories[expense.category_id]),
        "cost_center_id": expense.cost_center_id,
        "cost_center": centre and centre.model_dump(exclude={"is_enabled"}),
        "project_id": expense.project_id,
        "project": project and project_embed(project),
        "tax_group_id": expense.tax_group_id,
        "tax_group": group and {"name": group.name, "percentage": group.percentage},
        "tax_amount": expense.tax_amount,
    }


def _report_embed(report: SimulatedReport, directory: Directory) -> Json:
    return {
        "id": report.id,
        "last_approved_at": instant(report.approved_at),
        "last_submitted_at": instant(report.submitted_at),
        "seq_num": report.seq_num,
        "title": report.purpose,
        "state": str(report.state),
        "amount": total_of(report),
        "last_paid_at": instant(report.paid_at),
        "last_verified_at": None,
        "reimbursement_id": (reimbursement_of(report) or "")[:15] or None,
        "reimbursement_seq_num": None,
        "approvals": _approvals(report, directory),
    }
