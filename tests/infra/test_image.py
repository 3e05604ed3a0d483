"""The image holds every package of ours, pinned dependencies, and nothing that is not needed."""

import re
import shlex

from tests.infra.manifests import CHECKOUT, project

DOCKERFILE = (CHECKOUT / "infra" / "Dockerfile").read_text()
DOCKERIGNORE = (CHECKOUT / ".dockerignore").read_text().splitlines()
LOCKS = {"requirements-build.lock", "requirements-production.lock"}


def instructions(name: str) -> list[list[str]]:
    """The words of every instruction of a name, continued lines joined."""
    text = re.sub(r"\\\n", " ", DOCKERFILE)
    return [
        shlex.split(line.removeprefix(name))
        for line in text.splitlines()
        if line.startswith(f"{name} ")
    ]


def copied_from_the_checkout() -> set[str]:
    """What the image is built from."""
    return {
        source
        for *sources, _destination in instructions("COPY")
        for source in sources
        if not any(word.startswith("--from") for word in sources)
    }


def test_the_image_is_built_from_everything_that_the_wheel_holds() -> None:
    wheel = project()["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    described = {project()["project"]["readme"], *project()["project"]["license-files"]}
    assert copied_from_the_checkout() == {*wheel, *described, *LOCKS, "pyproject.toml"}


def test_directories_are_copied_under_their_own_name() -> None:
    # COPY of a directory copies what is in it: two in one instruction would be poured together.
    for *sources, destination in instructions("COPY"):
        if (CHECKOUT / sources[0]).is_dir():
            assert sources == [destination]


def test_the_builder_is_sent_what_is_copied_and_nothing_else() -> None:
    lines = [line for line in DOCKERIGNORE if line and not line.startswith("#")]
    assert lines[0] == "*"
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert allowed == copied_from_the_checkout()


def test_every_stage_is_on_the_base_that_was_asked_for() -> None:
    assert [words[0] for words in instructions("FROM")] == ["${BASE}", "${BASE}"]
    assert "ARG BASE=" in DOCKERFILE


def test_nothing_is_installed_but_by_hash() -> None:
    installs = re.findall(r"install (--no-cache-dir [^&]*)", re.sub(r"\\\n", " ", DOCKERFILE))
    assert len(installs) == 3
    for words in map(str.split, installs):
        by_hash = "--require-hashes" in words and LOCKS & set(words)
        our_wheel = {"--no-index", "--no-deps"} <= set(words)
        assert by_hash or our_wheel


def test_the_process_is_the_worker_and_hears_the_signal_itself() -> None:
    # The form with brackets: a shell between would not pass SIGTERM on.
    assert 'ENTRYPOINT ["python", "-m", "worker"]' in DOCKERFILE
    assert instructions("STOPSIGNAL") == [["SIGTERM"]]
