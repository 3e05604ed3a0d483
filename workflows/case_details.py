"""What a case says in Temporal's UI: what is wrong, what it holds up, and what to paste."""

import json
from typing import Any, Final

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from canonical.exception_case import ACCEPTABLE, MASTER_CAUSES
    from canonical.hours import hours_from_seconds
    from canonical.messages import CaseView

_HOW: Final = (
    "**To resolve it**: *More Actions* → *Send an Update* → `resolve_exception`, with one of "
    "these as *Data*."
)
# As many characters of code as stand beside each other in the UI's panel of details.
_SHOWN_WHOLE: Final = 60


def case_details(case: CaseView, *, escalations: int, last_answer: str) -> str:
    """Write the details of a case in Markdown; codes and amounts only, no names."""
    money = " and ".join(case.amounts) or "no billable value"
    parts = [
        f"### {case.cause.replace('_', ' ').capitalize()}: {case.subject}",
        case.sentence,
        f"**Holds up** {_counted(case)}, {money}.",
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


def _counted(case: CaseView) -> str:
    lines = "1 line" if case.lines == 1 else f"{case.lines} lines"
    # Expense reports have no hours.
    return f"{lines}, {_hours(case.seconds)} hours" if case.seconds else lines


def _hours(seconds: int) -> str:
    return format(hours_from_seconds(seconds).normalize(), "f")


def _what_to_paste(case: CaseView) -> str:
    """The update's name and its inputs, ready to be copied."""
    if case.cause in MASTER_CAUSES:
        return _about_a_record(case)
    you = {"by": "your name"}
    why = {"reason": "why, for the auditor"}
    inputs: list[tuple[str, dict[str, Any]]] = [
        ("It was mended in the ERP or in the source:", {"kind": "retry", **you}),
        (
            "Post it with other values than the source's:",
            {"kind": "amend", **you, "changes": _example_change(case), **why},
        ),
        ("Never post it:", {"kind": "waive", **you, **why}),
        (f"Send it back ({_who_is_told(case)}):", {"kind": "reject", **you, **why}),
    ]
    if case.open_period:
        to_period = {"kind": "post_to_period", **you, "period": case.open_period}
        inputs.insert(1, ("Count it in another open period:", to_period))
    return (
        f"{_HOW} One line is posted first; if the ERP takes it, the others follow.\n\n"
        + _listed(inputs)
    )


def _about_a_record(case: CaseView) -> str:
    """What settles a case about a master record; its synchronisation carries it out."""
    you = {"by": "your name"}
    why = {"reason": "why, for the auditor"}
    settled: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "master_conflict": [
            ("The owner's value counts:", {"kind": "restore", **you}),
            ("The other value counts, and its owner gets it:", {"kind": "accept", **you, **why}),
            ("Whose value it is owns it from now on:", {"kind": "change_owner", **you, **why}),
        ],
        "master_write_ignored": [
            ("What kept it there was mended:", {"kind": "retry", **you}),
            ("The other value counts:", {"kind": "accept", **you, **why}),
        ],
        "possible_twin": [
            ("They are the same:", {"kind": "link", **you, "record": "its id there"}),
            ("They are not:", {"kind": "apart", **you, **why}),
        ],
        "retroactive_change": [("Correct what was posted:", {"kind": "apply", **you, **why})],
        "master_gone": [
            ("Make it anew:", {"kind": "recreate", **you}),
            ("Another took its place:", {"kind": "link", **you, "record": "its id there"}),
            ("It is its owner who deleted it:", {"kind": "apply", **you}),
        ],
    }
    if case.connection == case.target:
        # Two spellings at the owner itself: merging is done there.
        settled["possible_twin"] = settled["possible_twin"][1:]
    inputs = settled.get(case.cause, [("It was mended:", {"kind": "retry", **you})])
    leave = ("Leave it as it is:", {"kind": "waive", **you, **why})
    return f"{_HOW} The synchronisation carries it out at once.\n\n" + _listed([*inputs, leave])


def _listed(inputs: list[tuple[str, dict[str, Any]]]) -> str:
    return "\n\n".join(f"{when}\n```\n{_fitting(body)}\n```" for when, body in inputs)


def _who_is_told(case: CaseView) -> str:
    if case.tells_rejections:
        return f"{case.connection} is told, with your reason"
    return f"the approver withdraws the approval in {case.connection}"


def _fitting(body: dict[str, Any]) -> str:
    """On one line if Temporal's UI shows it whole, else on several."""
    line = json.dumps(body)
    return line if len(line) <= _SHOWN_WHOLE else json.dumps(body, indent=2)


def _example_change(case: CaseView) -> dict[str, Any]:
    match case.cause:
        case cause if cause in ACCEPTABLE:
            return {"accept": cause}
        case "missing_dimension" | "inactive_dimension":
            return {"cost_centre": "code of an open cost centre"}
        case "unknown_employee" | "leaver" | "not_yet_employed":
            return {"employee": "code of an employee in the ERP"}
        case "unknown_task" | "closed_task":
            return {"task": "code of a task in the ERP"}
        case "unknown_account":
            return {"account": "code of an open account in the ERP"}
        case "missing_tax_code":
            return {"tax_code": "code of a tax in the ERP"}
        case _:
            return {"project": "code of a project in the ERP"}
