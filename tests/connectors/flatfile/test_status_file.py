"""The file of statuses holds each step once, whatever happens to whoever writes it."""

import asyncio
import json
import os
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.conformance.invoice_status import issued, life
from connectors.flatfile import appending
from tests.connectors.flatfile.world import DropWorld

STATUS = "invoice_status.jsonl"
ASIDE = "invoice_status.broken"
NEWS = life("CUST-001")


async def test_a_step_is_written_whole_with_money_as_text(world: DropWorld) -> None:
    await world.connect().tell_invoices([issued("CUST-001", "INV-Ä")])
    text = (world.folder / STATUS).read_text()
    assert text.endswith("}\n")
    assert json.loads(text, parse_float=_no_float) == {
        "id": "INV-Ä/issued",
        "event": "event-of-INV-Ä",
        "step": "issued",
        "engagement": "ENG-7",
        "customer": "CUST-001",
        "legal_entity": "DE01",
        "reference": "LREFINV-Ä",
        "number": "INV-Ä",
        "invoice_date": "2026-01-31",
        "due_date": "2026-03-02",
        "net": {"amount": "100.00", "currency": "EUR"},
        "total": {"amount": "119.00", "currency": "EUR"},
        "lines": [
            _line("Analysis", 7200, "50.00"),
            _line("Workshops, up to the cap", 5000, "33.33"),
            _line("Licence", 0, "16.67"),
        ],
        "amount": None,
        "on_date": None,
        "credits": "",
    }


def _line(label: str, seconds: int, amount: str) -> dict[str, Any]:
    return {"label": label, "seconds": seconds, "amount": {"amount": amount, "currency": "EUR"}}


def _no_float(digits: str) -> None:
    pytest.fail(f"{digits} is a number, and no text")


async def test_what_is_told_twice_in_one_call_is_written_once(world: DropWorld) -> None:
    answers = await world.connect().tell_invoices([NEWS[0], NEWS[0], NEWS[1]])
    assert [each.source_id for each in answers] == [NEWS[0].id, NEWS[0].id, NEWS[1].id]
    assert [each["id"] for each in world.told()] == [NEWS[0].id, NEWS[1].id]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
async def test_a_writer_may_die_at_any_byte_and_the_next_writes_the_rest(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    world = DropWorld(tmp_path_factory.mktemp("drop") / "drop")
    await world.connect().tell_invoices(NEWS)
    whole = (world.folder / STATUS).read_bytes()
    kept = data.draw(st.integers(0, len(whole)), label="bytes that were written")
    (world.folder / STATUS).write_bytes(whole[:kept])
    answers = await world.connect().tell_invoices(NEWS)
    assert all(each.accepted for each in answers)
    assert (world.folder / STATUS).read_bytes() == whole
    cut = whole[:kept].rsplit(b"\n", 1)[-1]
    complete = cut + b"\n" in whole
    aside = world.folder / ASIDE
    assert (aside.read_bytes() if aside.exists() else b"") == (
        b"" if complete or not cut else cut + b"\n"
    )


async def test_a_last_line_that_lacks_only_its_end_is_completed(world: DropWorld) -> None:
    await world.connect().tell_invoices(NEWS[:2])
    path = world.folder / STATUS
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    await world.connect().tell_invoices(NEWS[2:3])
    assert [each["id"] for each in world.told()] == [each.id for each in NEWS[:3]]
    assert not (world.folder / ASIDE).exists()


async def test_a_long_line_that_was_cut_is_set_aside_whole(world: DropWorld) -> None:
    await world.connect().tell_invoices(NEWS[:1])
    path = world.folder / STATUS
    rest = b'{"id": "' + b"x" * 200_000
    path.write_bytes(path.read_bytes() + rest)
    await world.connect().tell_invoices(NEWS[1:2])
    assert [each["id"] for each in world.told()] == [each.id for each in NEWS[:2]]
    assert (world.folder / ASIDE).read_bytes() == rest + b"\n"


async def test_many_writers_at_once_write_each_step_once(world: DropWorld) -> None:
    news = [issued("CUST-001", f"INV-{number}") for number in range(20)]
    await asyncio.gather(
        *(world.connect().tell_invoices(news[start : start + 10]) for start in range(0, 11, 2))
    )
    assert sorted(each["id"] for each in world.told()) == sorted(each.id for each in news)


async def test_a_step_counts_as_told_by_its_id_and_not_by_a_mention_of_it(
    world: DropWorld,
) -> None:
    quoting = replace(NEWS[1], id="other", event=NEWS[0].id)
    await world.connect().tell_invoices([quoting])
    await world.connect().tell_invoices([NEWS[0]])
    assert [each["id"] for each in world.told()] == ["other", NEWS[0].id]


async def test_what_returns_is_on_the_disk(
    world: DropWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    sync = os.fsync

    def remember(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_size)
        sync(descriptor)

    monkeypatch.setattr(appending.os, "fsync", remember)
    await world.connect().tell_invoices(NEWS)
    assert synced[-1] == (world.folder / STATUS).stat().st_size
    assert len(synced) == 2, "a new file is nothing without its folder's entry"


async def test_a_disk_that_refuses_is_trouble_and_a_repeat_writes_all_once(
    world: DropWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(appending.os, "fsync", full)
        with pytest.raises(TransientError):
            await world.connect().tell_invoices(NEWS)
    await world.connect().tell_invoices(NEWS)
    assert [each["id"] for each in world.told()] == [each.id for each in NEWS]


async def test_a_file_that_may_not_be_written_is_for_an_operator(
    world: DropWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(appending.os, "open", forbidden)
    with pytest.raises(ConnectionConfigError) as told:
        await world.connect().tell_invoices(NEWS)
    assert told.value.code == "cannot_write"


async def test_a_folder_that_went_away_is_not_made_anew(world: DropWorld) -> None:
    world.break_down()
    with pytest.raises(ConnectionConfigError) as told:
        await world.connect().tell_invoices(NEWS)
    assert told.value.code == "no_folder"
    assert not there(world)


def there(world: DropWorld) -> bool:
    """Whether its folder is there."""
    return world.folder.exists()
