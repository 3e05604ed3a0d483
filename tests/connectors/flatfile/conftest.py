"""The folder that the file drop's tests work in."""

from pathlib import Path

import pytest

from tests.connectors.flatfile.world import DropWorld


@pytest.fixture
def world(tmp_path: Path) -> DropWorld:
    """A new drop for each test."""
    return DropWorld(tmp_path / "drop")
