"""Master records made and changed in Tryton: looked up with stamps, written once, read back.

A customer's and a person's party has a code that Tryton keeps unique. People, tasks and cost
centres are made through their parent, whose stamp lets only one of two attempts through. Projects
have neither: Tryton numbers them itself, so that ours carry their owner's code in their comment and
are looked for before they are made again. A change carries the stamps of what it changes.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

from canonical.cross_reference import MasterKind
from connectors.base.errors import (
    ConflictError,
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
from connectors.tryton.manifest import LINES_MAX
from connectors.tryton.master_calls import MasterCalls

CHILDREN: Final = frozenset({MasterKind.EMPLOYEE, MasterKind.TASK, MasterKind.DIMENSION_VALUE})
_Form = tuple[object, ...]


class MasterWriting:
    """Writes of master records; each call is all or nothing, so a refused one is halved."""

    def __init__(self, calls: MasterCalls) -> None:
        self._calls: Final = calls

    async def write(
        self, writes: Sequence[MasterWrite], evidence: Mapping[str, str]
    ) -> list[MasterAnswer]:
        """Make or change records of one kind; what is not answered clearly ends the attempt."""
        # A stamp is good for one write: what was written since the look was not in the look.
        stamps = dict(evidence)
        answers: list[MasterAnswer] = []
        for some in portions(writes):
            if not await self._portion(some, stamps, answers):
                break
        return answers

    async def _portion(
        self,
        some: Sequence[MasterWrite],
        stamps: dict[str, str],
        answers: list[MasterAnswer],
    ) -> bool:
        """Write a portion; False if nothing may follow in this attempt."""
        try:
            ids = await self._calls.attempt(some, stamps)
        except RejectedError as error:
            if len(some) > 1:
                # Nothing of it was done; which one it is, the halves tell.
                half = len(some) // 2
                return await self._portion(some[:half], stamps, answers) and await self._portion(
                    some[half:], stamps, answers
                )
            answers.append(MasterRefused(error.code, str(error)))
            return True
        except OutcomeUnknownError as error:
            answers.extend(MasterUnsettled(error.code) for _ in some)
            return False
        except (TransientError, ConflictError):
            # What was made is told; the rest was not tried.
            if not answers:
                raise
            return False
        answers.extend(MasterWritten(record) for record in ids)
        return True


def portions(writes: Sequence[MasterWrite]) -> list[Sequence[MasterWrite]]:
    """What goes in one call: new records of one parent; changes that are made in one place.

    In the order of the writes, so that those after an unclear answer are the ones not tried.
    """
    found: list[Sequence[MasterWrite]] = []
    for form, group in groupby(enumerate(writes), lambda numbered: _form(*numbered)):
        some = [one for _, one in group]
        size = 1 if form[0] == "alone" else LINES_MAX
        found += [some[start : start + size] for start in range(0, len(some), size)]
    return found


def _form(_: int, one: MasterWrite) -> _Form:
    if one.id is None:
        return ("make", one.legal_entity, one.parent if one.kind in CHILDREN else None)
    if one.kind is MasterKind.EMPLOYEE and "name" in one.values and len(one.values) > 1:
        # Two calls, for the person's name is kept with the party: a refusal must be of one.
        return ("alone",)
    return ("change", tuple(sorted(one.values)))
