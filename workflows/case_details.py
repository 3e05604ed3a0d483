"""What a case says in Temporal's UI: what is wrong, what it holds up, and what to paste."""

import json
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from canonical.hours import hours_from_seconds
    from canonical.messages import CaseView


def case_details(case: CaseView, *, escalations: int, last_answer: str) -> str:
    """Write the details of a case in Markdown; codes and amounts only, no names."""
    money = " and ".join(case.amounts) or "no billable value"
    parts = [
        f"### {case.cause.replace('_', ' ').capitalize()}: {case.subject}",
        case.sentence,
        f"**Holds up** {case.lines} lines, {hours_from_seconds(case.seconds):f} hours, {money}.",
        f"**Legal entity** {case.legal_entity} · **source** {case.connection} · "
        f"**ERP** {case.target} · **owner** {case.owner} · "
        f"**decide by** {case.deadline_at:%Y-%m-%d %H:%M} UTC · **state** {case.state}",
    ]
    if escalations:
        parts.append(f"**Escalated {escalations} times**: the deadline has passed.")
    if last_answer:
        parts.append(f"**Last resolution** {last_answer}")
    if case.state != "RESOLVED":
        parts.append(_what_to_paste(case))
    return "\n\n".join(parts)


def _what_to_paste(case: CaseView) -> str:
    """The update's name and its input, one line each, in the order in which they usually help."""
    rows = [
        ("mended in the ERP or the source", {"kind": "retry", "by": "your name"}),
        (
            "post with other values",
            {"kind": "amend", "by": "your name", "changes": _example_change(case), "reason": "why"},
        ),
        (
            "count it in another open period",
            {"kind": "post_to_period", "by": "your name", "period": "name of an open period"},
        ),
        ("send it back to the approver", {"kind": "reject", "by": "your name", "reason": "why"}),
        ("never post it", {"kind": "waive", "by": "your name", "reason": "why"}),
    ]
    listed = "\n".join(f"- {when}: `{json.dumps(body)}`" for when, body in rows)
    return (
        "**To resolve it**: *Send an Update* → `resolve_exception`, with one of these as input. "
        "One line is posted first; if the ERP takes it, the others follow.\n\n" + listed
    )


def _example_change(case: CaseView) -> dict[str, Any]:
    match case.cause:
        case "over_24_hours" | "duplicate_in_source":
            return {"accept": case.cause}
        case "missing_dimension" | "inactive_dimension":
            return {"cost_centre": "code of an open cost centre"}
        case "unknown_employee" | "leaver" | "not_yet_employed":
            return {"employee": "code of an employee in the ERP"}
        case "unknown_task" | "closed_task":
            return {"task": "code of a task in the ERP"}
        case _:
            return {"project": "code of a project in the ERP"}
