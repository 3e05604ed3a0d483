"""Lock files pin every dependency by hash, agree with each other and with pyproject.toml."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.infra.manifests import CHECKOUT, project

EVERYTHING: Final = CHECKOUT / "requirements.lock"
PRODUCTION: Final = CHECKOUT / "requirements-production.lock"
BUILD: Final = CHECKOUT / "requirements-build.lock"
LOCKS: Final = tuple(
    sorted([*CHECKOUT.glob("requirements*.lock"), *(CHECKOUT / "sandbox").rglob("*.lock")])
)
_HASH: Final = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def entries_of(lock: Path) -> list[str]:
    """One text per requirement, its hashes included."""
    return re.sub(r"\\\n\s*", " ", lock.read_text()).splitlines()


def requirements_of(lock: Path) -> Mapping[str, Requirement]:
    """The requirements of a lock file by name."""
    found = [Requirement(entry.partition("--hash")[0].strip()) for entry in entries_of(lock)]
    return {canonicalize_name(one.name): one for one in found}


def version_of(pinned: Requirement) -> Version:
    """The one version of a pinned requirement."""
    (specifier,) = pinned.specifier
    assert specifier.operator == "=="
    return Version(specifier.version)


def wanted(requirements: Iterable[str]) -> list[Requirement]:
    """What pyproject.toml asks for, without what it asks of itself."""
    return [
        one for one in map(Requirement, requirements) if one.name != project()["project"]["name"]
    ]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_every_requirement_is_one_version_with_its_hashes(lock: Path) -> None:
    entries = entries_of(lock)
    assert entries
    for entry in entries:
        pinned, _, hashes = entry.partition(" --hash")
        version_of(Requirement(pinned))
        assert all(_HASH.fullmatch(word) for word in f"--hash{hashes}".split()), entry[:80]
        assert "@" not in entry  # No address to fetch it from.
        assert "://" not in entry


def test_a_lock_without_a_hash_would_be_noticed(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("anyio==4.16.0\n")
    with pytest.raises(AssertionError):
        test_every_requirement_is_one_version_with_its_hashes(lock)


@pytest.mark.parametrize("lock", [EVERYTHING, PRODUCTION], ids=lambda path: path.name)
def test_locks_hold_what_the_project_asks_for(lock: Path) -> None:
    asked = wanted(project()["project"]["dependencies"])
    if lock == EVERYTHING:
        extras = project()["project"]["optional-dependencies"]
        asked += [one for extra in extras.values() for one in wanted(extra)]
    locked = requirements_of(lock)
    for one in asked:
        found = locked.get(canonicalize_name(one.name))
        assert found is not None, f"{one.name} is not locked: make lock"
        assert version_of(found) in one.specifier, f"{one} is not what is locked: make lock"


def test_the_build_backend_is_locked() -> None:
    locked = requirements_of(BUILD)
    for one in wanted(project()["build-system"]["requires"]):
        assert version_of(locked[canonicalize_name(one.name)]) in one.specifier


@pytest.mark.parametrize("lock", [PRODUCTION, BUILD], ids=lambda path: path.name)
def test_production_runs_on_the_versions_that_were_tested(lock: Path) -> None:
    tested = requirements_of(EVERYTHING)
    for name, pinned in requirements_of(lock).items():
        assert version_of(pinned) == version_of(tested[name])


def test_production_has_no_tools_and_no_servers_of_the_local_world() -> None:
    extras = project()["project"]["optional-dependencies"]
    needed = {canonicalize_name(one.name) for one in wanted(project()["project"]["dependencies"])}
    extra = {canonicalize_name(one.name) for each in extras.values() for one in wanted(each)}
    assert not requirements_of(PRODUCTION).keys() & (extra - needed)
