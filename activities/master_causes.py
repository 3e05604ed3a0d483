"""Root causes about masters: in words that people act on, without values that may be names."""

from typing import Final

from canonical.cross_reference import MasterKind
from canonical.exception_case import Cause, RootCause
from store.master_issues import Issue

_CALLED: Final = {
    MasterKind.CUSTOMER: "Customer",
    MasterKind.EMPLOYEE: "Employee",
    MasterKind.PROJECT: "Project",
    MasterKind.TASK: "Task",
    MasterKind.DIMENSION_VALUE: "Cost centre",
}
_SEE: Final = "`ledgerway masters conflicts` shows both values."


def root_cause_of(kind: MasterKind, owner: str, issue: Issue) -> RootCause:
    """What a case about an issue says; equal for one record, system and field."""
    what = f"{_CALLED[kind]} {issue.code}"
    subject = f"{kind} {issue.code} in {issue.connection}"
    if issue.field:
        subject = f"{subject}: {issue.field}"
    return RootCause(
        legal_entity=issue.legal_entity,
        cause=issue.cause,
        subject=subject,
        sentence=f"{what}: {_sentence(owner, issue)}"[:1000],
    )


def _sentence(owner: str, issue: Issue) -> str:
    where = issue.connection
    match issue.cause:
        case Cause.MASTER_CONFLICT:
            return (
                f"{issue.field} was changed in {where}, but {issue.field_owner} owns it. {_SEE} "
                "Restore the owner's value, accept the other one, or change who owns the field of "
                "this record."
            )
        case Cause.POSSIBLE_TWIN if where == owner:
            return (
                f"{owner} has {len(issue.candidates)} more under another spelling. Merge them "
                "there, or say that they are apart, and it is made elsewhere, too."
            )
        case Cause.POSSIBLE_TWIN:
            count = len(issue.candidates)
            return (
                f"{where} has {count} that may be the same under another spelling. Link it to one "
                "of them, or say that they are apart, and it is made anew."
            )
        case Cause.MASTER_GONE if where == owner:
            return (
                f"{owner} owns it and does not show it any more. If it was deleted there, apply "
                "that, and nobody uses it elsewhere any more; if not, see why it cannot be read."
            )
        case Cause.MASTER_GONE:
            return (
                f"{where} does not show it any more, and {owner} still has it. Recreate it there, "
                "link it to the record that took its place, or waive it: it is not made again by "
                "itself."
            )
        case Cause.MASTER_INCOMPLETE:
            nobody = where == owner
            return (
                f"{'no other system gets' if nobody else f'{where} does not get'} it yet: "
                f"{issue.value}. Mend it in {owner}."
            )
        case Cause.RETROACTIVE_CHANGE:
            return (
                f"{owner} changed its cost centre for a time in which {len(issue.candidates)} "
                f"lines are posted in {where}, to {issue.value} instead of {issue.owner_value}. "
                "Apply the plan, and they are taken back and posted anew; or waive it."
            )
        case Cause.MASTER_REFUSED:
            return (
                f"{where} refused it with the answer '{issue.value.split(':')[0]}'. "
                "`ledgerway masters conflicts` shows its words. Mend it and retry."
            )
        case _:
            return (
                f"{where} said yes to a new {issue.field} and shows another one. {_SEE} Find out "
                "what keeps it there and retry, or accept the other value."
            )
