"""A draft: what is to be written to the ledger for one document, put together step by step."""

from dataclasses import dataclass, field
from uuid import UUID

from canonical.exception_case import RootCause
from store.postings import Moves, NewPosting, Requeue


@dataclass(slots=True)
class Draft:
    """What is to be written: moves first, then new postings, requeued ones and stopped ones."""

    moves: Moves = field(default_factory=Moves)
    new: list[NewPosting] = field(default_factory=list)
    new_stopped: list[tuple[NewPosting, RootCause]] = field(default_factory=list)
    requeue: list[Requeue] = field(default_factory=list)
    stopped_again: list[tuple[UUID, RootCause]] = field(default_factory=list)

    @property
    def causes(self) -> set[RootCause]:
        """The root causes for which a case must be open."""
        return {cause for _, cause in (*self.new_stopped, *self.stopped_again)}

    def add_moves(self, more: Moves) -> None:
        """Add to the moves."""
        self.moves = Moves(
            cancel=[*self.moves.cancel, *more.cancel],
            supersede=[*self.moves.supersede, *more.supersede],
            note_withdrawn=[*self.moves.note_withdrawn, *more.note_withdrawn],
            note_revision=[*self.moves.note_revision, *more.note_revision],
        )


def requeue_of(key: UUID, again: NewPosting) -> Requeue:
    """A stopped posting with what it means now."""
    assert again.intent is not None
    return Requeue(
        key=key,
        legal_entity=again.legal_entity,
        seconds=again.seconds,
        amount=again.amount,
        currency=again.currency,
        intent=again.intent,
    )
