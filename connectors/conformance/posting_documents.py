"""What an ERP keeps to whose postings are documents: bills, invoices, entries of a journal."""

from typing import Any, ClassVar

from canonical.posting import Executed, PostingBody, TimeLine
from connectors.base.level import Level
from connectors.conformance.levels import at, rules_at
from connectors.conformance.posting_target import PostingTargetContract, posted
from connectors.conformance.posting_world import PostingTargetWorld

# Longer than a label; what a world makes of it is its longest label.
_LONG_NOTE = "  two\nlines,\ta tab and a \x07 bell " + 200 * "x"


@rules_at(Level.WRITES)
class DocumentTargetContract(PostingTargetContract):
    """The rules for lines of time, told of documents.

    Inherit it with a fixture `world`: a `PostingTargetWorld` that makes documents of one kind,
    `seconds` being an amount in the smallest coin, `note` a label.
    """

    durations: ClassVar[tuple[int, int]] = (1, 86_399)

    async def test_a_note_that_the_erp_cannot_keep_as_it_is_costs_nothing_else(
        self, world: PostingTargetWorld
    ) -> None:
        intent = world.intent(note=_LONG_NOTE)
        (document,) = await posted(world.connect(), [intent])
        assert without_words(document.body) == without_words(intent.body)
        # An ERP may keep it as it was, or as one line of what can be printed.
        assert _as_one_line(_LONG_NOTE)[:40] in _as_one_line(" ".join(words_of(document.body)))

    @at(Level.ATTESTED)
    async def test_what_the_erp_alters_silently_is_shown_as_it_is(
        self, world: PostingTargetWorld
    ) -> None:
        target, intent = world.connect(), world.intent(seconds=5_400)
        evidence = await target.guard_evidence([intent])
        world.network.alter_next_write(world.altered)
        (outcome,) = await target.post([intent], evidence)
        assert isinstance(outcome, Executed)
        assert outcome.document is not None
        assert without_words(outcome.document.body) != without_words(intent.body)


def without_words(body: PostingBody) -> PostingBody:
    """A body without what is only for people to read."""
    if isinstance(body, TimeLine):
        return body.model_copy(update={"note": ""})
    return body.model_copy(update={"lines": tuple(_wordless(line) for line in body.lines)})


def words_of(body: PostingBody) -> list[str]:
    """What of a body is for people to read."""
    return [body.note] if isinstance(body, TimeLine) else [line.label for line in body.lines]


def _as_one_line(text: str) -> str:
    return " ".join(text.replace("\x07", " ").split())


def _wordless(line: Any) -> Any:
    return line.model_copy(update={"label": ""})
