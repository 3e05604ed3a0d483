"""Which contract line work belongs to, and what of a contract may not change any more."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from canonical.billing import BillableLine
from canonical.contracts import ContractLine, Engagement


@dataclass(frozen=True, slots=True)
class NoContractLine:
    """No contract line can be told, and why."""

    why: str


def contract_line_of(line: BillableLine, engagement: Engagement) -> ContractLine | NoContractLine:
    """Find the contract line that is about a line of work; one that names its task counts first."""
    fitting = [
        one
        for one in engagement.lines
        if line.project in one.projects
        and (not one.tasks or line.task in one.tasks)
        and one.valid_on(line.work_date)
    ]
    named = [one for one in fitting if one.tasks] or fitting
    if not named:
        return NoContractLine(f"no contract line is about it on {line.work_date}")
    if len(named) > 1:
        names = ", ".join(sorted(one.id for one in named))
        return NoContractLine(f"contract lines {names} are about it equally well")
    return named[0]


def frozen_changes(before: Engagement, after: Engagement, used: Collection[str]) -> Sequence[str]:
    """Say what a new version of an engagement changes that it may not (DOMAIN rule 32).

    `used` are the contract lines that time was approved on or that were billed: their billing
    model and currency stay, and so do they. A change is a new contract line, and a transfer.
    """
    said: list[str] = []
    for line in before.lines:
        if line.id not in used:
            continue
        now = after.line(line.id)
        if now is None:
            said.append(f"contract line {line.id} is gone, and work was approved on it")
        elif (now.model, now.currency) != (line.model, line.currency):
            said.append(
                f"contract line {line.id} billed as {line.model} in {line.currency} and now as "
                f"{now.model} in {now.currency}: make it a new contract line"
            )
    return said
