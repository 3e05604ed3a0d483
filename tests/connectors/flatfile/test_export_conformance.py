"""A folder that an ERP imports from keeps what every ERP keeps, and its guard is its names."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from canonical.posting import PostingKind
from connectors.base.capabilities import (
    DraftKeeper,
    MasterDataSource,
    PostingCalendar,
    PostingTarget,
)
from connectors.base.errors import TransientError
from connectors.conformance.http_contract import Tokens
from connectors.conformance.posting_documents import DocumentTargetContract
from connectors.conformance.posting_repeats import UniqueReferenceContract
from connectors.conformance.posting_target import PostingTargetContract, posted
from connectors.conformance.posting_world import PostingTargetWorld
from connectors.flatfile.export import SYSTEM
from connectors.flatfile.export_shelf import Shelf
from tests.connectors.flatfile.export_documents import (
    ExpenseWorld,
    InvoiceWorld,
    JournalWorld,
    ReversalWorld,
)
from tests.connectors.flatfile.export_world import ExportWorld


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ExportWorld]:
    """A new folder for each test; at its end all that was written was delivered, and once.

    What is posted there is of the kind that the test's class names.
    """
    world_of: type[ExportWorld] = getattr(request.cls, "world_of", ExportWorld)
    made = world_of(tmp_path / "erp")
    yield made
    Shelf(made.folder).finish()
    assert made.names_in("documents") == made.names_in("outbox")


class OnADisk(PostingTargetContract):
    """Two rules of a network in the words of a disk."""

    async def test_throttled_means_nothing_was_done_and_says_how_long_to_wait(
        self, world: PostingTargetWorld
    ) -> None:
        """A disk that is full for now; it does not know for how long."""
        target, intent = world.connect(), world.intent()
        world.network.answer_next_write(429, carried_out=False)
        with pytest.raises(TransientError) as told:
            await target.post([intent], {})
        assert told.value.code == "cannot_write"
        assert await world.held(intent.reference) == []

    async def test_find_shows_all_documents_of_a_reference_and_none_of_others(
        self, world: PostingTargetWorld
    ) -> None:
        """A name is taken once, whoever tries."""
        once, never = world.intent(), world.intent()
        await world.book(once)
        with pytest.raises(FileExistsError):
            await world.book(once)
        await world.book_for_somebody_else()
        found = await world.connect().find([never, once])
        assert {name: [one.body for one in of_it] for name, of_it in found.items()} == {
            once.reference: [once.body]
        }


class TestTarget(OnADisk):
    async def test_a_note_that_the_erp_cannot_keep_as_it_is_costs_nothing_else(
        self, world: PostingTargetWorld
    ) -> None:
        """A file keeps any note as it is."""
        intent = world.intent(note="  two\nlines,\ta tab and a \x07 bell " + 3_000 * "x")
        [document] = await posted(world.connect(), [intent])
        assert document.body == intent.body


class TestGuard(UniqueReferenceContract):
    pass


class OfExpenses:
    world_of = ExpenseWorld


class TestExpenses(OfExpenses, OnADisk, DocumentTargetContract):
    pass


class TestExpensesGuard(OfExpenses, UniqueReferenceContract):
    pass


class OfInvoices:
    world_of = InvoiceWorld


class TestInvoices(OfInvoices, OnADisk, DocumentTargetContract):
    pass


class TestInvoicesGuard(OfInvoices, UniqueReferenceContract):
    pass


class OfEntries:
    world_of = JournalWorld


class TestEntries(OfEntries, OnADisk, DocumentTargetContract):
    pass


class TestEntriesGuard(OfEntries, UniqueReferenceContract):
    pass


class OfReversals:
    world_of = ReversalWorld


class TestReversals(OfReversals, OnADisk, DocumentTargetContract):
    pass


class TestReversalsGuard(OfReversals, UniqueReferenceContract):
    pass


def test_it_fills_each_role_that_its_manifest_claims(world: ExportWorld) -> None:
    target = world.connect()
    roles = {PostingTarget, MasterDataSource, PostingCalendar, DraftKeeper}
    assert target.manifest.capabilities == roles == SYSTEM.capabilities
    assert all(isinstance(target, role) for role in roles)


def test_it_takes_back_by_opposites_and_removes_nothing(world: ExportWorld) -> None:
    manifest = world.connect().manifest
    assert not manifest.undone_by_deletion
    assert {one.kind for one in manifest.operations} == set(PostingKind) - {PostingKind.UNDO}


def test_the_runtime_finds_what_it_needs_to_connect(tmp_path: Path) -> None:
    options = TypeAdapter(SYSTEM.options).validate_python(
        {"connection": "erp", "folder": str(tmp_path)}
    )
    assert SYSTEM.connect(options, Tokens()).manifest.system == SYSTEM.name
