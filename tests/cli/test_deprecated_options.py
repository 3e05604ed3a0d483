"""`ledgerway config check` warns of what is deprecated, and lets it be used until its day."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated

import pytest

from canonical.deprecation import Deprecation
from connectors.harvest import SYSTEM, HarvestOptions
from connectors.harvest.connector import connect
from runtime import config_check, deprecations
from runtime.config_check import Finding, check_configuration
from tests.cli.terminal import Terminal
from tests.cli.test_config import HARVEST, TRYTON, write

SENTENCE = (
    "option subdomain is deprecated since 2026-01-01, understood until 2026-12-31: "
    "use base_url instead"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OlderOptions(HarvestOptions):
    """Harvest's, with one more that is on its way out."""

    subdomain: Annotated[
        str, Deprecation("base_url", since=date(2026, 1, 1), until=date(2026, 12, 31))
    ] = ""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with an option that may be used, and has been for long."""
    older = replace(SYSTEM, options=OlderOptions, connect=connect)
    known = config_check.system_named
    for module in (config_check, deprecations):
        monkeypatch.setattr(
            module, "system_named", lambda name: older if name == "harvest" else known(name)
        )
    monkeypatch.setenv("ERP_PASSWORD", "a-secret")
    (tmp_path / "harvest.token").write_text("a-secret")
    source = {"system": "harvest", "posts_to": "tryton"}
    write(
        tmp_path,
        harvest={**source, "options": {**HARVEST, "subdomain": "firm"}},
        tryton={"system": "tryton", "options": TRYTON},
    )
    return tmp_path


def test_a_deprecated_option_is_a_warning(folder: Path) -> None:
    assert check_configuration(folder) == [Finding("harvest", SENTENCE, warning=True)]


async def test_the_command_tells_warnings_and_exits_with_nothing_wrong(
    nowhere: Terminal, folder: Path
) -> None:
    told = await nowhere.type("config", "check", "--config", folder)
    assert told.code == 0
    assert "What will be wrong" in told.out
    assert "The configuration can be used." in told.out
    answered = await nowhere.type("config", "check", "--config", folder, "--json")
    assert answered.json == {
        "good": True,
        "findings": [],
        "warnings": [{"where": "harvest", "sentence": SENTENCE}],
    }
