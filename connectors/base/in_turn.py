"""Master writes one after the other, as long as nothing stands in the way."""

from collections.abc import Awaitable, Callable, Sequence

from connectors.base.errors import (
    ConflictError,
    ConnectionConfigError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.master_writes import (
    MasterAnswer,
    MasterRefused,
    MasterUnsettled,
    MasterWrite,
    MasterWritten,
)


async def written_in_turn(
    writes: Sequence[MasterWrite], write: Callable[[MasterWrite], Awaitable[str]]
) -> Sequence[MasterAnswer]:
    """Try one write after the other; `write` makes one attempt and gives the record's id.

    A refusal stops nobody. Any other trouble ends it: what was answered before is told, and the
    error is raised only if nothing was.
    """
    answers: list[MasterAnswer] = []
    for each in writes:
        try:
            answers.append(MasterWritten(await write(each)))
        except RejectedError as refusal:
            answers.append(MasterRefused(refusal.code, str(refusal)))
        except OutcomeUnknownError as trouble:
            answers.append(MasterUnsettled(trouble.code))
            break
        except (TransientError, ConflictError, ConnectionConfigError):
            if not answers:
                raise
            break
    return tuple(answers)


async def as_second_step(step: Awaitable[object]) -> None:
    """Take the second request of one write, after the first was carried out.

    Whatever becomes of it, the write has half happened: OutcomeUnknownError, so that it is looked
    up and what is missing is written anew.
    """
    try:
        await step
    except ConnectorError as trouble:
        raise OutcomeUnknownError("half_done", trouble.code) from trouble
