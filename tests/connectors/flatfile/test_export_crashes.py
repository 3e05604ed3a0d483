"""Wherever a writer is killed, each document is there once and its import takes it once."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canonical.posting import Executed, PostingIntent
from connectors.flatfile.export_papers import paper_of
from connectors.flatfile.export_shelf import WRITING, Paper, Put, Shelf
from tests.connectors.flatfile.export_world import ExportWorld

DOCUMENTS: Final = 2
STEPS_MAX: Final = 100
_KILLED: Final = 9
LATER: Final = datetime.now(UTC) + timedelta(days=1)


class MortalShelf(Shelf):
    """A shelf whose process ends, without a word, before or after one of its steps."""

    def __init__(self, folder: Path, last_step: int) -> None:
        super().__init__(folder)
        self._left = last_step

    def _step(self) -> None:
        self._left -= 1
        if self._left < 0:
            os._exit(_KILLED)

    def _write(self, paper: Paper) -> Path:
        self._step()
        written = super()._write(paper)
        self._step()
        return written

    def _name(self, path: Path, reference: str) -> None:
        self._step()
        super()._name(path, reference)
        self._step()

    def _move(self, path: Path, to: Path) -> None:
        self._step()
        super()._move(path, to)
        self._step()

    def _to_disk(self, folder: Path) -> None:
        super()._to_disk(folder)
        self._step()


def in_a_process_that_may_die(work: Callable[[], object]) -> bool:
    """Do it in a child; False if that was killed."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, _KILLED)
    return code == 0


class Import:
    """The ERP's import: it takes files away, whenever it likes."""

    def __init__(self, world: ExportWorld) -> None:
        self._outbox = world.folder / "outbox"
        self.taken: list[str] = []

    def run(self) -> None:
        """Take what is there now."""
        for path in sorted(self._outbox.iterdir()):
            self.taken.append(path.stem)
            path.unlink()


async def carry_on(world: ExportWorld, intents: list[PostingIntent]) -> None:
    """Look, and send what is not there, as the platform does."""
    target = world.connect()
    found = await target.find(intents)
    missing = [one for one in intents if one.reference not in found]
    outcomes = await target.post(missing, {})
    assert all(isinstance(one, Executed) for one in outcomes)


@pytest.mark.parametrize("takes_early", [False, True], ids=["import waits", "import is quick"])
async def test_a_kill_at_any_step_loses_nothing_and_delivers_nothing_twice(
    tmp_path: Path, takes_early: bool
) -> None:
    for last_step in range(STEPS_MAX):
        world = ExportWorld(tmp_path / f"erp-{last_step}")
        imports = Import(world)
        intents = [world.intent(parent=number) for number in range(DOCUMENTS)]
        papers = [paper_of(one) for one in intents]
        shelf = MortalShelf(world.folder, last_step)
        lived = in_a_process_that_may_die(lambda: shelf.put_all(papers))  # noqa: B023  Done here.
        if takes_early:
            imports.run()
        await carry_on(world, intents)
        imports.run()
        assert sorted(imports.taken) == sorted(one.reference for one in intents), last_step
        assert world.names_in("documents") == sorted(imports.taken)
        await world.connect().remove_stray_drafts(LATER)
        assert list((world.folder / WRITING).iterdir()) == []
        if lived:
            assert last_step > DOCUMENTS * 6, "fewer steps than a document takes"
            return
    pytest.fail("it never came to its end")


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
async def test_a_document_that_was_cut_at_any_byte_is_no_document(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    world = ExportWorld(tmp_path_factory.mktemp("erp") / "erp")
    intent = world.intent(note="à la carte")
    whole = paper_of(intent).data
    kept = data.draw(st.integers(0, len(whole)), label="bytes that were written")
    (world.folder / WRITING / f"{intent.reference}.abc").write_bytes(whole[:kept])
    target = world.connect()
    assert await target.find([intent]) == {}
    assert [each async for page in target.documents_since(None) for each in page] == []
    await carry_on(world, [intent])
    assert (world.folder / "outbox" / f"{intent.reference}.json").read_bytes() == whole
    assert await target.remove_stray_drafts(LATER) == 1
    assert list((world.folder / WRITING).iterdir()) == []


def test_many_writers_of_the_same_documents_write_and_deliver_each_once(
    tmp_path: Path,
) -> None:
    world = ExportWorld(tmp_path / "erp")
    intents = [world.intent(parent=number % 3) for number in range(20)]
    papers = [paper_of(one) for one in intents]
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            puts = Shelf(world.folder).put_all(papers)
            os._exit(sum(put is Put.WRITTEN for put in puts))
        children.append(child)
    ends = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert sum(ends) == len(intents)
    assert world.names_in("outbox") == world.names_in("documents")
    assert list((world.folder / WRITING).iterdir()) == []


async def test_a_writer_that_wakes_up_long_after_changes_nothing(tmp_path: Path) -> None:
    world = ExportWorld(tmp_path / "erp")
    imports, intent = Import(world), world.intent()
    world.network.hold_next_write()
    with pytest.raises(Exception, match="does not answer"):
        await world.connect().post([intent], {})
    await carry_on(world, [intent])
    imports.run()
    await world.network.release()
    imports.run()
    assert imports.taken == [intent.reference]


async def test_a_stray_that_is_swept_away_under_its_writer_was_not_written(
    tmp_path: Path,
) -> None:
    world = ExportWorld(tmp_path / "erp")
    intent = world.intent()

    class Swept(Shelf):
        def _name(self, path: Path, reference: str) -> None:
            assert Shelf(world.folder).remove_strays(LATER) == 1
            super()._name(path, reference)

    assert Swept(world.folder).put_all([paper_of(intent)]) == [Put.NOT_TRIED]
    assert world.names_in("documents") == world.names_in("outbox") == []
