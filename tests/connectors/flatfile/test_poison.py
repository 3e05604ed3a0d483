"""Whatever stands in a file: it is read, or told, or stops the reading; it never breaks us."""

import json
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.conformance.contract_source import engagement, everything
from connectors.flatfile.connector import _FILES
from tests.connectors.flatfile.world import DropWorld

_TABLES: Final = sorted(name for name in _FILES if name.endswith(".csv"))
_often = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_cells = st.text(max_size=12) | st.sampled_from(
    ["ENG-1", "soft", "-0", "1e9", "NaN", "0" * 30, "9" * 5000, "2026-13-01", "٣", "a|", "\\", "\0"]
)


@pytest.fixture(scope="module")
def drop(tmp_path_factory: pytest.TempPathFactory) -> DropWorld:
    """One drop for all examples, of which each replaces a file."""
    return DropWorld(tmp_path_factory.mktemp("poison") / "drop")


async def _is_borne(drop: DropWorld) -> None:
    try:
        found = await drop.records()
    except (ConnectionConfigError, TransientError) as trouble:
        if trouble.code not in ("file_unreadable", "file_empty", "file_cut"):
            raise
        return
    for each in found:
        assert (each.record is None) is bool(each.trouble)
        for text in (each.raw, each.trouble or "", each.source_id or ""):
            assert "\0" not in text
            text.encode()
    ids = [each.source_id for each in found if each.source_id]
    assert len(ids) == len(set(ids))


@given(name=st.sampled_from(_FILES), data=st.binary(max_size=300))
@_often
async def test_any_bytes_are_borne(drop: DropWorld, name: str, data: bytes) -> None:
    drop.agree(*everything())
    (drop.folder / name).write_bytes(data)
    await _is_borne(drop)
    (drop.folder / name).unlink()


@given(
    name=st.sampled_from(_TABLES),
    rows=st.lists(st.lists(_cells, min_size=1, max_size=20), max_size=4),
)
@_often
async def test_any_cells_below_a_good_header_are_borne(
    drop: DropWorld, name: str, rows: list[list[str]]
) -> None:
    drop.agree(*everything())
    path = drop.folder / name
    width = path.read_text().splitlines()[0].count(",") + 1
    with path.open("a", encoding="utf-8", errors="surrogatepass", newline="") as file:
        for row in rows:
            cells = [*row, *[""] * width][:width]
            file.write(",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\r\n")
    await _is_borne(drop)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
_WHOLE: Final = json.loads(engagement("ENG-1").model_dump_json(exclude={"connection"}))


@given(member=st.sampled_from(sorted(_WHOLE)), value=_json)
@_often
async def test_any_value_of_json_is_borne(drop: DropWorld, member: str, value: object) -> None:
    drop.agree()
    line = json.dumps({**_WHOLE, member: value})
    (drop.folder / "engagements.jsonl").write_text(f"{line}\n")
    await _is_borne(drop)
